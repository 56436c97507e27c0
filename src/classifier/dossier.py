"""The evidence against one sender, ready to attach to a report; `dossier_page` shows it as Markdown.

Nothing is in it that was not in the export, but for the guidelines' own words, the figures of the release and what was
found by counting. Contact details in the messages and in the names of recipients are masked: whose they are cannot be
known, and a report is read by others than those who got the message.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from hashlib import blake2b
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from classifier.contacts import find_contacts, mask
from classifier.guidelines import GUIDELINES, LABELS
from classifier.policy import Action
from classifier.severity import DETAILS, advice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from classifier.contacts import Contact
    from classifier.sender_histories import SenderHistory
    from classifier.sender_partitions import Message

__all__ = ["Origin", "dossier", "file_name", "merged"]

MAX_TEXT = 4000
_SENTENCE_ENDS = re.compile(r"(?<=\.)\s+")
# What rules find belongs to the guideline it is a sign of.
_LABEL_OF_RULE = {"unanswered": "harassment", "copies": "spam"}
_MASKED = "Contact details in messages and in names of recipients are masked as [kind], whoever they belong to."
_AS_GIVEN = "The sender's id and profile link are as in the export."
_PSEUDONYMS = (
    "People have pseudonyms, the export too, and profile links are left out; who keeps the key can tell whose they are."
)
_UNMASKED = "Contact details are not masked: keep this dossier where nobody else reads it."


@dataclass(frozen=True)
class Origin:
    """What the figures come from: the export's name, the release and a digest of the policy."""

    export: str
    release: str
    policy: str
    pseudonyms: bool = False


def dossier(
    history: SenderHistory, messages: Iterable[Message], origin: Origin, *, masked: bool = True
) -> dict[str, Any]:
    """The dossier as JSON takes it, from a history and the messages of its ``evidence``.

    ``masked`` puts ``[kind]`` in place of contact details.
    """
    raised = [label for label in LABELS if any(history.labels[label].values())]
    by_rule = [_LABEL_OF_RULE[f.rule] for f in history.findings if f.rule in _LABEL_OF_RULE]
    concerned = sorted({*raised, *by_rule}, key=lambda label: (-_severity(history, label), LABELS.index(label)))
    masked_names = masked and not origin.pseudonyms
    shown = [_message(message, masked, masked_names) for message in messages]
    told = (_PSEUDONYMS,) if origin.pseudonyms else (_AS_GIVEN,) if masked else ()
    return {
        "sender": history.sender,
        "profile": history.profile,
        "recommendation": history.recommendation.value,
        "export": origin.export,
        "release": origin.release,
        "policy": origin.policy,
        "first": history.first,
        "last": history.last,
        "counts": {
            "messages": history.messages, "duplicates": history.duplicates, "actions": history.actions,
            "labels": {label: history.labels[label] for label in raised},
        },
        "findings": [
            {
                "rule": finding.rule, "action": finding.action.value, "count": finding.count,
                "messages": list(finding.messages),
                "sentence": finding.told(_name(finding.recipient, masked_names)),
                "clauses": _clauses(finding.rule),
            }
            for finding in history.findings
        ],
        "notes": list(history.notes),
        "evidence": {"shown": len(shown), "found": history.evidence_found},
        "messages": shown,
        "steps": _steps(concerned, shown, history.recommendation),
        "masking": " ".join((_MASKED if masked else _UNMASKED, *told)),
    }  # fmt: skip


def _clauses(rule: str) -> list[str]:
    return list(GUIDELINES[_LABEL_OF_RULE[rule]].clauses) if rule in _LABEL_OF_RULE else []


def _severity(history: SenderHistory, label: str) -> int:
    return max((Action(name).level for name, count in history.labels[label].items() if count), default=0)


def _steps(labels: Sequence[str], messages: Sequence[dict[str, Any]], recommendation: Action) -> list[str]:
    """What is advised for grave details and for these labels, each sentence once, and what the recommendation needs."""
    details = {
        (label["label"], label["detail"]) for message in messages for label in message["labels"] if label["detail"]
    }
    grave = [SimpleNamespace(label=label, detail=detail) for label, detail in sorted(details)]
    plain = [SimpleNamespace(label=label, detail=None) for label in labels]
    told = advice([*grave, *plain], [False] * len(DETAILS)).splitlines()
    steps = list(dict.fromkeys(sentence for line in told for sentence in _SENTENCE_ENDS.split(line)))
    for action, start in ((Action.REPORT, "Report the user"), (Action.BLOCK, "Block the user")):
        if recommendation >= action and not any(step.startswith(start) for step in steps):
            known = _SENTENCE_ENDS.split(GUIDELINES["harassment"].advice)
            steps.append(next(step for step in known if step.startswith(start)))
    return steps


def _message(message: Message, masked: bool, masked_names: bool) -> dict[str, Any]:
    one = message.sent
    reasons = json.loads(message.reasons)
    text, moved = _masked(message.text, find_contacts(message.text) if masked else ())
    labels = []
    for reason in reasons:
        spans = [(moved(start, last=False), moved(end, last=True)) for start, end, *_ in reason.get("spans", [])]
        spans = merged((start, min(end, MAX_TEXT)) for start, end in spans if start < MAX_TEXT)
        labels.append({
            "label": reason["label"], "detail": reason.get("detail"), "action": reason["action"],
            "confidence": reason["confidence"], "threshold": reason["threshold"],
            "clauses": list(GUIDELINES[reason["label"]].clauses),
            "spans": [[start, end, text[start:end]] for start, end in spans],
        })  # fmt: skip
    return {
        "id": one.id, "row": one.row, "time": one.time, "surface": one.surface,
        "recipient": _name(one.recipient, masked_names),
        "text": text[:MAX_TEXT], "left_out": max(0, len(text) - MAX_TEXT), "labels": labels,
    }  # fmt: skip


def _name(name: str | None, masked: bool) -> str | None:
    return mask(name) if name is not None and masked else name


def _masked(text: str, contacts: Sequence[Contact]) -> tuple[str, Callable[..., int]]:
    """The text without its contact details, and where a position of the original went."""
    moves: list[tuple[int, int, int, int]] = []  # where a detail was, and where its mask is
    shift = 0
    for contact in contacts:
        size = len(mask(contact.text, [replace(contact, start=0, end=len(contact.text))]))
        start = contact.start + shift
        moves.append((contact.start, contact.end, start, start + size))
        shift = start + size - contact.end

    def moved(position: int, *, last: bool) -> int:
        shift = 0
        for start, end, masked_from, masked_to in moves:
            if position >= end:
                shift = masked_to - end
            elif position > start or (position == start and not last):
                return masked_to if last else masked_from
        return position + shift

    return mask(text, contacts), moved


def merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans in order, those that touch as one, without empty ones.

    >>> merged([(4, 6), (0, 2), (2, 3), (5, 5)])
    [(0, 3), (4, 6)]
    """
    joined: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        elif start < end:
            joined.append((start, end))
    return joined


def file_name(sender: str) -> str:
    """A name for the files of a sender: readable, safe on every file system, different for different senders.

    >>> file_name("../../etc/passwd").startswith("etc_passwd-"), file_name("amy") == file_name("Amy")
    (True, False)
    """
    readable = re.sub(r"[^A-Za-z0-9_-]+", "_", sender)[:40].strip("_-")
    return f"{readable or 'sender'}-{blake2b(sender.encode('utf-8', 'backslashreplace'), digest_size=6).hexdigest()}"
