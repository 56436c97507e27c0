"""A run that is killed, interrupted or out of disk goes on to the very result an undisturbed run writes."""

import json
import os
import random
import runpy
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from classifier.batch import score_export
from classifier.checkpoints import discard, partial_path
from classifier.errors import MessagesError

KINDS = ["csv", "jsonl", "parquet"]
SCRIPT = Path(__file__).with_name("killable_run.py")
scorer = runpy.run_path(str(SCRIPT))["scorer"]


def write_export(path, rows, seed=1):
    """Rows of words, some of them with quotes and line breaks, every hundredth to be set aside."""
    draw = random.Random(seed)
    words = ["hola", "money", "你好", 'say "hi"', "two\nlines", "ça va", "👍🏽", "=1+1", "buy, now"]
    found = [
        (str(i), None if i % 100 == 9 else " ".join(draw.choices(words, k=draw.randint(1, 12)))) for i in range(rows)
    ]
    if path.suffix == ".parquet":
        pq.write_table(pa.table({"id": [key for key, _ in found], "text": [text for _, text in found]}), path)
    else:
        path.write_text("".join(json.dumps({"id": key, "text": text}) + "\n" for key, text in found))
    return path


def contents(folder):
    """The files of a folder; of a report what does not tell the time, or how often a run was interrupted."""
    found = {}
    for path in sorted(folder.iterdir()):
        if path.name.endswith(".report.json"):
            report = json.loads(path.read_text())
            for name in ("seconds", "started", "finished", "resumed", "target", "notes"):
                del report[name]
            found[path.name] = report
        else:
            found[path.name] = path.read_bytes() if path.is_file() else "folder"
    return found


@contextmanager
def started(source, target, pause=0.0, rows=2048, env=None):
    """A run in a process of its own, which has loaded what it needs and is about to begin."""
    command = [sys.executable, SCRIPT, "run", str(pause), str(rows), source, target]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes, env=os.environ | (env or {})) as process:
        assert process.stdout.readline() == "ready\n", process.stderr.read()
        try:
            yield process
        finally:
            process.kill()


def finish(source, target):
    """Run to the end; returns how often the run was resumed."""
    with started(source, target) as process:
        out, said = process.communicate()
        assert process.returncode == 0, said
    return int(out)


def wait_for_checkpoint(process, target):
    """Wait until a run has finished something more than it found."""
    journal = partial_path(target) / "journal.json"

    def changed():
        with suppress(FileNotFoundError):
            return journal.stat().st_mtime_ns

    before = changed()
    while changed() == before:
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.002)


@pytest.fixture(scope="module", params=KINDS)
def undisturbed(request, tmp_path_factory):
    """An export of 60,000 rows, and the files of its result when nothing happens."""
    folder = tmp_path_factory.mktemp("undisturbed")
    source = write_export(folder / f"e.{'parquet' if request.param == 'parquet' else 'jsonl'}", 60_000)
    (folder / "out").mkdir()
    assert finish(source, folder / "out" / f"r.{request.param}") == 0
    return source, request.param, contents(folder / "out")


def test_killed_at_random_moments_the_result_is_the_same_byte_for_byte(undisturbed, tmp_path):
    source, kind, expected = undisturbed
    target, draw = tmp_path / f"r.{kind}", random.Random(kind)
    for number in range(10):
        with started(source, target, pause=0.02) as process:
            if number % 2:  # otherwise a busy machine would never get far enough to have something to go on with
                wait_for_checkpoint(process, target)
            time.sleep(draw.uniform(0.0, 0.1))
            assert process.poll() is None, process.stderr.read()
            process.kill()
        assert not target.exists()
    resumed = finish(source, target)
    assert contents(tmp_path) == expected
    report = json.loads((tmp_path / f"r.{kind}.report.json").read_text())
    assert resumed == report["resumed"] > 0
    assert report["rows"] == report["scored"] + report["set_aside"] == 60_000


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize(("kind", "rows"), [("csv", 200), ("jsonl", 600), ("parquet", 600)])
def test_killed_before_every_single_step_on_the_disk(tmp_path, kind, rows):
    source = write_export(tmp_path / "e.jsonl", rows)
    (tmp_path / "out").mkdir()
    command = [sys.executable, SCRIPT, "everywhere", source, tmp_path / "out", kind]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    steps = int(done.stdout)
    assert steps > (20 if rows == 600 else 10)
    expected = contents(tmp_path / "out" / str(steps + 1))  # the one nobody killed
    assert [*expected] == [f"r.{kind}", f"r.{kind}.report.json", f"r.{kind}.set-aside.csv"]
    for at in range(1, steps + 1):
        assert contents(tmp_path / "out" / str(at)) == expected, at


