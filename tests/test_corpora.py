"""The registry of corpora: validation, reading every format, the meaning of the mapping, and the real corpora."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from classifier import corpora
from classifier.corpora import COLUMNS, PARTS, CorpusFile, fetch, load_registry, read, text_digest
from classifier.errors import CorpusError
from classifier.guidelines import LABELS, SURFACES

NA = None  # how the tests write unknown


@pytest.fixture(autouse=True)
def _no_mirror(monkeypatch):
    monkeypatch.delenv("CLASSIFIER_MIRROR", raising=False)


@pytest.fixture
def make(tmp_path):
    """Write files and a registry entry for them; return the entry as the registry loads it."""

    def make(files, head="", tail="", patterns="", extra=None, encoding="utf-8"):
        lines = []
        for name, content in files.items():
            data = content if isinstance(content, bytes) else content.encode(encoding)
            path = tmp_path / "mirror" / "toy" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            sha, more = hashlib.sha256(data).hexdigest(), (extra or {}).get(name, "")
            lines.append(
                f'{{ name = "{name}", url = "https://example.org/{name}", '
                f'bytes = {len(data)}, sha256 = "{sha}"{more} }},'
            )
        defaults = {"surface": '"comment"', "lang": '"en"', "languages": '["en"]', "read": '{ format = "csv" }'}
        given = {line.split("=")[0].strip() for line in head.splitlines() if "=" in line}
        fill = "\n".join(f"{key} = {value}" for key, value in defaults.items() if key not in given)
        (tmp_path / "corpora.toml").write_text(
            f'[patterns]\n{patterns}\n[corpora.toy]\ntitle = "Toy"\nlicence = "CC0-1.0"\ncitation = "Nobody (2026)"\n'
            f'homepage = "https://example.org"\n{fill}\n{head}\n'
            f"files = [\n{chr(10).join(lines)}\n]\n{tail or 'labels.spam.positive = [{}]'}\n",
            encoding="utf-8",
        )
        return load_registry(tmp_path / "corpora.toml")["toy"]

    return make


@pytest.fixture
def rows(tmp_path):
    def rows(corpus, **options):
        return read(corpus, tmp_path / "folder", mirror=tmp_path / "mirror", **options)

    return rows


def values(frame, label):
    return [NA if pd.isna(value) else int(value) for value in frame[label]]


# ---- formats ----


def test_csv_and_the_shape_of_what_is_read(make, rows):
    corpus = make(
        {"a.csv": 'text,kind\n"one, two",x\n"line\nbreak",y\n'}, tail='labels.spam.positive = [{ kind = ["x"] }]'
    )
    frame = rows(corpus)
    assert [*frame.columns] == [*COLUMNS]
    assert frame["text"].tolist() == ["one, two", "line\nbreak"]
    assert frame["id"].tolist() == frame["group"].tolist() == ["toy:a.csv:0", "toy:a.csv:1"]
    assert {frame[label].dtype.name for label in LABELS} == {"Int8"}
    assert values(frame, "spam") == [1, NA]
    assert frame[["lang", "surface", "corpus", "part"]].drop_duplicates().to_numpy().tolist() == [
        ["en", "comment", "toy", "train"]
    ]
    assert frame[[label for label in LABELS if label != "spam"]].isna().all(axis=None)


def test_words_that_pandas_takes_for_missing_are_messages(make, rows):
    assert rows(make({"a.csv": 'text,kind\nNA,x\nnull,x\n"",x\n  ,x\n007,x\n'}))["text"].tolist() == [
        "NA",
        "null",
        "007",
    ]


def test_tsv_without_header_and_quoting(make, rows):
    read = 'read = { format = "csv", delimiter = "\\t", quoted = false, columns = ["kind", "text"] }'
    frame = rows(make({"a.tsv": 'x\t"half a quotation\ny\tvertical\x0bspace\r\n'}, read))
    assert frame["text"].tolist() == ['"half a quotation', "vertical\x0bspace"]


def test_short_rows_are_filled_and_long_rows_refused(make, rows):
    assert values(rows(make({"a.csv": "text,k\nhello\n"}, tail='labels.spam.negative = [{ k = [""] }]')), "spam") == [0]
    with pytest.raises(CorpusError, match=r"^toy: .*line 2 has 3 cells for 2 columns"):
        rows(make({"a.csv": "text,k\na,b,c\n"}))


def test_encoding(make, rows):
    read = 'read = { format = "csv", encoding = "utf-16" }'
    assert rows(make({"a.csv": "text\nñandú\n"}, read, encoding="utf-16"))["text"].tolist() == ["ñandú"]
    with pytest.raises(CorpusError, match=r"^toy: files and entry do not fit .*UnicodeDecodeError"):
        rows(make({"a.csv": b"text\n\xff\n"}))


def test_lines_beside_each_other(make, rows):
    head = (
        'lang = "$lang"\nlanguages = ["de", "en"]\nread = { format = "lines" }\n'
        'derive.of = { digest = "english" }\ngroup = "$of"'
    )
    extra = {
        "x.de": ', set = { lang = "de" }, beside = { english = "x.en" }',
        "x.en": ', set = { lang = "en" }, beside = { english = "x.en" }',
    }
    tail = 'labels.spam.negative = [{ english = "!~buy" }]'
    frame = rows(make({"x.de": "Kauf jetzt\nHallo\n", "x.en": "Buy now\nHello\n"}, head, tail, extra=extra))
    assert frame[["text", "lang"]].to_numpy().tolist() == [
        ["Kauf jetzt", "de"],
        ["Hallo", "de"],
        ["Buy now", "en"],
        ["Hello", "en"],
    ]
    assert values(frame, "spam") == [NA, 0, NA, 0]
    assert frame["group"].tolist()[:2] == frame["group"].tolist()[2:]
    assert frame["group"].nunique() == 2


def test_json_paths(make, rows):
    content = {"train": [{"t": "one", "spans": [{"k": "A"}, {"k": "B"}]}], "dev": [{"t": "two", "spans": []}]}
    head = """
