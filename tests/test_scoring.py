import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from classifier.chunks import in_chunks
from classifier.golden import GOLDEN
from classifier.guidelines import LABELS, SURFACES
from classifier.policy import ACTIONS, Action, Policy, SurfaceRule
from classifier.scoring import load
from classifier.text import clean

HOSTILE = [
    "",
    " \t\n",
    "😀🏳️‍🌈👍🏽",
    "\ud800\udfff",
    "you \ud83d idiot",
    "\x00",
    "a\x00b\x07\x1b[31m",
    "\u202eyou are an idiot\u202c\u200f",
    "\u0301" * 5000,
    "ﷺ" * 3000,
    "z1" * 3000,
    "!" * 5000,
    " ".join(["idiot"] * 3000),
    "\U0010ffff\ufffe",
]


@pytest.fixture(scope="module")
def texts(examples):
    """A thousand messages and more, hostile ones between them, of lengths on both sides of the scratch's room."""
    real = examples["text"].tolist()[:1000]
    return [*real[:300], *HOSTILE, *real[300:], *GOLDEN, "stupid " * 700]


def bits(array):
    return np.ascontiguousarray(array).view(np.uint32)


# ---- confidences ----


def test_confidences_are_those_of_the_fitted_pipeline(classifier_, trained, texts):
    expected = trained.pipeline.predict_proba(texts)
    confidences = classifier_.confidences(texts)
    assert (confidences.dtype, confidences.shape) == (np.float32, (len(texts), 6))
    np.testing.assert_allclose(confidences, expected, rtol=0, atol=1e-5)
    assert confidences.std(axis=0).min() > 0.02  # no label says the same of everything


def test_one_message_a_thousand_and_threads_agree_to_the_bit(classifier_, texts):
    alone = np.concatenate([classifier_.confidences([text]) for text in texts])
    for threads in (1, 2, 5, None):
        np.testing.assert_array_equal(bits(classifier_.confidences(texts, threads=threads)), bits(alone))
    backwards = classifier_.confidences(texts[::-1] + texts * 4)[: len(texts)][::-1]
    np.testing.assert_array_equal(bits(backwards), bits(alone))
    scored = [list(classifier_.score(text).confidences.values()) for text in texts]
    np.testing.assert_array_equal(bits(np.float32(scored)), bits(alone))


@pytest.mark.parametrize("long", ["a" * 2049, "you idiot " * 300, " " * 5000])
def test_what_follows_a_long_message_has_room(classifier_, long):
    # One code point that cleaning spells out in eighteen, as many of them as a short message may hold.
    texts = [long, "\ufdfa" * 2048, "you idiot", "\ufdfa " * 1024]
    alone = np.concatenate([classifier_.confidences([text]) for text in texts])
    np.testing.assert_array_equal(bits(classifier_.confidences(texts)), bits(alone))
    assert classifier_.recommend(texts).actions[2] > 0


def test_a_long_message_after_short_ones_has_room(classifier_):
    texts = ["hi there", "you idiot", "\ufdfa" * 3000, "you idiot", "you " * 9000]
    alone = np.concatenate([classifier_.confidences([text]) for text in texts])
    np.testing.assert_array_equal(bits(classifier_.confidences(texts)), bits(alone))


def test_many_callers_at_once_get_what_one_gets(release_folder, texts):
    shared = load(release_folder)
    expected = shared.confidences(texts)

    def call(caller):
        order = np.random.default_rng(caller).permutation(len(texts))[:600]
        found = shared.confidences([texts[i] for i in order], threads=1 + caller % 3)
        one = shared.score(texts[order[0]])
        return (bits(found) == bits(expected[order])).all() and [*one.confidences.values()] == expected[
            order[0]
        ].tolist()

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(call, range(64)))


FORKED = """
import multiprocessing, os, sys
from classifier.scoring import load
scorer, texts = load(sys.argv[1]), ["you stupid idiot", "hi there", "add me on whatsapp"] * 300
expected = scorer.confidences(texts, threads=2)
def work(_):
    return scorer.confidences(texts, threads=2).tobytes(), scorer.score(texts[0]).confidences["harassment"]
if (child := os.fork()) == 0:
    os._exit(0 if work(0)[0] == expected.tobytes() else 3)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
with multiprocessing.get_context("fork").Pool(3) as pool:
    assert set(pool.map(work, range(9))) == {(expected.tobytes(), float(expected[0, 0]))}
"""


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="this system has no fork")
def test_forked_processes_score_alike(release_folder):
    done = subprocess.run(
        [sys.executable, "-c", FORKED, release_folder], capture_output=True, text=True, check=False, timeout=120
    )
    assert (done.returncode, done.stderr) == (0, "")


