import csv
import io
import json
import uuid
from itertools import chain

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier import export_readers, parquet_exports, text_exports
from classifier.errors import MessagesError
from classifier.messages import Columns, format_of, read_messages


class Read:
    """A whole export, column by column."""

    def __init__(self, path, **options):
        self.batches = list(read_messages(path, **options))
        self.export = self.batches[0].export
        self.ids = [getattr(key, "as_py", lambda key=key: key)() for batch in self.batches for key in batch.ids]
        self.texts = [str(text) for batch in self.batches for text in batch.texts]
        self.surfaces = [surface for batch in self.batches for surface in batch.surfaces]
        self.rows = [row for batch in self.batches for row in batch.rows]
        self.bad = [row for batch in self.batches for row in batch.bad]
        self.unknown_surfaces = sum(batch.unknown_surfaces for batch in self.batches)


@pytest.fixture
def written(tmp_path):
    def write(content, name="export.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.fixture
def parquet(tmp_path):
    def write(columns, name="export.parquet", **options):
        pq.write_table(pa.table(columns), tmp_path / name, **options)
        return tmp_path / name

    return write


# Ids and messages as given


def test_csv_ids_stay_exactly_as_written(written):
    ids = ["000000001", "1", "1.50", "1e5", " 7 ", "", "NA", "9" * 40, str(uuid.UUID(int=5)), "=1+1", "-3", "é"]
    read = Read(written("id,text\n" + "".join(f"{key},hi\n" for key in ids)))
    assert read.ids == ids
    assert not read.bad


def test_jsonl_ids_keep_their_type(written):
    lines = ['"007"', "7", "-1", "123456789012345678901234567890", "1.50", "1e3", "NaN", "null", '"7"']
    read = Read(written("\n".join(f'{{"id": {key}, "text": "hi"}}' for key in lines), "e.jsonl"))
    assert read.ids == ["007", 7, -1, 123456789012345678901234567890, "1.50", "1e3", "NaN", None, "7"]
    assert all(type(key) in (str, int, type(None)) for key in read.ids)


@pytest.mark.parametrize(
    "ids",
    [
        pa.array([2**62, -1, None], pa.int64()),
        pa.array([1, 2, 2**64 - 1], pa.uint64()),
        pa.array(["007", "", None]),
        pa.array(["007", "", "x"], pa.large_string()),
        pa.array([uuid.UUID(int=i).bytes for i in range(3)], pa.uuid()),
        pa.array([b"\xff\x00", b"", b"a"], pa.binary()),
    ],
)
def test_parquet_ids_keep_their_type_and_texts_stay_arrow(parquet, ids):
    [batch] = read_messages(parquet({"id": ids, "text": ["a", "", "NA"]}))
    assert batch.ids.type == ids.type
    assert batch.ids.equals(ids)
    assert isinstance(batch.texts, pa.StringArray)
    assert list(batch.rows) == [1, 2, 3]


@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())]
)
def test_parquet_strings_of_every_encoding_are_messages(parquet, kind):
    path = parquet({"id": pa.array(["1", "2"]).cast(kind), "text": pa.array(["hi", "hi"]).cast(kind)})
    read = Read(path)
    assert (read.ids, read.texts) == (["1", "2"], ["hi", "hi"])


WORDS = ["NA", "null", "None", "", "nan", "N/A", "#N/A", "true", "0", "007", " ", "-", "\\N"]


def test_words_for_nothing_stay_messages(written, parquet):
    rows = [f"{i},{word}\n" for i, word in enumerate(WORDS)]
    lines = [json.dumps({"id": i, "text": word}) + "\n" for i, word in enumerate(WORDS)]
    for path in (
        written("id,text\n" + "".join(rows)),
        written("".join(lines), "e.jsonl"),
        parquet({"id": list(range(len(WORDS))), "text": WORDS}),
    ):
        read = Read(path)
        assert read.texts == WORDS
        assert not read.bad


def test_an_empty_message_in_a_file_of_one_column_is_not_a_blank_line(written):
    read = Read(written('text\n""\n\nhi\n'))
    assert (read.texts, read.ids) == (["", "hi"], [1, 2])


