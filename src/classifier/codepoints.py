"""What each Unicode code point is folded to and which kind of character that is, as lookup tables.

The tables are built from Python's own ``unicodedata`` and the lists below by ``python -m classifier.codepoints`` and
stored beside this file, so that a message is cleaned alike under every Python version. `load` reads them
in milliseconds; building takes seconds.
"""

from __future__ import annotations

import sys
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

TABLES = Path(__file__).with_name("codepoints.npz")

# Kinds of folded characters. Words are runs of the kinds from DIGIT to OTHER_LETTER, or one SINGLE (ideograph, kana,
# emoji): scripts written without spaces would otherwise give words as long as sentences.
SPACE, PUNCTUATION, DIGIT, LATIN, CYRILLIC, GREEK, ARABIC, OTHER_LETTER, IDEOGRAPH, EMOJI = range(10)

# `Tables.fold` holds differences from the code point, so that unchanged blocks are one; values up to here are special.
DROP = -(1 << 30)

# Letters that NFKC leaves alone but people use as, or type for, plain Latin ones.
_LATIN_VARIANTS = (
    dict(zip("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ", "abcdefghijklmnoprstuvwyz", strict=True))
    | dict(zip("ɑɡɩıȷƒłđøðħɛɔɐɯʇʌɹǝɓɗɦɨɭɱɲʂʋ", "agiijfldodheoamtvrebdhilmnsv", strict=True))
    | {"æ": "ae", "œ": "oe", "þ": "th", "ß": "ss"}
)
# Straight forms of typographic punctuation. Corner brackets are quotation marks.
_PUNCTUATION = {
    **dict.fromkeys("‘’‚‛′´`ʼʻˈ＇", "'"),
    **dict.fromkeys("“”„‟″«»「」『』〝〞〟❝❞", '"'),
    **dict.fromkeys("‐‑‒–—―−﹣﹘", "-"),
    **dict.fromkeys("⁄∕", "/"),
    "⁎": "*",
    "∗": "*",
    "・": " ",
    "。": ".",
    "、": ",",
}
# Arabic letters that writers exchange freely (light normalisation, as in Larkey et al. 2002).
_ARABIC = {"ى": "ي", "ة": "ه", "ک": "ك", "ی": "ي", "ٱ": "ا"}
# Look-alikes: what a letter of another script passes for inside a Latin word.
_AS_LATIN = dict(zip("аеорсухіјѕԁһԛԝкмтвнпглґєαβεικνορτυχηωγμ", "aeopcyxijsdhqwkmtbhnrlrcabeikvoptuxnwyu", strict=True))
# Leet: digits and signs that stand for letters inside a word.
LEET = {"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "@": "a", "$": "s", "!": "i", "|": "l", "€": "e"}

# Combining marks that decorate a letter without changing the word; marks of Indic and other scripts are letters there.
_MARKS = ((0x300, 0x36F), (0x483, 0x489), (0x591, 0x5C7), (0x610, 0x61A), (0x64B, 0x65F), (0x670, 0x670),
          (0x6D6, 0x6ED), (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF), (0x20D0, 0x20FF), (0xFE20, 0xFE2F))  # fmt: skip
_DROPPED = ((0x640, 0x640), (0xFE00, 0xFE0F), (0x1F3FB, 0x1F3FF), (0x180B, 0x180F), (0x115F, 0x1160), (0x3164, 0x3164),
            (0x2800, 0x2800), (0xE0000, 0xE0FFF))  # fmt: skip
# Kept as they are: conjoining and compatibility jamo are composed, or read alone (ㅋㅋ), by the cleaning loop.
_KEPT = ((0x1100, 0x11FF), (0x3131, 0x318E), (0x3099, 0x309A), (0x439, 0x439))


def _within(code: int, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(low <= code <= high for low, high in ranges)


def _fold_once(char: str) -> str:
    code = ord(char)
    category = unicodedata.category(char)
    if code in (0x200B, 0x2060) or _within(code, _DROPPED) or _within(code, _MARKS):
        return ""
    if category in ("Cc", "Cs", "Zs", "Zl", "Zp"):
        return " "
    if category == "Cf":
        return ""
    if _within(code, _KEPT):
        return char
    if 0x1F150 <= code <= 0x1F169 or 0x1F170 <= code <= 0x1F189:  # negative circled and squared letters
        return chr(ord("a") + (code - 0x1F150) % 0x20)
    if category == "Nd":
        return str(unicodedata.digit(char))
    if char in _PUNCTUATION:
        return _PUNCTUATION[char]
    if char.casefold() == "й":  # its mark tells it from и
        return "й"
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", char).casefold())
    bare = "".join(c for c in unicodedata.normalize("NFKD", folded) if not _within(ord(c), _MARKS))
    if not _within(ord(folded[0]), ((0xAC00, 0xD7A3), (0x3040, 0x30FF))) and len(bare) <= len(folded):
        folded = bare
    return "".join(_LATIN_VARIANTS.get(c, _ARABIC.get(c, _PUNCTUATION.get(c, c))) for c in folded)


def fold(char: str) -> str:
    r"""One character folded: what `Tables` hold, computed from ``unicodedata``.

    >>> [fold(c) for c in "É①ß“\u200b"]
    ['e', '1', 'ss', '"', '']
    """
    before, after = char, _fold_once(char)
    while before != after:
        before, after = after, "".join(map(_fold_once, after))
    return after


def kind(char: str) -> int:
    """The kind of one folded character.

    >>> kind("a") == LATIN, kind("語") == IDEOGRAPH, kind("!") == PUNCTUATION
    (True, True, True)
    """
    code, category = ord(char), unicodedata.category(char)
    if char == " ":
        return SPACE
    if category == "Nd":
        return DIGIT
    if category[0] in "LM" or category == "Nl":
        if (
            0x2E80 <= code <= 0x30FF
            or 0x31F0 <= code <= 0x9FFF
            or 0xF900 <= code <= 0xFAFF
            or 0x1AFF0 <= code <= 0x1B16F
            or code >= 0x20000
        ):
            return IDEOGRAPH
        for name, value in (("LATIN", LATIN), ("CYRILLIC", CYRILLIC), ("GREEK", GREEK), ("ARABIC", ARABIC)):
            if unicodedata.name(char, "").startswith(name):
                return value
        return OTHER_LETTER
    return EMOJI if category == "So" or 0x1F1E6 <= code <= 0x1F1FF else PUNCTUATION


@dataclass(frozen=True)
class Tables:
    """Two-level tables over all code points, in shared blocks of 256.

    With ``i = block[c >> 8] * 256 + (c & 255)``, the code point ``c`` is folded to ``c + fold[i]``, to nothing where
    that is `DROP`, or, where ``fold[i]`` is less, to the ``expansions[j]`` code points from ``expansions[j + 1]`` with
    ``j = DROP - 1 - fold[i]``. ``kind[i]`` is the kind of ``c`` and ``as_latin[i]`` the Latin letter it passes for (0:
    none), both for folded ``c``. ``voiced[m, c - 0x3000]`` is kana ``c`` with the mark U+3099 + ``m`` (0: none).
    """

    block: NDArray[np.uint16]
    fold: NDArray[np.int32]
    kind: NDArray[np.uint8]
    as_latin: NDArray[np.uint8]
    expansions: NDArray[np.int32]
    voiced: NDArray[np.int32]


def build() -> Tables:
    """Build the tables from this Python's ``unicodedata``."""
    rows = np.zeros((sys.maxunicode + 1, 3), np.int32)
    expansions: list[int] = []
    for code in range(len(rows)):
        char = chr(code)
        folded = fold(char)
        if len(folded) == 1:
            difference = ord(folded) - code
        elif not folded:
            difference = DROP
        else:
            difference = DROP - 1 - len(expansions)
            expansions += [len(folded), *map(ord, folded)]
        rows[code] = difference, kind(char), ord(_AS_LATIN.get(char, "\0"))
    unique, block = np.unique(rows.reshape(-1, 256 * 3), axis=0, return_inverse=True)
    shared = unique.reshape(-1, 3)
    voiced = np.zeros((2, 256), np.int32)
    for mark in range(2):
        for code in range(0x3040, 0x3100):
            composed = unicodedata.normalize("NFC", chr(code) + chr(0x3099 + mark))
            voiced[mark, code - 0x3000] = ord(composed) if len(composed) == 1 else 0
    return Tables(
        block.reshape(-1).astype(np.uint16),
        np.ascontiguousarray(shared[:, 0]),
        shared[:, 1].astype(np.uint8),
        shared[:, 2].astype(np.uint8),
        np.array(expansions, np.int32),
        voiced,
    )


@cache
def load() -> Tables:
    """The stored tables, read once."""
    with np.load(TABLES, allow_pickle=False) as arrays:
        return Tables(**arrays)


if __name__ == "__main__":
    np.savez_compressed(TABLES, **vars(build()))
