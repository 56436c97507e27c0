"""An export written again with the contact details of its messages masked, every other column as it was.

Rows of the export = rows written + rows set aside: a row that cannot be read might hold what nobody has masked, so it
is not in the result but in ``<RESULT>.set-aside.csv``, by number, id and reason. In CSV and TSV whatever a spreadsheet
would run as a formula gets an apostrophe before it (`spreadsheets`).

With a key (`pseudonyms`) every column that goes by a name for senders or recipients holds pseudonyms, and every one
that goes by a name for links to profiles is empty.
"""

from __future__ import annotations

import csv
import re
import secrets
from collections import Counter
from contextlib import closing, suppress
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classifier.contacts import KINDS, find_contacts, mask
from classifier.errors import MessagesError
from classifier.exports import is_envelope_name
from classifier.kept_columns import WRITERS, keeps_all_columns, names_of_objects, rows_of
from classifier.messages import Columns, format_of, read_messages
from classifier.pseudonyms import pseudonym_of
from classifier.results import check_target, plain_id, set_aside_path, writing
from classifier.sources import is_collection
from classifier.spreadsheets import inert

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Collection
    from typing import TextIO

    from classifier.exports import BadRow, Export, MessageBatch

__all__ = ["MaskReport", "mask_export"]


@dataclass(frozen=True)
class MaskReport:
    """What was masked: `rows` = `written` + `set_aside`; `kinds` counts details, `changed` messages with any."""

    source: str
    target: str
    rows: int
    written: int
    set_aside: int
    changed: int
    kinds: dict[str, int]


def mask_export(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    format: str | None = None,  # noqa: A002
    target_format: str | None = None,
    columns: Columns = Columns(),  # noqa: B008 (frozen)
    encoding: str = "auto",
    kinds: Collection[str] = KINDS,
    region: str | None = None,
    progress: Callable[[int, float | None], object] | None = None,
    key: bytes | None = None,
) -> MaskReport:
    r"""Write `source` to `target` with contact details of these `kinds` masked; it appears only when it is whole.

    The format is the export's own unless the name of `target` or `target_format` says otherwise. ``region`` is that of
    `find_contacts`, `progress` is called as by `batch.score_export`. With a `key` people have pseudonyms.

    Raises
    ------
    MessagesError
        When the export cannot be read or the result cannot be written; an earlier target then stays as it was.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     export, result = Path(folder, "export.csv"), Path(folder, "masked.csv")
    ...     _ = export.write_text('id,score,text\n007,1.50,"call 07700 900123, Ana"\n')
    ...     report = mask_export(export, result)
    ...     print(result.read_text(), report.kinds["phone"])
    "id","score","text"
    "007","1.50","call [phone], Ana"
     1

    """
    source, target = Path(source), Path(target)
    wanted = frozenset(kinds)
    if unknown := wanted - {*KINDS}:
        raise MessagesError(f"unknown kind '{min(unknown)}'", todo=f"use one or more of {', '.join(KINDS)}")
    batches = read_messages(source, format=format, columns=columns, encoding=encoding, batch_size=2048, key=key)
    if source.resolve() in (target.resolve(), set_aside_path(target).resolve()):
        raise MessagesError("the result would replace the export", where=str(target), todo="name another file with -o")
    if is_collection(source) and _is_among(target, source):
        what = "the result would be one of the exports that the next run reads"
        raise MessagesError(what, where=str(target), todo="name a file in another folder with -o")
    counts: Counter[str] = Counter()
    written = aside = changed = 0
    part, aside_part = (
        path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
        for path in (target.resolve(), set_aside_path(target).resolve())
    )
    bad_file: TextIO | None = None
    writer: Any = None
    try:
        with closing(batches):
            first = next(batches)
            export = first.export
            kind = _target_format(target, target_format, export.format if keeps_all_columns(export) else None)
            names, rows = rows_of(export)
            if names is None:
                names = [] if kind == "jsonl" else names_of_objects(export)
            text_column = export.columns.text if keeps_all_columns(export) else "text"
            hide = None if key is None else _hider(export, key, by_row=keeps_all_columns(export))
            as_text = [] if hide is None else [name for name in names if _kind_of_person(export, name)]
            with writing(target):
                writer = WRITERS[kind](part, export, names, as_text)
            batch: MessageBatch | None = first
            while batch is not None:
                kept = rows(batch)
                for row, text in zip(kept, map(str, batch.texts), strict=True):
                    found = [contact for contact in find_contacts(text, region=region) if contact.kind in wanted]
                    counts.update(contact.kind for contact in found)
                    changed += bool(found)
                    shown = mask(text, found) if found else text
                    row[text_column] = shown
                    if hide is not None:
                        hide(row)
                with writing(target):
                    writer.write(kept)
                    if batch.bad:
                        bad_file = bad_file or aside_part.open(
                            "x", encoding="utf-8", errors="backslashreplace", newline=""
                        )
                        _set_aside(bad_file, batch.bad)
                written, aside = written + len(kept), aside + len(batch.bad)
                if progress is not None:
                    progress(written + aside, batch.fraction)
                batch = next(batches, None)
        with writing(target):
            writer.close()
            writer = None
            if bad_file is not None:
                bad_file.close()
                aside_part.replace(set_aside_path(target).resolve())
            else:  # an earlier run's list would speak of another result
                set_aside_path(target).resolve().unlink(missing_ok=True)
            part.replace(target.resolve())
    finally:
        for left in (writer, bad_file):
            if left is not None:
                with suppress(Exception):
                    left.close()
        part.unlink(missing_ok=True)
        aside_part.unlink(missing_ok=True)
    by_kind = {kind: counts[kind] for kind in KINDS if kind in wanted}
    return MaskReport(str(source), str(target), written + aside, written, aside, changed, by_kind)


