"""Message exports in: CSV, TSV, JSON Lines and Parquet as a stream of batches, in bounded memory.

What is read and what is not, the same for every format:

* Ids stay exactly as given: leading zeros, big integers, UUIDs. Without an id column the row numbers are the ids.
* Every string is a message: ``"NA"``, ``"null"`` and ``""`` too. A null, a number or a list is not one.
* A row that cannot be read is *set aside* as a `BadRow`, which names file, row and reason and never quotes the text.
  Rows count from 1 without the header; the reason adds the line for the text formats. Blank lines are no rows.
* A row of more than `MAX_ROW` characters is set aside. A quote left open costs its own line: the lines behind it are
  read again as rows of their own, as long as that takes time linear in the size of the file.
* Encoding ``auto``: a byte order mark decides; otherwise UTF-8, line by line, unless more than half of the first
  lines with a byte above 127 (1000 lines, within 4 MiB) look like cp1252: no UTF-8, no UTF-8 sequence begun, and an
  accented letter or quotation mark that touches an ASCII letter. Lines that do not fit the encoding are set aside.

A new text format is a function from lines to `(Columns, rows)`, entered in `_TEXT_READERS`.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from collections import deque
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classifier.errors import MessagesError
from classifier.guidelines import SURFACES

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
    from io import BufferedReader
    from typing import TextIO

__all__ = ["FORMATS", "MAX_ROW", "BadRow", "Columns", "Export", "MessageBatch", "format_of", "read_messages"]

FORMATS = {".csv": "csv", ".tsv": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}
MAX_ROW = 2**24
_MAX_LINES = 2**16  # in one CSV row: a line costs 50 bytes of memory however short it is
_BATCH_CHARACTERS = 2**25
_HEAD = 2**22
_ALIASES = {"text": ("message", "body", "content", "message_text"), "id": ("message_id", "msg_id"), "surface": ()}
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
# No strict decoder produces a lone surrogate, so this one can only mean bytes that are not of the encoding.
_BROKEN = "\udcff"
codecs.register_error("classifier.broken", lambda error: (_BROKEN, error.end))  # type: ignore[attr-defined]


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


def format_of(path: str | os.PathLike[str], format: str | None = None) -> str:  # noqa: A002
    """Name the format of a file by `format` or else by its extension.

    >>> format_of("export.ndjson"), format_of("export.dump", "csv")
    ('jsonl', 'csv')
    >>> format_of("export.docx")
    Traceback (most recent call last):
    ...
    classifier.errors.MessagesError: export.docx: unknown extension '.docx'; use .csv, .tsv, .jsonl, .ndjson, .parquet
    or name the format with --format
    """
    if format is None:
        suffix, todo = Path(path).suffix, f"use {', '.join(FORMATS)} or name the format with --format"
        what = f"unknown extension '{suffix}'"
    else:
        suffix, todo = f".{format}", f"use one of {', '.join(dict.fromkeys(FORMATS.values()))}"
        what = f"unknown format '{format}'"
    if (found := FORMATS.get(suffix.lower())) is None:
        raise MessagesError(what, where=str(path), todo=todo)
    return found


def read_messages(
    path: str | os.PathLike[str],
    *,
    format: str | None = None,  # noqa: A002
    columns: Columns = Columns(),
    encoding: str = "auto",
    batch_size: int = 8192,
) -> Generator[MessageBatch, None, None]:
    r"""Stream the messages of an export as batches of at most `batch_size` rows.

    There is always at least one batch, so that an export without rows still tells its format, encoding and columns.

    Raises
    ------
    MessagesError
        At once when the file is missing, empty, a folder or of unknown format; at the first batch when it is no such
        format or lacks the columns; later when it turns out damaged.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     export = Path(folder, "export.csv")
    ...     _ = export.write_bytes(b'id,text,surface\n007,"Hi,\nAna",comment\n008,oops,comment,x\n009,NA,\n')
    ...     [batch] = read_messages(export)
    >>> batch.ids, batch.texts, batch.surfaces, batch.rows
    (['007', '009'], ['Hi,\nAna', 'NA'], ['comment', None], [1, 3])
    >>> batch.bad[0].row, batch.bad[0].id, batch.bad[0].reason
    (2, '008', '4 fields where the header has 3 (line 4)')
    >>> read_messages("missing.csv")
    Traceback (most recent call last):
    ...
    classifier.errors.MessagesError: missing.csv: there is no such file; check the path

    """
    path = Path(path)
    if path.is_dir():
        raise MessagesError("this is a folder", where=str(path), todo="name one export file in it")
    if not path.exists():
        raise MessagesError("there is no such file", where=str(path), todo="check the path")
    kind = format_of(path, format)
    if path.is_file() and not path.stat().st_size:
        raise MessagesError("the file is empty", where=str(path), todo="export it again")
    if batch_size < 1:
        raise ValueError(f"batch_size is {batch_size}; use 1 or more")
    return _read(path, kind, columns, encoding, batch_size)


def _read(path: Path, kind: str, asked: Columns, encoding: str, batch_size: int) -> Generator[MessageBatch, None, None]:
    try:
        if kind == "parquet":
            yield from _read_parquet(path, asked, batch_size)
            return
        with io.BufferedReader(io.FileIO(path), _HEAD) as raw:
            encoding = _encoding_of(raw.peek(_HEAD)[:_HEAD], encoding, path)
            # A lone "\r" ends lines only in a file that has them from the start: elsewhere it is part of a message.
            first_end = re.search(rb"[\r\n][\r\n\0]*", raw.peek(_HEAD))
            newline = "" if kind != "jsonl" and first_end and b"\n" not in first_end[0] else "\n"
            with io.TextIOWrapper(raw, encoding, errors="classifier.broken", newline=newline) as file:
                found, rows = _TEXT_READERS[kind](_lines(file, newline or "\r\n"), asked, path)
                yield from _batches(Export(path, kind, encoding, found), rows, batch_size, raw)
    except OSError as error:
        raise MessagesError(f"cannot be read ({error.strerror or error})", where=str(path)) from error


def _encoding_of(head: bytes, asked: str, path: Path) -> str:
    """Apply the rule at the top of this module to the first bytes of a file."""
    if asked != "auto":
        try:
            io.TextIOWrapper(io.BytesIO(), asked).close()
        except LookupError as error:
            todo = "use auto, utf-8, utf-16, cp1252 or another of Python's encodings"
            raise MessagesError(f"unknown encoding '{asked}'", where=str(path), todo=todo) from error
        return "utf-8-sig" if codecs.lookup(asked).name == "utf-8" else asked
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    whole_lines = head if len(head) < _HEAD else head[: head.rfind(b"\n") + 1]
    lines = list(islice((line for line in whole_lines.splitlines() if not line.isascii()), 1000))
    return "cp1252" if 2 * sum(map(_looks_western, lines)) > len(lines) else "utf-8"


def _looks_western(line: bytes) -> bool:
    touches = re.search(rb"[A-Za-z][\x80-\xfe]|[\x80-\xfe][A-Za-z]", line)
    if not touches or re.search(rb"[\xc2-\xf4][\x80-\xbf]|[\x81\x8d\x8f\x90\x9d\xff]", line):
        return False
    try:
        line.decode()
    except UnicodeDecodeError:
        return True
    return False


# A row of a text format on its way into a batch: (why it is set aside or None, id, text, surface).
_Row = tuple[str | None, Any, str, str | None]


def _batches(
    export: Export, rows: Iterable[_Row], batch_size: int, raw: BufferedReader[io.FileIO]
) -> Iterator[MessageBatch]:
    """Gather the rows of a text format column by column, and number them."""
    total, first, characters = export.path.stat().st_size, True, 0
    ids: list[Any] = []
    texts: list[str] = []
    surfaces: list[str | None] = []
    numbers: list[int] = []
    bad: list[BadRow] = []

    def batch() -> MessageBatch:
        names, unknown = _surfaces(surfaces)
        keys = numbers if export.columns.id is None else ids
        fraction = min(1.0, raw.tell() / total) if total else None
        return MessageBatch(export, keys, texts, names, numbers, tuple(bad), unknown, fraction)

    for number, (reason, key, text, surface) in enumerate(rows, 1):
        if reason is None:
            ids.append(key)
            texts.append(text)
            surfaces.append(surface)
            numbers.append(number)
            characters += len(text)
        else:
            bad.append(BadRow(str(export.path), number, reason, number if export.columns.id is None else key))
        if len(numbers) + len(bad) >= batch_size or characters >= _BATCH_CHARACTERS:
            yield batch()
            first, characters, ids, texts, surfaces, numbers, bad = False, 0, [], [], [], [], []
    if first or numbers or bad:
        yield batch()


def _lines(file: TextIO, ends: str) -> Iterator[str]:
    """Yield the lines of a file; of one longer than `MAX_ROW` only the first `MAX_ROW` characters."""
    for line in iter(partial(file.readline, MAX_ROW), ""):
        yield line
        if len(line) >= MAX_ROW:
            while line and line[-1] not in ends:
                line = file.readline(MAX_ROW)


def _records(lines: Iterator[str], delimiter: str) -> Iterator[tuple[int, list[str], str | None]]:
    """Yield `(first line, fields, reason)` for each record of a CSV file; the reason is None for a good one."""
    csv.field_size_limit(max(csv.field_size_limit(), MAX_ROW))  # the process-wide default, 131,072, is one long message
    again: deque[str] = deque()
    record: list[str] = []
    line, fresh, reread, broken = 1, 0, 0, False

    def feed() -> Iterator[str]:
        nonlocal fresh, broken
        size = 0
        while True:
            if again:
                text = again.popleft()
            elif text := next(lines, ""):
                fresh += len(text)
            else:
                return
            size = len(text) + (size if record else 0)
            record.append(text)
            if _BROKEN in text:
                broken = True
            if size >= MAX_ROW or len(record) > _MAX_LINES:
                raise csv.Error(f"longer than {MAX_ROW:,} characters or {_MAX_LINES:,} lines")
            yield text

    while True:
        # strict: what follows a closing quote must be a delimiter. Otherwise two rows melt into one that looks right.
        reader = csv.reader(feed(), delimiter=delimiter, strict=True)
        try:
            for fields in reader:
                if fields:
                    yield line, fields, "bytes that do not fit the encoding" if broken else None
                line += len(record)
                record.clear()
                broken = False
        except csv.Error as error:
            why = str(error)
            if "new-line" in why:
                why = "a carriage return outside quotes"
            elif not why.startswith("longer"):
                why = "a quote is left open or not doubled"
            yield line, [], why
            size = sum(map(len, record)) - len(record[0])
            if reread + size <= 4 * fresh:
                again.extendleft(reversed(record[1:]))
                reread += size
                del record[1:]
            line += len(record)
            record.clear()
            broken = False
        else:
            return


def _read_csv(lines: Iterator[str], asked: Columns, path: Path, delimiter: str = "") -> tuple[Columns, Iterator[_Row]]:
    top = [""]
    while not top[-1].strip("\r\n") and (line := next(lines, "")):
        top.append(line)
    # Spreadsheets in half of Europe write semicolons; the header tells.
    delimiter = delimiter or max(",;\t", key=top[-1].count)
    records = _records(chain(top[1:], lines), delimiter)
    _, header, reason = next(records, (1, [], "nothing but blank lines"))
    if reason:
        raise MessagesError(f"the header cannot be read: {reason}", where=str(path), todo="check format and encoding")
    columns, width = _find_columns(header, asked, path), len(header)
    text_at = header.index(columns.text)
    id_at = None if columns.id is None else header.index(columns.id)
    surface_at = None if columns.surface is None else header.index(columns.surface)

    def rows() -> Iterator[_Row]:
        for line, fields, reason in records:
            if reason is None and len(fields) == width:
                key = None if id_at is None else fields[id_at]
                yield None, key, fields[text_at], None if surface_at is None else fields[surface_at]
                continue
            why = reason or f"{len(fields)} field{'s'[: len(fields) != 1]} where the header has {width}"
            # A delimiter too many or too few shifts what is right of it, most often of the message.
            key = fields[id_at] if id_at is not None and id_at < len(fields) and (reason or id_at < text_at) else None
            yield f"{why} (line {line})", None if key is None or _BROKEN in key else key, "", None

    return columns, rows()


class _Digits(str):
    """A JSON number that is no integer, as written: the only way to keep it exactly."""

    __slots__ = ()


def _read_jsonl(lines: Iterator[str], asked: Columns, path: Path) -> tuple[Columns, Iterator[_Row]]:
    decode = json.JSONDecoder(parse_float=_Digits, parse_constant=_Digits).raw_decode

    def objects() -> Iterator[tuple[int, Any]]:
        for number, line in enumerate(lines, 1):
            if len(line) >= MAX_ROW:
                yield number, f"longer than {MAX_ROW:,} characters"
            elif _BROKEN in line:
                yield number, "bytes that do not fit the encoding"
            elif line := line.strip(" \t\r\n"):
                try:
                    value, end = decode(line)
                except json.JSONDecodeError as error:
                    yield number, f"not JSON: {error.msg}, character {error.pos + 1}"
                except (ValueError, RecursionError):  # a number of thousands of digits, a thousand brackets
                    yield number, "not JSON that can be read"
                else:
                    value = value if type(value) is dict else f"not a JSON object but {_json_type(value)}"
                    yield number, value if end == len(line) else f"not JSON: more after character {end}"

    stream = objects()
    head = list(islice(stream, 1000))
    if not head:
        raise MessagesError("nothing but blank lines", where=str(path), todo="export it again")
    keys = {key: None for _, value in head if type(value) is dict for key in value}
    columns = _find_columns(list(keys), asked, path) if keys else asked

    def rows() -> Iterator[_Row]:
        for line, value in chain(head, stream):
            if type(value) is str:
                yield f"{value} (line {line})", None, "", None
                continue
            key = value.get(columns.id)
            text = value.get(columns.text, _read_jsonl)
            surface = value.get(columns.surface)
            why = None
            if type(key) is _Digits:
                key = str(key)
            elif type(key) is str and not key.isascii() and _LONE_SURROGATE.search(key):
                key, why = None, "the id holds half a character, which no file can keep"
            elif key is not None and type(key) is not str and type(key) is not int:
                key, why = None, f"the id is {_json_type(key)}"
            if type(text) is not str:
                why = "there is no text" if text is _read_jsonl else f"the text is {_json_type(text)}, not a string"
            if why is None:
                yield None, key, text, surface
            else:
                yield f"{why} (line {line})", key, "", None

    return columns, rows()


def _json_type(value: object) -> str:
    names = {dict: "an object", list: "a list", bool: "true or false", type(None): "null", str: "a string"}
    return names.get(type(value), "a number")


def _read_parquet(path: Path, asked: Columns, batch_size: int) -> Generator[MessageBatch, None, None]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    done = 0
    try:
        # With a buffer a column chunk is read page by page instead of whole.
        with pq.ParquetFile(path, buffer_size=2**20) as file:
            schema, groups, total = file.schema_arrow, file.metadata, file.metadata.num_rows
            columns = _find_columns(schema.names, asked, path)
            of_text = schema.field(columns.text).type
            value_type = of_text.value_type if pa.types.is_dictionary(of_text) else of_text
            if value_type not in (pa.string(), pa.large_string(), pa.string_view()):
                todo = "name another column with --text-column, or write it as a string column"
                raise MessagesError(f"column '{columns.text}' holds {of_text}, not text", where=str(path), todo=todo)
            export = Export(path, "parquet", None, columns)
            names = [name for name in (columns.id, columns.text, columns.surface) if name is not None]
            size = sum(groups.row_group(i).total_byte_size for i in range(groups.num_row_groups))
            batch_size = max(1, min(batch_size, _BATCH_CHARACTERS * total // max(size, 1)))
            for record in file.iter_batches(batch_size, columns=names):
                done += len(record)
                yield _parquet_batch(export, record, done - len(record), done / total)
            if not done:
                empty = pa.RecordBatch.from_pylist([], schema=pa.schema([schema.field(name) for name in names]))
                yield _parquet_batch(export, empty, 0, 1.0)
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno:  # the disk, not the file
            raise
        where, what = str(path), f"is damaged after row {done}" if done else "is not a whole Parquet file"
        raise MessagesError(what, where=where, todo="export it again or name its format with --format") from error


def _parquet_batch(export: Export, record: Any, before: int, fraction: float) -> MessageBatch:
    import pyarrow as pa

    columns, n = export.columns, len(record)
    texts = _strings(record.column(columns.text))
    rows: Sequence[int] = range(before + 1, before + n + 1)
    ids = pa.array(rows, pa.int64()) if columns.id is None else _strings(record.column(columns.id))
    surfaces: list[Any] = [None] * n
    if columns.surface is not None:
        raw = _strings(record.column(columns.surface))
        broken = _broken_rows(raw)
        surfaces = ["?" if i in broken else raw[i].as_py() for i in range(n)] if broken else raw.to_pylist()
    unreadable = _broken_rows(ids)
    reasons = dict.fromkeys(unreadable, "the id is not valid UTF-8")
    reasons |= dict.fromkeys(_broken_rows(texts), "the text is not valid UTF-8")
    if texts.null_count:
        reasons |= {i: "the text is null" for i, valid in enumerate(texts.is_valid().to_pylist()) if not valid}
    bad: list[BadRow] = []
    if reasons:
        for i, reason in sorted(reasons.items()):
            key = None if i in unreadable else ids[i].as_py()
            bad.append(BadRow(str(export.path), before + i + 1, reason, key))
        kept = pa.array([i for i in range(n) if i not in reasons], pa.int64())
        texts, ids = texts.take(kept), ids.take(kept)
        rows, surfaces = [before + i + 1 for i in kept.to_pylist()], [surfaces[i] for i in kept.to_pylist()]
    names, unknown = _surfaces(surfaces)
    return MessageBatch(export, ids, texts, names, rows, tuple(bad), unknown, fraction)


def _strings(array: Any) -> Any:
    """Undo dictionary and view encodings, which few Arrow functions take; leave other types as they are."""
    import pyarrow as pa

    if pa.types.is_dictionary(array.type):
        array = array.cast(array.type.value_type)
    return array.cast(pa.large_string()) if array.type == pa.string_view() else array


def _broken_rows(array: Any) -> set[int]:
    """Positions of the strings that are not UTF-8, which Parquet does not rule out and Arrow does not check."""
    import pyarrow as pa

    if array.type not in (pa.string(), pa.large_string()):
        return set()
    try:
        array.validate(full=True)
    except pa.ArrowInvalid:
        broken = set()
        for i, value in enumerate(array.cast(pa.large_binary()).to_pylist()):
            try:
                (value or b"").decode()
            except UnicodeDecodeError:
                broken.add(i)
        return broken
    return set()


@lru_cache(1024)
def _surface(value: str) -> str | None:
    name = re.sub(r"[\s-]+", "_", value.strip().lower())
    return name if name in SURFACES else None


def _surfaces(values: Sequence[Any]) -> tuple[list[str | None], int]:
    """Names of `SURFACES` or None, and how many values were something else; case and spaces do not matter."""
    names = [_surface(value) if type(value) is str else None for value in values]
    return names, sum(name is None and value not in (None, "") for name, value in zip(names, values, strict=True))


def _find_columns(found: Sequence[str], asked: Columns, path: Path) -> Columns:
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


_TEXT_READERS: dict[str, Callable[[Iterator[str], Columns, Path], tuple[Columns, Iterator[_Row]]]] = {
    "csv": _read_csv,
    "tsv": partial(_read_csv, delimiter="\t"),
    "jsonl": _read_jsonl,
}
