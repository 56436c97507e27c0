"""Input that somebody made to do harm: nothing crashes, hangs, runs, escapes or fills the disk (see SECURITY.md)."""

import csv
import gzip
import io
import json
import os
import random
import shutil
import struct
import subprocess
import sys
import time
import zipfile
from contextlib import suppress
from types import SimpleNamespace

import numpy as np
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from classifier import archives, compressed
from classifier.changes import Change, Changes
from classifier.errors import ClassifierError, MessagesError, PolicyError, ReleaseError
from classifier.export_detection import detect_format
from classifier.masked_exports import mask_export
from classifier.messages import read_messages
from classifier.policy_file import read_policy
from classifier.release import FORMAT, load_release
from classifier.results import ResultWriter, set_aside_path
from classifier.senders import review_senders
from classifier.spreadsheets import inert
from classifier.text import clean

FEW = settings(max_examples=120, deadline=5000, suppress_health_check=[HealthCheck.function_scoped_fixture])
SECRET = "zebra crossing at nine"
FORMATS = ["csv", "tsv", "jsonl", "json", "parquet", "whatsapp", "telegram", "discord", "slack", "zip"]
SEEDS = [
    b'id,text,surface\n007,"Hi,\nAna",comment\n008,x,y,z\n',
    b'{"id": 1, "text": "hi"}\n{"id": 2, "text": null}\n',
    b'{"v": [1], "messages": [{"id": 1.5, "text": "hi \\ud800"}, {"text": 5}, {oops}, "s"]}',
    "12/31/23, 9:05\u202fPM - Ana: hi\nall\n".encode(),
    "\ufeff[31.12.23, 21:05:12] \u200eBo: \u200eimage omitted\r\n".encode("utf-16"),
    b'{"name": "A", "type": "personal_chat", "id": 1, "messages": [{"id": 2, "type": "message", "text": ["a", {}]}]}',
    b'{"guild": {}, "channel": {"type": []}, "messages": [{"id": "3", "type": {}, "content": "hi", "author": []}]}',
    b'AuthorID,Author,Date,Content,Attachments,Reactions\n"1","a","2024","hi","",""\n',
    gzip.compress(b"id,text\n1,hi\n"),
    zstandard.compress(b"id,text\n1,hi\n"),
    b"PAR1" + bytes(40) + b"PAR1",
]


def zipped(files):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


SEEDS += [
    zipped({"users.json": "[]", "channels.json": "[]", "a/2024-01-01.json": '[{"ts": [], "text": "hi", "user": {}}]'}),
    zipped({"a.csv": "text\nhi\n", "b.json": "[[", "c.zip": zipped({"d.csv": "text\nhi\n"})}),
]


@st.composite
def mutated(draw):
    """One of the seeds with some of its bytes changed, cut, doubled or swapped for those of another."""
    data = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, len(data)))
        data[at : at + draw(st.integers(0, 5))] = draw(st.binary(max_size=6) | st.sampled_from(SEEDS))
    return bytes(data)


def write(path, content):
    path.write_bytes(content)
    return path


def read(path, **options):
    """All rows, each given out or set aside, and once."""
    texts, bad, rows = [], [], 0
    for batch in read_messages(path, **options):
        places = sorted([*batch.rows, *(row.row for row in batch.bad)])
        assert len(batch.texts) == len(batch.rows) == len({*places}) - len(batch.bad)
        rows += len(places)
        texts += map(str, batch.texts)
        bad += batch.bad
    assert rows == len(texts) + len(bad)
    return texts, bad


# ---- no crash on any bytes ----


@FEW
@given(data=mutated() | st.binary(max_size=300), form=st.sampled_from([None, None, None, *FORMATS]))
def test_readers_answer_any_bytes_with_rows_or_a_sentence(tmp_path, data, form):
    try:
        read(write(tmp_path / "export", data), format=form, batch_size=3)
    except MessagesError as error:
        assert error.what  # noqa: PT017


@FEW
@given(data=mutated() | st.binary(max_size=300))
def test_detection_answers_any_bytes(tmp_path, data):
    with suppress(MessagesError):
        assert detect_format(data, tmp_path / "export")


