"""Cleaning loops: fold code points, join spaced-out letters, undo look-alikes and leet, shorten elongation.

Each pass works in place on a buffer of folded code points and on ``origin``, the position in the message that each
came from. The passes repeat until nothing changes, which makes cleaning idempotent.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from classifier.kernels.compiling import compiled, inlined

if TYPE_CHECKING:
    from numpy.typing import NDArray

# The kinds of codepoints.py, repeated as literals so that the compiler folds them into the loops.
SPACE, PUNCTUATION, DIGIT, LATIN, CYRILLIC, GREEK, ARABIC, OTHER_LETTER, IDEOGRAPH, EMOJI = range(10)
DROP = -(1 << 30)
MAX_EXPANSION = 18  # U+FDFA, one code point that NFKC spells out in 18
MAX_ROUNDS = 8  # rounds of passes; two suffice for what people type, the bound keeps hostile input linear
MAX_RUN = 3
JOINERS = ".-_*~|"  # signs that are not written between ideographs


class CleaningTables(NamedTuple):
    """`codepoints.Tables` as the loops take them, with what ASCII characters stand for.

    ``leet[c]`` is the letter a sign or digit stands for inside a word, ``as_cyrillic[c]`` the Cyrillic letter a Latin
    one passes for (0: none). ``ascii_kinds`` and ``triples`` are what `describe` looks at.
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
    triples: NDArray[np.uint8]


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
    ascii_block = np.int64(block[0]) << 8
    n = 0
    last = np.int64(32)
    for i in range(len(message)):
        c = np.int64(message[i])
        if c < 128:
            difference = np.int64(folds[ascii_block | c])
            if difference > DROP:
                # Written in any case and kept unless a space follows a space: cheaper than a branch nobody can predict.
                c += difference
                out[n] = c
                origin[n] = i
                n += not (c == 32 and last == 32)
                last = c
            continue
        difference = np.int64(folds[(np.int64(block[c >> 8]) << 8) | (c & 255)])
        if difference > DROP:
            c += difference
            if c == 0x3099 or c == 0x309A:
                if n > 0 and 0x3000 <= out[n - 1] <= 0x30FF:
                    composed = voiced[c - 0x3099, out[n - 1] - 0x3000]
                    if composed:
                        out[n - 1] = composed
                continue
            n = _put(c, i, out, origin, n)
        elif difference < DROP:
            first = DROP - 1 - difference
            for k in range(first + 1, first + 1 + expansions[first]):
                n = _put(np.int64(expansions[k]), i, out, origin, n)
        elif c == 0x306 and n > 0 and out[n - 1] == 0x438:  # a breve makes и the letter й
            out[n - 1] = 0x439
        last = np.int64(out[n - 1]) if n > 0 else 32
    if n > 0 and out[n - 1] == 32:
        n -= 1
    return n


@compiled
def folded_length(message, t):
    """How long ``message`` is once folded, at most: the room the passes need."""
    n = 0
    for i in range(len(message)):
        c = np.int64(message[i])
        difference = np.int64(t.fold[(np.int64(t.block[c >> 8]) << 8) | (c & 255)])
        n += t.expansions[DROP - 1 - difference] if difference < DROP else 1
    return n


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
    i = 0
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


# What a disguise can be made of; a bar is both a joiner and leet.
_PLAIN, _JOINER, _BAR, _LEET, _DOLLAR, _NUMBER, _LATIN, _CASED, _UNCASED, _IDEOGRAPH = range(10)
# by kind: space, punctuation, digit, Latin, Cyrillic, Greek, Arabic, other letters, ideographs, emoji
_CLASSES = np.array([0, 0, _NUMBER, _LATIN, _CASED, _CASED, _CASED, _UNCASED, _IDEOGRAPH, 0], np.uint8)
_SUSPICIOUS, _LONE = np.uint64(1), np.uint64(2)
_THREE = np.uint64(0xFFF)  # three classes of four bits
_KINDS = np.arange(10, dtype=np.uint8) | (_CLASSES << 4)


