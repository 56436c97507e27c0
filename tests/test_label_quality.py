"""Suspected labels, what to label next, and reviews on their way into the data."""

import csv
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from classifier.cli import cli
from classifier.corpora import text_digest
from classifier.errors import ExamplesError
from classifier.examples import label_matrix, read_annotations, read_examples
from classifier.features import MessageVectorizer
from classifier.guidelines import LABELS
from classifier.label_quality import REASONS, Pool, likely_errors, next_to_label
from classifier.labelling import merge
from classifier.reviews import COLUMNS, ReviewRow, seal, write_review
from classifier.training import LabelModels

# ---- suspected labels ----


def turn_over(examples, per_label, seed=0):
    """Examples with some labels turned over, and the (row, label) of each."""
    truth, rng, turned = label_matrix(examples), np.random.default_rng(seed), set()
    examples = examples.copy()
    for i, label in enumerate(LABELS):
        for value in (0, 1):
            rows = rng.permutation(np.flatnonzero(truth[:, i] == value))[:per_label]
            examples[label] = examples[label].where(~examples.index.isin(rows), 1 - value)
            turned |= {(int(row), label) for row in rows}
    return examples, turned


def test_wrong_labels_lead_the_list(examples):
    """Labels turned over in our messages, judged by models that saw other authors; the models are small and weak."""
    wrong, turned = turn_over(examples, 10)
    X = MessageVectorizer(min_df=2, max_features=20_000).fit_transform(wrong["text"].tolist())
    models = LabelModels(folds=3).fit(X, label_matrix(wrong), groups=wrong["author"].tolist())
    found = likely_errors(wrong, models.out_of_fold_)
    pairs = [*zip(found["row"], found["label"], strict=True)]
    cells = len(examples) * len(LABELS)
    assert len(turned & {*pairs[: len(turned)]}) > 10 * len(turned) ** 2 / cells, "ten times what chance would find"
    assert found["quality"].is_monotonic_increasing
    for row in found.head(50).itertuples():
        assert examples["id"].iloc[row.row] == row.id
        assert wrong[row.label].iloc[row.row] == row.given
        assert row.quality == pytest.approx(row.confidence if row.given else 1 - row.confidence)


def test_wrong_labels_are_found_where_the_model_knows(examples):
    """The same with confidences that are right in nine cases of ten and say how sure they are."""
    wrong, turned = turn_over(examples, 15)
    truth, rng = label_matrix(examples), np.random.default_rng(1)
    sure = rng.random(truth.shape) < 0.9
    confidences = np.where(sure, np.where(truth == 1, 0.97, 0.02), 0.3) + rng.uniform(-0.01, 0.01, truth.shape)
    confidences[np.isnan(truth)] = np.nan
    found = likely_errors(wrong, confidences)
    pairs = [*zip(found["row"], found["label"], strict=True)]
    assert len(turned & {*pairs[: len(turned)]}) >= 0.75 * len(turned)


def labelled(values):
    frame = pd.DataFrame({"id": [f"m{i}" for i in range(len(values))], "text": "x"})
    for label in LABELS:
        frame[label] = pd.array([0] * len(values), "Int8")
    frame["hate"] = pd.array(values, "Int8")
    return frame


def test_unknown_labels_are_never_suspected():
    frame = labelled([1] * 20 + [0] * 20 + [None] * 5)
    confidences = np.full((45, 6), 0.05)
    confidences[:20, LABELS.index("hate")] = 0.95
    confidences[3, LABELS.index("hate")], confidences[30, LABELS.index("hate")] = 0.01, 0.99
    confidences[40:, LABELS.index("hate")] = 0.99
    found = likely_errors(frame, confidences)
    assert found[["row", "id", "label", "given"]].values.tolist() == [[3, "m3", "hate", 1], [30, "m30", "hate", 0]]
    with pytest.raises(ExamplesError, match=r"\(9, 6\) confidences for \(45, 6\) labels"):
        likely_errors(frame, confidences[:9])


