"""Message exports in, as a stream of batches in bounded memory: tables, JSON and what chat programs write.

Read are CSV, TSV, JSON, JSON Lines, Parquet, and the exports of WhatsApp, Telegram, Discord and Slack; as they are or
packed with gzip, Zstandard or zip; one file, a folder or pattern of files, or standard input (``-``). The format is
told by the content (`export_detection`); the modules of the formats say what counts as a message in each.

What is read and what is not, the same for every format:

* Ids stay exactly as given: leading zeros, big integers, UUIDs. Without an id column the row numbers are the ids.
* Every string is a message: ``"NA"``, ``"null"`` and ``""`` too. A null, a number or a list is not one.
* A row that cannot be read is *set aside* as a `BadRow`, which names file, row and reason and never quotes the text.
  Rows count from 1 without the header; the reason adds the line for the text formats. Blank lines are no rows.
* Who wrote a message, to whom and when comes along where the export has such columns; nothing there sets a row aside.
* A row of more than `MAX_ROW` characters is set aside. A quote left open costs its own line: the lines behind it are
  read again as rows of their own, as long as that takes time linear in the size of the file.
* Encoding ``auto``: a byte order mark decides; otherwise UTF-8, line by line, unless more than half of the first
  lines with a byte above 127 (1000 lines, within 4 MiB) look like cp1252: no UTF-8, no UTF-8 sequence begun, and an
  accented letter or quotation mark that touches an ASCII letter. Lines that do not fit the encoding are set aside.
* What a chat program itself wrote (joins, pins, omitted media) is set aside too, as "no message".
* Of a folder, pattern or archive all exports are read in the order of their names, and their ids become
  ``<file>#<id>``; only where all are CSV, TSV or Parquet with the same columns and an id among them, they are parts of
  one export, and ids stay as given. A file that cannot be read is set aside as one row, and the others are read. What
  an earlier run has written there (`sources`) is not read.

A new format is a function from lines or a file to `(Columns, rows)`, entered in `export_readers`.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from classifier.errors import MessagesError
from classifier.export_detection import check_format
from classifier.export_readers import Asked, format_of_source, read_all, read_source
from classifier.exports import BadRow, Columns, Export, MessageBatch
from classifier.sources import find_sources, is_collection
from classifier.text_exports import MAX_ROW

if TYPE_CHECKING:
    import os
    from collections.abc import Generator

__all__ = ["FORMATS", "MAX_ROW", "BadRow", "Columns", "Export", "MessageBatch", "format_of", "read_messages"]

FORMATS = {".csv": "csv", ".tsv": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}


def format_of(path: str | os.PathLike[str], format: str | None = None) -> str:  # noqa: A002
    """Name the format of a result by `format` or else by its extension.

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
    key: bytes | None = None,
) -> Generator[MessageBatch, None, None]:
    r"""Stream the messages of an export as batches of at most `batch_size` rows; `path` may be ``-`` or many files.

    With a `key` people have pseudonyms, also where files and chats are named after them (`pseudonyms`).

    There is always at least one batch, so that an export without rows still tells its format, encoding and columns.

    Raises
    ------
    MessagesError
        At once when the file is missing, empty or of unknown format, or the folder has no exports; at the first batch
        when it is no such format or lacks the columns; later when it turns out damaged.

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
    if batch_size < 1:
        raise ValueError(f"batch_size is {batch_size}; use 1 or more")
    asked = Asked(check_format(format, path), columns, encoding, batch_size, key)
    sources, passed_over = find_sources(path)
    if is_collection(path):
        notes = (f"{passed_over} files without the ending of an export were passed over",) if passed_over else ()
        return read_all(sources, Path(path), asked, notes=notes)
    [source] = sources
    if source.size is not None:
        if not source.size:
            raise MessagesError("the file is empty", where=str(path), todo="export it again")
        with suppress(OSError):  # told when it is read
            format_of_source(source, asked)
    return read_source(source, asked)