def test_without_ids_the_row_numbers_are_the_ids(written, parquet):
    for path in (
        written("text,surface\na,post\nb,post,x\nc,post\n"),
        written('{"text": "a"}\n{"text": null}\n{"text": "c"}\n', "e.jsonl"),
        parquet({"text": ["a", None, "c"]}),
    ):
        read = Read(path, batch_size=2)
        assert read.export.columns.id is None
        assert (read.ids, read.rows, read.texts) == ([1, 3], [1, 3], ["a", "c"])
        assert [(row.row, row.id) for row in read.bad] == [(2, 2)]


def test_null_and_what_is_no_string_is_set_aside(written, parquet):
    values = ["null", "5", "1.5", "NaN", "true", '["a"]', '{"a": "b"}']
    lines = [f'{{"id": {i}, "text": {value}}}' for i, value in enumerate(values)]
    read = Read(written("\n".join([*lines, '{"id": 7}', '{"id": 8, "text": "ok"}']), "e.jsonl"))
    assert (read.ids, read.rows) == ([8], [9])
    assert [row.id for row in read.bad] == [*range(8)]
    kinds = ["null", "a number", "a number", "a number", "true or false", "a list", "an object"]
    expected = [f"the text is {kind}, not a string (line {i})" for i, kind in enumerate(kinds, 1)]
    assert [row.reason for row in read.bad] == [*expected, "there is no text (line 8)"]

    read = Read(parquet({"id": ["a", "b", "c"], "text": [None, "hi", None]}))
    assert (read.ids, read.texts, read.rows) == (["b"], ["hi"], [2])
    assert [(row.row, row.id, row.reason) for row in read.bad] == [
        (1, "a", "the text is null"),
        (3, "c", "the text is null"),
    ]


# CSV


def test_quotes_line_ends_and_nul_inside_messages_are_kept(written):
    texts = ['say "hi"', "two\nlines", "two\r\nlines", "old\rmac", "a,b", "nul\0byte", "\u2028", "\x1c\x85 x", '"']
    for ends in ("\n", "\r\n", "\r"):
        file = io.StringIO()
        csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator=ends).writerows([("id", "text"), *enumerate(texts)])
        read = Read(written(file.getvalue()))
        assert read.texts == texts
        assert not read.bad


def test_a_carriage_return_outside_quotes_does_not_cut_a_message(written):
    read = Read(written("id,text\n1,old\rmac\n2,b\r\n"))
    assert (read.ids, read.texts) == (["2"], ["b"])
    assert [(row.row, row.reason) for row in read.bad] == [(1, "a carriage return outside quotes (line 2)")]
    assert Read(written("id,text\r1,a\r2,b\r")).texts == ["a", "b"]
    assert Read(written("id,text\r\n1,a\r\n".encode("utf-16"))).texts == ["a"]


def test_tsv_and_semicolons(written):
    assert Read(written("id\ttext\n1\ta,b;c\n", "e.tsv")).texts == ["a,b;c"]
    assert Read(written('id;text\n1;"a,b;c"\n')).texts == ["a,b;c"]
    assert Read(written("id\ttext\n1\ta,b;c\n", "e.dump"), format="tsv").texts == ["a,b;c"]


def test_rows_with_too_few_or_too_many_fields_are_set_aside(written):
    read = Read(written("id,text,surface\n1,a,post\n2,b\n3,c,post,x\n\n4,d,post\n"))
    assert (read.ids, read.rows) == (["1", "4"], [1, 4])
    assert [(row.row, row.id, row.reason) for row in read.bad] == [
        (2, "2", "2 fields where the header has 3 (line 3)"),
        (3, "3", "4 fields where the header has 3 (line 4)"),
    ]
    # Left of the message the id is where it should be; right of it, a delimiter too many has moved it.
    assert Read(written("text,id\na,b,1\n")).bad[0].id is None


