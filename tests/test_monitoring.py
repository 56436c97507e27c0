"""Drift: what is counted, what counts as moved, and how often that is a false alarm."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from classifier.batch import MessagesError
from classifier.cli import cli
from classifier.errors import ReleaseError
from classifier.examples import label_matrix
from classifier.features import MessageVectorizer
from classifier.guidelines import LABELS
from classifier.kernels.lookup import build_table
from classifier.monitoring import compare, known_shares, read_reference, stability_index, summarise
from classifier.reference import EDGES, SCRIPTS, add, coverage, coverage_without_own_group, reference, scripts
from classifier.scoring import Classifier


@pytest.fixture(scope="module")
def ours(examples, classifier_):
    """Texts, confidences and known shares of our messages."""
    texts = examples["text"].tolist()
    return texts, classifier_.confidences(texts), known_shares(classifier_, texts)


def part(ours, rows):
    texts, confidences, shares = ours
    return reference([texts[i] for i in rows], confidences[rows], shares[rows])


# ---- what is counted ----


def test_every_message_is_in_one_bin_of_each_histogram(ours):
    found = part(ours, np.arange(len(ours[0])))
    assert {*found["histograms"]} == {*EDGES, "script"}
    assert {sum(counts) for counts in found["histograms"].values()} == {len(ours[0])}


def test_parts_add_up_to_the_whole(ours):
    n = len(ours[0])
    whole = part(ours, np.arange(n))
    parts = add(part(ours, np.arange(700)), part(ours, np.arange(700, n)))
    assert parts["histograms"] == whole["histograms"]
    assert parts["unknown"] == pytest.approx(whole["unknown"])


def test_unknown_labels_are_in_no_bin():
    confidences = np.full((2, 6), 0.3)
    confidences[0, 2] = np.nan
    found = reference(["a", "b"], confidences, np.ones(2))["histograms"]
    assert [sum(found[f"confidence of {label}"]) for label in LABELS] == [2, 2, 1, 2, 2, 2]


def test_bins_hold_every_value():
    texts = ["", "x" * 100_000]
    found = reference(texts, np.array([[0.0] * 6, [1.0] * 6]), np.array([0.0, 1.0], np.float32))["histograms"]
    assert {sum(counts) for counts in found.values()} == {2}
    assert (found["length"][0], found["length"][-1]) == (1, 1)


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("Hello, world 99!", "Latin"), ("çok güzel", "Latin"), ("ｈｅｌｌｏ", "Latin"), ("привет, John", "Cyrillic"),
        ("γεια σου", "Greek"), ("أهلا بك", "Arabic"), ("שלום", "Hebrew"), ("नमस्ते", "Devanagari"),
        ("สวัสดี", "Thai"), ("今度ふたりで会いませんか", "Kana"), ("ｶﾀｶﾅ", "Kana"), ("안녕하세요", "Hangul"),
        ("ㅋㅋㅋ", "Hangul"),
        ("加我微信", "Han"), ("𠮷野家", "Han"), ("გამარჯობა", "other"), ("😀 123 ...", "none"), ("", "none"),
    ],
)  # fmt: skip
def test_script(text, script):
    assert SCRIPTS[scripts(["aaaa", text, "привет"])[1]] == script


def test_coverage_counts_every_n_gram():
    vectorizer = MessageVectorizer(word_ngrams=(1, 1), char_ngrams=(0, 0)).fit(["good day", "good night"])
    table = build_table(vectorizer.hashes_)
    found = coverage(["good good morning", "GOOD day", "evening", "", "!!!"], table, vectorizer.ranges)
    assert found.tolist() == pytest.approx([2 / 3, 1, 0, 1, 1])


def test_coverage_equals_that_of_the_matrix(examples, classifier_):
    """Against the n-grams themselves, spelled out by the transformer and counted without weights."""
    texts = examples["text"].tolist()[::40]
    release = classifier_.release.settings
    every = MessageVectorizer(
        word_ngrams=tuple(release["word_ngrams"]), char_ngrams=tuple(release["char_ngrams"]),
        contacts=release["contacts"], sublinear_tf=False, norm=None,
    ).fit(texts)  # fmt: skip
    counts = every.transform(texts).multiply(1 / every.idf_).tocsr()
    slots = classifier_.release.arrays["slots"]
    tags = {int(slot) >> 24 for slot in slots[slots != 0]}
    known = np.array([(int(h) & (1 << 40) - 1) in tags for h in every.hashes_], float)
    expected = (counts @ known) / np.asarray(counts.sum(axis=1)).ravel()
    assert known_shares(classifier_, texts) == pytest.approx(expected, abs=1e-6)


def test_coverage_of_training_messages_leaves_their_group_out():
    texts = ["alpha beta", "alpha gamma", "alpha", "beta gamma"]
    vectorizer = MessageVectorizer(word_ngrams=(1, 1), char_ngrams=(0, 0), min_df=2).fit(texts)
    rest = vectorizer.hashes_, vectorizer.document_frequencies_, 2, vectorizer.ranges
    # alpha stands in three messages, beta and gamma in two: only alpha is known to two others.
    assert coverage_without_own_group(texts, None, *rest).tolist() == [0.5, 0.5, 1, 0]
    # By author, alpha is left with one message beside a's own two, and with two beside b's.
    assert coverage_without_own_group(texts, ["a", "a", "b", "b"], *rest).tolist() == [0, 0, 1, 0]


def test_a_release_keeps_its_reference(trained, examples):
    found = trained.release.record["reference"]
    judged = sum(found["histograms"]["script"])
    assert found["n"] == judged == trained.release.record["judged"]
    json.dumps(found, allow_nan=False)
    # Seen by models that know their authors, the same messages look better known than they were.
    texts = examples.drop(index=examples.index[::25])["text"].tolist()
    assert 1 - found["unknown"]["rate"] < known_shares(Classifier(trained.release), texts).mean()


# ---- what counts as moved ----


def test_stability_index_of_many_at_once():
    before, now = np.array([10, 20, 30]), np.array([[10, 20, 30], [30, 20, 10], [0, 0, 60]])
    found = stability_index(before, now)
    assert found[0] == pytest.approx(0)
    assert found.tolist() == pytest.approx([float(stability_index(before, row)) for row in now])
    assert found[0] < found[1] < found[2]


@pytest.mark.parametrize("sizes", [(1200, 1200), (1500, 150), (1200, 40)])
def test_false_alarms_on_exports_without_drift_are_as_rare_as_stated(ours, sizes):
    """Real messages shuffled and cut in two, again and again: no drift, so every alarm is false."""
    rng, n = np.random.default_rng(7), len(ours[0])
    alarms, report = 0, None
    for _ in range(100):
        rows = rng.permutation(n)
        before, now = part(ours, rows[: sizes[0]]), part(ours, rows[sizes[0] : sum(sizes)])
        report = report or compare(before, now)  # its limits hold for these sizes; drawing them takes longest
        indices = {name: stability_index(*map(np.array, (counts, now["histograms"][name])))
                   for name, counts in before["histograms"].items()}  # fmt: skip
        alarms += any(indices[movement.name] > movement.limit for movement in report.movements)
    assert report.false_alarms <= 0.015
    assert alarms <= 4  # at 1 % each, more than 4 of 100 happens three times in a thousand


def test_a_stricter_alarm_can_be_asked_for(ours):
    n = len(ours[0])
    loose, strict = (
        compare(part(ours, np.arange(200)), part(ours, np.arange(n - 200, n)), false_alarms=rate, tolerance=0)
        for rate in (0.2, 0.001)
    )
    assert all(a.limit < b.limit for a, b in zip(loose.movements, strict.movements, strict=True))
    assert strict.false_alarms < 0.01 < loose.false_alarms < 0.25


def test_more_spam_is_seen_and_said(ours, examples):
    spam = np.flatnonzero(label_matrix(examples)[:, LABELS.index("spam")] > 0)
    calm = np.setdiff1d(np.arange(len(ours[0])), spam)
    report = compare(part(ours, calm), part(ours, np.concatenate([calm[::3], np.repeat(spam, 2)])))
    assert report.moved[0].name == "confidence of spam"
    assert report.moved[0].changes[0].now > report.moved[0].changes[0].before
    assert report.sentences[0].startswith("confidence of spam moved (index ")
    assert report.as_dict()["moved"][0] == "confidence of spam"
    json.dumps(report.as_dict(), allow_nan=False)


def test_a_new_language_is_seen(ours, examples):
    russian = np.flatnonzero(examples["lang"] == "ru")
    english = np.flatnonzero(examples["lang"] == "en")
    report = compare(part(ours, english), part(ours, np.concatenate([english[::2], russian])))
    assert "script" in [movement.name for movement in report.moved]
    [sentence] = [sentence for sentence in report.sentences if sentence.startswith("script")]
    assert "Cyrillic from 0." in sentence


def test_new_vocabulary_is_seen(ours, classifier_):
    rng = np.random.default_rng(1)
    invented = [
        "".join(rng.choice([*"qxzvkjwpfy"], 6)) + " " + "".join(rng.choice([*"zqjxkwv"], 7)) for _ in range(300)
    ]
    shares = known_shares(classifier_, invented)
    report = compare(part(ours, np.arange(1000)), reference(invented, classifier_.confidences(invented), shares))
    assert "coverage" in [movement.name for movement in report.moved]
    assert report.unknown_now[1] > report.unknown_before[2]
    assert report.unknown_now[1] <= report.unknown_now[0] <= report.unknown_now[2]


def test_a_certain_but_tiny_change_is_none():
    confidences = np.zeros((10, 6))
    before = reference(["word"] * 10, confidences, np.ones(10))
    now = json.loads(json.dumps(before))
    for side, extra in ((before, 200_000), (now, 210_000)):
        side["n"] = 1_000_000
        for counts in side["histograms"].values():
            counts[0], counts[1] = 1_000_000 - extra, extra
    report = compare(before, now)
    assert not report.moved
    assert compare(before, now, tolerance=0).moved


# ---- the command ----


@pytest.fixture
def run(release_folder):
    def run(*words):
        return CliRunner().invoke(cli, ["monitor", *map(str, words), "--release", str(release_folder)])

    return run


@pytest.fixture
def export(tmp_path, examples):
    path = tmp_path / "export.jsonl"
    rows = [json.dumps({"id": i, "text": text}) for i, text in enumerate(examples["text"])]
    path.write_text("\n".join([*rows, '{"id": "bad"}']))
    return path


def test_monitor_says_what_moved(run, tmp_path):
    path = tmp_path / "new.csv"
    path.write_text(
        "id,text\n" + "".join(f"{i},Earn $500 a day from home now!!! click my link {i}\n" for i in range(200))
    )
    result = run(path)
    assert result.exit_code == 0, result.output
    assert "confidence of spam moved" in result.output
    assert "unknown n-grams: " in result.output
    assert "Earn" not in result.output
    assert run(path, "--fail-on-drift").exit_code == 1


def test_monitor_against_an_earlier_export(run, export, tmp_path):
    saved = tmp_path / "saved.json"
    assert "wrote" in run(export, "--save", saved).output
    result = run(export, "--reference", saved, "--fail-on-drift", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.output)
    assert (found["moved"], found["now"]) == ([], found["before"])
    assert all(movement["index"] == 0 for movement in found["movements"])


def test_streaming_makes_no_difference(classifier_, export, ours):
    whole, pieces = summarise(classifier_, export), summarise(classifier_, export, batch_size=97)
    assert whole["histograms"] == pieces["histograms"] == part(ours, np.arange(len(ours[0])))["histograms"]


def test_parquet_is_read_alike(classifier_, export, examples, tmp_path):
    path = tmp_path / "export.parquet"
    examples[["id", "text"]].to_parquet(path)
    assert summarise(classifier_, path) == summarise(classifier_, export)


def test_what_cannot_be_compared_is_said(classifier_, tmp_path, run, export):
    path = tmp_path / "saved.json"
    for content, message in (
        ("{", "cannot be read"),
        ('{"release": "other@1"}', "was written with other@1, not small@"),
        (json.dumps({"release": classifier_.release_id}), "holds other histograms"),
        ("[]", "holds other histograms"),
    ):
        path.write_text(content)
        with pytest.raises(MessagesError, match=message):
            read_reference(classifier_, path)
    release = classifier_.release
    bare = Classifier(type(release)(**{**vars(release), "record": {}}))
    with pytest.raises(ReleaseError, match="keeps no histograms"):
        read_reference(bare)
    empty = tmp_path / "empty.jsonl"
    empty.write_text('{"id": 1, "text": null}\n')
    with pytest.raises(MessagesError, match="holds no message"):
        summarise(classifier_, empty)
    assert isinstance(run(tmp_path / "none.csv").exception, MessagesError)
    assert isinstance(run(export, "--save", tmp_path / "no" / "folder.json").exception, MessagesError)