# ---- what to label next ----


def test_uncertain_messages_are_near_a_threshold(classifier_, examples):
    texts = examples["text"].tolist()
    pool = Pool(classifier_, size=40)
    for start in range(0, len(texts), 500):
        pool.add(texts[start : start + 500])
    limits = np.log(classifier_.policy.thresholds / (1 - classifier_.policy.thresholds))
    confidences = np.clip(classifier_.confidences(texts).astype(float), 1e-6, 1 - 1e-6)
    odds = np.log(confidences / (1 - confidences))
    margins = np.nanmin(np.abs(odds[:, :, None] - limits).reshape(len(texts), -1), axis=1)
    assert [c.position for c in pool.uncertain] == np.argsort(margins, kind="stable")[:40].tolist()
    assert all(texts[c.position] == c.text for c in pool.uncertain)


def test_batches_make_no_difference(classifier_, examples):
    texts = examples["text"].tolist()[:900]
    whole, pieces = Pool(classifier_, size=50), Pool(classifier_, size=50)
    whole.add(texts)
    for start in range(0, 900, 130):
        pieces.add(texts[start : start + 130])
    for name in ("uncertain", "unknown"):
        assert [c.position for c in getattr(whole, name)] == [c.position for c in getattr(pieces, name)]
    assert next_to_label(whole, 30) == next_to_label(pieces, 30)


def test_each_reason_has_its_turn_and_no_two_say_the_same(classifier_, examples):
    odd = ["qjxvkz vqjzxk zkxqjv", "zxqjvkxqz jvqzxkqjv"]
    twice = [text for text in examples["text"].tolist()[:400] for _ in range(2)]
    pool = Pool(classifier_)
    pool.add(odd + twice)
    chosen = next_to_label(pool, 60)
    assert {reason for reason, _ in chosen} >= {"uncertain", "new vocabulary"}
    assert len({c.text for _, c in chosen}) == len(chosen) == 60
    unknown = [c.text for reason, c in chosen if reason == "new vocabulary"]
    assert {*unknown[:2]} == {*odd}


def test_what_contradicts_our_labels_is_conflicting(classifier_, examples):
    known = examples.dropna(subset=list(LABELS))
    found = classifier_.policy.recommend(classifier_.confidences(known["text"])) > 0
    truth = label_matrix(known) > 0
    wrong = known[(found != truth).any(axis=1)]
    right = known[(found == truth).all(axis=1)]
    pool = Pool(classifier_)
    texts = [text for text in [*wrong["text"][:5], *right["text"][:5]] if len(text) > 20]
    pool.add(texts)
    chosen = {c.text: reason for reason, c in next_to_label(pool, 20, labelled=known)}
    contradicting = [text for text in texts if text in {*wrong["text"]} and text in chosen]
    assert contradicting
    assert not {*chosen} & {*right["text"][:5]}, "what the data already say is not asked again"


# ---- reviews ----


@pytest.fixture
def folder(tmp_path):
    """A data folder with messages, annotations and odd quoting."""
    place = tmp_path / "data"
    (place / "messages").mkdir(parents=True)
    (place / "annotations").mkdir()
    header = f"id,text,lang,surface,{','.join(LABELS)},author,kind\n"
    (place / "messages" / "en.csv").write_text(
        header + 'a1,"hi, you",en,comment,0,0,0,0,0,0,w,ordinary\n'
        '"a2","line one\nline ""two""",en,post,0,0,"1",0,0,0,w,positive\r\n'
        "a3,=SUM(1),en,profile,0,,0,0,0,0,w,ordinary",
        newline="",
    )
    digest = text_digest("some real text")
    (place / "annotations" / "real_text.csv").write_text(
        f"corpus,lang,digest,{','.join(LABELS)},reader,unsure\nedos,en,{digest},0,0,0,0,0,0,first,1\n"
    )
    return place


