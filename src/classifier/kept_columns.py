"""Every column of an export, row by row beside the messages read from it, and the same columns written again.

`messages.read_messages` decides which rows are messages; here the same file is read once more for what else those rows
hold. CSV, TSV, JSON Lines and Parquet keep all their columns in order; of a chat export or several files together
the columns are those a `MessageBatch` has.
"""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

from classifier.compressed import compression_of, unpacked
from classifier.errors import MessagesError
from classifier.json_streams import Digits
from classifier.result_formats import plain_id
from classifier.spreadsheets import inert
from classifier.text_exports import capped_lines, csv_table, line_end

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
    from pathlib import Path

    from classifier.exports import Export, MessageBatch

__all__ = ["WRITERS", "Rows", "keeps_all_columns", "rows_of"]

# A row: the values under the names of the columns, or the members of its JSON object.
Rows = list[dict[str, Any]]
_HEAD = 2**22
_BATCH_COLUMNS = {"sender": "senders", "recipient": "recipients", "time": "times", "profile": "profiles"}


def keeps_all_columns(export: Export) -> bool:
    """Whether the file itself is a table whose columns can be kept."""
    return export.format in ("csv", "tsv", "jsonl", "parquet") and export.path.is_file()


def rows_of(export: Export) -> tuple[list[str] | None, Callable[[MessageBatch], Rows]]:
    """The names of the columns (None where each row has its own), and a function from a batch to its n rows.

    Batches must be given in order, none left out. A name that stands twice in a CSV file is told apart by a number.
    """
    if not keeps_all_columns(export):
        envelope = [kind for kind in _BATCH_COLUMNS if getattr(export.columns, kind) is not None]
        return ["id", "text", "surface", *envelope], _of_batch
    if export.format == "parquet":
        import pyarrow.parquet as pq

        return pq.read_schema(export.path).names, _beside(_parquet_rows(export.path))
    if export.format == "jsonl":
        return None, _beside(_json_rows(export))
    header, records = csv_table(_lines(export), export.path, "\t" if export.format == "tsv" else "")
    names = _distinct(header)
    return names, _beside(
        dict(zip(names, fields, strict=True)) if reason is None and len(fields) == len(names) else None
        for _, fields, reason in records
    )


def _of_batch(batch: MessageBatch) -> Rows:
    ids = batch.ids if isinstance(batch.ids, list) else batch.ids.to_pylist()
    columns: dict[str, Iterable[Any]] = {
        "id": map(plain_id, ids),
        "text": map(str, batch.texts),
        "surface": batch.surfaces,
    }
    columns |= {kind: values for kind, name in _BATCH_COLUMNS.items() if (values := getattr(batch, name)) is not None}
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _beside(records: Iterator[dict[str, Any] | None]) -> Callable[[MessageBatch], Rows]:
    """Walk along the rows of a file, and give those that the batches say are messages."""
    done = 0

    def rows(batch: MessageBatch) -> Rows:
        nonlocal done
        numbers = {*batch.rows}
        last = max([*batch.rows, *(row.row for row in batch.bad)], default=done)
        kept: Rows = []
        while done < last:
            record = next(records, None)
            done += 1
            if done in numbers:
                if record is None:
                    raise MessagesError("changed while it was read", where=str(batch.export.path), todo="try again")
                kept.append(record)
        return kept

    return rows


def _distinct(names: Sequence[str]) -> list[str]:
    seen: dict[str, int] = {}
    found = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        found.append(name if seen[name] == 1 else f"{name}.{seen[name]}")
    return found


def _opened(path: Path) -> io.BufferedReader[Any]:
    raw = io.BufferedReader(io.FileIO(path), _HEAD)
    packing = compression_of(raw.peek(8)[:8])
    return unpacked(raw, packing, str(path)) if packing else raw


def _lines(export: Export) -> Iterator[str]:
    """The lines as `read_messages` sees them."""
    with _opened(export.path) as raw:
        newline = line_end(raw.peek(_HEAD)[:_HEAD], export.format)
        with io.TextIOWrapper(raw, export.encoding, errors="classifier.broken", newline=newline) as file:
            yield from capped_lines(file, newline or "\r\n")


def _json_rows(export: Export) -> Iterator[dict[str, Any] | None]:
    decode = json.JSONDecoder(parse_float=Digits, parse_constant=Digits).decode
    for line in _lines(export):
        if line := line.strip(" \t\r\n"):
            try:
                value = decode(line)
            except (ValueError, RecursionError):
                value = None
            yield value if type(value) is dict else None


