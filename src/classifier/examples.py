"""Labelled messages: reading, validation, our annotations of public corpora, and the split by author or source.

A label is 1 (violates), 0 (does not) or unknown. Unknown is an empty cell in a file, ``<NA>`` in a frame, NaN in a
matrix, and never 0.
"""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from classifier.errors import ExamplesError
from classifier.guidelines import LABELS, SURFACES

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd
    from numpy.typing import NDArray

__all__ = ["annotate", "label_matrix", "read_annotations", "read_examples", "split_of", "without_held_out_copies"]

REQUIRED = ("id", "text", "lang", "surface", *LABELS)
CHOSEN = MIXED, DOUBT = "mixed", "doubt"  # why a text of a corpus was read
HELD_OUT_PERCENT = 15  # of the groups of real text, for each of dev and test


def read_examples(path: str | Path) -> pd.DataFrame:
    r"""Read and validate labelled messages from CSV or Parquet.

    Columns: ``id,text,lang,surface`` and one per label holding 1, 0 or nothing (unknown); others are kept. The result
    has the labels as nullable ``Int8``.

    Raises `ExamplesError` naming file, row (the line of a CSV's records, counted from 2) and column.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "mine.csv")
    >>> _ = path.write_text(",".join(REQUIRED) + "\n007,NA,en,comment,0,,0,0,0,yes\n")
    >>> read_examples(path)
    Traceback (most recent call last):
    ...
    classifier.errors.ExamplesError: ...mine.csv, row 2, column personal_info: holds 'yes'; use 1, 0 or leave it empty
    (unknown)
    """
    import pandas as pd

    path = Path(path)
    frame = _read_table(path)
    missing = [column for column in REQUIRED if column not in frame]
    if missing:
        raise ExamplesError(f"column {', '.join(missing)} is missing (found: {', '.join(map(str, frame.columns))})",
                            where=str(path), todo=f"give the columns {', '.join(REQUIRED)}")  # fmt: skip
    if not len(frame):
        raise ExamplesError("holds no messages", where=str(path), todo="add labelled messages")

    def refuse(column: str, bad: Any, what: str, todo: str) -> None:
        rows = np.flatnonzero(np.asarray(bad, bool))
        if len(rows):
            more = f" (and {len(rows) - 1} more rows)" if len(rows) > 1 else ""
            value = str(frame[column].iloc[rows[0]])[:40]
            raise ExamplesError(
                what.format(value=value) + more, where=f"{path}, row {rows[0] + 2}, column {column}", todo=todo
            )

    if pd.api.types.is_integer_dtype(frame["id"]):
        frame["id"] = frame["id"].astype(str)
    refuse("id", frame["id"].eq(""), "is empty", "give each message an id of its own")
    for column in ("id", "text", "lang", "surface"):
        refuse(column, frame[column].isna(), "is missing", "fill it in or remove the row")
    for column in ("id", "text"):
        refuse(
            column,
            [not isinstance(value, str) for value in frame[column]],
            "holds {value!r}, which is no text",
            "store it as text",
        )
    refuse("id", frame["id"].duplicated(), "{value!r} stands twice", "give each message an id of its own")
    refuse("surface", ~frame["surface"].isin(SURFACES), "holds {value!r}", f"use one of {', '.join(SURFACES)}")
    for label in LABELS:
        text = frame[label].map(lambda value: "" if pd.isna(value) else str(value).strip())
        cell = text.map({"1": 1, "0": 0, "1.0": 1, "0.0": 0, "True": 1, "False": 0, "": None, "<NA>": None})
        refuse(label, cell.isna() & ~text.isin(("", "<NA>")), "holds {value!r}", "use 1, 0 or leave it empty (unknown)")
        frame[label] = cell.astype("Int8")
    return frame


def _read_table(path: Path) -> pd.DataFrame:
    import pandas as pd

    if not path.is_file():
        raise ExamplesError(
            "is a folder" if path.is_dir() else "is missing", where=str(path), todo="give a CSV or Parquet file"
        )
    try:
        if path.suffix == ".parquet":
            return pd.read_parquet(path)
        if path.suffix != ".csv":
            raise ExamplesError(
                f"has the unknown extension {path.suffix!r}", where=str(path), todo="use .csv or .parquet"
            )
        header, rows = _read_csv(path)
        return pd.DataFrame(rows, columns=header, dtype=str)
    except (ValueError, OSError, csv.Error) as error:
        raise ExamplesError(
            f"cannot be read: {error}", where=str(path), todo="check that it is the file you mean"
        ) from error


