"""From a cleaned message to the hashes of its n-grams.

The n-grams are those of scikit-learn's ``TfidfVectorizer``: ``word`` n-grams over tokens joined by a space, ``char_wb``
n-grams over words padded with a space on either side. In character n-grams every digit reads as 0, so that telephone
numbers of one shape share their n-grams.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from classifier.kernels.cleaning import DIGIT, OTHER_LETTER, PUNCTUATION
from classifier.kernels.compiling import compiled

# Multipliers of a polynomial hash over code points; the seeds keep words and character n-grams apart.
_P = np.uint64(0x9E3779B97F4A7C15)
_Q = np.uint64(0xC2B2AE3D27D4EB4F)
_WORD_SEED = np.uint64(0x2545F4914F6CDD1D)
_CHAR_SEED = np.uint64(0x8CB92BA72F3D8DD7)
_MIX = np.uint64(0xD6E8FEB86659FD93)
_ZERO = np.uint64(48)
_BLANK = np.uint64(32)


class NgramRanges(NamedTuple):
    """Shortest and longest n-grams of both blocks; a block whose longest is 0 is left out."""

    word_min: int
    word_max: int
    char_min: int
    char_max: int


@compiled
def _mixed(h):
    """Spread the entropy of a polynomial hash over all 64 bits (the finaliser of Stafford's mixers)."""
    h ^= h >> np.uint64(32)
    h *= _MIX
    h ^= h >> np.uint64(29)
    return h


@compiled
def room_for(n, r):
    """How many n-grams a message of ``n`` cleaned characters has at most."""
    return n * (r.word_max - r.word_min + 1) + (n + 2) * (r.char_max - r.char_min + 1) + 4


@compiled
def word_hashes(text, kinds, n, r, out, tokens, starts, ends, spans):
    """Write the hashes of the word n-grams of a message to ``out``; return how many.

    A token is a run of letters and digits, or one ideograph, kana or emoji. ``tokens``, ``starts`` and ``ends`` are
    scratch for ``n`` values. Row ``k`` of ``spans``, unless that is None, becomes the start and end of n-gram ``k``.
    """
    if r.word_max == 0:
        return 0
    count = 0
    i = 0
    while i < n:
        kind = kinds[i]
        if kind <= PUNCTUATION:
            i += 1
            continue
        starts[count] = i
        h = (_WORD_SEED ^ np.uint64(text[i])) * _P
        i += 1
        if kind <= OTHER_LETTER:
            while i < n and DIGIT <= kinds[i] <= OTHER_LETTER:
                h = (h ^ np.uint64(text[i])) * _P
                i += 1
        tokens[count] = h
        ends[count] = i
        count += 1
    written = 0
    for first in range(count):
        h = tokens[first]
        for size in range(1, r.word_max + 1):
            last = first + size - 1
            if last >= count:
                break
            if size > 1:
                h = (h ^ (tokens[last] >> np.uint64(7))) * _Q
            if size >= r.word_min:
                out[written] = _mixed(h)
                if spans is not None:
                    spans[written, 0] = starts[first]
                    spans[written, 1] = ends[last]
                written += 1
    return written


@compiled
def char_hashes(text, kinds, n, r, out, spans):
    """Write the hashes of the character n-grams of a message to ``out``; return how many.

    ``spans`` as in `word_hashes`; the padding spaces are at -1 and ``n``. A lone space is no n-gram.
    """
    if r.char_max == 0 or n == 0:
        return 0
    written = 0
    for i in range(-1, n):
        # A word shorter than the shortest n-gram counts once, whole: scikit-learn does so.
        opens = i < 0 or text[i] == 32
        h = _CHAR_SEED
        size = 0
        j = i
        while size < r.char_max:
            blank = j < 0 or j >= n or text[j] == 32
            c = _BLANK if blank else (_ZERO if kinds[j] == DIGIT else np.uint64(text[j]))
            h = (h ^ c) * _P
            size += 1
            j += 1
            last = blank and size > 1
            if (size >= r.char_min and not (blank and size == 1)) or (last and opens):
                out[written] = _mixed(h)
                if spans is not None:
                    spans[written, 0] = i
                    spans[written, 1] = j
                written += 1
            if last:
                break
    return written
