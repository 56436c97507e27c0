import csv
import json
import os
import uuid

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier import result_formats
from classifier.errors import MessagesError
from classifier.guidelines import LABELS
from classifier.messages import BadRow, Columns, Export, MessageBatch
from classifier.results import RESULT_COLUMNS, ResultWriter, set_aside_path
from classifier.spreadsheets import inert

NAMES = ["r.csv", "r.tsv", "r.jsonl", "r.ndjson", "r.parquet"]


def a_batch(ids, bad=(), rows=None):
    n = len(ids)
    return MessageBatch(Export("e", "csv", "utf-8", Columns()), ids, [""] * n, [None] * n, rows or range(1, n + 1), bad)


def write(target, *batches, reasons="[]", confidences=None, release="r1"):
    with ResultWriter(target, release=release) as writer:
        for batch in batches:
            n = len(batch)
            figures = np.full((n, 6), 0.5, np.float32) if confidences is None else confidences
            writer.write(batch, figures, ["flag"] * n, [reasons] * n)
    return read(target)


def read(target):
    """Rows of a result as dictionaries, as a consumer of each format would read them."""
    if target.suffix in (".csv", ".tsv"):
        with target.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file, delimiter="\t" if target.suffix == ".tsv" else ",", strict=True))
    if target.suffix == ".parquet":
        return pq.read_table(target).to_pylist()
    return [json.loads(line) for line in target.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("name", NAMES)
def test_columns_and_their_order(tmp_path, name):
    [row] = write(tmp_path / name, a_batch(["007"]))
    assert tuple(row) == RESULT_COLUMNS == ("id", *LABELS, "recommendation", "reasons", "release", "error")
    assert (row["id"], row["recommendation"], row["reasons"], row["release"]) == ("007", "flag", "[]", "r1")
    assert row["error"] == ("" if name in ("r.csv", "r.tsv") else None)
    assert float(row[LABELS[0]]) == 0.5


@pytest.mark.parametrize("name", NAMES)
def test_confidences_keep_four_decimals_in_text_and_float32_in_parquet(tmp_path, name):
    figures = np.array([[0, 1, 1 / 3, 0.00004, 0.00006, 0.99996]], np.float32)
    [row] = write(tmp_path / name, a_batch(["1"]), confidences=figures)
    found = [float(row[label]) for label in LABELS]
    assert found == (figures[0].tolist() if name == "r.parquet" else [0, 1, 0.3333, 0, 0.0001, 1])
    if name == "r.parquet":
        assert pq.read_schema(tmp_path / name).field("spam").type == pa.float32()


@pytest.mark.parametrize("name", NAMES)
def test_rows_set_aside_keep_their_place(tmp_path, name):
    target = tmp_path / name
    bad = (BadRow("e.csv", 1, "no text"), BadRow("e.csv", 3, "two, texts", "c"))
    rows = write(target, a_batch(["b", "d"], bad, rows=[2, 4]), a_batch(["e"], rows=[5]))
    nothing = "" if name in ("r.csv", "r.tsv") else None
    assert [row["id"] for row in rows] == [nothing, "b", "c", "d", "e"]
    assert [row["error"] for row in rows] == ["no text", nothing, "two, texts", nothing, nothing]
    assert [row["recommendation"] for row in rows] == ["none", "flag", "none", "flag", "flag"]
    assert [row["spam"] for row in rows][::2] == [nothing, nothing, rows[4]["spam"]]
    assert {row["reasons"] for row in rows} == {"[]"}
    with set_aside_path(target).open(newline="") as file:
        listed = list(csv.reader(file))
    assert listed == [["file", "row", "id", "reason"], ["e.csv", "1", "", "no text"], ["e.csv", "3", "c", "two, texts"]]


def test_no_list_without_rows_set_aside_and_an_old_one_goes(tmp_path):
    target = tmp_path / "r.csv"
    write(target, a_batch(["a"], (BadRow("e", 2, "why"),)))
    assert set_aside_path(target).exists()
    write(target, a_batch(["a"]))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r.csv"]


@pytest.mark.parametrize("name", ["r.csv", "r.jsonl"])
@pytest.mark.parametrize(
    ("ids", "in_csv", "in_json"),
    [
        (["007", "=1+1", 'a"b', "a\nb", "", "-3"], ["007", "'=1+1", 'a"b', "a\nb", "", "-3"], None),
        ([7, None, 2**80], ["7", "", str(2**80)], None),
        (pa.array([1, None]), ["1", ""], [1, None]),
        (pa.array([uuid.UUID(int=7).bytes], pa.uuid()), [str(uuid.UUID(int=7))], [str(uuid.UUID(int=7))]),
        (pa.array([b"\x00\xff"]), ["00ff"], ["00ff"]),
        (pa.array([1.5]), ["1.5"], ["1.5"]),
    ],
)
def test_ids_in_text(tmp_path, name, ids, in_csv, in_json):
    found = [row["id"] for row in write(tmp_path / name, a_batch(ids))]
    assert found == ((in_csv if name == "r.csv" else in_json) or ids)


def test_csv_quotes_all_text_and_no_figure(tmp_path):
    write(tmp_path / "r.csv", a_batch(["007"]), a_batch([7]), reasons='[{"a": 1}]')
    lines = (tmp_path / "r.csv").read_bytes().split(b"\n")
    assert lines[1] == b'"007",0.5,0.5,0.5,0.5,0.5,0.5,"flag","[{""a"": 1}]","r1",""'
    assert lines[2].startswith(b"7,0.5,")


@pytest.mark.parametrize(
    "ids",
    [
        pa.array([2**63 - 1, None]),
        pa.array([1, 2], pa.uint8()),
        pa.array(["007", None], pa.large_string()),
        pa.array([uuid.UUID(int=i).bytes for i in range(2)], pa.uuid()),
        pa.array([b"\xff", b""]),
    ],
)
def test_parquet_keeps_the_type_of_ids_also_between_rows_set_aside(tmp_path, ids):
    bad = (BadRow("e", 2, "why", ids[0].as_py()), BadRow("e", 4, "why"))
    rows = write(tmp_path / "r.parquet", a_batch(ids, bad, rows=[1, 3]))
    assert pq.read_schema(tmp_path / "r.parquet").field("id").type == ids.type
    first, second = ids.to_pylist()
    assert [row["id"] for row in rows] == [first, first, second, None]


def test_parquet_ids_of_json_are_integers_or_strings(tmp_path):
    target = tmp_path / "r.parquet"
    for ids, kind in (
        ([1, None, -5], pa.int64()),
        (["1", None], pa.string()),
        ([None], pa.string()),
        ([], pa.string()),
    ):
        assert [row["id"] for row in write(target, a_batch(ids))] == ids
        assert pq.read_schema(target).field("id").type == kind
    before = target.read_bytes()
    for ids in ([1, "1"], [2**63]):
        with pytest.raises(MessagesError, match=r"column 'id' of the result: the ids mix .*; write \.jsonl or \.csv"):
            write(target, a_batch(ids))
    assert target.read_bytes() == before


def test_parquet_is_written_in_row_groups_of_one_schema(tmp_path, monkeypatch):
    monkeypatch.setattr(result_formats, "_ROW_GROUP", 100)
    batches = [a_batch(list(range(i, i + 30))) for i in range(0, 300, 30)]
    rows = write(tmp_path / "r.parquet", *batches)
    assert [row["id"] for row in rows] == list(range(300))
    assert pq.ParquetFile(tmp_path / "r.parquet").metadata.num_row_groups == 3
    with pytest.raises(MessagesError, match="the ids mix"):
        write(tmp_path / "r.parquet", *batches, a_batch(["x"]))
    assert read(tmp_path / "r.parquet") == rows


@pytest.mark.parametrize("name", NAMES)
def test_half_characters_in_reasons_are_written_as_json_writes_them(tmp_path, name):
    [row] = write(tmp_path / name, a_batch(["1"]), reasons='["\ud83d"]', release="50% é")
    assert json.loads(row["reasons"]) == ["\ud83d"]
    assert row["release"] == "50% é"


@pytest.mark.parametrize("name", NAMES)
def test_a_result_without_rows(tmp_path, name):
    assert write(tmp_path / name, a_batch([])) == []
    assert write(tmp_path / name) == []
    assert (tmp_path / name).exists()
    if name == "r.parquet":
        assert pq.read_schema(tmp_path / name).names == list(RESULT_COLUMNS)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError, MessagesError])