def ascii_kinds(kinds: NDArray[np.uint8], leet: NDArray[np.int32]) -> NDArray[np.uint8]:
    """The kind of each ASCII character (lower four bits) and its class (upper four)."""
    classes = _CLASSES[kinds]
    classes[(leet != 0) & (classes == _PLAIN)] = _LEET
    classes[[ord(sign) for sign in JOINERS]] = _JOINER
    classes[ord("|")], classes[ord("$")] = _BAR, _DOLLAR
    return kinds | (classes << 4).astype(np.uint8)


def suspicious_triples() -> NDArray[np.uint8]:
    """For the classes of three neighbours (4 bits each): whether they may be a disguise, or a letter standing alone."""
    table = np.zeros(4096, np.uint8)
    other, signs = {_CASED, _UNCASED}, {_BAR, _LEET, _DOLLAR, _NUMBER}
    letters = other | {_LATIN}
    words = letters | {_NUMBER, _IDEOGRAPH}
    for before, one, two in itertools.product(range(10), repeat=3):
        suspicious = (
            (two == _LATIN and one in other | {_DOLLAR})
            or (one == _LATIN and two in other | {_DOLLAR})
            or (two in letters and one in signs and before in letters | signs)
            or (before == two == _IDEOGRAPH and one in {_JOINER, _BAR})
        )
        lone = one in letters | {_IDEOGRAPH} and before not in words and two not in words
        table[before << 8 | one << 4 | two] = suspicious * _SUSPICIOUS | lone * _LONE
    return table


@inlined
def describe(out, kinds, n, t):
    """Write the kind of each folded character; return whether any pass could change the message.

    Most messages are plain, and one look is cheaper than three passes. What it looks for: three neighbours that may be
    a disguise, three lone letters with a sign between each, three letters or four signs alike.
    """
    block, kind_table, ascii_kinds, triples = t.block, t.kind, t.ascii_kinds, t.triples
    out[n] = 32
    classes = found = runs = lones = np.uint64(0)
    last = np.int32(-1)
    for i in range(n + 1):
        c = out[i]
        if c < 128:
            both = ascii_kinds[np.uint8(c)]
        else:
            both = _KINDS[kind_table[(np.uint64(block[np.uint32(c) >> 8]) << np.uint64(8)) | np.uint64(c & 255)]]
        kinds[i] = both & 15
        this = np.uint64(both >> 4)
        classes = ((classes << np.uint64(4)) | this) & _THREE
        triple = np.uint64(triples[classes])
        lones = (lones << np.uint64(1)) | (triple >> np.uint64(1))
        runs = (runs << np.uint64(1)) | np.uint64(c == last)
        last = c
        found |= (triple & _SUSPICIOUS) | np.uint64((lones & np.uint64(21)) == np.uint64(21))
        stretched = (this == _LATIN) | (this == _CASED) | ((runs & np.uint64(7)) == np.uint64(7))
        found |= np.uint64(((runs & np.uint64(3)) == np.uint64(3)) & (this != _NUMBER) & stretched)
    return found != 0


@compiled
def undo_all(out, origin, kinds, n, t):
    """Repeat the passes until nothing changes; return the new length."""
    for _ in range(MAX_ROUNDS):
        before = n
        n = join_spaced(out, origin, kinds, n)
        changed = undo_disguise(out, kinds, n, t)
        n = shorten_runs(out, origin, kinds, n)
        if n == before and not changed:
            break
    return n


@inlined
def clean(message, out, origin, kinds, t):
    """Clean one message; return the length of what is in ``out``, ``origin`` and ``kinds``.

    All three need room for one character more than `folded_length`.
    """
    n = fold(message, out, origin, t)
    if describe(out, kinds, n, t):
        n = undo_all(out, origin, kinds, n, t)
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
    room = 1
    for i in range(len(offsets) - 1):
        room = max(room, folded_length(points[offsets[i] : offsets[i + 1]], t) + 1)
    one, origin, one_kinds = np.empty(room, np.int32), np.empty(room, np.int32), np.empty(room, np.uint8)
    filled = 0
    for i in range(len(offsets) - 1):
        n = clean(points[offsets[i] : offsets[i + 1]], one, origin, one_kinds, t)
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
