"""Labelled messages: files, unknown labels, splits, and what a training run is assembled from."""

import hashlib
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from classifier.assembly import assemble, data_folder, read_splits
from classifier.corpora import load_registry, text_digest
from classifier.errors import ExamplesError
from classifier.examples import (
    annotate,
    label_matrix,
    read_annotations,
    read_examples,
    split_of,
    without_held_out_copies,
)
from classifier.guidelines import LABELS

HEADER = f"id,text,lang,surface,{','.join(LABELS)}"


@pytest.fixture
def csv(tmp_path):
    def write(*rows, header=HEADER, name="mine.csv", encoding="utf-8"):
        path = tmp_path / name
        path.write_text("\n".join([header, *rows]) + "\n", encoding=encoding)
        return path

    return write


# ---- files ----


def test_unknown_stays_unknown_and_texts_stay_texts(csv):
    rows = ["007,NA,en,comment,1,0,,,0,", "8,null,en,post,,,,,,1", '9,"a, ""b""\nc",fr,profile, 1 ,0.0,1.0,True,False,']
    path = csv(*rows, encoding="utf-8-sig")
    frame = read_examples(path)
    assert frame["id"].tolist() == ["007", "8", "9"]
    assert frame["text"].tolist() == ["NA", "null", 'a, "b"\nc']
    assert {str(frame[label].dtype) for label in LABELS} == {"Int8"}
    nan = np.nan
    expected = [[1, 0, nan, nan, 0, nan], [nan, nan, nan, nan, nan, 1], [1, 0, 1, 1, 0, nan]]
    np.testing.assert_array_equal(label_matrix(frame), np.float32(expected))


@pytest.mark.parametrize("dtype", ["Int8", "Int64", "float64", "boolean", "object"])
def test_parquet_holds_the_same(csv, tmp_path, dtype):
    frame = read_examples(csv("007,NA,en,comment,1,0,,0,0,", "8,nan,en,post,0,,1,0,0,1")).assign(more=[1, 2])
    stored = frame.astype(dict.fromkeys(LABELS, dtype)) if dtype != "object" else frame.astype({"spam": object})
    stored.to_parquet(tmp_path / "mine.parquet", index=False)
    again = read_examples(tmp_path / "mine.parquet")
    pd.testing.assert_frame_equal(again[[*LABELS]], frame[[*LABELS]])
    assert again["text"].tolist() == ["NA", "nan"]
    assert again["more"].tolist() == [1, 2]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["1,a,en,comment,yes,0,0,0,0,0"], r"mine\.csv, row 2, column harassment: holds 'yes'; use 1, 0 or leave"),
        (["1,a,en,comment,0,0,2,0,0,0"], r"mine\.csv, row 2, column spam: holds '2'"),
        (["1,a,en,comment,0,0,-1,0,0,0"], r"column spam: holds '-1'"),
        (["1,a,en,comment,0,0,nan,0,0,0"], r"column spam: holds 'nan'"),
        (["1,a,en,comment,0,0,0,0,0,0", "1,b,en,comment,0,0,0,0,0,0"], r"row 3, column id: '1' stands twice; give"),
        (
            ["1,a,en,sms,0,0,0,0,0,0", "2,a,en,sms,0,0,0,0,0,0"],
            r"row 2, column surface: holds 'sms' \(and 1",
        ),
        ([], r"mine\.csv: holds no messages; add labelled messages"),
        (
            ["1,a,en,comment,0,0,0,0,0,0", "2,b,en,post,0,0,0,0,0,0,0"],
            r"mine\.csv, row 3: 11 fields where the header has 10",
        ),
    ],
)
def test_mistakes_name_file_row_and_column(csv, rows, message):
    with pytest.raises(ExamplesError, match=message):
        read_examples(csv(*rows))


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("text", None, r"mine\.parquet, row 3, column text: is missing; fill it in or remove the row"),
        (
            "id",
            "",
            r"mine\.parquet, row \d, column id: is empty",
        ),
        ("surface", None, r"row 3, column surface: is missing"),
    ],
)
def test_mistakes_in_parquet(tmp_path, column, value, message):
    frame = pd.DataFrame({"id": ["a", "b"], "text": "t", "lang": "en", "surface": "post", **dict.fromkeys(LABELS, 0)})
    frame[column] = [4, 5] if value == 5 else [frame[column].iloc[0], value]
    frame.to_parquet(tmp_path / "mine.parquet")
    with pytest.raises(ExamplesError, match=message):
        read_examples(tmp_path / "mine.parquet")