def rows(**labels):
    given = {"a2": {"spam": 1}}
    texts = {"a1": "hi, you", "a2": 'line one\nline "two"', "a3": "=SUM(1)"}
    known = {key: [given.get(key, {}).get(label, 0) for label in LABELS] for key in texts}
    known["a3"][1] = None
    return [
        ReviewRow(key, "messages/en.csv", text, "en", "post", tuple(known[key]), "w") for key, text in texts.items()
    ]


@pytest.fixture
def review(tmp_path):
    """Write a review, let somebody fill it in, and give its path."""

    def review(found, filled, *, delimiter=",", change=None):
        path = tmp_path / "review.csv"
        path.unlink(missing_ok=True)
        write_review(found, path)
        with path.open(encoding="utf-8-sig", newline="") as file:
            table = list(csv.DictReader(file))
        for row in table:
            row.update({k: str(v) for k, v in filled.get(row["id"].removeprefix("'"), {}).items()})
        if change:
            change(table)
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, delimiter=delimiter)
            writer.writeheader()
            writer.writerows(table)
        return path

    return review


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_only_the_labels_change(folder, review, delimiter):
    path, before = folder / "messages" / "en.csv", (folder / "messages" / "en.csv").read_bytes()
    filled = {"a2": {"spam": 0, "hate": 1, "reader": "kim"}, "a3": {"dating_flirting": 0, "reader": "kim"}}
    report = merge(review(rows(), filled, delimiter=delimiter), folder, dry_run=True)
    assert path.read_bytes() == before
    report = merge(review(rows(), filled, delimiter=delimiter), folder)
    expected = before.replace(b',post,0,0,"1",0,', b",post,0,0,0,1,").replace(b"profile,0,,0", b"profile,0,0,0")
    assert path.read_bytes() == expected
    assert (report.read, report.unread, report.added) == (2, 1, 0)
    assert [(e.id, e.before, e.after, e.reader) for e in report.edits] == [
        ("a2", "spam", "hate", "kim"), ("a3", "", "", "kim"),
    ]  # fmt: skip
    assert merge(review([rows()[0]], {"a1": {"reader": "kim"}}), folder).edits == ()


def test_annotations_change_with_their_reader(folder, review):
    key = f"edos:{text_digest('some real text')}"
    row = ReviewRow(key, "annotations/real_text.csv", "some real text", "en", "comment", (0,) * 6, "")
    merge(review([row], {key: {"hate": 1, "reader": "kim"}}), folder)
    frame = read_annotations(folder / "annotations" / "real_text.csv")
    assert frame[["hate", "spam", "reader", "unsure"]].values.tolist() == [[1, 0, "kim", "1"]]
    with pytest.raises(ExamplesError, match="column spam: is empty; judge an annotated text for all six"):
        merge(review([row], {key: {"spam": "", "reader": "kim"}}), folder)


def new(key, text, lang="en", surface="comment"):
    return ReviewRow(key, "new", text, lang, surface, (None,) * 6, "uncertain")


def test_new_messages_become_examples(folder, review):
    found = [new("007", "=cmd|buy now"), new("=8", "two\r\nlines, here"), new("9", "unread"), new("10", "no idea")]
    none = dict.fromkeys(LABELS, 0)
    filled = {"007": none | {"spam": 1, "reader": "kim"}, "=8": {"hate": 0, "reader": "kim"}, "10": {"reader": "kim"}}
    path = review(found, filled)
    written = path.read_text(encoding="utf-8-sig")
    assert "'=cmd|buy now" in written, "no spreadsheet runs it"
    assert "\n'=8," in written
    report = merge(path, folder)
    assert (report.read, report.unread, report.added, report.target) == (3, 1, 2, "labelled/review.csv")
    assert report.notes == ("row 5: all six labels are unknown; left out",)
    frame = read_examples(folder / "labelled" / "review.csv")
    assert frame[["id", "text", "lang", "surface", "reader"]].values.tolist() == [
        ["007", "=cmd|buy now", "en", "comment", "kim"], ["=8", "two\r\nlines, here", "en", "comment", "kim"],
    ]  # fmt: skip
    assert label_matrix(frame)[0].tolist() == [0, 0, 1, 0, 0, 0]
    assert np.isnan(label_matrix(frame)[1]).tolist() == [True, True, True, False, True, True]
    assert merge(path, folder).added == 0, "a second merge adds nothing"
    merge(review([*found, new("11", "more")], filled | {"11": {"spam": 0, "reader": "ana"}}), folder)
    assert read_examples(folder / "labelled" / "review.csv")["id"].tolist() == ["007", "=8", "11"]


