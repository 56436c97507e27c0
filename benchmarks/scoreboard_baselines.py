"""The contestants of the scoreboard: the release, and baselines trained on the rows it was trained on.

- *TF-IDF*: scikit-learn's text tutorial, `TfidfVectorizer` and `LogisticRegression` with their defaults, one a label.
- *NB-SVM*: Wang & Manning 2012, "Baselines and Bigrams": presence of words and pairs of words, scaled by their
  log-count ratio, a linear support vector machine, interpolated with the mean weight (beta 0.25).
- *fastText*: Joulin et al. 2016, one against all, in an environment of its own. It has no weights for rows and no
  unknown labels, so that there is one model a label, on the rows where it is known.
- *alt-profanity-check* and *Presidio* as they come: one score for abuse, and contact details.
"""

from __future__ import annotations

import json
import pickle
import statistics
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from contacts import presidio
from joblib import Parallel, delayed
from measuring import median_of_each, seconds_of
from peers_speed import Contestant, Missing, environment
from scipy.special import expit
from scoreboard_figures import COLUMNS, UNION, with_union
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from classifier.examples import label_matrix
from classifier.guidelines import LABELS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pandas as pd
    from numpy.typing import NDArray

    from classifier.scoring import Classifier

BETA = 0.25  # of NB-SVM
# Of fastText, chosen on the dev messages: its defaults (5 epochs, 0.1) rank much worse, 25 epochs at 0.1 the same.
EPOCHS, RATE = 10, 0.5
RELEASE = "the release"


@dataclass(frozen=True)
class Ranker:
    """A contestant: ``scores`` gives (n, 7) for texts, columns as `COLUMNS`, NaN but in those it ``judges``.

    ``size`` in bytes (None: it has no model); ``batch`` and ``single`` give the seconds of all messages that speed is
    measured on and of one of them; ``probability`` says whether scores are probabilities; scores up to ``nothing`` mean
    that it found nothing.
    """

    name: str
    about: str
    scores: Callable[[list[str]], NDArray[Any]]
    batch: Callable[[], float]
    single: Callable[[], float]
    size: int | None = None
    probability: bool = False
    judges: tuple[str, ...] = COLUMNS
    nothing: float = -np.inf
    stop: Callable[[], None] = lambda: None


@dataclass(frozen=True)
class Linear:
    """A vectorizer and a linear model for each label: ``coef`` (features, 6)."""

    vectorizer: Any
    coef: NDArray[np.float64]
    intercept: NDArray[np.float64]
    probability: bool

    def scores(self, texts: list[str]) -> NDArray[np.float64]:
        """Probabilities or margins (n, 6)."""
        margins = self.vectorizer.transform(texts) @ self.coef + self.intercept
        return expit(margins) if self.probability else margins


def release(scorer: Classifier, size: int, texts: list[str], few: int) -> Ranker:
    """The release that is measured."""
    return Ranker(
        RELEASE, f"`{scorer.release_id}`", lambda found: with_union(scorer.confidences(found)),
        lambda: seconds_of(lambda: scorer.confidences(texts, threads=1)),
        lambda: median_of_each(lambda text: scorer.confidences([text]), texts[:few]),
        size, probability=True,
    )  # fmt: skip


def baselines(train: pd.DataFrame, texts: list[str], few: int, folder: Path) -> tuple[list[Ranker], list[str]]:
    """All baselines, trained, and what is to be said of those that cannot be had; ``folder`` is for their files."""
    rankers, missing = [], []
    for make in (tfidf, nbsvm):
        print(f"# {make.__name__}", flush=True)
        rankers.append(_linear(make(train), make.__doc__ or "", texts, few))
    for other in (_fasttext, _alt_profanity, _presidio):
        print(f"# {other.__name__[1:]}", flush=True)
        try:
            rankers.append(other(train, texts, few, folder))
        except Missing as error:
            missing.append(f"{other.__name__[1:]} is not measured: {error}.")
    return rankers, missing


def tfidf(train: pd.DataFrame) -> Linear:
    """TF-IDF: words, logistic regression; scikit-learn's defaults."""
    return _fitted(TfidfVectorizer(), train, _logistic, probability=True)


def nbsvm(train: pd.DataFrame) -> Linear:
    """NB-SVM: presence of words and their pairs, log-count ratios, linear SVM, beta 0.25."""
    vectorizer = CountVectorizer(binary=True, ngram_range=(1, 2), token_pattern=r"\w+|[^\w\s]", dtype=np.float64)
    return _fitted(vectorizer, train, _interpolated, probability=False)


