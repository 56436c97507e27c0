"""From confidences to actions: the actions, thresholds resolved from operating points, surfaces.

An action is a promise: it is offered for a label only where its operating point is met on the curve of a model, and
otherwise steps down (block → report → flag) to the next milder action that is offered; `Policy.why` keeps the reason.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING, Any

import numpy as np

from classifier.guidelines import LABELS
from classifier.operating_points import MIN_POSITIVES, Curve, OperatingPoint, wilson

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

__all__ = ["ACTIONS", "Action", "Curve", "OperatingPoint", "Policy", "SurfaceRule", "wilson"]


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


@dataclass(frozen=True)
class SurfaceRule:
    """How a surface treats a label: no action above ``at_most``, thresholds moved by ``shift`` (up relaxes)."""

    at_most: Action = Action.BLOCK
    shift: float = 0.0


_DEFAULT_SENTENCES = {
    "flag": "maximum recall @ precision >= 0.5",
    "report": "maximum recall @ precision >= 0.8",
    "block": "maximum recall @ precision >= 0.97",
}


@dataclass(frozen=True)
class Policy:
    """Operating points per label and action, and the thresholds they resolved to.

    ``points[label][action]`` is a sentence or a number (a threshold); ``thresholds`` has shape (6, 3), NaN where an
    action is not offered, and ``why[label][action]`` says why not. A sentence is met on at least ``min_positives`` of
    a label. ``senders`` is kept as a policy file has it.
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
    min_positives: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(LABELS, MIN_POSITIVES))
    why: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    senders: Mapping[str, Any] = field(default_factory=dict)

    def resolved(self, curves: Mapping[str, Curve], kept: Policy | None = None) -> Policy:
        """The policy with thresholds found on the curves of a model; what ``kept`` resolved alike stays as it is there.

        Where a sentence cannot be met its action is not offered, and ``why`` says how near it comes; where thresholds
        of a label would fall as actions grow more severe, they are raised to the milder action's.

        >>> curve = Curve(np.float32([0.9, 0.5]), np.array([60.0, 80.0]), np.array([1.0, 10.0]), 100, 1000)
        >>> policy = Policy().resolved(dict.fromkeys(LABELS, curve))
        >>> policy.thresholds[0].tolist(), policy.why["harassment"]["block"]
        ([0.8999999761581421, nan, nan], 'best lower bound of precision on >= 20 positives is 0.539')
        """
        thresholds = self.placed(curves, kept)
        why: dict[str, dict[str, str]] = {label: {} for label in LABELS}
        for i, label in enumerate(LABELS):
            for k in np.flatnonzero(np.isnan(thresholds[i])).tolist():
                action = ACTIONS[k + 1].value
                why[label][action] = self._why_not(label, self.points[label].get(action), curves[label])
            thresholds[i] = np.where(np.isnan(thresholds[i]), np.nan, np.fmax.accumulate(thresholds[i]))
        return replace(self, thresholds=thresholds, why=why)

    def placed(self, curves: Mapping[str, Curve], kept: Policy | None = None) -> NDArray[np.float32]:
        """Where each point alone puts its threshold, shape (6, 3), NaN where it cannot be met or there is none."""
        thresholds = np.full((len(LABELS), 3), np.nan, np.float32)
        for i, label in enumerate(LABELS):
            for k, action in enumerate(ACTIONS[1:]):
                point = self.points[label].get(action.value)
                if kept is not None and self._asks(label, action) == kept._asks(label, action):
                    thresholds[i, k] = kept.thresholds[i, k]
                elif isinstance(point, str):
                    parsed, share = OperatingPoint.parse(point, label), self.base_rates[label]
                    thresholds[i, k] = parsed.resolve(curves[label], share, self.min_positives[label])
                elif point is not None:
                    thresholds[i, k] = point
        return thresholds

    def _asks(self, label: str, action: Action) -> tuple[object, ...]:
        return self.points[label].get(action.value), self.base_rates[label], self.min_positives[label]

    def _why_not(self, label: str, point: str | float | None, curve: Curve) -> str:
        if not isinstance(point, str):
            return "the policy has no sentence for it"
        return OperatingPoint.parse(point).shortfall(curve, self.base_rates[label], self.min_positives[label])

    def steps_down_to(self, label: str, action: str) -> Action:
        """What is recommended in place of an action that is not offered: the next milder one that is, or none.

        >>> policy = Policy(thresholds=np.tile(np.float32([0.5, np.nan, np.nan]), (6, 1)))
        >>> policy.steps_down_to("spam", Action.BLOCK)
        <Action.FLAG: 'flag'>
        """
        offered = ~np.isnan(self.thresholds[LABELS.index(label)])
        return next((ACTIONS[k] for k in range(Action(action).level, 0, -1) if offered[k - 1]), Action.NONE)

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
                    "min_positives": self.min_positives[label],
                    **{
                        action.value: {
                            "point": self.points[label].get(action.value),
                            "threshold": None if np.isnan(threshold) else float(threshold),
                            **({"why": why} if (why := self.why.get(label, {}).get(action.value)) else {}),
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
            **({"senders": dict(self.senders)} if self.senders else {}),
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Policy:
        """The policy that `as_dict` stored."""
        thresholds = np.full((len(LABELS), 3), np.nan, np.float32)
        for i, label in enumerate(LABELS):
            for k, action in enumerate(ACTIONS[1:]):
                threshold = stored["labels"][label][action.value]["threshold"]
                thresholds[i, k] = np.nan if threshold is None else threshold
        entries = stored["labels"]
        return cls(
            {
                label: {a.value: point for a in ACTIONS[1:] if (point := entry[a.value]["point"]) is not None}
                for label, entry in entries.items()
            },
            {label: entry["base_rate"] for label, entry in entries.items()},
            {
                surface: {label: SurfaceRule(Action(rule["at_most"]), rule["shift"]) for label, rule in rules.items()}
                for surface, rules in stored["surfaces"].items()
            },
            thresholds,
            # Releases of format 1 may be older than these.
            {label: entry.get("min_positives", MIN_POSITIVES) for label, entry in entries.items()},
            {
                label: {a.value: why for a in ACTIONS[1:] if (why := entry[a.value].get("why"))}
                for label, entry in entries.items()
            },
            stored.get("senders", {}),
        )


def _levels(confidences: NDArray[np.float32], thresholds: NDArray[np.float32]) -> NDArray[np.uint8]:
    levels = np.zeros(confidences.shape, np.uint8)
    for k in range(3):
        np.copyto(levels, np.uint8(k + 1), where=confidences >= thresholds[:, k])
    return levels
