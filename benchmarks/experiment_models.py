"""What an experiment makes of its features: one linear model per label, or several fits put together (schemes)."""

from __future__ import annotations

import hashlib
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from experiment_features import below, beside, features, hashed, most_associated, most_frequent, weightiest
from experiment_fits import FOLDS, Data, calibrated, fit, fit_label, log_odds, out_of_fold, scored, sigmoid
from experiment_recipe import Outcome
from joblib import Memory
from sklearn.decomposition import TruncatedSVD
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import normalize

from classifier.evaluation import calibration_error
from classifier.examples import label_matrix
from classifier.guidelines import LABELS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from experiment_data import Task
    from experiment_features import Features
    from experiment_recipe import Recipe
    from scipy.sparse import csr_matrix

    Scheme = Callable[[Data, Recipe], tuple[Any, dict[str, float]]]

FURTHER_ROWS, HARD_ROWS = 30_000, 1_500
SVD_COLUMNS = 150
_ENOUGH = 20  # positives of a language from which its own sigmoid weighs more than the common one


def outcome(task: Task, recipe: Recipe, cache: Path | None = None) -> Outcome:
    """Fit a recipe and score the judged rows; the seconds are those of fitting, not of counting."""
    found = features(task, recipe, cache)
    started = time.perf_counter()
    found = _restricted(found, task, recipe, cache)
    folds = np.array([hashlib.sha256(group.encode()).digest()[1] % FOLDS for group in task.train["group"]])
    data = Data(task, found, found.train, found.dev, task.y, task.weights, folds, cache)
    scores, extra = SCHEMES[recipe.scheme](data, recipe)
    size = int(extra.pop("features", data.X.shape[1]))
    return Outcome(scores, size, time.perf_counter() - started, extra)


def _restricted(found: Features, task: Task, recipe: Recipe, cache: Path | None) -> Features:
    if not recipe.max_features or len(found.idf) <= recipe.max_features:
        return found
    features_alone = replace(recipe, scheme="one fit", strength=0.0)  # what the choice depends on, for the cache
    chosen = Memory(cache, verbose=0).cache(_chosen, ignore=["found", "task"])
    return found.restricted(chosen(found, task, features_alone, task.rows_key))


def _chosen(found: Features, task: Task, recipe: Recipe, key: str) -> Any:  # noqa: ARG001
    X, size = found.train, recipe.max_features
    if recipe.selection == "chi2":
        return most_associated(X, task.y, size)
    if recipe.selection == "frequency":
        return most_frequent(X, size)
    return weightiest(fit(X, task.y, task.weights, replace(recipe, tolerance=0.1))[0], found.idf, size)


def _one_fit(data: Data, recipe: Recipe) -> Any:
    return scored(data.dev, fit(data.X, data.y, data.weights, recipe)), {}


def _nb_weighted(data: Data, recipe: Recipe) -> Any:
    """Features times their log-count ratio, one matrix per label (Wang & Manning 2012)."""
    found = np.zeros((data.dev.shape[0], len(LABELS)))
    for i, y in enumerate(data.y.T):
        p, q = (data.X.T @ ((y == truth) * data.weights) + 1.0 for truth in (1, 0))
        ratio = np.abs(np.log((p / p.sum()) / (q / q.sum())))
        # 1 leaves only the ratio; its mean is one, so that C keeps its meaning.
        scale = (1 - recipe.strength) + recipe.strength * ratio / ratio.mean()
        coef, intercept = fit_label(data.X.multiply(scale).tocsr(), y, data.weights, recipe)
        found[:, i] = data.dev @ (coef * scale) + intercept
    return found, {}


def _average_of_blocks(data: Data, recipe: Recipe) -> Any:
    models = [fit(block.rows("train"), data.y, data.weights, recipe) for block in data.features.blocks]
    return sum(scored(b.rows("dev"), model) for b, model in zip(data.features.blocks, models, strict=True)), {}


def _blend(data: Data, recipe: Recipe) -> Any:
    """Log odds of the linear model and, by ``strength``, of complement naive Bayes (Rennie et al. 2003)."""
    bayes = replace(recipe, loss="complement naive Bayes", imbalance=0.0)
    return (1 - recipe.strength) * calibrated(data, recipe)[1] + recipe.strength * calibrated(data, bayes)[1], {}


def _with_confidences(data: Data, recipe: Recipe) -> Any:
    """Confidences of all labels, out of fold, beside the features, times ``strength``; fitted again."""
    X, dev = (beside([A, recipe.strength * np.tanh(odds / 4)])
              for A, odds in zip((data.X, data.dev), calibrated(data, recipe), strict=True))  # fmt: skip
    return scored(dev, fit(X, data.y, data.weights, recipe)), {}


def _stacked(data: Data, recipe: Recipe) -> Any:
    """A logistic regression of each label on the log odds of all six (Wolpert 1992)."""
    train, dev = calibrated(data, recipe)
    rows = data.judged
    models = [LogisticRegression(C=recipe.strength).fit(train[rows], y[rows]) for y in data.y.T]
    return np.column_stack([model.decision_function(dev) for model in models]), {}


def _chain(data: Data, recipe: Recipe) -> Any:
    """Each label sees the confidences of those before it, out of fold (Read et al. 2011; Senge et al. 2013)."""
    train, dev = (recipe.strength * np.tanh(odds / 4) for odds in calibrated(data, recipe))
    found = np.zeros_like(dev)
    for i, y in enumerate(data.y.T):
        coef, intercept = fit_label(beside([data.X, train[:, :i]]), y, data.weights, recipe)
        found[:, i] = beside([data.dev, dev[:, :i]]) @ coef + intercept
    return found, {}


