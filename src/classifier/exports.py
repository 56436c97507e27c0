"""What every format of export has in common: batches of messages, rows set aside, columns and surfaces by name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from classifier.errors import MessagesError
from classifier.guidelines import SURFACES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["BATCH_CHARACTERS", "BadRow", "Columns", "Export", "MessageBatch", "find_columns", "surface_names"]

BATCH_CHARACTERS = 2**25
_ALIASES = {"text": ("message", "body", "content", "message_text"), "id": ("message_id", "msg_id"), "surface": ()}


@dataclass(frozen=True)
class Columns:
    """Names of the columns that hold id, message and surface; None for one the export lacks.

    The three default names also match in another case and under common other names (``Message``, ``body``), as long as
    only one column fits; a name given on purpose must be there.
    """

    id: str | None = "id"
    text: str = "text"
    surface: str | None = "surface"


@dataclass(frozen=True)
class BadRow:
    """A row set aside: where it is and why, never what it says. `id` is None where it cannot be read."""

    file: str
    row: int
    reason: str
    id: Any = None


@dataclass(frozen=True)
class Export:
    """What was found out about a file: its format, encoding (None for Parquet) and columns (id None: row numbers)."""

    path: Path
    format: str
    encoding: str | None
    columns: Columns


@dataclass(frozen=True)
class MessageBatch:
    """A stretch of an export: `n` messages, column by column and in order, and the rows set aside among them.

    `ids` are str from CSV, str, int or None from JSON Lines and an Arrow array of the file's own type from Parquet (row
    numbers where the export has no ids); `texts` are a list of str, or an Arrow string array without nulls
    from Parquet; `surfaces` hold names of `SURFACES` or None. `rows` are the row numbers of the `n` messages,
    `unknown_surfaces` counts values no surface is known by, `fraction` is the part of the file read so far.
    """

    export: Export
    ids: Any
    texts: Sequence[str]
    surfaces: list[str | None]
    rows: Sequence[int]
    bad: tuple[BadRow, ...] = ()
    unknown_surfaces: int = 0
    fraction: float | None = None

    def __len__(self) -> int:
        return len(self.rows)


def find_columns(found: Sequence[str], asked: Columns, path: Path) -> Columns:
    """Find the three columns among the names of a file, or say what the names are and which option to use."""

    def column(kind: str, name: str | None) -> str | None:
        if name is None:
            return None
        fits = [column for column in found if column == name]
        if not fits and name == getattr(Columns, kind):
            plain = [column.strip().lower().replace(" ", "_") for column in found]
            fits = [column for column, other in zip(found, plain, strict=True) if other == name]
            fits = fits or [column for column, other in zip(found, plain, strict=True) if other in _ALIASES[kind]]
            if not fits and kind != "text":
                return None
        if len(fits) == 1:
            return fits[0]
        # A file without a header has a message where a name should be, and errors never quote messages.
        names = [f"'{column}'" if len(column) <= 40 else "(a long name)" for column in fits or found[:24]]
        listed = ", ".join(names) + ", ..." * (not fits and len(found) > 24)
        what = f"{len(fits)} columns fit '{name}': {listed}" if fits else f"no column '{name}' among {listed}"
        raise MessagesError(what, where=str(path), todo=f"name the right one with --{kind}-column")

    text = column("text", asked.text) or asked.text
    return Columns(column("id", asked.id), text, column("surface", asked.surface))


def surface_names(values: Sequence[Any]) -> tuple[list[str | None], int]:
    """Names of `SURFACES` or None, and how many values were something else; case and spaces do not matter."""
    names = [_surface(value) if type(value) is str else None for value in values]
    return names, sum(name is None and value not in (None, "") for name, value in zip(names, values, strict=True))


@lru_cache(1024)
def _surface(value: str) -> str | None:
    name = re.sub(r"[\s-]+", "_", value.strip().lower())
    return name if name in SURFACES else None