def test_a_broken_run_leaves_nothing_and_keeps_what_was_there(tmp_path, name, error):
    target = tmp_path / name
    for before in (set(), {name, f"{name}.set-aside.csv"}):
        kept = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
        assert set(kept) == before
        with pytest.raises(error):  # noqa: PT012, SIM117
            with ResultWriter(target, release="r2") as writer:
                writer.write(a_batch(["a"], (BadRow("e", 2, "why"),)), np.zeros((1, 6), np.float32), ["none"], ["[]"])
                assert len([path for path in tmp_path.iterdir() if path.name.endswith(".part")]) == 2
                raise error("stop")
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == kept
        write(target, a_batch(["a"], (BadRow("e", 2, "why"),)))


@pytest.mark.parametrize("name", ["r.csv", "r.jsonl", "r.parquet"])
def test_the_result_appears_only_when_whole(tmp_path, name):
    with ResultWriter(tmp_path / name, release="r1") as writer:
        writer.write(a_batch(["a"]), np.zeros((1, 6), np.float32), ["none"], ["[]"])
        assert not (tmp_path / name).exists()
    assert len(read(tmp_path / name)) == 1


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")  # noqa: PTH110
@pytest.mark.parametrize("name", ["r.csv", "r.jsonl", "r.parquet"])
def test_a_full_disk_is_told(tmp_path, name, monkeypatch):
    def full(path, mode, **options):
        path.touch()
        return open("/dev/full", mode.replace("x", "w"), **options)  # noqa: PTH123

    monkeypatch.setattr("pathlib.Path.open", full)
    monkeypatch.setattr(result_formats, "_ROW_GROUP", 5000)
    for n in (1, 10_000):
        batch = a_batch([str(uuid.uuid4()) for _ in range(n)])
        with pytest.raises(MessagesError, match=rf"{name}: cannot be written \(No space left on device\); free space"):
            write(tmp_path / name, batch, batch, batch)
        assert list(tmp_path.iterdir()) == []