class Broken(str):
    """A text that cannot be encoded."""

    def __len__(self):
        raise KeyError(str(self))


@pytest.mark.parametrize("where", [0, 700, 1999])
def test_what_is_raised_in_any_thread_is_raised_and_ends_the_work(where):
    done = []
    texts = ["hi"] * 2000
    texts[where] = Broken("no length")
    with pytest.raises(KeyError, match="no length"):
        in_chunks(lambda here, points, offsets: done.append(here), texts, 3)
    assert sum(here.stop - here.start for here in done) < len(texts)


def test_each_message_is_taken_once():
    for n, threads in ((0, 2), (1, 2), (511, 3), (512, 3), (5000, 1), (5000, 64)):
        taken = []
        in_chunks(lambda here, points, offsets, taken=taken: taken.append((here, len(points))), ["hey"] * n, threads)
        order = sorted((here.start, here.stop) for here, _ in taken)
        assert [stop for _, stop in order][:-1] == [start for start, _ in order][1:]
        assert sum(points for _, points in taken) == 3 * n


# ---- what texts are ----


@pytest.mark.parametrize(
    "make",
    [
        list,
        tuple,
        iter,
        lambda texts: np.array(texts, object),
        np.array,
        pd.Series,
        lambda texts: pd.Series(texts, index=range(9, 9 - len(texts), -1)),
        lambda texts: pd.Series(texts, dtype="object"),
        lambda texts: pd.Categorical(texts),
        pa.array,
        lambda texts: pa.array(texts, pa.large_string()),
        lambda texts: pa.array(texts).dictionary_encode(),
        lambda texts: pa.chunked_array([texts[:1], texts[1:]]),
        lambda texts: pa.table({"text": texts})["text"].slice(0),
    ],
)
def test_every_column_of_strings_is_scored(classifier_, make):
    texts = ["you idiot", "", "hi there é", "加我微信"]
    np.testing.assert_array_equal(classifier_.confidences(make(texts)), classifier_.confidences(texts))
    assert classifier_.recommend(make(texts)).actions.shape == (4,)


@pytest.mark.parametrize("make", [list, pd.Series, pa.array, np.array])
def test_no_messages_give_no_rows(classifier_, make):
    assert classifier_.confidences(make([])).shape == (0, 6)
    assert classifier_.recommend(make([])).reasons == []


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["a", None], r"texts\[1\] is NoneType, not str; set missing messages aside"),
        (["a", "b", float("nan")], r"texts\[2\] is float, not str"),
        ((1, "a"), r"texts\[0\] is int, not str"),
        ([b"a"], r"texts\[0\] is bytes, not str"),
        (np.arange(3), r"texts\[0\] is int, not str"),
        (pd.Series(["a", None]), r"texts\[1\] is (float|NoneType)"),
        (pa.array(["a", None]), r"texts\[1\] is NoneType"),
        (pa.chunked_array([["a"], ["b", None]]), r"texts\[2\] is NoneType"),
        (pd.DataFrame({"text": ["a"]}), "DataFrame"),
        (None, "NoneType"),
    ],
)
def test_what_is_no_string_is_refused_by_its_position(classifier_, texts, message):
    for method in (classifier_.confidences, classifier_.recommend):
        with pytest.raises(TypeError, match=message):
            method(texts)


@pytest.mark.parametrize("text", [None, 3, b"bytes", ["list"], float("nan")])
def test_score_takes_one_string(classifier_, text):
    for method in (classifier_.score, classifier_.explain):
        with pytest.raises(TypeError, match=f"text is {type(text).__name__}, not str"):
            method(text)


def test_one_string_is_no_sequence_of_messages(classifier_):
    with pytest.raises(ValueError, match="string object received"):
        classifier_.confidences("you idiot")


