"""Cleaning loops: fold code points, join spaced-out letters, undo look-alikes and leet, shorten elongation.

Each pass works in place on a buffer of folded code points and on ``origin``, the position in the message that each
came from. The passes repeat until nothing changes, which makes cleaning idempotent.
"""

from __future__ import annotations

import numpy as np

from classifier.kernels.compiling import compiled
from classifier.kernels.folding import (
    ARABIC,
    CYRILLIC,
    DIGIT,
    GREEK,
    IDEOGRAPH,
    LATIN,
    OTHER_LETTER,
    PUNCTUATION,
    fold,
    folded_length,
)
from classifier.kernels.marks import DISGUISED, MARGIN, REPEATED, SPACED, mark, passes_needed

MAX_ROUNDS = 8  # rounds of passes; two suffice for what people type, the bound keeps hostile input linear
MAX_RUN = 3


@compiled
def _is_letter(kind):
    return LATIN <= kind <= IDEOGRAPH


@compiled
def _lone_letter(out, kinds, i, n):
    """A letter with no letter or digit on either side; conjoining jamo excepted, they would compose."""
    return (
        _is_letter(kinds[i])
        and not (0x1100 <= out[i] <= 0x11FF)
        and (i == 0 or not DIGIT <= kinds[i - 1] <= IDEOGRAPH)
        and (i + 1 == n or not DIGIT <= kinds[i + 1] <= IDEOGRAPH)
    )


@compiled
def join_spaced(out, origin, kinds, n):
    """``f u c k`` and ``i.d.i.o.t`` to words: four or more with the same sign between, three if no space."""
    write = 0
    i = 0
    while i < n:
        if i + 4 < n and _lone_letter(out, kinds, i, n) and _lone_letter(out, kinds, i + 2, n):
            sign = out[i + 1]
            letters = 1
            j = i
            while j + 2 < n and out[j + 1] == sign and _lone_letter(out, kinds, j + 2, n):
                j += 2
                letters += 1
            if letters >= (4 if sign == 32 else 3) and kinds[i + 1] <= PUNCTUATION:
                for k in range(i, j + 1, 2):
                    out[write] = out[k]
                    origin[write] = origin[k]
                    kinds[write] = kinds[k]
                    write += 1
                i = j + 1
                continue
        # 加.微-信: signs between ideographs are not how Chinese or Japanese is written
        between = (
            0 < i < n - 1
            and kinds[i - 1] == IDEOGRAPH
            and kinds[i + 1] == IDEOGRAPH
            and (
                out[i] == 46 or out[i] == 45 or out[i] == 95 or out[i] == 42 or out[i] == 126 or out[i] == 124
            )  # JOINERS
        )
        if not between:
            out[write] = out[i]
            origin[write] = origin[i]
            kinds[write] = kinds[i]
            write += 1
        i += 1
    return write


@compiled
def _undo_lookalikes(out, kinds, start, end, t):
    """Give the letters of one word one script: the one most of its unmistakable letters are of."""
    latin = foreign = lookalikes = 0
    for i in range(start, end):
        if kinds[i] == LATIN:
            latin += 1
        elif kinds[i] == CYRILLIC or kinds[i] == GREEK or kinds[i] == OTHER_LETTER:
            c = out[i]
            if t.as_latin[(np.int64(t.block[c >> 8]) << 8) | (c & 255)]:
                lookalikes += 1
            else:
                foreign += 1
    if latin == 0 or lookalikes + foreign == 0:
        return False
    changed = False
    for i in range(start, end):
        c = out[i]
        if latin > foreign and kinds[i] != LATIN:
            to = np.int64(t.as_latin[(np.int64(t.block[c >> 8]) << 8) | (c & 255)])
            if to:
                out[i] = to
                kinds[i] = LATIN
                changed = True
        elif latin <= foreign and kinds[i] == LATIN and c < 128 and t.as_cyrillic[c]:
            out[i] = t.as_cyrillic[c]
            kinds[i] = CYRILLIC
            changed = True
    return changed


@compiled
def _undo_leet(out, kinds, start, end, dotted, leet):
    """Letters for signs: one or two between Latin letters, a ``$`` at an end, then a digit before them all."""
    changed = False
    i = start
    while i < end:
        if out[i] >= 128 or not leet[out[i]]:
            i += 1
            continue
        j = i
        while j < end and out[j] < 128 and leet[out[j]]:
            j += 1
        inside = i > start and kinds[i - 1] == LATIN and j < end and kinds[j] == LATIN and j - i <= 2
        if out[i] == 36 and out[j - 1] == 36:  # $tupid, a$$, but not US$5
            ahead = j + 2 < end and kinds[j] == LATIN and kinds[j + 1] == LATIN and kinds[j + 2] == LATIN
            inside |= j - i <= 2 and ((i == start and ahead) or (j == end and i > start and kinds[i - 1] == LATIN))
        if out[i] == 33 or out[i] == 124:  # one mark only: "wow!!ok"
            inside = inside and j - i == 1
        if out[i] == 64 or out[j - 1] == 64:  # b@stard, but not joe@mail.org
            inside = inside and i - start <= 2 and not dotted
        if inside:
            double_l = j - i == 2 and out[i] == 49 and out[i + 1] == 49  # he11o
            for k in range(i, j):
                out[k] = 108 if double_l else leet[out[k]]
                kinds[k] = LATIN
            changed = True
        i = j
    if changed and kinds[start] == DIGIT and leet[out[start]] and kinds[start + 1] == LATIN:  # 1d10t
        out[start] = leet[out[start]]
        kinds[start] = LATIN
    return changed


