"""The rules of the data set, on small data sets of ours that break one at a time."""

import random

import pandas as pd
import pytest
from click.testing import CliRunner

from classifier.agreement import agreement, masi_distance, names, read_reading, settle
from classifier.cli_data import data
from classifier.counts import plot
from classifier.dataset import LANGUAGES, Limits, check, load_messages, near_duplicates, shape_auc, stats
from classifier.datasheet import fill, tables
from classifier.errors import ExamplesError
from classifier.guidelines import LABELS

SMALL = Limits(
    rows=100, english_rows=8, language_rows=8, english_positives=1, language_positives=1, hard_negatives=10,
    held_out_rows=20, faker_rows=2, annotations=3, annotations_not_english=1, read_twice=2, none_share=(0.2, 0.3),
    several_share=(0.0, 0.2), shape_auc=0.9,
)  # fmt: skip


def sentence(rng: random.Random) -> str:
    return " ".join("".join(rng.choices("abcdefghijklmnoprstuvz", k=rng.randint(2, 8))) for _ in range(8))


def write(folder, name, frame):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.to_csv(path, index=False)


@pytest.fixture(autouse=True)
def _no_shape(monkeypatch):
    """Thirty models a check are too slow for every test; `shape_auc` has tests of its own."""
    for module in ("rules", "datasheet"):
        monkeypatch.setattr(f"classifier.{module}.shape_auc", lambda frame, **_: dict.fromkeys(LABELS, 0.5))


@pytest.fixture
def small():
    """A data set that keeps every rule of `SMALL`: by language 6 positives, 1 hard negative, 1 ordinary message."""
    rng, rows = random.Random(3), []
    for lang in LANGUAGES:
        for number in range(8):
            part = ("train", "train", "train", "train", "dev", "dev", "test", "test")[number]
            codes = [int(number == place) for place in range(6)]
            kind = "positive" if sum(codes) else ("hard_negative", "ordinary")[number - 6]
            rows.append([f"{lang}-{number}", sentence(rng), lang, "post", *codes, f"{part}-{lang}", kind])
    messages = pd.DataFrame(rows, columns=["id", "text", "lang", "surface", *LABELS, "author", "kind"])
    real = [
        ("banking77", "en", "a" * 64, 0, "r", 0),
        ("banking77", "en", "b" * 64, 0, "r", 1),
        ("cold_zh", "zh", "c" * 64, 1, "r", 0),
    ]
    annotations = pd.DataFrame(
        [[corpus, lang, digest, one, *5 * [0], reader, unsure] for corpus, lang, digest, one, reader, unsure in real],
        columns=["corpus", "lang", "digest", *LABELS, "reader", "unsure"],
    ).assign(chosen="mixed")
    reading = pd.DataFrame(
        [
            ["en-4", "messages", "en", "dev", LABELS[4], LABELS[4]],
            ["c" * 64, "cold_zh", "zh", "test", LABELS[0], LABELS[0]],
        ],
        columns=["key", "source", "lang", "split", "first", "second"],
    )
    return {"messages": messages, "annotations": annotations, "reading": reading, "dev": "dev", "test": "test"}


@pytest.fixture
def folder(tmp_path):
    def make(small):
        for lang, frame in small["messages"].groupby(small.get("files", small["messages"]["lang"])):
            write(tmp_path, f"messages/{lang}.csv", frame)
        write(tmp_path, "annotations/real_text.csv", small["annotations"])
        write(tmp_path, "second_reading.csv", small["reading"])
        held = {part: [f"{small[part]}-{lang}" for lang in LANGUAGES] for part in ("dev", "test")}
        held["dev"] += small.get("also dev", [])
        (tmp_path / "splits.toml").write_text(f"dev = {held['dev']}\ntest = {held['test']}\n")
        return tmp_path

    return make


def found(folder, limits=SMALL):
    return [str(finding) for finding in check(folder, limits=limits)]


def test_a_data_set_that_keeps_every_rule_has_no_findings(folder, small):
    assert found(folder(small)) == []


