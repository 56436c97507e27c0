"""Shapes of contact details in a cleaned message, as features: one hash for each e-mail address, number, name or link.

They are looser than `classifier.contacts`, which says what a detail is: the model learns what a shape is worth among
other words. One pass, each character looked at a bounded number of times.
"""

from __future__ import annotations

import numpy as np

from classifier.kernels.compiling import compiled, inlined
from classifier.kernels.folding import DIGIT, OTHER_LETTER
from classifier.kernels.ngrams import mixed_up

_SEED = np.uint64(0xA0761D6478BD642F)
_SPREAD = np.uint64((0x9E3779B97F4A7C15 * 0xD6E8FEB86659FD93) % 2**64)
NAMES = ("<address>", "<at name>", "<link>", "<id>", *(f"<{digits} digits>" for digits in range(7, 17)))
_ADDRESS, _AT_NAME, _LINK, _ID, _NUMBER = range(5)
_FEWEST, _MOST = 7, 16
_GAP = 2  # signs between two digits of one number at most


@inlined
def _in_word(kind):
    """Whether a character of this kind is one of a word of several."""
    return np.uint8(kind - DIGIT) <= np.uint8(OTHER_LETTER - DIGIT)


@inlined
def _may_hold_one(text, kinds, n):
    """Whether a message has as many digits as a number, or a sign or a letter beside a digit as other shapes have."""
    digits, found = 0, False
    for i in range(n):
        digits += kinds[i] == DIGIT
    for i in range(n - 1):
        found |= (_in_word(kinds[i]) & _in_word(kinds[i + 1])) & ((kinds[i] == DIGIT) != (kinds[i + 1] == DIGIT))
    for i in range(n):
        found |= (text[i] == 64) | (text[i] == 95)
    for i in range(n - 1):
        found |= (text[i] == 58) & (text[i + 1] == 47)
    return found | (digits >= _FEWEST)


@compiled
def contact_hashes(text, kinds, n, r, out, s):
    """Write the hashes of the contact shapes of a message to ``out``; return how many.

    Their kinds become the first of ``s.marks``, and where they start and end that of ``s.starts`` and ``s.ends``.
    Nothing where ``r.contacts`` is 0.
    """
    marks, starts, ends = s.marks, s.starts, s.ends
    found = 0
    i = 0 if r.contacts and _may_hold_one(text, kinds, n) else n
    while i < n:
        c = text[i]
        mark, start, end = -1, i, i + 1
        if kinds[i] == DIGIT:
            digits = gap = 0
            j = i
            while j < n and gap <= _GAP:
                if kinds[j] == DIGIT:
                    digits += 1
                    gap = 0
                    end = j + 1
                elif text[j] == 32 or text[j] == 45 or text[j] == 46 or text[j] == 47 or 40 <= text[j] <= 43:
                    gap += 1
                else:
                    break
                j += 1
            if digits >= _FEWEST:
                mark = _NUMBER + min(digits, _MOST) - _FEWEST
        elif c == 64:  # @
            named = i + 1 < n and _in_word(kinds[i + 1])
            dotted = False
            while end < n and (_in_word(kinds[end]) or text[end] == 45 or text[end] == 46 or text[end] == 95):
                dotted |= text[end] == 46 and end + 1 < n and _in_word(kinds[end + 1])
                end += 1
            if named and i > 0 and _in_word(kinds[i - 1]):
                mark = _ADDRESS if dotted else -1
            elif named and end - i > 3:
                mark = _AT_NAME
        elif c == 47 and i > 0 and text[i - 1] == 58:  # :/
            mark = _LINK
            while end < n and text[end] != 32:
                end += 1
        elif _in_word(kinds[i]):
            letters, digits, signs = 0, 0, 0
            j = i
            while j < n and (_in_word(kinds[j]) or text[j] == 95):
                digits += kinds[j] == DIGIT
                signs += text[j] == 95
                letters += kinds[j] > DIGIT
                j += 1
            end = j
            if end - start >= 5 and letters > 1 and digits + signs > 0:
                mark = _ID
        if mark >= 0:
            out[found] = mixed_up((_SEED ^ np.uint64(mark + 1)) * _SPREAD)
            marks[found], starts[found], ends[found] = mark, start, end
            found += 1
        i = end
    return found
