"""From a filled-in review back into the data: everything is checked first, and nothing else in a file changes."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from classifier.agreement import names
from classifier.errors import ExamplesError
from classifier.guidelines import LABELS, SURFACES
from classifier.reviews import FOLDERS, NEW, csv_rows, read_review, seal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Edit", "MergeReport", "merge"]

_NEW_COLUMNS = ("id", "text", "lang", "surface", *LABELS, "reader")
_CELL = re.compile(r'("(?:[^"]|"")*"|[^,"\r\n]*)(,|\r?\n|\Z)')


@dataclass(frozen=True)
class Edit:
    """One message whose labels a reader changed; labels as the readings have them (``spam hate``)."""

    source: str
    id: str
    before: str
    after: str
    reader: str


@dataclass(frozen=True)
class MergeReport:
    """What a merge did, or would do: rows read and unread, labels changed, messages added and where to, and notes."""

    read: int
    unread: int
    edits: tuple[Edit, ...]
    added: int
    target: str
    notes: tuple[str, ...]


def merge(review: str | Path, folder: str | Path, *, dry_run: bool = False) -> MergeReport:
    """Put the labels of a review into the files of ``folder``; messages of an export into ``labelled/<review>.csv``.

    Checked first, all of it: cells are 1, 0 or empty; ids exist and texts are as they were; what was changed has a
    reader; no message stands twice with different labels; no label was changed meanwhile. Files keep their order,
    quoting and every cell but the labels (and, for annotations, the reader).

    Raises `ExamplesError` naming row and column of the first thing that does not fit, and how many others do not.
    """
    review, folder = Path(review), Path(folder)
    rows = read_review(review)
    stored = _stored(folder, {row["source"] for _, row in rows} - {NEW})
    target = folder / "labelled" / f"{review.stem}.csv"
    there = {row["id"]: row for row in csv_rows(target)} if target.is_file() else {}
    problems: list[tuple[int, _MisfitError]] = []
    edits: list[Edit] = []
    cells: dict[str, dict[str, dict[str, str]]] = {}
    added: dict[str, dict[str, str]] = {}
    said: dict[tuple[str, str], tuple[str, ...]] = {}
    meant: dict[str, str] = {}
    notes, read = [], 0
    for number, row in rows:
        source, key = row["source"], row["id"]
        try:
            labels = _reading(row)
            _check_same(key, said.setdefault((source, key), labels), labels)
            if not row["reader"].strip():
                continue
            read += 1
            judged = names(_positives(labels))
            if meant.setdefault(" ".join(row["text"].lower().split()), judged) != judged:
                notes.append(f"row {number}: the same text stands in this review with other labels")
            if source != NEW:
                change = _change(row, labels, stored[source].get(key))
                if change and key not in cells.setdefault(source, {}):
                    cells[source][key] = change
                    edits.append(Edit(source, key, row["given"], judged, row["reader"].strip()))
            elif not any(labels):
                notes.append(f"row {number}: all six labels are unknown; left out")
            elif (new := _new(row, labels, there.get(key))) is not None:
                added[key] = new
        except _MisfitError as found:
            problems.append((number, found))
    if problems:
        number, first = problems[0]
        more = f" (and {len(problems) - 1} more findings)" if len(problems) > 1 else ""
        raise ExamplesError(first.what + more, where=f"{review}, row {number}, column {first.column}", todo=first.todo)
    if not dry_run:
        for source, changes in cells.items():
            _rewrite(folder / source, changes)
        if added:
            _append(target, list(added.values()))
    return MergeReport(
        read, len(rows) - read, tuple(edits), len(added), target.relative_to(folder).as_posix(), tuple(notes)
    )


class _MisfitError(Exception):
    """One thing in a row that does not fit."""

    def __init__(self, column: str, what: str, todo: str) -> None:
        self.column, self.what, self.todo = column, what, todo


def _check_same(key: str, before: tuple[str, ...], now: tuple[str, ...]) -> None:
    if before != now:
        raise _MisfitError("id", f"{key!r} stands twice with different labels", "keep the row that is right")


def _reading(row: Mapping[str, str]) -> tuple[str, ...]:
    """The labels of a row, as far as the row alone can tell that they are sound."""
    values = tuple(_value(row[label]) for label in LABELS)
    for label, value in zip(LABELS, values, strict=True):
        if value is None:
            raise _MisfitError(label, f"holds {row[label][:20]!r}", "use 1, 0 or leave it empty (unknown)")
    labels = tuple(str(value) for value in values)
    if seal(row["id"], row["text"]) != row["digest"]:
        raise _MisfitError("text", "id or text is not as it was written", "edit labels, reader, lang and surface only")
    changed = any(labels) if row["source"] == NEW else names(_positives(labels)) != row["given"]
    if changed and not row["reader"].strip():
        raise _MisfitError("reader", "is empty although labels were set", "name who read it")
    return labels


def _change(row: Mapping[str, str], labels: tuple[str, ...], entry: Mapping[str, str] | None) -> dict[str, str]:
    """The cells of a stored message that become others."""
    source, key = row["source"], row["id"]
    if entry is None:
        raise _MisfitError(
            "id", f"{key!r} is not in {source}", "give the folder the review was written from (--folder)"
        )
    if "text" in entry and seal(key, entry["text"]) != row["digest"]:
        raise _MisfitError("text", f"{source} has another text for {key!r}", "write the review again")
    if source.startswith("annotations/") and "" in labels:
        column = LABELS[labels.index("")]
        raise _MisfitError(column, "is empty", "judge an annotated text for all six labels: 1 or 0")
    old = tuple(_value(entry[label]) or "" for label in LABELS)
    if old == labels:
        return {}
    if names(_positives(old)) != row["given"]:
        raise _MisfitError("given", f"{key!r} has other labels in {source} by now", "write the review again")
    change = {label: new for label, was, new in zip(LABELS, old, labels, strict=True) if was != new}
    return change | ({"reader": row["reader"].strip()} if source.startswith("annotations/") else {})


def _new(row: Mapping[str, str], labels: tuple[str, ...], there: Mapping[str, str] | None) -> dict[str, str] | None:
    """A message of an export as a row of ours; None where it is there already."""
    new = {"id": row["id"], "text": row["text"], "lang": row["lang"].strip(), "surface": row["surface"].strip()}
    new |= {**dict(zip(LABELS, labels, strict=True)), "reader": row["reader"].strip()}
    if not new["lang"]:
        raise _MisfitError("lang", "is empty", "give the language, such as en")
    if new["surface"] not in SURFACES:
        raise _MisfitError("surface", f"holds {new['surface'][:20]!r}", f"use one of {', '.join(SURFACES)}")
    if there is None:
        return new
    if any(there[column] != new[column] for column in ("text", *LABELS)):
        raise _MisfitError(
            "id", f"{row['id']!r} was merged before, and differs", "correct it in the file under labelled/"
        )
    return None


def _value(cell: str) -> str | None:
    """``"1"``, ``"0"`` or ``""``, also as spreadsheets write them; None for anything else."""
    return {"1": "1", "0": "0", "1.0": "1", "0.0": "0", "TRUE": "1", "FALSE": "0", "": ""}.get(cell.strip().upper())


def _positives(values: Iterable[str]) -> list[str]:
    return [label for label, value in zip(LABELS, values, strict=True) if value == "1"]


def _stored(folder: Path, sources: Iterable[str]) -> dict[str, dict[str, dict[str, str]]]:
    """The rows of the files named, by file and key: the id of a message, ``corpus:digest`` of an annotation."""
    stored = {}
    for source in sources:
        path = folder / source
        if path.parent.resolve() not in {(folder / name).resolve() for name in FOLDERS} or not path.is_file():
            raise ExamplesError(
                f"there is no {source}", where=str(folder), todo="give the folder of the data (--folder)"
            )
        stored[source] = {_key(row): row for row in csv_rows(path)}
    return stored


def _key(row: Mapping[str, str]) -> str:
    return f"{row['corpus']}:{row['digest']}" if "corpus" in row else row["id"]


def _rewrite(path: Path, changes: Mapping[str, Mapping[str, str]]) -> None:
    """Change single cells of a CSV and leave every other character of it as it is."""
    raw = path.read_bytes().decode("utf-8")
    out: list[str] = []
    header: list[str] = []
    cells: list[list[str]] = []
    place = 0
    for match in _CELL.finditer(raw):
        if match.start() != place or (place == len(raw) and not cells):
            break
        cells.append([match[1], match[2]])
        place = match.end()
        if match[2] == ",":
            continue
        plain = [cell[1:-1].replace('""', '"') if cell.startswith('"') else cell for cell, _ in cells]
        if not header:
            header = [name.removeprefix("\ufeff") for name in plain]
        elif len(plain) == len(header):
            for column, value in changes.get(_key(dict(zip(header, plain, strict=True))), {}).items():
                cells[header.index(column)][0] = value
        out += [part for cell in cells for part in cell]
        cells = []
    if place != len(raw):
        raise ExamplesError("is no CSV", where=str(path), todo="quote fields that hold quotation marks")
    _replace(path, "".join(out))


def _append(path: Path, rows: list[dict[str, str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, _NEW_COLUMNS, lineterminator="\n")
    old = path.read_bytes().decode("utf-8") if path.is_file() else ""
    if not old:
        writer.writeheader()
    writer.writerows(rows)
    _replace(path, old + text.getvalue())


def _replace(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_bytes(text.encode("utf-8"))
        part.replace(path)
    except OSError as error:
        raise ExamplesError(f"cannot be written ({error.strerror})", where=str(path)) from error
    finally:
        part.unlink(missing_ok=True)
