"""Results out: one row for each row of the export, in its order, as CSV, TSV, JSON Lines or Parquet.

Columns: ``id``, one confidence per label, ``recommendation``, ``reasons`` (a JSON string), ``release``, ``error``.
A row that was set aside keeps its place, so that a result can be joined line by line: its confidences are empty, its
recommendation is "none", its reasons are ``[]`` and ``error`` says why; ``error`` is empty (null) everywhere else. The
same rows are listed in ``<RESULT>.set-aside.csv`` (file, row, id, reason), which exists only if there are any.

Confidences are float32 in Parquet and rounded to 4 decimals elsewhere. Ids are written exactly as given, but in CSV one
that a spreadsheet would run as a formula gets an apostrophe before it (`spreadsheets`). Every text is quoted there,
which keeps ``007`` and commas whole.

A result written in shadow has ``shadow_recommendation`` and ``shadow_reasons`` in place of ``recommendation`` and
``reasons``: a program that acts on recommendations finds no such column, instead of a "none" that clears a message.

Both files are written under temporary names in the same folder and renamed when they are whole. A writer that is given
a `Draft` writes there instead, can make durable what it has (`commit`) and go on from there after a crash; `publish` is
then left to the caller.
"""

from __future__ import annotations

import csv
import secrets
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

import numpy as np

from classifier.errors import MessagesError
from classifier.guidelines import LABELS
from classifier.messages import format_of
from classifier.result_formats import RESULT_COLUMNS, SHADOW_COLUMNS, SINKS, Rows, durable, open_text, plain_id
from classifier.spreadsheets import inert

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping, Sequence
    from types import TracebackType
    from typing import TextIO

    from numpy.typing import NDArray

    from classifier.messages import BadRow, MessageBatch

__all__ = [
    "RESULT_COLUMNS", "SHADOW_COLUMNS", "Draft", "ResultStream", "ResultWriter", "check_target", "plain_id", "publish",
    "set_aside_path", "writing",
]  # fmt: skip

_T = TypeVar("_T")


@dataclass(frozen=True)
class Draft:
    """Where a result is written that may take several runs, and what the last `ResultWriter.commit` said, if any."""

    folder: Path
    at: Mapping[str, Any] = field(default_factory=dict)

    @property
    def parts(self) -> tuple[Path, Path]:
        """The files of the result and of the rows set aside."""
        return self.folder / "result", self.folder / "set-aside.csv"


def set_aside_path(target: str | os.PathLike[str]) -> Path:
    """Name the file that lists the rows set aside.

    >>> set_aside_path("out/result.jsonl").name
    'result.jsonl.set-aside.csv'
    """
    target = Path(target)
    return target.with_name(f"{target.name}.set-aside.csv")


def check_target(target: Path, format: str | None = None) -> str:  # noqa: A002
    """The format of a result; raises `MessagesError` where no file can be written under that name."""
    kind = format_of(target, format)
    if target.is_dir():
        raise MessagesError("this is a folder", where=str(target), todo="name a result file in it")
    if target.exists() and not target.is_file():  # renaming a file over /dev/null would replace it
        raise MessagesError("this is a device, not a file", where=str(target), todo="name a result file")
    if not target.parent.is_dir():
        what = f"there is no folder '{target.parent}'"
        raise MessagesError(what, where=str(target), todo="create it or name another one")
    return kind