def test_files_that_are_none(csv, tmp_path):
    for path, message in (
        (tmp_path / "none.csv", r"none\.csv: is missing; give a CSV or Parquet file"),
        (tmp_path, "is a folder"),
        (csv("x", name="a.txt"), r"a\.txt: has the unknown extension '\.txt'; use \.csv or \.parquet"),
        (csv("x", name="a.parquet"), r"a\.parquet: cannot be read"),
        (
            csv(header="id,text,surface,spam"),
            r"column lang, harassment, .* is missing \(found: id, text, surface, spam\)",
        ),
        (csv("1,é", name="l.csv", encoding="latin-1"), r"l\.csv, near row 2: is not UTF-8"),
    ):
        with pytest.raises(ExamplesError, match=message):
            read_examples(path)
    (tmp_path / "empty.csv").touch()
    with pytest.raises(ExamplesError, match=r"empty\.csv: is empty"):
        read_examples(tmp_path / "empty.csv")


# ---- splits ----


def test_a_group_always_falls_into_the_same_part():
    groups = [f"corpus:{i}" for i in range(4000)]
    parts = split_of(groups)
    assert split_of(groups[::-1]).tolist() == parts[::-1].tolist()
    assert split_of(groups[7:8])[0] == parts[7]
    shares = {part: (parts == part).mean() for part in ("train", "dev", "test")}
    assert shares == pytest.approx({"train": 0.7, "dev": 0.15, "test": 0.15}, abs=0.03)
    # these stand in releases already made
    parts = split_of(["edos:1", "edos:2", "a", "b", "c", "d"])
    assert parts.tolist() == ["dev", "train", "dev", "train", "dev", "train"]


def test_restyled_copies_of_held_out_messages_are_not_trained_on():
    train = pd.DataFrame({"text": ["You IDIOT!!!!!!", "y o u idiot", "you idiots!!!", "other"]})
    held_out = pd.DataFrame({"text": ["you ｉｄｉｏｔ!!!", "nothing"]})
    assert without_held_out_copies(train, held_out)["text"].tolist() == ["y o u idiot", "you idiots!!!", "other"]


def test_our_labels_replace_those_of_a_corpus(tmp_path):
    corpus = pd.DataFrame({"corpus": "toy", "text": ["a", "b", "c"]})
    for label in LABELS:
        corpus[label] = pd.array([1, pd.NA, 0], "Int8")
    digest = text_digest("b")
    path = tmp_path / "ours.csv"
    path.write_text(
        f"corpus,digest,{','.join(LABELS)}\ntoy,{digest},0,0,1,0,0,0\nelse,{text_digest('a')},0,0,0,0,0,0\n"
    )
    found = annotate(corpus, read_annotations(path))
    assert found["annotated"].tolist() == [False, True, False]
    assert found["spam"].tolist() == [1, 1, 0]
    assert found["hate"].tolist() == [1, 0, 0]
    assert corpus["hate"].isna().sum() == 1  # what was given is left alone
    for bad, message in (
        ("toy,x,0,0,,0,0,0", "row 2, column spam: holds ''; judge"),
        (f"toy,{digest},0,0,1,0,0,0\n" * 2, "row 3: the same text"),
    ):
        path.write_text(f"corpus,digest,{','.join(LABELS)}\n{bad}\n")
        with pytest.raises(ExamplesError, match=message):
            read_annotations(path)


# ---- assembling ----


def assembled(*files, **options):
    return assemble([], files, folder=None, **options)