def put(frame, row, **cells):
    for column, value in cells.items():
        frame[column] = frame[column].astype(object)
        frame.loc[row, column] = value


def copy(frame, source, target):
    put(frame, target, text=frame.loc[source, "text"].upper() + "!")


def without(small, name, **what):
    small[name] = small[name].drop(**what)


def misfile(small):
    lang = small["messages"]["lang"]
    small["files"] = lang.where(lang.index != 8, "en")


def repeat(small):
    copy(small["messages"], 0, 1)
    put(small["messages"], 1, harassment=1, dating_flirting=0)


def hold_out_faker(small):
    put(small["messages"], 0, author="faker")
    small["also dev"] = ["faker"]


# row 0 is en-0 in train, 4 en-4 in dev, 8 es-0 in train; MESSAGES, REAL and TWICE are the three files' frames
MESSAGES, REAL, TWICE = "messages", "annotations", "reading"
BROKEN = {
    "error: es.csv, row 2: the id 'en-0' stands in another file too": lambda s: put(s[MESSAGES], 8, id="en-0"),
    "'en-0' stands twice": lambda s: put(s[MESSAGES], 1, id="en-0"),
    "en.csv, row 3, column surface: holds 'sms'": lambda s: put(s[MESSAGES], 1, surface="sms"),
    "en.csv, row 3, column hate: holds '2'": lambda s: put(s[MESSAGES], 1, hate=2),
    "column kind is missing": lambda s: without(s, MESSAGES, columns="kind"),
    "en.csv, row 3: is not judged for all six labels": lambda s: put(s[MESSAGES], 1, hate=None),
    "'lang' 'es' is not that of the file": misfile,
    "'lang' holds 'xx'": lambda s: put(s[MESSAGES], 8, lang="xx"),
    "en.csv, row 2: 'kind' holds 'joke'": lambda s: put(s[MESSAGES], 0, kind="joke"),
    "en.csv, row 2: 'kind' is 'ordinary' against its labels": lambda s: put(s[MESSAGES], 0, kind="ordinary"),
    "en.csv, row 8: 'kind' is 'positive' against its labels": lambda s: put(s[MESSAGES], 6, kind="positive"),
    "en.csv, row 2: has no author": lambda s: put(s[MESSAGES], 0, author=" "),
    "en.csv, row 2: has no text": lambda s: put(s[MESSAGES], 0, text=" "),
    "messages: harassment in es: 0; write at least 1": lambda s: put(s[MESSAGES], 8, harassment=0, spam=1),
    "en.csv, row 3: en-1 copies en-0 (en.csv, row 2; both train; 0.9": repeat,
    "en-4 copies en-0 (en.csv, row 2; train and dev; 0.9": lambda s: copy(s[MESSAGES], 0, 4),
    "splits.toml: 'test-en' is in dev and test": lambda s: s.update({"also dev": ["test-en"]}),
    "warning: splits.toml: 'nobody' wrote nothing": lambda s: s.update({"also dev": ["nobody"]}),
    "splits.toml, dev: 0 messages; hold out authors of at least 20": lambda s: s.update(dev="nobody"),
    "splits.toml, dev: nothing in en": lambda s: put(s[MESSAGES], [4, 5], author="train-en"),
    "en.csv, row 2: the author is 'faker'": lambda s: put(s[MESSAGES], 0, author="faker"),
    "Faker's rows are held out": hold_out_faker,
    "real_text.csv, row 3, column hate": lambda s: put(s[REAL], 1, hate=None),
    "real_text.csv, row 3: the same text is annotated twice": lambda s: put(s[REAL], 1, digest="a" * 64),
    "real_text.csv, row 3: the corpus 'mine' is not in the registry": lambda s: put(s[REAL], 1, corpus="mine"),
    "real_text.csv, row 3: 'digest' holds 'b'": lambda s: put(s[REAL], 1, digest="b"),
    "real_text.csv, row 3: 'lang' holds 'xx'": lambda s: put(s[REAL], 1, lang="xx"),
    "real_text.csv, row 3: 'unsure' holds 'yes'": lambda s: put(s[REAL], 1, unsure="yes"),
    "real_text.csv, row 3, column chosen: holds 'why'": lambda s: put(s[REAL], 1, chosen="why"),
    "real_text.csv, row 3: has no reader": lambda s: put(s[REAL], 1, reader=""),
    "annotations: column unsure is missing": lambda s: without(s, REAL, columns="unsure"),
    "annotations: 2 texts; judge at least 3": lambda s: without(s, REAL, index=0),
    "annotations: 0 not in English; judge at least 1": lambda s: put(s[REAL], 2, lang="en"),
    "second_reading.csv, row 2: 'en-99' of messages is not in the data": lambda s: put(s[TWICE], 0, key="en-99"),
    "second_reading.csv, row 2: 'en-4' is not in test any more": lambda s: put(s[TWICE], 0, split="test"),
    "second_reading.csv, row 3: 'split' holds 'train'": lambda s: put(s[TWICE], 1, split="train"),
    "second_reading.csv, row 2, column second: 'rude' is no label": lambda s: put(s[TWICE], 0, second="rude"),
    "warning: second_reading.csv: alpha of spam is 0.00": lambda s: put(s[TWICE], 0, second="spam"),
    "second_reading.csv: 1 messages; read 2 or more": lambda s: without(s, TWICE, index=1),
}


