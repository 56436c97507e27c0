"""The figures of the scoreboard, from scores and labels alone: ranking, matched thresholds, alarms, calibration."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.metrics import average_precision_score

from classifier.evaluation import MIN_POSITIVES, calibration_error
from classifier.guidelines import LABELS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from numpy.typing import NDArray

    from classifier.behaviour import GateReport

BOTH = ("harassment", "hate")
UNION = " or ".join(BOTH)  # what a program with one score for abuse is held against
COLUMNS = (*LABELS, UNION)
_PAIR = [LABELS.index(label) for label in BOTH]


def with_union(scores: NDArray[Any]) -> NDArray[Any]:
    """Scores of shape (n, 6) with a seventh column: the larger one of `BOTH`."""
    return np.column_stack([scores, scores[:, _PAIR].max(axis=1)])


def union_truth(truth: NDArray[Any]) -> NDArray[Any]:
    """Labels (n, 6) with a seventh column: 1 where one of `BOTH` is 1, 0 where both are 0, else unknown.

    >>> union_truth(np.array([[1, 0, 0, np.nan, 0, 0], [0, 0, 0, np.nan, 0, 0]]))[:, 6].tolist()
    [1.0, nan]
    """
    pair = truth[:, _PAIR]
    return np.column_stack([truth, np.where((pair == 1).any(axis=1), 1, np.where((pair == 0).all(axis=1), 0, np.nan))])


def average_precisions(scores: NDArray[Any], truth: NDArray[Any]) -> NDArray[np.float64]:
    """Average precision of each column; NaN where nothing is scored, or fewer than 3 positives or no negative known.

    >>> average_precisions(np.array([[0.9], [0.8], [0.7], [0.1]]), np.array([[1.0], [1.0], [1.0], [0.0]])).tolist()
    [1.0]
    """
    found = np.full(scores.shape[1], np.nan)
    for i in range(scores.shape[1]):
        known = ~np.isnan(truth[:, i])
        y, s = truth[known, i] > 0, scores[known, i]
        if MIN_POSITIVES <= y.sum() < len(y) and not np.isnan(s).any():
            found[i] = average_precision_score(y, s)
    return found


def macro(precisions: NDArray[Any], truth: NDArray[Any]) -> float:
    """The mean over the six labels that can be measured on ``truth``; NaN where one of those is not scored."""
    count, known = (truth > 0).sum(axis=0)[: len(LABELS)], (~np.isnan(truth)).sum(axis=0)[: len(LABELS)]
    measured = (count >= MIN_POSITIVES) & (count < known)
    return float(precisions[: len(LABELS)][measured].mean()) if measured.any() else float("nan")


def matched_threshold(scores: NDArray[Any], truth: NDArray[Any], recall: float, above: float = -np.inf) -> float:
    """The highest threshold at which at least ``recall`` of the positives are found, a score at it being found.

    Scores up to ``above`` mean that nothing is found: where the rest cannot reach the recall, the least of them is the
    threshold.

    >>> scores, truth = np.array([0.9, 0.8, 0.6, 0.0]), np.array([1, 0, 1, 1])
    >>> matched_threshold(scores, truth, 0.6), matched_threshold(scores, truth, 1.0, above=0.0)
    (0.6, 0.6)
    >>> matched_threshold(scores, truth, 0.0)  # nothing need be found
    inf
    """
    if recall <= 0:
        return float("inf")
    positives = np.sort(scores[truth > 0])[::-1]
    if not len(positives):
        return float("inf")
    needed = int(np.ceil(recall * len(positives) - 1e-9))
    found = positives[: int((positives > above).sum())]
    if not len(found):
        return float("inf")
    return float(found[min(needed, len(found)) - 1])


def recall_of(taken: NDArray[np.bool_], truth: NDArray[Any]) -> float:
    """The share of positives that are taken; NaN where there are none."""
    positive = truth > 0
    return float(taken[positive].mean()) if positive.any() else float("nan")


def alarms(taken: NDArray[np.bool_], truth: NDArray[Any]) -> float:
    """Of 10,000 harmless messages, on how many something is taken for a label that is known not to be there.

    Both have shape (n, columns); a label that is unknown raises no alarm.

    >>> alarms(np.array([[True, False], [False, True]]), np.array([[0, 0], [0, np.nan]]))
    5000.0
    """
    return float(1e4 * (taken & (truth == 0)).any(axis=1).mean()) if len(taken) else float("nan")


def calibration_errors(confidences: NDArray[Any], truth: NDArray[Any]) -> NDArray[np.float64]:
    """Expected calibration error of each of the six labels."""
    errors = []
    for i in range(len(LABELS)):
        known = ~np.isnan(truth[:, i])
        errors.append(calibration_error(confidences[known, i].astype(float), truth[known, i] > 0))
    return np.array(errors)


def passed_by_group(report: GateReport) -> dict[str, tuple[int, int]]:
    """Cases passed and cases of a gate's report, summed over the functions of each label, evasion and swap.

    >>> from classifier.behaviour import FunctionResult, GateReport
    >>> passed_by_group(GateReport((FunctionResult("spam.link", 4, 3), FunctionResult("spam.offer", 6, 6))))
    {'spam': (9, 10)}
    """
    groups: dict[str, tuple[int, int]] = {}
    for result in report.functions:
        group = result.name.partition(".")[0]
        passed, cases = groups.get(group, (0, 0))
        groups[group] = (passed + result.passed, cases + result.cases)
    return groups


def by_language(scores: NDArray[Any], truth: NDArray[Any], languages: Sequence[str]) -> dict[str, NDArray[np.float64]]:
    """Average precisions of each language, and their `macro` as a last entry."""
    names, found = np.array(languages), {}
    for lang in sorted(set(languages), key=lambda name: (name != "en", name)):
        rows = names == lang
        precisions = average_precisions(scores[rows], truth[rows])
        found[lang] = np.append(precisions, macro(precisions, truth[rows]))
    return found


def mean_of_others(found: dict[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    """The mean over all languages but English of what `by_language` gives; those that cannot be measured left out."""
    others = np.array([values for lang, values in found.items() if lang != "en"])
    if not len(others):
        return np.full(len(COLUMNS) + 1, np.nan)
    known = ~np.isnan(others)
    with np.errstate(invalid="ignore"):
        return np.where(known, others, 0).sum(axis=0) / known.sum(axis=0)
