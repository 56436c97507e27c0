"""Folders and pipes end to end: what counts as input, what ids are, what is noted, and results as they come."""

import io
import json
import runpy
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from classifier.batch import score_export
from classifier.checkpoints import content_digest, identity
from classifier.errors import MessagesError
from classifier.masked_exports import mask_export
from classifier.messages import read_messages
from classifier.run_report import RunReport
from classifier.senders import review_senders
from classifier.streaming import score_stream

scorer = runpy.run_path(str(Path(__file__).with_name("killable_run.py")))["scorer"]
Fake = runpy.run_path(str(Path(__file__).with_name("test_senders.py")))["Fake"]


@pytest.fixture
def folder(tmp_path):
    """Two parts of an export and a photo."""
    found = tmp_path / "in"
    found.mkdir()
    for part in range(2):
        (found / f"part-{part}.csv").write_text(f"id,text,sender\n{part}a,hi,bob\n{part}b,yo,ana\n{part}c,x,y,z\n")
    (found / "photo.jpg").write_bytes(b"\xff\xd8")
    return found


def ids(path):
    found = []
    for batch in read_messages(path):
        found += batch.ids if isinstance(batch.ids, list) else batch.ids.to_pylist()
    return found


def test_notes_of_the_reader_are_in_the_report_and_survive(folder, tmp_path):
    note = "1 files without the ending of an export were passed over"
    report = score_export(scorer(), folder, tmp_path / "r.csv")
    assert note in report.notes
    stored = json.loads((tmp_path / "r.csv.report.json").read_text())
    assert stored["export_notes"] == [note]
    assert note in stored["notes"]
    assert RunReport.from_dict(stored).notes == report.notes
    assert note in review_senders(Fake(), folder, tmp_path / "s").notes


def test_notes_survive_a_run_that_is_gone_on_with(folder, tmp_path):
    def stop(rows, share):
        if rows > 3:
            raise KeyboardInterrupt

    options = {"batch_size": 1, "checkpoint_rows": 2}
    with pytest.raises(KeyboardInterrupt):
        score_export(scorer(), folder, tmp_path / "r.csv", progress=stop, **options)
    report = score_export(scorer(), folder, tmp_path / "r.csv", **options)
    assert report.resumed == 1
    assert "1 files without the ending of an export were passed over" in report.notes


@pytest.mark.parametrize("pattern", ["", "*.*"])
def test_results_in_the_folder_of_the_export_are_no_input(folder, pattern):
    source = str(folder / pattern) if pattern else folder
    if pattern:
        (folder / "photo.jpg").unlink()
    before, digest = identity(Path(source)), content_digest(Path(source))
    assert len(before) == 2
    first = score_export(scorer(), source, folder / "r.csv", checkpoint_rows=1, batch_size=1)
    assert (first.rows, first.digest) == (6, digest)
    assert (identity(Path(source)), content_digest(Path(source))) == (before, digest)
    content = (folder / "r.csv").read_bytes()
    assert score_export(scorer(), source, folder / "r.csv").rows == 6
    assert score_export(scorer(), source, folder / "other.jsonl").rows == 6
    assert (folder / "r.csv").read_bytes() == content
    for target in (folder / "out", folder):
        for _ in range(2):
            assert review_senders(Fake(), source, target).rows == 6
    with pytest.raises(MessagesError, match="would replace the export"):
        score_export(scorer(), source, folder / "part-1.csv")
    with pytest.raises(MessagesError, match="one of the exports that the next run reads"):
        mask_export(source, folder / "masked.csv")
    (folder / "part-2.csv").write_text("id,text,sender\n1,hi,bob\n")
    assert identity(Path(source)) != before
    assert content_digest(Path(source)) != digest


