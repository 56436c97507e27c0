"""The messages of an export sorted by sender without holding them: spilled to files by a hash of the sender.

Each message goes to the partition of its sender; who wrote to whom and when also goes, without the message, to the
partition of the recipient, whose own messages it may answer. A partition too large to hold is split again. One sender
who fills more than a partition by himself is read up to a limit, raised messages first.

The files are Arrow streams. Texts are in columns of their own, read only for the few messages that are evidence.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, NamedTuple

from classifier.sender_findings import Sent

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

__all__ = ["COLUMNS", "HELD", "Group", "Message", "Partition", "Spill", "groups", "leaves", "messages_in"]

HELD = 2**18  # rows of a partition that are held at once, and of each kind of one sender that are searched
_BUFFERED, _BUFFERED_CHARACTERS = 2**16, 2**25
_DEPTH = 7
_LIGHT = (
    "owner", "row", "id", "recipient", "time", "when", "surface", "profile", "key", "width", "level", "ceiling",
    "labels", "distress",
)  # fmt: skip
COLUMNS = (*_LIGHT, "text", "reasons")


class Message(NamedTuple):
    """A message as evidence: what is known of it, its text and its reasons as JSON."""

    sent: Sent
    text: str
    reasons: str


class Group(NamedTuple):
    """All of one sender: the messages, when each other member last wrote, how many messages were beyond the limit."""

    sender: str
    sent: list[Sent]
    answers: dict[str, float]
    beyond: int


@dataclass
class Partition:
    """A file of rows; `owners` are the first two senders seen in it, which tells whether there is more than one."""

    path: Path
    rows: int = 0
    owners: set[str] = field(default_factory=set)


class Spill:
    """Writes rows to `partitions` files in a folder that must exist; `close` gives those that hold any.

    `depth` chooses other digits of the hash, so that a partition split again falls apart.
    """

    def __init__(self, folder: Path, partitions: int = 64, *, depth: int = 0, name: str = "p") -> None:
        import pyarrow as pa

        kinds = {"row": pa.int64(), "when": pa.int64(), "key": pa.binary(), "width": pa.int32(), "level": pa.uint8(),
                 "ceiling": pa.uint8(), "labels": pa.binary(), "distress": pa.bool_(), "text": pa.large_binary(),
                 "reasons": pa.large_binary()}  # fmt: skip
        self._schema = pa.schema([(name, kinds.get(name, pa.string())) for name in COLUMNS])
        self._partitions = [Partition(folder / f"{name}-{i}.arrow") for i in range(partitions)]
        self._writers: dict[int, Any] = {}
        self._depth = depth
        self._waiting: list[Any] = []
        self._rows = self._size = 0

    def add(self, columns: Mapping[str, Sequence[Any]]) -> None:
        """Take rows, column by column; columns that are not given are null."""
        import pyarrow as pa

        n = len(columns["owner"])
        arrays = [pa.array(columns[f.name], f.type) if f.name in columns else pa.nulls(n, f.type) for f in self._schema]
        self.add_table(pa.Table.from_arrays(arrays, schema=self._schema))

    def add_table(self, table: Any) -> None:
        """Take rows as an Arrow table of all columns."""
        self._waiting.append(table)
        self._rows, self._size = self._rows + len(table), self._size + table.nbytes
        if self._rows >= _BUFFERED or self._size >= _BUFFERED_CHARACTERS:
            self._flush()

    def close(self) -> list[Partition]:
        """Write what is left and give the partitions that hold rows."""
        self._flush()
        self.abandon()
        return [partition for partition in self._partitions if partition.rows]

    def abandon(self) -> None:
        """Close the files as they are."""
        for writer, file in self._writers.values():
            writer.close()
            file.close()
        self._writers.clear()

    def _flush(self) -> None:
        import numpy as np
        import pyarrow as pa

        if not self._rows:
            return
        table = pa.concat_tables(self._waiting).combine_chunks()
        owners = table["owner"].combine_chunks().dictionary_encode()
        names = owners.dictionary.to_pylist()
        n = len(self._partitions)
        place_of = np.array([(_digits(name) >> 8 * self._depth) % n for name in names], np.int64)
        places = place_of[owners.indices.to_numpy()]
        table = table.take(pa.array(np.argsort(places, kind="stable")))
        start = 0
        for place, count in enumerate(np.bincount(places, minlength=n).tolist()):
            if count:
                partition = self._partitions[place]
                partition.rows += count
                if len(partition.owners) < 2:
                    partition.owners.update(name for name, at in zip(names, place_of, strict=True) if at == place)
                self._writer(place).write_table(table.slice(start, count))
            start += count
        self._waiting, self._rows, self._size = [], 0, 0

    def _writer(self, place: int) -> Any:
        import pyarrow as pa

        if place not in self._writers:
            file = self._partitions[place].path.open("xb")
            options = pa.ipc.IpcWriteOptions(compression="lz4")
            self._writers[place] = (pa.ipc.new_stream(file, self._schema, options=options), file)
        return self._writers[place][0]


def _digits(owner: str) -> int:
    return int.from_bytes(blake2b(owner.encode(), digest_size=8).digest(), "big")


def leaves(partition: Partition, held: int = HELD, *, depth: int = 1) -> Iterator[Partition]:
    """The partition, or the parts it is split into where it holds more than `held` rows of several senders.

    Each file is deleted when the next one is asked for.
    """
    if partition.rows <= held or len(partition.owners) < 2 or depth > _DEPTH:
        yield partition
        partition.path.unlink(missing_ok=True)
        return
    spill = Spill(partition.path.parent, 16, depth=depth, name=partition.path.stem)
    try:
        for table in _tables(partition, COLUMNS):
            spill.add_table(table)
        parts = spill.close()
    finally:
        spill.abandon()
    partition.path.unlink()
    for part in parts:
        yield from leaves(part, held, depth=depth + 1)


def groups(partition: Partition, *, timed: bool, held: int = HELD) -> Iterator[Group]:
    """The senders of a partition in order of their names, each whole, or up to `held` messages of each kind."""
    import pyarrow as pa

    tables, beyond = [], 0
    kept = {True: 0, False: 0}
    answers: dict[str, dict[str, float]] = {}
    for table in _tables(partition, _LIGHT):
        columns = table.to_pydict()
        chosen = []
        for i, key in enumerate(columns["key"]):
            if key is None:
                of_owner = answers.setdefault(columns["owner"][i], {})
                at = columns["when"][i] if timed else columns["row"][i]
                other = columns["recipient"][i]
                of_owner[other] = max(of_owner.get(other, -math.inf), math.inf if at is None else at)
                continue
            raised = columns["level"][i] > 0
            # Only a partition of one sender can be larger than what is held.
            if partition.rows > held and kept[raised] >= held:
                beyond += 1
                continue
            kept[raised] += 1
            chosen.append(i)
        tables.append(table.take(pa.array(chosen, pa.int64())))
    if not any(kept.values()):
        return
    table = pa.concat_tables(tables).combine_chunks().sort_by("owner")
    owners = table["owner"].to_pylist()
    start = 0
    for end in range(1, len(owners) + 1):
        if end == len(owners) or owners[end] != owners[start]:
            sent = _sent(table.slice(start, end - start).to_pydict())
            yield Group(owners[start], sent, answers.get(owners[start], {}), beyond)
            start = end


def messages_in(partition: Partition, rows: Collection[int]) -> dict[int, Message]:
    """The messages of a partition that stand in these rows of the export."""
    import pyarrow as pa
    import pyarrow.compute as pc

    found = {}
    wanted = pa.array(sorted(rows), pa.int64())
    for table in _tables(partition, COLUMNS):
        mask = pc.and_(pc.is_in(table["row"], wanted), pc.is_valid(table["key"]))
        columns = table.filter(mask).to_pydict()
        for one, text, reasons in zip(_sent(columns), columns["text"], columns["reasons"], strict=True):
            found[one.row] = Message(one, _decoded(text), _decoded(reasons))
    return found


def _sent(columns: dict[str, list[Any]]) -> list[Sent]:
    columns = columns | {"id": [json.loads(key) for key in columns["id"]]}
    return [Sent(*values) for values in zip(*(columns[name] for name in Sent._fields), strict=True)]


def _decoded(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")  # half a character of a message, which Arrow's strings do not hold


def _tables(partition: Partition, names: Sequence[str]) -> Iterator[Any]:
    import pyarrow as pa

    options = pa.ipc.IpcReadOptions(included_fields=[COLUMNS.index(name) for name in names])
    with partition.path.open("rb") as file, pa.ipc.open_stream(file, options=options) as stream:
        for batch in stream:
            yield pa.Table.from_batches([batch])
