"""Figures of an experiment on its judged rows, and the difference to the baseline with its interval.

The difference is taken in each resample of the same rows (a paired bootstrap; Efron & Tibshirani 1993), authors and
threads being drawn whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from classifier.bootstrap import Ranking, interval, resampled
from classifier.evaluation import MIN_POSITIVES
from classifier.examples import label_matrix

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from numpy.typing import NDArray

RESAMPLES = 500
FALSE_ALARMS = 0.01
PARTS = ("real text", "our messages", "English", "other languages", "disguised")


def macro(scores: Any, truth: Any, strata: Any | None = None) -> Callable[[Any], NDArray[np.float64]]:
    """Mean average precision over the labels, then over strata, as a function of bootstrap weights (b, n).

    Labels with fewer than three positives in a stratum are left out of it; NaN where none is left.

    >>> truth = np.array([[1.0], [0], [1], [1], [0]])
    >>> macro(np.array([[5.0], [4], [3], [2], [1]]), truth)(np.ones((1, 5))).round(3)
    array([0.806])
    """
    strata = np.zeros(len(truth), int) if strata is None else np.unique(strata, return_inverse=True)[1]
    rankings: list[list[tuple[Any, Ranking]]] = []
    for stratum in range(strata.max(initial=0) + 1):
        found = []
        for i in range(truth.shape[1]):
            rows = np.flatnonzero((strata == stratum) & ~np.isnan(truth[:, i]))
            if MIN_POSITIVES <= truth[rows, i].sum() < len(rows):
                found.append((rows, Ranking.of(scores[rows, i], truth[rows, i])))
        rankings += [found] if found else []

    def statistic(weights: Any) -> NDArray[np.float64]:
        figures = [_mean([ranking.figures(weights[:, rows])[0] for rows, ranking in found]) for found in rankings]
        return _mean(figures) if figures else np.full(len(weights), np.nan)

    return statistic


def _mean(columns: list[Any]) -> NDArray[np.float64]:
    """Mean over a list, NaN (no positive drawn) left out."""
    values = np.stack(columns)
    known = ~np.isnan(values)
    return np.where(known, values, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)


def figures(dev: pd.DataFrame, scores: Any, baseline: Any, resamples: int = RESAMPLES) -> dict[str, dict[str, Any]]:
    """For each part of the judged rows: ``value`` and ``difference`` to the baseline with its 95 % ``interval``."""
    found = {}
    for part, (rows, strata) in _parts(dev).items():
        truth, clusters = label_matrix(dev.iloc[rows]), dev["group"].iloc[rows].to_numpy(object)
        ours, theirs = (macro(values[rows], truth, strata) for values in (scores, baseline))
        found[part] = compared(ours, theirs, len(rows), clusters, resamples)
    return found


def compared(ours: Any, theirs: Any, n: int, clusters: Any, resamples: int = RESAMPLES) -> dict[str, Any]:
    """The value of one statistic, its difference to another, and the interval of the difference.

    >>> compared(lambda w: w.sum(axis=1), lambda w: w.sum(axis=1) - 1, 4, None, resamples=5)
    {'value': 4.0, 'difference': 1.0, 'interval': [1.0, 1.0]}
    """
    once = np.ones((1, n))
    drawn = resampled(lambda w: ours(w) - theirs(w), n, clusters=clusters, resamples=resamples)
    value = float(ours(once)[0])
    return {"value": value, "difference": value - float(theirs(once)[0]), "interval": interval(drawn)}


def _parts(dev: pd.DataFrame) -> dict[str, tuple[NDArray[np.intp], Any]]:
    """Rows and strata of each part; other languages and folds are averaged, each language counting the same."""
    part, lang = dev["part"].to_numpy(object), dev["lang"].to_numpy(object)
    found = {name: (np.flatnonzero(part == name), None) for name in dict.fromkeys(part.tolist())}
    if "our messages" in found:
        english, others = (np.flatnonzero((part == "our messages") & chosen) for chosen in (lang == "en", lang != "en"))
        found["English"], found["other languages"] = (english, None), (others, lang[others])
    if "fold" in dev:
        found = {name: (rows, dev["fold"].to_numpy()[rows]) for name, (rows, _) in found.items()}
    return {name: (rows, strata) for name, (rows, strata) in found.items() if len(rows)}


def recall_of_disguised(dev: pd.DataFrame, scores: Any, false_alarms: float = FALSE_ALARMS) -> float:
    """Mean recall over the labels on disguised messages, at the score that so many harmless dev messages exceed."""
    truth, disguised = label_matrix(dev), (dev["part"] == "disguised").to_numpy()
    recalls = []
    for i in range(truth.shape[1]):
        threshold = np.quantile(scores[~disguised & (truth[:, i] == 0), i], 1 - false_alarms)
        recalls.append(float((scores[disguised & (truth[:, i] == 1), i] > threshold).mean()))
    return float(np.mean(recalls))
