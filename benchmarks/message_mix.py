"""Exports of any size for measuring: our own messages, each turn of them a little different, nine in ten harmless.

Reading, cleaning and scoring meet all our languages and lengths; two words of other harmless messages behind each keep
rows from being equal, so that neither compression nor a cache makes a figure look better than it is.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from classifier.guidelines import LABELS, SURFACES

if TYPE_CHECKING:
    from collections.abc import Iterator

MESSAGES = Path(__file__).parents[1] / "data" / "messages"
_CHUNK = 100_000


def our_messages() -> tuple[list[str], list[str]]:
    """Our messages without any label, and those with one."""
    plain: list[str] = []
    labelled: list[str] = []
    for path in sorted(MESSAGES.glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                (labelled if any(row[label] == "1" for label in LABELS) else plain).append(row["text"])
    return plain, labelled


def tables(rows: int, seed: int = 0) -> Iterator[pa.Table]:
    """An export of so many rows, in tables of at most 100,000: id, text, surface."""
    plain, labelled = map(pa.array, our_messages())
    surfaces = pa.array(SURFACES)
    words = pa.array(sorted({word for text in plain.to_pylist() for word in text.split() if word.isalpha()}))
    random = np.random.default_rng(seed)
    for first in range(0, rows, _CHUNK):
        n = min(_CHUNK, rows - first)
        chosen = random.random(n) < 0.1
        places = np.where(
            chosen, len(plain) + random.integers(len(labelled), size=n), random.integers(len(plain), size=n)
        )
        texts = pa.concat_arrays([plain, labelled]).take(pa.array(places))
        more = (words.take(pa.array(random.integers(len(words), size=n))) for _ in range(2))
        ids = pc.binary_join_element_wise("m", pa.array(range(first, first + n)).cast(pa.string()), "")
        table = {
            "id": ids,
            "text": pc.binary_join_element_wise(texts, *more, " "),
            "surface": surfaces.take(pa.array(random.integers(len(surfaces), size=n))),
        }
        yield pa.table(table)


def write_export(path: Path, rows: int, seed: int = 0) -> Path:
    """Write an export as Parquet or CSV, by its extension."""
    parts = tables(rows, seed)
    first = next(parts)
    opened = (
        pq.ParquetWriter(path, first.schema, compression="zstd")
        if path.suffix == ".parquet"
        else pyarrow.csv.CSVWriter(path, first.schema)
    )
    with opened as writer:
        writer.write_table(first)
        for part in parts:
            writer.write_table(part)
    return path