def _target_format(target: Path, asked: str | None, own: str | None) -> str:
    """The format to write: as asked, by the name of the result, or the export's own."""
    try:
        kind = format_of(target, asked)
    except MessagesError:
        if asked is not None or own is None:
            raise
        kind = own
    if kind not in WRITERS:
        todo = f"name a file with one of the endings .{', .'.join(WRITERS)}"
        raise MessagesError(f"a result cannot be written as {kind}", where=str(target), todo=todo)
    check_target(target, kind)
    return kind


def _is_among(target: Path, source: Path) -> bool:
    """Whether a file would be in the folder, or fit the pattern, that is read."""
    if source.is_dir():
        return target.resolve().is_relative_to(source.resolve())
    return fnmatch(str(target.absolute()), str(source.absolute()))


def _kind_of_person(export: Export, name: str) -> str | None:
    """What a column says of people: ``sender``, ``recipient``, ``profile``; None for any other, and for the text."""
    columns = export.columns
    if name == columns.text:
        return None
    plain = re.sub(r"\.\d+$", "", name)  # of two columns of one name
    kinds = ("sender", "recipient", "profile")
    return next((kind for kind in kinds if getattr(columns, kind) == name or is_envelope_name(kind, plain)), None)


def _hider(export: Export, key: bytes, *, by_row: bool) -> Callable[[dict[str, Any]], None] | None:
    """What puts pseudonyms into a row; those of a chat export have them already."""
    if not by_row:
        return None

    def hide(row: dict[str, Any]) -> None:
        for name in row:
            if (kind := _kind_of_person(export, name)) is not None:
                row[name] = None if kind == "profile" else pseudonym_of(_value(row[name]), key)

    return hide


def _value(value: Any) -> Any:
    try:
        return value.as_py() if hasattr(value, "as_py") else value
    except (UnicodeDecodeError, ValueError):  # bytes that are no text
        return None


def _set_aside(file: TextIO, bad: tuple[BadRow, ...]) -> None:
    if not file.tell():
        csv.writer(file, lineterminator="\n").writerow(("file", "row", "id", "reason"))
    rows = ((inert(row.file), row.row, inert(plain_id(row.id)), inert(row.reason)) for row in bad)
    csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC).writerows(rows)
