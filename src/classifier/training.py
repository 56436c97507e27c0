"""Training: features, one linear model per label on the rows where it is known, calibration and operating points.

Everything that decides (calibration, thresholds) is chosen on out-of-fold scores, folds being whole groups (authors,
threads, templates), so that no message is judged by a model that saw its author.
"""

from __future__ import annotations

import platform
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import numpy as np
from joblib import Parallel, delayed
from sklearn.pipeline import Pipeline

from classifier.assembly import CORPUS_LIMIT, CORPUS_WEIGHT, HARMLESS_WEIGHT, REAL_TEXT_WEIGHT
from classifier.common_pieces import common_pieces
from classifier.errors import TrainingError
from classifier.evaluation import evaluate
from classifier.examples import label_matrix
from classifier.features import MessageVectorizer
from classifier.guidelines import LABELS
from classifier.label_models import LabelModels, feature_arrays
from classifier.policy import Curve, Policy
from classifier.reference import coverage_without_own_group, reference
from classifier.release import Release, no_severity, stacked_curves

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from classifier.severity_training import SeverityModel

__all__ = ["LabelModels", "Settings", "Training", "train"]

_ROUGH = 0.05  # tolerance of the first fit, which only ranks features

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Settings:
    """What a training run is made with; stored in the release.

    ``max_features`` is what the release keeps, those that weigh most in a first fit; ``regularisation`` is the ``C``
    of the linear models; ``imbalance`` the power of (negatives / positives) by which positives weigh more;
    ``real_text_weight`` the weight of a text of a public corpus that we judged, ``corpus_weight`` that of a corpus' own
    label, ``harmless_weight`` that of one in which nothing violates, against 1 for a message of ours. Of our messages a
    share ``disguised`` is there a second time as people write who evade a filter, a share ``framed`` beside an ordinary
    one; those that name a group are there ``swapped`` times more, said of others. ``contacts`` says whether shapes of
    contact details are features.
    """

    word_ngrams: tuple[int, int] = (1, 2)
    char_ngrams: tuple[int, int] = (2, 5)
    contacts: bool = True
    min_df: int = 2
    max_features: int = 300_000
    regularisation: float = 0.6
    imbalance: float = 0.25
    real_text_weight: float = REAL_TEXT_WEIGHT
    corpus_weight: float = CORPUS_WEIGHT
    harmless_weight: float = HARMLESS_WEIGHT
    corpus_limit: int = CORPUS_LIMIT
    disguised: float = 0.2
    framed: float = 0.1
    swapped: int = 2
    folds: int = 5
    seed: int = 0

    @property
    def rows(self) -> dict[str, Any]:
        """What `assembly.assemble` is told of the texts of public corpora: what they weigh, and how many to take."""
        names = ("real_text_weight", "corpus_weight", "harmless_weight", "corpus_limit")
        return {name: getattr(self, name) for name in names}

    @property
    def copies(self) -> dict[str, Any]:
        """What it is told of copies of our messages: disguised, framed and swapped ones."""
        return {"disguised": self.disguised, "framed": self.framed, "swapped": self.swapped}


@dataclass(frozen=True)
class Training:
    """What a run gives: the release (not yet written) and the equal scikit-learn pipeline."""

    release: Release
    pipeline: Pipeline


def train(
    examples: pd.DataFrame,
    *,
    name: str = "model",
    settings: Settings | None = None,
    policy: Policy | None = None,
    held_out: dict[str, pd.DataFrame] | None = None,
    record: dict[str, Any] | None = None,
    severity: SeverityModel | None = None,
    n_jobs: int | None = 2,
    progress: Progress | None = None,
) -> Training:
    """Train on labelled messages; evaluate each held-out frame once.

    ``examples`` has the columns of `examples.read_examples`; ``group`` (else ``author``, else ``id``) names what must
    stay in one fold, ``weight`` (default 1) how much a row counts, and ``annotated`` (default all) the rows judged for
    all six labels by our guide; ``calibrates`` (default: ``annotated``) how much a row counts in calibration and
    ``population`` (default: ``annotated``) how much a harmless row counts when operating points are chosen, 0 leaving
    a row out. ``severity`` is the model of `train_severity`, without which a release tells no threats, calls to
    self-harm, distress and sexual demands apart.

    Same examples, settings and library versions give the same release digest.

    Raises `TrainingError` naming the label that cannot be fitted.
    """
    settings, report = settings or Settings(), progress or (lambda stage, share: None)
    texts, y = examples["text"].tolist(), label_matrix(examples)
    column = next((c for c in ("group", "author", "id") if c in examples), None)
    groups = examples[column].astype(str).tolist() if column else None
    weights = examples["weight"].to_numpy(float) if "weight" in examples else np.ones(len(texts))
    judged = examples["annotated"].to_numpy(bool) if "annotated" in examples else np.ones(len(texts), bool)
    calibrates = examples["calibrates"].to_numpy(float) if "calibrates" in examples else judged.astype(float)
    population = examples["population"].to_numpy(float) if "population" in examples else judged.astype(float)

    report("reading n-grams", 0.0)
    vectorizer = MessageVectorizer(
        word_ngrams=settings.word_ngrams,
        char_ngrams=settings.char_ngrams,
        contacts=settings.contacts,
        min_df=settings.min_df,
    )
    try:
        X = vectorizer.fit_transform(texts)
    except ValueError as error:
        raise TrainingError(str(error)) from error
    models = LabelModels(regularisation=settings.regularisation, imbalance=settings.imbalance, folds=settings.folds,
                         seed=settings.seed, n_jobs=n_jobs)  # fmt: skip
    if X.shape[1] > settings.max_features:
        report("selecting n-grams", 0.0)
        vectorizer.restrict(_weightiest(X, y, weights, vectorizer, models, settings.max_features, n_jobs))
        X = vectorizer.transform(texts)
    models.fit(X, y, weights, groups, calibrates, report)
    record = {**(record or {}), "reference": _reference(texts, groups, judged, vectorizer, models.out_of_fold_)}
    report("choosing operating points", 0.0)
    counted = population > 0
    curves = {
        label: Curve.of(models.out_of_fold_[counted, i], y[counted, i], population[counted])
        for i, label in enumerate(LABELS)
    }
    report("looking up common words", 0.0)
    pieces = common_pieces(texts, vectorizer)
    release = _release(name, vectorizer, models, pieces, curves, (policy or Policy()), settings, record or {}, severity)
    pipeline = Pipeline([("features", vectorizer), ("labels", models)])
    return Training(_with_metrics(release, pipeline, models, y, judged, held_out or {}, report), pipeline)