@pytest.mark.parametrize("expected", BROKEN)
def test_each_rule_finds_what_breaks_it(folder, small, expected):
    BROKEN[expected](small)
    assert any(expected in finding for finding in found(folder(small)))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"rows": 105}, "messages: 104; write at least 105"),
        ({"english_rows": 9}, "messages in en: 8; write at least 9"),
        ({"language_rows": 9}, "messages in ko: 8; write at least 9"),
        ({"english_positives": 2}, "spam in en: 1; write at least 2"),
        ({"language_positives": 2}, "hate in tr: 1; write at least 2"),
        ({"hard_negatives": 14}, "hard negatives: 13; write at least 14"),
        ({"none_share": (0.5, 0.6)}, "25.0% of messages carry no label; keep it between 50% and 60%"),
        ({"several_share": (0.07, 0.15)}, "0.0% of positives carry several labels"),
        ({"shape_auc": 0.4}, "shape alone predicts harassment with ROC AUC 0.50; write against it until it is at most"),
    ],
)
def test_each_amount_is_held_against_its_limit(folder, small, change, expected):
    assert any(expected in finding for finding in found(folder(small), Limits(**{**vars(SMALL), **change})))


def test_the_limits_are_those_the_project_set_itself():
    assert (Limits().rows, Limits().english_rows, Limits().annotations, Limits().shape_auc) == (
        15_000,
        9_000,
        10_000,
        0.65,
    )


def test_contrast_twins_with_different_labels_are_no_copies(folder, small):
    frame = small["messages"]
    put(frame, 5, text=frame.loc[4, "text"] + "!")  # both in dev, and their labels differ
    assert found(folder(small)) == []


def test_faker_fills_one_sentence_often_but_not_too_often(folder, small):
    texts = [f"you can always reach me under the number {number}" for number in ("555 0100", "555 0101", "555 0102")]
    faker = [[f"f-{n}", text, "en", "post", *5 * [0], 1, "faker", "positive"] for n, text in enumerate(texts)]
    rows = pd.DataFrame(faker, columns=small["messages"].columns)
    small["messages"] = pd.concat([small["messages"], rows[:2]], ignore_index=True)
    small["files"] = small["messages"]["lang"].where(small["messages"]["author"] != "faker", "faker")
    assert found(folder(small)) == []
    write(folder(small), "messages/faker.csv", rows)
    assert found(folder(small), Limits(**{**vars(SMALL), "faker_rows": 1})) == [
        "error: faker.csv: 2 rows; keep at most 1"
    ]


