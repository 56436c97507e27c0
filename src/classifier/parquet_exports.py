"""Exports as Parquet: record batches of Arrow arrays, with ids of the file's own type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from classifier.errors import MessagesError
from classifier.exports import (
    BATCH_CHARACTERS,
    BadRow,
    Export,
    MessageBatch,
    envelope_columns,
    find_columns,
    surface_names,
)
from classifier.text_exports import MAX_ROW

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path
    from typing import BinaryIO

    from classifier.exports import Columns

__all__ = ["parquet_columns", "read_parquet", "unreadable_texts", "values_of"]


def read_parquet(
    path: Path, asked: Columns, batch_size: int, file: BinaryIO | None = None
) -> Generator[MessageBatch, None, None]:
    """Stream a Parquet file as batches of at most `batch_size` rows, fewer where its messages are long.

    `file` is where it is read from, if not from `path`.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    done = 0
    try:
        # With a buffer a column chunk is read page by page instead of whole; what is read ahead
        # (pre_buffer) would stay in memory until the end.
        with pq.ParquetFile(file or path, buffer_size=2**20, pre_buffer=False) as parquet:
            schema, groups, total = parquet.schema_arrow, parquet.metadata, parquet.metadata.num_rows
            columns = find_columns(schema.names, asked, path)
            of_text = schema.field(columns.text).type
            value_type = of_text.value_type if pa.types.is_dictionary(of_text) else of_text
            if value_type not in (pa.string(), pa.large_string(), pa.string_view()):
                todo = "name another column with --text-column, or write it as a string column"
                raise MessagesError(f"column '{columns.text}' holds {of_text}, not text", where=str(path), todo=todo)
            export = Export(path, "parquet", None, columns)
            asked_for = (columns.id, columns.text, columns.surface, *columns.envelope)
            names = list(dict.fromkeys(name for name in asked_for if name is not None))
            size = sum(groups.row_group(i).total_byte_size for i in range(groups.num_row_groups))
            batch_size = max(1, min(batch_size, BATCH_CHARACTERS * total // max(size, 1)))
            for record in parquet.iter_batches(batch_size, columns=names):
                done += len(record)
                yield _parquet_batch(export, record, done - len(record), done / total)
            if not done:
                empty = pa.RecordBatch.from_pylist([], schema=pa.schema([schema.field(name) for name in names]))
                yield _parquet_batch(export, empty, 0, 1.0)
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno:  # the disk, not the file
            raise
        where, what = str(path), f"is damaged after row {done}" if done else "is not a whole Parquet file"
        raise MessagesError(what, where=where, todo="export it again or name its format with --format") from error


def parquet_columns(path: Path, asked: Columns, file: BinaryIO) -> tuple[list[str], Columns, Any]:
    """The names of a file's columns, those found among them, and no ids as a batch has them (None without ids)."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(file)
    except pa.ArrowException as error:
        raise MessagesError("is not a whole Parquet file", where=str(path), todo="export it again") from error
    columns = find_columns(schema.names, asked, path)
    ids = None if columns.id is None else _strings(pa.array([], schema.field(columns.id).type))
    return schema.names, columns, ids


def _parquet_batch(export: Export, record: Any, before: int, fraction: float) -> MessageBatch:
    import pyarrow as pa

    columns, n = export.columns, len(record)
    texts = _strings(record.column(columns.text))
    rows: Sequence[int] = range(before + 1, before + n + 1)
    ids = pa.array(rows, pa.int64()) if columns.id is None else _strings(record.column(columns.id))
    surfaces: list[Any] = [None] * n if columns.surface is None else values_of(record.column(columns.surface), "?")
    envelope = [values_of(record.column(name), None) for name in columns.envelope]
    unreadable = _broken_rows(ids)
    reasons = dict.fromkeys(unreadable, "the id is not valid UTF-8")
    reasons |= unreadable_texts(texts)
    bad: list[BadRow] = []
    if reasons:
        for i, reason in sorted(reasons.items()):
            key = None if i in unreadable else ids[i].as_py()
            bad.append(BadRow(str(export.path), before + i + 1, reason, key))
        kept = pa.array([i for i in range(n) if i not in reasons], pa.int64())
        texts, ids = texts.take(kept), ids.take(kept)
        rows, surfaces = [before + i + 1 for i in kept.to_pylist()], [surfaces[i] for i in kept.to_pylist()]
        envelope = [[values[i] for i in kept.to_pylist()] for values in envelope]
    names, unknown = surface_names(surfaces)
    more = envelope_columns(columns, envelope)
    return MessageBatch(export, ids, texts, names, rows, tuple(bad), unknown, fraction, **more)


def unreadable_texts(texts: Any) -> dict[int, str]:
    """Which of an Arrow array of strings are no messages, and why.

    >>> import pyarrow as pa
    >>> unreadable_texts(pa.array(["hi", None]))
    {1: 'the text is null'}
    """
    import pyarrow.compute as pc

    reasons = dict.fromkeys(_broken_rows(texts), "the text is not valid UTF-8")
    if texts.null_count:
        reasons |= {i: "the text is null" for i, valid in enumerate(texts.is_valid().to_pylist()) if not valid}
    if texts.nbytes >= MAX_ROW:
        long = pc.greater_equal(pc.binary_length(texts), MAX_ROW).to_pylist()
        for i in (i for i, may_be in enumerate(long) if may_be and i not in reasons):
            if len(texts[i].as_py()) >= MAX_ROW:
                reasons[i] = f"longer than {MAX_ROW:,} characters"
    return reasons


def _strings(array: Any) -> Any:
    """Undo dictionary and view encodings, which few Arrow functions take; leave other types as they are."""
    import pyarrow as pa

    if pa.types.is_dictionary(array.type):
        array = array.cast(array.type.value_type)
    return array.cast(pa.large_string()) if array.type == pa.string_view() else array


def values_of(array: Any, broken: str | None) -> list[Any]:
    """What a column holds, as Python values, and `broken` in place of a string that is not UTF-8."""
    import pyarrow as pa

    if pa.types.is_timestamp(array.type) and array.type.unit == "ns":  # which Python's datetime cannot hold
        array = array.cast(pa.timestamp("us", array.type.tz), safe=False)
    array = _strings(array)
    if rows := _broken_rows(array):
        return [broken if i in rows else array[i].as_py() for i in range(len(array))]
    values: list[Any] = array.to_pylist()
    return values


def _broken_rows(array: Any) -> set[int]:
    """Positions of the strings that are not UTF-8, which Parquet does not rule out and Arrow does not check."""
    import pyarrow as pa

    if array.type not in (pa.string(), pa.large_string()):
        return set()
    try:
        array.validate(full=True)
    except pa.ArrowInvalid:
        broken = set()
        for i, value in enumerate(array.cast(pa.large_binary()).to_pylist()):
            try:
                (value or b"").decode()
            except UnicodeDecodeError:
                broken.add(i)
        return broken
    return set()
