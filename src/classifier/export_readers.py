"""One source of messages, or many, as batches: unpacked, its format told, decoded, its rows gathered and numbered."""

from __future__ import annotations

import codecs
import io
import re
from contextlib import closing
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from classifier.archives import DAMAGE
from classifier.compressed import compression_of, unpacked
from classifier.discord_exports import read_discord, read_discord_csv
from classifier.errors import MessagesError
from classifier.export_detection import detect_format
from classifier.exports import (
    BATCH_CHARACTERS,
    BadRow,
    Columns,
    Export,
    MessageBatch,
    envelope_columns,
    find_columns,
    surface_names,
)
from classifier.json_exports import read_json
from classifier.parquet_exports import parquet_columns, read_parquet
from classifier.pseudonyms import pseudonym, pseudonymize
from classifier.result_formats import plain_id
from classifier.slack_exports import is_slack, read_slack
from classifier.sources import Source, seekable, sources_of_zip
from classifier.telegram_exports import read_telegram
from classifier.text_exports import READERS, capped_lines, csv_table, line_end
from classifier.whatsapp_exports import read_whatsapp

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
    from pathlib import Path

    from classifier.text_exports import Row

__all__ = ["Asked", "format_of_source", "read_all", "read_source"]

_HEAD = 2**22
_LINE_READERS: dict[str, Any] = {**READERS, "discord-csv": read_discord_csv, "whatsapp": read_whatsapp}
_DOCUMENT_READERS: dict[str, Any] = {"json": read_json, "telegram": read_telegram, "discord": read_discord}


class Asked:
    """What the caller of `read_messages` asked for."""

    def __init__(
        self,
        format: str | None,  # noqa: A002
        columns: Columns,
        encoding: str,
        batch_size: int,
        key: bytes | None = None,
    ) -> None:
        self.format, self.columns, self.encoding, self.batch_size = format, columns, encoding, batch_size
        self.key = key

    def hidden(self, batch: MessageBatch) -> MessageBatch:
        """The batch with pseudonyms, where a key asks for them."""
        return batch if self.key is None else pseudonymize(batch, self.key)

    def name_of(self, source: Source) -> str:
        """What a file is called in ids and notes; a chat's file is often named after a person."""
        return source.name if self.key is None else pseudonym(source.name, self.key)


def format_of_source(source: Source, asked: Asked) -> str:
    """Tell the format of a file from its first bytes, those unpacked."""
    with _opened(source) as (raw, _):
        return detect_format(raw.peek(_HEAD)[:_HEAD], source.path, asked.format)


class _opened:  # noqa: N801 (a context manager)
    """A source opened for reading, unpacked, and the file below it, which knows how far it was read."""

    def __init__(self, source: Source) -> None:
        file = source.open()
        self.below = io.BufferedReader(file, _HEAD)
        packing = compression_of(self.below.peek(8)[:8])
        self.raw = io.BufferedReader(unpacked(self.below, packing, str(source.path)), _HEAD) if packing else self.below

    def __enter__(self) -> tuple[io.BufferedReader, io.BufferedReader]:
        return self.raw, self.below

    def __exit__(self, *_: object) -> None:
        self.raw.close()
        self.below.close()


def read_source(source: Source, asked: Asked, *, inside: bool = False) -> Generator[MessageBatch, None, None]:
    """Stream one source; `inside` tells that it stands in an archive, where no other is opened."""
    path = source.path
    try:
        with _opened(source) as (raw, below):
            head = raw.peek(_HEAD)[:_HEAD]
            if not head:
                raise MessagesError("the file is empty", where=str(path), todo="export it again")
            kind = detect_format(head, path, asked.format)
            fraction = partial(_fraction, below, source.size)
            if kind in ("zip", "slack"):
                if inside:
                    what = "this is an archive within an archive, which is not opened"
                    raise MessagesError(what, where=str(path), todo="unpack it and name its folder")
                with closing(seekable(raw)) as file:
                    yield from _read_zip(file, path, asked)
            elif kind == "parquet":
                with closing(seekable(raw)) as file:
                    yield from map(asked.hidden, read_parquet(path, asked.columns, asked.batch_size, file))
            else:
                yield from map(asked.hidden, _read_text(raw, head, kind, path, asked, fraction))
    except DAMAGE as error:
        raise MessagesError("is damaged", where=str(path), todo="export it again") from error
    except OSError as error:
        raise MessagesError(f"cannot be read ({error.strerror or error})", where=str(path)) from error


