"""``--pseudonymize``: no id of a person is left in anything that is written, and everybody keeps one pseudonym."""

import csv
import json
import re
import runpy
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from classifier import senders
from classifier.cli import cli
from classifier.masked_exports import mask_export
from classifier.messages import Columns, read_messages
from classifier.pseudonyms import KEY_VARIABLE, pseudonym
from classifier.senders import review_senders

Fake = runpy.run_path(str(Path(__file__).with_name("test_senders.py")))["Fake"]
KEY = bytes(range(32))
BOB, ANA, EVE = "bob.7001", "ana.7002", "7003"
PEOPLE = re.compile(rb"700[123]|bob\.|ana\.|eve\.|example\.org", re.IGNORECASE)


def rows(n=40):
    """Messages by three people, one of them numbered; some raise the sender, some are no text."""
    for i in range(n):
        sender = (BOB, ANA, EVE)[i % 3]
        yield {"id": f"m{i}", "text": None if i == 7 else f"message {i} !{2 if sender == BOB else 0}",
               "sender": sender, "to": ANA if sender == BOB else BOB, "username": f"{sender}.name",
               "profile_url": f"https://example.org/{sender}", "score": i / 2}  # fmt: skip


def write(path):
    """The rows in the format that the name says."""
    found = list(rows())
    if path.suffix == ".parquet":
        table = pa.Table.from_pylist(found)
        at = table.column_names.index("to")
        pq.write_table(table.set_column(at, "to", table.column("to").dictionary_encode()), path)
    elif path.suffix == ".csv":
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, found[0])
            writer.writeheader()
            writer.writerows({**row, "text": row["text"] or ""} for row in found)
            file.write(f"x,{BOB}\n")
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in found))
    return path


def chats(folder):
    """Chats in files that are named after people, by people; one file cannot be read."""
    folder.mkdir()
    lines = "".join(f"12/{day}/23, 21:05 - {BOB}: buy {day} !2\n" for day in range(10, 28))
    (folder / f"WhatsApp Chat with {BOB}.txt").write_text(lines + f"12/28/23, 9:00 - {ANA}: no\n")
    (folder / f"{ANA}.csv").write_text(f"{BOB},{ANA}\n1,2\n")
    users = [{"id": name, "name": name} for name in (BOB, ANA)]
    day = [{"type": "message", "user": BOB, "text": f"hi {i} !2", "ts": f"{i}.5"} for i in range(20)]
    (folder / "slack").mkdir()
    (folder / "slack" / "result.json").write_text(json.dumps({
        "name": BOB, "type": "personal_chat", "id": 7001, "messages": [
            {"id": i, "type": "message", "date_unixtime": str(i), "from": BOB, "from_id": BOB, "text": f"hi {i} !2"}
            for i in range(9)]}))  # fmt: skip
    return users, day


