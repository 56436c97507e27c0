"""Histories of senders on a Spark cluster: the rules of `senders`, with one row for each sender.

Messages are scored where they are, then those of one sender come together on one worker without their texts, with the
times at which others wrote to that sender. What is drawn up there is `sender_histories.history`, as on one machine.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classifier.errors import MessagesError
from classifier.exports import Columns, Export, MessageBatch, envelope_columns, find_columns, surface_names
from classifier.parquet_exports import unreadable_texts, values_of
from classifier.sender_columns import answer_columns, sent_columns
from classifier.sender_findings import Basis, Sent
from classifier.sender_histories import history
from classifier.sender_partitions import HELD
from classifier.sender_rules import SenderRules, sender_rules
from classifier.sender_table import as_dict
from classifier.spark import Job, loaded, prepared
from classifier.timestamps import parse_time

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    import pyarrow as pa
    from pyspark.sql import DataFrame

    from classifier.policy import Policy
    from classifier.scoring import Classifier

__all__ = ["senders"]

_WHERE = Path("the data frame")
_SENT = (
    "owner string, recipient string, row long, id string, time string, when long, surface string, profile string, "
    "key binary, width int, level int, ceiling int, labels binary, distress boolean"
)
_FOUND = (
    "sender string, profile string, recommendation string, messages long, duplicates long, flags_in_window long, "
    "reports_in_window long, unanswered long, copies long, distress long, first string, last string, history string"
)


@dataclass(frozen=True)
class _Senders:
    """What a task needs to know beyond its `Job`."""

    job: Job
    columns: Columns
    row: str
    rules: SenderRules


def senders(
    df: DataFrame,
    *,
    columns: Columns = Columns(),  # noqa: B008 (frozen)
    row: str | None = None,
    rules: SenderRules | None = None,
    release: str | os.PathLike[str] | None = None,
    shared: bool = False,
    policy: Policy | str | os.PathLike[str] | None = None,
) -> DataFrame:
    """Draw up the history of every sender in a data frame of messages; nothing runs before Spark is asked for rows.

    Parameters
    ----------
    df : DataFrame
        One message in each row. Rows whose text is null, not UTF-8 or too long, and rows without sender, are in no
        history.
    columns : Columns
        The names of the columns; those of the envelope are found under their usual names, as in an export.
    row : str, optional
        A column of numbers that says which of two rows comes first, where their times do not; default: their order in
        the data frame.
    rules : SenderRules, optional
        Default: the ``[senders]`` table of the policy.
    release, shared, policy
        As in `classifier.spark.recommend`.

    Returns
    -------
    DataFrame
        A row for each sender: ``sender``, ``profile``, ``recommendation``, the figures of a line of ``senders.jsonl``,
        and in ``history`` that line itself, as JSON.

    Raises
    ------
    MessagesError
        A column is missing, ambiguous or holds no text, or nothing says who sent a message.

    """
    from pyspark.sql import functions as sql
    from pyspark.sql.types import StringType

    found = find_columns(df.columns, columns, _WHERE)
    if found.sender is None:
        raise MessagesError("no column says who sent a message", where=str(_WHERE), todo="name it in columns=")
    if not isinstance(of_text := df.schema[found.text].dataType, StringType):
        what = f"column '{found.text}' holds {of_text.simpleString()}, not text"
        raise MessagesError(what, where=str(_WHERE), todo="name another column in columns=, or cast it to a string")
    job = prepared(release, policy, shared=shared, text=found.text, surface=found.surface)
    if rules is None:
        rules = sender_rules(loaded(job).policy.senders)
    names = dict.fromkeys(name for name in (found.id, found.text, found.surface, *found.envelope) if name is not None)
    place = sql.monotonically_increasing_id() + 1 if row is None else sql.col(row).cast("long")
    number = "row of the export"
    task = _Senders(job, found, number, rules)
    sent = df.select(*names, place.alias(number)).mapInArrow(partial(_sent, task), _SENT)
    # Whether any time can be read decides how windows are drawn, for all senders alike.
    times = df.select(found.time or sql.lit(None).alias("time")).mapInArrow(_readable, "timed boolean")
    timed = times.agg(sql.coalesce(sql.max("timed"), sql.lit(False)).alias("timed"))
    of_senders = sent.where("owner is not null").crossJoin(sql.broadcast(timed)).groupBy("owner")
    # Spark looks for annotations it knows, and warns when it meets others.
    return of_senders.applyInArrow(lambda table: _history(task, table), _FOUND)


# What follows runs on a worker.


def _readable(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Whether any time of a batch can be read."""
    import pyarrow as pa

    for batch in batches:
        times = envelope_columns(Columns(time="time"), [values_of(batch.column(0), None)])["times"]
        yield pa.RecordBatch.from_pydict({"timed": [any(parse_time(time) is not None for time in times)]})


