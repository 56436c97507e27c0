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
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import Pipeline
from sklearn.svm import LinearSVC
from sklearn.utils.validation import check_is_fitted

from classifier.errors import TrainingError
from classifier.evaluation import evaluate
from classifier.examples import label_matrix
from classifier.features import MessageVectorizer, table_bits
from classifier.guidelines import LABELS
from classifier.kernels.counting import build_table
from classifier.policy import Curve, Policy
from classifier.release import Release, stacked_curves

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

__all__ = ["LabelModels", "Settings", "Training", "train"]

Progress = Callable[[str, float], None]
_STEPS = 32767  # int16: the grid that coefficients are rounded to


@dataclass(frozen=True)
class Settings:
    """What a training run is made with; stored in the release.

    ``max_features`` is what the release keeps, those that weigh most in a first fit; ``regularisation`` is the ``C``
    of the linear models; ``imbalance`` the power of (negatives / positives) by which positives weigh more;
    ``corpus_weight`` the weight of a public corpus' own label against ours.
    """

    word_ngrams: tuple[int, int] = (1, 2)
    char_ngrams: tuple[int, int] = (2, 5)
    min_df: int = 2
    max_features: int = 300_000
    regularisation: float = 0.5
    imbalance: float = 0.25
    corpus_weight: float = 0.1
    corpus_limit: int = 8_000
    folds: int = 5
    seed: int = 0


