import csv
import json
import subprocess
import sys
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier.batch import ACTION_NAMES, score_export
from classifier.errors import MessagesError
from classifier.guidelines import LABELS
from classifier.messages import Columns
from classifier.results import set_aside_path
from classifier.spreadsheets import inert


@dataclass
class Said:
    confidences: np.ndarray
    actions: np.ndarray
    label_actions: np.ndarray
    known: np.ndarray
    reasons: list[str]


@dataclass
class Fake:
    """Says of each message what its length tells, so that a result can be checked against the message."""

    release_id: str = "fake-1"
    seen: list[tuple[str, str | None]] = field(default_factory=list)
    fail_at: int | None = None

    def recommend(self, texts, surfaces):
        texts = [str(text) for text in texts]
        if self.fail_at is not None and len(self.seen) >= self.fail_at:
            raise KeyboardInterrupt
        self.seen += zip(texts, surfaces, strict=True)
        lengths = np.array([len(text) for text in texts])
        label_actions = np.zeros((len(texts), 6), np.uint8)
        label_actions[:, 2] = lengths % 4
        return Said(
            confidences=np.repeat((lengths % 100 / 100).astype(np.float32)[:, None], 6, axis=1),
            actions=(lengths % 4).astype(np.uint8),
            label_actions=label_actions,
            known=lengths > 0,
            reasons=[json.dumps({"length": int(n)}) for n in lengths],
        )


def write_export(path, rows):
    """Write (id, text) pairs; text None is a row to be set aside."""
    if path.suffix == ".csv":
        with path.open("w", encoding="utf-8", newline="") as file:
            out = csv.writer(file, lineterminator="\r\n")
            out.writerow(("id", "text", "surface"))
            out.writerows((key, text, "post") if text is not None else (key, "a", "b", "c") for key, text in rows)
    elif path.suffix == ".jsonl":
        lines = (json.dumps({"id": key, "text": text, "surface": "post"}) + "\n" for key, text in rows)
        path.write_text("".join(lines), encoding="utf-8")
    else:
        keys, texts = [key for key, _ in rows], [text for _, text in rows]
        table = {
            "id": pa.array(keys, pa.string()),
            "text": pa.array(texts, pa.string()),
            "surface": ["post"] * len(rows),
        }
        pq.write_table(pa.table(table), path)
    return path


def read_result(path):
    if path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pylist()
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


KINDS = [".csv", ".jsonl", ".parquet"]
ROWS = [("007", "hello"), ("2", None), ("2", ""), ("x", "NA"), ("", "two\nlines"), ("9", None), ("10", "end")]


@pytest.mark.parametrize("target", KINDS)
@pytest.mark.parametrize("source", KINDS)
@pytest.mark.parametrize("batch_size", [1, 2, 3, 8192])
def test_one_row_for_each_row_in_order_from_every_format_to_every_format(tmp_path, source, target, batch_size):
    fake, path, result = Fake(), write_export(tmp_path / f"e{source}", ROWS), tmp_path / f"r{target}"
    report = score_export(fake, path, result, batch_size=batch_size)
    rows = read_result(result)
    assert fake.seen == [(text, "post") for _, text in ROWS if text is not None]
    assert [row["id"] for row in rows] == [key for key, _ in ROWS]
    assert [row["recommendation"] for row in rows] == ["flag", "none", "none", "report", "flag", "none", "block"]
    lengths = [json.loads(row["reasons"]).get("length") if row["reasons"] != "[]" else None for row in rows]
    assert lengths == [None if text is None else len(text) for _, text in ROWS]
    assert [bool(row["error"]) for row in rows] == [text is None for _, text in ROWS]
    assert {row["release"] for row in rows} == {"fake-1"}
    assert (report.rows, report.scored, report.set_aside, report.unknown) == (7, 5, 2, 1)
    assert report.recommendations == {"none": 1, "flag": 2, "report": 1, "block": 1}
    assert report.labels["spam"] == {"flag": 2, "report": 1, "block": 1}
    assert all(not any(report.labels[label].values()) for label in LABELS if label != "spam")
    assert [(row.row, row.id) for row in report.bad_rows] == [(2, "2"), (6, "9")]
    with set_aside_path(result).open(newline="") as file:
        assert [row["row"] for row in csv.DictReader(file)] == ["2", "6"]


