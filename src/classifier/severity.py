"""Severity inside a label: threats, calls to self-harm, sexual demands, and writers who speak of their own distress.

A second, small model over the same kind of features says which of `DETAILS` a message is. Where a recommendation
stands already, a threat, a call to self-harm or a sexual demand raises it by one step, as far as the policy offers one;
somebody in distress is never recommended for blocking, and is told where help is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from classifier.guidelines import GUIDELINES, LABELS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["DETAILS", "MEANINGS", "SUPPORT", "advice", "detail_of", "escalate"]

MEANINGS = {
    "threat": "threatens, wishes or announces physical harm, or stalks",
    "self_harm_call": "tells somebody to hurt or kill themselves",
    "distress": "speaks of the writer's own wish to die, self-harm, or danger",
    "sexual_demand": "asks the reader for sexual acts or pictures, or makes sexual remarks",
}
DETAILS = tuple(MEANINGS)
_THREAT, _SELF_HARM_CALL, _DISTRESS, _SEXUAL_DEMAND = range(4)

# The details that make a violation of a label more severe, the gravest first.
_GRAVE = {
    "harassment": (_SELF_HARM_CALL, _THREAT, _SEXUAL_DEMAND),
    "hate": (_SELF_HARM_CALL, _THREAT),
    "dating_flirting": (_SEXUAL_DEMAND,),
}
# A writer in distress may still advertise: what distress says nothing about is capped less.
_UNRELATED = ("spam", "personal_info")

SUPPORT = (
    "The writer may be in distress. Do not punish or block for it: answer kindly, point to a local crisis line "
    "(findahelpline.com lists them by country) and, if life is in danger, to the emergency services."
)
_ADVICE = {
    "threat": "This reads as a threat: keep the evidence, report it at once and contact the authorities.",
    "self_harm_call": "This tells somebody to hurt themselves: report it at once, and offer the person addressed "
    "support (findahelpline.com lists crisis lines by country).",
    "sexual_demand": "This is a sexual demand: do not answer, keep the evidence, report and block the user.",
    "distress": SUPPORT,
}


def escalate(levels: NDArray[np.uint8], details: NDArray[np.bool_], offered: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Levels of action after severity: shapes (n, 6), (n, 4) and (n, 6), ``offered`` being each label's highest action.

    >>> flagged, threat = np.uint8([[1, 0, 0, 0, 0, 0]]), np.array([[True, False, False, False]])
    >>> escalate(flagged, threat, np.full((1, 6), 2, np.uint8)).tolist()
    [[2, 0, 0, 0, 0, 0]]
    """
    out = levels.copy()
    for label, graver in _GRAVE.items():
        i = LABELS.index(label)
        raised = details[:, list(graver)].any(axis=1) & (levels[:, i] > 0)
        out[raised, i] = np.maximum(levels[raised, i], np.minimum(levels[raised, i] + 1, offered[raised, i]))
    own = details[:, _DISTRESS] & ~details[:, _THREAT] & ~details[:, _SELF_HARM_CALL]
    for i, label in enumerate(LABELS):
        out[own, i] = np.minimum(out[own, i], 2 if label in _UNRELATED else 1)
    return out


def detail_of(label: str, details: Sequence[bool]) -> str | None:
    """The gravest detail of a message that bears on a label, or None.

    >>> detail_of("harassment", [True, False, False, True]), detail_of("spam", [True, False, False, False])
    ('threat', None)
    """
    for k in (*_GRAVE.get(label, ()), *(() if label in _UNRELATED else (_DISTRESS,))):
        if details[k]:
            return DETAILS[k]
    return None


def advice(reasons: Sequence[Any], details: Sequence[bool]) -> str:
    """What a member is told to do: the gravest first, then each label's own; a line each."""
    found = dict.fromkeys(_ADVICE[reason.detail] for reason in reasons if reason.detail)
    if details[_DISTRESS]:
        found.setdefault(SUPPORT)
    return "\n".join([*found, *(GUIDELINES[reason.label].advice for reason in reasons)])