part = "$split"
read = { format = "json", records = "<split>.*", columns = { text = "t", kinds = "spans.*.k" } }
"""
    tail = 'labels.spam.positive = [{ kinds = ["A|B"] }]\nlabels.spam.negative = [{ kinds = [""] }]'
    frame = rows(make({"a.json": json.dumps(content)}, head, tail))
    assert frame[["text", "part"]].to_numpy().tolist() == [["one", "train"], ["two", "dev"]]
    assert values(frame, "spam") == [1, 0]


def test_json_turns_of_dialogues(make, rows):
    head = (
        'group = "toy:$dialogue"\nread = { format = "json", records = "<dialogue>.turns.*.*", columns = { text = "" }, '
        'replace = [["^__NOTHING__$", ""]] }'
    )
    content = [{"turns": [["__NOTHING__", "hello"], ["hi", "bye"]]}, {"turns": [["again", "well"]]}]
    frame = rows(make({"a.json": json.dumps(content)}, head))
    assert frame["text"].tolist() == ["hello", "hi", "bye", "again", "well"]
    assert frame["group"].tolist() == ["toy:0"] * 3 + ["toy:1"] * 2
    with pytest.raises(CorpusError, match=r"^toy: files and entry do not fit .*JSONDecodeError"):
        rows(make({"a.json": "{"}, head))


def test_zip_members(make, rows, tmp_path):
    with zipfile.ZipFile(tmp_path / "z", "w") as archive:
        archive.writestr("in/es.csv", "text\nhola\n")
        archive.writestr("in/fr.csv", "text\nsalut\n")
        archive.writestr("in/other.csv", "text\nunused\n")
    data = (tmp_path / "z").read_bytes()
    head = 'lang = "$lang"\nlanguages = ["es", "fr"]'
    extra = {"a.zip": ', members = { "in/es.csv" = { lang = "es" }, "in/fr.csv" = { lang = "fr" } }'}
    assert rows(make({"a.zip": data}, head, extra=extra))[["id", "lang"]].to_numpy().tolist() == [
        ["toy:es.csv:0", "es"],
        ["toy:fr.csv:0", "fr"],
    ]
    with pytest.raises(CorpusError, match=r"^toy: files and entry do not fit .*in/no.csv"):
        rows(make({"a.zip": data}, head, extra={"a.zip": ', members = { "in/no.csv" = { lang = "es" } }'}))


def test_melt_makes_a_row_of_each_column_and_keeps_pairs_together(make, rows):
    head = """
