"""``classifier mask``: the same rows and columns, contact details masked, every row accounted for."""

import csv
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from classifier.cli_mask import mask
from classifier.errors import MessagesError
from classifier.masked_exports import mask_export

TEXT = "call 07700 900123, or ana@example.com"
MASKED = "call [phone], or [email]"


@pytest.fixture
def export(tmp_path):
    path = tmp_path / "export.csv"
    path.write_text(
        f'id,note,text,score,note\n007,"a,b","{TEXT}",1.50,x\n8,too,few\n9,,=1+1,"2\n3",\n', encoding="utf-8"
    )
    return path


def read_csv(path):
    with path.open(encoding="utf-8", newline="") as file:
        return [*csv.reader(file)]


def test_csv_keeps_every_column_and_counts_every_row(export, tmp_path):
    report = mask_export(export, tmp_path / "out.csv")
    assert read_csv(tmp_path / "out.csv") == [
        ["id", "note", "text", "score", "note.2"],
        ["007", "a,b", MASKED, "1.50", "x"],
        ["9", "", "'=1+1", "2\n3", ""],
    ]
    assert (report.rows, report.written, report.set_aside, report.changed) == (3, 2, 1, 1)
    assert {kind: n for kind, n in report.kinds.items() if n} == {"email": 1, "phone": 1}
    [header, row] = read_csv(tmp_path / "out.csv.set-aside.csv")
    assert header == ["file", "row", "id", "reason"]
    assert row[1:3] == ["2", "8"]


@pytest.mark.parametrize("start", "=+-@")
def test_a_spreadsheet_runs_no_message(tmp_path, start):
    (tmp_path / "a.jsonl").write_text(json.dumps({"text": f"{start}SUM(1)"}))
    mask_export(tmp_path / "a.jsonl", tmp_path / "out.csv")
    assert read_csv(tmp_path / "out.csv")[1] == [f"'{start}SUM(1)"]
    mask_export(tmp_path / "a.jsonl", tmp_path / "out.jsonl")
    assert json.loads((tmp_path / "out.jsonl").read_text())["text"] == f"{start}SUM(1)"


def test_json_lines_keep_members_and_numbers_as_written(tmp_path):
    line = '{"id": 12345678901234567890, "x": 1.50, "y": [1e400, {"z": null}], "text": "%s", "é": true}'
    (tmp_path / "a.jsonl").write_text(
        line % TEXT + '\n\n{"id": 2, "text": null}\n{"id": 3, "text": "hi", "extra": 1}\n'
    )
    report = mask_export(tmp_path / "a.jsonl", tmp_path / "out.jsonl")
    first, second = (tmp_path / "out.jsonl").read_text().splitlines()
    assert first == (line % MASKED).replace("é", "\\u00e9")
    assert json.loads(second) == {"id": 3, "text": "hi", "extra": 1}
    assert (report.rows, report.written, report.set_aside) == (3, 2, 1)
    mask_export(tmp_path / "a.jsonl", tmp_path / "out.csv")
    header, row, last = read_csv(tmp_path / "out.csv")
    assert header == ["id", "x", "y", "text", "é", "extra"]
    assert row == ["12345678901234567890", "1.50", '[1e400, {"z": null}]', MASKED, "true", ""]
    assert last[-1] == "1"


def test_parquet_keeps_types(tmp_path):
    columns = {
        "id": pa.array([1, 2, 3], pa.int16()),
        "text": pa.array([TEXT, None, "hi"]).dictionary_encode(),
        "at": pa.array([1, 2, 3], pa.timestamp("ns")),
        "tags": pa.array([[1], None, []], pa.list_(pa.int8())),
    }
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    report = mask_export(tmp_path / "a.parquet", tmp_path / "out.parquet")
    table = pq.read_table(tmp_path / "out.parquet")
    assert table.column_names == [*columns]
    assert table.column("text").to_pylist() == [MASKED, "hi"]
    for name in ("id", "at", "tags"):
        assert table.schema.field(name).type == columns[name].type
        assert table.column(name).combine_chunks().equals(columns[name].take(pa.array([0, 2])))
    assert report.set_aside == 1
    mask_export(tmp_path / "a.parquet", tmp_path / "out.tsv")
    assert (tmp_path / "out.tsv").read_text().splitlines()[1].split("\t")[1] == f'"{MASKED}"'