def test_examples_split_by_their_authors(csv):
    header = f"{HEADER},author"
    rows = [f"{i},message {i},en,comment,0,0,0,0,0,,{author}" for i, author in enumerate(["ann", "bob", "ann", "cy"])]
    first = csv(*rows, header=header)
    second = csv("x,Message 1,en,comment,0,0,0,0,0,0", name="more.csv")
    data = assembled(first, second, splits={"bob": "dev", "cy": "test"})
    assert data.train["id"].tolist() == ["0", "2"]  # x copies what bob wrote
    assert {name: frame["id"].tolist() for name, frame in data.held_out.items()} == {
        "our messages, dev": ["1"], "our messages, test": ["3"],
    }  # fmt: skip
    assert data.train["personal_info"].isna().all()
    assert data.train[["annotated", "population"]].all(axis=None)
    digest = hashlib.sha256(first.read_bytes()).hexdigest()
    assert data.sources[0] == {"file": "mine.csv", "sha256": digest, "rows": 4}
    assert assembled(second).train["group"].tolist() == ["x"]
    with pytest.raises(ExamplesError, match="no examples were named; give --examples or --corpus"):
        assembled()


def test_splits_and_the_data_folder(tmp_path):
    path = tmp_path / "splits.toml"
    assert read_splits(path) == {}
    path.write_text('dev = ["a"]\ntest = ["b", "c"]\n')
    assert read_splits(path) == {"a": "dev", "b": "test", "c": "test"}
    ours = read_splits(data_folder() / "splits.toml")
    assert {*ours.values()} == {"dev", "test"}


def test_a_corpus_is_capped_weighted_and_joined_with_our_labels(toy_corpus):
    registry, mirror, rows = toy_corpus
    corpus = load_registry(registry)["toy"]
    ours = mirror.parent / "ours.csv"
    judged = [row for row in rows if row["text"] in ("text 3", "text 40")]
    lines = [f"toy,{text_digest(row['text'])},0,0,0,1,0,0" for row in judged]
    ours.write_text("\n".join([f"corpus,digest,{','.join(LABELS)}", *lines]) + "\n")

    def run(seed=0, **more):
        options = {"folder": mirror.parent, "mirror": mirror, "corpus_limit": 20, "corpus_weight": 0.3, "seed": seed}
        return assemble([corpus], [], annotations=[ours], **options, **more)

    data = run(real_text_weight=0.5)
    everything = pd.concat([data.train, *data.held_out.values()])
    own = everything[~everything["annotated"]]
    assert len(own) == 20
    assert (own["spam"] == 1).sum() == 10
    assert (split_of(own["group"]) == "train").all()
    assert own["hate"].isna().all()
    assert (own["weight"] == 0.3).all()
    assert not own["population"].any()  # what a corpus leaves unmarked is too doubtful
    annotated = everything[everything["annotated"]]
    assert (len(annotated), {*annotated["weight"]}, {*annotated["hate"]}) == (2, {0.5}, {1})
    assert data.sources[0]["corpus"] == "toy"
    assert (data.sources[0]["rows"], data.sources[0]["judged"], data.sources[0]["licence"]) == (22, 2, "CC0-1.0")
    pd.testing.assert_frame_equal(run(real_text_weight=0.5).train, data.train)
    assert not run(seed=1).train["id"].equals(data.train["id"])


def test_what_a_model_doubted_trains_but_chooses_no_operating_point(toy_corpus):
    registry, mirror, rows = toy_corpus
    ours = mirror.parent / "ours.csv"
    judged = [(row["text"], chosen) for row, chosen in zip(rows[:40], ["mixed", "doubt"] * 20, strict=True)]
    lines = [f"toy,{text_digest(text)},0,0,0,1,0,0,{chosen}" for text, chosen in judged]
    ours.write_text("\n".join([f"corpus,digest,{','.join(LABELS)},chosen", *lines]) + "\n")
    data = assemble([load_registry(registry)["toy"]], [], annotations=[ours], folder=mirror.parent, mirror=mirror)
    train = data.train[data.train["annotated"]]
    counted = train.groupby(train["text"].map(dict(judged)))["population"].agg(["min", "max"])
    assert counted.loc["mixed"].tolist() == [1.0, 1.0]
    assert counted.loc["doubt"].tolist() == [0.0, 0.0]
    assert (train["weight"] == 0.35).all()
    calibrates = train.groupby(train["text"].map(dict(judged)))["calibrates"].agg(["min", "max"])
    assert (calibrates.loc["doubt"].max(), calibrates.loc["mixed"].min()) == (0.0, 1.0)


