"""How an experiment fits: a linear model for each label on the rows where it is known, and scores of unseen groups."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from joblib import Memory
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import ComplementNB
from sklearn.svm import LinearSVC

from classifier.guidelines import LABELS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from experiment_data import Task
    from experiment_features import Features
    from experiment_recipe import Recipe
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

FOLDS = 3  # of groups, for scores of models that did not see a row


@dataclass(frozen=True)
class Data:
    """What a model is made of: features, labels (NaN where unknown), weights and folds of the training rows."""

    task: Task
    features: Features
    X: csr_matrix
    dev: csr_matrix
    y: NDArray[np.float32]
    weights: NDArray[np.float64]
    folds: NDArray[np.int64]
    cache: Path | None = None

    @property
    def judged(self) -> NDArray[np.bool_]:
        """The training rows judged for all six labels, which calibrate."""
        return self.task.train["kind"].isin(("ours", "judged")).to_numpy()


def fit_label(X: Any, y: Any, weights: Any, recipe: Recipe) -> tuple[NDArray[np.float64], float]:
    """Coefficients and intercept of one label, fitted where it is known, as `classifier.label_models` does."""
    known = np.flatnonzero(~np.isnan(y) & (weights > 0))
    truth, weight = y[known], weights[known].copy()
    weight[truth == 1] *= (weight[truth == 0].sum() / weight[truth == 1].sum()) ** recipe.imbalance
    if recipe.loss == "complement naive Bayes":
        bayes = ComplementNB().fit(X[known], truth, weight)
        return bayes.feature_log_prob_[1] - bayes.feature_log_prob_[0], 0.0
    if recipe.loss == "logistic":
        model: Any = LogisticRegression(C=recipe.regularisation, solver="liblinear", random_state=recipe.seed)
    else:
        loss = recipe.loss.replace(" ", "_")
        model = LinearSVC(C=recipe.regularisation, loss=loss, tol=recipe.tolerance, max_iter=2000,
                          random_state=recipe.seed)  # fmt: skip
    model.fit(X[known], truth, weight)
    return model.coef_[0], float(model.intercept_[0])


def fit(X: Any, y: Any, weights: Any, recipe: Recipe) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Coefficients (6, n_features) and intercepts of all labels."""
    found = [fit_label(X, truth, weights, recipe) for truth in y.T]
    return np.stack([coef for coef, _ in found]), np.array([intercept for _, intercept in found])


def scored(X: Any, model: tuple[Any, Any]) -> NDArray[np.float64]:
    """Decision values (n, 6)."""
    return np.asarray(X @ model[0].T + model[1])


def out_of_fold(data: Data, recipe: Recipe) -> NDArray[np.float64]:
    """Decision values of all training rows by models that did not see their groups."""
    recipe = replace(recipe, scheme="one fit", strength=0.0)  # what the values depend on, for the cache
    return Memory(data.cache, verbose=0).cache(_out_of_fold, ignore=["data"])(data, recipe, data.task.rows_key)


def _out_of_fold(data: Data, recipe: Recipe, key: str) -> NDArray[np.float64]:  # noqa: ARG001
    values = np.full(data.y.shape, np.nan)
    for fold in range(FOLDS):
        out = data.folds == fold
        values[out] = scored(data.X[out], fit(data.X[~out], data.y[~out], data.weights[~out], recipe))
    return values


def log_odds(values: Any, y: Any, rows: Any) -> Callable[[Any], NDArray[np.float64]]:
    """From decision values to log odds, by a sigmoid for each label fitted on some rows (Platt 1999)."""
    models = [LogisticRegression(C=1e6).fit(values[rows, i, None], y[rows, i]) for i in range(len(LABELS))]
    slopes = np.array([model.coef_[0, 0] for model in models])
    offsets = np.array([model.intercept_[0] for model in models])
    return lambda z: z * slopes + offsets


def calibrated(data: Data, recipe: Recipe) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Log odds of the training rows, out of fold, and of the judged rows."""
    values = out_of_fold(data, recipe)
    odds = log_odds(values, data.y, data.judged)
    return odds(values), odds(scored(data.dev, fit(data.X, data.y, data.weights, recipe)))


def sigmoid(z: Any) -> Any:
    """Log odds as confidences."""
    return 1.0 / (1.0 + np.exp(-z))