def test_an_open_quote_costs_its_own_row(written):
    rows = "".join(f"{i},row {i},post\n" for i in range(3, 1000))
    read = Read(written(f'id,text,surface\n1,"open,post\n{rows}'))
    assert read.ids == [str(i) for i in range(3, 1000)]
    assert [(row.row, row.reason) for row in read.bad] == [(1, "a quote is left open or not doubled (line 2)")]

    read = Read(written('id,text,surface\n1,"open,post\n2,"closed",post\n3,"c\nd",post\n'))
    assert (read.ids, read.texts, read.rows) == (["2", "3"], ["closed", "c\nd"], [2, 3])

    read = Read(written('id,text,surface\n1,"open,post\n2,"closed",post\n3,"c\nd",post\n4,short\n'))
    assert read.bad[-1].reason == "2 fields where the header has 3 (line 6)"


def test_an_open_quote_swallows_no_more_lines_than_the_limit(written, monkeypatch):
    monkeypatch.setattr(text_exports, "_MAX_LINES", 3)
    read = Read(written('id,text\n1,"a\nb\nc"\n2,"open\n3,c\n4,d\n5,e\n6,"f"\n'))
    assert (read.ids, read.texts[0]) == (["1", "3", "4", "5", "6"], "a\nb\nc")
    assert read.bad[0].reason == "longer than 16,777,216 characters or 3 lines (line 5)"


def test_the_rest_of_a_line_beyond_the_limit_is_skipped_past_carriage_returns(written, monkeypatch):
    monkeypatch.setattr(text_exports, "MAX_ROW", 100)
    # The second piece of the line ends with a carriage return, which ends no line in this file.
    read = Read(written("id,text\n1," + "x" * 197 + "\r2,not a row\n3,ok\n"))
    assert (read.ids, read.rows, [row.row for row in read.bad]) == (["3"], [2], [1])


def test_quotes_that_are_not_doubled_are_set_aside_and_quotes_inside_a_word_are_not(written):
    read = Read(written('id,text\n1,"he said "hi" to me"\n2,a 5" pipe\n3,c\n'))
    assert (read.ids, read.texts) == (["2", "3"], ['a 5" pipe', "c"])
    assert [row.row for row in read.bad] == [1]


def test_an_open_quote_swallows_no_more_than_the_limit(written, monkeypatch):
    monkeypatch.setattr(text_exports, "MAX_ROW", 1000)
    fed = 0
    lines = export_readers.capped_lines

    def counted(*file):
        nonlocal fed
        for line in lines(*file):
            fed += 1
            yield line

    monkeypatch.setattr(export_readers, "capped_lines", counted)
    path = written('id,text\n1,"open\n' + "".join(f"{i},row\n" for i in range(2, 10_000)))
    batches = read_messages(path, batch_size=10)
    first = next(batches)
    batches.close()
    assert first.ids == [str(i) for i in range(2, 11)]
    assert first.bad[0].reason == "longer than 1,000 characters or 65,536 lines (line 2)"
    assert fed < 200


def test_quotes_that_stay_open_forever_take_linear_time(written, monkeypatch):
    # Each line closes the quote of the line before and opens one, so every line starts a row that goes on to the limit.
    monkeypatch.setattr(text_exports, "MAX_ROW", 2000)
    parsed = 0
    reader = csv.reader

    def counted(rows, **options):
        def count():
            nonlocal parsed
            for row in rows:
                parsed += len(row)
                yield row

        return reader(count(), **options)

    monkeypatch.setattr(text_exports.csv, "reader", counted)
    content = "id,text\n" + 'x","y\n' * 5000
    read = Read(written(content))
    assert not read.ids
    assert sum(1 for _ in read.bad) > 1
    assert parsed < 8 * len(content)


def test_a_line_beyond_the_limit_is_set_aside_and_the_next_is_read(written, monkeypatch):
    monkeypatch.setattr(text_exports, "MAX_ROW", 1000)
    long = "x" * 5000
    for path in (
        written(f"id,text\n1,{long}\n2,ok\n3,{'y' * 996}\n4,{'y' * 997}\n5,ok\n"),
        written(
            "\n".join(
                json.dumps({"id": i, "text": t}) for i, t in enumerate((long, "ok", "y" * 977, "y" * 978, "ok"), 1)
            ),
            "e.jsonl",
        ),
    ):
        read = Read(path)
        assert read.rows == [2, 3, 5]
        assert [row.row for row in read.bad] == [1, 4]
        assert all("longer than 1,000 characters" in row.reason for row in read.bad)