def read_all(
    sources: Sequence[Source], path: Path, asked: Asked, *, notes: tuple[str, ...] = (), inside: bool = False
) -> Generator[MessageBatch, None, None]:
    """Stream many sources as one; a file that cannot be read, or no further, is set aside as a row of its own.

    Ids are given as ``<file>#<id>``, because files know nothing of each other's ids. Only where all files that can be
    read are Parquet, or all CSV, or all TSV, with the same columns in the same order and one of them an id (in Parquet
    of one type), they are the parts of one export, and its ids stay as given.
    """
    if is_slack([source.name for source in sources]):
        columns, rows = read_slack({source.name: source for source in sources}, path)
        export = Export(path, "slack", "utf-8", columns, notes)
        yield from map(asked.hidden, _batches(export, rows, asked.batch_size, lambda: None))
        return
    no_ids = _ids_of_parts(sources, asked)
    sizes = [source.size or 1 for source in sources]
    last: MessageBatch | None = None
    for place, source in enumerate(sources):
        done = 0
        try:
            for batch in read_source(source, asked, inside=inside):
                fresh = [f"{asked.name_of(source)}: {note}" for note in batch.export.notes]
                if not {*fresh} <= {*notes}:
                    notes = tuple(dict.fromkeys((*notes, *fresh)))
                prefix = asked.name_of(source) if no_ids is None else None
                last = _of_many(batch, prefix, notes, (sum(sizes[:place]), sizes[place], sum(sizes)))
                done = max([done, *last.rows, *(row.row for row in last.bad)])
                yield last
        except MessagesError as error:
            bad = BadRow(str(source.path), done + 1, f"the file is set aside from here: {error.what}")
            export = replace(last.export, notes=notes) if last else Export(source.path, "?", None, Columns(), notes)
            fraction = sum(sizes[: place + 1]) / sum(sizes)
            ids = [] if no_ids is None else no_ids
            last = asked.hidden(MessageBatch(export, ids, [], [], [], (bad,), fraction=fraction))
            yield last


def _of_many(
    batch: MessageBatch, prefix: str | None, notes: tuple[str, ...], sizes: tuple[int, int, int]
) -> MessageBatch:
    def named(key: Any) -> Any:
        return None if key is None else f"{prefix}#{plain_id(key)}"

    fraction = (sizes[0] + sizes[1] * (batch.fraction or 0.0)) / sizes[2]
    batch = replace(batch, export=replace(batch.export, notes=notes), fraction=fraction)
    if prefix is None:
        return batch
    ids = [named(key) for key in (batch.ids if isinstance(batch.ids, list) else batch.ids.to_pylist())]
    return replace(batch, ids=ids, bad=tuple(replace(row, id=named(row.id)) for row in batch.bad))


def _ids_of_parts(sources: Sequence[Source], asked: Asked) -> Any:
    """No ids, as a batch of the export has them whose parts these files are; None where they are no such parts."""
    found: Any = None
    for source in sources:
        try:
            part = _part(source, asked)
        except (MessagesError, OSError, *DAMAGE):  # set aside when it is read
            continue
        if part is None or (found is not None and part != found):
            return None
        found = part
    return None if found is None else found[-1]


