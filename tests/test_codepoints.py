import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier import codepoints
from classifier.text import clean

ANY_CHARACTER = st.characters(exclude_categories=()) | st.characters(categories=["Cs"])
# A letter that each version of Unicode added, from 14 to 17: which have a kind tells what the tables were built from.
NEW_LETTERS = "\u0870\u0cf3\U0002ebf0\u1c89\U00011dc0"


def test_the_stored_tables_are_those_of_the_code():
    stored = codepoints.load()
    known = {
        c for c in NEW_LETTERS if stored.kind[int(stored.block[ord(c) >> 8]) * 256 + (ord(c) & 255)] >= codepoints.LATIN
    }
    assert "\u0870" in known
    if known != {c for c in NEW_LETTERS if unicodedata.category(c) != "Cn"}:
        pytest.skip(f"built from another version of Unicode than this Python's {unicodedata.unidata_version}")
    for name, array in vars(codepoints.build()).items():
        np.testing.assert_array_equal(getattr(stored, name), array, err_msg=name)
        assert getattr(stored, name).dtype == array.dtype


@settings(max_examples=500)
@given(ANY_CHARACTER)
def test_the_stored_tables_agree_with_fold_and_kind_on_old_characters(char):
    if unicodedata.ucd_3_2_0.category(char) == "Cn" or unicodedata.category(char) != unicodedata.ucd_3_2_0.category(
        char
    ):
        return  # assigned or changed since: depends on this Python's Unicode data
    tables, code = codepoints.load(), ord(char)
    at = int(tables.block[code >> 8]) * 256 + (code & 255)
    difference = int(tables.fold[at])
    if difference > codepoints.DROP:
        stored = chr(code + difference)
    else:
        first = codepoints.DROP - 1 - difference
        size = 0 if difference == codepoints.DROP else tables.expansions[first]
        stored = "".join(map(chr, tables.expansions[first + 1 : first + 1 + size]))
    assert stored == codepoints.fold(char)
    assert tables.kind[at] == codepoints.kind(char)


@given(ANY_CHARACTER)
@settings(max_examples=500)
def test_folding_a_folded_character_changes_nothing(char):
    assert "".join(map(codepoints.fold, codepoints.fold(char))) == codepoints.fold(char)
    assert clean(char).strip() == clean(codepoints.fold(char))


@pytest.mark.parametrize(
    ("chars", "kind"),
    [
        (" ", "SPACE"),
        ("!.@'_", "PUNCTUATION"),
        ("059", "DIGIT"),
        ("azə", "LATIN"),
        ("дё", "CYRILLIC"),
        ("λ", "GREEK"),
        ("كه", "ARABIC"),
        ("한א\u0939\u093fกㅋ", "OTHER_LETTER"),
        ("好がガー々", "IDEOGRAPH"),
        ("😀♥🇩", "EMOJI"),
    ],
)
def test_kinds(chars, kind):
    assert {codepoints.kind(char) for char in chars} == {getattr(codepoints, kind)}


def test_loops_and_tables_agree_on_the_kinds():
    from classifier.kernels import folding

    names = "SPACE PUNCTUATION DIGIT LATIN CYRILLIC GREEK ARABIC OTHER_LETTER IDEOGRAPH EMOJI DROP"
    for name in names.split():
        assert getattr(folding, name) == getattr(codepoints, name)
    expansions = codepoints.load().expansions.tolist()
    longest, at = 0, 0
    while at < len(expansions):
        longest, at = max(longest, expansions[at]), at + 1 + expansions[at]
    assert longest == folding.MAX_EXPANSION