id = "$file:$row.$variable"
group = "toy:$row"
read = { format = "csv", melt = ["rude", "kind"], text = "value" }
"""
    tail = 'labels.harassment = { positive = [{ variable = ["rude"] }], negative = [{ variable = ["kind"] }] }'
    frame = rows(make({"a.csv": "rude,kind\nGrr,Well\nBah,\n"}, head, tail))
    assert frame[["id", "text", "group"]].to_numpy().tolist() == [
        ["toy:a.csv:0.rude", "Grr", "toy:0"],
        ["toy:a.csv:1.rude", "Bah", "toy:1"],
        ["toy:a.csv:0.kind", "Well", "toy:0"],
    ]
    assert values(frame, "harassment") == [1, 1, 0]


def test_decoding_is_declared(make, rows):
    content = 'text\n"Tom &amp;amp; Ana?a=1&copy=2<br />so &lt;3 <user> \\ud83d\\ude00"\n'
    assert rows(make({"a.csv": content}))["text"][0] == content.split('"')[1]
    read = 'read = { format = "csv", decode = ["entities", "tags", "escapes"] }'
    assert rows(make({"a.csv": content}, read))["text"][0] == "Tom & Ana?a=1&copy=2\nso <3 <user> 😀"


def test_derived_columns(make, rows):
    head = """
derive.votes = { sum = ["vote_*"] }
derive.share = { ratio = ["votes", "asked"] }
derive.sentence = { tokens = "words" }
derive.tongue = { extract = "[ñ¿]", of = "sentence" }
derive.lang = { map = { "" = "en" }, of = "tongue", default = "es" }
derive.year = { extract = "(\\\\d+)-", of = "date" }
read = { format = "csv", text = "sentence" }
lang = "$lang"
languages = ["en", "es"]
group = "$year"
"""
    content = "words,vote_a,vote_b,asked,date\n\"['good', 'day']\",1,0,2,2024-05\n\"['¿qué', '?']\",1,1,2,never\n"
    tail = 'labels.hate = { positive = [{ share = ">= 1" }], negative = [{ share = "< 1" }] }'
    frame = rows(make({"a.csv": content}, head, tail))
    assert frame[["text", "lang", "group"]].to_numpy().tolist() == [["good day", "en", "2024"], ["¿qué ?", "es", ""]]
    assert values(frame, "hate") == [0, 1]


# ---- what the mapping means ----


def test_a_cell_that_no_rule_claims_is_unknown_and_never_zero(make, rows):
    tail = 'labels.spam.positive = [{ kind = ["ad"] }]\nlabels.hate.negative = [{ kind = ["ham"] }]'
    frame = rows(make({"a.csv": "text,kind\na,ad\nb,ham\nc,maybe\n"}, tail=tail))
    assert values(frame, "spam") == [1, NA, NA]
    assert values(frame, "hate") == [NA, 0, NA]
    assert values(frame, "harassment") == [NA, NA, NA]


def test_columns_of_a_condition_are_and_conditions_are_or(make, rows):
    tail = 'labels.spam.positive = [{ a = ["1"], b = ["1", "2"] }, { c = ["1"] }]'
    frame = rows(make({"a.csv": "text,a,b,c\np,1,2,0\nq,1,0,0\nr,0,1,0\ns,0,0,1\n"}, tail=tail))
    assert values(frame, "spam") == [1, NA, NA, 1]


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        (">= 2", [NA, 1, 1, NA]),
        ("> 2", [NA, NA, 1, NA]),
        ("<= 2", [1, 1, NA, NA]),
        ("< 2", [1, NA, NA, NA]),
        ("== 2", [NA, 1, NA, NA]),
        ("~^2|W", [NA, 1, NA, 1]),
        ("!~^2|W", [1, NA, 1, NA]),
        ("~{many}", [NA, 1, 1, NA]),
    ],
)
def test_conditions(make, rows, test, expected):
    tail = f"labels.spam.positive = [{{ n = '{test}' }}]"
    frame = rows(make({"a.csv": "text,n\na,1\nb,2\nc,3.5\nd,few\n"}, tail=tail, patterns="many = '[2-9]'"))
    assert values(frame, "spam") == expected


def test_rules_that_contradict_each_other_leave_the_cell_unknown(make, rows):
    tail = "labels.spam = { positive = [{ text = '~buy' }], negative = [{ text = '~milk' }] }"
    assert values(rows(make({"a.csv": "text\nbuy now\nmilk\nbuy milk\n"}, tail=tail)), "spam") == [1, 0, NA]


def test_copies_are_merged_and_conflicts_become_unknown(make, rows):
    tail = """
