"""Messages of which two classifiers say different things: a CSV row for each label whose action changed, and why.

Columns: ``id``, ``row`` of the export, ``before`` and ``after`` (the message's recommendations), ``label``, its action,
confidence and threshold before and after, ``why`` in words, and ``text`` only where it is asked for. A threshold is
that of the severer of the label's two actions, empty where it is not offered. A message whose labels change while its
recommendation stays is in the file too. A text that a spreadsheet would run as a formula gets an apostrophe before it.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from classifier.errors import MessagesError
from classifier.guidelines import LABELS
from classifier.policy import ACTIONS
from classifier.results import plain_id
from classifier.spreadsheets import inert

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator
    from types import TracebackType

    from numpy.typing import NDArray

    from classifier.messages import MessageBatch
    from classifier.policy import Policy
    from classifier.scoring import Recommendations

__all__ = ["Change", "Changes", "Said", "changes_of", "why"]

COLUMNS = (
    "id", "row", "before", "after", "label", "action_before", "action_after", "confidence_before", "confidence_after",
    "threshold_before", "threshold_after", "why",
)  # fmt: skip


@dataclass(frozen=True)
class Said:
    """What one classifier says of n messages: confidences (n, 6), levels of action (n, 6), known (n,)."""

    confidences: NDArray[np.float32]
    levels: NDArray[np.uint8]
    known: NDArray[np.bool_]

    @classmethod
    def of(cls, found: Recommendations) -> Said:
        """Of a classifier's answer."""
        return cls(found.confidences, found.label_actions, found.known)


@dataclass(frozen=True)
class Change:
    """One label of one message whose action changed; a threshold is None where the action is not offered."""

    id: Any
    row: int
    before: str
    after: str
    label: str
    actions: tuple[str, str]
    confidences: tuple[float, float]
    thresholds: tuple[float | None, float | None]
    why: str
    text: str


def changes_of(batch: MessageBatch, old: Said, new: Said, before: Policy, after: Policy) -> Iterator[Change]:
    """What changed among the messages of a batch, in its order, under the policy of either side."""
    limits: dict[str | None, tuple[list[list[float]], list[list[float]]]] = {}
    recommended = old.levels.max(axis=1).tolist(), new.levels.max(axis=1).tolist()
    for i, j in zip(*(places.tolist() for places in np.nonzero(old.levels != new.levels)), strict=True):
        surface = batch.surfaces[i]
        if surface not in limits:
            limits[surface] = before.for_surface(surface).tolist(), after.for_surface(surface).tolist()
        levels = int(old.levels[i, j]), int(new.levels[i, j])
        confidences = float(old.confidences[i, j]), float(new.confidences[i, j])
        label_limits = limits[surface][0][j], limits[surface][1][j]
        thresholds = [row[max(levels) - 1] for row in label_limits]
        key = batch.ids[i]
        yield Change(
            plain_id(key.as_py() if hasattr(key, "as_py") else key), batch.rows[i],
            ACTIONS[recommended[0][i]].value, ACTIONS[recommended[1][i]].value, LABELS[j],
            (ACTIONS[levels[0]].value, ACTIONS[levels[1]].value), confidences,
            (_offered(thresholds[0]), _offered(thresholds[1])),
            why(levels, confidences, label_limits, (bool(old.known[i]), bool(new.known[i]))), str(batch.texts[i]),
        )  # fmt: skip


def _offered(threshold: float) -> float | None:
    return None if np.isnan(threshold) else threshold


def why(
    levels: tuple[int, int], confidences: tuple[float, float], limits: tuple[list[float], list[float]],
    known: tuple[bool, bool] = (True, True),
) -> str:  # fmt: skip
    """Why a label's action changed: its confidence, the threshold, both, or what is offered. Pairs are before, after.

    >>> limits = [0.5, 0.8, float("nan")]
    >>> why((0, 1), (0.42, 0.61), (limits, limits))
    'confidence 0.420 → 0.610 crossed flag 0.500'
    >>> why((1, 0), (0.55, 0.55), (limits, [0.6, 0.8, 0.9]))
    'flag threshold 0.500 → 0.600 (confidence 0.550)'
    >>> why((2, 3), (0.95, 0.95), (limits, [0.6, 0.8, 0.9]))
    'block is now offered from 0.900 (confidence 0.950)'
    """
    if known[0] != known[1]:
        return "too little in it was known before" if known[1] else "too little in it is known now"
    k, action = max(levels) - 1, ACTIONS[max(levels)]
    old, new = limits[0][k], limits[1][k]
    moved = f"confidence {confidences[0]:.3f} → {confidences[1]:.3f}"
    stays = f"(confidence {confidences[1]:.3f})" if confidences[0] == confidences[1] else f"({moved})"
    if np.isnan(new) and not np.isnan(old):
        return f"{action} is no longer offered {stays}"
    if np.isnan(old) and not np.isnan(new):
        return f"{action} is now offered from {new:.3f} {stays}"
    by_confidence = _level(confidences[1], limits[0]) == levels[1]
    by_threshold = _level(confidences[0], limits[1]) == levels[1]
    if by_confidence and not by_threshold:
        return f"{moved} crossed {action} {new:.3f}"
    if by_threshold and not by_confidence:
        return f"{action} threshold {old:.3f} → {new:.3f} {stays}"
    return f"{moved} and {action} threshold {old:.3f} → {new:.3f}"


def _level(confidence: float, limits: list[float]) -> int:
    return max((k for k in (1, 2, 3) if confidence >= limits[k - 1]), default=0)


class Changes:
    """The file of changes: it appears under its name when the ``with`` block ends well, or not at all.

    Raises `MessagesError` where it cannot be written, or is named like anything but CSV.
    """

    def __init__(self, target: str | os.PathLike[str], *, with_text: bool = False) -> None:
        self.target, self.with_text = Path(target), with_text
        if self.target.suffix.lower() != ".csv":
            raise MessagesError("changes are written as CSV", where=str(target), todo="name a file ending in .csv")
        self._part = self.target.with_name(f".{self.target.name}.part")
        try:
            # Messages may hold half a character; backslashreplace writes it as JSON does.
            self._file = self._part.open("w", encoding="utf-8", errors="backslashreplace", newline="")
        except OSError as error:
            raise self._refusal(error) from error
        self._rows = csv.writer(self._file, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
        self._rows.writerow((*COLUMNS, "text") if with_text else COLUMNS)

    def write(self, changes: Iterable[Change]) -> None:
        """Write changes, in order."""
        try:
            for c in changes:
                figures = [None if x is None else round(x, 4) for x in (*c.confidences, *c.thresholds)]
                row = (c.id, c.row, c.before, c.after, c.label, *c.actions, *figures, c.why)
                self._rows.writerow(map(inert, (*row, c.text) if self.with_text else row))
        except OSError as error:
            raise self._refusal(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        try:
            self._file.close()
            if kind is None:
                self._part.replace(self.target)
        except OSError as problem:
            raise self._refusal(problem) from problem
        finally:
            self._part.unlink(missing_ok=True)

    def _refusal(self, error: OSError) -> MessagesError:
        what = f"cannot be written ({error.strerror or error})"
        return MessagesError(what, where=str(self.target), todo="free space or name another file with -o")