@FEW
@given(
    st.text(alphabet=st.characters(), max_size=300)
    | st.binary(max_size=300).map(lambda b: b.decode("utf-16", "surrogatepass") if not len(b) % 2 else "")
)
def test_cleaning_takes_any_text(text):
    assert isinstance(clean(text), str)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
KEYS = [
    *("id", "type", "text", "content", "author", "name", "from", "from_id", "date", "timestamp", "user", "ts"),
    *("subtype", "messages", "chats", "list", "channel", "guild"),
]


@FEW
@given(
    st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=4),
    st.lists(st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=5) | VALUES, max_size=4),
    st.sampled_from(["json", "jsonl", "telegram", "discord", "slack"]),
)
def test_json_of_any_shape(tmp_path, top, messages, form):
    if form == "slack":
        files = {"users.json": json.dumps(messages), "channels.json": "[]", "dms.json": json.dumps(messages)}
        path = write(tmp_path / "e.zip", zipped(files | {"a/2024-01-01.json": json.dumps(messages)}))
    else:
        path = write(tmp_path / "e.json", json.dumps(top | {"messages": messages}).encode())
    try:
        texts, bad = read(path, format=form)
    except MessagesError:
        return
    if form != "jsonl":
        assert len(texts) + len(bad) == len(messages)


TOML_PARTS = [
    *("[labels.spam]", "[surfaces.comment.spam]", "[senders]", "[[labels]]", "flag", "base_rate", "at_most", "="),
    *(
        "0.5",
        "nan",
        "inf",
        "-1",
        "1e999",
        '"x"',
        "true",
        "[",
        "{",
        '"maximum recall @ precision >= 0.5"',
        "\n",
        "\n",
        "\0",
    ),
]
TOML = st.text(max_size=200) | st.lists(st.sampled_from(TOML_PARTS), max_size=20).map(" ".join)


@FEW
@given(TOML | st.binary(max_size=100))
def test_policies_are_read_or_refused(tmp_path, content):
    path = write(
        tmp_path / "policy.toml", content if isinstance(content, bytes) else content.encode("utf-8", "replace")
    )
    try:
        read_policy(path)
    except PolicyError as error:
        assert str(path) in str(error)  # noqa: PT017


# ---- no hang: time is linear in the size ----

