"""The functional tests themselves, and the gate that holds a model to them."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from classifier import behaviour
from classifier.behaviour import FunctionResult, GateReport, examined, floors_toml, run_gate
from classifier.card import card
from classifier.errors import ExamplesError, TrainingError
from classifier.examples import read_examples
from classifier.functional_tests import (
    Case,
    Floors,
    behaviour_folder,
    disguised,
    read_cases,
    read_floors,
    read_identities,
)
from classifier.guidelines import LABELS
from classifier.perturbations import PERTURBATIONS
from classifier.release import save_release
from classifier.text import clean

DATA = Path(__file__).parents[1] / "data"
HEADER = "id,function,lang,text,label,expected\n"
CASES = read_cases()
PLAIN = [case for case in CASES if not case.group]


def levels(confidences):
    return (np.asarray(confidences) >= 0.5).astype(np.uint8)


def knows(words, label="harassment"):
    """A model that finds one label where the cleaned text holds one of the words."""

    def confidences(texts):
        found = np.zeros((len(texts), len(LABELS)))
        found[:, LABELS.index(label)] = [any(word in clean(text) for word in words) for text in texts]
        return found

    return confidences


# ---- the cases ----


def test_there_are_enough_cases_of_every_label_in_many_languages():
    counts = Counter(case.label for case in PLAIN)
    assert all(80 <= counts[label] <= 150 for label in LABELS), counts
    assert len(PLAIN) >= 600
    assert len({case.name for case in PLAIN}) >= 25
    assert {len({case.lang for case in PLAIN if case.label == label}) for label in LABELS} == {13}
    for label in LABELS:
        assert {case.expected for case in PLAIN if case.label == label} == {True, False}


def test_every_case_stands_once_and_in_none_of_our_messages():
    texts = [clean(case.text) for case in CASES]
    assert [text for text, count in Counter(texts).items() if count > 1] == []
    ours = {clean(text) for name in ("messages", "shape_telling") for path in (DATA / name).glob("*.csv")
            for text in pd.read_csv(path, usecols=["text"], dtype=str, keep_default_na=False)["text"]}  # fmt: skip
    assert ours
    assert not ours & {*texts}


def test_one_sentence_is_said_of_all_groups_of_its_language():
    groups = {}
    for term in read_identities():
        groups.setdefault(term.lang, set()).add(term.group)
    sentences = {}
    for case in CASES:
        if case.group:
            sentences.setdefault((case.lang, case.pair), set()).add(case.group)
    assert len(sentences) > 60
    assert all(found == groups[lang] for (lang, _), found in sentences.items())
    assert not any("{" in case.text for case in CASES)


def test_what_is_disguised_is_what_must_be_found():
    cases = [case for case in PLAIN if case.lang in ("en", "ru", "zh")]
    hidden = disguised(cases)
    plain = {case.id: case for case in cases}
    assert {case.function for case in hidden} == {*PERTURBATIONS}
    assert all(plain[case.pair].expected and case.text != plain[case.pair].text for case in hidden)
    assert disguised([replace(cases[0], expected=False)]) == []


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("1,f,en,hi,rudeness,0", "row 2, column label: holds 'rudeness'"),
        ("1,f,en,hi,spam,yes", "column expected: holds 'yes'"),
        ("1,f,en,hi,any,1", "under 'any' only 0"),
        ("1,f,en,,spam,0", "column text: is empty"),
        ("1,f,en,hi,spam,0\n1,f,en,ho,spam,0", "'1' stands twice"),
    ],
)
def test_bad_cases_are_refused(tmp_path, rows, message):
    (tmp_path / "spam.csv").write_text(HEADER + rows + "\n", encoding="utf-8")
    with pytest.raises(ExamplesError, match=message):
        read_cases(tmp_path)


def test_missing_columns_and_empty_folders_are_refused(tmp_path):
    with pytest.raises(ExamplesError, match="holds no functional tests"):
        read_cases(tmp_path)
    (tmp_path / "a.csv").write_text("id,text\n1,hi\n")
    with pytest.raises(ExamplesError, match="column function, lang, label, expected is missing"):
        read_cases(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[hate", "cannot be read"),
        ("hate = 3", "'hate' is no table"),
        ("[hate]\nreclaimed = 1.5", r"hate.reclaimed = 1.5 is no share"),
        ("spread = true", "spread = True is no share"),
    ],
)
def test_bad_floors_are_refused(tmp_path, content, message):
    (tmp_path / "floors.toml").write_text(content)
    with pytest.raises(ExamplesError, match=message):
        read_floors(tmp_path / "floors.toml")


def test_our_floors_name_functions_that_exist():
    floors = read_floors()
    names = {case.name for case in CASES} | {f"evasion.{name}" for name in PERTURBATIONS}
    names |= {f"swap.{case.function}" for case in CASES if case.group and not case.expected}
    assert {*floors.shares} == names
    assert max(floors.shares.values()) <= 0.95


# ---- the gate ----

INSULT = Case("1", "insult", "en", "you stupid loser", "harassment", True)
OTHER = Case("2", "insult", "de", "du Vogel", "harassment", True)
QUESTION = Case("3", "question", "en", "what does stupid mean", "harassment", False)
THANKS = Case("4", "thanks", "en", "thank you", "any", False)


def test_a_function_passes_by_share():
    report = run_gate(knows(["stupid"]), levels, cases=[INSULT, OTHER, QUESTION, THANKS], floors=Floors({}))
    found = {result.name: result for result in report.functions}
    assert (found["harassment.insult"].passed, found["harassment.insult"].cases) == (1, 2)
    assert found["harassment.insult"].languages == (("en", 1, 1), ("de", 1, 0))
    assert found["harassment.question"].share == 0  # asking is not insulting
    assert found["any.thanks"].share == 1
    assert report.passed
    assert report.below == ()


def test_under_any_no_label_may_be_recommended():
    for label in LABELS:
        report = run_gate(knows(["thank"], label), levels, cases=[THANKS], floors=Floors({}))
        assert report.functions[0].share == 0


def test_evasion_counts_only_what_is_found_when_plain():
    report = run_gate(knows(["stupid"]), levels, cases=[INSULT, OTHER], floors=Floors({}))
    found = {result.name: result for result in report.functions}
    assert found["evasion.spacing"].cases == 1
    assert found["evasion.spacing"].passed == 1  # cleaning joins the letters
    assert found["evasion.masked"].passed == 0  # st*pid
    none = run_gate(knows(["nothing"]), levels, cases=[INSULT, OTHER], floors=Floors({}))
    assert [result.name for result in none.functions] == ["harassment.insult"]


def test_a_swap_fails_where_one_group_gets_another_confidence():
    cases = [Case(f"s/{group}", "identity", "en", f"I am {group}", "any", False, "s", group) for group in ("A", "B")]

    def confidences(texts, gap):
        found = np.zeros((len(texts), 6))
        found[:, 3] = [gap if text.endswith("A") else 0.0 for text in texts]
        return found

    for gap, passed in ((0.2, 1), (0.3, 0)):
        report = run_gate(lambda texts, g=gap: confidences(texts, g), levels, cases=cases, floors=Floors({}, 0.25))
        swap = report.functions[-1]
        assert (swap.name, swap.cases, swap.passed) == ("swap.identity", 1, passed)


def test_below_its_floor_names_function_share_and_floor():
    floors = Floors({"harassment.insult": 0.6, "harassment.question": 0.0})
    report = run_gate(knows(["stupid"]), levels, cases=[INSULT, OTHER, QUESTION], floors=floors)
    assert [result.name for result in report.below] == ["harassment.insult"]
    with pytest.raises(
        TrainingError, match=r"harassment\.insult 50\.0 % \(1 of 2\) is below its floor of 60 %.*--no-gate"
    ):
        report.check()
    assert GateReport.from_dict(report.as_dict()).below[0].floor == 0.6
    assert not report.as_dict()["passed"]
    run_gate(knows(["stupid", "vogel"]), levels, cases=[INSULT, OTHER], floors=floors).check()


def test_proposed_floors_hold_for_what_they_were_made_from(tmp_path):
    report = run_gate(knows(["stupid"]), levels, cases=[INSULT, OTHER, QUESTION, THANKS], floors=Floors({}))
    (tmp_path / "floors.toml").write_text(floors_toml(report, 0.3))
    floors = read_floors(tmp_path / "floors.toml")
    assert floors.spread == 0.3
    assert {*floors.shares} == {result.name for result in report.functions}
    assert all(floors.shares[result.name] < result.share or not result.share for result in report.functions)


def test_floors_know_that_cases_of_one_sentence_are_not_independent():
    alone, together = FunctionResult("a.b", 100, 90), FunctionResult("a.b", 100, 90, units=10)
    assert together.defensible_floor() < alone.defensible_floor() < 0.9
    assert FunctionResult("a.b", 1000, 1000).defensible_floor() == 0.95


def test_a_release_says_how_it_behaves(trained, tmp_path):
    confidences = trained.pipeline.predict_proba
    release = examined(trained.release, confidences, enforced=False)
    stored = release.record["behaviour"]
    assert stored["enforced"] is False
    assert {*stored["functions"]} >= {case.name for case in CASES}
    assert all(0 <= e["passed"] <= e["cases"] for e in stored["functions"].values())
    saved = save_release(release, tmp_path / "told", card(release))  # it is JSON
    assert saved.digest == save_release(trained.release, tmp_path / "plain", "card").digest  # figures change no digest
    told = card(release)
    assert "## Behaviour" in told
    assert "| subgroup auc |" in told
    assert not any(case.text in told for case in PLAIN)
    silent = card(trained.release)
    assert "The behaviour gate was not run on this release." in silent
    assert "Fairness between identity groups was not measured" in silent


def test_a_release_below_a_floor_is_refused_where_the_gate_is_on(trained, monkeypatch):
    cases = [case for case in CASES if case.lang == "en" and (case.group or case.function == "threat")]
    monkeypatch.setattr(behaviour, "read_cases", lambda: cases)
    monkeypatch.setattr(behaviour, "read_floors", lambda: Floors({"harassment.threat": 1.0}))
    deaf = lambda texts: np.zeros((len(texts), 6))  # noqa: E731
    with pytest.raises(TrainingError, match=r"harassment\.threat"):
        examined(trained.release, deaf, enforced=True)
    release = examined(trained.release, deaf, enforced=False)
    assert "Gate **not passed**: harassment.threat below" in card(release)


def test_the_shipped_release_runs_the_gate():
    classifier = pytest.importorskip("classifier")
    try:
        c = classifier.load()
    except classifier.errors.ReleaseError as error:
        pytest.skip(f"no shipped release: {error}")
    report = run_gate(c.confidences, c.policy.recommend, cases=CASES)
    assert {result.name for result in report.functions} == {*read_floors().shares}
    assert sum(result.passed for result in report.functions) > 0.5 * sum(result.cases for result in report.functions)


def test_no_reader_of_labelled_messages_takes_the_cases_for_training_data():
    path = behaviour_folder() / "hate.csv"
    with pytest.raises(ExamplesError, match="column surface"):
        read_examples(path)
