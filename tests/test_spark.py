"""Spark in local mode says what one machine says, to the bit."""

import importlib.util
import json
import os
import runpy
import shutil
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from classifier.batch import score_export
from classifier.errors import MessagesError, PolicyError, ReleaseError
from classifier.guidelines import LABELS, SURFACES
from classifier.policy import ACTIONS
from classifier.scoring import load
from classifier.senders import review_senders
from classifier.spark import ADDED, recommend
from classifier.spark_senders import senders

ROOT = Path(__file__).parents[1]
pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("pyspark") is None, reason="pyspark is not installed"),
    pytest.mark.skipif(
        shutil.which("java") is None and "JAVA_HOME" not in os.environ, reason="Spark needs Java 17 or newer"
    ),
    # Spark's own, on every use of Arrow or pandas, and sockets its gateway leaves to the garbage collector
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture(scope="module")
def spark():
    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = SparkSession.builder.master("local[4]").appName("tests")
    for key, value in {
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.sql.shuffle.partitions": "4",
        "spark.sql.execution.arrow.maxRecordsPerBatch": "100",
        "spark.sql.session.timeZone": "UTC",
    }.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


@pytest.fixture(scope="module")
def messages(examples):
    """A thousand messages with surfaces and columns of other types, every fiftieth a null."""
    texts = examples["text"].tolist()[:1000]
    n = len(texts)
    return pa.table(
        {
            "id": pa.array([f"{i:05d}" for i in range(n)]),
            "text": pa.array([None if i % 50 == 7 else text for i, text in enumerate(texts)]),
            "surface": pa.array([[*SURFACES, None, "Private Message", "nowhere"][i % 7] for i in range(n)]),
            "likes": pa.array(range(n), pa.int64()),
            "tags": pa.array([["a"] * (i % 3) for i in range(n)]),
            "sent_at": pa.array([i * 1_000_000 for i in range(n)], pa.timestamp("us", "UTC")),
        }
    )


@pytest.fixture(scope="module")
def alone(messages, release_folder, tmp_path_factory):
    """The result of one machine, row by row."""
    folder = tmp_path_factory.mktemp("alone")
    pq.write_table(messages, folder / "e.parquet")
    score_export(load(release_folder), folder / "e.parquet", folder / "r.parquet")
    return pq.read_table(folder / "r.parquet")


def same(found, alone):
    """Whether the columns of a result are equal, floats to the bit."""
    for name in ADDED:
        one, other = found[name].combine_chunks(), alone[name].combine_chunks()
        if name in LABELS:
            assert one.type == other.type == pa.float32()
            one, other = (column.fill_null(np.float32(-1)).to_numpy().view(np.int32) for column in (one, other))
            assert (one == other).all()
        else:
            assert one.to_pylist() == other.to_pylist(), name


@pytest.mark.parametrize("partitions", [1, 7])
def test_as_on_one_machine_to_the_bit_whatever_the_partitions(spark, messages, alone, release_folder, partitions):
    df = spark.createDataFrame(messages).repartition(partitions, "id")
    scored = recommend(df, release=release_folder)
    assert scored.columns == [*messages.column_names, *ADDED]
    found = scored.orderBy("id").toArrow()
    same(found, alone)
    assert found["id"].to_pylist() == messages["id"].to_pylist()
    for name in messages.column_names:
        assert found[name].to_pylist() == messages[name].to_pylist()
    assert sum(map(bool, found["error"].to_pylist())) == 20 == found["spam"].null_count
    assert set(found["recommendation"].to_pylist()) == {action.value for action in ACTIONS}


def test_order_within_a_partition_and_empty_partitions(spark, messages, alone, release_folder):
    df = spark.createDataFrame(messages).coalesce(1)
    found = recommend(df, release=release_folder, keep=["id"]).toArrow()
    assert found["id"].to_pylist() == messages["id"].to_pylist()
    few = recommend(df.limit(3).repartition(8), release=release_folder)
    assert few.count() == 3
    none = recommend(df.where("false"), release=release_folder).toArrow()
    assert (len(none), none.column_names) == (0, [*messages.column_names, *ADDED])


def test_text_that_is_not_utf8_is_set_aside_and_surfaces_count(spark, release_folder):
    df = spark.sql("""select * from values (1, cast(x'ff41' as string), 'post'), (2, 'you stupid idiot', 'post'),
        (3, cast(null as string), cast(x'fe' as string)), (4, 'hello', cast(x'fe' as string)) as t(n, body, place)""")
    rows = recommend(df, text="body", surface="place", keep=["n"], release=release_folder).orderBy("n").collect()
    assert [row.error for row in rows] == ["the text is not valid UTF-8", None, "the text is null", None]
    assert [row.spam is None for row in rows] == [True, False, True, False]
    expected = load(release_folder).score("you stupid idiot", surface="post")
    assert rows[1].recommendation == str(expected.recommendation)
    assert {label: rows[1][label] for label in LABELS} == expected.confidences
    assert [row.reasons for row in rows if row.error] == ["[]", "[]"]
    assert [reason["label"] for reason in json.loads(rows[1].reasons)] == [reason.label for reason in expected.reasons]