def _svd(data: Data, recipe: Recipe) -> tuple[Any, Any]:
    svd = TruncatedSVD(SVD_COLUMNS, n_iter=2, random_state=recipe.seed)
    return normalize(svd.fit_transform(data.X)), normalize(svd.transform(data.dev))


def _svd_beside(data: Data, recipe: Recipe) -> Any:
    train, dev = (recipe.strength * values for values in _svd(data, recipe))
    X = beside([data.X, train])
    return scored(beside([data.dev, dev]), fit(X, data.y, data.weights, recipe)), {"features": X.shape[1]}


def _svd_averaged(data: Data, recipe: Recipe) -> Any:
    train, dev = _svd(data, recipe)
    small = scored(dev, fit(train, data.y, data.weights, replace(recipe, loss="logistic", regularisation=10.0)))
    return _one_fit(data, recipe)[0] + recipe.strength * small, {"features": data.X.shape[1] + train.shape[1]}


def _hashed(data: Data, recipe: Recipe) -> Any:
    columns = int(recipe.strength)
    model = fit(hashed(data.X, columns), data.y, data.weights, recipe)
    return scored(hashed(data.dev, columns), model), {"features": columns}


def _pseudo_cells(data: Data, recipe: Recipe) -> Any:
    """Unknown labels of the rows we have, filled in where a model that did not see them is sure (Scudder 1965).

    Rows with a known label of their own count ``strength`` of what they did, for each label alike.
    """
    y = _filled(data.y, sigmoid(calibrated(data, recipe)[0]))
    filled = np.isnan(data.y) & ~np.isnan(y)
    weights = np.where(filled.any(axis=1), data.weights * recipe.strength, data.weights)
    return scored(data.dev, fit(data.X, y, weights, recipe)), {"cells filled": float(filled.sum())}


def _pseudo_rows(data: Data, recipe: Recipe) -> Any:
    """Corpora rows that are not trained on, with the labels the model is sure of, at the weight of ``strength``."""
    rows = data.task.spare
    rows = rows.sample(min(FURTHER_ROWS, len(rows)), random_state=recipe.seed)
    X = _spare(data, recipe, rows)
    odds = log_odds(out_of_fold(data, recipe), data.y, data.judged)
    y = _filled(np.full((len(rows), len(LABELS)), np.nan, np.float32),
                sigmoid(odds(scored(X, fit(data.X, data.y, data.weights, recipe)))))  # fmt: skip
    return _fitted_with(data, recipe, X, y), {"cells filled": float((~np.isnan(y)).sum())}


def _hard_negatives(data: Data, recipe: Recipe) -> Any:
    """The corpora rows that alarm most among those in which nothing violates, at the weight of ``strength``."""
    spare = data.task.spare
    rows = spare[(spare["population"] == 1) & (label_matrix(spare) == 0).any(axis=1)]
    X, y = _spare(data, recipe, rows), label_matrix(rows)
    scores = np.where(y == 0, scored(X, fit(data.X, data.y, data.weights, recipe)), -np.inf)
    hard = np.unique(np.argsort(-scores, axis=0)[:HARD_ROWS])
    return _fitted_with(data, recipe, X[hard], y[hard]), {"rows added": float(len(hard))}


def _filled(y: Any, confidences: Any) -> Any:
    sure = (confidences > 0.95) | (confidences < 0.02)
    return np.where(np.isnan(y) & sure, confidences > 0.5, y).astype(np.float32)


def _spare(data: Data, recipe: Recipe, rows: Any) -> csr_matrix:
    """Further rows in the columns of the training rows, which are counted again for that."""
    task = replace(data.task, dev=rows)
    return _restricted(features(task, recipe), task, recipe, data.cache).dev


def _fitted_with(data: Data, recipe: Recipe, X: csr_matrix, y: Any) -> Any:
    weights = np.concatenate([data.weights, np.full(len(y), recipe.strength)])
    return scored(data.dev, fit(below(data.X, X), np.concatenate([data.y, y]), weights, recipe))


def _by_language(data: Data, recipe: Recipe) -> Any:
    """One sigmoid for each language, drawn towards the common one where positives are few."""
    values, dev = out_of_fold(data, recipe), _one_fit(data, recipe)[0]
    judged, lang = data.judged, data.task.train["lang"].to_numpy(object)
    common = log_odds(values, data.y, judged)(dev)
    own = common.copy()
    for name in np.unique(lang[judged]):
        rows, there = judged & (lang == name), (data.task.dev["lang"] == name).to_numpy()
        positives = data.y[rows].sum(axis=0)
        if (positives > 0).all() and there.any():
            share = positives / (positives + _ENOUGH)
            own[there] = share * log_odds(values, data.y, rows)(dev[there]) + (1 - share) * common[there]
    truth, part, extra = label_matrix(data.task.dev), data.task.dev["part"].to_numpy(object), {}
    for place in ("our messages", "real text"):
        for kind, odds in (("common", common), ("own", own)):
            rows = part == place
            errors = [calibration_error(sigmoid(odds[rows, i]), truth[rows, i]) for i in range(len(LABELS))]
            extra[f"calibration error/{place}/{kind} sigmoid"] = float(np.mean(errors))
    return own, extra


SCHEMES: dict[str, Scheme] = {
    "one fit": _one_fit,
    "features times log-count ratio": _nb_weighted,
    "average of a model per block": _average_of_blocks,
    "blend with naive Bayes": _blend,
    "confidences beside features": _with_confidences,
    "stacking": _stacked,
    "chain": _chain,
    "SVD beside features": _svd_beside,
    "SVD model averaged": _svd_averaged,
    "hashed columns": _hashed,
    "pseudo-labels in unknown cells": _pseudo_cells,
    "pseudo-labels on further rows": _pseudo_rows,
    "hard negatives": _hard_negatives,
    "sigmoid by language": _by_language,
}
