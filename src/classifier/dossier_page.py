"""A dossier as a page of Markdown.

A message cannot change the page it stands on: everything from the export is inside code, whose fence is longer than any
in the text, and what is invisible or turns the direction of writing is spelled out.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from classifier.dossier import merged
from classifier.policy import ACTIONS

__all__ = ["markdown"]

_OPEN, _CLOSE = "⟦", "⟧"
_KEPT = {"\n", "\t", "\u200c", "\u200d"}  # the last two join and part letters and emoji
_UNSEEN, _MARKS = {"Cc", "Cf", "Cs", "Zl", "Zp"}, {_OPEN, _CLOSE}


def markdown(found: dict[str, Any]) -> str:
    """The dossier that `dossier` gave, as a page of Markdown."""
    counts = found["counts"]
    period = f"{_code(found['first'])} to {_code(found['last'])}" if found["first"] else "the export has no times"
    repeated = f", {counts['duplicates']:,} of them repeated and counted once" if counts["duplicates"] else ""
    by_action = ", ".join(f"{count:,} {name}" for name, count in counts["actions"].items() if name != "none")
    lines = [
        "# Evidence dossier", "",
        f"- Sender: {_code(found['sender'])}",
        f"- Profile: {_code(found['profile']) if found['profile'] else 'no link in the export; the id is above'}",
        f"- Recommendation: **{found['recommendation']}**",
        f"- Messages: {counts['messages']:,}{repeated}; recommendations: {by_action}",
        f"- Period: {period}",
        f"- Export: {_code(found['export'])}; release {_code(found['release'])}; policy {_code(found['policy'])}",
        "", "## What was found", "",
    ]  # fmt: skip
    for finding in found["findings"]:
        lines.append(f"- {_code(finding['sentence'])}")
        lines += [f"  - {clause}" for clause in finding["clauses"]]
    lines += [f"- {note}" for note in found["notes"]]
    if counts["labels"]:
        names = [action.value for action in ACTIONS[1:]]
        lines += ["", "## Messages by label", "", f"| label | {' | '.join(names)} |", "| --- |" + " --- |" * len(names)]
        lines += [
            f"| {label} | {' | '.join(str(row[name]) for name in names)} |" for label, row in counts["labels"].items()
        ]
    evidence = found["evidence"]
    lines += ["", "## Messages", "", f"{evidence['shown']:,} of {evidence['found']:,} that weighed, in order of time. "
              f"What weighed most in a message stands in {_OPEN}{_CLOSE}."]  # fmt: skip
    for number, message in enumerate(found["messages"], 1):
        lines += ["", f"### {number}. {_code(message['id'])}", "", *_page_of(message)]
    lines += ["", "## Recommended steps", ""]
    lines += [f"{number}. {step}" for number, step in enumerate(found["steps"], 1)]
    return "\n".join([*lines, "", "## Masking", "", found["masking"], ""])


def _page_of(message: dict[str, Any]) -> list[str]:
    facts = {"time": message["time"], "surface": message["surface"], "to": message["recipient"], "row": message["row"]}
    told = ", ".join(f"{name} {_code(value)}" for name, value in facts.items() if value is not None)
    spans = merged((start, end) for label in message["labels"] for start, end, _ in label["spans"])
    text, place = "", 0
    for start, end in spans:
        text += _visible(message["text"][place:start]) + _OPEN + _visible(message["text"][start:end]) + _CLOSE
        place = end
    text += _visible(message["text"][place:])
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    lines = [f"- {told}"]
    for label in message["labels"]:
        figures = f"confidence {label['confidence']:.2f}, threshold {label['threshold']:.2f}"
        detail = f" ({label['detail'].replace('_', ' ')})" if label["detail"] else ""
        lines.append(f"- **{label['label']}**{detail}: {label['action']}, {figures}; {'; '.join(label['clauses'])}")
    lines += ["", f"{fence}text", *text.split("\n"), fence]
    if message["left_out"]:
        lines += ["", f"{message['left_out']:,} more characters are left out."]
    return lines


def _visible(text: str) -> str:
    r"""Spell out what cannot be seen, turns the direction of writing, or is the sign of a mark.

    >>> print(_visible("a\u202eb\x00 \u27e6x"))
    a\u202eb\u0000 \u27e6x
    """
    text = text.replace("\r\n", "\n")
    return "".join(
        char if char in _KEPT or (unicodedata.category(char) not in _UNSEEN and char not in _MARKS) else _spelled(char)
        for char in text
    )


def _spelled(char: str) -> str:
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"


def _code(value: object) -> str:
    r"""A value from the export inside a line.

    >>> print(_code("a`b\n<b>"))
    ``a`b <b>``
    """
    text = " ".join(_visible(str(value)).split())
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    pad = " " * (not text or text[0] == "`" or text[-1] == "`")
    return f"{fence}{pad}{text}{pad}{fence}"
