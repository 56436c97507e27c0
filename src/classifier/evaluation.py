"""Figures of a model on labelled messages: average precision with intervals, calibration, what each action would do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.metrics import average_precision_score, brier_score_loss

from classifier.guidelines import LABELS
from classifier.policy import ACTIONS

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["calibration_error", "evaluate"]

MIN_POSITIVES = 3  # below this an average precision says nothing and is left out


def calibration_error(confidences: NDArray[Any], truth: NDArray[Any], bins: int = 10) -> float:
    """Expected calibration error over equal-width bins (Naeini, Cooper & Hauskrecht 2015).

    >>> round(calibration_error(np.array([0.9, 0.9, 0.1, 0.1]), np.array([1, 1, 0, 0])), 3)
    0.1
    """
    index = np.minimum((confidences * bins).astype(int), bins - 1)
    gaps = [abs(confidences[index == b].sum() - truth[index == b].sum()) for b in range(bins)]
    return float(np.sum(gaps) / max(len(truth), 1))


def evaluate(
    confidences: NDArray[np.float32],
    truth: NDArray[np.float32],
    levels: NDArray[np.uint8] | None = None,
    *,
    resamples: int = 200,
    seed: int = 0,
) -> dict[str, Any]:
    """Figures per label and their mean.

    ``confidences`` and ``truth`` have shape (n, 6); NaN in ``truth`` is unknown and left out of that label's figures.
    ``levels`` (n, 6) are recommended actions. Each label gets n, positives, average precision with a 95 % bootstrap
    interval (None on fewer than 3 positives), Brier score, expected calibration error, and per action precision and
    recall. ``macro`` is the mean average precision over the labels that have one.
    """
    rng = np.random.default_rng(seed)
    figures: dict[str, Any] = {"labels": {}}
    for i, label in enumerate(LABELS):
        known = ~np.isnan(truth[:, i])
        y, p = truth[known, i] > 0, confidences[known, i].astype(float)
        entry: dict[str, Any] = {"n": len(y), "positives": int(y.sum()), "average_precision": None}
        if MIN_POSITIVES <= y.sum() < len(y):
            entry["average_precision"] = float(average_precision_score(y, p))
            entry["interval"] = _bootstrap(y, p, rng, resamples) if resamples else None
        if len(y):
            entry["brier"] = float(brier_score_loss(y, p))
            entry["calibration_error"] = calibration_error(p, y)
        if levels is not None:
            entry["actions"] = {action.value: _action(levels[known, i] >= action.level, y) for action in ACTIONS[1:]}
        figures["labels"][label] = entry
    measured = [e["average_precision"] for e in figures["labels"].values() if e["average_precision"] is not None]
    figures["n"] = len(truth)
    figures["macro"] = float(np.mean(measured)) if measured else None
    return figures


def _bootstrap(y: NDArray[np.bool_], p: NDArray[Any], rng: np.random.Generator, resamples: int) -> list[float]:
    values = []
    for _ in range(resamples):
        rows = rng.integers(0, len(y), len(y))
        if y[rows].any():
            values.append(average_precision_score(y[rows], p[rows]))
    return [float(end) for end in np.quantile(values, [0.025, 0.975])]


def _action(taken: NDArray[np.bool_], y: NDArray[np.bool_]) -> dict[str, Any]:
    hits = int((taken & y).sum())
    return {
        "taken": int(taken.sum()),
        "precision": hits / int(taken.sum()) if taken.any() else None,
        "recall": hits / int(y.sum()) if y.any() else None,
    }