def test_what_was_doubted_in_a_harmless_corpus_counts_as_its_like_does(toy_corpus):
    registry, mirror, rows = toy_corpus
    corpus = load_registry(registry)["toy"]
    harmless = replace(corpus, labels={"spam": {"negative": [{"spam": ["yes", "no"]}]}})
    ours = mirror.parent / "ours.csv"
    lines = [f"toy,{text_digest(row['text'])},0,0,0,0,0,0,doubt" for row in rows[:10]]
    ours.write_text("\n".join([f"corpus,digest,{','.join(LABELS)},chosen", *lines]) + "\n")
    options = {"annotations": [ours], "folder": mirror.parent, "mirror": mirror}
    train = assemble([harmless], [], corpus_limit=20, **options).train
    rest = assemble([harmless], [], **options).train
    usable = (~rest["annotated"]).sum()
    assert (~train["annotated"]).sum() == 20 < usable
    np.testing.assert_allclose(train.loc[train["annotated"], "population"], 20 / usable)
    assert {*train.loc[~train["annotated"], "population"]} == {*rest["population"]} == {1.0}


def test_real_text_calibrates_half_as_much_again_as_our_messages(toy_corpus, csv):
    registry, mirror, rows = toy_corpus
    mine = csv(*(f"{k},m{k},en,comment,0,0,0,{k % 2},0,0" for k in range(30)))
    ours = mirror.parent / "ours.csv"
    lines = [f"toy,{text_digest(row['text'])},0,0,0,0,0,0" for row in rows[:10]]
    ours.write_text("\n".join([f"corpus,digest,{','.join(LABELS)}", *lines]) + "\n")
    train = assemble(
        [load_registry(registry)["toy"]], [mine], annotations=[ours], folder=mirror.parent, mirror=mirror
    ).train
    weight = train["calibrates"].groupby(train["source"]).sum()
    assert weight["our messages"] == 30
    assert weight["real text"] == pytest.approx(45)
    assert (train.loc[~train["annotated"], "calibrates"] == 0).all()


def test_a_corpus_in_which_nothing_violates_has_a_weight_of_its_own(toy_corpus):
    registry, mirror, _ = toy_corpus
    corpus = load_registry(registry)["toy"]
    harmless = replace(corpus, labels={"spam": {"negative": [{"spam": ["yes", "no"]}]}})
    options = {"folder": mirror.parent, "mirror": mirror, "corpus_weight": 0.3, "harmless_weight": 0.7}
    train = assemble([harmless], [], **options).train
    assert ({*train["weight"]}, {*train["population"]}) == ({0.7}, {1.0})


def test_messages_that_name_a_group_are_there_again_said_of_another(tmp_path):
    mine = tmp_path / "mine.csv"
    texts = ["Muslims at my gym are kind", "the gym is closed", "my gay flatmate cooks"]
    rows = [f"{k},{text},en,comment,0,0,0,{int(k == 2)},0,0,kim" for k, text in enumerate(texts)]
    mine.write_text("\n".join([f"id,text,lang,surface,{','.join(LABELS)},author", *rows]) + "\n")
    plain = assemble([], [mine], folder=tmp_path).train
    train = assemble([], [mine], folder=tmp_path, swapped=1).train
    copies = train[len(plain) :]
    pd.testing.assert_frame_equal(train[: len(plain)], plain, check_dtype=False)
    assert copies["id"].tolist() == ["0", "2"]
    assert not set(copies["text"]) & set(texts)
    assert copies["hate"].tolist() == [0, 1]
    assert (copies["group"] == "kim").all()
    assert not copies[["annotated", "population"]].any(axis=None)
    assert (copies["weight"] == 0.5).all()
