"""What rules find in the messages of one sender: severe ones, flags and reports in a window, no answers, copies."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from classifier.policy import ACTIONS, Action

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from classifier.sender_rules import SenderRules

__all__ = ["Basis", "Finding", "Sent", "age", "copies", "identity", "severest_messages", "unanswered", "windows"]

_MAX_NAMED = 20  # messages a finding names
_MAX_RUNS = 10  # recipients, and texts, that findings are made about
_FLAG, _REPORT = Action.FLAG.level, Action.REPORT.level


class Sent(NamedTuple):
    """A message without its text; `key` is the digest and `width` the size of its cleaned text.

    `when` is in microseconds of UTC, None where `time`, which is as given, cannot be read. `level` is the level of
    action of the message, `ceiling` the highest that its labels allow on its surface, `labels` the level of each label
    in the order of `LABELS`.
    """

    row: int
    id: Any
    recipient: str | None
    time: str | None
    when: int | None
    surface: str | None
    profile: str | None
    key: bytes
    width: int
    level: int
    ceiling: int
    labels: Sequence[int]
    distress: bool = False


class Basis(NamedTuple):
    """What an export offers: readable times, recipients."""

    timed: bool
    recipients: bool


@dataclass(frozen=True)
class Finding:
    """What a rule found: `count` messages or contacts, the ids of the first of them, and what it calls for."""

    rule: str
    action: Action
    count: int
    messages: tuple[Any, ...]
    what: str
    recipient: str | None = None

    def told(self, recipient: str | None, *, named: bool = True) -> str:
        """The finding as a sentence, with the recipient called as given; ``named`` adds the ids of the messages."""
        told = f"{self.what.replace('{recipient}', recipient or '')} → {self.action}"
        if not named:
            return told
        ids = ", ".join(map(str, self.messages))
        more = f" and {self.count - len(self.messages):,} more" if self.count > len(self.messages) else ""
        return f"{told} (message{'s'[: self.count != 1]} {ids}{more})"

    @property
    def sentence(self) -> str:
        """The finding as a sentence."""
        return self.told(self.recipient)


def identity(one: Sent) -> tuple[str, int]:
    """What orders messages of one time whatever order they came in, as far as ids differ."""
    return str(one.id), one.row


def age(one: Sent) -> tuple[bool, int, str, int]:
    """What orders messages by time, those without one last."""
    return (one.when is None, one.when or 0, *identity(one))


def _finding(rule: str, action: Action, found: Sequence[Sent], what: str, recipient: str | None = None) -> Finding:
    ids = tuple(one.id for one in found[:_MAX_NAMED])
    return Finding(rule, action, len(found), ids, what, recipient)


def severest_messages(raised: Sequence[Sent], of: int) -> list[Finding]:
    """What single messages call for, without any rule; ``of`` is the number of all messages that count."""
    if not raised:
        return []
    top = max(one.level for one in raised)
    found = sorted((one for one in raised if one.level == top), key=age)
    return [_finding("message", ACTIONS[top], found, f"{len(found):,} of {of:,} messages at {ACTIONS[top]}")]


def windows(placed: Sequence[Sent], rules: SenderRules, basis: Basis) -> tuple[tuple[int, int], list[Finding]]:
    """The most flags and reports in any window, and what the rules make of them."""
    positions = [float(one.when or 0) for one in placed] if basis.timed else [float(i) for i in range(len(placed))]
    span = rules.window.total_seconds() * 1e6 if basis.timed else rules.window_messages - 1.0
    length = rules.as_dict()["window"] if basis.timed else f"{rules.window_messages} messages"
    most, findings = [], []
    for name, least, share, level, action in (
        ("flags", rules.flags_to_report, rules.flags_share, _FLAG, Action.REPORT),
        ("reports", rules.reports_to_block, rules.reports_share, _REPORT, Action.BLOCK),
    ):
        at = [i for i, one in enumerate(placed) if one.level >= level and one.ceiling >= action.level]
        starts = [positions[i] for i in at]
        top, best = 0, (0, 0, 0)
        for i, start in enumerate(starts):
            end = bisect_right(starts, start + span)
            count, last = end - i, starts[end - 1]
            top = max(top, count)
            # A window may end with its last flag as well as begin with its first: the busier of the two is compared.
            forward = bisect_right(positions, start + span) - bisect_left(positions, start)
            backward = bisect_right(positions, last) - bisect_left(positions, last - span)
            total = max(forward, backward)
            if least is not None and count >= least and count >= share * total and count > best[0]:
                best = (count, i, total)
        most.append(top)
        if best[0]:
            found = [placed[i] for i in at[best[1] : best[1] + best[0]]]
            what = f"{best[0]:,} of {best[2]:,} messages within {length} at {ACTIONS[level]} or above"
            findings.append(_finding(name, action, found, what + _period(found)))
    if len(findings) == 2 and findings[0].count == findings[1].count:  # every flag is a report: once is enough
        del findings[0]
    return (most[0], most[1]), findings


def unanswered(
    calm: Sequence[Sent], rules: SenderRules, basis: Basis, answers: Mapping[str, float]
) -> tuple[int, list[Finding], list[Sent]]:
    """The most contacts one recipient did not answer, what the rules make of all such runs, the messages behind."""
    by_recipient: dict[str, list[Sent]] = defaultdict(list)
    for one in calm:
        if (one.when if basis.timed else one.row) > answers.get(one.recipient or "", -math.inf):  # type: ignore[operator]
            by_recipient[one.recipient or ""].append(one)
    burst = rules.burst.total_seconds() * 1e6
    runs: list[tuple[int, str, list[Sent]]] = []
    for recipient, run in by_recipient.items():
        contacts: list[Sent] = []
        for one in run:
            if not contacts or not basis.timed or (one.when or 0) - (contacts[-1].when or 0) >= max(burst, 1):
                contacts.append(one)
        runs.append((len(contacts), recipient, contacts))
    runs.sort(key=lambda run: (-run[0], run[1]))
    longest = runs[0][0] if runs else 0
    findings, behind = [], []
    for count, recipient, contacts in runs[:_MAX_RUNS]:
        action = _step(count, rules.unanswered_to_flag, rules.unanswered_to_report)
        if action == Action.NONE:
            break
        what = f"{count:,} contacts with {{recipient}} without an answer{_period(contacts)}"
        findings.append(_finding("unanswered", action, contacts, what, recipient))
        behind += contacts
    return longest, findings, behind


def copies(calm: Sequence[Sent], rules: SenderRules) -> tuple[int, list[Finding], list[Sent]]:
    """The most recipients of one text, what the rules make of all such texts, the messages behind."""
    by_text: dict[bytes, list[Sent]] = defaultdict(list)
    for one in calm:  # one per text and recipient, as every message counts once
        if one.width >= rules.copies_length:
            by_text[one.key].append(one)
    texts = sorted(by_text.values(), key=lambda text: (-len(text), text[0].key))
    findings, behind = [], []
    for text in texts[:_MAX_RUNS]:
        action = _step(len(text), rules.copies_to_flag, rules.copies_to_report)
        if action == Action.NONE:
            break
        text.sort(key=age)
        what = f"one text went to {len(text):,} recipients{_period(text)}"
        findings.append(_finding("copies", action, text, what))
        behind += text
    return len(texts[0]) if texts else 0, findings, behind


def _step(count: int, to_flag: int | None, to_report: int | None) -> Action:
    """What a count calls for; never more than a report."""
    if to_report is not None and count >= to_report:
        return Action.REPORT
    return Action.FLAG if to_flag is not None and count >= to_flag else Action.NONE


def _period(found: Sequence[Sent]) -> str:
    first, last = found[0].time, found[-1].time
    return f", {first} to {last}" if first and last else ""