def _sent(task: _Senders, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The messages of a partition, each with its sender as owner, and rows that tell recipients who wrote to them."""
    classifier: Classifier | None = None
    for batch in batches:
        classifier = classifier or loaded(task.job)
        messages = _messages(task, batch)
        if len(messages):
            found = classifier.recommend(messages.texts, messages.surfaces, threads=1)
            sent = sent_columns(messages, found, classifier.policy)
            yield _record(sent, _SENT)
            yield _record(answer_columns(sent), _SENT)


def _messages(task: _Senders, batch: pa.RecordBatch) -> MessageBatch:
    """The rows of a record batch that are messages, as an export gives them."""
    import pyarrow as pa

    names = task.columns
    bad = unreadable_texts(batch.column(names.text))
    batch = batch.take(pa.array([i for i in range(len(batch)) if i not in bad], pa.int64()))
    rows = batch.column(task.row).to_pylist()
    surfaces = [None] * len(batch) if names.surface is None else values_of(batch.column(names.surface), "?")
    return MessageBatch(
        Export(_WHERE, "spark", None, names),
        rows if names.id is None else batch.column(names.id),
        batch.column(names.text),
        surface_names(surfaces)[0],
        rows,
        (),
        0,
        None,
        **envelope_columns(names, [values_of(batch.column(name), None) for name in names.envelope]),
    )


def _record(columns: dict[str, list[Any]], ddl: str) -> pa.RecordBatch:
    """Columns as a record batch of the types that a schema in Spark's words names; null where there is no column."""
    import pyarrow as pa

    types = {"string": pa.string(), "long": pa.int64(), "int": pa.int32(), "binary": pa.binary(), "boolean": pa.bool_()}
    fields = [(name, types[kind]) for name, kind in (field.split() for field in ddl.split(", "))]
    n = len(next(iter(columns.values())))
    arrays = [pa.array(columns.get(name, [None] * n), kind) for name, kind in fields]
    return pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields))


def _history(task: _Senders, table: pa.Table) -> pa.Table:
    """The history of the one sender that owns all rows of a table."""
    import pyarrow as pa

    columns = table.sort_by("row").to_pydict()
    basis = Basis(bool(len(table)) and columns["timed"][0], task.columns.recipient is not None)
    answers: dict[str, float] = {}
    sent, beyond, kept = [], 0, {True: 0, False: 0}
    for i, key in enumerate(columns["key"]):
        if key is None:
            at, other = columns["when" if basis.timed else "row"][i], columns["recipient"][i]
            answers[other] = max(answers.get(other, -math.inf), math.inf if at is None else at)
            continue
        raised = columns["level"][i] > 0
        if len(table) > HELD and kept[raised] >= HELD:  # as on one machine
            beyond += 1
            continue
        kept[raised] += 1
        one = {name: columns[name][i] for name in Sent._fields}
        sent.append(Sent(**one | {"id": json.loads(one["id"])}))
    found: dict[str, list[Any]] = {name: [] for name in (field.split()[0] for field in _FOUND.split(", "))}
    if sent:
        line = as_dict(history(columns["owner"][0], sent, task.rules, basis=basis, answers=answers, beyond=beyond))
        found = {name: [line[name] if name in line else json.dumps(line)] for name in found}
    return pa.Table.from_batches([_record(found, _FOUND)])