def assert_nobody(folder):
    """No file in a folder names anybody, in its name or within."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    for path in files:
        assert not PEOPLE.search(path.relative_to(folder).as_posix().encode()), path
        data = path.read_bytes()
        if path.suffix == ".parquet":
            data = json.dumps(pq.read_table(path).to_pylist(), default=str).encode()
        found = PEOPLE.search(data)
        assert not found, (path, found)


def table_of(folder):
    with (folder / "senders.csv").open(newline="") as file:
        return [*csv.DictReader(file)]


@pytest.fixture
def watched(monkeypatch):
    """Whether each working file of `review_senders` named anybody before it was removed."""
    seen = []
    leaves = senders.leaves

    def look(partition, held):
        found = [path for path in partition.path.parent.rglob("*") if path.is_file()]
        for path in found:
            data = path.read_bytes()
            if path.suffix == ".arrow":
                with pa.ipc.open_stream(path) as stream:
                    data = str(stream.read_all().drop(["key", "labels"]).to_pylist()).encode()
            seen.append(bool(PEOPLE.search(data)))
        return leaves(partition, held)

    monkeypatch.setattr(senders, "leaves", look)
    return seen


@pytest.mark.parametrize("name", ["e.csv", "e.jsonl", "e.parquet"])
def test_senders_name_nobody_and_count_the_same(tmp_path, name, watched):
    source = write(tmp_path / name)
    plain = review_senders(Fake(), source, tmp_path / "plain")
    assert any(watched)
    watched.clear()
    hidden = review_senders(Fake(), source, tmp_path / "hidden", key=KEY)
    assert watched
    assert not any(watched)
    assert_nobody(tmp_path / "hidden")
    assert hidden.recommendations == plain.recommendations
    assert hidden.dossiers == plain.dossiers > 0
    assert (hidden.rows, hidden.set_aside) == (plain.rows, plain.set_aside)
    table = {row["sender"]: row for row in table_of(tmp_path / "hidden")}
    for row in table_of(tmp_path / "plain"):
        other = table.pop(pseudonym(row["sender"], KEY))
        assert (other["messages"], other["recommendation"]) == (row["messages"], row["recommendation"])
        assert other["profile"] == ""
    assert table == {}
    page = next((tmp_path / "hidden" / "dossiers").glob(f"{pseudonym(BOB, KEY)}*.md")).read_text()
    assert "People have pseudonyms" in page
    assert "as in the export" not in page


def test_chats_named_after_people(tmp_path, watched):
    chats(tmp_path / "in")
    report = review_senders(Fake(), tmp_path / "in", tmp_path / "out", key=KEY)
    assert watched
    assert not any(watched)
    assert report.scored == 28
    assert report.set_aside == 1
    assert_nobody(tmp_path / "out")
    assert pseudonym(BOB, KEY) in {found["sender"] for found in report.severest}
    mask_export(tmp_path / "in", tmp_path / "out" / "masked.csv", key=KEY)
    assert_nobody(tmp_path / "out")


def test_slack_ids_begin_with_the_name_of_a_chat(tmp_path):
    users, day = chats(tmp_path / "in")
    folder = tmp_path / "slack"
    (folder / f"mpdm-{BOB}--{ANA}-1").mkdir(parents=True)
    (folder / "users.json").write_text(json.dumps(users))
    (folder / "channels.json").write_text("[]")
    (folder / f"mpdm-{BOB}--{ANA}-1" / "2024-01-01.json").write_text(json.dumps(day))
    report = review_senders(Fake(), folder, tmp_path / "out", key=KEY)
    assert report.scored == 20
    assert_nobody(tmp_path / "out")


@pytest.mark.parametrize("target", ["out.csv", "out.tsv", "out.jsonl", "out.parquet"])
@pytest.mark.parametrize("name", ["e.csv", "e.jsonl", "e.parquet"])
def test_mask_replaces_the_columns_of_people(tmp_path, name, target):
    source = write(tmp_path / name)
    (tmp_path / "out").mkdir()
    report = mask_export(source, tmp_path / "out" / target, key=KEY)
    assert report.rows == report.written + report.set_aside == 40 + (name == "e.csv")
    assert_nobody(tmp_path / "out")
    [*batches] = read_messages(tmp_path / "out" / target)
    found = [name for batch in batches for name in batch.senders]
    assert {*found} == {pseudonym(name, KEY) for name in (BOB, ANA, EVE)}
    to = [name for batch in batches for name in batch.recipients]
    assert {*to} == {pseudonym(name, KEY) for name in (BOB, ANA)}


def test_a_column_of_numbers_and_one_that_is_the_id(tmp_path):
    pq.write_table(pa.table({"user_id": pa.array([7001, None]), "text": ["a", "b"]}), tmp_path / "e.parquet")
    mask_export(tmp_path / "e.parquet", tmp_path / "o.parquet", key=KEY)
    assert pq.read_table(tmp_path / "o.parquet").column("user_id").to_pylist() == [pseudonym("7001", KEY), None]
    [batch] = read_messages(tmp_path / "e.parquet", columns=Columns(id="user_id"), key=KEY)
    assert batch.ids == batch.senders == [pseudonym("7001", KEY), None]


def test_the_commands(tmp_path, monkeypatch):
    source, run = write(tmp_path / "e.csv"), CliRunner().invoke
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    keyfile, out = tmp_path / "key", tmp_path / "out.jsonl"
    done = run(cli, ["mask", str(source), "-o", str(out), "--pseudonymize", str(keyfile), "--new-key"])
    assert done.exit_code == 0, done.output
    first = out.read_bytes()
    monkeypatch.setenv(KEY_VARIABLE, keyfile.read_text())
    done = run(cli, ["mask", str(source), "-o", str(out), "--pseudonymize"])
    assert done.exit_code == 0, done.output
    assert out.read_bytes() == first
    assert not PEOPLE.search(first)
    assert run(cli, ["mask", str(source), "-o", str(out), "--new-key"]).exit_code == 2
    again = ["mask", str(source), "-o", str(out), "--pseudonymize", str(keyfile), "--new-key"]
    assert "is there already" in str(run(cli, again).exception)
    missing = ["senders", str(source), "-o", str(tmp_path / "s"), "--pseudonymize", str(tmp_path / "no")]
    assert "make one with --new-key" in str(run(cli, missing).exception)
