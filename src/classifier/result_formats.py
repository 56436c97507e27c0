"""Results as CSV, TSV, JSON Lines and Parquet: each format a sink that takes rows column by column."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from functools import partial
from itertools import chain, repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from classifier.errors import MessagesError
from classifier.guidelines import LABELS
from classifier.spreadsheets import inert

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import IO, TextIO

    from numpy.typing import NDArray

__all__ = ["RESULT_COLUMNS", "SHADOW_COLUMNS", "SINKS", "Rows", "durable", "open_text", "plain_id"]

RESULT_COLUMNS = ("id", *LABELS, "recommendation", "reasons", "release", "error")
# What acts on recommendations asks for their column by name and finds none: nothing to act on, and no "none" either.
SHADOW_COLUMNS = ("id", *LABELS, "shadow_recommendation", "shadow_reasons", "release", "error")
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


class _Text:
    """A result as lines: what is durable of it is a number of bytes, and going on is cutting off what came after.

    It is written to a path, or into a text file that is open and that somebody else closes.

    Of every sink, `at` is None for a result written in one go, else what the last `commit` said, {} before any.
    """

    errors = "strict"

    def __init__(self, path: Path | TextIO, at: Mapping[str, Any] | None) -> None:
        self.file = open_text(path, (at or {}).get("bytes"), self.errors) if isinstance(path, Path) else path

    def commit(self) -> dict[str, Any]:
        """Make durable what was written and say where it ends."""
        return {"bytes": durable(self.file)}

    def close(self, *, whole: bool) -> None:
        with self.file:
            if whole:
                durable(self.file)


class _Csv(_Text):
    # Reasons may quote half a character of a message; backslashreplace writes it as JSON does, "\\ud83d".
    errors = "backslashreplace"

    def __init__(
        self, path: Path | TextIO, release: str, columns: Sequence[str] = RESULT_COLUMNS,
        at: Mapping[str, Any] | None = None, *, delimiter: str = ",",
    ) -> None:  # fmt: skip
        super().__init__(path, at)
        self.delimiter, self.release = delimiter, self._field(inert(release))
        if not at:
            self.file.write(delimiter.join(map(self._field, columns)) + "\n")

    # csv.writer takes twice the time.
    @staticmethod
    def _field(value: str | int | None) -> str:
        return str(value) if isinstance(value, int) else '"' + (value or "").replace('"', '""') + '"'

    def write(self, rows: Rows) -> None:
        ids, names = map(self._field, map(inert, _plain_ids(rows))), map(self._field, rows.recommendations)
        whys, release = map(self._field, rows.reasons), repeat(self.release, len(rows))
        whats = rows.errors or repeat(None, len(rows))
        errors = (self._field(inert(what)) + "\n" for what in whats)
        columns = zip(ids, *_figures(rows, '""'), names, whys, release, errors, strict=True)
        self.file.writelines(map(self.delimiter.join, columns))


class _JsonLines(_Text):
    def __init__(
        self, path: Path | TextIO, release: str, columns: Sequence[str] = RESULT_COLUMNS,
        at: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(path, at)
        self.encode = json.JSONEncoder().encode
        # One template for all rows takes half the time of one dict each.
        figures = ", ".join(f'"{label}": %s' for label in LABELS)
        end = f'"release": {self.encode(release).replace("%", "%%")}, "error": %s}}\n'
        _, *_, recommendation, reasons, _, _ = columns
        self.row = f'{{"id": %s, {figures}, "{recommendation}": "%s", "{reasons}": %s, {end}'

    def write(self, rows: Rows) -> None:
        ids, whys = map(self.encode, _plain_ids(rows)), map(self.encode, rows.reasons)
        errors = map(self.encode, rows.errors) if rows.errors else repeat("null", len(rows))
        columns = zip(ids, *_figures(rows, "null"), rows.recommendations, whys, errors, strict=True)
        self.file.writelines(map(self.row.__mod__, columns))


class _Parquet:
    """A result as row groups, each of them the rows between two commits, or `_ROW_GROUP` where nobody commits.

    A Parquet file cannot be gone on with: its footer, which is written last, knows where everything is. So each commit
    also keeps its row group as a file of its own, in Arrow's format, and going on writes those again.
    """

    def __init__(
        self, path: Path, release: str, columns: Sequence[str] = RESULT_COLUMNS, at: Mapping[str, Any] | None = None
    ) -> None:
        self.path, self.release, self.columns = path, release, columns
        self.file = path.open("wb" if at else "xb")
        self.waiting: list[tuple[Any, Any]] = []
        self.writer: Any = None
        self.group = _ROW_GROUP if at is None else sys.maxsize
        self.committed = (at or {}).get("parts", 0)
        for number in range(self.committed):
            import pyarrow as pa

            with pa.memory_map(str(self._part(number))) as file, pa.ipc.open_file(file) as part:
                self._put(part.read_all())

    def _part(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}-{number:06d}.arrow")

    def write(self, rows: Rows) -> None:
        self.waiting.append((rows.ids, self._record(rows)))
        if sum(len(record) for _, record in self.waiting) >= self.group:
            self._flush()

    def commit(self) -> dict[str, Any]:
        """Make durable what was written since the last commit and say how many parts that makes."""
        import pyarrow as pa

        if self.waiting or self.writer is None:
            with self._part(self.committed).open("wb") as file:
                table = self._flush()
                with pa.ipc.new_file(file, table.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as part:
                    part.write_table(table)
                durable(file)
            self.committed += 1
        return {"parts": self.committed}

    def close(self, *, whole: bool) -> None:
        try:
            if whole and (self.waiting or self.writer is None):
                self._flush()
        finally:
            with self.file:
                if self.writer is not None:
                    self.writer.close()
                if whole:
                    durable(self.file)

    def _record(self, rows: Rows) -> Any:
        """All columns but the ids, whose type is known when a row group is whole."""
        import pyarrow as pa

        errors = pa.array(rows.errors or repeat(None, len(rows)), pa.string(), size=len(rows))
        none = errors.is_valid().to_numpy(zero_copy_only=False)
        figures = np.ascontiguousarray(rows.confidences.T)
        try:
            whys = pa.array(rows.reasons, pa.string())
        except UnicodeEncodeError:
            # Reasons may quote half a character of a message; backslashreplace writes it as JSON does, "\\ud83d".
            whys = pa.array([why.encode("utf-8", "backslashreplace").decode() for why in rows.reasons], pa.string())
        columns = [
            *(pa.array(column, pa.float32(), mask=none) for column in figures),
            pa.array(rows.recommendations, pa.string()),
            whys,
            pa.repeat(pa.scalar(self.release, pa.string()), len(rows)),
            errors,
        ]
        return pa.RecordBatch.from_arrays(columns, names=[*self.columns[1:]])

    def _flush(self) -> Any:
        import pyarrow as pa

        parts = self.waiting or [([], self._record(Rows([], np.empty((0, len(LABELS)), np.float32), [], [])))]
        self.waiting = []
        table = pa.Table.from_batches([record for _, record in parts])
        table = table.add_column(0, self.columns[0], self._ids([ids for ids, _ in parts])).combine_chunks()
        self._put(table)
        return table

    def _put(self, table: Any) -> None:
        import pyarrow.parquet as pq

        if self.writer is None:
            self.writer = pq.ParquetWriter(self.file, table.schema, compression="zstd")
        self.writer.write_table(table)

    def _ids(self, parts: list[Any]) -> Any:
        import pyarrow as pa

        if not isinstance(parts[0], list):
            return pa.chunked_array(parts)
        keys = list(chain.from_iterable(parts))
        integers = {type(key) for key in keys} - {type(None)} == {int}
        kind = self.writer.schema.field(0).type if self.writer else pa.int64() if integers else pa.string()
        try:
            return pa.array(keys, kind)
        except (pa.ArrowException, OverflowError) as error:
            what = (
                "the ids mix integers and strings, or hold an integer beyond 64 bits, which one Parquet column cannot"
            )
            raise MessagesError(what, where="column 'id' of the result", todo="write .jsonl or .csv instead") from error


Sink = _Csv | _JsonLines | _Parquet
SINKS: dict[str, Callable[[Any, str, Sequence[str], Mapping[str, Any] | None], Sink]] = {
    "csv": _Csv,
    "tsv": partial(_Csv, delimiter="\t"),
    "jsonl": _JsonLines,
    "parquet": _Parquet,
}


def open_text(path: Path, size: int | None, errors: str = "backslashreplace") -> TextIO:
    """Open a new text file, or go on with one behind its first `size` bytes."""
    if size is not None:
        os.truncate(path, size)
    return path.open("x" if size is None else "a", encoding="utf-8", errors=errors, newline="")


def durable(file: IO[Any]) -> int:
    """Have the disk keep what was written to a file; return its size."""
    file.flush()
    os.fsync(file.fileno())
    return os.fstat(file.fileno()).st_size