def _part(source: Source, asked: Asked) -> tuple[str, list[str], Any] | None:
    """Format, columns and no ids of a table that has ids; None for anything else."""
    with _opened(source) as (raw, _):
        head = raw.peek(_HEAD)[:_HEAD]
        kind = detect_format(head, source.path, asked.format)
        no_ids: Any = []
        if kind == "parquet":
            with closing(seekable(raw)) as file:
                names, columns, no_ids = parquet_columns(source.path, asked.columns, file)
        elif kind in ("csv", "tsv"):
            encoding = _encoding_of(head, asked.encoding, source.path)
            end = line_end(head, kind)
            with io.TextIOWrapper(raw, encoding, errors="classifier.broken", newline=end) as file:
                lines = capped_lines(file, end or "\r\n")
                names, _ = csv_table(lines, source.path, "\t" if kind == "tsv" else "")
            columns = find_columns(names, asked.columns, source.path)
        else:
            return None
        return None if columns.id is None else (kind, names, no_ids)


def _read_zip(file: Any, path: Path, asked: Asked) -> Generator[MessageBatch, None, None]:
    sources, refused = sources_of_zip(file, path)
    fitting = [source for source in sources if source.is_export]
    notes = (f"{len(refused)} files in {path.name} lead out of it, are links or cannot be read",) if refused else ()
    if not fitting:
        raise MessagesError("there is no export in it", where=str(path), todo="name another file")
    if asked.format in ("zip", "slack"):
        asked = Asked(None, asked.columns, asked.encoding, asked.batch_size, asked.key)
    yield from read_all(fitting, path, asked, notes=notes, inside=True)


def _fraction(file: io.BufferedReader, size: int | None) -> float | None:
    return min(1.0, file.tell() / size) if size else None


def _read_text(
    raw: io.BufferedReader, head: bytes, kind: str, path: Path, asked: Asked, fraction: Callable[[], float | None]
) -> Generator[MessageBatch, None, None]:
    encoding = _encoding_of(head, asked.encoding, path)
    if kind in _DOCUMENT_READERS:
        with io.TextIOWrapper(raw, encoding, errors="classifier.broken", newline="\n") as file:
            columns, rows, *notes = _DOCUMENT_READERS[kind](file, asked.columns, path)
            export = Export(path, kind, encoding, columns, tuple(notes))
            yield from _batches(export, rows, asked.batch_size, fraction)
        return
    newline = line_end(head, kind)
    with io.TextIOWrapper(raw, encoding, errors="classifier.broken", newline=newline) as file:
        columns, rows, *notes = _LINE_READERS[kind](capped_lines(file, newline or "\r\n"), asked.columns, path)
        export = Export(path, kind.removesuffix("-csv"), encoding, columns, tuple(notes))
        yield from _batches(export, rows, asked.batch_size, fraction)


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
    export: Export, rows: Iterable[Row], batch_size: int, fraction: Callable[[], float | None]
) -> Iterator[MessageBatch]:
    """Gather rows column by column, and number them."""
    first, characters = True, 0
    ids: list[Any] = []
    texts: list[str] = []
    surfaces: list[str | None] = []
    envelopes: list[Sequence[Any]] = []
    numbers: list[int] = []
    bad: list[BadRow] = []

    def batch() -> MessageBatch:
        names, unknown = surface_names(surfaces)
        keys = numbers if export.columns.id is None else ids
        values = list(zip(*envelopes, strict=True)) if envelopes else [()] * len(export.columns.envelope)
        envelope = envelope_columns(export.columns, values)
        return MessageBatch(export, keys, texts, names, numbers, tuple(bad), unknown, fraction(), **envelope)

    for number, (reason, key, text, surface, envelope) in enumerate(rows, 1):
        if reason is None:
            ids.append(key)
            texts.append(text)
            surfaces.append(surface)
            if envelope:
                envelopes.append(envelope)
            numbers.append(number)
            characters += len(text)
        else:
            bad.append(BadRow(str(export.path), number, reason, number if export.columns.id is None else key))
        if len(numbers) + len(bad) >= batch_size or characters >= BATCH_CHARACTERS:
            yield batch()
            first, characters, ids, texts, surfaces, envelopes, numbers, bad = False, 0, [], [], [], [], [], []
    if first or numbers or bad:
        yield batch()