def _read_csv(path: Path) -> tuple[list[str], list[list[str]]]:
    """Header and rows; every cell is text, where pandas would turn the messages "NA" and "null" into missing values."""
    rows: list[list[str]] = []
    header: list[str] = []
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, strict=True)
        try:
            header = next(reader, [])
            for row in reader:
                if row and len(row) != len(header):
                    raise ExamplesError(
                        f"{len(row)} fields where the header has {len(header)}",
                        where=f"{path}, row {len(rows) + 2}", todo="quote fields that hold commas or line breaks",
                    )  # fmt: skip
                if row:
                    rows.append(row)
        except (csv.Error, UnicodeDecodeError) as error:
            what = f"is not UTF-8 ({error})" if isinstance(error, UnicodeDecodeError) else f"is no CSV: {error}"
            raise ExamplesError(what, where=f"{path}, near row {len(rows) + 2}", todo="save it as UTF-8 CSV") from error
    if not header:
        raise ExamplesError("is empty", where=str(path), todo=f"give the columns {', '.join(REQUIRED)}")
    return header, rows


def read_annotations(path: str | Path) -> pd.DataFrame:
    """Read our labels on public corpora: ``corpus,digest,<six labels>,reader,unsure,chosen``, no text.

    ``chosen`` is ``doubt`` where a text was read because a model doubted it, else ``mixed`` (the default).

    Raises `ExamplesError` naming file, row and column.
    """
    path = Path(path)
    frame = _read_table(path)
    missing = [column for column in ("corpus", "digest", *LABELS) if column not in frame]
    if missing:
        raise ExamplesError(f"column {', '.join(missing)} is missing", where=str(path))
    for label in LABELS:
        bad = np.flatnonzero(~frame[label].isin(("0", "1")))
        if len(bad):
            raise ExamplesError(f"holds {frame[label].iloc[bad[0]]!r}",
                                where=f"{path}, row {bad[0] + 2}, column {label}",
                                todo="judge every annotated text for all six labels: 1 or 0")  # fmt: skip
        frame[label] = frame[label].astype("Int8")
    if "chosen" in frame:
        unknown = np.flatnonzero(~frame["chosen"].isin(CHOSEN))
        if len(unknown):
            raise ExamplesError(f"holds {frame['chosen'].iloc[unknown[0]]!r}",
                                where=f"{path}, row {unknown[0] + 2}, column chosen",
                                todo=f"use {' or '.join(CHOSEN)}")  # fmt: skip
    twice = np.flatnonzero(frame.duplicated(["corpus", "digest"]))
    if len(twice):
        raise ExamplesError(
            "the same text is annotated twice", where=f"{path}, row {twice[0] + 2}", todo="keep one row"
        )
    return frame


def annotate(corpus: pd.DataFrame, annotations: pd.DataFrame) -> pd.DataFrame:
    """A corpus with our labels in place of its own where we judged the text.

    Adds the columns ``annotated`` and ``doubted``: judged by us because a model doubted it.
    """
    import pandas as pd

    from classifier.corpora import text_digest

    corpus = corpus.copy()
    keys = pd.MultiIndex.from_arrays([corpus["corpus"], corpus["text"].map(text_digest)])
    ours = annotations.set_index(["corpus", "digest"])[list(LABELS)]
    found = keys.isin(ours.index)
    corpus["annotated"] = found
    doubted = annotations.get("chosen", pd.Series(MIXED, annotations.index)) == DOUBT
    corpus["doubted"] = keys.isin(ours.index[doubted.to_numpy()])
    for label in LABELS:
        corpus.loc[found, label] = ours.loc[keys[found], label].to_numpy()
    return corpus


def split_of(groups: Iterable[str]) -> NDArray[np.object_]:
    """``train``, ``dev`` or ``test`` for each group (author, thread, template, pair …), by a hash of its name.

    The same group always falls into the same part, whatever else there is.

    >>> split_of(["edos:1", "edos:2", "edos:1"]).tolist()
    ['dev', 'train', 'dev']
    """
    shares = [int(hashlib.sha256(str(group).encode()).hexdigest()[:8], 16) % 100 for group in groups]
    return np.array(
        ["dev" if s < HELD_OUT_PERCENT else "test" if s < 2 * HELD_OUT_PERCENT else "train" for s in shares],
        dtype=object,
    )


def without_held_out_copies(train: pd.DataFrame, held_out: pd.DataFrame) -> pd.DataFrame:
    """Training rows whose cleaned text is not also that of a held-out row (a copied or only restyled message)."""
    from classifier.text import clean

    seen = set(map(clean, held_out["text"]))
    return train[[clean(text) not in seen for text in train["text"]]]


def label_matrix(frame: pd.DataFrame) -> NDArray[np.float32]:
    """The labels of examples as a float32 array of shape (n, 6), NaN where unknown."""
    return frame[list(LABELS)].to_numpy(dtype=np.float32, na_value=np.nan)
