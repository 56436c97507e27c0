"""The scoreboard's figures and tables: matched thresholds, alarms, bars, rows that are held out."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
NAN = float("nan")


def benchmark(name):
    """A module of ``benchmarks``, which import one another by their bare names."""
    sys.path.insert(0, str(BENCHMARKS))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(BENCHMARKS))


figures, sets, bars, baselines = (benchmark(f"scoreboard_{name}") for name in ("figures", "sets", "bars", "baselines"))


@pytest.mark.parametrize("recall", [0.1, 0.25, 0.5, 0.75, 1.0])
def test_a_matched_threshold_is_the_highest_with_the_recall(recall):
    random = np.random.default_rng(3)
    truth = (random.random(200) < 0.3).astype(float)
    scores = np.round(random.random(200) + truth / 2, 2)  # with ties
    threshold = figures.matched_threshold(scores, truth, recall)
    assert figures.recall_of(scores >= threshold, truth) >= recall
    assert figures.recall_of(scores > threshold, truth) < recall


def test_unknown_rows_do_not_move_a_matched_threshold():
    scores, truth = np.array([0.9, 0.7, 0.99, 0.2]), np.array([1.0, 1.0, NAN, 0.0])
    assert figures.matched_threshold(scores, truth, 1.0) == 0.7
    assert figures.recall_of(scores >= 0.8, truth) == 0.5


def test_a_threshold_never_lies_where_nothing_was_found():
    scores, truth = np.array([0.4, 0.0, 0.0, 0.0]), np.array([1.0, 1.0, 1.0, 0.0])
    assert figures.matched_threshold(scores, truth, 0.9, above=0.0) == 0.4
    assert figures.matched_threshold(scores[1:], truth[1:], 0.9, above=0.0) == np.inf


def test_alarms_count_messages_and_only_known_labels():
    taken = np.array([[True, True, False], [False, False, True], [False, False, False], [False, True, False]])
    truth = np.array([[0, 0, 0], [0, 0, NAN], [0, 0, 0], [0, 0, 0]])
    assert figures.alarms(taken, truth) == 5000
    assert np.isnan(figures.alarms(taken[:0], truth[:0]))


def test_the_union_is_unknown_only_where_it_could_be_either():
    truth = np.full((4, 6), NAN)
    truth[:, 0], truth[:, 3] = [1, 0, 0, NAN], [NAN, 0, NAN, 1]
    assert figures.union_truth(truth)[:, 6].tolist() == pytest.approx([1, 0, NAN, 1], nan_ok=True)
    scores = np.arange(12.0).reshape(2, 6)
    assert figures.with_union(scores)[:, 6].tolist() == [3, 9]


def test_means_are_over_what_can_be_measured():
    truth = np.zeros((8, 7))
    truth[:4, 0] = truth[:3, 1] = 1
    truth[0, 2] = 1  # too few
    scores = np.linspace(1, 0, 8)[:, None].repeat(7, axis=1)
    precisions = figures.average_precisions(scores, truth)
    assert precisions[:2].tolist() == [1, 1]
    assert np.isnan(precisions[2:]).all()
    assert figures.macro(precisions, truth) == 1
    scores[:, 1] = NAN  # a contestant that does not judge a label has no mean
    assert np.isnan(figures.macro(figures.average_precisions(scores, truth), truth))


def test_other_languages_are_a_mean_of_languages_not_of_messages():
    truth = np.zeros((46, 7))
    truth[[0, 1, 2, 10, 11, 12, 20, 21, 22], :6] = 1
    scores = truth.copy()
    scores[10:20] = 1 - scores[10:20]  # everything wrong in one of the small ones
    found = figures.by_language(scores, truth, ["en"] * 10 + ["de"] * 10 + ["fr"] * 26)
    assert [*found] == ["en", "de", "fr"]
    others = figures.mean_of_others(found)
    assert others[-1] == pytest.approx((found["de"][-1] + found["fr"][-1]) / 2)
    assert found["en"][-1] == found["fr"][-1] == 1 > found["de"][-1]


def test_a_bar_is_met_where_all_its_figures_meet_it():
    assert bars.Bar("a", 0.72, (0.72, 0.9)).met
    assert not bars.Bar("a", 0.72, (0.9, 0.7199)).met
    assert bars.Bar("a", 5, (4.9,), most=True).met
    assert not bars.Bar("a", 5, (4.9, NAN), most=True).met
    rows = [bars.Bar("a", 1, (0.5, 0.6), "%", most=True).row(), bars.Bar("a", 12, (9.2,), "MB", most=True).row()]
    assert [row.count("|") for row in rows] == [6, 6]


def test_doctests_of_the_pure_parts():
    import doctest

    for module in (figures, sets, bars):
        assert doctest.testmod(module).failed == 0


def test_nb_svm_learns_which_words_tell_a_label():
    random = np.random.default_rng(0)
    from scipy.sparse import csr_matrix

    X = (random.random((400, 30)) < 0.2).astype(float)
    y = (X[:, 0] + X[:, 1]) > 0
    coef, intercept = baselines._interpolated(csr_matrix(X), y, np.ones(400))
    assert {*np.argsort(-coef)[:2].tolist()} == {0, 1}
    margins = X @ coef + intercept
    assert margins[y].min() > margins[~y].max()


def test_linear_baselines_leave_unknown_labels_out():
    import pandas as pd

    from classifier.guidelines import LABELS

    texts = ["buy cheap pills", "buy cheap watches", "good morning friend", "see you tomorrow", "buy now"]
    frame = pd.DataFrame({"text": texts * 4, "weight": 1.0})
    for label in LABELS:
        frame[label] = pd.array([1, 1, 0, 0, None] * 4, dtype="Int8")
    model = baselines.tfidf(frame)
    found = model.scores(["cheap pills", "good morning"])
    assert found.shape == (2, 6)
    assert (found[0] > found[1]).all()
    assert (found >= 0).all()
    # "now" stands only where nothing is known, so that its weight stayed where it began
    assert model.coef[model.vectorizer.vocabulary_["now"]].tolist() == [0] * 6
    assert np.isfinite(baselines.nbsvm(frame).scores(["cheap pills"])).all()


def test_held_out_rows_are_in_no_training_group(mirror):
    from classifier.corpora import load_registry
    from classifier.examples import label_matrix, split_of

    held = sets._held_out_corpora([load_registry()[name] for name in ("youtube-spam", "presidio-synth")], mirror)
    assert {*held["split"]} == {"dev", "test"}
    assert (split_of(held["group"]) != "train").all()
    assert not held["harmless"].any(), "corpora with violations are no measure of false alarms"
    assert (~np.isnan(label_matrix(held))).any(axis=1).all()
    harmless = sets._held_out_corpora([load_registry()["banking77"]], mirror)
    assert harmless["harmless"].mean() > 0.9


@pytest.fixture
def mirror():
    """Where corpora are; the test is skipped where there are none."""
    import os

    folder = os.environ.get("CLASSIFIER_MIRROR")
    if not folder:
        pytest.skip("CLASSIFIER_MIRROR names no folder of corpora")
    return Path(folder)
