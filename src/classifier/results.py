"""Results out: one row for each row of the export, in its order, as CSV, TSV, JSON Lines or Parquet.

Columns: ``id``, one confidence per label, ``recommendation``, ``reasons`` (a JSON string), ``release``, ``error``.
A row that was set aside keeps its place, so that a result can be joined line by line: its confidences are empty, its
recommendation is "none", its reasons are ``[]`` and ``error`` says why; ``error`` is empty (null) everywhere else. The
same rows are listed in ``<RESULT>.set-aside.csv`` (file, row, id, reason), which exists only if there are any.

Confidences are float32 in Parquet and rounded to 4 decimals elsewhere. Ids are written exactly as given. In CSV every
text is quoted, which keeps ``007`` and commas whole, but a spreadsheet still runs an id that starts with ``=``, ``+``,
``-`` or ``@`` as a formula: import such files as text.

Both files are written under temporary names in the same folder and renamed when they are whole.
"""

from __future__ import annotations

import csv
import json
import os
import secrets
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from itertools import chain, repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

import numpy as np

from classifier.errors import MessagesError
from classifier.guidelines import LABELS
from classifier.messages import format_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import TracebackType
    from typing import TextIO

    from numpy.typing import NDArray

    from classifier.messages import BadRow, MessageBatch

__all__ = ["RESULT_COLUMNS", "ResultWriter", "plain_id", "set_aside_path"]

RESULT_COLUMNS = ("id", *LABELS, "recommendation", "reasons", "release", "error")
_ROW_GROUP = 2**17
_FIGURES = np.array([repr(i / 10_000) for i in range(10_001)], object)
_T = TypeVar("_T")


def set_aside_path(target: str | os.PathLike[str]) -> Path:
    """Name the file that lists the rows set aside.

    >>> set_aside_path("out/result.jsonl").name
    'result.jsonl.set-aside.csv'
    """
    target = Path(target)
    return target.with_name(f"{target.name}.set-aside.csv")


class ResultWriter:
    r"""Write results as they come; they appear under their name when the ``with`` block ends well, or not at all.

    Raises
    ------
    MessagesError
        At once when the format is unknown, the target is a folder or its folder is missing; while writing when the
        disk does not take it, or when ids mix integers and text, which a Parquet column cannot hold.

    Examples
    --------
    >>> import tempfile
    >>> from classifier.messages import read_messages
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     export, result = Path(folder, "export.jsonl"), Path(folder, "result.csv")
    ...     _ = export.write_text('{"id": "007", "text": "hi"}\n{"id": "008", "text": null}\n')
    ...     with ResultWriter(result, release="r1") as writer:
    ...         for batch in read_messages(export):
    ...             writer.write(batch, np.full((1, 6), 0.25, np.float32), ["none"], ["[]"])
    ...     print(result.read_text().split("\n", 1)[1], end="")
    "007",0.25,0.25,0.25,0.25,0.25,0.25,"none","[]","r1",""
    "008","","","","","","","none","[]","r1","the text is null, not a string (line 2)"

    """

    def __init__(self, target: str | os.PathLike[str], *, release: str, format: str | None = None) -> None:  # noqa: A002
        self.target, self.release, self.rows = Path(target), release, 0
        kind = format_of(self.target, format)
        if self.target.is_dir():
            raise MessagesError("this is a folder", where=str(target), todo="name a result file in it")
        if self.target.exists() and not self.target.is_file():  # renaming a file over /dev/null would replace it
            raise MessagesError("this is a device, not a file", where=str(target), todo="name a result file")
        if not self.target.parent.is_dir():
            what = f"there is no folder '{self.target.parent}'"
            raise MessagesError(what, where=str(target), todo="create it or name another one")
        token = secrets.token_hex(4)
        # A link stays a link: what it points to is replaced.
        self._final = (self.target.resolve(), set_aside_path(self.target).resolve())
        self._part = tuple(path.with_name(f".{path.name}.{token}.part") for path in self._final)
        self._bad: TextIO | None = None
        with self._telling():
            self._sink = _SINKS[kind](self._part[0], release)

    def write(
        self,
        batch: MessageBatch,
        confidences: NDArray[np.float32],
        recommendations: Sequence[str],
        reasons: Sequence[str],
    ) -> None:
        """Write one batch: `confidences` (n, 6) and the two sequences (n,) belong to its n messages, in order."""
        n = len(batch)
        if confidences.shape != (n, len(LABELS)) or len(recommendations) != n or len(reasons) != n:
            got = f"confidences {confidences.shape}, {len(recommendations)} recommendations, {len(reasons)} reasons"
            raise ValueError(f"{n} messages, but {got}")
        if not ((confidences >= 0) & (confidences <= 1)).all():
            raise ValueError("confidences are figures from 0 to 1")
        with self._telling():
            rows = _Rows(batch.ids, confidences, recommendations, reasons)
            if batch.bad:
                self._set_aside(batch.bad)
                rows = _with_bad_rows(rows, batch)
            self._sink.write(rows)
        self.rows += n + len(batch.bad)

    def _set_aside(self, bad: Sequence[BadRow]) -> None:
        if self._bad is None:
            self._bad = self._part[1].open("x", encoding="utf-8", errors="backslashreplace", newline="")
            csv.writer(self._bad, lineterminator="\n").writerow(("file", "row", "id", "reason"))
        rows = ((row.file, row.row, plain_id(row.id), row.reason) for row in bad)
        csv.writer(self._bad, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC).writerows(rows)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        try:
            with self._telling():
                try:
                    self._sink.close(whole=kind is None)
                finally:
                    if self._bad is not None:
                        self._bad.close()
                if kind is None:
                    self._publish()
        except MessagesError:
            if kind is None:  # otherwise the first error is the one to tell
                raise
        finally:
            for part in self._part:
                with suppress(OSError):
                    part.unlink(missing_ok=True)

    def _publish(self) -> None:
        for part, final in reversed(list(zip(self._part, self._final, strict=True))):
            if part.exists():
                with part.open("r+b") as file:
                    os.fsync(file.fileno())
                part.replace(final)
            else:  # an earlier run's list would speak of another result
                final.unlink(missing_ok=True)

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            what = f"cannot be written ({error.strerror or error})"
            raise MessagesError(what, where=str(self.target), todo="free space or name another file with -o") from error


