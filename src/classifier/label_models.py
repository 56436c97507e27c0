"""`LabelModels`: one linear model per label, calibrated on scores of models that did not see a row's group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC
from sklearn.utils.validation import check_is_fitted

from classifier.errors import TrainingError
from classifier.guidelines import LABELS
from classifier.kernels.lookup import build_table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

    from classifier.features import MessageVectorizer

    Progress = Callable[[str, float], None]

__all__ = ["LabelModels", "feature_arrays"]

_STEPS = 32767  # int16: the grid that coefficients are rounded to
_EXACT, _NEAR = 1e-4, 1e-2  # tolerance of the solver: for the model, and for those that only tell how well it does


class LabelModels(ClassifierMixin, BaseEstimator):
    """One linear support vector machine per label, each fitted where its label is known, with calibrated outputs.

    Parameters
    ----------
    labels : tuple of str
        Names of the labels, in column order.
    regularisation, imbalance, folds, seed
        As in `Settings`.
    n_jobs : int or None
        Processes to fit with (joblib).

    Attributes
    ----------
    coef_ : float64 array of shape (6, n_features)
        Rounded to multiples of ``steps_``, so that a release holds the model exactly; ``grid_`` are the multiples.
    steps_, intercept_, slopes_, offsets_ : float64 arrays of shape (6,)
        A label's confidence is ``sigmoid(slope * (coef @ x + intercept) + offset)`` (Platt 1999).
    out_of_fold_ : float32 array of shape (n, 6)
        Calibrated confidences of the training rows by models that did not see their groups.
    """

    def __init__(
        self,
        *,
        labels: tuple[str, ...] = LABELS,
        regularisation: float = 0.6,
        imbalance: float = 0.25,
        folds: int = 5,
        seed: int = 0,
        n_jobs: int | None = None,
    ) -> None:
        self.labels = labels
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
        calibration_weight: NDArray[np.float64] | None = None,
        progress: Progress | None = None,
    ) -> LabelModels:
        """Fit on ``X`` (n, n_features) and labels ``y`` (n, 6), NaN where unknown.

        ``groups`` stay in one fold (default: each row its own); ``calibration_weight`` says how much the out-of-fold
        score of each row counts in calibration (default: all alike).

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
        tasks = [(i, fold) for i in range(len(self.labels)) for fold in range(-1, self.folds)]
        folds = {i: self._fold_numbers(y[:, i], group_ids) for i in range(len(self.labels))}
        fitted = {}
        parallel = Parallel(n_jobs=self.n_jobs, return_as="generator")
        results = parallel(
            delayed(self._fit_one)(X, y[:, i], weights, folds[i], fold, _EXACT if fold < 0 else _NEAR)
            for i, fold in tasks
        )
        for done, (task, result) in enumerate(zip(tasks, results, strict=True), 1):
            fitted[task] = result
            if progress:
                progress("fitting", done / len(tasks))
        coef = np.stack([fitted[i, -1][0] for i in range(len(self.labels))])
        self.steps_ = np.maximum(np.abs(coef).max(axis=1), 1e-12) / _STEPS
        self.grid_ = np.round(coef / self.steps_[:, None]).astype(np.int16)
        self.coef_ = self.grid_ * self.steps_[:, None]
        self.intercept_ = np.array([fitted[i, -1][1] for i in range(len(self.labels))])
        self._calibrate(y, fitted, folds, np.ones(len(y)) if calibration_weight is None else calibration_weight)
        self.classes_ = list(self.labels)
        return self

    @property
    def coefficients(self) -> dict[str, list[float]]:
        """Steps, intercepts and calibration as a release stores them."""
        return {
            "steps": self.steps_.tolist(),
            "intercepts": self.intercept_.tolist(),
            "slopes": self.slopes_.tolist(),
            "offsets": self.offsets_.tolist(),
        }

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
        if y.ndim != 2 or y.shape[1] != len(self.labels):
            raise TrainingError(f"labels have shape {y.shape}", todo=f"give (n, {len(self.labels)}), NaN where unknown")
        for i, label in enumerate(self.labels):
            for value, name in ((1, "positives"), (0, "negatives")):
                rows = y[:, i] == value
                n_groups = len(np.unique(groups[rows]))
                if n_groups < self.folds:
                    raise TrainingError(
                        f"only {int(rows.sum())} {name} in {n_groups} groups for {self.folds} folds",
                        where=f"label {label}", todo="add labelled messages by more authors, or use fewer folds",
                    )  # fmt: skip

    def _fold_numbers(self, y: NDArray[np.float32], groups: NDArray[np.int64]) -> NDArray[np.int8]:
        """The fold of each row, -1 where the label is unknown; whole groups, positives and rows spread evenly.

        Groups are dealt out to and fro, those of both kinds first, then those of positives alone, then the others from
        the other end: no fold holds all positives, or all negatives. ``StratifiedGroupKFold`` of scikit-learn weighs
        each group against each fold, which takes a third of a run with a hundred thousand groups.
        """
        known = np.flatnonzero(~np.isnan(y))
        names, group = np.unique(groups[known], return_inverse=True)
        sizes, positives = np.bincount(group), np.bincount(group, y[known])
        kind = np.select([positives == 0, positives == sizes], [2, 1], 0)
        chance = np.random.default_rng(self.seed).permutation(len(names))
        order = np.lexsort((chance, -sizes, -positives, kind))
        there = np.concatenate([np.arange(self.folds), np.arange(self.folds)[::-1]])
        first, rest = order[: (kind < 2).sum()], order[(kind < 2).sum() :]
        dealt = np.empty(len(names), np.int8)
        dealt[first], dealt[rest] = np.resize(there, len(first)), np.resize(self.folds - 1 - there, len(rest))
        numbers = np.full(len(y), -1, np.int8)
        numbers[known] = dealt[group]
        return numbers

    def _fit_one(
        self, X: csr_matrix, y: NDArray[np.float32], weights: NDArray[np.float64], folds: NDArray[np.int8], fold: int,
        tolerance: float,
    ) -> tuple[Any, ...]:  # fmt: skip
        """Fit on all known rows (fold -1) or all but one fold; return coefficients or the left-out rows' scores."""
        rows = np.flatnonzero((folds >= 0) & (folds != fold))
        truth, weight = y[rows], weights[rows].copy()
        ratio = weight[truth == 0].sum() / weight[truth == 1].sum()
        weight[truth == 1] *= ratio**self.imbalance
        model = LinearSVC(C=self.regularisation, random_state=self.seed, max_iter=2000, tol=tolerance)
        model.fit(X[rows], truth, weight)
        if fold < 0:
            return model.coef_[0], float(model.intercept_[0])
        left_out = np.flatnonzero(folds == fold)
        return left_out, model.decision_function(X[left_out])

    def _calibrate(self, y: Any, fitted: dict[Any, Any], folds: dict[int, Any], weight: NDArray[Any]) -> None:
        self.slopes_, self.offsets_ = np.ones(len(self.labels)), np.zeros(len(self.labels))
        self.out_of_fold_ = np.full(y.shape, np.nan, np.float32)
        for i in range(len(self.labels)):
            scores = np.full(len(y), np.nan)
            for fold in range(self.folds):
                left_out, values = fitted[i, fold]
                scores[left_out] = values
            rows = (folds[i] >= 0) & (weight > 0)
            if len(np.unique(y[rows, i])) < 2:
                raise TrainingError("no positives or no negatives to calibrate on", where=f"label {self.labels[i]}")
            sigmoid = LogisticRegression(C=1e6).fit(scores[rows, None], y[rows, i], weight[rows])
            # Their last digits depend on the processor (BLAS); without them processors agree on a release's digest.
            self.slopes_[i] = float(f"{sigmoid.coef_[0, 0]:.10g}")
            self.offsets_[i] = float(f"{sigmoid.intercept_[0]:.10g}")
            known = folds[i] >= 0
            self.out_of_fold_[known, i] = _sigmoid(self.slopes_[i] * scores[known] + self.offsets_[i])


def _sigmoid(z: Any) -> Any:
    return 1.0 / (1.0 + np.exp(-z))


def feature_arrays(vectorizer: MessageVectorizer, models: LabelModels) -> dict[str, NDArray[Any]]:
    """The features and weights of fitted models as a release stores them: slots, pilots, rows and idf.

    Raises `TrainingError` where document frequencies are more than a row can number.
    """
    idf, classes = np.unique(vectorizer.idf_, return_inverse=True)
    if len(idf) > _STEPS:
        raise TrainingError(f"{len(idf)} distinct document frequencies; a release numbers at most {_STEPS}")
    rows = np.zeros((len(classes), 8), np.int16)
    rows[:, 0] = classes
    rows[:, 1 : 1 + len(models.labels)] = models.grid_.T
    table = build_table(vectorizer.hashes_)
    return {"slots": table.slots, "pilots": table.pilots, "rows": rows, "idf": idf}
