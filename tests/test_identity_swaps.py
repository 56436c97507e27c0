"""Messages said of another group."""

import numpy as np
import pytest

from classifier.functional_tests import Identity, read_identities
from classifier.identity_swaps import swapper

TERMS = [
    Identity("en", "immigrant", "nationality", "an immigrant", "immigrants"),
    Identity("en", "roma", "ethnicity", "Roma", "Roma people"),
    Identity("en", "refugee", "ethnicity", "a refugee", "refugees"),
    Identity("en", "muslim", "religion", "Muslim", "Muslims"),
    Identity("en", "hindu", "religion", "Hindu", "Hindus"),
    Identity("en", "black", "ethnicity", "Black", "Black people"),
    Identity("en", "indian", "nationality", "Indian", "Indians"),
    Identity("en", "deaf", "disability", "deaf", "deaf people"),
    Identity("ja", "muslim", "religion", "イスラム教徒", "イスラム教徒"),
    Identity("ja", "hindu", "religion", "ヒンドゥー教徒", "ヒンドゥー教徒"),
]


@pytest.fixture
def said_of_another():
    swap, rng = swapper(TERMS), np.random.default_rng(0)
    return lambda text, lang="en": swap(text, lang, rng)


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("Muslims, MUSLIM food", "Hindus, Hindu food"),
        ("a muslim friend and a hindu friend", "a hindu friend and a muslim friend"),
        ("I am an immigrant", "I am a refugee"),  # never "I am Roma", nor "my a refugee friend" for "my Roma friend"
    ],
)
def test_a_group_becomes_another_of_its_kind(said_of_another, text, other):
    assert said_of_another(text) == other


@pytest.mark.parametrize(
    "text", ["black coffee for the Muslimske", "my Indian lesson", "I met deaf people", "nothing here", ""]
)
def test_colours_parts_of_words_and_lone_groups_stay(said_of_another, text):
    assert said_of_another(text) == text


def test_no_two_groups_become_one():
    swap, rng = swapper(read_identities()), np.random.default_rng(0)
    for _ in range(200):
        words = swap("Muslims Jews Hindus Christians Buddhists", "en", rng).split()
        assert len({*words}) == 5, words


def test_where_no_other_is_left_the_text_stays():
    swap = swapper([term for term in TERMS if term.kind == "religion"])
    assert swap("Muslims and Hindus", "en", np.random.default_rng(0)) == "Hindus and Muslims"
    lone = swapper([term for term in TERMS if term.group in ("deaf", "muslim", "hindu")])
    assert lone("Muslims and deaf people", "en", np.random.default_rng(0)) == "Muslims and deaf people"


def test_unspaced_scripts_and_other_languages(said_of_another):
    assert said_of_another("私のクラスのイスラム教徒です", "ja") == "私のクラスのヒンドゥー教徒です"
    assert said_of_another("Muslims", "ja") == "Muslims"
    assert said_of_another("Muslims", "xx") == "Muslims"


@pytest.mark.parametrize("text", ["HRISTIYANIM", "KADINLAR", "Yahudİler", "AMERIKALILAR"])
def test_capitals_that_lower_case_does_not_undo_stay(text):
    assert swapper(read_identities())(text, "tr", np.random.default_rng(0)) == text


def test_our_terms_swap_in_every_language():
    terms = read_identities()
    swap, rng = swapper(terms), np.random.default_rng(0)
    for lang in {term.lang for term in terms}:
        people = next(term.people for term in terms if term.lang == lang and term.group == "muslim")
        assert swap(people, lang, rng) != people, lang
