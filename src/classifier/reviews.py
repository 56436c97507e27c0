"""A review: a CSV of messages for a person to label.

Its columns are ``id,source,text,lang,surface,<six labels>,reader,given,why,digest``. The person sets the six cells to
1, 0 or nothing (unknown) and puts a name under ``reader``; rows without a reader count as not read. ``source`` is the
file a message stands in (``messages/en.csv``), or ``new``; ``given`` are the labels it had when the review was written,
and ``digest`` seals id and text.
"""

from __future__ import annotations

import csv
import hashlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from classifier.agreement import label_set, names
from classifier.errors import ExamplesError
from classifier.guidelines import LABELS
from classifier.spreadsheets import inert

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["COLUMNS", "FOLDERS", "NEW", "ReviewRow", "csv_rows", "read_review", "seal", "write_review"]

NEW = "new"
COLUMNS = ("id", "source", "text", "lang", "surface", *LABELS, "reader", "given", "why", "digest")
FOLDERS = ("messages", "shape_telling", "annotations", "labelled")


@dataclass(frozen=True)
class ReviewRow:
    """One message to be read: ``labels`` has 1, 0 or None (unknown) for each label."""

    id: str
    source: str
    text: str
    lang: str
    surface: str
    labels: tuple[int | None, ...]
    why: str


def seal(key: str, text: str) -> str:
    r"""What a review keeps of id and text to see that neither was changed, whatever became of the white space.

    >>> seal("7", "hi  there") == seal("7", "hi\r\nthere") != seal("07", "hi there")
    True
    """
    return hashlib.sha256(f"{key}\0{' '.join(text.split())}".encode("utf-8", "surrogatepass")).hexdigest()[:16]


def write_review(rows: Iterable[ReviewRow], path: str | Path) -> int:
    """Write a review as spreadsheets read it; return how many rows.

    What a spreadsheet would take for a formula gets an apostrophe before it, which `read_review` takes off again.

    Raises `ExamplesError` where the file cannot be written or would replace one.
    """
    n = 0
    try:
        with Path(path).open("x", encoding="utf-8-sig", errors="backslashreplace", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            for n, row in enumerate(rows, 1):  # noqa: B007
                text = row.text.encode("utf-8", "backslashreplace").decode().replace("\0", " ")
                given = names([label for label, value in zip(LABELS, row.labels, strict=True) if value])
                cells = ["" if value is None else value for value in row.labels]
                known = (inert(row.id), row.source, inert(text), row.lang, row.surface)
                writer.writerow([*known, *cells, "", given, row.why, seal(row.id, text)])
    except FileExistsError as error:
        raise ExamplesError("is there already", where=str(path), todo="name a new file, lest labels be lost") from error
    except OSError as error:
        raise ExamplesError(f"cannot be written ({error.strerror})", where=str(path)) from error
    return n


def read_review(path: Path) -> list[tuple[int, dict[str, str]]]:
    """The rows of a review with their numbers (counted from 2), commas or semicolons between the cells."""
    rows = csv_rows(path)
    for number, row in enumerate(rows, 2):
        if missing := [column for column in COLUMNS if row.get(column) is None]:
            raise ExamplesError(f"column {missing[0]} is missing", where=f"{path}, row {number}",
                                todo=f"keep the columns {', '.join(COLUMNS)}")  # fmt: skip
        label_set(row["given"])
        row["id"], row["text"] = _as_written(row)
        if row["source"] != NEW and row["source"].split("/")[0] not in FOLDERS:
            raise ExamplesError("source is none of our files", where=f"{path}, row {number}",
                                todo="leave the column source as it was")  # fmt: skip
    return list(enumerate(rows, 2))


def _as_written(row: dict[str, str]) -> tuple[str, str]:
    """Id and text without the apostrophes of `write_review`, where the seal says that they had none."""
    keys, texts = ((row[column], row[column].removeprefix("'")) for column in ("id", "text"))
    pairs = [(key, text) for key in keys for text in texts]
    return next((pair for pair in pairs if seal(*pair) == row["digest"]), pairs[0])


def csv_rows(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV by column name; raises `ExamplesError` where it is none."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
        header = text.partition("\n")[0]
        delimiter = ";" if header.count(";") > header.count(",") else ","
        return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ExamplesError(f"cannot be read ({error})", where=str(path), todo="save it as UTF-8 CSV") from error