def test_parts_of_one_table_keep_their_ids(folder, tmp_path):
    assert ids(folder) == ["0a", "0b", "1a", "1b"]
    (folder / "part-9.csv").write_text("")  # one that cannot be read changes no id
    assert ids(folder) == ["0a", "0b", "1a", "1b"]
    (folder / "extra.csv").write_text("id,text\n1,hi\n")
    assert ids(folder)[:2] == ["extra.csv#1", "part-0.csv#0a"]
    parts = tmp_path / "parts"
    parts.mkdir()
    for part in range(2):
        table = pa.table({"id": pa.array([part * 2, part * 2 + 1], pa.int16()), "text": ["hi", None]})
        pq.write_table(table, parts / f"part-{part:04}.parquet")
    (parts / "part-0000.a.parquet").write_bytes(b"PAR1 and nothing more")
    assert ids(parts) == [0, 2]
    score_export(scorer(), parts, tmp_path / "r.parquet")
    found = pq.read_table(tmp_path / "r.parquet").column("id")
    assert (found.type, found.to_pylist()) == (pa.int16(), [None, 0, 1, 2, 3])
    pq.write_table(pa.table({"id": ["7"], "text": ["hi"]}), parts / "part-0002.parquet")
    assert ids(parts) == ["part-0000.parquet#0", "part-0001.parquet#2", "part-0002.parquet#7"]


def test_rows_of_several_files_are_told_apart_in_dossiers(tmp_path):
    (tmp_path / "in").mkdir()
    for name in "ab":
        (tmp_path / "in" / f"{name}.csv").write_text(
            f"id,text,sender\n{name}1,{name} !2,bob\n{name}2,{name}{name} !2,bob\n"
        )
    review_senders(Fake(), tmp_path / "in", tmp_path / "out")
    [page] = (tmp_path / "out" / "dossiers").glob("*.json")
    messages = json.loads(page.read_text())["messages"]
    assert [(m["id"], m["row"], m["text"]) for m in messages] == [
        ("a1", 1, "a !2"), ("a2", 2, "aa !2"), ("b1", 3, "b !2"), ("b2", 4, "bb !2"),
    ]  # fmt: skip


@pytest.mark.parametrize("kind", ["jsonl", "csv", "tsv"])
def test_a_stream_is_what_a_file_would_be(folder, tmp_path, kind):
    out = io.BytesIO()
    report = score_stream(scorer(), folder, out, target_format=kind, batch_size=1)
    whole = score_export(scorer(), folder, tmp_path / f"r.{kind}")
    assert out.getvalue() == (tmp_path / f"r.{kind}").read_bytes()
    assert (report.rows, report.labels, report.set_aside) == (whole.rows, whole.labels, whole.set_aside)
    assert any("their rows of the result say why" in note for note in report.notes)


def command(folder, *more, **options):
    return subprocess.Popen([sys.executable, "-m", "classifier.cli", "score", *more, "-o", "-"], cwd=folder, **options)


def test_the_command_in_a_pipe(folder, release_folder):
    data = b"id,text\n" + b"".join(b"%d,hello %d\n" % (i, i) for i in range(30_000))
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with command(folder, "-", "--release", release_folder, **pipes) as process:
        out, err = process.communicate(data)
    assert process.returncode == 0, err
    assert [json.loads(line)["id"] for line in out.splitlines()] == [str(i) for i in range(30_000)]
    assert b"30,000 scored" in err
    assert sorted(path.name for path in folder.iterdir()) == ["part-0.csv", "part-1.csv", "photo.jpg"]
    (folder / "long.csv").write_bytes(data)
    with command(folder, "long.csv", "--release", release_folder, **pipes) as process:
        process.stdout.readline()
        process.stdout.close()  # as head does
        assert process.stderr.read().strip() == b""  # but for the blank line of the progress bar
        assert process.wait() in (0, -signal.SIGPIPE)
    with command(folder, "long.csv", "--release", release_folder, "--out-format", "parquet", **pipes) as process:
        _, err = process.communicate()
    assert process.returncode == 2
    assert b"cannot be written as it comes" in err
    if Path("/dev/full").exists():
        with (
            Path("/dev/full").open("wb") as full,
            command(folder, "long.csv", "--release", release_folder, stdout=full, stderr=subprocess.PIPE) as process,
        ):
            err = process.stderr.read()
        assert b"standard output: cannot be written" in err
        assert b"Traceback" not in err