def killed(source, target, rows=2048):
    """Kill a run after its first checkpoint."""
    with started(source, target, pause=0.01, rows=rows) as process:
        wait_for_checkpoint(process, target)
        process.kill()


def test_another_command_is_refused_until_told_to_begin_again(tmp_path):
    source, target = write_export(tmp_path / "e.jsonl", 20_000), tmp_path / "r.csv"
    killed(source, target)
    same = {"batch_size": 512, "checkpoint_rows": 2048, "severest": 5}
    for release, options, what in (
        ("r2", same, "release"),
        ("r1", same | {"shadow": True}, "options"),
        ("r1", same | {"checkpoint_rows": 4096}, "options"),
    ):
        with pytest.raises(MessagesError, match=f"an unfinished run of this result had another {what}; .*--restart"):
            score_export(scorer(release_id=release), source, target, **options)
    with source.open("a") as file:
        file.write('{"id": "more", "text": "more"}\n')
    with pytest.raises(MessagesError, match="had another export"):
        score_export(scorer(), source, target, **same)
    report = score_export(scorer(), source, target, **same, restart=True)
    assert (report.rows, report.resumed) == (20_001, 0)
    assert not partial_path(target).exists()


def test_what_is_left_of_a_killed_run_can_be_discarded(tmp_path):
    source, target = write_export(tmp_path / "e.jsonl", 20_000), tmp_path / "r.csv"
    killed(source, target)
    assert discard(target)
    assert not discard(target)
    assert [path.name for path in tmp_path.iterdir()] == ["e.jsonl"]


def test_two_runs_on_one_result(tmp_path):
    source, target = write_export(tmp_path / "e.jsonl", 20_000), tmp_path / "r.csv"
    with started(source, target, pause=0.05) as process:
        while not (partial_path(target) / "lock").exists():
            time.sleep(0.005)
        time.sleep(0.1)
        with pytest.raises(MessagesError, match="another run is writing this result; wait for it to end"):
            score_export(scorer(), source, target)
        with pytest.raises(MessagesError, match="another run is writing this result"):
            discard(target)
        process.kill()
    assert score_export(scorer(), source, target).rows == 20_000  # the lock of a killed run holds nobody up


def test_interrupted_at_the_keyboard(tmp_path):
    source, target = write_export(tmp_path / "e.jsonl", 30_000), tmp_path / "r.parquet"
    with started(source, target, pause=0.02) as process:
        wait_for_checkpoint(process, target)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate()
    assert "KeyboardInterrupt" in said
    assert f"what was finished is kept in {partial_path(target)}: the same command goes on with it" in said
    assert not target.exists()
    assert finish(source, target) == 1
    assert pq.read_metadata(target).num_rows == 30_000


def test_a_disk_that_fills_up(undisturbed, tmp_path):
    source, kind, expected = undisturbed
    target = tmp_path / f"r.{kind}"
    with started(source, target, env={"LARGEST_FILE": "1000000"}) as process:
        _, said = process.communicate()
    assert f"{target}: cannot be written (File too large); free space and give the command again" in said
    assert [path.name for path in tmp_path.iterdir()] == [f"r.{kind}.partial"]
    assert finish(source, target) == 1
    assert contents(tmp_path) == expected