def test_targets_that_cannot_be(tmp_path):
    for target, message in (
        (tmp_path, "unknown extension"),
        (tmp_path / "no" / "r.csv", "there is no folder '.*no'; create it or name another one"),
        (tmp_path / "folder.csv", "this is a folder; name a result file in it"),
        (tmp_path / "r.xlsx", "unknown extension '.xlsx'"),
    ):
        (tmp_path / "folder.csv").mkdir(exist_ok=True)
        with pytest.raises(MessagesError, match=message):
            ResultWriter(target, release="r1")
    with pytest.raises(MessagesError, match="this is a device, not a file"):
        ResultWriter("/dev/null", release="r1", format="csv")
    assert [path.name for path in tmp_path.iterdir()] == ["folder.csv"]


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")
    write(tmp_path / "link.csv", a_batch(["a"]))
    assert (tmp_path / "link.csv").is_symlink()
    assert read(tmp_path / "real.csv")[0]["id"] == "a"


def test_what_does_not_fit_the_batch_is_refused(tmp_path):
    figures = np.zeros((2, 6), np.float32)
    for confidences, names, reasons in (
        (figures[:1], ["none"] * 2, ["[]"] * 2),
        (figures[:, :5], ["none"] * 2, ["[]"] * 2),
        (figures, ["none"], ["[]"] * 2),
        (figures, ["none"] * 2, ["[]"] * 3),
        (figures + np.nan, ["none"] * 2, ["[]"] * 2),
        (figures + 1.1, ["none"] * 2, ["[]"] * 2),
    ):
        refused = pytest.raises(ValueError, match=r"2 messages, but|figures from 0 to 1")
        with refused, ResultWriter(tmp_path / "r.csv", release="r1") as writer:
            writer.write(a_batch(["a", "b"]), confidences, names, reasons)
        assert list(tmp_path.iterdir()) == []


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(
    ids=st.one_of(st.lists(TEXT, max_size=20), st.lists(st.integers(-(2**63), 2**63 - 1), max_size=20)),
    reasons=TEXT,
    release=TEXT,
    data=st.data(),
    name=st.sampled_from(NAMES),
)
@settings(max_examples=200, deadline=None)
def test_any_rows_come_back_in_order(tmp_path_factory, ids, reasons, release, data, name):
    rows = list(range(1, len(ids) + 1))
    aside = set(data.draw(st.lists(st.sampled_from(rows), unique=True))) if rows else set()
    bad = tuple(BadRow("e", row, f"reason {row}", ids[row - 1]) for row in rows if row in aside)
    kept = [row for row in rows if row not in aside]
    target = tmp_path_factory.mktemp("any") / name
    found = write(target, a_batch([ids[row - 1] for row in kept], bad, kept), reasons=reasons, release=release)
    in_csv = name in ("r.csv", "r.tsv")
    assert [row["id"] for row in found] == ([str(inert(key)) for key in ids] if in_csv else ids)
    assert [row["error"] or "" for row in found] == [f"reason {row}" if row in aside else "" for row in rows]
    assert [row["reasons"] for row in found] == ["[]" if row in aside else reasons for row in rows]
    assert all(row["release"] == (inert(release) if in_csv else release) for row in found)
