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

A new text format is a function from lines to `(Columns, rows)`, entered in `text_exports.READERS`.
"""

from __future__ import annotations

import codecs
import io
import re
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classifier.errors import MessagesError
from classifier.exports import BATCH_CHARACTERS, BadRow, Columns, Export, MessageBatch, surface_names
from classifier.parquet_exports import read_parquet
from classifier.text_exports import MAX_ROW, READERS, capped_lines

if TYPE_CHECKING:
    import os
    from collections.abc import Generator, Iterable, Iterator
    from io import BufferedReader

    from classifier.text_exports import Row

__all__ = ["FORMATS", "MAX_ROW", "BadRow", "Columns", "Export", "MessageBatch", "format_of", "read_messages"]

FORMATS = {".csv": "csv", ".tsv": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}
_HEAD = 2**22


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
    columns: Columns = Columns(),  # noqa: B008 (frozen)
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
            yield from read_parquet(path, asked, batch_size)
            return
        with io.BufferedReader(io.FileIO(path), _HEAD) as raw:
            encoding = _encoding_of(raw.peek(_HEAD)[:_HEAD], encoding, path)
            # A lone "\r" ends lines only in a file that has them from the start: elsewhere it is part of a message.
            first_end = re.search(rb"[\r\n][\r\n\0]*", raw.peek(_HEAD))
            newline = "" if kind != "jsonl" and first_end and b"\n" not in first_end[0] else "\n"
            with io.TextIOWrapper(raw, encoding, errors="classifier.broken", newline=newline) as file:
                found, rows = READERS[kind](capped_lines(file, newline or "\r\n"), asked, path)
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


def _batches(
    export: Export, rows: Iterable[Row], batch_size: int, raw: BufferedReader[io.FileIO]
) -> Iterator[MessageBatch]:
    """Gather the rows of a text format column by column, and number them."""
    total, first, characters = export.path.stat().st_size, True, 0
    ids: list[Any] = []
    texts: list[str] = []
    surfaces: list[str | None] = []
    numbers: list[int] = []
    bad: list[BadRow] = []

    def batch() -> MessageBatch:
        names, unknown = surface_names(surfaces)
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
        if len(numbers) + len(bad) >= batch_size or characters >= BATCH_CHARACTERS:
            yield batch()
            first, characters, ids, texts, surfaces, numbers, bad = False, 0, [], [], [], [], []
    if first or numbers or bad:
        yield batch()