def test_a_folder_that_takes_no_file(tmp_path, monkeypatch):
    source = write_export(tmp_path / "e.jsonl", 10)

    def refuse(*args, **kwargs):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("os.mkdir", refuse)
    with pytest.raises(MessagesError, match=r"r.csv: cannot be written \(Read-only file system\)"):
        score_export(scorer(), source, tmp_path / "r.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["e.jsonl"]


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
@pytest.mark.parametrize("change", ["grows", "shrinks"])
def test_an_export_that_changes_while_it_is_read(tmp_path, kind, change):
    source, target = write_export(tmp_path / f"e.{kind}", 8_000), tmp_path / "r.csv"
    whole = source.read_bytes()

    def progress(rows, _):
        if rows == 4096:
            os.truncate(source, len(whole) // 2) if change == "shrinks" else source.write_bytes(whole + whole)

    with pytest.raises(MessagesError, match="the export changed while it was read; wait until it is whole"):
        score_export(scorer(), source, target, batch_size=512, checkpoint_rows=1024, progress=progress)
    assert not target.exists()
    with pytest.raises(MessagesError, match="had another export"):
        score_export(scorer(), source, target, batch_size=512, checkpoint_rows=1024)
    source.write_bytes(whole)
    assert score_export(scorer(), source, target, restart=True).rows == 8_000


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_read_again_and_must_say_the_same(tmp_path):
    rows = write_export(tmp_path / "e.jsonl", 6_000).read_bytes()
    pipe, target = tmp_path / "pipe.jsonl", tmp_path / "r.csv"
    os.mkfifo(pipe)

    def run(content, stop=None):
        def progress(rows, _):
            if rows == stop:
                time.sleep(0.2)  # what was finished is on the disk by now
                raise KeyboardInterrupt

        def feed():
            with suppress(BrokenPipeError):
                pipe.write_bytes(content)

        feeder = threading.Thread(target=feed)
        feeder.start()
        try:
            return score_export(scorer(), pipe, target, batch_size=512, checkpoint_rows=1024, progress=progress)
        finally:
            feeder.join()

    with pytest.raises(KeyboardInterrupt):
        run(rows, stop=3072)
    with pytest.raises(MessagesError, match="this is not what the unfinished run read"):
        run(rows.replace(b"hola", b"HOLA"))
    with pytest.raises(MessagesError, match="this is not what the unfinished run read"):
        run(rows[:1000].rpartition(b"\n")[0])
    report = run(rows)
    assert (report.rows, report.resumed, report.digest) == (6_000, 1, None)
    again = tmp_path / "again.csv"
    score_export(scorer(), tmp_path / "e.jsonl", again, batch_size=512, checkpoint_rows=1024)
    assert target.read_bytes() == again.read_bytes()


def test_the_report_holds_figures_and_no_text(tmp_path):
    source, target = write_export(tmp_path / "e.jsonl", 500), tmp_path / "r.csv"
    score_export(scorer(), source, target, severest=3)
    text = (tmp_path / "r.csv.report.json").read_text()
    report = json.loads(text)
    assert report["rows"] == 500 == report["scored"] + report["set_aside"]
    assert report["set_aside"] == 5 == len(report["bad_rows"])
    assert report["release"] == "r1"
    assert set(report["versions"]) == {"guideline-classifier", "numba", "numpy"}
    sha256 = subprocess.run(["sha256sum", source], capture_output=True, text=True, check=True).stdout.split()[0]
    assert report["digest"] == sha256
    assert report["started"] <= report["finished"]
    assert "hola" not in text
    assert "severest" not in report


def test_a_row_of_fifty_megabytes_is_set_aside(tmp_path):
    huge = "word " * 10_000_000
    pq.write_table(pa.table({"text": ["hi", huge, "bye"]}), tmp_path / "e.parquet")
    (tmp_path / "e.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in ("hi", huge, "bye")))
    (tmp_path / "e.csv").write_text(f'text\nhi\n"{huge}"\nbye\n')
    for source in ("e.parquet", "e.jsonl", "e.csv"):
        report = score_export(scorer(), tmp_path / source, tmp_path / "r.csv")
        assert (report.rows, report.scored, report.set_aside) == (3, 2, 1)
        assert "longer than 16,777,216 characters" in report.bad_rows[0].reason
