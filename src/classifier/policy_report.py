"""What a policy promises on the curves of a model: precision, recall and expected work at each threshold.

All figures are for a population in which the stated share of messages breaks the guideline (``base_rate``). Intervals
are one-sided 95 % at either end, worst and best of both rates taken together; a promise is about the lower end.
An action's figures count the messages at or above its threshold, those of severer actions included.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from classifier.guidelines import LABELS
from classifier.policy import ACTIONS, Action

if TYPE_CHECKING:
    from collections.abc import Mapping

    from classifier.operating_points import Curve
    from classifier.policy import Policy

__all__ = ["Figures", "Offer", "figures_at", "offers"]


@dataclass(frozen=True)
class Figures:
    """What a threshold gives: rates with their intervals, and expected counts in 10,000 messages.

    ``positives`` are the known violations at or above the threshold that the figures rest on.
    """

    threshold: float
    positives: int
    precision: float
    precision_interval: tuple[float, float]
    recall: float
    recall_interval: tuple[float, float]
    actions_per_10000: float
    false_alarms_per_10000: float


@dataclass(frozen=True)
class Offer:
    """An action on a label: what it promises, or why it is not offered and what is recommended in its place.

    ``figures`` is None where the action is not offered, or where no message of the curve is that confident.
    """

    label: str
    action: Action
    point: str | float | None
    base_rate: float
    min_positives: int
    threshold: float | None = None
    figures: Figures | None = None
    why_not: str = ""
    steps_down_to: Action = Action.NONE

    def as_dict(self) -> dict[str, Any]:
        """The offer as JSON takes it."""
        return asdict(self) | {"action": self.action.value, "steps_down_to": self.steps_down_to.value}


def figures_at(curve: Curve, threshold: float, base_rate: float) -> Figures | None:
    """The figures of a threshold, None where no message of the curve reaches it.

    >>> import numpy as np
    >>> from classifier.operating_points import Curve
    >>> curve = Curve(np.float32([0.9, 0.5]), np.array([60.0, 80.0]), np.array([1.0, 10.0]), 100, 1000)
    >>> found = figures_at(curve, 0.6, base_rate=0.01)
    >>> round(found.recall, 2), round(found.actions_per_10000, 1), round(found.false_alarms_per_10000, 1)
    (0.6, 69.9, 9.9)
    >>> figures_at(curve, 0.95, base_rate=0.01) is None
    True
    """
    place = curve.place(threshold)
    if place is None:
        return None

    def value(name: str) -> float:
        return float(curve.metric(name, base_rate)[place])

    def interval(name: str) -> tuple[float, float]:
        low, high = curve.metric(name, base_rate, pessimistic=True), curve.metric(name, base_rate, optimistic=True)
        return float(low[place]), float(high[place])

    return Figures(
        float(threshold), int(curve.true_positives[place]), value("precision"), interval("precision"),
        value("recall"), interval("recall"), value("actions_per_10000"), value("false_alarms_per_10000"),
    )  # fmt: skip


def offers(policy: Policy, curves: Mapping[str, Curve]) -> list[Offer]:
    """What a resolved policy offers, label by label from flag to block.

    >>> import numpy as np
    >>> from classifier.operating_points import Curve
    >>> from classifier.policy import Policy
    >>> curve = Curve(np.float32([0.9, 0.5]), np.array([60.0, 80.0]), np.array([1.0, 10.0]), 100, 1000)
    >>> curves = dict.fromkeys(LABELS, curve)
    >>> flag, report, block = offers(Policy().resolved(curves), curves)[:3]
    >>> round(flag.threshold, 2), report.threshold, report.steps_down_to, report.why_not
    (0.9, None, <Action.FLAG: 'flag'>, 'best lower bound of precision on >= 20 positives is 0.539')
    """
    # A release of an earlier version stored no reasons; its curves still tell them.
    again = policy.resolved(curves).why
    found = []
    for i, label in enumerate(LABELS):
        for action, threshold in zip(ACTIONS[1:], policy.thresholds[i].tolist(), strict=True):
            offer = Offer(
                label, action, policy.points[label].get(action.value), policy.base_rates[label],
                policy.min_positives[label],
            )  # fmt: skip
            if not np.isnan(threshold):
                figures = figures_at(curves[label], threshold, policy.base_rates[label])
                found.append(replace(offer, threshold=threshold, figures=figures, steps_down_to=action))
            else:
                stored = policy.why.get(label, {}).get(action.value)
                reason = stored or again[label].get(action.value, "its sentence was not met in training")
                found.append(replace(offer, why_not=reason, steps_down_to=policy.steps_down_to(label, action)))
    return found