# ---- near-duplicates ----


def test_planted_near_duplicates_are_found_and_nothing_else():
    rng = random.Random(0)
    texts = [sentence(rng) for _ in range(2_000)]
    planted = {(7, 1_203), (40, 41), (900, 1_999)}
    for first, second in planted:
        words = texts[first].split()
        texts[second] = " ".join([*words[:-1], words[-1][:-1]]).upper() + "\u200b !!!!!!"
    assert {(pair.first, pair.second) for pair in near_duplicates(texts, threshold=0.8)} == planted


def test_near_duplicates_are_all_pairs_over_the_threshold():
    rng = random.Random(1)
    base = sentence(rng).split()
    texts = [" ".join(rng.sample(base, 7)) for _ in range(60)]
    sets = [{text[i : i + 3] for i in range(len(text) - 2)} for text in texts]
    exact = {
        (a, b) for b in range(60) for a in range(b) if len(sets[a] & sets[b]) / len(sets[a] | sets[b]) >= 0.8
    }  # fmt: skip
    assert exact
    assert {(pair.first, pair.second) for pair in near_duplicates(texts, threshold=0.8)} == exact


@pytest.mark.parametrize("texts", [[], [""], ["a"], ["😀"], ["\ud800"], ["你好", "再见"]])
def test_texts_of_any_kind_can_be_searched(texts):
    assert near_duplicates(texts) == []


def test_short_and_empty_copies_are_found():
    assert [(pair.first, pair.second) for pair in near_duplicates(["OK", "", "好的", "ok", "", "好的"])] == [
        (0, 3),
        (1, 4),
        (2, 5),
    ]


@pytest.mark.parametrize("threshold", [0, -1, 1.1])
def test_a_threshold_out_of_range_is_refused(threshold):
    with pytest.raises(ExamplesError, match="threshold"):
        near_duplicates(["a"], threshold=threshold)


# ---- shape ----


def shaped(text_of):
    rng = random.Random(5)
    rows = []
    for author in range(20):
        for number in range(20):
            positive = rng.random() < 0.4
            rows.append([text_of(rng, positive), "en", "post", f"a{author}", int(positive), *5 * [0], number])
    return pd.DataFrame(rows, columns=["text", "lang", "surface", "author", *LABELS, "number"])


def test_shape_that_betrays_a_label_is_seen():
    frame = shaped(lambda rng, positive: sentence(rng) * (3 if positive else 1))
    assert shape_auc(frame)["harassment"] > 0.99


def test_words_are_not_shape():
    frame = shaped(
        lambda rng, positive: sentence(rng) + (" reach a.b@example.com" if positive else " reach abbbexamplecomm")
    )
    assert 0.4 < shape_auc(frame)["harassment"] < 0.6


def test_language_and_surface_are_shape_unless_left_out():
    frame = shaped(lambda rng, positive: sentence(rng))
    frame["surface"] = frame["harassment"].map({1: "comment", 0: "post"})
    assert shape_auc(frame)["harassment"] > 0.99
    assert shape_auc(frame, without=["lang", "surface"])["harassment"] < 0.6


# ---- agreement ----


def read_by(*pairs):
    return pd.DataFrame(pairs, columns=["first", "second"])


def test_alpha_is_that_of_a_worked_example():
    # 10 items; 4 values "1" by the first, 3 by the second; they differ on 3. Observed 0.3, expected 2*7*13/(20*19).
    pairs = [("spam", "spam")] * 2 + [("spam", "")] * 2 + [("", "spam")] + [("", "")] * 5
    assert agreement(read_by(*pairs)).alphas["spam"] == pytest.approx(1 - 0.3 / (2 * 7 * 13 / (20 * 19)))


def test_alpha_over_sets_weighs_what_two_sets_share():
    # two items, {} and {} on one, {spam} and {spam, hate} on the other: MASI 2/3 there; all others are disjoint
    found = agreement(read_by(("", ""), ("spam", "spam hate")))
    observed, expected = (2 / 3) / 2, 2 * (2 / 3 + 2 * 1 + 2 * 1) / (4 * 3)
    assert found.alpha == pytest.approx(1 - observed / expected)


