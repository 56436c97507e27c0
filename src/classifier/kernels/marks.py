"""What a pass of cleaning could change: most messages are plain, and one look is cheaper than three passes.

Each character has marks, and which passes may have work is read from the marks of neighbours, many characters at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from classifier.kernels.compiling import inlined
from classifier.kernels.folding import ARABIC, CYRILLIC, DIGIT, GREEK, IDEOGRAPH, LATIN, OTHER_LETTER

if TYPE_CHECKING:
    from numpy.typing import NDArray

JOINERS = ".-_*~|"  # signs that are not written between ideographs
# Marks: a Latin letter, another letter, "$", a sign or digit that stands for a letter, an ideograph, a sign that is not
# written between ideographs, a digit, a letter that people repeat to stretch a word.
_LATIN, _OTHER, _DOLLAR, _SIGN, _IDEOGRAPH, _JOINER, _NUMBER, _STRETCHED = (1 << bit for bit in range(8))
_LETTER = _LATIN | _OTHER
_STANDING = _LETTER | _IDEOGRAPH  # what may stand alone, as in "i d i o t"
_WORD = _STANDING | _NUMBER
SPACED, DISGUISED, REPEATED = np.uint64(1), np.uint64(2), np.uint64(4)
_LEAD, _BLOCK = 8, 64  # places before the first mark, and how many are looked at together
MARGIN = 2 * _BLOCK + _LEAD  # what marks, and code points, need beyond the length of a message

KIND_MARKS = np.zeros(10, np.uint8)
KIND_MARKS[DIGIT] = _SIGN | _NUMBER
KIND_MARKS[LATIN] = _LATIN | _STRETCHED
KIND_MARKS[[CYRILLIC, GREEK, ARABIC]] = _OTHER | _STRETCHED
KIND_MARKS[OTHER_LETTER] = _OTHER
KIND_MARKS[IDEOGRAPH] = _IDEOGRAPH


def ascii_marks(kinds: NDArray[np.uint8], leet: NDArray[np.int32]) -> NDArray[np.uint8]:
    """The marks of ASCII characters, given their kinds and the letters they stand for."""
    marks = KIND_MARKS[kinds]
    marks[(leet != 0) & (marks == 0)] = _SIGN
    marks[[ord(sign) for sign in JOINERS]] = _JOINER
    marks[ord("|")], marks[ord("$")] = _JOINER | _SIGN, _DOLLAR | _SIGN
    return marks


@inlined
def mark(out, kinds, marks, n, t):
    """Write the kind and the marks of each folded character."""
    block, kind_table, of_ascii, kinds_of_ascii = t.block, t.kind, t.ascii_marks, t.ascii_kinds
    marks[:_LEAD] = 0
    for i in range(n):
        c = np.uint32(out[i])
        if c < 128:
            kinds[i] = kinds_of_ascii[c]
            marks[_LEAD + i] = of_ascii[c]
        else:
            kind = kind_table[(np.uint64(block[c >> np.uint32(8)]) << np.uint64(8)) | np.uint64(c & 255)]
            kinds[i] = kind
            marks[_LEAD + i] = KIND_MARKS[kind]
    # After a message a space, then what is part of nothing.
    marks[_LEAD + n] = 0
    for i in range(_LEAD + n + 1, _LEAD + n + _BLOCK + 4):
        marks[i] = _NUMBER


@inlined
def passes_needed(out, marks, n):
    """Which passes could change a marked message: `SPACED`, `DISGUISED` and `REPEATED`, or 0.

    What they would find: three lone letters with a sign between each, or a joiner between ideographs; a look-alike or a
    sign beside letters; three letters or four characters alike.
    """
    # In whole blocks, so that nothing is left to be done one by one.
    end = ((n + _BLOCK) // _BLOCK) * _BLOCK
    found = np.uint8(0)
    for i in range(end):
        two, one, before = marks[i + _LEAD], marks[i + _LEAD - 1], marks[i + _LEAD - 2]
        disguised = ((two & _LATIN) != 0) & ((one & (_OTHER | _DOLLAR)) != 0)
        disguised |= ((one & _LATIN) != 0) & ((two & (_OTHER | _DOLLAR)) != 0)
        disguised |= ((two & _LETTER) != 0) & ((one & _SIGN) != 0) & ((before & (_LETTER | _SIGN)) != 0)
        between = ((before & two & _IDEOGRAPH) != 0) & ((one & _JOINER) != 0)
        third, fifth = marks[i + _LEAD - 3], marks[i + _LEAD - 5]
        gaps = two | before | marks[i + _LEAD - 4] | marks[i + _LEAD - 6]
        alone = ((one & _STANDING) != 0) & ((third & _STANDING) != 0) & ((fifth & _STANDING) != 0)
        alone &= (gaps & _WORD) == 0
        found |= np.uint8(alone | between) | (np.uint8(disguised) << np.uint8(1))
    for i in range(end):
        alike = (out[i] == out[i + 1]) & (out[i + 1] == out[i + 2]) & ((marks[i + _LEAD + 2] & _NUMBER) == 0)
        letters = (marks[i + _LEAD + 2] & _STRETCHED) != 0
        more = (out[i + 2] == out[i + 3]) & ((marks[i + _LEAD + 3] & _NUMBER) == 0)
        found |= np.uint8(alike & (letters | more)) << np.uint8(2)
    return np.uint64(found)
