"""Fairness figures against values worked out by hand and against scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from classifier.bootstrap import Ranking, interval, resampled
from classifier.fairness import bias_aucs, fairness, mention_fairness, mentions
from classifier.functional_tests import Case, Identity, read_identities
from classifier.guidelines import LABELS

HATE = LABELS.index("hate")


@pytest.mark.parametrize("seed", range(4))
def test_ranking_figures_are_those_of_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    p, y = rng.random(80).round(1), rng.random(80) < 0.4  # rounded: with ties
    weights = rng.integers(0, 4, (5, 80))
    average, area = Ranking.of(p, y).figures(weights)
    for row, w in enumerate(weights):
        assert average[row] == pytest.approx(average_precision_score(y, p, sample_weight=w))
        assert area[row] == pytest.approx(roc_auc_score(y, p, sample_weight=w))


def test_ranking_of_one_class_has_no_figures():
    assert np.isnan(Ranking.of(np.array([0.1, 0.2]), np.array([0, 0])).figures(np.ones((1, 2)))[1]).all()
    assert interval(np.array([np.nan])) is None


def test_clusters_are_drawn_whole():
    clusters = np.array(["a", "a", "a", "b", "c", "c"])
    drawn = resampled(lambda w: w, 6, clusters=clusters, resamples=50)
    for name in "abc":
        of_it = drawn[:, clusters == name]
        assert (of_it == of_it[:, :1]).all()
    assert {int(total) for total in drawn[:, [0, 3, 4]].sum(axis=1)} == {3}


def test_intervals_of_clustered_messages_are_wider():
    y = np.repeat(np.arange(40) % 2, 10)
    p = np.clip(0.5 + 0.2 * np.repeat(np.random.default_rng(0).normal(size=40), 10) + 0.1 * y, 0, 1)
    alone = Ranking.of(p, y).intervals(resamples=300)[1]
    whole = Ranking.of(p, y).intervals(resamples=300, clusters=np.repeat(np.arange(40), 10))[1]
    assert whole[1] - whole[0] > 1.5 * (alone[1] - alone[0])


def test_subgroup_bpsn_and_bnsp_are_those_of_borkan():
    rng = np.random.default_rng(1)
    scores, truth, member = rng.random(60), rng.random(60) < 0.5, rng.random(60) < 0.4
    found = bias_aucs(scores, truth, member)
    parts = {
        "subgroup_auc": member,
        "bpsn_auc": (member & ~truth) | (~member & truth),
        "bnsp_auc": (member & truth) | (~member & ~truth),
    }
    for name, rows in parts.items():
        assert found[name][0] == pytest.approx(roc_auc_score(truth[rows], scores[rows]))


def two_groups(harmless, violating):
    """Sentences said of the groups A and B; arguments: confidences of hate by group."""
    cases, scores = [], []
    for kind, expected, by_group in (("n", False, harmless), ("v", True, violating)):
        for group, values in by_group.items():
            for number, value in enumerate(values):
                pair = f"{kind}{number}"
                cases.append(
                    Case(f"{pair}/{group}", "f", "en", "…", "hate" if expected else "any", expected, pair, group)
                )
                scores.append(value)
    confidences = np.zeros((len(scores), 6), np.float32)
    confidences[:, HATE] = scores
    levels = np.zeros((len(scores), 6), np.uint8)
    levels[:, HATE] = (confidences[:, HATE] >= 0.5).astype(int) + (confidences[:, HATE] >= 0.8)
    return cases, confidences, levels


def test_false_alarms_and_gaps_by_hand():
    cases, scores, levels = two_groups(
        {"A": [0.9, 0.6, 0.1, 0.1], "B": [0.2, 0.1, 0.1, 0.1]}, {"A": [0.95, 0.9], "B": [0.7, 0.3]}
    )
    found = fairness(cases, {"A": "religion"}, scores, levels, resamples=200)
    a, b = found["groups"]["A"], found["groups"]["B"]
    assert (a["kind"], a["harmless"], a["violations"], a["compared"]) == ("religion", 4, 2, True)
    assert (a["false_alarms_flag"]["value"], a["false_alarms_report"]["value"]) == (0.5, 0.25)
    assert b["false_alarms_flag"]["value"] == 0.0
    assert a["bpsn_auc"]["value"] == pytest.approx(5 / 8)  # harmless on A above violations on B
    assert b["bnsp_auc"]["value"] == pytest.approx(5 / 8)
    assert b["subgroup_auc"]["value"] == 1.0
    gap = found["gaps"]["false_alarms_flag"]
    assert (gap["value"], gap["highest"], gap["lowest"]) == (0.5, "A", "B")
    assert gap["interval"][0] <= 0.5 <= gap["interval"][1]
    assert found["gaps"]["false_alarms_block"] == {
        "value": 0.0,
        "interval": [0.0, 0.0],
        "highest": None,
        "lowest": None,
    }


def test_groups_said_in_few_sentences_are_shown_and_not_compared():
    cases, scores, levels = two_groups({"A": [0.1] * 10, "B": [0.1] * 10, "C": [0.9]}, {"A": [0.9], "B": [0.8]})
    found = fairness(cases, {}, scores, levels, resamples=20)
    assert not found["groups"]["C"]["compared"]
    assert found["groups"]["C"]["false_alarms_flag"]["value"] == 1.0
    assert found["gaps"]["false_alarms_flag"]["value"] == 0.0
    assert found["groups"]["C"]["subgroup_auc"]["value"] is None


def test_one_group_alone_has_no_gap():
    cases, scores, levels = two_groups({"A": [0.1, 0.2]}, {"A": [0.9]})
    assert set(fairness(cases, {}, scores, levels, resamples=20)["gaps"].values()) == {None}


def test_mentions_are_whole_words_in_any_language():
    found = mentions(["Ich bin Türke.", "她是穆斯林，我也是", "the germane point", "two Germans"], read_identities())
    assert found["turkish"].tolist() == [True, False, False, False]
    assert found["muslim"].tolist() == [False, True, False, False]
    assert found["german"].tolist() == [False, False, False, True]


def test_mentions_in_labelled_messages():
    terms = [
        Identity("en", "gay", "orientation", "gay", "gay people"),
        Identity("en", "deaf", "disability", "deaf", "deaf people"),
    ]
    texts = [*["I am gay"] * 30, *["gay people are bad"] * 10, *["deaf"] * 5, *["hello"] * 20]
    truth = np.zeros((65, 6), np.float32)
    truth[30:40, HATE] = 1
    truth[60:] = np.nan
    scores, levels = np.full((65, 6), 0.1), np.zeros((65, 6), np.uint8)
    scores[30:40, HATE] = 0.9
    levels[:3, HATE] = 1
    found = mention_fairness(texts, terms, scores, truth, levels, resamples=50)
    assert {*found} == {"gay"}  # five harmless mentions of the deaf are too few
    assert (found["gay"]["harmless"], found["gay"]["violations"]) == (30, 10)
    assert found["gay"]["false_alarms_flag"]["value"] == pytest.approx(0.1)
    assert found["gay"]["subgroup_auc"]["value"] == 1.0
