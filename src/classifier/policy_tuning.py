"""Choosing an operating point: the sentence that is meant, the trade-off around it, and its line in a policy file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from classifier.policy_file import parse_policy, resolve_policy
from classifier.policy_report import Figures, Offer, figures_at, offers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from classifier.operating_points import Curve
    from classifier.release import Release

__all__ = ["Choice", "Tuned", "sentence_for", "trade_off", "tune", "with_point"]

CUT_OFFS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
_SENTENCES = {
    "precision": "maximum recall @ precision >= {}",
    "recall": "maximum precision @ recall >= {}",
    "per_10000": "maximum recall @ actions_per_10000 <= {}",
    "false_alarms": "maximum recall @ false_alarms_per_10000 <= {}",
}


def sentence_for(wish: str, value: float) -> str:
    """The sentence that asks for a precision, a recall, or at most so many actions or false alarms per 10,000 messages.

    >>> sentence_for("precision", 0.9), sentence_for("per_10000", 25)
    ('maximum recall @ precision >= 0.9', 'maximum recall @ actions_per_10000 <= 25')
    """
    return _SENTENCES[wish].format(f"{value:.6f}".rstrip("0").rstrip("."))


def trade_off(curve: Curve, base_rate: float, thresholds: Iterable[float] = ()) -> list[Figures]:
    """Figures at round cut-offs and at the thresholds given, falling."""
    wanted = sorted({*CUT_OFFS, *thresholds}, reverse=True)
    return [found for threshold in wanted if (found := figures_at(curve, threshold, base_rate))]


@dataclass(frozen=True)
class Choice:
    """What is chosen: an action of a label, its sentence, and what it supposes (None: as the policy has it)."""

    label: str
    action: str
    sentence: str
    base_rate: float | None = None
    min_positives: int | None = None


@dataclass(frozen=True)
class Tuned:
    """A choice that can be met: what it gives, and the policy file that says so."""

    offer: Offer
    text: str


def with_point(text: str, choice: Choice, note: str = "") -> str:
    r"""The text of a policy file with a choice written into it; what else stands in it, comments too, stays as it is.

    >>> text = "# ours\n[labels.hate]\nblock = false # for now\n"
    >>> print(with_point(text, Choice("hate", "flag", "maximum f1 @ recall >= 0.5", base_rate=0.02), "good"), end="")
    # ours
    [labels.hate]
    block = false # for now
    base_rate = 0.02
    flag = "maximum f1 @ recall >= 0.5" # good
    """
    import tomlkit

    document = tomlkit.parse(text)
    labels = document.setdefault("labels", tomlkit.table(is_super_table=True))
    inline = isinstance(labels, tomlkit.items.InlineTable)
    entry = labels.setdefault(choice.label, tomlkit.inline_table() if inline else tomlkit.table())
    for key, value in (("base_rate", choice.base_rate), ("min_positives", choice.min_positives)):
        if value is not None:
            entry[key] = value
    entry[choice.action] = tomlkit.item(choice.sentence)
    if note and not inline:
        entry[choice.action].comment(note)
    return tomlkit.dumps(document)


def tune(release: Release, choice: Choice, text: str = "", name: str = "policy.toml") -> Tuned:
    """Write a choice into the text of a policy file called ``name`` and resolve it on the curves of a release.

    Raises `PolicyError` where the file is malformed, the sentence cannot be met, or it stands in the wrong order to
    the label's other actions.
    """
    parse_policy(text, name, release.policy)  # what is wrong with the file already is told by its own lines
    policy = resolve_policy(name, release.policy, release.curves, with_point(text, choice))
    [offer] = [
        offer
        for offer in offers(policy, release.curves)
        if (offer.label, offer.action) == (choice.label, choice.action)
    ]
    return Tuned(offer, with_point(text, choice, _comment(offer.figures, release.id) if offer.figures else ""))


def _comment(found: Figures, release: str) -> str:
    low, high = found.precision_interval
    return (
        f"from {found.threshold:.3f} on {release}: precision {found.precision:.2f} ({low:.2f}–{high:.2f}), finds "
        f"{found.recall:.0%}; of 10,000 messages {found.actions_per_10000:.1f}, "
        f"{found.false_alarms_per_10000:.1f} of them false alarms"
    )