def _fitted(vectorizer: Any, train: pd.DataFrame, fit: Any, *, probability: bool) -> Linear:
    """One model for each label on the rows where it is known, with the weights of the rows."""
    X, y, weights = vectorizer.fit_transform(train["text"]), label_matrix(train), train["weight"].to_numpy(float)
    known = ~np.isnan(y)
    models = Parallel(n_jobs=2, prefer="threads")(
        delayed(fit)(X[known[:, i]], y[known[:, i], i] > 0, weights[known[:, i]]) for i in range(len(LABELS))
    )
    return Linear(vectorizer, np.column_stack([m[0] for m in models]), np.array([m[1] for m in models]), probability)


def _logistic(X: Any, y: NDArray[np.bool_], weights: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    model = LogisticRegression().fit(X, y, weights)
    return model.coef_[0], model.intercept_[0]


def _interpolated(X: Any, y: NDArray[np.bool_], weights: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Weights of NB-SVM for the presence of n-grams, the ratio multiplied into them."""
    with_label, without = 1 + X.T @ (weights * y), 1 + X.T @ (weights * ~y)
    ratio = np.log(with_label / with_label.sum()) - np.log(without / without.sum())
    scaled = X.copy()
    scaled.data *= ratio[scaled.indices]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # it stops after its 1,000 passes
        model = LinearSVC(random_state=0).fit(scaled, y, weights)
    coef = model.coef_[0]
    return ratio * ((1 - BETA) * np.abs(coef).mean() + BETA * coef), model.intercept_[0]


def _linear(model: Linear, told: str, texts: list[str], few: int) -> Ranker:
    name, _, about = told.rstrip(".").partition(": ")
    return Ranker(
        name, about, lambda found: with_union(model.scores(found)), lambda: seconds_of(lambda: model.scores(texts)),
        lambda: median_of_each(lambda text: model.scores([text]), texts[:few]), len(pickle.dumps(model)),
        model.probability,
    )  # fmt: skip


def _scored_by(contestant: Contestant, path: Path) -> Callable[[list[str]], NDArray[np.float64]]:
    """What gives the scores of a program in an environment of its own; texts go to it by a file."""

    def scores(texts: list[str]) -> NDArray[np.float64]:
        path.write_text(json.dumps(texts), encoding="utf-8")
        return np.array(contestant.ask(do="scores", texts=str(path)), float)

    return scores


def _external(name: str, contestant: Contestant, scores: Any, few: int, **more: Any) -> Ranker:
    size = int(contestant.ask(do="size"))
    return Ranker(name, contestant.told, scores, contestant.batch, lambda: contestant.single(few), size,
                  stop=contestant.stop, **more)  # fmt: skip


def _fasttext(train: pd.DataFrame, texts: list[str], few: int, folder: Path) -> Ranker:
    y, lines = label_matrix(train), [" ".join(text.split()) for text in train["text"]]
    for i, label in enumerate(LABELS):
        rows = [f"__label__{int(v)} {line}\n" for v, line in zip(y[:, i].tolist(), lines, strict=True) if v in (0, 1)]
        (folder / f"{i}_{label}.txt").write_text("".join(rows), encoding="utf-8")
    contestant = Contestant("fasttext_model", texts, folder, labels=str(folder), epochs=str(EPOCHS), rate=str(RATE))
    scored = _scored_by(contestant, folder / "fasttext_scores.json")
    return _external("fastText", contestant, lambda found: with_union(scored(found)), few, probability=True)


def _alt_profanity(_train: Any, texts: list[str], few: int, folder: Path) -> Ranker:
    contestant = Contestant("alt_profanity", texts, folder)
    scored = _scored_by(contestant, folder / "profanity_scores.json")
    return _external("alt-profanity-check", contestant, lambda found: _only(UNION, scored(found)), few,
                     judges=(UNION,))  # fmt: skip


@dataclass
class _Presidio:
    """Presidio as in ``contacts.py``: the score of its surest finding, and the seconds each message took it."""

    python: str
    times: list[float] = field(default_factory=list)

    def scores(self, texts: list[str]) -> NDArray[np.float64]:
        told = presidio(self.python, texts)
        self.times += told["times"]
        return _only("personal_info", np.array([max((f[3] for f in found), default=0.0) for found in told["found"]]))


def _presidio(_train: Any, texts: list[str], _few: int, _folder: Path) -> Ranker:
    program = _Presidio(str(environment("presidio")))
    return Ranker(
        "Presidio", "presidio-analyzer, pattern recognisers", program.scores,
        lambda: statistics.mean(program.times) * len(texts), lambda: statistics.median(program.times),
        judges=("personal_info",), nothing=0.0,
    )  # fmt: skip


def _only(column: str, scores: NDArray[Any]) -> NDArray[np.float64]:
    """Scores (n,) as (n, 7) in their column."""
    found = np.full((len(scores), len(COLUMNS)), np.nan)
    found[:, COLUMNS.index(column)] = scores
    return found