@dataclass(frozen=True)
class _Rows:
    """What a format writes, column by column; `errors` is None where no row has one."""

    ids: Any
    confidences: NDArray[np.float32]
    recommendations: Sequence[str]
    reasons: Sequence[str]
    errors: Sequence[str | None] | None = None

    def __len__(self) -> int:
        return len(self.reasons)


def _with_bad_rows(rows: _Rows, batch: MessageBatch) -> _Rows:
    """Put the rows set aside back in their places."""
    bad, keys = batch.bad, [row.id for row in batch.bad]
    order = np.argsort(np.concatenate([np.asarray(batch.rows, np.int64), [row.row for row in bad]]), kind="stable")
    places: list[int] = order.tolist()
    if isinstance(rows.ids, list):
        ids: Any = _take(rows.ids + keys, places)
    else:
        import pyarrow as pa

        ids = pa.concat_arrays([rows.ids, pa.array(keys, rows.ids.type)]).take(pa.array(places, pa.int64()))
    nothing = np.full((len(bad), len(LABELS)), np.nan, np.float32)
    return _Rows(
        ids,
        np.concatenate([rows.confidences, nothing])[order],
        _take([*rows.recommendations, *repeat("none", len(bad))], places),
        _take([*rows.reasons, *repeat("[]", len(bad))], places),
        _take([*repeat(None, len(rows)), *(row.reason for row in bad)], places),
    )


def _take(values: list[_T], places: list[int]) -> list[_T]:
    return [values[i] for i in places]


def plain_id(key: Any) -> str | int | None:
    r"""Give an id as text formats write it: bytes as hex, what JSON does not know as Python prints it.

    >>> plain_id("007"), plain_id(7), plain_id(b"\x00\xff"), plain_id(None)
    ('007', 7, '00ff', None)
    """
    if key is None or type(key) is str or type(key) is int:
        return key
    return key.hex() if isinstance(key, bytes) else str(key)


def _plain_ids(rows: _Rows) -> list[str | int | None]:
    return [plain_id(key) for key in (rows.ids if isinstance(rows.ids, list) else rows.ids.to_pylist())]


def _figures(rows: _Rows, nothing: str) -> list[list[str]]:
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

    def write(self, rows: _Rows) -> None:
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

    def write(self, rows: _Rows) -> None:
        ids, whys = map(self.encode, _plain_ids(rows)), map(self.encode, rows.reasons)
        errors = map(self.encode, rows.errors) if rows.errors else repeat("null", len(rows))
        columns = zip(ids, *_figures(rows, "null"), rows.recommendations, whys, errors, strict=True)
        self.file.writelines(map(self.row.__mod__, columns))

    def close(self, *, whole: bool) -> None:  # noqa: ARG002
        self.file.close()


class _Parquet:
    def __init__(self, path: Path, release: str) -> None:
        self.file, self.release = path.open("xb"), release
        self.waiting: list[_Rows] = []
        self.writer: Any = None
        self.id_type: Any = None

    def write(self, rows: _Rows) -> None:
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

        parts = self.waiting or [_Rows([], np.empty((0, len(LABELS)), np.float32), [], [])]
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


_SINKS: dict[str, Callable[[Path, str], _Csv | _JsonLines | _Parquet]] = {
    "csv": _Csv,
    "tsv": partial(_Csv, delimiter="\t"),
    "jsonl": _JsonLines,
    "parquet": _Parquet,
}