def _reference(texts: list[str], groups: Any, judged: Any, vectorizer: Any, out_of_fold: Any) -> dict[str, Any]:
    """What the judged messages look like, for monitoring."""
    rows = np.flatnonzero(judged).tolist()
    found = [texts[i] for i in rows]
    own = None if groups is None else [groups[i] for i in rows]
    shares = coverage_without_own_group(
        found, own, vectorizer.hashes_, vectorizer.document_frequencies_, vectorizer.min_df, vectorizer.ranges
    )
    return reference(found, out_of_fold[rows], shares)


def _weightiest(X: Any, y: Any, weights: Any, vectorizer: Any, models: Any, size: int, n_jobs: Any) -> NDArray[np.intp]:
    """The columns whose contribution to any label is largest in a first fit, in the vectorizer's order."""
    fits = Parallel(n_jobs=n_jobs)(  # not threads: liblinear's draw from one generator, in whatever order they come
        delayed(models._fit_one)(X, y[:, i], weights, np.where(np.isnan(y[:, i]), -1, 0).astype(np.int8), -1, _ROUGH)
        for i in range(len(LABELS))
    )
    importance = np.max([np.abs(coef) / np.abs(coef).max() for coef, _ in fits], axis=0) * vectorizer.idf_
    kept = np.argpartition(-importance, size)[:size]
    return np.sort(kept)


def _release(
    name: str, vectorizer: MessageVectorizer, models: LabelModels, pieces: dict[str, NDArray[Any]],
    curves: dict[str, Curve], policy: Policy, settings: Settings, record: dict[str, Any],
    severity: SeverityModel | None,
) -> Release:  # fmt: skip
    arrays = {
        **feature_arrays(vectorizer, models),
        **pieces,
        "curves": stacked_curves(curves),
        **(severity.arrays if severity else no_severity()),
    }
    coefficients: dict[str, Any] = models.coefficients
    if severity:
        coefficients["severity"] = severity.coefficients
        record = {**record, "severity": severity.metrics}
    counts = {label: (curve.positives, curve.negatives) for label, curve in curves.items()}
    return Release(name, arrays, asdict(settings), coefficients, counts, policy.resolved(curves), record)


def _with_metrics(
    release: Release,
    pipeline: Pipeline,
    models: LabelModels,
    y: Any,
    judged: Any,
    held_out: dict[str, Any],
    report: Progress,
) -> Release:
    """Add figures, library versions and golden messages to the record of a release."""
    from classifier.golden import GOLDEN

    levels = release.policy.recommend(np.nan_to_num(models.out_of_fold_))
    metrics = {"out of fold": evaluate(models.out_of_fold_[judged], y[judged], levels[judged])}
    for number, (part, frame) in enumerate(held_out.items()):
        report("evaluating held-out messages", number / len(held_out))
        confidences = pipeline.predict_proba(frame["text"].tolist()).astype(np.float32)
        metrics[part] = evaluate(confidences, label_matrix(frame), release.policy.recommend(confidences))
    golden = [
        {"text": text, "confidences": [round(float(p), 7) for p in row]}
        for text, row in zip(GOLDEN, pipeline.predict_proba(list(GOLDEN)), strict=True)
    ]
    record = {
        **release.record,
        "metrics": metrics,
        "golden": golden,
        "rows": len(y),
        "judged": int(judged.sum()),
        "libraries": _libraries(),
    }
    return Release(
        release.name, release.arrays, release.settings, release.coefficients, release.counts, release.policy, record
    )


def _libraries() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in ("guideline-classifier", "numpy", "scipy", "scikit-learn", "numba", "joblib", "pandas"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "unknown"
    return found
