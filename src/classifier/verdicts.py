"""What a classifier says: verdicts with their reasons, those of many messages as arrays, and a score taken apart."""

from __future__ import annotations

from dataclasses import dataclass
from json.encoder import encode_basestring
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from classifier.policy import Action, Policy

__all__ = ["Contribution", "Explanation", "Reason", "Recommendations", "Span", "Verdict", "as_json"]


class Span(NamedTuple):
    """A stretch of the original message, ``text[start:end]``."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Reason:
    """Why an action is recommended: a label whose confidence reached a threshold, and what weighed most.

    ``detail`` is one of `severity.DETAILS` or None: a threat, a call to self-harm or a sexual demand raised the action
    by a step, distress lowered it. ``contacts`` are the kinds of contact details found, such as ``handle: Telegram``,
    which are then the spans; only `personal_info` has them.
    """

    label: str
    action: Action
    confidence: float
    threshold: float
    spans: tuple[Span, ...]
    detail: str | None = None
    contacts: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, object]:
        """The reason as JSON takes it."""
        return {
            "label": self.label,
            "action": self.action.value,
            "confidence": round(self.confidence, 4),
            "threshold": round(self.threshold, 4),
            "spans": [list(span) for span in self.spans],
            **({"detail": self.detail} if self.detail else {}),
            **({"contacts": list(self.contacts)} if self.contacts else {}),
        }


@dataclass(frozen=True)
class Verdict:
    """What is recommended for one message, and why.

    ``labels`` are those at or above their flag threshold; ``advice`` what the platforms tell a member to do, a line for
    each reason; ``known`` is False where the text carries no feature the model knows, or too little to be judged (no
    ideograph or emoji, fewer than two letters and than six digits): nothing is then recommended. ``details`` are those
    of `severity.DETAILS` that it is; somebody in distress gets advice even where nothing is recommended.
    """

    recommendation: Action
    confidences: dict[str, float]
    labels: tuple[str, ...]
    reasons: tuple[Reason, ...]
    advice: str
    known: bool
    release: str
    surface: str | None = None
    details: tuple[str, ...] = ()


@dataclass(frozen=True)
class Recommendations:
    """Verdicts of many messages as arrays: confidences (n, 6), label_actions (n, 6), actions (n,), known (n,).

    Actions are levels, 0 none to 3 block; ``reasons[i]`` is a JSON list; ``details`` (n, 4) says which of
    `severity.DETAILS` a message is.
    """

    confidences: NDArray[np.float32]
    label_actions: NDArray[np.uint8]
    actions: NDArray[np.uint8]
    known: NDArray[np.bool_]
    reasons: list[str]
    details: NDArray[np.bool_]


@dataclass(frozen=True)
class Contribution:
    """What one word (or ideograph, kana, emoji, sign) adds to the score of each label, before calibration."""

    span: Span
    cleaned: str
    scores: dict[str, float]


@dataclass(frozen=True)
class Explanation:
    """A score taken apart: for each label the contributions and the intercept add up to the score.

    A notebook shows it with its words shaded, see `explain_view`.
    """

    cleaned: str
    contributions: tuple[Contribution, ...]
    intercepts: dict[str, float]
    scores: dict[str, float]
    verdict: Verdict
    text: str
    policy: Policy

    def _repr_html_(self) -> str:
        from classifier.explain_view import as_html

        return as_html(self)


def as_json(reasons: tuple[Reason, ...]) -> str:
    """Reasons as a JSON list: what ``json.dumps`` makes of `Reason.as_dict`, in a fraction of its time.

    >>> from classifier.policy import Action
    >>> as_json((Reason("spam", Action("flag"), 0.51, 0.5, (Span(0, 3, "buy"),)),))
    '[{"label": "spam", "action": "flag", "confidence": 0.51, "threshold": 0.5, "spans": [[0, 3, "buy"]]}]'
    """
    parts = []
    for reason in reasons:
        spans = ", ".join(f"[{start}, {end}, {encode_basestring(text)}]" for start, end, text in reason.spans)
        detail = f', "detail": "{reason.detail}"' if reason.detail else ""
        if reason.contacts:
            detail += f', "contacts": [{", ".join(map(encode_basestring, reason.contacts))}]'
        parts.append(
            f'{{"label": "{reason.label}", "action": "{reason.action.value}", '
            f'"confidence": {round(reason.confidence, 4)!r}, "threshold": {round(reason.threshold, 4)!r}, '
            f'"spans": [{spans}]{detail}}}'
        )
    return f"[{', '.join(parts)}]"