def _parquet_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Rows of Arrow scalars: what they hold is looked at only where another format is written."""
    import pyarrow.parquet as pq

    # As `parquet_exports` opens it: what is read ahead would stay in memory.
    with pq.ParquetFile(path, buffer_size=2**20, pre_buffer=False) as file:
        for record in file.iter_batches(2048):
            columns = {name: record.column(i) for i, name in enumerate(record.schema.names)}
            for place in range(len(record)):
                yield {name: column[place] for name, column in columns.items()}


def _plain(value: Any) -> Any:
    """A value as JSON knows it: Arrow scalars, bytes and dates as `plain_id` writes them."""
    value = value.as_py() if hasattr(value, "as_py") else value
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, str | bool | int | float) else plain_id(value)


def _as_json(value: Any) -> str:
    """JSON with numbers as they were written."""
    if isinstance(value, Digits):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)}: {_as_json(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_as_json, value)) + "]"
    return json.dumps(value)


def _cell(value: Any) -> str:
    """A value as one cell of a table."""
    value = _plain(value)
    if value is None:
        return ""
    return str(value) if isinstance(value, str) else _as_json(value)


class _Csv:
    delimiter = ","

    def __init__(self, path: Path, export: Export, names: list[str], as_text: Collection[str] = ()) -> None:  # noqa: ARG002
        self.names = names
        self.file = path.open("x", encoding="utf-8", errors="backslashreplace", newline="")
        # Every text is quoted, as in results: 007 stays whole.
        self.writer = csv.writer(self.file, delimiter=self.delimiter, lineterminator="\n", quoting=csv.QUOTE_ALL)
        self.writer.writerow(map(inert, names))

    def write(self, rows: Rows) -> None:
        """Write rows under the names of the columns; a member a row lacks is empty, a formula gets an apostrophe."""
        self.writer.writerows([inert(_cell(row.get(name))) for name in self.names] for row in rows)

    def close(self) -> None:
        """Close the file."""
        self.file.close()


class _Tsv(_Csv):
    delimiter = "\t"


class _JsonLines:
    def __init__(self, path: Path, export: Export, names: list[str], as_text: Collection[str] = ()) -> None:  # noqa: ARG002
        self.file = path.open("x", encoding="utf-8")

    def write(self, rows: Rows) -> None:
        """Write each row with the members it has."""
        self.file.writelines(_as_json({key: _plain(value) for key, value in row.items()}) + "\n" for row in rows)

    def close(self) -> None:
        """Close the file."""
        self.file.close()


class _Parquet:
    """Parquet keeps the types of a Parquet export but for columns `as_text`; columns from other formats are text."""

    def __init__(self, path: Path, export: Export, names: list[str], as_text: Collection[str] = ()) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        if export.format == "parquet" and keeps_all_columns(export):
            self.schema = pq.read_schema(export.path)
            for name in (export.columns.text, *as_text):
                at = self.schema.get_field_index(name)
                self.schema = self.schema.set(at, self.schema.field(at).with_type(pa.large_string()))
        else:
            self.schema = pa.schema([pa.field(name, pa.string()) for name in names])
        self.typed = export.format == "parquet" and keeps_all_columns(export)
        self.file = path.open("xb")
        self.writer = pq.ParquetWriter(self.file, self.schema, compression="zstd")

    def write(self, rows: Rows) -> None:
        """Write rows as one row group."""
        import pyarrow as pa

        if self.typed:
            values = [[_scalar(row[field.name]) for row in rows] for field in self.schema]
        else:
            values = [
                [None if row.get(field.name) is None else _cell(row[field.name]) for row in rows]
                for field in self.schema
            ]
        arrays = [pa.array(column, field.type) for column, field in zip(values, self.schema, strict=True)]
        self.writer.write_table(pa.Table.from_arrays(arrays, schema=self.schema))

    def close(self) -> None:
        """Write the footer and close the file."""
        with self.file:
            self.writer.close()


def _scalar(value: Any) -> Any:
    if getattr(value, "type", None) is not None and str(value.type).startswith("timestamp[ns"):
        return value.value  # nanoseconds, which Python's datetime cannot hold
    return value.as_py() if hasattr(value, "as_py") else value


WRITERS: dict[str, Callable[[Path, Export, list[str], Collection[str]], _Csv | _JsonLines | _Parquet]] = {
    "csv": _Csv, "tsv": _Tsv, "jsonl": _JsonLines, "parquet": _Parquet,
}  # fmt: skip


def all_names(rows: Iterable[dict[str, Any] | None]) -> list[str]:
    """The keys of all rows, in the order they first appear."""
    return list(dict.fromkeys(key for row in rows if row for key in row))


def names_of_objects(export: Export) -> list[str]:
    """The names of the members of a JSON Lines file, which only its end tells."""
    return all_names(_json_rows(export))