def test_a_message_of_a_million_characters_is_read(written):
    text = "long " * 200_000
    assert Read(written(f'id,text\n1,"{text}"\n')).texts == [text]
    assert Read(written(json.dumps({"text": text}), "e.jsonl")).texts == [text]


def test_batches_close_early_when_messages_are_long(written, parquet, monkeypatch):
    for module in (export_readers, parquet_exports):
        monkeypatch.setattr(module, "BATCH_CHARACTERS", 10_000)
    texts = [str(i) * 1000 for i in range(100)]
    for path in (
        written("text\n" + "\n".join(texts)),
        written("\n".join(json.dumps({"text": text}) for text in texts), "e.jsonl"),
        parquet({"text": texts}, compression="none", use_dictionary=False),
    ):
        read = Read(path)
        assert read.texts == texts
        assert max(len(batch) for batch in read.batches) <= 10


# Encodings


@pytest.mark.parametrize(
    ("encoding", "found"), [("utf-8", "utf-8"), ("utf-8-sig", "utf-8-sig"), ("utf-16", "utf-16"), ("cp1252", "cp1252")]
)
def test_encodings_are_recognised(written, encoding, found):
    text = "id,text\r\né1,¿Qué tal, señor? “ça va”\r\n".replace(", s", " s")
    read = Read(written(text.encode(encoding)))
    assert read.export.encoding == found
    assert (read.ids, read.texts) == (["é1"], ["¿Qué tal señor? “ça va”"])
    line = '{"id": "é1", "text": "Añade el café"}\n'
    read = Read(written(line.encode(encoding), "e.jsonl"))
    assert (read.ids, read.texts, read.export.encoding) == (["é1"], ["Añade el café"], found)


def test_utf_16_big_endian_with_a_mark(written):
    read = Read(written(b"\xfe\xff" + "id,text\n1,日本語\n".encode("utf-16-be")))
    assert (read.texts, read.export.encoding) == (["日本語"], "utf-16")


@pytest.mark.parametrize(
    "bytes_", [b"\xff", b"\xff\xfe x", b"a\xe2\x82", b"\xc3(", b"\xf0\x9f\x98", b"\xed\xa0\x80", b"\x80", b"\xc0\xaf"]
)
def test_broken_utf_8_costs_only_its_row(written, bytes_):
    read = Read(written(b'id,text\n1,plain\n2,"' + bytes_ + b'"\n3,two\n'))
    assert read.export.encoding == "utf-8"
    assert (read.ids, read.texts) == (["1", "3"], ["plain", "two"])
    assert [(row.row, row.id, row.reason) for row in read.bad] == [
        (2, "2", "bytes that do not fit the encoding (line 3)")
    ]
    assert read.bad[0].file.endswith("export.csv")

    read = Read(written(b'{"text": "a"}\n{"text": "' + bytes_ + b'"}\n{"text": "c"}\n', "e.jsonl"))
    assert (read.texts, [row.row for row in read.bad]) == (["a", "c"], [2])


def test_a_broken_byte_in_an_id_leaves_no_id(written):
    read = Read(written("id,text\né,a\n".encode() + b"x\xff,b\n"))
    assert (read.ids, [(row.row, row.id) for row in read.bad]) == (["é"], [(2, None)])


def test_one_western_line_does_not_turn_a_utf_8_file(written):
    lines = ["1,café\n".encode(), "2,naïve\n".encode(), "3,señor\n".encode("cp1252")]
    read = Read(written(b"id,text\n" + b"".join(lines)))
    assert (read.export.encoding, read.ids, [row.row for row in read.bad]) == ("utf-8", ["1", "2"], [3])


def test_a_byte_cp1252_lacks_is_set_aside_in_a_western_file(written):
    lines = [f"{i},café número {i}\n".encode("cp1252") for i in range(9)]
    read = Read(written(b"id,text\n" + b"".join(lines) + b"9,\x81\n"))
    assert (read.export.encoding, len(read.ids), [row.row for row in read.bad]) == ("cp1252", 9, [10])