class LabelModels(ClassifierMixin, BaseEstimator):
    """One linear support vector machine per label, each fitted where its label is known, with calibrated outputs.

    Parameters
    ----------
    regularisation, imbalance, folds, seed
        As in `Settings`.
    n_jobs : int or None
        Processes to fit with (joblib).

    Attributes
    ----------
    coef_ : float64 array of shape (6, n_features)
        Rounded to multiples of ``steps_``, so that a release holds the model exactly.
    steps_, intercept_, slopes_, offsets_ : float64 arrays of shape (6,)
        A label's confidence is ``sigmoid(slope * (coef @ x + intercept) + offset)`` (Platt 1999).
    out_of_fold_ : float32 array of shape (n, 6)
        Calibrated confidences of the training rows by models that did not see their groups.
    """

    def __init__(
        self,
        *,
        regularisation: float = 0.5,
        imbalance: float = 0.25,
        folds: int = 5,
        seed: int = 0,
        n_jobs: int | None = None,
    ) -> None:
        self.regularisation = regularisation
        self.imbalance = imbalance
        self.folds = folds
        self.seed = seed
        self.n_jobs = n_jobs

    def fit(
        self,
        X: csr_matrix,
        y: NDArray[np.float32],
        sample_weight: NDArray[np.float64] | None = None,
        groups: Sequence[str] | None = None,
        calibrate_on: NDArray[np.bool_] | None = None,
        progress: Progress | None = None,
    ) -> LabelModels:
        """Fit on ``X`` (n, n_features) and labels ``y`` (n, 6), NaN where unknown.

        ``groups`` stay in one fold (default: each row its own); ``calibrate_on`` marks the rows whose out-of-fold
        scores calibrate (default: all).

        Raises `TrainingError` naming the label that has too few positives or negatives for the folds.
        """
        y = np.asarray(y, np.float32)
        weights = np.ones(len(y)) if sample_weight is None else np.asarray(sample_weight, np.float64)
        group_ids = (
            np.arange(len(y))
            if groups is None
            else np.unique(np.asarray(groups, object).astype(str), return_inverse=True)[1]
        )
        self._check(y, group_ids)
        tasks = [(i, fold) for i in range(len(LABELS)) for fold in range(-1, self.folds)]
        folds = {i: self._fold_numbers(y[:, i], group_ids) for i in range(len(LABELS))}
        fitted = {}
        parallel = Parallel(n_jobs=self.n_jobs, return_as="generator")
        results = parallel(delayed(self._fit_one)(X, y[:, i], weights, folds[i], fold) for i, fold in tasks)
        for done, (task, result) in enumerate(zip(tasks, results, strict=True), 1):
            fitted[task] = result
            if progress:
                progress("fitting", done / len(tasks))
        coef = np.stack([fitted[i, -1][0] for i in range(len(LABELS))])
        self.steps_ = np.maximum(np.abs(coef).max(axis=1), 1e-12) / _STEPS
        self.coef_ = np.round(coef / self.steps_[:, None]) * self.steps_[:, None]
        self.intercept_ = np.array([fitted[i, -1][1] for i in range(len(LABELS))])
        self._calibrate(y, fitted, folds, np.ones(len(y), bool) if calibrate_on is None else calibrate_on)
        self.classes_ = list(LABELS)
        return self

    def decision_function(self, X: csr_matrix) -> NDArray[np.float64]:
        """Uncalibrated scores of shape (n, 6)."""
        check_is_fitted(self)
        return np.asarray(X @ self.coef_.T + self.intercept_)

    def predict_proba(self, X: csr_matrix) -> NDArray[np.float64]:
        """Calibrated confidences of shape (n, 6)."""
        return _sigmoid(self.slopes_ * self.decision_function(X) + self.offsets_)

    def predict(self, X: csr_matrix) -> NDArray[np.int8]:
        """1 where the confidence is at least one half; actions need a `Policy`."""
        return (self.predict_proba(X) >= 0.5).astype(np.int8)

    def _check(self, y: NDArray[np.float32], groups: NDArray[np.int64]) -> None:
        if y.ndim != 2 or y.shape[1] != len(LABELS):
            raise TrainingError(f"labels have shape {y.shape}", todo=f"give (n, {len(LABELS)}), NaN where unknown")
        for i, label in enumerate(LABELS):
            for value, name in ((1, "positives"), (0, "negatives")):
                rows = y[:, i] == value
                n_groups = len(np.unique(groups[rows]))
                if n_groups < self.folds:
                    raise TrainingError(
                        f"only {int(rows.sum())} {name} in {n_groups} groups for {self.folds} folds",
                        where=f"label {label}", todo="add labelled messages by more authors, or use fewer folds",
                    )  # fmt: skip

    def _fold_numbers(self, y: NDArray[np.float32], groups: NDArray[np.int64]) -> NDArray[np.int8]:
        """The fold of each row: of known rows by a stratified grouped split, of the others by nothing (-1)."""
        known = np.flatnonzero(~np.isnan(y))
        numbers = np.full(len(y), -1, np.int8)
        folds = StratifiedGroupKFold(self.folds, shuffle=True, random_state=self.seed)
        for number, (_, rows) in enumerate(folds.split(known, y[known], groups[known])):
            numbers[known[rows]] = number
        return numbers

    def _fit_one(
        self, X: csr_matrix, y: NDArray[np.float32], weights: NDArray[np.float64], folds: NDArray[np.int8], fold: int
    ) -> tuple[Any, ...]:
        """Fit on all known rows (fold -1) or all but one fold; return coefficients or the left-out rows' scores."""
        rows = np.flatnonzero((folds >= 0) & (folds != fold))
        truth, weight = y[rows], weights[rows].copy()
        ratio = weight[truth == 0].sum() / weight[truth == 1].sum()
        weight[truth == 1] *= ratio**self.imbalance
        model = LinearSVC(C=self.regularisation, random_state=self.seed, max_iter=2000).fit(X[rows], truth, weight)
        if fold < 0:
            return model.coef_[0], float(model.intercept_[0])
        left_out = np.flatnonzero(folds == fold)
        return left_out, model.decision_function(X[left_out])

    def _calibrate(
        self, y: Any, fitted: dict[Any, Any], folds: dict[int, Any], calibrate_on: NDArray[np.bool_]
    ) -> None:
        self.slopes_, self.offsets_ = np.ones(len(LABELS)), np.zeros(len(LABELS))
        self.out_of_fold_ = np.full(y.shape, np.nan, np.float32)
        for i in range(len(LABELS)):
            scores = np.full(len(y), np.nan)
            for fold in range(self.folds):
                left_out, values = fitted[i, fold]
                scores[left_out] = values
            rows = (folds[i] >= 0) & calibrate_on
            if len(np.unique(y[rows, i])) < 2:
                raise TrainingError("no positives or no negatives to calibrate on", where=f"label {LABELS[i]}")
            sigmoid = LogisticRegression(C=1e6).fit(scores[rows, None], y[rows, i])
            self.slopes_[i], self.offsets_[i] = float(sigmoid.coef_[0, 0]), float(sigmoid.intercept_[0])
            known = folds[i] >= 0
            self.out_of_fold_[known, i] = _sigmoid(self.slopes_[i] * scores[known] + self.offsets_[i])