@pytest.mark.parametrize("text", [*HOSTILE, "a" * 10**6, "you idiot " * 10**5, "你" * 10**6, "\ud800" * 10**6])
def test_hostile_texts_are_scored_and_the_unknown_is_said_to_be(classifier_, text):
    verdict = classifier_.score(text)
    assert all(0 <= confidence <= 1 for confidence in verdict.confidences.values())
    assert verdict.known or (verdict.recommendation, verdict.labels, verdict.reasons) == (Action.NONE, (), ())
    if not clean(text):
        assert not verdict.known


def test_nothing_is_recommended_where_nothing_is_known(release_folder):
    everything = Policy(thresholds=np.zeros((6, 3), np.float32))
    strict = load(release_folder, policy=everything)
    assert strict.score("𒀀").known is False
    assert strict.score("𒀀").recommendation == "none"
    found = strict.recommend(["𒀀", "hello", ""])
    assert found.known.tolist() == [False, True, False]
    assert found.actions.tolist() == [0, 3, 0]
    assert found.reasons[0] == found.reasons[2] == "[]"


# ---- recommendations ----


def test_recommending_many_equals_scoring_each(classifier_, texts):
    surfaces = [(None, *SURFACES)[i % 5] for i in range(len(texts))]
    found = classifier_.recommend(texts, surfaces)
    assert {*found.actions.tolist()} == {0, 1, 2, 3}  # every action occurs
    for i, (text, surface) in enumerate(zip(texts, surfaces, strict=True)):
        verdict = classifier_.score(text, surface=surface)
        assert ACTIONS[found.actions[i]] is verdict.recommendation
        assert [*verdict.confidences.values()] == found.confidences[i].tolist()
        assert verdict.labels == tuple(np.array(LABELS)[found.label_actions[i] > 0])
        assert verdict.known == found.known[i]
        assert json.loads(found.reasons[i]) == [json.loads(json.dumps(reason.as_dict())) for reason in verdict.reasons]
    assert json.loads(found.reasons[int(np.argmax(found.actions))])[0].keys() == {
        "label", "action", "confidence", "threshold", "spans",
    }  # fmt: skip


@pytest.mark.parametrize("column", [list, tuple, pd.Series, lambda surfaces: np.array(surfaces, object)])
def test_surfaces_are_any_column(classifier_, column):
    texts, surfaces = ["add me on whatsapp 555 0142", "hi"], ["private_message", "comment"]
    expected = [
        classifier_.score(*pair[:1], surface=pair[1]).recommendation for pair in zip(texts, surfaces, strict=True)
    ]
    assert [ACTIONS[level] for level in classifier_.recommend(texts, column(surfaces)).actions] == expected


@pytest.mark.parametrize("surfaces", [["comment"], ["comment"] * 3, []])
def test_surfaces_are_one_for_each_message(classifier_, surfaces):
    with pytest.raises(ValueError, match="surfaces"):
        classifier_.recommend(["you stupid idiot", "hi"], surfaces)


def test_an_unknown_surface_is_refused(classifier_):
    message = "surface 'chat' is unknown; use one of private_message, comment, profile, post or None"
    for call in (
        lambda: classifier_.score("hi", surface="chat"),
        lambda: classifier_.explain("hi", surface="chat"),
        lambda: classifier_.recommend(["hi"], ["chat"]),
    ):
        with pytest.raises(ValueError, match=message):
            call()


def test_a_surface_relaxes_and_tightens(release_folder, trained):
    text, labels = "add me on whatsapp +1 555 0142 or mail kim.j@example.com", LABELS
    rules = {"comment": {"personal_info": SurfaceRule(Action.FLAG)}, "post": {"spam": SurfaceRule(shift=-1.0)}}
    thresholds = np.full((6, 3), 0.999, np.float32)
    thresholds[labels.index("personal_info")] = 0.1, 0.2, 0.3
    scorer = load(release_folder, policy=replace(trained.release.policy, thresholds=thresholds, surfaces=rules))
    by_surface = {surface: scorer.score(text, surface=surface) for surface in (None, *SURFACES)}
    relaxed = [surface for surface, verdict in by_surface.items() if verdict.recommendation == "flag"]
    assert relaxed == ["comment"]
    assert by_surface["profile"].recommendation == by_surface[None].recommendation == "block"
    assert [surface for surface, verdict in by_surface.items() if "spam" in verdict.labels] == ["post"]
    assert [verdict.surface for verdict in by_surface.values()] == [None, *SURFACES]