def test_broken_utf_16_costs_only_its_row(written):
    content = "id,text\n1,a\n2,".encode("utf-16") + b"\x00\xd8" + "x\n3,c\n".encode("utf-16-le")
    read = Read(written(content))
    assert (read.ids, [row.row for row in read.bad]) == (["1", "3"], [2])


def test_the_encoding_can_be_forced(written):
    path = written("id,text\n1,привет\n".encode("koi8-r"))
    assert Read(path, encoding="koi8-r").texts == ["привет"]
    assert Read(written("id,text\n1,café\n".encode("latin-1")), encoding="utf-8").bad[0].row == 1
    assert Read(written("id,text\n1,é\n".encode("utf-8-sig")), encoding="UTF8").texts == ["é"]
    for encoding in ("klingon", "base64"):
        with pytest.raises(MessagesError, match=f"unknown encoding '{encoding}'; use auto"):
            Read(path, encoding=encoding)


def test_parquet_strings_that_are_not_utf_8_are_set_aside(tmp_path):
    broken = pa.array([b"ok", b"\xff", b"fine"]).view(pa.string())
    path = tmp_path / "e.parquet"
    pq.write_table(pa.table({"id": broken, "text": pa.array(["a", "b", "c"]), "surface": broken}), path)
    read = Read(path)
    assert (read.ids, read.texts) == (["ok", "fine"], ["a", "c"])
    assert [(row.row, row.id, row.reason) for row in read.bad] == [(2, None, "the id is not valid UTF-8")]
    pq.write_table(pa.table({"id": [1, 2, 3], "text": broken, "surface": ["post", "post", "profile"]}), path)
    read = Read(path)
    assert (read.ids, read.texts, read.surfaces) == ([1, 3], ["ok", "fine"], ["post", "profile"])
    assert [(row.row, row.id, row.reason) for row in read.bad] == [(2, 2, "the text is not valid UTF-8")]
    pq.write_table(pa.table({"text": ["a", "b", "c"], "surface": broken}), path)
    assert (Read(path).surfaces, Read(path).unknown_surfaces) == ([None] * 3, 3)


# JSON Lines


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "not JSON: Expecting property name enclosed in double quotes, character 2"),
        ("secret words", "not JSON: Expecting value, character 1"),
        ('{"text": "a"} {"text": "b"}', "not JSON: more after character 13"),
        ("[1]", "not a JSON object but a list"),
        ('"secret words"', "not a JSON object but a string"),
        ("null", "not a JSON object but null"),
        ('{"text": "a", "id": ' + "9" * 5000 + "}", "not JSON that can be read"),
        ("[" * 100_000, "not JSON that can be read"),
        ('{"text": "a", "id": true}', "the id is true or false"),
        ('{"text": "a", "id": [1]}', "the id is a list"),
        ('{"text": "a", "id": "\\ud83d"}', "the id holds half a character, which no file can keep"),
    ],
)
def test_lines_that_are_no_row_are_set_aside(written, line, reason):
    read = Read(written(f'{{"id": 1, "text": "a"}}\n\n{line}\n{{"id": 3, "text": "c"}}', "e.ndjson"))
    assert (read.ids, read.rows) == ([1, 3], [1, 3])
    assert [(row.row, row.id, row.reason) for row in read.bad] == [(2, None, f"{reason} (line 3)")]


def test_half_a_character_in_a_message_is_a_message(written):
    assert Read(written('{"text": "a\\ud83d"}', "e.jsonl")).batches[0].texts == ["a\ud83d"]


def test_a_column_is_found_though_the_first_lines_lack_it(written):
    content = 'oops\n{"x": 1}\n{"Message_ID": 1, "Body": "a", "Surface": "post"}\n'
    read = Read(written(content, "e.jsonl"))
    assert read.export.columns == Columns("Message_ID", "Body", "Surface")
    assert (read.ids, read.texts, read.surfaces, [row.row for row in read.bad]) == ([1], ["a"], ["post"], [1, 2])