labels.spam = { positive = [{ s = ["1"] }], negative = [{ s = ["0"] }] }
labels.hate = { positive = [{ h = ["1"] }], negative = [{ h = ["0"] }] }
"""
    content = "text,s,h\nsame,1,0\nother,0,0\n same ,0,0\nagreed,1,\nagreed,1,1\n"
    frame = rows(make({"a.csv": content}, tail=tail))
    assert frame["id"].tolist() == ["toy:a.csv:0", "toy:a.csv:1", "toy:a.csv:3"]
    assert values(frame, "spam") == [NA, 0, 1]
    assert values(frame, "hate") == [0, 0, 1]


def test_the_copy_in_the_test_part_stays_whatever_parts_are_read(make, rows):
    corpus = make({"a.csv": "text,split\nsame,train\nmine,train\nsame,test\nsame,dev\n"}, 'part = "$split"')
    assert rows(corpus)[["text", "part"]].to_numpy().tolist() == [["mine", "train"], ["same", "test"]]
    assert rows(corpus, parts=["train"])["text"].tolist() == ["mine"]
    assert rows(corpus, parts=["dev"]).empty
    assert rows(corpus, parts=PARTS).index.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ('part = "$split"', "part 'validation' is none of"),
        ('lang = "$split"', "lang 'validation' is none of"),
        ('surface = "$split"', "surface 'validation' is none of"),
        ('id = "$split"', "the id 'toy:validation' occurs twice"),
        ('group = "$nothing"', "files and entry do not fit .*nothing"),
        ('derive.x = { sum = ["vote*"] }', "files and entry do not fit .*vote"),
    ],
)
def test_an_entry_that_does_not_fit_its_files(make, rows, head, message):
    corpus = make({"a.csv": "text,split\na,validation\nb,validation\n"}, head)
    with pytest.raises(CorpusError, match=f"^toy: {message}"):
        rows(corpus)


def test_text_digest_ignores_how_a_text_is_written_down():
    plain = "Caf\u00e9 & “<3” 😀"
    assert text_digest("  Cafe\u0301\u00a0&amp;\n&#8220;&lt;3\\u201d <br>\\ud83d\\uDE00 ") == text_digest(plain)
    assert text_digest(plain) != text_digest(plain.upper())
    assert text_digest("a\u0001b") != text_digest("ab")
    assert text_digest("") == hashlib.sha256(b"").hexdigest()
    assert len(text_digest("half \\ud83d of a pair, \ud83d too")) == 64


# ---- fetching ----


def test_a_mirror_is_read_in_place(make, tmp_path, monkeypatch):
    corpus = make({"a.csv": "text\na\n"})
    path = tmp_path / "mirror" / "toy" / "a.csv"
    assert fetch(corpus, tmp_path / "folder", mirror=tmp_path / "mirror") == [path]
    monkeypatch.setenv("CLASSIFIER_MIRROR", str(tmp_path / "mirror"))
    assert fetch(corpus, tmp_path / "folder") == [path]
    assert not (tmp_path / "folder").exists()


def test_a_changed_or_missing_file_of_a_mirror_is_named_and_left(make, tmp_path):
    corpus = make({"a.csv": "text\na\n"})
    path = tmp_path / "mirror" / "toy" / "a.csv"
    path.write_text("changed")
    with pytest.raises(CorpusError, match=r"a\.csv: SHA-256 is \w{64}, expected \w{64}; restore it"):
        fetch(corpus, tmp_path, mirror=tmp_path / "mirror")
    assert path.read_text() == "changed"
    path.unlink()
    with pytest.raises(CorpusError, match=r"a\.csv: not in the mirror; put it there, from https://example\.org/a\.csv"):
        fetch(corpus, tmp_path, mirror=tmp_path / "mirror")


def test_what_is_missing_is_downloaded_and_what_is_there_is_verified(make, tmp_path, monkeypatch):
    corpus, calls = make({"a.csv": "text\na\n", "b.csv": "text\nb\n"}), []

    def download(url, path, *, size, sha256, progress):
        calls.append((url, size, progress))
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes((tmp_path / "mirror" / "toy" / path.name).read_bytes())

    monkeypatch.setattr(corpora, "download", download)
    paths = fetch(corpus, tmp_path / "folder", progress=print)
    assert paths == [tmp_path / "folder" / "toy" / name for name in ("a.csv", "b.csv")]
    assert calls == [("https://example.org/a.csv", 7, print), ("https://example.org/b.csv", 7, print)]
    assert read(corpus, tmp_path / "folder")["text"].tolist() == ["a", "b"]
    assert len(calls) == 2
    paths[0].write_text("mine")
    with pytest.raises(CorpusError, match="delete it to have it downloaded again"):
        fetch(corpus, tmp_path / "folder")
    assert paths[0].read_text() == "mine"


# ---- the registry ----


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("title =", "titel =", r"title: missing; add it"),
        ('title = "Toy"', "title = 3", r"title: 3 is no str"),
        ('title = "Toy"', 'title = "Toy"\nmood = "x"', r"mood: unknown key"),
        ('["en"]', "[]", r"languages: empty"),
        ('["en"]', '"en"', r"languages: is no list"),
        ('"comment"', '"tweet"', r"surface: 'tweet' is not allowed; use one of private_message, comment"),
        ('lang = "en"', 'lang = "en"\npart = "all"', r"part: 'all' is not allowed; use one of train"),
        ('lang = "en"', 'lang = "en"\nevaluation = ["all"]', r"evaluation: .* no parts"),
        ('format = "csv"', 'format = "xls"', r"read\.format: no such format; use one of csv"),
        ('format = "csv"', 'format = "csv", sep = ";"', r"read\.sep: unknown key"),
        ('format = "csv"', 'format = "csv", decode = ["rot13"]', r"read\.decode: 'rot13' is no decoding"),
        ("https://example.org/a", "http://example.org/a", r"files\[0\]\.url: .* is no https"),
        ('name = "a.csv"', 'name = "../a.csv"', r"files\[0\]\.name: '../a.csv' is no plain file name"),
        ('sha256 = "', 'sha256 = "x', r"files\[0\]\.sha256: 'x.* is no SHA-256"),
        ("bytes = 7", 'bytes = "7"', r"files\[0\]\.bytes: '7' is no int"),
        ("bytes = 7", 'bytes = 7, beside = { x = "no.txt" }', r"files\[0\]\.beside: .* names no file"),
        ("bytes = 7", "bytes = 7, mtime = 8", r"files\[0\]\.mtime: unknown key"),
        ("labels.spam", "labels.scam", r"labels\.scam: is none of our labels; use harassment"),
        ("spam.positive", "spam.maybe", r"labels\.spam: holds more than positive and negative"),
        ("[{}]", '"yes"', r"labels\.spam\.positive: is no list of tables"),
        ("[{}]", "[{ k = 1 }]", r"labels\.spam\.positive\.k: 1 is no condition"),
        ("[{}]", "[{ k = [1] }]", r"labels\.spam\.positive\.k: \[1\] is no condition"),
        ("[{}]", '[{ k = "yes" }]', r"labels\.spam\.positive\.k: 'yes' is no condition"),
        ("[{}]", '[{ k = ">=2" }]', r"labels\.spam\.positive\.k: '>=2' is no condition"),
        ("[{}]", '[{ k = "~(" }]', r"labels\.spam\.positive\.k: no regular expression"),
        ("[{}]", '[{ k = "~{love}" }]', r"labels\.spam\.positive\.k: no pattern 'love'"),
        ("labels.spam.positive = [{}]", "[corpora.toy.labels]", r"labels: empty"),
        ('lang = "en"', 'lang = "en"\nderive.x = { guess = "y" }', r"derive\.x: names no operation; use one of sum"),
    ],
)
def test_an_entry_that_is_wrong_names_file_and_key(make, tmp_path, old, new, message):
    make({"a.csv": "text\na\n"})
    path = tmp_path / "corpora.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(CorpusError, match=rf"corpora\.toml, corpora\.toy\.{message}"):
        load_registry(path)


def test_a_registry_that_cannot_be_read(tmp_path):
    path = tmp_path / "r.toml"
    path.write_text("[corpora")
    with pytest.raises(CorpusError, match=r"r\.toml: cannot read the registry \(Expected .*\); name a TOML file"):
        load_registry(str(path))
    path.write_text("[corpus.x]")
    with pytest.raises(CorpusError, match=r"r\.toml: unknown table 'corpus'; use \[patterns\] and"):
        load_registry(path)


def test_the_same_file_twice(make):
    with pytest.raises(CorpusError, match=r"files\[0\]\.name: 'a\.csv' occurs twice"):
        make(
            {"a.csv": "text\na\n"}, extra={"a.csv": ' }, { name = "a.csv", url = "https://x", bytes = 1, sha256 = "0"'}
        )


def test_the_shipped_registry():
    registry = load_registry()
    assert len(registry) == len(ROWS)
    assert {name for name, corpus in registry.items() if corpus.evaluation} == {
        "clinc150",
        "cold_zh",
        "germeval2018_de",
        "hatexplain",
    }
    for corpus in registry.values():
        assert corpus.licence
        assert corpus.citation
        for file in corpus.files:
            assert isinstance(file, CorpusFile)
            assert "/main/" not in file.url
            assert "/master/" not in file.url
    with pytest.raises(dataclasses.FrozenInstanceError):
        corpus.name = "other"


def test_pandas_is_loaded_only_to_read():
    code = (
        "import sys, classifier.corpora as c; c.load_registry(); c.text_digest('x'); assert 'pandas' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# ---- the real corpora, where somebody has them ----

ROWS = {
    "davidson2017": 24_782,
    "edos": 20_000,
    "convabuse": 2351,
    "guest_misogyny": 6152,
    "paradetox_en": 30_990,
    "hatexplain": 15_351,
    "mlma": 13_001,
    "wiki-toxicity": 1492,
    "germeval2018_de": 8541,
    "cold_zh": 37_325,
    "toldbr_pt": 20_813,
    "kocohub_ko": 8367,
    "sms-spam-collection": 5160,
    "sms-multilingual-mt": 15_394,
    "youtube-spam": 1027,
    "ms-personality-chat": 6860,
    "presidio-synth": 1392,
    "sib-200": 10_515,
    "clinc150": 23_695,
    "banking77": 9999,
    "goemotions": 43_226,
    "xpersona": 38_658,
    "topical-chat": 11_467,
    "kdconv-zh": 9010,
    "korean-chatbot": 19_436,
    "tatoeba-laser": 26_723,
}


@pytest.fixture(scope="module")
def everything():
    folder = Path(os.environ.get("CLASSIFIER_MIRROR") or Path(__file__).parents[2] / "shared" / "corpora")
    if not folder.is_dir():
        pytest.skip("no mirror of the corpora: set CLASSIFIER_MIRROR to a folder <corpus>/<file>")
    return {name: read(corpus, folder, mirror=folder) for name, corpus in load_registry().items()}


def test_every_real_corpus_is_read(everything):
    assert {name: len(frame) for name, frame in everything.items()} == ROWS
    for name, frame in everything.items():
        assert frame["text"].str.len().min() > 0, name
        assert frame["text"].map(text_digest).is_unique, name
        assert set(frame["surface"]) <= {*SURFACES}, name
        assert set(frame["lang"]) == {*load_registry()[name].languages}, name
        assert frame[[*LABELS]].notna().any(axis=None), name
        assert set(frame[[*LABELS]].stack().dropna()) <= {0, 1}, name


def test_the_real_corpora_together_know_every_label(everything):
    frame = pd.concat(everything.values(), ignore_index=True)
    assert frame["id"].is_unique
    for label in LABELS:
        assert (frame[label] == 1).sum() > 500, label
        assert (frame[label] == 0).sum() > 50_000, label
        assert frame[label].isna().sum() > 10_000, label


def test_pairs_and_translations_share_a_group(everything):
    assert everything["sib-200"].groupby("group")["text"].size().eq(15).mean() > 0.99
    english, translated = everything["sms-spam-collection"], everything["sms-multilingual-mt"]
    assert translated["group"].isin(english["group"]).mean() > 0.8
    assert everything["youtube-spam"]["group"].nunique() == 3
    assert everything["paradetox_en"].groupby("group").size().ge(2).mean() > 0.9