@compiled
def undo_disguise(out, kinds, n, t):
    """Look-alikes and leet, word by word (a word here also holds signs that stand for letters); whether any was."""
    leet = t.leet
    changed = False
    i = np.int64(0)  # not a literal: what is called below would be compiled for it, too
    while i < n:
        if not (DIGIT <= kinds[i] <= OTHER_LETTER or (out[i] < 128 and leet[out[i]])):
            i += 1
            continue
        start = i
        plain = True
        while i < n and (DIGIT <= kinds[i] <= OTHER_LETTER or (out[i] < 128 and leet[out[i]])):
            plain &= kinds[i] == LATIN
            i += 1
        if plain:
            continue
        changed |= _undo_lookalikes(out, kinds, start, i, t)
        dotted = i + 1 < n and out[i] == 46 and kinds[i + 1] == LATIN
        changed |= _undo_leet(out, kinds, start, i, dotted, leet)
    return changed


@compiled
def shorten_runs(out, origin, kinds, n):
    """``stuuupid`` to one ``u``; runs that are no part of a longer word to `MAX_RUN`; digits stay."""
    write = 0
    i = 0
    while i < n:
        j = i + 1
        while j < n and out[j] == out[i]:
            j += 1
        keep = j - i
        if keep >= 3 and kinds[i] != DIGIT:
            keep = MAX_RUN
            if LATIN <= kinds[i] <= ARABIC and (
                (write > 0 and _is_letter(kinds[write - 1])) or (j < n and _is_letter(kinds[j]))
            ):
                keep = 1
        for k in range(i, i + keep):
            out[write] = out[k]
            origin[write] = origin[k]
            kinds[write] = kinds[k]
            write += 1
        i = j
    return write


@compiled
def _look(out, kinds, marks, n, t):
    mark(out, kinds, marks, n, t)
    return passes_needed(out, marks, n)


@compiled
def undo_all(out, origin, kinds, marks, n, needed, t):
    """Repeat the passes that may be needed until nothing changes; return the new length."""
    for _ in range(MAX_ROUNDS):
        before, changed = n, False
        if needed & SPACED:
            n = join_spaced(out, origin, kinds, n)
            needed = _look(out, kinds, marks, n, t)
        if needed & DISGUISED and undo_disguise(out, kinds, n, t):
            changed = True
            needed = _look(out, kinds, marks, n, t)
        if needed & REPEATED:
            n = shorten_runs(out, origin, kinds, n)
        if n == before and not changed:
            break
        needed = _look(out, kinds, marks, n, t)
        if not needed:
            break
    return n


@compiled
def clean(message, out, origin, kinds, marks, t):
    """Clean one message; return the length of what is in ``out``, ``origin`` and ``kinds``.

    All four need room for `MARGIN` characters more than `folded_length`.
    """
    n = fold(message, out, origin, t)
    needed = _look(out, kinds, marks, n, t)
    if needed:
        n = undo_all(out, origin, kinds, marks, n, needed, t)
    return n


@compiled
def clean_messages(points, offsets, t):
    """Clean many messages, message ``i`` being ``points[offsets[i]:offsets[i + 1]]``.

    Returns the cleaned code points and kinds end to end, and their offsets.
    """
    total = len(points) + 64
    out = np.empty(total, np.int32)
    kinds = np.empty(total, np.uint8)
    ends = np.zeros(len(offsets), np.int64)
    room = MARGIN
    for i in range(len(offsets) - 1):
        room = max(room, folded_length(points[offsets[i] : offsets[i + 1]], t) + MARGIN)
    one, origin = np.empty(room, np.int32), np.empty(room, np.int32)
    one_kinds, marks = np.empty(room, np.uint8), np.empty(room, np.uint8)
    filled = 0
    for i in range(len(offsets) - 1):
        n = clean(points[offsets[i] : offsets[i + 1]], one, origin, one_kinds, marks, t)
        if filled + n > total:
            total = 2 * (filled + n)
            grown, grown_kinds = np.empty(total, np.int32), np.empty(total, np.uint8)
            grown[:filled] = out[:filled]
            grown_kinds[:filled] = kinds[:filled]
            out, kinds = grown, grown_kinds
        out[filled : filled + n] = one[:n]
        kinds[filled : filled + n] = one_kinds[:n]
        filled += n
        ends[i + 1] = filled
    return out[:filled].copy(), kinds[:filled].copy(), ends