def test_the_shipped_release_a_shared_path_and_a_policy(spark, messages, release_folder, tmp_path):
    df = spark.createDataFrame(messages.slice(0, 60))
    shipped = load()
    rows = recommend(df).orderBy("id").collect()
    assert {row.release for row in rows} == {shipped.release_id}
    good = [row for row in rows if not row.error]
    there = shipped.confidences([row.text for row in good])
    assert np.array_equal(np.float32([[row[label] for label in LABELS] for row in good]), there)

    (tmp_path / "policy.toml").write_text("[labels.spam]\nflag = 0.0\nreport = 0.0\nblock = 0.0\n")
    rows = recommend(df, release=release_folder, shared=True, policy=tmp_path / "policy.toml").collect()
    blocked = {row.recommendation for row in rows if not row.error and any(c.isalpha() for c in row.text)}
    assert blocked == {"block"}
    assert {row.recommendation for row in rows if row.error} == {"none"}
    with pytest.raises(PolicyError):
        recommend(df, policy=tmp_path / "missing.toml")


def test_a_worker_refuses_another_release_than_the_drivers(spark, messages, tampered):
    df = recommend(spark.createDataFrame(messages.slice(0, 5)), release=tampered, shared=True)
    shutil.rmtree(tampered)
    with pytest.raises(Exception, match="no release here"):
        df.collect()
    with pytest.raises(ReleaseError):
        recommend(spark.createDataFrame(messages.slice(0, 5)), release=tampered)


@pytest.mark.parametrize(
    ("kwargs", "said"),
    [
        ({"text": "body"}, "no column 'body' among id, text, .*; name the right one with text="),
        ({"surface": "place"}, "no column 'place' among"),
        ({"text": "likes"}, "column 'likes' holds bigint, not text"),
        ({"keep": ["nope"]}, "no column 'nope' to keep"),
        ({"keep": ["id", "id"]}, "column 'id' is there twice"),
    ],
)
def test_a_data_frame_that_cannot_be_scored_is_refused_before_anything_runs(spark, messages, kwargs, said):
    with pytest.raises(MessagesError, match=said):
        recommend(spark.createDataFrame(messages.slice(0, 1)), **kwargs)


def test_a_column_of_the_result_is_not_overwritten(spark, messages, release_folder):
    df = spark.createDataFrame(messages.slice(0, 3)).withColumnRenamed("likes", "spam")
    with pytest.raises(MessagesError, match="column 'spam' is one that a result adds"):
        recommend(df, release=release_folder)
    assert recommend(df, release=release_folder, keep=["id"]).columns == ["id", *ADDED]


@pytest.mark.parametrize("timed", ["sent_at", "nothing"])
def test_histories_of_senders_are_those_of_one_machine(spark, messages, release_folder, tmp_path, timed):
    n = len(messages)
    envelope = {
        "sender": [None if i % 40 == 3 else f"s{i % 211}" for i in range(n)],
        "recipient": [f"s{i * 7 % 223}" for i in range(n)],
        timed: [f"2026-10-{1 + i % 28:02d}T08:00:{i % 60:02d}Z" if i % 9 else "?" for i in range(n)],
        "at": range(1, n + 1),
    }
    table = messages.drop(["tags", "sent_at"])
    for name, values in envelope.items():
        table = table.append_column(name, pa.array(values))
    pq.write_table(table, tmp_path / "e.parquet")
    review_senders(load(release_folder), tmp_path / "e.parquet", tmp_path / "out")
    expected = [json.loads(line) for line in (tmp_path / "out" / "senders.jsonl").read_text().splitlines()]
    df = spark.createDataFrame(table).repartition(5)
    rows = senders(df, row="at", release=release_folder).collect()
    assert len({found["recommendation"] for found in expected}) > 1
    assert {row.sender: json.loads(row.history) for row in rows} == {line["sender"]: line for line in expected}
    recommended = {line["sender"]: line["recommendation"] for line in expected}
    assert {row.sender: row.recommendation for row in rows} == recommended
    with pytest.raises(MessagesError, match="no column says who sent a message"):
        senders(df.drop("sender"), release=release_folder)


def test_the_example_job_reads_and_writes_parquet(spark, messages, alone, release_folder, tmp_path, capsys):
    main = runpy.run_path(str(ROOT / "examples" / "spark_job.py"))["main"]
    pq.write_table(messages, tmp_path / "messages.parquet")
    places = [str(tmp_path / "messages.parquet"), str(tmp_path / "out")]
    main(spark, [*places, "--release", str(release_folder), "--partitions", "3"])
    assert "1,000 rows = 980 scored + 20 set aside" in capsys.readouterr().out
    same(pq.read_table(tmp_path / "out").sort_by("id"), alone)
