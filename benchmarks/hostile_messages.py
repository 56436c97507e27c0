"""Messages made to cost as much as they can, of any length: what a scorer must read in linear time all the same."""

from __future__ import annotations

from itertools import count, islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

LETTERS = "etaoinshrdlucmfwypvbgkjqxz"


def _word(number: int) -> str:
    """A word of four letters, another for each number below 26 ** 4, neighbours unlike each other."""
    letters, number = [], number * 314_159 % 26**4
    for _ in range(4):
        number, letter = divmod(number, 26)
        letters.append(LETTERS[letter])
    return "".join(letters)


def _distinct_words(n: int) -> str:
    return " ".join(islice(map(_word, count()), n // 5 + 1))[:n]


def _one_word(n: int) -> str:
    """Letters that never repeat a long stretch and never stand three alike in a row."""
    return _distinct_words(2 * n).replace(" ", "")[:n]


HOSTILE: dict[str, Callable[[int], str]] = {
    "one word": _one_word,
    "distinct words": _distinct_words,
    "one letter": lambda n: "a" * n,
    "combining marks": lambda n: ("z\u0335\u0321\u0357\u0342\u035d\u0316" * (n // 7 + 1))[:n],
    "marks of one letter": lambda n: "e" + "\u0301" * (n - 1),
    "spaced letters": lambda n: " ".join(_one_word(n // 2 + 1))[:n],
    "dotted letters": lambda n: ".".join(_one_word(n // 2 + 1))[:n],
    "alternating scripts": lambda n: ("a\u0434e\u0436o\u0444" * (n // 6 + 1))[:n],
    "leet runs": lambda n: ("1d10t $h1t 5tup1d @$$h0l3 " * (n // 26 + 1))[:n],
    "leet in one word": lambda n: ("a1b3c0d$" * (n // 8 + 1))[:n],
    "nested disguises": lambda n: ("f 1.u 1.c 1.k 1. " * (n // 17 + 1))[:n],
    "code points that expand": lambda n: "\ufdfa" * n,
    "ideographs": lambda n: "".join(chr(0x4E00 + k * 7919 % 20_000) for k in range(n)),
    "emoji": lambda n: ("\U0001f600\u200d\U0001f525" * (n // 3 + 1))[:n],
    "digits": lambda n: ("0171 2345678 " * (n // 13 + 1))[:n],
}
