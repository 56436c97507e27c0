"""The history of one sender: what the messages of an export, taken together, say about who wrote them.

A message counts once, however often it was sent to the same recipient (compared after cleaning): the severest of its
copies stands for all. What speaks of the writer's own distress raises nothing. A message that its surface allows no
more than a flag does not make a report, and one that is allowed no more than a report makes no block.

Contacts without answer are those since the recipient's last message to the sender *in the export*; what came before it
or by another way cannot be known. Pure functions: the same code runs on a partition of a file and on Spark.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from classifier.guidelines import LABELS
from classifier.policy import ACTIONS, Action
from classifier.sender_findings import (
    Basis,
    Finding,
    Sent,
    age,
    copies,
    identity,
    severest_messages,
    unanswered,
    windows,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from classifier.sender_rules import SenderRules

__all__ = ["MAX_EVIDENCE", "Basis", "Finding", "SenderHistory", "Sent", "history"]

MAX_EVIDENCE = 50
_NAMES = tuple(action.value for action in ACTIONS)


@dataclass(frozen=True)
class SenderHistory:
    """What is known of a sender and what is recommended.

    `messages` = counted + `duplicates` + those beyond what was searched; `actions` and `labels` count the counted
    ones by action. `flags` and `reports` are the most in any window, `unanswered` the most contacts with one
    recipient, `copies` the most recipients of one text. `evidence` are the rows behind it all, at most `MAX_EVIDENCE`
    of `evidence_found`, in order of time.
    """

    sender: str
    profile: str | None
    recommendation: Action
    messages: int
    duplicates: int
    actions: dict[str, int]
    labels: dict[str, dict[str, int]]
    flags: int
    reports: int
    unanswered: int
    copies: int
    distress: int
    first: str | None
    last: str | None
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    evidence: tuple[int, ...]
    evidence_found: int


def history(
    sender: str,
    sent: Iterable[Sent],
    rules: SenderRules,
    *,
    basis: Basis,
    answers: Mapping[str, float] | None = None,
    beyond: int = 0,
) -> SenderHistory:
    """The history of one sender, from all its messages in any order.

    ``answers`` say when each member last wrote to the sender: microseconds of UTC, or the row where the export has no
    times; infinity where that time cannot be read. ``beyond`` counts messages that were too many to look at.

    >>> from classifier.sender_rules import SenderRules
    >>> days = [Sent(row, f"m{row}", "ana", None, row * 86_400_000_000, None, None, bytes([row]), 9, 0, 3, [0] * 6)
    ...         for row in range(12)]
    >>> found = history("bob", days, SenderRules(), basis=Basis(True, True))
    >>> found.recommendation, found.unanswered
    (<Action.REPORT: 'report'>, 12)
    >>> history("bob", days, SenderRules(), basis=Basis(True, True), answers={"ana": 8 * 86_400_000_000}).unanswered
    3
    """
    everything = list(sent)
    counted, duplicates = _once(everything)
    place: Callable[[Sent], int | None] = (lambda one: one.when) if basis.timed else (lambda one: one.row)
    placed = sorted((one for one in counted if place(one) is not None), key=lambda one: (place(one), *identity(one)))
    raised = [one for one in counted if one.level]
    findings = severest_messages(raised, len(counted))
    flags, found = windows(placed, rules, basis)
    findings += found
    contacts = recipients = 0
    behind: list[Sent] = []
    if basis.recipients:
        calm = [one for one in placed if not one.distress and one.recipient not in (None, sender)]
        contacts, found, rows = unanswered(calm, rules, basis, answers or {})
        findings, behind = findings + found, behind + rows
        calm = [one for one in counted if not one.distress and one.recipient not in (None, sender)]
        recipients, found, rows = copies(calm, rules)
        findings, behind = findings + found, behind + rows
    findings.sort(key=lambda finding: -finding.action.level)
    distress = sum(one.distress for one in counted)
    times = sorted((one.when, one.time) for one in everything if one.when is not None and one.time is not None)
    profiles = Counter(one.profile for one in everything if one.profile is not None)
    evidence, evidence_found = _evidence(raised, behind)
    without_time = len(counted) - len(placed)
    told = {
        "the export has no times that can be read: windows go by the order of its rows": not basis.timed,
        "the export has no recipients: contacts without answer and copies were not looked for": not basis.recipients,
        f"{without_time:,} messages without a readable time are left out of windows and of contacts without answer":
            without_time,
        f"{distress:,} messages speak of the writer's own distress and raise nothing; look after the person": distress,
        f"{len(everything):,} of {len(everything) + beyond:,} messages were searched, the raised ones first": beyond,
    }  # fmt: skip
    return SenderHistory(
        sender=sender,
        profile=min(profiles, key=lambda link: (-profiles[link], link), default=None),
        recommendation=max((finding.action for finding in findings), default=Action.NONE),
        messages=len(everything) + beyond,
        duplicates=duplicates,
        actions=_by_action(Counter(one.level for one in counted), 0),
        labels={label: _by_action(Counter(one.labels[i] for one in raised), 1) for i, label in enumerate(LABELS)},
        flags=flags[0],
        reports=flags[1],
        unanswered=contacts,
        copies=recipients,
        distress=distress,
        first=times[0][1] if times else None,
        last=times[-1][1] if times else None,
        findings=tuple(findings),
        notes=tuple(note for note, true in told.items() if true),
        evidence=evidence,
        evidence_found=evidence_found,
    )


def _by_action(counts: Counter[int], least: int) -> dict[str, int]:
    return {name: counts[level] for level, name in enumerate(_NAMES) if level >= least}


def _once(sent: Sequence[Sent]) -> tuple[list[Sent], int]:
    """Each message once, what distress says at no level, and how many were left out."""
    kept: dict[tuple[bytes, str | None], Sent] = {}
    for one in sorted(sent, key=lambda one: (not one.distress, -one.level, age(one))):
        kept.setdefault((one.key, one.recipient), one._replace(level=0, ceiling=0) if one.distress else one)
    return list(kept.values()), len(sent) - len(kept)


def _evidence(raised: Sequence[Sent], behind: Sequence[Sent]) -> tuple[tuple[int, ...], int]:
    """The rows that show what was found: half the room for the severest messages, the rest for what rules found."""
    severest = sorted(raised, key=lambda one: (-one.level, age(one)))
    rows = {one.row: one for one in severest}
    rest = {one.row: one for one in behind if one.row not in rows}
    room = max(MAX_EVIDENCE // 2, MAX_EVIDENCE - len(rest))
    chosen = [*list(rows.values())[:room], *rest.values()][:MAX_EVIDENCE]
    return tuple(one.row for one in sorted(chosen, key=age)), len(rows) + len(rest)