BOMBS = {
    "deep arrays": (b'[{"text": ' + b"[" * 10**6, "json"),
    "deep objects": (b'[{"text": ' + b'{"a":' * 10**5 + b"1" + b"}" * 10**5 + b'}, {"text": "hi"}]', "json"),
    "a deep line": (b"[" * 10**6 + b'\n{"text": "hi"}\n', "jsonl"),
    "a huge integer": (b'[{"id": ' + b"9" * 10**6 + b', "text": "a"}, {"text": "hi"}]', "json"),
    "a huge exponent": (b'[{"id": 1e' + b"9" * 10**5 + b', "text": "hi"}]', "json"),
    "open strings": (b'["' + b'\\"' * 10**6, "json"),
    "many bad elements": (b"[" + b"{bad}," * 30_000 + b'{"text": "hi"}]', "json"),
    "a huge element": (b'[{"text": "' + b"a" * (2**24 + 9) + b'"}, {"text": "hi"}]', "json"),
    "nothing but commas": (b"," * 10**6, "csv"),
    "nothing but quotes": (b"text\n" + b'"' * 10**6, "csv"),
    "nothing but line ends": (b"text\n" + b"\r\n" * 10**6, "csv"),
    "nothing but NUL": (b"text\n" + bytes(10**6), "csv"),
    "half dates": (b"31.12.23, 21:05 - A: hi\n" + b"31.12.23, 21:05 \n" * 50_000, "whatsapp"),
    "a long date": (b"31.12.23, 21:05 - A: hi\n" + b"1" * 10**6 + b"\n" + b"1. " * 10**6, "whatsapp"),
    "one endless message": (b"31.12.23, 21:05 - A: hi\n" + b"a\n" * 10**6, "whatsapp"),
    "markup": (b'[{"ts": "1", "text": "' + b"<" * 500_000 + b"<a|" * 100_000 + b'"}]', "slack"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_time_is_linear(tmp_path, name):
    content, form = BOMBS[name]
    if form == "slack":
        content = zipped({"users.json": "[]", "dms.json": "[]", "a/2024-01-01.json": content})
    path = write(tmp_path / "export", content)
    began = time.process_time()
    try:
        texts, _ = read(path, format=form)
    except MessagesError:
        texts = []
    assert time.process_time() - began < 8
    if b'"hi"}' in content[-20:]:
        assert "hi" in texts


def test_cleaning_takes_linear_time():
    for text in ("a" * 10**6, "\u0301" * 10**6, "\u202e" * 10**6, "@." * 500_000, "ﷺ" * 200_000, "a\u200b" * 500_000):
        began = time.process_time()
        clean(text)
        assert time.process_time() - began < 8


def test_a_message_of_50_megabytes_is_set_aside_and_the_next_is_read(tmp_path):
    long = b"a" * 50_000_000
    for content, form in (
        (b"id,text\n1," + long + b"\n2,hi\n", "csv"),
        (b'{"id": 1, "text": "' + long + b'"}\n{"id": 2, "text": "hi"}\n', "jsonl"),
        (b'[{"id": 1, "text": "' + long + b'"}, {"id": 2, "text": "hi"}]', "json"),
        (b"31.12.23, 21:05 - A: " + long + b"\n31.12.23, 21:06 - B: hi\n", "whatsapp"),
    ):
        texts, bad = read(write(tmp_path / "export", content), format=form)
        assert texts == ["hi"]
        assert [row.row for row in bad] == [1]
        assert "longer than" in bad[0].reason


# ---- archives and compression ----


@pytest.mark.parametrize(
    "name", ["../../evil.csv", "/etc/evil.csv", "C:\\evil.csv", "a/../../evil.csv", "..\\evil.csv"]
)
def test_names_that_lead_out_of_an_archive_are_not_opened(tmp_path, name):
    (tmp_path / "in").mkdir()
    path = write(tmp_path / "in" / "e.zip", zipped({name: "text\nevil\n", "a.csv": "text\nhi\n"}))
    before = sorted(tmp_path.rglob("*"))
    batches = list(read_messages(path))
    assert [str(text) for batch in batches for text in batch.texts] == ["hi"]
    assert "1 files in e.zip lead out of it" in batches[-1].export.notes[0]
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", ["", "."])
def test_names_of_nothing_in_an_archive_are_not_opened(tmp_path, name):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        entry = zipfile.ZipInfo("x")
        entry.filename = name
        archive.writestr(entry, "text\nevil\n")
        archive.writestr("a.csv", "text\nhi\n")
    packed.seek(0)
    members, refused = archives.zip_members(packed, tmp_path / "e.zip")
    assert ([*members], refused) == (["a.csv"], [name])
    texts, _ = read(write(tmp_path / "e.zip", packed.getvalue()))
    assert texts == ["hi"]


def test_links_and_archives_in_archives_are_not_followed(tmp_path):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        link = zipfile.ZipInfo("link.csv")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("b.zip", zipped({"c.csv": "text\nno\n"}))
        archive.writestr("a.csv", "text\nhi\n")
    texts, bad = read(write(tmp_path / "e.zip", packed.getvalue()))
    assert texts == ["hi"]
    assert [row.reason for row in bad] == [
        "the file is set aside from here: this is an archive within an archive, which is not opened"
    ]


def test_bombs_are_refused(tmp_path):
    zeros = b"text\n" + bytes(100 * 2**20)
    for pack in (gzip.compress, zstandard.compress, lambda data: zipped({"a.csv": data})):
        with pytest.raises(MessagesError, match="unpacks to"):
            read(write(tmp_path / "bomb", pack(zeros)), format=None if pack(b"")[:2] == b"PK" else "csv")


def test_an_archive_that_lies_about_its_size_is_cut_at_what_it_says(tmp_path):
    honest = bytearray(zipped({"a.csv": b"text\n" + b"hi\n" * 1000}))
    real = struct.pack("<I", 3005)
    lying = bytes(honest.replace(real, struct.pack("<I", 8)))
    texts, bad = read(write(tmp_path / "e.zip", lying))
    assert len(texts) <= 1
    assert bad


def test_too_many_files(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_FILES", 3)
    with pytest.raises(MessagesError, match="too much for its size"):
        read(write(tmp_path / "e.zip", zipped({f"{i}.csv": "text\nhi\n" for i in range(4)})))


def test_a_window_that_asks_for_gigabytes_is_refused(tmp_path):
    parameters = zstandard.ZstdCompressionParameters(window_log=30)
    packed = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    data = packed.compress(b"text\nhi\n") + packed.flush()
    with pytest.raises(MessagesError, match="is damaged"):
        read(write(tmp_path / "e.csv.zst", data))
    assert compressed.MAX_RATIO < 1000


# ---- spreadsheets, logs ----

FORMULAS = ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", " =1", '=HYPERLINK("http://example.org","x")', "＝1+1"]


def test_no_formula_is_live_in_csv(tmp_path):
    rows = [{"id": key, "text": "hi"} for key in FORMULAS] + [{"id": key, "text": None} for key in FORMULAS]
    path = write(tmp_path / "=cmd.jsonl", "".join(json.dumps(row) + "\n" for row in rows).encode())
    target = tmp_path / "r.csv"
    with ResultWriter(target, release="=r@1") as writer:
        for batch in read_messages(path):
            n = len(batch)
            writer.write(batch, np.zeros((n, 6), np.float32), ["none"] * n, ["[]"] * n)
    for file in (target, set_aside_path(target)):
        with file.open(newline="") as lines:
            for row in csv.reader(lines):
                assert all(cell == inert(cell) for cell in row)
    with target.open(newline="") as lines:
        assert [row["id"] for row in csv.DictReader(lines)] == [f"'{key}" for key in FORMULAS * 2]


def test_no_formula_is_live_in_any_other_table(tmp_path):
    rows = [{"id": key, "text": key, "=sender": key, "sender": key, "time": key} for key in FORMULAS]
    path = write(tmp_path / "=cmd.jsonl", "".join(json.dumps(row) + "\n" for row in [*rows, {"id": "=1"}]).encode())

    class Raised:
        release_id = "=r@1"

        def recommend(self, texts, surfaces):
            n = len(texts)
            levels = np.zeros((n, 6), np.uint8)
            return SimpleNamespace(actions=levels.max(axis=1), label_actions=levels, reasons=["[]"] * n,
                                   details=np.zeros((n, 4), bool))  # fmt: skip

    review_senders(Raised(), path, tmp_path / "senders")
    mask_export(path, tmp_path / "masked.csv")
    mask_export(path, tmp_path / "masked.tsv")
    change = Change("=1", 1, "none", "flag", "spam", ("none", "flag"), (0.1, 0.2), (None, None), "=why", "=text")
    with Changes(tmp_path / "changes.csv", with_text=True) as changes:
        changes.write([change])
    files = [path for path in tmp_path.rglob("*") if path.suffix in (".csv", ".tsv")]
    assert len(files) == 7
    for file in files:
        with file.open(newline="") as lines:
            delimiter = "\t" if file.suffix == ".tsv" else ","
            cells = [cell for row in csv.reader(lines, delimiter=delimiter) for cell in row]
        assert any(cell.startswith("'") for cell in cells), file
        assert all(cell == inert(cell) for cell in cells), file


@given(st.text(max_size=20))
def test_what_is_inert_stays_inert_and_text_is_kept(text):
    assert inert(text).removeprefix("'") == text.removeprefix("'") if inert(text) != text else True
    assert inert(inert(text)) == inert(text)


@pytest.mark.parametrize(
    ("content", "form"),
    [
        (f'id,text\n1,"{SECRET}\n', "csv"),
        (f"{SECRET},x\n1,2\n", "csv"),
        (f'{{"text": "{SECRET}"\n', "jsonl"),
        (f'[{{"text": "{SECRET}" x}}]', "json"),
        (f'{{"text": ["{SECRET}"]}}', "jsonl"),
        (f"31.12.23, 21:05 - {SECRET}\n", "whatsapp"),
        (f"{SECRET}\n" * 3, None),
        (f'{{"guild": {{}}, "channel": {{}}, "messages": [{{"content": 5, "id": "{SECRET}é"}}]}}', "discord"),
    ],
)
def test_reasons_and_errors_never_hold_messages(tmp_path, content, form):
    path = write(tmp_path / "export", content.encode())
    try:
        _, bad = read(path, format=form)
        told = " ".join(row.reason for row in bad)
    except MessagesError as error:
        told = str(error)
    # A file whose first line is no header has a message where a name should be; forty letters of a name are shown.
    assert SECRET not in told or (form == "csv" and content.startswith(SECRET))


# ---- releases ----


@pytest.fixture(scope="module")
def pristine(release_folder, tmp_path_factory):
    return shutil.copytree(release_folder, tmp_path_factory.mktemp("hostile") / "release")


def refused(folder):
    with pytest.raises(ReleaseError):
        load_release(folder)


def test_any_flipped_bit_is_refused(pristine, tmp_path):
    """A byte at random in each file, and each byte of the seal's own surroundings."""
    dice = random.Random(5)
    names = sorted(path.name for path in pristine.iterdir())
    folder = shutil.copytree(pristine, tmp_path / "r")
    load_release(folder)
    for name in names * 8:
        whole = (folder / name).read_bytes()
        at = dice.randrange(len(whole))
        flipped = bytes([whole[at] ^ 1 << dice.randrange(8)])
        if name == "release.json" and json_equal(whole, whole[:at] + flipped + whole[at + 1 :]):
            continue  # white space between its parts
        (folder / name).unlink()  # the old file may be mapped
        (folder / name).write_bytes(whole[:at] + flipped + whole[at + 1 :])
        refused(folder)
        (folder / name).unlink()
        (folder / name).write_bytes(whole)
    load_release(folder)


def json_equal(one, other):
    try:
        return json.loads(one) == json.loads(other)
    except (ValueError, RecursionError):
        return False


def test_files_cut_lengthened_missing_or_linked_are_refused(pristine, tmp_path):
    for name in sorted(path.name for path in pristine.iterdir()):
        for number, change in enumerate((
            lambda file: os.truncate(file, file.stat().st_size // 2),
            lambda file: os.truncate(file, 0),
            lambda file: file.write_bytes(file.read_bytes() + b"x"),
            lambda file: file.unlink(),
            lambda file: (file.rename(file.with_name("moved")), file.symlink_to("moved")),
        )):  # fmt: skip
            folder = shutil.copytree(pristine, tmp_path / f"{name}-{number}")
            change(folder / name)
            refused(folder)
            shutil.rmtree(folder)


@pytest.mark.parametrize("version", [0, FORMAT + 1, 99, str(FORMAT), None, [], FORMAT + 0.5])
def test_other_versions_are_refused(pristine, tmp_path, version):
    folder = shutil.copytree(pristine, tmp_path / "r")
    content = json.loads((folder / "release.json").read_text())
    (folder / "release.json").write_text(json.dumps(content | {"format": version}))
    refused(folder)


@FEW
@given(
    st.dictionaries(st.sampled_from(["format", "seal", "files", "labels", "digest", "policy", "settings"]), VALUES)
    | VALUES
)
def test_any_json_for_a_release_is_refused(tmp_path, content):
    (tmp_path / "release.json").write_text(json.dumps(content))
    refused(tmp_path)


def test_names_of_releases_lead_nowhere_and_nothing_in_one_runs(pristine, tmp_path):
    folder = shutil.copytree(pristine, tmp_path / "r")
    content = json.loads((folder / "release.json").read_text())
    content["files"]["../../evil.npy"] = content["files"]["rows.npy"]
    (folder / "release.json").write_text(json.dumps(content))
    refused(folder)
    folder = shutil.copytree(pristine, tmp_path / "pickled")
    (folder / "rows.npy").unlink()
    np.save(folder / "rows.npy", np.array([print], object), allow_pickle=True)
    refused(folder)


# ---- the command line ----


def test_the_command_line_answers_rubbish_with_a_sentence(tmp_path, release_folder):
    for number, content in enumerate((b"\x00\x01\x02", b'[{"id": ' + b"9" * 5000, zipped({"../a.csv": "text\nhi\n"}))):
        path = write(tmp_path / f"e{number}", content)
        command = [sys.executable, "-m", "classifier.cli", "score", str(path), "-o", str(tmp_path / "r.csv")]
        done = subprocess.run(
            [*command, "--release", str(release_folder)], capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode in (0, 2), done.stderr
        assert "Traceback" not in done.stderr


def test_every_error_of_a_reader_is_one_of_ours():
    assert issubclass(MessagesError, ClassifierError)
