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
import os
import secrets
from contextlib import contextmanager, suppress
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

import numpy as np

from classifier.errors import MessagesError
from classifier.guidelines import LABELS
from classifier.messages import format_of
from classifier.result_formats import RESULT_COLUMNS, SINKS, Rows, plain_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import TracebackType
    from typing import TextIO

    from numpy.typing import NDArray

    from classifier.messages import BadRow, MessageBatch

__all__ = ["RESULT_COLUMNS", "ResultWriter", "plain_id", "set_aside_path"]

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
            self._sink = SINKS[kind](self._part[0], release)

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
            rows = Rows(batch.ids, confidences, recommendations, reasons)
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


def _with_bad_rows(rows: Rows, batch: MessageBatch) -> Rows:
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
    return Rows(
        ids,
        np.concatenate([rows.confidences, nothing])[order],
        _take([*rows.recommendations, *repeat("none", len(bad))], places),
        _take([*rows.reasons, *repeat("[]", len(bad))], places),
        _take([*repeat(None, len(rows)), *(row.reason for row in bad)], places),
    )


def _take(values: list[_T], places: list[int]) -> list[_T]:
    return [values[i] for i in places]