def rewrite(**changes):
    return lambda table: [row.update(changes) for row in table[1:2]]


@pytest.mark.parametrize(
    ("filled", "change", "message"),
    [
        (
            {"a2": {"spam": "yes", "reader": "kim"}},
            None,
            r"row 3, column spam: holds 'yes'; use 1, 0 or leave it empty",
        ),
        ({"a2": {"spam": 0}}, None, "column reader: is empty although labels were set"),
        ({}, rewrite(text="other words"), "column text: id or text is not as it was written"),
        ({}, rewrite(id="a1"), "column text: id or text is not as it was written"),
        ({"a2": {"reader": "kim"}}, rewrite(id="zz", digest=seal("zz", 'line one\nline "two"')), "'zz' is not in"),
        ({"a1": {"reader": "k"}}, lambda t: t.append({**t[0], "hate": "1"}), "'a1' stands twice with different labels"),
        ({}, rewrite(source="../x.csv"), "row 3: source is none of our files"),
        ({}, rewrite(source="messages/de.csv"), "there is no messages/de.csv"),
        ({}, rewrite(source="messages/../../x.csv"), "there is no messages"),
        ({}, rewrite(given="rude"), "'rude' is no label"),
        ({"a1": {"spam": 2}, "a2": {"spam": 3}}, None, r"row 2, column spam: holds '2' \(and 1 more findings\)"),
    ],
)
def test_nothing_is_merged_where_something_does_not_fit(folder, review, filled, change, message):
    before = (folder / "messages" / "en.csv").read_bytes()
    path = review(rows(), {"a3": {"hate": 1, "reader": "kim"}} | filled, change=change)
    with pytest.raises(ExamplesError, match=message):
        merge(path, folder)
    assert (folder / "messages" / "en.csv").read_bytes() == before


def test_what_changed_meanwhile_is_a_conflict(folder, review):
    path = folder / "messages" / "en.csv"
    found = review(rows(), {"a2": {"hate": 1, "reader": "kim"}})
    path.write_text(path.read_text().replace('"1"', "0"))
    with pytest.raises(ExamplesError, match="'a2' has other labels in messages/en"):
        merge(found, folder)
    path.write_text(path.read_text().replace("line one", "line 1"))
    with pytest.raises(ExamplesError, match="has another text for 'a2'"):
        merge(found, folder)


def test_new_messages_need_language_surface_and_no_conflict(folder, review):
    filled = {"1": {"spam": 1, "reader": "kim"}}
    with pytest.raises(ExamplesError, match="column lang: is empty"):
        merge(review([new("1", "a", lang="")], filled), folder)
    with pytest.raises(ExamplesError, match="column surface: holds 'chat'"):
        merge(review([new("1", "a", surface="chat")], filled), folder)
    merge(review([new("1", "a")], filled), folder)
    with pytest.raises(ExamplesError, match="'1' was merged before, and differs"):
        merge(review([new("1", "a")], {"1": {"spam": 0, "reader": "kim"}}), folder)
    both = {"2": {"spam": 1, "reader": "kim"}, "3": {"spam": 0, "reader": "kim"}}
    report = merge(review([new("2", "Buy now"), new("3", "buy  NOW")], both), folder)
    assert report.notes == ("row 3: the same text stands in this review with other labels",)