def test_the_report_says_how_the_export_was_read(tmp_path):
    path = tmp_path / "e.csv"
    path.write_bytes("Body,surface\nça va señor,wall\nolé señora,post\na,b,c\n".encode("cp1252"))
    report = score_export(Fake(), path, tmp_path / "r.csv")
    assert (report.encoding, report.columns, report.unknown_surfaces) == ("cp1252", Columns(None, "Body", "surface"), 1)
    assert report.notes == (
        "no id column: the ids are the row numbers",
        "read as cp1252, not UTF-8",
        "1 rows name a surface nobody knows and count as none",
        f"1 rows were set aside, see {tmp_path / 'r.csv.set-aside.csv'}",
    )
    assert [row["id"] for row in read_result(tmp_path / "r.csv")] == ["1", "2", "3"]
    plain = write_export(tmp_path / "plain.csv", [("1", "a")])
    assert score_export(Fake(), plain, tmp_path / "r.csv").notes == ()


def test_the_report_is_json(tmp_path):
    path = tmp_path / "e.parquet"
    pq.write_table(pa.table({"id": pa.array([b"\x01", b"\x02"]), "text": ["a", None]}), path)
    report = score_export(Fake(), path, tmp_path / "r.csv")
    found = json.loads(json.dumps(report.as_dict()))
    assert found["bad_rows"] == [{"file": str(path), "row": 2, "reason": "the text is null", "id": "02"}]
    assert (found["rows"], found["encoding"], found["source"]) == (2, None, str(path))
    assert found["notes"] == list(report.notes)
    assert found["columns"] == vars(Columns("id", "text", None))


def test_progress_counts_every_row_and_ends_at_one(tmp_path):
    told = []
    for kind in KINDS:
        path = write_export(tmp_path / f"e{kind}", ROWS * 3)
        told.clear()
        score_export(Fake(), path, tmp_path / "r.csv", batch_size=4, progress=lambda *done: told.append(done))
        assert [rows for rows, _ in told] == [4, 8, 12, 16, 20, 21]
        assert told[-1][1] == 1.0
        assert [part for _, part in told] == sorted(part for _, part in told)


def test_only_the_first_ten_rows_set_aside_are_in_the_report(tmp_path):
    path = write_export(tmp_path / "e.jsonl", [(str(i), None) for i in range(25)])
    fake = Fake()
    report = score_export(fake, path, tmp_path / "r.jsonl", batch_size=7)
    assert (report.set_aside, report.scored, len(report.bad_rows)) == (25, 0, 10)
    assert [row.row for row in report.bad_rows] == list(range(1, 11))
    assert fake.seen == []
    assert [row["id"] for row in read_result(tmp_path / "r.jsonl")] == [str(i) for i in range(25)]


@pytest.mark.parametrize("kind", KINDS)
def test_an_interrupted_run_leaves_what_was_there(tmp_path, kind):
    path, result = write_export(tmp_path / "e.jsonl", ROWS), tmp_path / f"r{kind}"
    result.write_bytes(b"an earlier result")
    with pytest.raises(KeyboardInterrupt):
        score_export(Fake(fail_at=2), path, result, batch_size=1)
    assert result.read_bytes() == b"an earlier result"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["e.jsonl", result.name]


def test_an_export_damaged_half_way_leaves_no_result(tmp_path):
    path = tmp_path / "e.parquet"
    pq.write_table(pa.table({"text": [str(i) for i in range(10_000)]}), path, row_group_size=1000)
    content = path.read_bytes()
    middle = len(content) // 2
    path.write_bytes(content[:middle] + b"\xff" * 2000 + content[middle + 2000 :])
    fake = Fake()
    with pytest.raises(MessagesError, match="is damaged after row"):
        score_export(fake, path, tmp_path / "r.csv", batch_size=100)
    assert fake.seen
    assert [file.name for file in tmp_path.iterdir()] == ["e.parquet"]


def test_a_result_never_replaces_its_export(tmp_path):
    path = write_export(tmp_path / "e.csv", ROWS)
    (tmp_path / "link.csv").symlink_to(path)
    aside = write_export(tmp_path / "r.jsonl.set-aside.csv", ROWS)
    for source, target in ((path, path), (path, tmp_path / "link.csv"), (aside, tmp_path / "r.jsonl")):
        before = source.read_bytes()
        with pytest.raises(MessagesError, match="the result would replace the export; name another file with -o"):
            score_export(Fake(), source, target)
        assert source.read_bytes() == before


def test_a_classifier_that_answers_too_little_is_refused(tmp_path):
    class Short(Fake):
        def recommend(self, texts, surfaces):
            return super().recommend(texts[1:], surfaces[1:])

    with pytest.raises(ValueError, match="5 messages, but"):
        score_export(Short(), write_export(tmp_path / "e.csv", ROWS), tmp_path / "r.csv")
    assert not (tmp_path / "r.csv").exists()


