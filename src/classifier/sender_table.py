"""The table of senders, the most severe first, put in order without holding it."""

from __future__ import annotations

import csv
import heapq
import json
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from classifier.guidelines import LABELS
from classifier.policy import ACTIONS, Action
from classifier.spreadsheets import inert

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from typing import TextIO

    from classifier.sender_histories import SenderHistory

__all__ = ["SENDER_COLUMNS", "Runs", "as_dict"]

SENDER_COLUMNS = (
    "sender", "profile", "recommendation", "messages", "duplicates", *(action.value for action in ACTIONS), *LABELS,
    "flags_in_window", "reports_in_window", "unanswered", "copies", "distress", "first", "last", "findings",
)  # fmt: skip
_AT_ONCE = 64  # files merged at once
_SEVEREST = 10


class Runs:
    """Histories on their way into one order: a file per partition and action, each by sender, merged at the end."""

    def __init__(self, folder: Path) -> None:
        self.counts = dict.fromkeys(ACTIONS, 0)
        self._folder = folder
        self._files: dict[Action, list[Path]] = {action: [] for action in ACTIONS}
        self._open: dict[Action, TextIO] = {}
        self._number = 0

    def add(self, history: SenderHistory) -> None:
        """Take a history; those of one partition come in order of the senders' names."""
        action = history.recommendation
        if action not in self._open:
            self._files[action].append(path := self._next())
            self._open[action] = path.open("w", encoding="utf-8")
        self._open[action].write(json.dumps(as_dict(history)) + "\n")
        self.counts[action] += 1

    def end_partition(self) -> None:
        """What follows is of another partition."""
        for file in self._open.values():
            file.close()
        self._open.clear()

    def merge(self, folder: Path) -> list[dict[str, Any]]:
        """Write ``senders.csv`` and ``senders.jsonl``, and give the severest."""
        severest: list[dict[str, Any]] = []
        with (
            (folder / "senders.jsonl").open("w", encoding="utf-8", newline="\n") as lines,
            (folder / "senders.csv").open("w", encoding="utf-8", newline="") as table,
        ):
            writer = csv.writer(table, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
            writer.writerow(SENDER_COLUMNS)
            for action in reversed(ACTIONS):
                paths = self._files[action]
                while len(paths) > _AT_ONCE:
                    paths = [self._merged(paths[i : i + _AT_ONCE]) for i in range(0, len(paths), _AT_ONCE)]
                with ExitStack() as stack:
                    for line, found in _in_order(stack, paths):
                        lines.write(line)
                        writer.writerow(_row(found))
                        if len(severest) < _SEVEREST:
                            severest.append(found)
        return severest

    def _next(self) -> Path:
        self._number += 1
        return self._folder / f"run-{self._number}.jsonl"

    def _merged(self, paths: list[Path]) -> Path:
        target = self._next()
        with ExitStack() as stack, target.open("w", encoding="utf-8") as file:
            file.writelines(line for line, _ in _in_order(stack, paths))
        for path in paths:
            path.unlink()
        return target


def _in_order(stack: ExitStack, paths: Iterable[Path]) -> Iterator[tuple[str, dict[str, Any]]]:
    def entries(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
        for line in stack.enter_context(path.open(encoding="utf-8")):
            yield line, json.loads(line)

    return heapq.merge(*map(entries, paths), key=lambda entry: entry[1]["sender"])


def as_dict(history: SenderHistory) -> dict[str, Any]:
    """A history as a line of ``senders.jsonl``."""
    return {
        "sender": history.sender, "profile": history.profile, "recommendation": history.recommendation.value,
        "messages": history.messages, "duplicates": history.duplicates, "actions": history.actions,
        "labels": history.labels, "flags_in_window": history.flags, "reports_in_window": history.reports,
        "unanswered": history.unanswered, "copies": history.copies, "distress": history.distress,
        "first": history.first, "last": history.last,
        "findings": [
            {"rule": found.rule, "action": found.action.value, "count": found.count, "messages": list(found.messages),
             "recipient": found.recipient, "sentence": found.sentence,
             "summary": found.told(found.recipient, named=False)}
            for found in history.findings
        ],
        "notes": list(history.notes),
    }  # fmt: skip


def _row(found: dict[str, Any]) -> list[Any]:
    """A line of ``senders.jsonl`` as a row of ``senders.csv``; a label's column counts its messages from flag up."""
    flat = found | found["actions"] | {label: sum(counts.values()) for label, counts in found["labels"].items()}
    flat["findings"] = "; ".join(finding["sentence"] for finding in found["findings"])
    return [inert(flat[name]) for name in SENDER_COLUMNS]
