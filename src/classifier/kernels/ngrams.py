"""From a cleaned message to the hashes of its n-grams.

The n-grams are those of scikit-learn's ``TfidfVectorizer``: ``word`` n-grams over tokens joined by a space, ``char_wb``
n-grams over words padded with a space on either side. In character n-grams every digit reads as 0, so that telephone
numbers of one shape share their n-grams.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from classifier.kernels.compiling import compiled, inlined
from classifier.kernels.copying import STRIDE
from classifier.kernels.folding import DIGIT, IDEOGRAPH, OTHER_LETTER
from classifier.kernels.runs import AT_ONCE, BLOCK, P, find_runs, hash_prefixes, hash_runs

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Multipliers of hashes, beside `runs.P`; the seeds keep words and character n-grams apart.
_Q = np.uint64(0xC2B2AE3D27D4EB4F)
_WORD_SEED = np.uint64(0x2545F4914F6CDD1D)
_CHAR_SEED = np.uint64(0x8CB92BA72F3D8DD7)
_MIX = np.uint64(0xD6E8FEB86659FD93)


class NgramRanges(NamedTuple):
    """Shortest and longest n-grams of words and of characters; a block whose longest is 0 is left out."""

    word_min: int
    word_max: int
    char_min: int
    char_max: int
    contacts: int = 0  # 1: what has the shape of a contact detail is a third block


class NgramScratch(NamedTuple):
    """Memory for the n-grams of messages of up to ``room`` cleaned characters."""

    tokens: NDArray[np.uint64]
    starts: NDArray[np.int32]
    ends: NDArray[np.int32]
    padded: NDArray[np.uint64]  # characters with a space before the first and after the last; hashes of prefixes
    reach: NDArray[np.int32]  # characters up to and with the next space
    piece_starts: NDArray[np.int32]
    piece_ends: NDArray[np.int32]
    running: NDArray[np.uint64]  # the hash begun at each character
    mixed: NDArray[np.uint64]
    marks: NDArray[np.uint8]  # the marks of characters, then their kinds, then the kind of each contact shape


@compiled
def ngram_scratch(room, r):
    """Scratch for messages of up to ``room`` cleaned characters."""
    wide = room + 2 + max(r.char_max, STRIDE)
    return NgramScratch(
        np.empty(room + 1, np.uint64),
        np.empty(room + 1 + AT_ONCE, np.int32),
        np.empty(room + 1 + AT_ONCE, np.int32),
        np.empty(wide, np.uint64),
        np.empty(wide, np.int32),
        np.empty(room + 1 + AT_ONCE, np.int32),
        np.empty(room + 1 + AT_ONCE, np.int32),
        np.empty(wide, np.uint64),
        np.empty(wide, np.uint64),
        np.empty(room + 1 + BLOCK, np.uint8),
    )


@compiled
def mixed_up(h):
    """Spread the entropy of a polynomial hash over all 64 bits (the finaliser of Stafford's mixers)."""
    h ^= h >> np.uint64(32)
    h *= _MIX
    h ^= h >> np.uint64(29)
    return h


@compiled
def longest(offsets):
    """How many characters the longest of messages has, message ``i`` being from ``offsets[i]`` to ``offsets[i + 1]``.

    At least 1.
    """
    most = 1
    for i in range(len(offsets) - 1):
        most = max(most, offsets[i + 1] - offsets[i])
    return most


@compiled
def room_for(n, r):
    """How many n-grams a message of ``n`` cleaned characters has at most, and one to spare."""
    return n * (r.word_max - r.word_min + 1 + r.contacts) + (n + 2) * (r.char_max - r.char_min + 1) + 4


@compiled
def read(text, kinds, n, s):
    """Leave in ``s`` the kinds of a message, as `find_runs` wants them, and the hashes of its prefixes."""
    marks = s.marks
    for i in range(np.uint64(n)):
        marks[i] = kinds[i]
    marks[n : n + BLOCK + 1] = 0
    hash_prefixes(text, n, s.padded)


@inlined
def word_hashes(n, r, out, s, spans):
    """Write the hashes of the word n-grams of the message that was `read` to ``out``; return how many.

    A token is a run of letters and digits, or one ideograph, kana or emoji. Row ``k`` of ``spans``, unless that is
    None, becomes the start and end of n-gram ``k``.
    """
    if r.word_max == 0:
        return 0
    marks, tokens, starts, ends, running = s.marks, s.tokens, s.starts, s.ends, s.running
    count = find_runs(marks, n, DIGIT, OTHER_LETTER, IDEOGRAPH, starts, ends)
    hash_runs(s.padded, starts, ends, count, _WORD_SEED, tokens)
    for first in range(count):
        running[first] = tokens[first]
    written = 0
    for size in range(1, r.word_max + 1):
        positions = count - size + 1
        if size > 1:
            for first in range(positions):
                running[first] = (running[first] ^ (tokens[first + size - 1] >> np.uint64(7))) * _Q
        if size >= r.word_min:
            for first in range(positions):
                out[written + first] = mixed_up(running[first])
                if spans is not None:
                    spans[written + first, 0] = starts[first]
                    spans[written + first, 1] = ends[first + size - 1]
            written += max(positions, 0)
    return written


@inlined
def char_hashes(text, kinds, n, r, out, s, spans):
    """Write the hashes of the character n-grams of a message to ``out``; return how many.

    ``spans`` as in `word_hashes`; the padding spaces are at -1 and ``n``. A lone space is no n-gram.
    """
    padded = s.padded
    for i in range(n):
        padded[i + 1] = 48 if kinds[i] == DIGIT else text[i]
    return padded_hashes(n, r, out, s, spans)


@inlined
def padded_hashes(n, r, out, s, spans):
    """The same for the ``n`` characters in ``s.padded[1:]``, their digits written as 0.

    All n-grams of one size are hashed, those across words too, so that the compiler can do several at once; then the
    wanted are kept.
    """
    if r.char_max == 0 or n == 0:
        return 0
    padded, reach, running, mixed = s.padded, s.reach, s.running, s.mixed
    padded[0] = 32
    for i in range(n + 1, n + 2 + r.char_max):
        padded[i] = 32
    ahead = 0
    for i in range(n + 1, -1, -1):
        reach[i] = ahead
        ahead = 1 if padded[i] == 32 else ahead + 1
    positions = n + 1  # the last space begins no n-gram
    for i in range(positions):
        running[i] = (_CHAR_SEED ^ padded[i]) * P
    written = np.uint64(0)
    for size in range(1, r.char_max + 1):
        if size > 1:
            for i in range(positions):
                running[i] = (running[i] ^ padded[i + size - 1]) * P
        whole = size < r.char_min  # a word shorter than the shortest n-gram counts once, whole: scikit-learn does so
        if whole and size < 3:
            continue
        for i in range(positions):
            mixed[i] = mixed_up(running[i])
        for i in range(positions):
            out[written] = mixed[i]
            if spans is not None:
                spans[written, 0] = i - 1
                spans[written, 1] = i - 1 + size
            if whole:
                written += np.uint64((padded[i] == 32) & (reach[i] == size - 1))
            elif size > 1:
                written += np.uint64(reach[i] >= size - 1)
            else:
                written += np.uint64(padded[i] != 32)
    return np.int64(written)
