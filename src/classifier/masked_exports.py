"""An export written again with the contact details of its messages masked, every other column as it was.

Rows of the export = rows written + rows set aside: a row that cannot be read might hold what nobody has masked, so it
is not in the result but in ``<RESULT>.set-aside.csv``, by number, id and reason. In CSV and TSV a message that a
spreadsheet would run as a formula (it starts with ``=``, ``+``, ``-`` or ``@``) gets an apostrophe before it; other
columns are as given.
"""

from __future__ import annotations

import csv
import secrets
from collections import Counter
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classifier.contacts import KINDS, find_contacts, mask
from classifier.errors import MessagesError
from classifier.kept_columns import WRITERS, keeps_all_columns, names_of_objects, rows_of
from classifier.messages import Columns, format_of, read_messages
from classifier.results import check_target, plain_id, set_aside_path, writing

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Collection
    from typing import TextIO

    from classifier.exports import BadRow, MessageBatch

__all__ = ["MaskReport", "mask_export"]

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


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
) -> MaskReport:
    r"""Write `source` to `target` with contact details of these `kinds` masked; it appears only when it is whole.

    The format is the export's own unless the name of `target` or `target_format` says otherwise. ``region`` is that of
    `find_contacts`, `progress` is called as by `batch.score_export`.

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
    batches = read_messages(source, format=format, columns=columns, encoding=encoding, batch_size=2048)
    if source.resolve() in (target.resolve(), set_aside_path(target).resolve()):
        raise MessagesError("the result would replace the export", where=str(target), todo="name another file with -o")
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
            with writing(target):
                writer = WRITERS[kind](part, export, names)
            batch: MessageBatch | None = first
            while batch is not None:
                kept = rows(batch)
                for row, text in zip(kept, map(str, batch.texts), strict=True):
                    found = [contact for contact in find_contacts(text, region=region) if contact.kind in wanted]
                    counts.update(contact.kind for contact in found)
                    changed += bool(found)
                    shown = mask(text, found) if found else text
                    row[text_column] = f"'{shown}" if kind in ("csv", "tsv") and shown.startswith(_FORMULA) else shown
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


def _set_aside(file: TextIO, bad: tuple[BadRow, ...]) -> None:
    if not file.tell():
        csv.writer(file, lineterminator="\n").writerow(("file", "row", "id", "reason"))
    rows = ((row.file, row.row, plain_id(row.id), row.reason) for row in bad)
    csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC).writerows(rows)