class ResultStream:
    """Writes results into an open text file as they come, as lines, and flushes each batch; lists no rows set aside."""

    def __init__(self, file: TextIO, *, release: str, format: str, shadow: bool = False) -> None:  # noqa: A002
        self.file = file
        self._sink = SINKS[format](file, release, SHADOW_COLUMNS if shadow else RESULT_COLUMNS, None)

    def write(
        self,
        batch: MessageBatch,
        confidences: NDArray[np.float32],
        recommendations: Sequence[str],
        reasons: Sequence[str],
    ) -> None:
        """Write one batch, as `ResultWriter.write`."""
        self._sink.write(_checked(batch, confidences, recommendations, reasons))
        self.file.flush()


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

    def __init__(
        self,
        target: str | os.PathLike[str],
        *,
        release: str,
        format: str | None = None,  # noqa: A002
        shadow: bool = False,
        draft: Draft | None = None,
    ) -> None:
        at = draft.at if draft is not None else {}
        self.target, self.release, self.rows = Path(target), release, at.get("rows", 0)
        kind = check_target(self.target, format)
        self._draft = draft
        if draft is not None:
            self._part = draft.parts
        else:
            token = secrets.token_hex(4)
            result, aside = (path.with_name(f".{path.name}.{token}.part") for path in _final_paths(self.target))
            self._part = result, aside
        self._bad: TextIO | None = None
        with writing(self.target):
            names = SHADOW_COLUMNS if shadow else RESULT_COLUMNS
            self._sink = SINKS[kind](self._part[0], release, names, None if draft is None else at.get("result", {}))
            if at.get("set_aside") is not None:
                self._bad = open_text(self._part[1], at["set_aside"])

    def write(
        self,
        batch: MessageBatch,
        confidences: NDArray[np.float32],
        recommendations: Sequence[str],
        reasons: Sequence[str],
    ) -> None:
        """Write one batch: `confidences` (n, 6) and the two sequences (n,) belong to its n messages, in order."""
        rows = _checked(batch, confidences, recommendations, reasons)
        with writing(self.target):
            if batch.bad:
                self._set_aside(batch.bad)
            self._sink.write(rows)
        self.rows += len(rows)

    def commit(self) -> dict[str, Any]:
        """Make durable all that was written, and say what a `Draft` needs to go on from here."""
        with writing(self.target):
            set_aside = None if self._bad is None else durable(self._bad)
            return {"rows": self.rows, "result": self._sink.commit(), "set_aside": set_aside}

    def _set_aside(self, bad: Sequence[BadRow]) -> None:
        if self._bad is None:
            self._bad = open_text(self._part[1], None)
            csv.writer(self._bad, lineterminator="\n").writerow(("file", "row", "id", "reason"))
        rows = ((inert(row.file), row.row, inert(plain_id(row.id)), inert(row.reason)) for row in bad)
        csv.writer(self._bad, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC).writerows(rows)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        try:
            with writing(self.target):
                try:
                    self._sink.close(whole=kind is None)
                finally:
                    if self._bad is not None:
                        with self._bad:
                            durable(self._bad)
                if kind is None and self._draft is None:
                    publish(self._part, self.target, set_aside=self._bad is not None)
        except MessagesError:
            if kind is None:  # otherwise the first error is the one to tell
                raise
        finally:
            if self._draft is None:
                for part in self._part:
                    with suppress(OSError):
                        part.unlink(missing_ok=True)


def _final_paths(target: Path) -> tuple[Path, Path]:
    # A link stays a link: what it points to is replaced.
    return target.resolve(), set_aside_path(target).resolve()


def publish(parts: tuple[Path, Path], target: Path, *, set_aside: bool) -> None:
    """Give a finished result and, if there is one, its list of rows set aside their names; the result comes last.

    What has its name already is left alone, so that this can be done again after a crash in between.
    """
    for part, final in reversed(list(zip(parts, _final_paths(target), strict=True))):
        if part.exists():
            part.replace(final)
        elif part == parts[1] and not set_aside:  # an earlier run's list would speak of another result
            final.unlink(missing_ok=True)


@contextmanager
def writing(target: Path) -> Iterator[None]:
    """Tell as a `MessagesError` what the disk does not take."""
    try:
        yield
    except OSError as error:
        what = f"cannot be written ({error.strerror or error})"
        todo = "free space and give the command again, or name another file with -o"
        raise MessagesError(what, where=str(target), todo=todo) from error


def _checked(
    batch: MessageBatch, confidences: NDArray[np.float32], recommendations: Sequence[str], reasons: Sequence[str]
) -> Rows:
    """The rows of a batch, those set aside in their places."""
    n = len(batch)
    if confidences.shape != (n, len(LABELS)) or len(recommendations) != n or len(reasons) != n:
        got = f"confidences {confidences.shape}, {len(recommendations)} recommendations, {len(reasons)} reasons"
        raise ValueError(f"{n} messages, but {got}")
    if not ((confidences >= 0) & (confidences <= 1)).all():
        raise ValueError("confidences are figures from 0 to 1")
    rows = Rows(batch.ids, confidences, recommendations, reasons)
    return _with_bad_rows(rows, batch) if batch.bad else rows


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
