"""Where to put a threshold: a label's curve of hits and false alarms, and operating points written as sentences.

An operating point is a sentence such as ``maximum recall @ precision >= 0.9`` (the form comes from revscoring). It is
resolved on out-of-fold confidences, at the share of messages that break the guideline in the population
(``base_rate``), and holds at the lower end of a one-sided 95 % interval on enough positives, or not at all.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from classifier.errors import PolicyError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["METRICS", "MIN_POSITIVES", "Z95", "Curve", "OperatingPoint", "wilson"]

Z95 = 1.6448536269514722  # one-sided 95 %
MIN_POSITIVES = 20  # known positives at or above a threshold before it may be promised, unless a policy says otherwise


def wilson(successes: Any, trials: Any, z: float = Z95) -> tuple[Any, Any]:
    """Wilson's score interval of a proportion (Wilson 1927), one-sided at ``z`` on either end.

    >>> [round(float(end), 3) for end in wilson(9, 10)]
    [0.652, 0.977]
    """
    n = np.maximum(trials, 1e-9)
    p = successes / n
    centre, spread = p + z * z / (2 * n), z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return np.clip((centre - spread) / (1 + z * z / n), 0, 1), np.clip((centre + spread) / (1 + z * z / n), 0, 1)


@dataclass(frozen=True)
class Curve:
    """How one label's confidences separated known violations from known others, at falling thresholds.

    ``true_positives[i]`` of ``positives`` and ``false_positives[i]`` of ``negatives`` are at or above
    ``thresholds[i]``; all three arrays have shape (n_thresholds,).
    """

    thresholds: NDArray[np.float32]
    true_positives: NDArray[np.float64]
    false_positives: NDArray[np.float64]
    positives: float
    negatives: float

    @classmethod
    def of(
        cls, confidences: NDArray[np.float32], truth: NDArray[Any], weights: NDArray[np.float64] | None = None
    ) -> Curve:
        """The curve of confidences of shape (n,) against truth 1 or 0 (NaN: unknown, left out).

        ``weights`` say how much each negative counts: less where such messages are rarer in the population than here.
        """
        known = ~np.isnan(truth)
        counted = np.ones(len(truth)) if weights is None else weights
        confidences, counted, truth = confidences[known], counted[known], truth[known] > 0
        order = np.argsort(-confidences, kind="stable")
        ranked = confidences[order]
        last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], [True] * bool(len(ranked))))
        true_positives, false_positives = np.cumsum(truth[order])[last], np.cumsum(~truth[order] * counted[order])[last]
        return cls(ranked[last], true_positives.astype(float), false_positives.astype(float),
                   float(truth.sum()), float((~truth * counted).sum()))  # fmt: skip

    def thinned(self, size: int = 512) -> Curve:
        """At most ``size`` points: all where few negatives are above, fewer below."""
        if len(self.thresholds) <= size:
            return self
        tail = np.arange(size // 2)
        rest = np.geomspace(size // 2, len(self.thresholds) - 1, size - size // 2).astype(int)
        keep = np.unique(np.concatenate([tail, rest]))
        return replace(self, thresholds=self.thresholds[keep], true_positives=self.true_positives[keep],
                       false_positives=self.false_positives[keep])  # fmt: skip

    def metric(
        self, name: str, base_rate: float, *, pessimistic: bool = False, optimistic: bool = False
    ) -> NDArray[np.float64]:
        """One of `METRICS` at each threshold, for a population.

        Pessimistic values take the worse ends of the one-sided 95 % intervals of both rates, optimistic the better:

        >>> curve = Curve(np.float32([0.9, 0.5]), np.array([60.0, 80.0]), np.array([1.0, 10.0]), 100, 1000)
        >>> [curve.metric("precision", 0.01, pessimistic=low)[0].round(2).item() for low in (True, False)]
        [0.54, 0.86]
        >>> curve.metric("actions_per_10000", 0.01).round(1).tolist()  # 60 of 100 violations, 9.9 of 9,900 others
        [69.9, 179.0]
        """
        recall, false_rate = self.true_positives / max(self.positives, 1), self.false_positives / max(self.negatives, 1)
        if pessimistic or optimistic:
            low_recall = pessimistic != (name == "actions_per_10000")  # there the worse end is to find more
            recall = wilson(self.true_positives, self.positives)[0 if low_recall else 1]
            false_rate = wilson(self.false_positives, self.negatives)[1 if pessimistic else 0]
        if name == "recall":
            return recall
        if name == "false_positive_rate":
            return false_rate
        hits, alarms = base_rate * recall, (1 - base_rate) * false_rate
        if name == "actions_per_10000":
            return 10_000 * (hits + alarms)
        if name == "false_alarms_per_10000":
            return 10_000 * alarms
        precision = hits / np.maximum(hits + alarms, 1e-12)
        return precision if name == "precision" else 2 * precision * recall / np.maximum(precision + recall, 1e-12)

    def place(self, threshold: float) -> int | None:
        """Which point counts the messages at or above a threshold; None where there are none.

        >>> curve = Curve(np.float32([0.9, 0.5]), np.array([6.0, 8.0]), np.array([1.0, 10.0]), 10, 100)
        >>> curve.place(0.95), curve.place(0.9), curve.place(0.6), curve.place(0.0)
        (None, 0, 0, 1)
        """
        above = int(np.searchsorted(-self.thresholds, -np.float32(threshold), side="right"))
        return above - 1 if above else None


METRICS = ("recall", "precision", "f1", "false_positive_rate", "actions_per_10000", "false_alarms_per_10000")
_METRIC = "|".join(METRICS)
_SENTENCE = re.compile(rf"(maximum|minimum) ({_METRIC}) @ ({_METRIC}) (>=|<=) (\d*\.\d+|\d+)")


@dataclass(frozen=True)
class OperatingPoint:
    """A sentence that says where to put a threshold.

    >>> OperatingPoint.parse("maximum recall @ precision >= 0.9").bound
    0.9
    >>> OperatingPoint.parse("most recall")
    Traceback (most recent call last):
    ...
    classifier.errors.PolicyError: 'most recall' is no operating point; write 'maximum recall @ precision >= 0.9'
    """

    sentence: str
    aim: str
    objective: str
    condition: str
    comparison: str
    bound: float

    @classmethod
    def parse(cls, sentence: str, where: str = "") -> OperatingPoint:
        """Read a sentence; raises `PolicyError`."""
        match = _SENTENCE.fullmatch(" ".join(sentence.split()))
        if not match or float(match[5]) > (10_000 if match[3].endswith("per_10000") else 1):
            raise PolicyError(f"{sentence!r} is no operating point", where=where,
                              todo="write 'maximum recall @ precision >= 0.9'")  # fmt: skip
        aim, objective, condition, comparison, bound = match.groups()
        return cls(match[0], aim, objective, condition, comparison, float(bound))

    def resolve(self, curve: Curve, base_rate: float, min_positives: int = MIN_POSITIVES) -> float:
        """The threshold that meets the sentence on the curve, NaN where none does on ``min_positives`` positives."""
        condition = curve.metric(self.condition, base_rate, pessimistic=True)
        meets = condition >= self.bound if self.comparison == ">=" else condition <= self.bound
        meets &= curve.true_positives >= min_positives
        if not meets.any():
            return float("nan")
        objective = curve.metric(self.objective, base_rate)
        best = np.where(meets, objective if self.aim == "maximum" else -objective, -np.inf)
        return float(curve.thresholds[int(np.argmax(best))])

    def shortfall(self, curve: Curve, base_rate: float, min_positives: int = MIN_POSITIVES) -> str:
        """How near the curve comes to a sentence that it cannot meet, in words.

        >>> curve = Curve(np.float32([0.9, 0.5]), np.array([60.0, 80.0]), np.array([1.0, 10.0]), 100, 1000)
        >>> OperatingPoint.parse("maximum recall @ precision >= 0.9").shortfall(curve, 0.01)
        'best lower bound of precision on >= 20 positives is 0.539'
        >>> OperatingPoint.parse("maximum recall @ precision >= 0.9").shortfall(curve, 0.01, 100)
        'a promise needs 100 positives, and only 80 are found'
        """
        enough = curve.true_positives >= min_positives
        if not enough.any():
            found = int(curve.true_positives.max(initial=0))
            return f"a promise needs {min_positives} positives, and only {found} are found"
        condition = curve.metric(self.condition, base_rate, pessimistic=True)[enough]
        # Rounded away from the bound, so that what falls short by little does not read as met.
        best, end = (math.floor(condition.max() * 1000), "lower") if self.comparison == ">=" else (
            math.ceil(condition.min() * 1000), "upper")  # fmt: skip
        return f"best {end} bound of {self.condition} on >= {min_positives} positives is {best / 1000:g}"

    def asks_less_than(self, other: OperatingPoint) -> bool:
        """Whether two sentences differ only in the bound, and this one's is easier to meet.

        >>> one, two = (OperatingPoint.parse(f"maximum recall @ precision >= {bound}") for bound in (0.5, 0.9))
        >>> one.asks_less_than(two), two.asks_less_than(one)
        (True, False)
        """
        alike = (self.aim, self.objective, self.condition, self.comparison) == (
            other.aim, other.objective, other.condition, other.comparison)  # fmt: skip
        return alike and (self.bound < other.bound if self.comparison == ">=" else self.bound > other.bound)
