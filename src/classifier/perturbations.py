"""Ways to hide words from a filter, made by code from plain messages: leet, look-alikes, spacing and others.

Each perturbation is a function from a message to the same message disguised, in every script it makes sense for; it
returns the message as it was where it has no hold (leet in Chinese). Nothing is random: the same text gives the same
disguise. To try a new evasion, write a function and add it to `PERTURBATIONS`; the behaviour gate picks it up.

People who evade disguise the words that matter and not each letter, so only words of `LENGTH` letters and more change.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["PERTURBATIONS", "perturb"]

LENGTH = 4  # letters of a word worth disguising; two where words are not spaced
_WORD = re.compile(r"[^\W\d_]+(?:[\u064b-\u0652\u0300-\u036f]+[^\W\d_]+)*")
_UNSPACED = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_CONTACT = re.compile(r"\S*(?:@|\w\.\w|\d)\S*")  # addresses and numbers have disguises of their own

_LEET = str.maketrans("aeiostAEIOSTаеозчАЕОЗЧ", "43105743105743034" + "43034")
_SYMBOLS = str.maketrans("aislAISL", "@!$|@!$|")
# Letters that look the same in another script: Latin as Cyrillic, Cyrillic as Latin, some as Greek.
_LATIN = "aceijopsxyABCEHIKMOPTXY"
_CYRILLIC = "асеіјорѕхуАВСЕНІКМОРТХУ"
_HOMOGLYPHS = str.maketrans(_LATIN + _CYRILLIC, _CYRILLIC + _LATIN)
_GREEK = str.maketrans("aikoptuvxABEHIKMNOPTXYZ", "αικορτυνχΑΒΕΗΙΚΜΝΟΡΤΧΥΖ")
_VOWELS = "aeiouáéíóúàèìòùâêîôûäöüãõıаеёиоуыэюя"
_ZERO_WIDTH, _SOFT_HYPHEN, _TATWEEL, _LONG_VOWEL = "\u200b", "\u00ad", "\u0640", "ー"


def _words(text: str, change: Callable[[str], str]) -> str:
    """The text with every word worth disguising changed, contact details left alone."""
    spans = [match.span() for match in _CONTACT.finditer(text)]

    def disguise(match: re.Match[str]) -> str:
        word = match[0]
        inside = any(first <= match.start() < last for first, last in spans)
        short = len(word) < (2 if _UNSPACED.search(word) else LENGTH)
        return word if short or (inside and not _UNSPACED.search(word)) else change(word)

    return _WORD.sub(disguise, text)


def leet(text: str) -> str:
    """Digits for letters, in Latin and Cyrillic.

    >>> leet("you stupid idiot")
    'you 57up1d 1d107'
    """
    return _words(text, lambda word: word.translate(_LEET))


def leet_symbols(text: str) -> str:
    """Signs for letters.

    >>> leet_symbols("you nasty fool")
    'you n@$ty foo|'
    """
    return _words(text, lambda word: word.translate(_SYMBOLS))


def homoglyphs(text: str) -> str:
    """Look-alike letters of another script: Cyrillic in Latin words, Latin in Cyrillic ones.

    >>> homoglyphs("idiot").encode("ascii", "replace")
    b'?d??t'
    """
    return _words(text, lambda word: word.translate(_HOMOGLYPHS))


def greek(text: str) -> str:
    """Greek letters in Latin words.

    >>> greek("stupid")
    'sτυριd'
    """
    return _words(text, lambda word: word.translate(_GREEK))


def spacing(text: str) -> str:
    """Letters spaced out.

    >>> spacing("you idiot")
    'you i d i o t'
    """
    return _words(text, " ".join)


def dots(text: str) -> str:
    """Letters with dots between.

    >>> dots("you idiot")
    'you i.d.i.o.t'
    """
    return _words(text, ".".join)


def zero_width(text: str) -> str:
    """A zero-width space after each letter."""
    return _words(text, _ZERO_WIDTH.join)


def soft_hyphens(text: str) -> str:
    """A soft hyphen in the middle of each word."""
    return _words(text, lambda word: word[: len(word) // 2] + _SOFT_HYPHEN + word[len(word) // 2 :])


def elongation(text: str) -> str:
    """A vowel drawn out, in Arabic by tatweel, in Japanese by the long-vowel sign, in Korean and Chinese by waves.

    >>> elongation("you idiot, رخيص")
    'you iiiiidiot, رــــخيص'
    """

    def draw(word: str) -> str:
        for i, letter in enumerate(word):
            if letter.lower() in _VOWELS:
                return word[:i] + letter * 5 + word[i + 1 :]
        if "\u0600" <= word[0] <= "\u06ff":
            return word[0] + _TATWEEL * 4 + word[1:]
        if "\u3040" <= word[-1] <= "\u30ff":
            return word + _LONG_VOWEL * 4
        return word + "~~~~"

    return _words(text, draw)


def doubled(text: str) -> str:
    """The last letter of each word twice more.

    >>> doubled("you idiot")
    'you idiottt'
    """
    return _words(text, lambda word: word if _UNSPACED.search(word) else word + word[-1] * 2)


def masked(text: str) -> str:
    """The first vowel inside a word, or its second character, as an asterisk.

    >>> masked("you idiot, 垃圾")
    'you id*ot, 垃*'
    """

    def mask(word: str) -> str:
        hidden = next((i for i in range(1, len(word)) if word[i].lower() in _VOWELS), 1)
        return word[:hidden] + "*" + word[hidden + 1 :]

    return _words(text, mask)


def swapped(text: str) -> str:
    """Two letters inside each word changed about, as a slip of the fingers.

    >>> swapped("you idiot")
    'you iidot'
    """
    return _words(text, lambda word: word if len(word) < LENGTH else word[0] + word[2] + word[1] + word[3:])


def full_width(text: str) -> str:
    """Full-width Latin letters and digits.

    >>> full_width("you idiot 42")
    'ｙｏｕ ｉｄｉｏｔ ４２'
    """
    return "".join(chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign for sign in text)


def mathematical(text: str) -> str:
    """Latin letters from the mathematical alphabets, as "font" generators make them.

    >>> mathematical("idiot")
    '𝐢𝐝𝐢𝐨𝐭'
    """

    def bold(sign: str) -> str:
        if "a" <= sign <= "z":
            return chr(0x1D41A + ord(sign) - ord("a"))
        return chr(0x1D400 + ord(sign) - ord("A")) if "A" <= sign <= "Z" else sign

    return "".join(map(bold, text))


def stacked_marks(text: str) -> str:
    r"""A combining mark on every second letter.

    >>> unicodedata.normalize("NFKD", stacked_marks("idiot")).count("\u0336")
    3
    """
    return _words(text, lambda word: "".join(c + "\u0336" * (i % 2 == 0) for i, c in enumerate(word)))


def capitals(text: str) -> str:
    """Every second letter in capitals.

    >>> capitals("you idiot")
    'YoU IdIoT'
    """
    return "".join(sign.upper() if i % 2 == 0 else sign.lower() for i, sign in enumerate(text))


def decomposed(text: str) -> str:
    """Accents and Korean syllables taken apart (NFD), which look the same."""
    return unicodedata.normalize("NFD", text)


def emoji_between(text: str) -> str:
    """An emoji in place of each space.

    >>> emoji_between("you idiot")
    'you🔥idiot'
    """
    return text.replace(" ", "🔥")


def harmless_frame(text: str) -> str:
    """The message between friendly words that most languages know.

    >>> harmless_frame("you idiot")
    'Hi! :) ok ok 👍 you idiot 😊 ok, bye bye!'
    """
    return f"Hi! :) ok ok 👍 {text} 😊 ok, bye bye!"


def digits_in_signs(text: str) -> str:
    """Digits as keycap emoji.

    >>> digits_in_signs("call 42").encode("ascii", "replace")
    b'call 4??2??'
    """
    return re.sub(r"\d", lambda match: f"{unicodedata.digit(match[0])}\ufe0f\u20e3", text)


def digits_apart(text: str) -> str:
    """Digits with spaces between, and other separators gone.

    >>> digits_apart("call 555-0142 now")
    'call 5 5 5 0 1 4 2 now'
    """
    return re.sub(r"\d[\d\s().-]*\d", lambda match: " ".join(sign for sign in match[0] if sign.isdigit()), text)


def address_in_words(text: str) -> str:
    """At-signs, and the dots of addresses, in words.

    >>> address_in_words("kim.lee@example.com.")
    'kim dot lee at example dot com.'
    """
    return re.sub(r"(?<=\w)[.](?=[a-zA-Z])", " dot ", re.sub(r"(?<=\w)@(?=\w)", " at ", text))


PERTURBATIONS: dict[str, Callable[[str], str]] = {
    function.__name__: function
    for function in (
        leet, leet_symbols, homoglyphs, greek, spacing, dots, zero_width, soft_hyphens, elongation, doubled, masked,
        swapped, full_width, mathematical, stacked_marks, capitals, decomposed, emoji_between, harmless_frame,
        digits_in_signs, digits_apart, address_in_words,
    )
}  # fmt: skip


def perturb(text: str) -> dict[str, str]:
    """All disguises of a message, those that leave it as it was not among them.

    >>> sorted(perturb("垃圾"))[:3]
    ['dots', 'elongation', 'harmless_frame']
    """
    disguised = {name: change(text) for name, change in PERTURBATIONS.items()}
    return {name: other for name, other in disguised.items() if other != text}
