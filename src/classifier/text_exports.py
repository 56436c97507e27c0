"""Exports as text: from the lines of a CSV, TSV or JSON Lines file to its columns and rows, good and set aside."""

from __future__ import annotations

import codecs
import csv
import json
import re
from collections import deque
from collections.abc import Sequence
from functools import partial
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from classifier.errors import MessagesError
from classifier.exports import find_columns
from classifier.json_streams import Digits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import TextIO

    from classifier.exports import Columns

__all__ = ["BROKEN", "MAX_ROW", "READERS", "Row", "capped_lines", "csv_table", "line_end", "rows_of_objects"]

MAX_ROW = 2**24
_MAX_LINES = 2**16  # in one CSV row: a line costs 50 bytes of memory however short it is
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
# No strict decoder produces a lone surrogate, so this one can only mean bytes that are not of the encoding.
BROKEN = "\udcff"
codecs.register_error("classifier.broken", lambda error: (BROKEN, error.end))  # type: ignore[attr-defined]
# A row of a text format on its way into a batch: (why it is set aside or None, id, text, surface, envelope).
Row = tuple[str | None, Any, str, str | None, Sequence[Any]]


def capped_lines(file: TextIO, ends: str) -> Iterator[str]:
    """Yield the lines of a file; of one longer than `MAX_ROW` only the first `MAX_ROW` characters."""
    for line in iter(partial(file.readline, MAX_ROW), ""):
        yield line
        if len(line) >= MAX_ROW:
            while line and line[-1] not in ends:
                line = file.readline(MAX_ROW)


def line_end(head: bytes, kind: str) -> str:
    r"""Give what ends the lines of a file that begins with `head`, as `open` takes it: ``"\n"``, or ``""`` for any.

    A lone ``"\r"`` ends lines only in a file that has them from the start: elsewhere it is part of a message.

    >>> line_end(b"id,text\r1,hi\r", "csv"), line_end(b"id,text\r\n1,a\rb\r\n", "csv")
    ('', '\n')
    """
    first = re.search(rb"[\r\n][\r\n\0]*", head)
    return "" if kind != "jsonl" and first and b"\n" not in first[0] else "\n"


def csv_table(
    lines: Iterator[str], path: Path, delimiter: str = ""
) -> tuple[list[str], Iterator[tuple[int, list[str], str | None]]]:
    r"""Read the header of a CSV file, and give it with the records behind it as ``(first line, fields, reason)``.

    The reason is None for a record that can be read; how many fields it has is not looked at. Raises `MessagesError`
    where the header cannot be read.

    >>> from pathlib import Path
    >>> header, records = csv_table(iter(["id;text\n", '1;"a;b"\n']), Path("e.csv"))
    >>> header, [*records]
    (['id', 'text'], [(2, ['1', 'a;b'], None)])
    """
    top = [""]
    while not top[-1].strip("\r\n") and (line := next(lines, "")):
        top.append(line)
    # Spreadsheets in half of Europe write semicolons; the header tells.
    delimiter = delimiter or max(",;\t", key=top[-1].count)
    records = _records(chain(top[1:], lines), delimiter)
    _, header, reason = next(records, (1, [], "nothing but blank lines"))
    if reason:
        raise MessagesError(f"the header cannot be read: {reason}", where=str(path), todo="check format and encoding")
    return header, records


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
            if BROKEN in text:
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


def _read_csv(lines: Iterator[str], asked: Columns, path: Path, delimiter: str = "") -> tuple[Columns, Iterator[Row]]:
    header, records = csv_table(lines, path, delimiter)
    columns, width = find_columns(header, asked, path), len(header)
    text_at = header.index(columns.text)
    id_at = None if columns.id is None else header.index(columns.id)
    surface_at = None if columns.surface is None else header.index(columns.surface)
    envelope_at = [header.index(name) for name in columns.envelope]

    def rows() -> Iterator[Row]:
        for line, fields, reason in records:
            if reason is None and len(fields) == width:
                key = None if id_at is None else fields[id_at]
                envelope = [fields[at] for at in envelope_at] if envelope_at else ()
                yield None, key, fields[text_at], None if surface_at is None else fields[surface_at], envelope
                continue
            why = reason or f"{len(fields)} field{'s'[: len(fields) != 1]} where the header has {width}"
            # A delimiter too many or too few shifts what is right of it, most often of the message.
            key = fields[id_at] if id_at is not None and id_at < len(fields) and (reason or id_at < text_at) else None
            yield f"{why} (line {line})", None if key is None or BROKEN in key else key, "", None, ()

    return columns, rows()


def _read_jsonl(lines: Iterator[str], asked: Columns, path: Path) -> tuple[Columns, Iterator[Row]]:
    decode = json.JSONDecoder(parse_float=Digits, parse_constant=Digits).raw_decode

    def objects() -> Iterator[tuple[int, Any]]:
        for number, line in enumerate(lines, 1):
            if len(line) >= MAX_ROW:
                yield number, f"longer than {MAX_ROW:,} characters"
            elif BROKEN in line:
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
    return rows_of_objects(head, chain(head, stream), asked, path, " (line {})")


def rows_of_objects(
    head: Sequence[tuple[int, Any]], stream: Iterator[tuple[int, Any]], asked: Columns, path: Path, place: str = ""
) -> tuple[Columns, Iterator[Row]]:
    """Read columns and rows of JSON objects; `stream` has each object, or why it is none, with its number.

    The columns are found among the keys of `head`; `place` says in a reason where the object of some number stands.
    """
    keys = {key: None for _, value in head if type(value) is dict for key in value}
    columns = find_columns(list(keys), asked, path) if keys else asked
    envelope = columns.envelope

    def rows() -> Iterator[Row]:
        for number, value in stream:
            if type(value) is str:
                yield f"{value}{place.format(number)}", None, "", None, ()
                continue
            key = value.get(columns.id)
            text = value.get(columns.text, Digits)
            surface = value.get(columns.surface)
            why = None
            if type(key) is Digits:
                key = str(key)
            elif type(key) is str and not key.isascii() and _LONE_SURROGATE.search(key):
                key, why = None, "the id holds half a character, which no file can keep"
            elif key is not None and type(key) is not str and type(key) is not int:
                key, why = None, f"the id is {_json_type(key)}"
            if type(text) is not str:
                why = "there is no text" if text is Digits else f"the text is {_json_type(text)}, not a string"
            if why is None:
                yield None, key, text, surface, [value.get(name) for name in envelope] if envelope else ()
            else:
                yield f"{why}{place.format(number)}", key, "", None, ()

    return columns, rows()


def _json_type(value: object) -> str:
    names = {dict: "an object", list: "a list", bool: "true or false", type(None): "null", str: "a string"}
    return names.get(type(value), "a number")


READERS: dict[str, Callable[[Iterator[str], Columns, Path], tuple[Columns, Iterator[Row]]]] = {
    "csv": _read_csv,
    "tsv": partial(_read_csv, delimiter="\t"),
    "jsonl": _read_jsonl,
}
