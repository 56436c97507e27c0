"""Texts as the contact finders read them: folded character by character, with the way back to the original."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from classifier import codepoints
from classifier.text import clean_with_origins

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["View", "cleaned_view", "folded_view"]

# What hangs on to the character before it: marks, joiners, variation selectors, the keycap of an emoji digit.
_TRAILING = re.compile("[\u0300-\u036f\u064b-\u065f\u200b-\u200f\u2060\u20d0-\u20ff\ufe00-\ufe0f]{0,64}")
_fold = lru_cache(2**16)(codepoints.fold)


@dataclass(frozen=True)
class View:
    """A text in plain lower-case characters; character ``i`` came from position ``origins[i]`` of the original."""

    text: str
    original: str
    origins: Sequence[int]

    def original_span(self, start: int, end: int) -> tuple[int, int]:
        """The span of the original, with the marks that hang on its last character.

        >>> folded_view("n° 0️⃣7️⃣!").original_span(3, 5)
        (3, 9)
        """
        trailing = _TRAILING.match(self.original, self.origins[end - 1] + 1)
        return self.origins[start], trailing.end() if trailing else self.origins[end - 1] + 1

    def is_upper(self, position: int) -> bool:
        """Whether the original has a capital here."""
        return self.original[self.origins[position]].isupper()


def folded_view(text: str) -> View:
    """Fold case, width, accents, digits of other scripts, and leave invisible characters out; nothing else changes.

    >>> folded_view("٠٥٥ Ａｂ").text
    '055 ab'
    """
    if text.isascii():
        return View(text.lower().replace("\n", " ").replace("\t", " "), text, range(len(text)))
    pieces = [*map(_fold, text)]
    folded = "".join(pieces)
    if len(folded) == len(text) and "" not in pieces:
        return View(folded, text, range(len(text)))
    return View(folded, text, [i for i, piece in enumerate(pieces) for _ in piece])


def cleaned_view(text: str) -> View:
    """Clean a text as the model reads it: letters spaced out, look-alikes and leet are undone.

    >>> cleaned_view("t e l e g r a m").text
    'telegram'
    """
    found = clean_with_origins(text)
    return View(found.text, text, found.origins.tolist())