def test_a_file_of_nothing_but_bad_lines_is_read(written):
    read = Read(written("a\nb\nc\n", "e.jsonl"), batch_size=2)
    assert (read.ids, [row.row for row in read.bad]) == ([], [1, 2, 3])


# Columns and surfaces


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("id,text,surface", Columns("id", "text", "surface")),
        ("ID,Text,Surface", Columns("ID", "Text", "Surface")),
        ("message_id,message,when", Columns("message_id", "message", None)),
        ("Message ID, Body ,x", Columns("Message ID", " Body ", None)),
        ("id,ID,text,TEXT,content", Columns("id", "text", None)),
        ("Content", Columns(None, "Content", None)),
    ],
)
def test_columns_are_found_by_common_names(written, parquet, header, found):
    names = header.split(",")
    assert Read(written(header + "\n" + ",".join("x" * len(names)) + "\n")).export.columns == found
    assert Read(parquet({name: ["x"] for name in names})).export.columns == found
    assert Read(written(json.dumps(dict.fromkeys(names, "x")), "e.jsonl")).export.columns == found


@pytest.mark.parametrize(
    ("header", "options", "message"),
    [
        ("a,b", {}, "no column 'text' among 'a', 'b'; name the right one with --text-column"),
        ("body,message", {}, "2 columns fit 'text': 'body', 'message'; name the right one with --text-column"),
        ("Text,TEXT", {}, "2 columns fit 'text': 'Text', 'TEXT'; name the right one with --text-column"),
        ("text,text", {}, "2 columns fit 'text': 'text', 'text'; name the right one with --text-column"),
        ("text,Id,ID", {}, "2 columns fit 'id': 'Id', 'ID'; name the right one with --id-column"),
        ("text", {"columns": Columns(id="key")}, "no column 'key' among 'text'; name the right one with --id-column"),
        (
            "text",
            {"columns": Columns(surface="x")},
            "no column 'x' among 'text'; name the right one with --surface-column",
        ),
        ("Body", {"columns": Columns(text="body")}, "no column 'body' among 'Body'; name the right one"),
    ],
)
def test_columns_that_are_missing_or_ambiguous_are_named(written, header, options, message):
    path = written(f"{header}\n{header}\n")
    with pytest.raises(MessagesError) as raised:
        Read(path, **options)
    assert str(raised.value).startswith(f"{path}: {message}")


def test_columns_can_be_named(written):
    read = Read(written("k,t,where,text\n7,hi,post,no\n"), columns=Columns("k", "t", "where"))
    assert (read.ids, read.texts, read.surfaces) == (["7"], ["hi"], ["post"])


def test_a_message_in_place_of_a_header_is_not_quoted(written):
    with pytest.raises(MessagesError) as raised:
        Read(written("1,my secret is that I never read the whole of it\n"))
    assert "secret" not in str(raised.value)
    assert "'1', (a long name)" in str(raised.value)


def test_many_columns_are_not_all_listed(written):
    with pytest.raises(MessagesError, match=r"'c23', \.\.\.; name"):
        Read(written(",".join(f"c{i}" for i in range(100)) + "\n"))


def test_unknown_surfaces_are_none_and_counted(written, parquet):
    given = ["comment", "Private Message", "private-message", " POST ", "wall", "", "profile"]
    expected = ["comment", "private_message", "private_message", "post", None, None, "profile"]
    lines = [{"text": "a", "surface": value} for value in [*given, None, 5, ["post"]]]
    for path, extra, unknown in (
        (written("text,surface\n" + "".join(f"a,{value}\n" for value in given)), 0, 1),
        (written("\n".join(map(json.dumps, lines)), "e.jsonl"), 3, 3),
        (parquet({"text": ["a"] * 8, "surface": [*given, None]}), 1, 1),
    ):
        read = Read(path)
        assert read.surfaces == expected + [None] * extra
        assert read.unknown_surfaces == unknown


# Files


