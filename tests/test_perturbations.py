"""Disguises: each changes what it should and nothing else, in every script it is for."""

import unicodedata

import pytest

from classifier.perturbations import PERTURBATIONS, perturb
from classifier.text import clean

SENTENCES = {
    "en": "you are a stupid loser, call 555 0142 or mail kim.lee@example.com",
    "ru": "ты полный дурак, замолчи уже",
    "ar": "أنت غبي جدا وحقير",
    "zh": "你真是个垃圾，闭嘴吧",
    "ja": "お前は本当に馬鹿だな",
    "ko": "너는 정말 멍청한 쓰레기야",
    "tr": "sen gerçekten aptalsın",
    "de": "du bist ein völlig dummer Versager",
}
# What cleaning is built to undo wholly: the same cleaned text.
UNDONE = ("zero_width", "soft_hyphens", "full_width", "mathematical", "stacked_marks", "capitals", "decomposed")


@pytest.mark.parametrize("name", PERTURBATIONS)
def test_every_disguise_is_pure_and_has_a_hold_somewhere(name):
    changed = [lang for lang, text in SENTENCES.items() if PERTURBATIONS[name](text) != text]
    assert changed
    assert all(PERTURBATIONS[name](text) == PERTURBATIONS[name](text) for text in SENTENCES.values())
    assert PERTURBATIONS[name]("") in ("", PERTURBATIONS["harmless_frame"](""))


@pytest.mark.parametrize("lang", SENTENCES)
def test_perturb_names_only_what_changed(lang):
    text, found = SENTENCES[lang], perturb(SENTENCES[lang])
    assert {*found} == {name for name, change in PERTURBATIONS.items() if change(text) != text}
    assert len(found) >= 6  # every script can be disguised in several ways
    assert text not in found.values()


@pytest.mark.parametrize(
    ("name", "lang", "part"),
    [
        ("leet", "en", "57up1d"),
        ("leet", "ru", "дур4к"),
        ("homoglyphs", "en", "ѕtuріd"),
        ("spacing", "zh", "你 真 是 个"),
        ("dots", "ru", "д.у.р.а.к"),
        ("elongation", "ar", "وــــحقير"),
        ("elongation", "ru", "дууууурак"),
        ("masked", "tr", "g*rçekten"),
        ("masked", "ja", "*"),
        ("zero_width", "ko", "멍\u200b청"),
        ("digits_apart", "en", "call 5 5 5 0 1 4 2 or"),
        ("address_in_words", "en", "kim dot lee at example dot com"),
    ],
)
def test_what_a_disguise_does(name, lang, part):
    assert part in PERTURBATIONS[name](SENTENCES[lang])


@pytest.mark.parametrize("name", ["leet", "spacing", "homoglyphs", "masked", "swapped", "elongation"])
def test_short_words_and_contacts_stay(name):
    disguised = PERTURBATIONS[name](SENTENCES["en"])
    assert disguised.startswith("you are a ")
    assert disguised.endswith("kim.lee@example.com")
    assert "555 0142" in disguised


@pytest.mark.parametrize("name", UNDONE)
@pytest.mark.parametrize("lang", ["en", "ru", "tr", "ko"])
def test_cleaning_undoes_what_only_looks_different(name, lang):
    text = SENTENCES[lang]
    assert clean(PERTURBATIONS[name](text)) == clean(text)


def test_decomposed_looks_the_same():
    for text in SENTENCES.values():
        assert unicodedata.normalize("NFC", PERTURBATIONS["decomposed"](text)) == unicodedata.normalize("NFC", text)