def test_a_file_that_is_no_review(folder, tmp_path):
    path = tmp_path / "x.csv"
    with pytest.raises(ExamplesError, match="cannot be read"):
        merge(path, folder)
    path.write_text("id,text\n1,a\n")
    with pytest.raises(ExamplesError, match="row 2: column source is missing"):
        merge(path, folder)


def test_a_review_replaces_none(tmp_path):
    path = tmp_path / "r.csv"
    assert write_review(rows(), path) == 3
    with pytest.raises(ExamplesError, match="is there already"):
        write_review(rows(), path)
    with pytest.raises(ExamplesError, match="cannot be written"):
        write_review(rows(), tmp_path / "no" / "r.csv")


# ---- the commands ----


@pytest.fixture
def ours(tmp_path, examples):
    """A data folder with a part of our messages."""
    place = tmp_path / "ours"
    (place / "messages").mkdir(parents=True)
    for lang in ("en", "de"):
        part = examples[examples["lang"] == lang]
        part.to_csv(place / "messages" / f"{lang}.csv", index=False)
    shutil.copy(Path(__file__).parents[1] / "data" / "splits.toml", place)
    return place


def invoke(*words):
    result = CliRunner().invoke(cli, ["data", *map(str, words)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def fill_in(path, **cells):
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    for column, value in cells.items():
        frame.loc[0, column] = value
    frame.to_csv(path, index=False, encoding="utf-8-sig")
    return frame


def test_suspects_are_written_and_merged(ours, tmp_path):
    path = tmp_path / "review.csv"
    output = invoke("suspects", "-o", path, "--corpus", "none", "--folder", ours, "-n", 20)
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    assert "wrote" in output
    assert 0 < len(frame) <= 20
    assert frame["id"].is_unique
    assert {*frame["source"]} <= {"messages/en.csv", "messages/de.csv"}
    label = frame.loc[0, "why"].split()[0]
    assert label in LABELS
    turned = "0" if frame.loc[0, label] == "1" else "1"
    fill_in(path, reader="kim", **{label: turned})
    assert "would change 1" in " ".join(invoke("merge", path, "--folder", ours, "--dry-run").split())
    assert "changed 1" in " ".join(invoke("merge", path, "--folder", ours).split())
    stored = read_examples(ours / frame.loc[0, "source"]).set_index("id")
    assert str(stored.loc[frame.loc[0, "id"], label]) == turned


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_next_is_written_and_merged(kind, ours, tmp_path, release_folder, examples):
    texts = [*examples["text"][:300], "xqzzv jjkwq vvxqp zzkjw"]
    frame = pd.DataFrame({"id": [f"e{i}" for i in range(len(texts))], "text": texts})
    export = tmp_path / f"export.{kind}"
    frame.to_parquet(export) if kind == "parquet" else frame.to_csv(export, index=False)
    path = tmp_path / "to_label.csv"
    words = ("next", export, "-o", path, "-n", 25, "--release", release_folder, "--folder", ours, "--lang", "en")
    output = invoke(*words)
    frame = fill_in(path, reader="kim", **dict.fromkeys(LABELS, "0"))
    assert f"{len(frame)} of 301 messages" in output
    assert len(frame) == 25
    assert {why.partition(";")[0] for why in frame["why"]} <= {*REASONS}
    assert "added 1 to labelled/to_label.csv" in " ".join(invoke("merge", path, "--folder", ours).split())
    stored = read_examples(ours / "labelled" / "to_label.csv")
    assert frame.loc[0, "id"].startswith("e")
    assert stored["id"].tolist() == [frame.loc[0, "id"]]
    assert isinstance(CliRunner().invoke(cli, ["data", *map(str, words)]).exception, ExamplesError)