@pytest.mark.parametrize("name", ["e.csv", "e.tsv", "e.jsonl", "e.ndjson", "e.parquet", "E.CSV"])
def test_formats_by_extension_empty_and_missing_files(tmp_path, name):
    path = tmp_path / name
    with pytest.raises(MessagesError, match="there is no such file; check the path"):
        read_messages(path)
    path.touch()
    with pytest.raises(MessagesError, match="the file is empty; export it again"):
        read_messages(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(MessagesError, match=r"there is no export in it; exports end in \.csv"):
        read_messages(path)


def test_unknown_formats(written):
    for name in ("export", "export.xlsx"):
        with pytest.raises(
            MessagesError, match=r"unknown extension '.*' and content \(text .*\); use \.csv, .* or name the format"
        ):
            read_messages(written("what is this\n", name))
    with pytest.raises(MessagesError, match="unknown format 'xml'; use one of csv, tsv, jsonl, json, parquet"):
        read_messages(written("text\na\n"), format="xml")
    assert format_of("a.xlsx", "NDJSON") == "jsonl"


@pytest.mark.parametrize("content", [b"\n\n\r\n", b"\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n"])
@pytest.mark.parametrize("name", ["e.csv", "e.jsonl"])
def test_nothing_but_blank_lines(written, content, name):
    with pytest.raises(MessagesError, match="nothing but blank lines"):
        Read(written(content, name))


def test_a_header_that_cannot_be_read(written):
    for content in (b'"id,text\n1,a\n', b"id,te\xffxt\n1,a\n"):
        with pytest.raises(MessagesError, match="the header cannot be read"):
            Read(written(content))


def test_an_export_without_rows_gives_one_empty_batch(written, parquet):
    for path in (written("\nid,text\n"), parquet({"id": pa.array([], pa.int32()), "text": pa.array([], pa.string())})):
        [batch] = read_messages(path)
        assert (len(batch), list(batch.texts), batch.bad) == (0, [], ())
        assert batch.export.columns == Columns("id", "text", None)
    assert batch.ids.type == pa.int32()


def test_parquet_that_is_damaged_or_no_parquet(written, parquet):
    whole = parquet({"text": [str(i) for i in range(10_000)]}, row_group_size=1000).read_bytes()
    for content in (whole[:-100], whole[:10], b"text\na\n", b"PAR1" + whole[50:1000] + b"PAR1"):
        with pytest.raises(MessagesError, match="is not a whole Parquet file; export it again or name its format"):
            Read(written(content, "e.parquet"))
    middle = len(whole) // 2
    damaged = whole[:middle] + b"\xff" * 2000 + whole[middle + 2000 :]
    with pytest.raises(MessagesError, match=r"is damaged after row [1-9]\d*; export it again"):
        Read(written(damaged, "e.parquet"), batch_size=100)


def test_parquet_whose_column_is_missing_or_no_text(parquet):
    with pytest.raises(MessagesError, match="no column 'text' among 'a'; name the right one with --text-column"):
        Read(parquet({"a": ["x"]}))
    for column, kind in (([1], "int64"), ([["a"]], "list"), ([b"a"], "binary")):
        with pytest.raises(MessagesError, match=f"column 'text' holds {kind}.*, not text; name another column"):
            Read(parquet({"text": column}))


def test_a_file_nobody_may_read(written, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    path = written("text\na\n")
    monkeypatch.setattr(io, "FileIO", refuse)
    with pytest.raises(MessagesError, match=r"cannot be read \(Permission denied\)"):
        Read(path)


def test_batches_and_progress(written, parquet):
    texts = [f"message {i}" for i in range(10_000)]
    for path in (
        written("text\n" + "\n".join(texts)),
        written("\n".join(json.dumps({"text": text}) for text in texts), "e.jsonl"),
        parquet({"text": texts}, row_group_size=3000),
    ):
        read = Read(path, batch_size=999)
        assert read.texts == texts
        assert read.rows == list(range(1, 10_001))
        assert max(map(len, read.batches)) <= 999
        fractions = [batch.fraction for batch in read.batches]
        assert fractions == sorted(fractions)
        assert fractions[-1] == 1.0
        assert all(0 < fraction <= 1 for fraction in fractions)
    with pytest.raises(ValueError, match="batch_size is 0"):
        read_messages(path, batch_size=0)


def test_errors_and_bad_rows_never_quote_messages(written):
    secret = "xyzzy"
    csv_rows = f'id,text\n1,"{secret}" {secret}\n2,{secret},{secret}\n3,{secret}\n'
    lines = f'{{"text": "a"}}\n{secret}\n"{secret}"\n{{"text": ["{secret}"]}}\n{{"text": "{secret}\n'
    for path in (written(csv_rows), written(lines, "e.jsonl")):
        read = Read(path)
        assert len(read.bad) >= 2
        assert secret not in repr([(row.file, row.row, row.reason) for row in read.bad])


# Any list of messages comes back exactly

UNICODE = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
ROWS = st.lists(st.tuples(UNICODE, UNICODE), max_size=30)


QUOTED = st.sampled_from([("\n", csv.QUOTE_ALL), ("\r", csv.QUOTE_ALL), ("\r\n", csv.QUOTE_MINIMAL)])


@given(rows=ROWS, quoted=QUOTED, size=st.integers(1, 9), mark=st.booleans())
@settings(max_examples=200, deadline=None)
def test_any_csv_comes_back(tmp_path_factory, rows, quoted, size, mark):
    path = tmp_path_factory.mktemp("csv") / "e.csv"
    with path.open("w", encoding="utf-8-sig" if mark else "utf-8", newline="") as file:
        csv.writer(file, lineterminator=quoted[0], quoting=quoted[1]).writerows([("id", "text"), *rows])
    read = Read(path, batch_size=size, encoding="utf-8")
    assert (list(zip(read.ids, read.texts, strict=True)), read.bad) == (rows, [])


IDS = st.one_of(UNICODE, st.integers(-(2**80), 2**80), st.none())
ANY_TEXT = st.text(max_size=30)  # half characters too: JSON can carry them


@given(rows=st.lists(st.tuples(IDS, ANY_TEXT), min_size=1, max_size=30), escape=st.booleans(), size=st.integers(1, 9))
@settings(max_examples=200, deadline=None)
def test_any_json_lines_come_back(tmp_path_factory, rows, escape, size):
    path = tmp_path_factory.mktemp("jsonl") / "e.jsonl"
    escape = escape or any("\ud800" <= character <= "\udfff" for _, text in rows for character in text)
    lines = (json.dumps({"id": key, "text": text}, ensure_ascii=escape) for key, text in rows)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    batches = list(read_messages(path, batch_size=size, encoding="utf-8"))
    found = list(chain.from_iterable(zip(batch.ids, batch.texts, strict=True) for batch in batches))
    assert found == rows
    assert [type(key) for key, _ in found] == [type(key) for key, _ in rows]


@given(rows=ROWS, group=st.integers(1, 9), size=st.integers(1, 9))
@settings(max_examples=50, deadline=None)
def test_any_parquet_comes_back(tmp_path_factory, rows, group, size):
    path = tmp_path_factory.mktemp("parquet") / "e.parquet"
    schema = pa.schema({"id": pa.string(), "text": pa.string()})
    table = pa.Table.from_pylist([{"id": key, "text": text} for key, text in rows], schema)
    pq.write_table(table, path, row_group_size=group)
    read = Read(path, batch_size=size)
    assert (list(zip(read.ids, read.texts, strict=True)), read.bad) == (rows, [])


@given(content=st.binary(min_size=1, max_size=300), name=st.sampled_from(["e.csv", "e.tsv", "e.jsonl", "e.parquet"]))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_read_or_refused(tmp_path_factory, content, name):
    path = tmp_path_factory.mktemp("any") / name
    path.write_bytes(b"" if name == "e.parquet" else b"id,text\n" if name == "e.csv" else b"id\ttext\n")
    if name in ("e.jsonl", "e.parquet"):
        path.write_bytes(content)
    else:
        path.write_bytes(path.read_bytes() + content)
    try:
        read = Read(path, encoding="utf-8")
    except MessagesError:
        assert name in ("e.jsonl", "e.parquet")
        return
    numbers = sorted(read.rows + [row.row for row in read.bad])
    assert numbers == list(range(1, len(numbers) + 1))