def test_perfect_agreement_is_one_also_where_nothing_varies():
    found = agreement(read_by(("spam", "spam"), ("", ""), ("hate spam", "spam hate")))
    assert found.alpha == 1
    assert set(found.alphas.values()) == {1.0}
    assert not len(found.disagreements)
    assert agreement(read_by(("", ""), ("", ""))).alpha == 1


def test_empty_sets_are_equal_to_each_other_and_far_from_others():
    empty, spam = frozenset(), frozenset({"spam"})
    assert (masi_distance(empty, empty), masi_distance(empty, spam), masi_distance(spam, spam)) == (0, 1, 0)


def test_disagreement_by_chance_is_about_zero():
    rng = random.Random(2)
    pairs = [(names(rng.choices(LABELS, k=1)), names(rng.choices(LABELS, k=1))) for _ in range(600)]
    assert abs(agreement(read_by(*pairs)).alpha) < 0.1


def test_an_empty_reading_and_an_unknown_label_are_refused():
    with pytest.raises(ExamplesError, match="no message was read twice"):
        agreement(read_by())
    with pytest.raises(ExamplesError, match="'rude' is no label"):
        agreement(read_by(("rude", "")))


def test_a_reading_without_its_columns_is_refused(tmp_path):
    (tmp_path / "r.csv").write_text("key,first\n1,spam\n")
    with pytest.raises(ExamplesError, match="column source, lang, split, second is missing"):
        read_reading(tmp_path / "r.csv")


def test_settled_labels_are_those_of_the_data_now(small):
    reading = pd.concat([small["reading"], small["reading"].assign(key="gone")], ignore_index=True)
    settled = settle(reading, small["messages"], small["annotations"])["settled"]
    assert settled[:2].tolist() == [LABELS[4], LABELS[0]]
    assert settled[2:].isna().all()


# ---- counts, the datasheet and the command line ----


def test_counts_add_up_and_can_be_drawn(folder, small, tmp_path):
    counts = stats(load_messages(folder(small)))
    assert counts["lang"].loc["total", ["messages", "spam", "none"]].tolist() == [104, 13, 26]
    assert counts["split"]["messages"].to_dict() == {"train": 52, "dev": 26, "test": 26, "total": 104}
    plot(counts, tmp_path / "counts.png")
    assert (tmp_path / "counts.png").read_bytes().startswith(b"\x89PNG")


def test_commands_print_and_tell_by_their_exit_code(folder, small, tmp_path):
    place = str(folder(small))
    run = CliRunner().invoke
    assert run(data, ["check", "--folder", place]).exit_code == 1
    shown = run(data, ["stats", "--folder", place, "--authors", "--shape", "--plot", str(tmp_path / "c.png")])
    assert shown.exit_code == 0
    assert "messages by author" in shown.output
    assert (tmp_path / "c.png").is_file()
    shown = run(data, ["agreement", "--folder", place, "--limit", "1"])
    assert shown.exit_code == 0
    assert "2 messages read twice" in shown.output


def test_check_exits_with_zero_when_every_rule_holds(folder, small, monkeypatch):
    monkeypatch.setattr("classifier.dataset.Limits", lambda: SMALL)
    result = CliRunner().invoke(data, ["check", "--folder", str(folder(small))])
    assert (result.exit_code, result.output.strip()) == (0, "every rule holds")


def test_the_datasheet_is_filled_again_to_the_same(folder, small, tmp_path):
    place = folder(small)
    empty = "".join(f"<!-- {name} -->\n<!-- /{name} -->\n" for name in tables(place))
    (place / "README.md").write_text(empty)
    assert CliRunner().invoke(data, ["datasheet", "--folder", str(place)]).exit_code == 0
    once = (place / "README.md").read_text()
    assert "| ko | 8 |" in once
    assert fill(once, tables(place)) == once
