"""Threats, calls to self-harm, distress and sexual demands: how they move a recommendation."""

import numpy as np
import pytest

import classifier
from classifier.guidelines import LABELS
from classifier.policy import Action
from classifier.severity import DETAILS, SUPPORT, advice, detail_of, escalate
from classifier.verdicts import Reason

BLOCK = np.full((1, 6), 3, np.uint8)


def levels(**by_label):
    return np.uint8([[by_label.get(label, 0) for label in LABELS]])


def details(*names):
    return np.array([[detail in names for detail in DETAILS]])


def moved(before, *names, offered=BLOCK):
    return dict(zip(LABELS, escalate(before, details(*names), offered)[0].tolist(), strict=True))


@pytest.mark.parametrize("detail", ["threat", "self_harm_call"])
@pytest.mark.parametrize("label", ["harassment", "hate"])
@pytest.mark.parametrize(("level", "raised"), [(0, 0), (1, 2), (2, 3), (3, 3)])
def test_a_threat_raises_by_one_step_what_is_recommended_already(detail, label, level, raised):
    assert moved(levels(**{label: level}), detail)[label] == raised


def test_only_as_far_as_the_policy_offers():
    offered = np.full((1, 6), 2, np.uint8)
    assert moved(levels(harassment=2), "threat", offered=offered)["harassment"] == 2
    assert moved(levels(harassment=1), "threat", offered=offered)["harassment"] == 2
    # a number in a policy may lie above what is offered on a surface: nothing is lowered by being grave
    assert moved(levels(harassment=2), "threat", offered=offered - 1)["harassment"] == 2


def test_a_sexual_demand_raises_harassment_and_dating_alone():
    found = moved(levels(harassment=1, dating_flirting=1, hate=1, spam=1), "sexual_demand")
    assert found == {**dict.fromkeys(LABELS, 0), "harassment": 2, "dating_flirting": 2, "hate": 1, "spam": 1}


def test_distress_is_never_blocked():
    found = moved(np.full((1, 6), 3, np.uint8), "distress")
    assert max(found.values()) == 2
    assert {label for label, level in found.items() if level == 2} == {"spam", "personal_info"}


def test_who_threatens_is_not_spared_for_being_in_distress():
    assert moved(levels(harassment=2), "distress", "threat")["harassment"] == 3


def test_nothing_moves_without_a_detail():
    before = levels(harassment=2, spam=3)
    assert (escalate(before, details(), BLOCK) == before).all()
    assert escalate(np.zeros((0, 6), np.uint8), np.zeros((0, 4), bool), np.zeros((0, 6), np.uint8)).shape == (0, 6)


def test_the_gravest_detail_is_told_and_advised_first():
    both = [detail in ("threat", "self_harm_call") for detail in DETAILS]
    assert detail_of("harassment", both) == "self_harm_call"
    assert detail_of("political_religious", both) is None
    reason = Reason("harassment", Action.REPORT, 0.9, 0.8, (), "threat")
    lines = advice([reason], both).splitlines()
    assert "authorities" in lines[0]
    assert len(lines) == 2
    assert advice([], [detail == "distress" for detail in DETAILS]) == SUPPORT


@pytest.fixture(scope="module")
def shipped():
    return classifier.load()


def test_the_shipped_release_tells_them_apart(shipped):
    cases = {
        "I know where you live, you will regret this when I find you": "threat",
        "kill yourself, nobody wants you here": "self_harm_call",
        "i dont want to live anymore, i want to die": "distress",
        "send me nudes now": "sexual_demand",
    }
    for text, detail in cases.items():
        assert detail in shipped.score(text).details, text
    assert shipped.score("this homework is killing me").details == ()
    threat = shipped.score("I know where you live, you will regret this when I find you")
    assert threat.reasons[0].detail == "threat"
    assert "authorities" in threat.advice


def test_distress_brings_advice_and_no_block(shipped):
    verdict = shipped.score("i dont want to live anymore, i want to die")
    assert verdict.recommendation < "block"
    assert SUPPORT in verdict.advice


def test_batches_know_the_same_details(shipped):
    texts = ["hello", "send me nudes now", "kill yourself loser", "i want to die", "nice lesson!"]
    found = shipped.recommend(texts)
    for i, text in enumerate(texts):
        verdict = shipped.score(text)
        assert tuple(d for d, is_so in zip(DETAILS, found.details[i], strict=True) if is_so) == verdict.details
        assert found.actions[i] == verdict.recommendation.level