def test_formats_columns_and_encoding_are_passed_on(tmp_path):
    path = tmp_path / "export.dump"
    path.write_bytes("k\tm\n7\tпривет\n".encode("koi8-r"))
    fake = Fake()
    columns = Columns("k", "m", None)
    target = tmp_path / "result.dump"
    score_export(fake, path, target, format="tsv", target_format="jsonl", columns=columns, encoding="koi8-r")
    assert fake.seen == [("привет", None)]
    assert json.loads(target.read_text())["id"] == "7"


def test_csv_and_json_lines_need_neither_pandas_nor_pyarrow(tmp_path):
    write_export(tmp_path / "e.csv", ROWS)
    code = """
import sys, types
import numpy as np
import classifier.batch
def recommend(texts, surfaces):
    n = len(texts)
    return types.SimpleNamespace(confidences=np.zeros((n, 6), np.float32), actions=np.zeros(n, np.uint8),
        label_actions=np.zeros((n, 6), np.uint8), known=np.ones(n, bool), reasons=["[]"] * n)
fake = types.SimpleNamespace(release_id="r", recommend=recommend)
report = classifier.batch.score_export(fake, "e.csv", "r.jsonl")
assert report.rows == 7
print(sorted({"pandas", "pyarrow", "sklearn"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_memory_does_not_grow_with_the_export(tmp_path):
    code = """
import resource, sys, types
import numpy as np
import classifier.batch
def recommend(texts, surfaces):
    n = len(texts)
    return types.SimpleNamespace(confidences=np.zeros((n, 6), np.float32), actions=np.zeros(n, np.uint8),
        label_actions=np.zeros((n, 6), np.uint8), known=np.ones(n, bool), reasons=["[]"] * n)
fake = types.SimpleNamespace(release_id="r", recommend=recommend)
def peak(source):
    classifier.batch.score_export(fake, source, "r.csv", batch_size=1024)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
small = peak("small.csv")
print(small, peak("large.csv"))
"""
    write_export(tmp_path / "small.csv", [(str(i), "word " * 40) for i in range(30_000)])
    write_export(tmp_path / "large.csv", [(str(i), "word " * 40) for i in range(300_000)])
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    small, large = map(int, done.stdout.split())
    assert large < small * 1.2  # the large export alone is 60 MB


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(
    rows=st.lists(st.tuples(TEXT, TEXT | st.none()), min_size=1, max_size=25),
    source=st.sampled_from(KINDS),
    target=st.sampled_from(KINDS),
    batch_size=st.integers(1, 9),
)
@settings(max_examples=150, deadline=None)
def test_rows_are_scored_or_set_aside_and_never_lost_or_doubled(tmp_path_factory, rows, source, target, batch_size):
    folder = tmp_path_factory.mktemp("any")
    fake, result = Fake(), folder / f"r{target}"
    path = write_export(folder / f"e{source}", rows)
    report = score_export(fake, path, result, batch_size=batch_size, encoding="utf-8")
    found = read_result(result)
    assert report.rows == len(found) == len(rows) == report.scored + report.set_aside
    ids = [inert(key) if target == ".csv" else key for key, _ in rows]
    assert [row["id"] for row in found] == ids
    assert [bool(row["error"]) for row in found] == [text is None for _, text in rows]
    assert [text for text, _ in fake.seen] == [text for _, text in rows if text is not None]
    assert sum(report.recommendations.values()) == report.scored
    expected = ["none" if text is None else ACTION_NAMES[len(text) % 4] for _, text in rows]
    assert [row["recommendation"] for row in found] == expected
    assert set_aside_path(result).exists() == any(text is None for _, text in rows)


@given(lines=st.lists(st.binary(max_size=12), max_size=30), kind=st.sampled_from([".csv", ".jsonl"]))
@settings(max_examples=150, deadline=None)
def test_counts_agree_whatever_the_rows_are(tmp_path_factory, lines, kind):
    folder = tmp_path_factory.mktemp("broken")
    path, result = folder / f"e{kind}", folder / "r.jsonl"
    first = b"id,text\n" if kind == ".csv" else b'{"id": "first", "text": "a"}\n'
    path.write_bytes(first + b"\n".join(lines) + b"\n")
    report = score_export(Fake(), path, result, batch_size=4)
    found = read_result(result)
    assert report.rows == len(found) == report.scored + report.set_aside
    assert sum(bool(row["error"]) for row in found) == report.set_aside
    if kind == ".jsonl":
        # No random line is a JSON object with a text, so each that is not blank is set aside.
        expected = sum(bool(line.strip(b" \t\r\n")) for line in b"\n".join(lines).split(b"\n"))
        assert (report.scored, report.set_aside) == (1, expected)
