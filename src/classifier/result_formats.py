"""Results as CSV, TSV, JSON Lines and Parquet: each format a sink that takes rows column by column."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any

import numpy as np

from classifier.errors import MessagesError
from classifier.guidelines import LABELS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["RESULT_COLUMNS", "SINKS", "Rows", "plain_id"]

RESULT_COLUMNS = ("id", *LABELS, "recommendation", "reasons", "release", "error")
_ROW_GROUP = 2**17
_FIGURES = np.array([repr(i / 10_000) for i in range(10_001)], object)


@dataclass(frozen=True)
class Rows:
    """What a format writes, column by column; `errors` is None where no row has one."""

    ids: Any
    confidences: NDArray[np.float32]
    recommendations: Sequence[str]
    reasons: Sequence[str]
    errors: Sequence[str | None] | None = None

    def __len__(self) -> int:
        return len(self.reasons)


def plain_id(key: Any) -> str | int | None:
    r"""Give an id as text formats write it: bytes as hex, what JSON does not know as Python prints it.

    >>> plain_id("007"), plain_id(7), plain_id(b"\x00\xff"), plain_id(None)
    ('007', 7, '00ff', None)
    """
    if key is None or type(key) is str or type(key) is int:
        return key
    return key.hex() if isinstance(key, bytes) else str(key)


def _plain_ids(rows: Rows) -> list[str | int | None]:
    return [plain_id(key) for key in (rows.ids if isinstance(rows.ids, list) else rows.ids.to_pylist())]


def _figures(rows: Rows, nothing: str) -> list[list[str]]:
    """Write the confidences with 4 decimals, one list per label, and `nothing` for a row set aside."""
    # Looking up one of the 10,001 figures takes a tenth of the time of printing it.
    places = np.rint(rows.confidences.astype(np.float64) * 10_000)
    if rows.errors is not None:
        places[[error is not None for error in rows.errors]] = 10_001
    figures: list[list[str]] = np.append(_FIGURES, nothing)[places.astype(np.int64)].T.tolist()
    return figures


class _Csv:
    def __init__(self, path: Path, release: str, delimiter: str = ",") -> None:
        # Reasons may quote half a character of a message; backslashreplace writes it as JSON does, "\\ud83d".
        self.file = path.open("x", encoding="utf-8", errors="backslashreplace", newline="")
        self.delimiter, self.release = delimiter, self._field(release)
        self.file.write(delimiter.join(map(self._field, RESULT_COLUMNS)) + "\n")

    # csv.writer takes twice the time.
    @staticmethod
    def _field(value: str | int | None) -> str:
        return str(value) if isinstance(value, int) else '"' + (value or "").replace('"', '""') + '"'

    def write(self, rows: Rows) -> None:
        ids, names = map(self._field, _plain_ids(rows)), map(self._field, rows.recommendations)
        whys, release = map(self._field, rows.reasons), repeat(self.release, len(rows))
        errors = [self._field(error) + "\n" for error in rows.errors] if rows.errors else repeat('""\n', len(rows))
        columns = zip(ids, *_figures(rows, '""'), names, whys, release, errors, strict=True)
        self.file.writelines(map(self.delimiter.join, columns))

    def close(self, *, whole: bool) -> None:  # noqa: ARG002
        self.file.close()


class _JsonLines:
    def __init__(self, path: Path, release: str) -> None:
        self.file, self.encode = path.open("x", encoding="utf-8"), json.JSONEncoder().encode
        # One template for all rows takes half the time of one dict each.
        figures = ", ".join(f'"{label}": %s' for label in LABELS)
        end = f'"release": {self.encode(release).replace("%", "%%")}, "error": %s}}\n'
        self.row = f'{{"id": %s, {figures}, "recommendation": "%s", "reasons": %s, {end}'

    def write(self, rows: Rows) -> None:
        ids, whys = map(self.encode, _plain_ids(rows)), map(self.encode, rows.reasons)
        errors = map(self.encode, rows.errors) if rows.errors else repeat("null", len(rows))
        columns = zip(ids, *_figures(rows, "null"), rows.recommendations, whys, errors, strict=True)
        self.file.writelines(map(self.row.__mod__, columns))

    def close(self, *, whole: bool) -> None:  # noqa: ARG002
        self.file.close()


class _Parquet:
    def __init__(self, path: Path, release: str) -> None:
        self.file, self.release = path.open("xb"), release
        self.waiting: list[Rows] = []
        self.writer: Any = None
        self.id_type: Any = None

    def write(self, rows: Rows) -> None:
        self.waiting.append(rows)
        if sum(map(len, self.waiting)) >= _ROW_GROUP:
            self._flush()

    def close(self, *, whole: bool) -> None:
        try:
            if whole and (self.waiting or self.writer is None):
                self._flush()
        finally:
            with self.file:
                if self.writer is not None:
                    self.writer.close()

    def _flush(self) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        parts = self.waiting or [Rows([], np.empty((0, len(LABELS)), np.float32), [], [])]
        n, self.waiting = sum(map(len, parts)), []
        errors = pa.array(chain.from_iterable(rows.errors or repeat(None, len(rows)) for rows in parts), pa.string())
        none = errors.is_valid().to_numpy(zero_copy_only=False)
        figures = np.ascontiguousarray(np.concatenate([rows.confidences for rows in parts]).T)
        # Reasons may quote half a character of a message; backslashreplace writes it as JSON does, "\\ud83d".
        whys = (why.encode("utf-8", "backslashreplace").decode() for rows in parts for why in rows.reasons)
        columns = (
            self._ids([rows.ids for rows in parts]),
            *(pa.array(column, pa.float32(), mask=none) for column in figures),
            pa.array(chain.from_iterable(rows.recommendations for rows in parts), pa.string()),
            pa.array(whys, pa.string()),
            pa.repeat(pa.scalar(self.release, pa.string()), n),
            errors,
        )
        table = pa.table(dict(zip(RESULT_COLUMNS, columns, strict=True)))
        if self.writer is None:
            self.writer = pq.ParquetWriter(self.file, table.schema, compression="zstd")
        self.writer.write_table(table)

    def _ids(self, parts: list[Any]) -> Any:
        import pyarrow as pa

        if not isinstance(parts[0], list):
            return pa.chunked_array(parts)
        keys = list(chain.from_iterable(parts))
        if self.id_type is None:
            self.id_type = pa.int64() if {type(key) for key in keys} - {type(None)} == {int} else pa.string()
        try:
            return pa.array(keys, self.id_type)
        except (pa.ArrowException, OverflowError) as error:
            what = (
                "the ids mix integers and strings, or hold an integer beyond 64 bits, which one Parquet column cannot"
            )
            raise MessagesError(what, where="column 'id' of the result", todo="write .jsonl or .csv instead") from error


SINKS: dict[str, Callable[[Path, str], _Csv | _JsonLines | _Parquet]] = {
    "csv": _Csv,
    "tsv": partial(_Csv, delimiter="\t"),
    "jsonl": _JsonLines,
    "parquet": _Parquet,
}
