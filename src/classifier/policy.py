"""From confidences to actions: operating points written as sentences, thresholds, surfaces.

An operating point is a sentence such as ``maximum recall @ precision >= 0.9`` (the form comes from revscoring). It is
resolved on out-of-fold confidences, at the share of messages that break the guideline in the population
(``base_rate``), and holds at the lower end of a 95 % interval of the precision, or the action is not offered.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from classifier.errors import PolicyError
from classifier.guidelines import LABELS, SURFACES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

__all__ = ["ACTIONS", "Action", "Curve", "OperatingPoint", "Policy", "SurfaceRule", "read_policy"]

Z95 = 1.6448536269514722  # one-sided 95 %
MIN_POSITIVES = 20  # known positives at or above a threshold before it may be promised


class Action(str, Enum):
    """What is recommended, from least to most severe. Compares by severity, also with its name.

    >>> Action.REPORT > "flag", max(Action.NONE, Action.BLOCK) == "block", f"{Action.FLAG}"
    (True, True, 'flag')
    """

    NONE = "none"
    FLAG = "flag"
    REPORT = "report"
    BLOCK = "block"

    @property
    def level(self) -> int:
        """0 for none to 3 for block."""
        return _LEVELS[self.value]

    def __str__(self) -> str:
        return self.value

    __hash__ = str.__hash__

    def __lt__(self, other: str) -> bool:
        return self.level < Action(other).level

    def __le__(self, other: str) -> bool:
        return self.level <= Action(other).level

    def __gt__(self, other: str) -> bool:
        return self.level > Action(other).level

    def __ge__(self, other: str) -> bool:
        return self.level >= Action(other).level


ACTIONS: tuple[Action, ...] = tuple(Action)
_LEVELS = {action.value: level for level, action in enumerate(ACTIONS)}


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

    def metric(self, name: str, base_rate: float, *, pessimistic: bool = False) -> NDArray[np.float64]:
        """``recall``, ``precision``, ``false_positive_rate`` or ``f1`` at each threshold, for a population.

        Pessimistic values take the worse end of the one-sided 95 % intervals of both rates.
        """
        recall, false_rate = self.true_positives / max(self.positives, 1), self.false_positives / max(self.negatives, 1)
        if pessimistic:
            recall = wilson(self.true_positives, self.positives)[0]
            false_rate = wilson(self.false_positives, self.negatives)[1]
        if name == "recall":
            return recall
        if name == "false_positive_rate":
            return false_rate
        hits = base_rate * recall
        precision = hits / np.maximum(hits + (1 - base_rate) * false_rate, 1e-12)
        return precision if name == "precision" else 2 * precision * recall / np.maximum(precision + recall, 1e-12)


_METRICS = "recall|precision|f1|false_positive_rate"
_SENTENCE = re.compile(rf"(maximum|minimum) ({_METRICS}) @ ({_METRICS}) (>=|<=) (0?\.\d+|[01](?:\.0+)?)")


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
        if not match:
            raise PolicyError(f"{sentence!r} is no operating point", where=where,
                              todo="write 'maximum recall @ precision >= 0.9'")  # fmt: skip
        aim, objective, condition, comparison, bound = match.groups()
        return cls(match[0], aim, objective, condition, comparison, float(bound))

    def resolve(self, curve: Curve, base_rate: float) -> float:
        """The threshold that meets the sentence on the curve, NaN where none does on `MIN_POSITIVES` positives."""
        condition = curve.metric(self.condition, base_rate, pessimistic=True)
        meets = condition >= self.bound if self.comparison == ">=" else condition <= self.bound
        meets &= curve.true_positives >= MIN_POSITIVES
        if not meets.any():
            return float("nan")
        objective = curve.metric(self.objective, base_rate)
        best = np.where(meets, objective if self.aim == "maximum" else -objective, -np.inf)
        return float(curve.thresholds[int(np.argmax(best))])


@dataclass(frozen=True)
class SurfaceRule:
    """How a surface treats a label: no action above ``at_most``, thresholds moved by ``shift`` (up relaxes)."""

    at_most: Action = Action.BLOCK
    shift: float = 0.0


_DEFAULT_SENTENCES = {
    "flag": "maximum recall @ precision >= 0.5",
    "report": "maximum recall @ precision >= 0.8",
    "block": "maximum recall @ precision >= 0.95",
}


@dataclass(frozen=True)
class Policy:
    """Operating points per label and action, and the thresholds they resolved to.

    ``points[label][action]`` is a sentence or a number (a threshold); ``thresholds`` has shape (6, 3), NaN where an
    action is not offered.
    """

    points: Mapping[str, Mapping[str, str | float]] = field(
        default_factory=lambda: {label: dict(_DEFAULT_SENTENCES) for label in LABELS}
    )
    base_rates: Mapping[str, float] = field(default_factory=lambda: dict.fromkeys(LABELS, 0.01))
    surfaces: Mapping[str, Mapping[str, SurfaceRule]] = field(
        # Members may exchange contacts in private; what the guidelines forbid is publishing them.
        default_factory=lambda: {"private_message": {"personal_info": SurfaceRule(Action.FLAG, 0.05)}}
    )
    thresholds: NDArray[np.float32] = field(default_factory=lambda: np.full((len(LABELS), 3), np.nan, np.float32))

    def resolved(self, curves: Mapping[str, Curve], where: str = "") -> Policy:
        """The policy with thresholds found on the curves of a model.

        Where a sentence cannot be met its action is not offered; where thresholds of a label would fall as actions
        grow more severe, they are raised to the milder action's.
        """
        thresholds = np.full((len(LABELS), 3), np.nan, np.float32)
        for i, label in enumerate(LABELS):
            for k, action in enumerate(ACTIONS[1:]):
                point = self.points[label].get(action.value)
                if isinstance(point, str):
                    parsed = OperatingPoint.parse(point, where)
                    thresholds[i, k] = parsed.resolve(curves[label], self.base_rates[label])
                elif point is not None:
                    thresholds[i, k] = point
            thresholds[i] = np.where(np.isnan(thresholds[i]), np.nan, np.fmax.accumulate(thresholds[i]))
        return replace(self, thresholds=thresholds)

    def for_surface(self, surface: str | None) -> NDArray[np.float32]:
        """Thresholds of shape (6, 3) on one surface."""
        thresholds = self.thresholds.copy()
        for label, rule in self.surfaces.get(surface or "", {}).items():
            row = thresholds[LABELS.index(label)]
            row[:] = np.clip(row + np.float32(rule.shift), 0, 1)
            row[rule.at_most.level :] = np.nan
        return thresholds

    def recommend(
        self, confidences: NDArray[np.float32], surfaces: Sequence[str | None] | None = None
    ) -> NDArray[np.uint8]:
        """The level of action (0 none to 3 block) of each message for each label.

        ``confidences`` has shape (n, 6), the result too; a message's recommendation is the highest of its row.

        >>> policy = Policy(thresholds=np.tile(np.float32([0.5, 0.8, 0.95]), (6, 1)))
        >>> policy.recommend(np.float32([[0.9, 0.1, 0.5, 0.0, 0.0, 0.99]]), ["private_message"]).tolist()
        [[2, 0, 1, 0, 0, 1]]
        """
        names = [None] * len(confidences) if surfaces is None else surfaces
        if len(names) != len(confidences):
            raise ValueError(f"{len(names)} surfaces for {len(confidences)} messages; give one for each")
        levels = np.zeros(confidences.shape, np.uint8)
        for surface in set(names):
            rows = np.flatnonzero([name == surface for name in names]) if surfaces is not None else slice(None)
            levels[rows] = _levels(confidences[rows], self.for_surface(surface))
        return levels

    def as_dict(self) -> dict[str, Any]:
        """The policy as it is stored in a release."""
        return {
            "labels": {
                label: {
                    "base_rate": self.base_rates[label],
                    **{
                        action.value: {
                            "point": self.points[label].get(action.value),
                            "threshold": None if np.isnan(threshold) else float(threshold),
                        }
                        for action, threshold in zip(ACTIONS[1:], self.thresholds[i], strict=True)
                    },
                }
                for i, label in enumerate(LABELS)
            },
            "surfaces": {
                surface: {label: {"at_most": str(rule.at_most), "shift": rule.shift} for label, rule in rules.items()}
                for surface, rules in self.surfaces.items()
            },
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Policy:
        """The policy that `as_dict` stored."""
        thresholds = np.full((len(LABELS), 3), np.nan, np.float32)
        for i, label in enumerate(LABELS):
            for k, action in enumerate(ACTIONS[1:]):
                threshold = stored["labels"][label][action.value]["threshold"]
                thresholds[i, k] = np.nan if threshold is None else threshold
        return cls(
            {
                label: {a.value: entry[a.value]["point"] for a in ACTIONS[1:]}
                for label, entry in stored["labels"].items()
            },
            {label: entry["base_rate"] for label, entry in stored["labels"].items()},
            {
                surface: {label: SurfaceRule(Action(rule["at_most"]), rule["shift"]) for label, rule in rules.items()}
                for surface, rules in stored["surfaces"].items()
            },
            thresholds,
        )


def _levels(confidences: NDArray[np.float32], thresholds: NDArray[np.float32]) -> NDArray[np.uint8]:
    levels = np.zeros(confidences.shape, np.uint8)
    for k in range(3):
        np.copyto(levels, np.uint8(k + 1), where=confidences >= thresholds[:, k])
    return levels


def read_policy(path: str | Path, base: Policy | None = None) -> Policy:
    """Read a ``policy.toml`` over ``base`` (default: the built-in sentences); call `Policy.resolved` next.

    ::

        [labels.harassment]
        base_rate = 0.02
        flag = "maximum recall @ precision >= 0.4"
        block = 0.97                      # a threshold; false: do not offer the action

        [surfaces.comment.personal_info]
        at_most = "report"
        shift = -0.05                     # thresholds lower by 0.05: stricter

    Raises `PolicyError` naming the file and the key, or the line where the file is no TOML.
    """
    path = Path(path)
    base = base or Policy()
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PolicyError(error.strerror or "cannot be read", where=str(path)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise PolicyError(f"is not TOML: {error}", where=str(path)) from error
    points = {label: dict(by_action) for label, by_action in base.points.items()}
    base_rates, surfaces = dict(base.base_rates), {surface: dict(rules) for surface, rules in base.surfaces.items()}
    _known_keys(content, ("labels", "surfaces"), str(path))
    for label, entry in _table(content, "labels", str(path)).items():
        where = f"{path}, [labels.{label}]"
        _known_keys({label: None}, LABELS, where)
        _known_keys(entry, ("base_rate", "flag", "report", "block"), where)
        if "base_rate" in entry:
            base_rates[label] = _number(entry, "base_rate", 1e-6, 0.999, where)
        for action in ("flag", "report", "block"):
            if entry.get(action) is False:
                points[label].pop(action, None)
            elif isinstance(entry.get(action), str):
                points[label][action] = OperatingPoint.parse(entry[action], f"{where} {action}").sentence
            elif action in entry:
                points[label][action] = _number(entry, action, 0, 1, where)
        given = [point for a in ("flag", "report", "block") if isinstance(point := points[label].get(a), (int, float))]
        if given != sorted(given):
            raise PolicyError(f"thresholds {given} fall as actions grow more severe", where=where,
                              todo="order them flag <= report <= block")  # fmt: skip
    for surface, rules in _table(content, "surfaces", str(path)).items():
        _known_keys({surface: None}, SURFACES, str(path))
        for label, rule in rules.items():
            where = f"{path}, [surfaces.{surface}.{label}]"
            _known_keys({label: None}, LABELS, where)
            if not isinstance(rule, dict):
                raise PolicyError(f"{rule!r} is no rule", where=where, todo="write at_most = … or shift = … below it")
            _known_keys(rule, ("at_most", "shift"), where)
            if not isinstance(rule.get("at_most", "block"), str) or rule.get("at_most", "block") not in _LEVELS:
                raise PolicyError(
                    f"at_most = {rule['at_most']!r} is no action", where=where, todo=f"use one of {', '.join(_LEVELS)}"
                )
            shift = _number(rule, "shift", -1, 1, where) if "shift" in rule else 0.0
            surfaces.setdefault(surface, {})[label] = SurfaceRule(Action(rule.get("at_most", "block")), shift)
    return Policy(points, base_rates, surfaces)


def _table(content: Mapping[str, Any], key: str, where: str) -> dict[str, Any]:
    value = content.get(key, {})
    if not isinstance(value, dict) or not all(isinstance(entry, dict) for entry in value.values()):
        raise PolicyError(f"'{key}' is no table of tables", where=where, todo=f"write [{key}.<name>]")
    return value


def _known_keys(entry: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    for key in entry:
        if key not in known:
            raise PolicyError(f"'{key}' is unknown", where=where, todo=f"use one of {', '.join(known)}")


def _number(entry: Mapping[str, Any], key: str, low: float, high: float, where: str) -> float:
    value = entry[key]
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise PolicyError(f"{key} = {value!r} is no number from {low} to {high}", where=where)
    return float(value)
