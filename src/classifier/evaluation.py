"""Figures of a model on labelled messages: ranking, calibration, and what each action would do, with intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from classifier.bootstrap import TWO_SIDED_95, Ranking, interval, resampled
from classifier.guidelines import LABELS
from classifier.policy import ACTIONS, Curve, wilson

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

__all__ = ["calibration_error", "confusion", "evaluate", "hardest", "reliability", "workload"]

MIN_POSITIVES = 3  # below this an average precision says nothing and is left out


def calibration_error(confidences: NDArray[Any], truth: NDArray[Any], bins: int = 10) -> float:
    """Expected calibration error over equal-width bins (Naeini, Cooper & Hauskrecht 2015).

    >>> round(calibration_error(np.array([0.9, 0.9, 0.1, 0.1]), np.array([1, 1, 0, 0])), 3)
    0.1
    """
    gaps = [b["n"] * abs(b["confidence"] - b["share"]) for b in reliability(confidences, truth, bins)]
    return float(np.sum(gaps) / max(len(truth), 1))


def reliability(confidences: NDArray[Any], truth: NDArray[Any], bins: int = 10) -> list[dict[str, Any]]:
    """Mean confidence against the share that truly violates, in equal-width bins that hold messages.

    Each bin: ``low``, ``high``, ``n``, ``confidence``, ``share`` and its 95 % Wilson interval.

    >>> [(b["n"], b["share"]) for b in reliability(np.array([0.95, 0.95, 0.1]), np.array([1, 0, 0]))]
    [(1, 0.0), (2, 0.5)]
    """
    index = np.minimum((confidences * bins).astype(int), bins - 1)
    found = []
    for number in np.unique(index).tolist():
        rows = index == number
        n, hits = int(rows.sum()), int(truth[rows].sum())
        found.append({
            "low": number / bins, "high": (number + 1) / bins, "n": n, "confidence": float(confidences[rows].mean()),
            "share": hits / n, "interval": [float(end) for end in wilson(hits, n, TWO_SIDED_95)],
        })  # fmt: skip
    return found


def evaluate(
    confidences: NDArray[np.float32],
    truth: NDArray[np.float32],
    levels: NDArray[np.uint8] | None = None,
    *,
    clusters: NDArray[Any] | None = None,
    base_rates: Mapping[str, float] | None = None,
    population: NDArray[np.float64] | None = None,
    resamples: int = 200,
    seed: int = 0,
) -> dict[str, Any]:
    """Figures per label and their mean.

    ``confidences`` and ``truth`` have shape (n, 6); NaN in ``truth`` is unknown and left out of that label's figures.
    ``levels`` (n, 6) are recommended actions. Each label gets n, positives, average precision and ROC AUC with 95 %
    bootstrap intervals (None on fewer than 3 positives), Brier score, expected calibration error, and per action
    precision, recall and F1. ``macro`` is the mean average precision over the labels that have one.

    ``clusters`` (n,) names what the bootstrap draws together, such as authors. With ``base_rates``, the share of
    violations in the population, each action also gets ``at_base_rate``: its precision there and how many of 10,000
    messages it would take, with intervals; ``population`` (n,) says how much a harmless message counts for that.
    """
    figures: dict[str, Any] = {"labels": {}}
    for i, label in enumerate(LABELS):
        known = ~np.isnan(truth[:, i])
        y, p = truth[known, i] > 0, confidences[known, i].astype(float)
        entry: dict[str, Any] = {"n": len(y), "positives": int(y.sum()), "average_precision": None}
        drawn = None if clusters is None else clusters[known]
        if MIN_POSITIVES <= y.sum() < len(y):
            entry["average_precision"] = float(average_precision_score(y, p))
            entry["roc_auc"] = float(roc_auc_score(y, p))
            ends = Ranking.of(p, y).intervals(clusters=drawn, resamples=resamples, seed=seed)
            entry["interval"], entry["roc_auc_interval"] = ends
        if len(y):
            entry["brier"] = float(brier_score_loss(y, p))
            entry["calibration_error"] = calibration_error(p, y)
        if levels is not None:
            entry["actions"] = {action.value: _action(levels[known, i] >= action.level, y) for action in ACTIONS[1:]}
        if levels is not None and base_rates is not None:
            counted = np.ones(len(y)) if population is None else population[known]
            for action in ACTIONS[1:]:
                taken = levels[known, i] >= action.level
                entry["actions"][action.value] |= _intervals(taken, y, counted, base_rates[label], drawn,
                                                             resamples, seed)  # fmt: skip
        figures["labels"][label] = entry
    measured = [e["average_precision"] for e in figures["labels"].values() if e["average_precision"] is not None]
    figures["n"] = len(truth)
    figures["macro"] = float(np.mean(measured)) if measured else None
    return figures


def _action(taken: NDArray[np.bool_], y: NDArray[np.bool_]) -> dict[str, Any]:
    hits = int((taken & y).sum())
    return {
        "taken": int(taken.sum()),
        "precision": hits / int(taken.sum()) if taken.any() else None,
        "recall": hits / int(y.sum()) if y.any() else None,
        "f1": 2 * hits / int(taken.sum() + y.sum()) if taken.any() or y.any() else None,
    }


def _intervals(
    taken: NDArray[np.bool_], y: NDArray[np.bool_], counted: NDArray[np.float64], base_rate: float,
    clusters: NDArray[Any] | None, resamples: int, seed: int,
) -> dict[str, Any]:  # fmt: skip
    """Intervals of an action's precision, recall and F1, and what it would do at the base rate."""
    sums = np.column_stack([taken & y, taken, y, taken & ~y, ~y]).astype(float)
    sums[:, 3:] *= counted[:, None]

    def rates(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        hits, total, positives, false, negatives = (weights @ sums).T
        with np.errstate(invalid="ignore", divide="ignore"):
            recall, false_rate = hits / positives, false / negatives
            found, alarms = base_rate * recall, (1 - base_rate) * false_rate
            return np.column_stack([hits / total, recall, 2 * hits / (total + positives),
                                    found / (found + alarms), 1e4 * (found + alarms)])  # fmt: skip

    here = rates(np.ones((1, len(y))))[0]
    drawn = resampled(rates, len(y), clusters=clusters, resamples=resamples, seed=seed)
    precision, recall, f1, precise, load = (interval(column) for column in drawn.T)
    hits, total, _, false, negatives = sums.sum(axis=0)
    if precision and precise and load and total and not false:
        # A bootstrap cannot draw a false alarm that never happened; Wilson's interval allows for one.
        worst = float(wilson(0.0, negatives, TWO_SIDED_95)[1]) * (1 - base_rate)
        found = base_rate * here[1]
        precision[0] = float(wilson(hits, total, TWO_SIDED_95)[0])
        precise[0], load[1] = found / (found + worst), load[1] + 1e4 * worst
    return {
        "intervals": {"precision": precision, "recall": recall, "f1": f1},
        "at_base_rate": {
            "base_rate": base_rate, "precision": _or_none(here[3]), "precision_interval": precise,
            "per_10000": _or_none(here[4]), "per_10000_interval": load,
        },
    }  # fmt: skip


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def workload(
    confidences: NDArray[np.float32],
    truth: NDArray[Any],
    base_rate: float,
    population: NDArray[np.float64] | None = None,
    points: int = 80,
) -> list[dict[str, float]]:
    """What each threshold of one label would cost and give: of 10,000 messages, how many taken and how many rightly.

    >>> p, y = np.float32([0.9, 0.8, 0.7, 0.1]), np.array([1.0, 0.0, 1.0, 0.0])
    >>> [round(row["per_10000"]) for row in workload(p, y, base_rate=0.01)]
    [50, 5000, 5050, 10000]
    """
    curve = Curve.of(confidences, truth, population)
    recall, false_rate = curve.metric("recall", base_rate), curve.metric("false_positive_rate", base_rate)
    kept = np.unique(np.linspace(0, max(len(recall) - 1, 0), min(points, len(recall))).astype(int))
    return [
        {
            "threshold": float(curve.thresholds[i]),
            "recall": float(recall[i]),
            "precision": float(curve.metric("precision", base_rate)[i]),
            "per_10000": float(1e4 * (base_rate * recall[i] + (1 - base_rate) * false_rate[i])),
            "found_per_10000": float(1e4 * base_rate * recall[i]),
        }
        for i in kept
    ]


def confusion(levels: NDArray[np.uint8], truth: NDArray[np.float32]) -> dict[str, Any]:
    """Messages by true label (rows) and recommended label (columns), the last of each being none.

    A message with two labels counts in both rows, one recommended for two in both columns; ``totals`` are the messages
    of each row. The row of none holds messages known to violate nothing.

    >>> confusion(np.array([[1, 0, 0, 2, 0, 0]]), np.array([[1.0, 0, 0, 0, 0, 0]]))["counts"][0]
    [1, 0, 0, 1, 0, 0, 0]
    """
    taken = np.column_stack([levels > 0, ~(levels > 0).any(axis=1)]).astype(int)
    rows = np.column_stack([truth == 1, (truth == 0).all(axis=1)]).astype(int)
    return {
        "labels": [*LABELS, "none"],
        "counts": (rows.T @ taken).tolist(),
        "totals": rows.sum(axis=0).tolist(),
    }


def hardest(
    confidences: NDArray[np.float32], truth: NDArray[np.float32], ids: Sequence[str], count: int = 10
) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Per label the harmless messages of highest confidence and the violations of lowest: ids and confidences, no text.

    >>> hard = hardest(np.full((2, 6), 0.4, np.float32), np.array([[1.0] * 6, [0.0] * 6]), ["a", "b"])
    >>> [row["id"] for row in hard["spam"]["false_positives"]], [row["id"] for row in hard["spam"]["false_negatives"]]
    (['b'], ['a'])
    """
    found = {}
    for i, label in enumerate(LABELS):
        p = confidences[:, i]
        wrong = {"false_positives": (truth[:, i] == 0, -p), "false_negatives": (truth[:, i] == 1, p)}
        found[label] = {
            kind: [
                {"id": str(ids[row]), "row": int(row), "confidence": round(float(p[row]), 4)}
                for row in np.flatnonzero(rows)[np.argsort(key[rows], kind="stable")[:count]].tolist()
            ]
            for kind, (rows, key) in wrong.items()
        }
    return found
