"""Fold code points: case, width, accents, ligatures, invisible characters and controls; white space collapses."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from classifier.kernels.compiling import compiled, inlined

if TYPE_CHECKING:
    from numpy.typing import NDArray

# The kinds of codepoints.py, repeated as literals so that the compiler folds them into the loops.
SPACE, PUNCTUATION, DIGIT, LATIN, CYRILLIC, GREEK, ARABIC, OTHER_LETTER, IDEOGRAPH, EMOJI = range(10)
DROP = -(1 << 30)
_ONE = np.uint64(1)
MAX_EXPANSION = 18  # U+FDFA, one code point that NFKC spells out in 18


class CleaningTables(NamedTuple):
    """`codepoints.Tables` as the loops take them, with what ASCII characters stand for.

    ``leet[c]`` is the letter a sign or digit stands for inside a word, ``as_cyrillic[c]`` the Cyrillic letter a Latin
    one passes for (0: none). ``ascii_kinds`` and ``ascii_marks`` are the kind and the `marks` of ASCII characters.
    """

    block: NDArray[np.uint16]
    fold: NDArray[np.int32]
    kind: NDArray[np.uint8]
    as_latin: NDArray[np.uint8]
    expansions: NDArray[np.int32]
    voiced: NDArray[np.int32]
    leet: NDArray[np.int32]
    as_cyrillic: NDArray[np.int32]
    ascii_kinds: NDArray[np.uint8]
    ascii_marks: NDArray[np.uint8]


@compiled
def _put(c, at, out, origin, n):
    """Append one folded code point: spaces collapse, combining kana marks and conjoining jamo compose."""
    if c == 32:
        if n == 0 or out[n - 1] == 32:
            return n
    elif n > 0:
        last = out[n - 1]
        if 0x1161 <= c <= 0x1175 and 0x1100 <= last <= 0x1112:
            out[n - 1] = 0xAC00 + ((last - 0x1100) * 21 + c - 0x1161) * 28
            return n
        if 0x11A8 <= c <= 0x11C2 and 0xAC00 <= last <= 0xD7A3 and (last - 0xAC00) % 28 == 0:
            out[n - 1] = last + c - 0x11A7
            return n
    out[n] = c
    origin[n] = at
    return n + 1


@inlined
def fold(message, out, origin, t):
    """Fold ``message`` into ``out`` (with room for `folded_length`); return the length."""
    # Arrays out of their tuple once: in a loop numba would count references to them each time.
    block, folds, expansions, voiced = t.block, t.fold, t.expansions, t.voiced
    ascii_block = np.uint64(t.block[0]) << np.uint64(8)
    # Unsigned wherever it is an index: a signed one costs a look at whether it counts from the end.
    n, last = np.uint64(0), np.uint64(32)
    for i in range(np.uint64(len(message))):
        c = np.uint64(message[i])
        if c < 128:
            difference = np.int64(folds[ascii_block | c])
            if difference > DROP:
                # Written in any case and kept unless a space follows a space: cheaper than a branch nobody can predict.
                c = np.uint64(np.int64(c) + difference)
                out[n] = c
                origin[n] = i
                n += np.uint64((c != 32) | (last != 32))
                last = c
            continue
        m = np.int64(n)
        wide = np.int64(c)
        difference = np.int64(folds[(np.int64(block[wide >> 8]) << 8) | (wide & 255)])
        if difference > DROP:
            wide += difference
            if wide == 0x3099 or wide == 0x309A:
                if m > 0 and 0x3000 <= out[m - 1] <= 0x30FF:
                    composed = voiced[wide - 0x3099, out[m - 1] - 0x3000]
                    if composed:
                        out[m - 1] = composed
            else:
                m = _put(wide, i, out, origin, m)
        elif difference < DROP:
            first = DROP - 1 - difference
            for k in range(first + 1, first + 1 + expansions[first]):
                m = _put(np.int64(expansions[k]), i, out, origin, m)
        elif wide == 0x306 and m > 0 and out[m - 1] == 0x438:  # a breve makes и the letter й
            out[m - 1] = 0x439
        n = np.uint64(m)
        last = np.uint64(out[n - _ONE]) if n > 0 else np.uint64(32)
    if n > 0 and out[n - _ONE] == 32:
        n -= _ONE
    return np.int64(n)


@compiled
def folded_length(message, t):
    """How long ``message`` is once folded, at most: the room the passes need."""
    n = 0
    for i in range(len(message)):
        c = np.int64(message[i])
        difference = np.int64(t.fold[(np.int64(t.block[c >> 8]) << 8) | (c & 255)])
        n += t.expansions[DROP - 1 - difference] if difference < DROP else 1
    return n