def _sigmoid(z: Any) -> Any:
    return 1.0 / (1.0 + np.exp(-z))


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
    n_jobs: int | None = 2,
    progress: Progress | None = None,
) -> Training:
    """Train on labelled messages; evaluate each held-out frame once.

    ``examples`` has the columns of `examples.read_examples`; ``group`` (else ``author``, else ``id``) names what must
    stay in one fold, ``weight`` (default 1) how much a row counts, and ``annotated`` (default all) the rows judged for
    all six labels by our guide: those calibrate; ``population`` (default: ``annotated``) how much a harmless row
    counts when operating points are chosen, 0 leaving a row out.

    Same examples, settings and library versions give the same release digest.

    Raises `TrainingError` naming the label that cannot be fitted.
    """
    settings, report = settings or Settings(), progress or (lambda stage, share: None)
    texts, y = examples["text"].tolist(), label_matrix(examples)
    column = next((c for c in ("group", "author", "id") if c in examples), None)
    groups = examples[column].astype(str).tolist() if column else None
    weights = examples["weight"].to_numpy(float) if "weight" in examples else np.ones(len(texts))
    judged = examples["annotated"].to_numpy(bool) if "annotated" in examples else np.ones(len(texts), bool)
    population = examples["population"].to_numpy(float) if "population" in examples else judged.astype(float)

    report("reading n-grams", 0.0)
    vectorizer = MessageVectorizer(
        word_ngrams=settings.word_ngrams, char_ngrams=settings.char_ngrams, min_df=settings.min_df
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
    models.fit(X, y, weights, groups, judged, report)
    report("choosing operating points", 0.0)
    counted = population > 0
    curves = {
        label: Curve.of(models.out_of_fold_[counted, i], y[counted, i], population[counted])
        for i, label in enumerate(LABELS)
    }
    release = _release(name, vectorizer, models, curves, (policy or Policy()), settings, record or {})
    pipeline = Pipeline([("features", vectorizer), ("labels", models)])
    return Training(_with_metrics(release, pipeline, models, y, judged, held_out or {}, report), pipeline)


def _weightiest(X: Any, y: Any, weights: Any, vectorizer: Any, models: Any, size: int, n_jobs: Any) -> NDArray[np.intp]:
    """The columns whose contribution to any label is largest in a first fit, in the vectorizer's order."""
    fits = Parallel(n_jobs=n_jobs)(
        delayed(models._fit_one)(X, y[:, i], weights, np.where(np.isnan(y[:, i]), -1, 0).astype(np.int8), -1)
        for i in range(len(LABELS))
    )
    importance = np.max([np.abs(coef) / np.abs(coef).max() for coef, _ in fits], axis=0) * vectorizer.idf_
    kept = np.argpartition(-importance, size)[:size]
    return np.sort(kept)


def _release(
    name: str, vectorizer: MessageVectorizer, models: LabelModels, curves: dict[str, Curve], policy: Policy,
    settings: Settings, record: dict[str, Any],
) -> Release:  # fmt: skip
    idf, classes = np.unique(vectorizer.idf_, return_inverse=True)
    if len(idf) > _STEPS:
        raise TrainingError(f"{len(idf)} distinct document frequencies; a release numbers at most {_STEPS}")
    rows = np.zeros((len(vectorizer.idf_), 8), np.int16)
    rows[:, 0] = classes
    rows[:, 1 : 1 + len(LABELS)] = np.round(models.coef_ / models.steps_[:, None]).T
    arrays = {
        "slots": build_table(vectorizer.hashes_, table_bits(len(rows))),
        "rows": rows,
        "idf": idf,
        "curves": stacked_curves(curves),
    }
    coefficients = {
        "steps": models.steps_.tolist(),
        "intercepts": models.intercept_.tolist(),
        "slopes": models.slopes_.tolist(),
        "offsets": models.offsets_.tolist(),
    }
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