def test_the_formats_turn_into_each_other(export, tmp_path):
    mask_export(export, tmp_path / "out.parquet")
    assert pq.read_table(tmp_path / "out.parquet").column("text").to_pylist() == [MASKED, "=1+1"]
    mask_export(export, tmp_path / "noname")
    assert read_csv(tmp_path / "noname")[1][2] == MASKED
    mask_export(export, tmp_path / "noname", target_format="jsonl")
    assert json.loads((tmp_path / "noname").read_text().splitlines()[0])["score"] == "1.50"


@pytest.mark.parametrize("content", ["id;text\r\n1;café {0}\r\n", "text\r1\rca {0}\r"])
def test_other_ends_of_lines_and_encodings(tmp_path, content):
    (tmp_path / "a.csv").write_bytes(content.format(TEXT.split(",")[0]).encode("cp1252"))
    mask_export(tmp_path / "a.csv", tmp_path / "out.csv")
    assert "call [phone]" in read_csv(tmp_path / "out.csv")[-1][-1]


def test_only_some_kinds(export, tmp_path):
    report = mask_export(export, tmp_path / "out.csv", kinds=["email"])
    assert read_csv(tmp_path / "out.csv")[1][2] == "call 07700 900123, or [email]"
    assert report.kinds == {"email": 1}
    with pytest.raises(MessagesError, match="unknown kind 'mail'"):
        mask_export(export, tmp_path / "out.csv", kinds=["mail"])


def test_what_cannot_be_written_leaves_nothing_behind(export, tmp_path):
    before = {*tmp_path.iterdir()}
    with pytest.raises(MessagesError, match="would replace"):
        mask_export(export, export)
    with pytest.raises(MessagesError, match="there is no folder"):
        mask_export(export, tmp_path / "no" / "out.csv")
    (tmp_path / "b.csv").write_text("a,b\n1,2\n")
    with pytest.raises(MessagesError, match="no column"):
        mask_export(tmp_path / "b.csv", tmp_path / "out.csv")
    assert {*tmp_path.iterdir()} - before == {tmp_path / "b.csv"}


def test_many_batches_stay_in_step(tmp_path):
    lines = [f"{i},{'x' if i % 7 else 'call 07700 900123'},k{i}" if i % 50 else f"{i},bad" for i in range(1, 5001)]
    (tmp_path / "a.csv").write_text("id,text,keep\n" + "\n".join(lines) + "\n")
    report = mask_export(tmp_path / "a.csv", tmp_path / "out.csv")
    rows = read_csv(tmp_path / "out.csv")[1:]
    assert report.written == len(rows) == 4900
    assert all(row[2] == f"k{row[0]}" for row in rows)
    assert report.kinds["phone"] == sum(row[1] == "call [phone]" for row in rows) > 600


def test_the_command(export, tmp_path):
    done = CliRunner().invoke(mask, [str(export), "-o", str(tmp_path / "out.csv"), "--kinds", "phone, email"])
    assert done.exit_code == 0, done.output
    assert "3 rows = 2 written + 1 set aside; 1 messages changed" in done.output
    other = tmp_path / "b.csv"
    other.write_text(f'id,body text\n1,"{TEXT}"\n')
    done = CliRunner().invoke(mask, [str(other), "-o", str(tmp_path / "o.csv"), "--text-column", "body text"])
    assert done.exit_code == 0, done.output
    assert read_csv(tmp_path / "o.csv")[1] == ["1", MASKED]
