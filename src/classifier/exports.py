"""What every format of export has in common: batches of messages, rows set aside, columns and surfaces by name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from classifier.errors import MessagesError
from classifier.guidelines import SURFACES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = [
    "BATCH_CHARACTERS", "BadRow", "Columns", "Export", "MessageBatch", "envelope_columns", "find_columns",
    "is_envelope_name", "plain_envelope", "surface_names",
]  # fmt: skip

BATCH_CHARACTERS = 2**25
_ALIASES = {"text": ("message", "body", "content", "message_text"), "id": ("message_id", "msg_id"), "surface": ()}
# The envelope of a message, and the names it goes by in exports, the likeliest first.
_ENVELOPE = {
    "sender": ("sender", "sender_id", "from", "author", "author_id", "user_id", "username", "user"),
    "recipient": ("recipient", "recipient_id", "to", "receiver", "receiver_id"),
    "time": ("sent_at", "timestamp", "time", "created_at", "date", "datetime"),
    "profile": ("profile_url", "profile", "profile_link"),
}
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Columns:
    """Names of the columns that hold id, message and surface; None for one the export lacks.

    The three default names also match in another case and under common other names (``Message``, ``body``), as long as
    only one column fits; a name given on purpose must be there.

    The other four are the envelope of a message: who wrote it, to whom, when, and the link to the writer's profile.
    Asked as None, each is looked for under its common names (``sender``, ``from``, ``user_id``, ``sent_at``, ...) and
    the first that is there is taken; found as None, the export has none.
    """

    id: str | None = "id"
    text: str = "text"
    surface: str | None = "surface"
    sender: str | None = None
    recipient: str | None = None
    time: str | None = None
    profile: str | None = None

    @property
    def envelope(self) -> tuple[str, ...]:
        """The names of those columns of the envelope that are there.

        >>> Columns(sender="from", time="date").envelope
        ('from', 'date')
        """
        return tuple(name for kind in _ENVELOPE if (name := getattr(self, kind)) is not None)


@dataclass(frozen=True)
class BadRow:
    """A row set aside: where it is and why, never what it says. `id` is None where it cannot be read."""

    file: str
    row: int
    reason: str
    id: Any = None


@dataclass(frozen=True)
class Export:
    """What was found out about a file: its format, encoding (None for Parquet) and columns (id None: row numbers).

    `notes` are what a person should know about how it was read, one sentence each.
    """

    path: Path
    format: str
    encoding: str | None
    columns: Columns
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class MessageBatch:
    """A stretch of an export: `n` messages, column by column and in order, and the rows set aside among them.

    `ids` are str from CSV, str, int or None from JSON Lines and an Arrow array of the file's own type from Parquet (row
    numbers where the export has no ids); `texts` are a list of str, or an Arrow string array without nulls
    from Parquet; `surfaces` hold names of `SURFACES` or None. `rows` are the row numbers of the `n` messages,
    `unknown_surfaces` counts values no surface is known by, `fraction` is the part of the file read so far.

    `senders`, `recipients`, `times` and `profiles` are lists of n strings as given (numbers as written, a Parquet
    timestamp in ISO 8601; None where empty), or None where the export has no such column. `timestamps.parse_time`
    reads a time.
    """

    export: Export
    ids: Any
    texts: Sequence[str]
    surfaces: list[str | None]
    rows: Sequence[int]
    bad: tuple[BadRow, ...] = ()
    unknown_surfaces: int = 0
    fraction: float | None = None
    senders: list[str | None] | None = None
    recipients: list[str | None] | None = None
    times: list[str | None] | None = None
    profiles: list[str | None] | None = None

    def __len__(self) -> int:
        return len(self.rows)


def find_columns(found: Sequence[str], asked: Columns, path: Path) -> Columns:
    """Find the columns among the names of a file, or say what the names are and which option to use."""
    plain = [_plain_name(column) for column in found]

    def column(kind: str, name: str | None) -> str | None:
        if name is None:
            return None
        fits = [column for column in found if column == name]
        if not fits and name == getattr(Columns, kind):
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

    def of_envelope(kind: str) -> str | None:
        if (name := getattr(asked, kind)) is not None:
            return column(kind, name)
        # Nobody asked for it, so nothing can be wrong: a name that stands twice in the file is passed over.
        single = {other: name for name, other in zip(found, plain, strict=True) if found.count(name) == 1}
        return next((single[other] for other in _ENVELOPE[kind] if other in single and single[other] != text), None)

    text = column("text", asked.text) or asked.text
    envelope = {kind: of_envelope(kind) for kind in _ENVELOPE}
    return Columns(column("id", asked.id), text, column("surface", asked.surface), **envelope)


def envelope_columns(columns: Columns, values: Sequence[Sequence[Any]]) -> dict[str, list[str | None]]:
    """Name the values of the envelope as `MessageBatch` does; `values` has a sequence per name in `Columns.envelope`.

    >>> envelope_columns(Columns(sender="from", time="date"), [["amy", 7], [1761372000, ""]])
    {'senders': ['amy', '7'], 'times': ['1761372000', None]}
    """
    kinds = [kind for kind in _ENVELOPE if getattr(columns, kind) is not None]
    return {f"{kind}s": list(map(plain_envelope, column)) for kind, column in zip(kinds, values, strict=True)}


def is_envelope_name(kind: str, name: str) -> bool:
    """Tell whether a column of this name may hold what `kind` says: ``sender``, ``recipient``, ``time`` or ``profile``.

    >>> is_envelope_name("sender", "User ID"), is_envelope_name("sender", "score")
    (True, False)
    """
    return _plain_name(name) in _ENVELOPE[kind]


def _plain_name(column: str) -> str:
    return column.strip().lower().replace(" ", "_")


def plain_envelope(value: Any) -> str | None:
    """Give a value of the envelope as a string that any file can hold; None for nothing and for what is no value."""
    if type(value) is not str:
        if isinstance(value, date):
            return value.isoformat()
        if isinstance(value, bytes):
            return value.hex()
        if value is None or isinstance(value, bool | dict | list | tuple):
            return None
        value = str(value)
    if not value.isascii() and _LONE_SURROGATE.search(value):
        value = value.encode("utf-8", "backslashreplace").decode()
    return value if value and not value.isspace() else None


def surface_names(values: Sequence[Any]) -> tuple[list[str | None], int]:
    """Names of `SURFACES` or None, and how many values were something else; case and spaces do not matter."""
    names = [_surface(value) if type(value) is str else None for value in values]
    return names, sum(name is None and value not in (None, "") for name, value in zip(names, values, strict=True))


@lru_cache(1024)
def _surface(value: str) -> str | None:
    name = re.sub(r"[\s-]+", "_", value.strip().lower())
    return name if name in SURFACES else None
