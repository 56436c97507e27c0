"""The commonest words of a language with the features they are known to hold: looked up whole.

A *piece* is what stands between two spaces. Its character n-grams are its own, whatever stands beside it, so that the
features of the commonest pieces are worked out once, when a model is trained: half of what people write is a few
thousand of them. Digits read as 0, as in character n-grams.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from classifier.kernels.compiling import compiled, inlined
from classifier.kernels.folding import DIGIT
from classifier.kernels.lookup import INDEX, SHIFT, FeatureTable, find_features, locate
from classifier.kernels.ngrams import char_hashes, longest, mixed_up, ngram_scratch, padded_hashes, room_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

_SEED = np.uint64(0x589965CC75374CC3)
_P = np.uint64(0x9E3779B97F4A7C15)
STRIDE = 16  # features copied at once: what holds them has that much room behind


class Pieces(NamedTuple):
    """``table`` finds the number ``k`` of a piece, whose features are ``features[ends[k] : ends[k + 1]]``.

    Behind the last features are `STRIDE` zeros.
    """

    table: FeatureTable
    ends: NDArray[np.int32]
    features: NDArray[np.uint32]


@inlined
def _cut(text, kinds, n, hashes, starts, ends):
    """Write the hash, start and end of each piece of a message; return how many."""
    count = h = np.uint64(0)
    start = np.uint64(0)
    inside = n > 0 and text[0] != 32
    continues = False
    for i in range(n):
        # Each character is written, and kept where it ends a piece: where one ends is what no branch can predict.
        ahead = i + 1 < n and text[i + 1] != 32
        start = start if continues else np.uint64(i)
        c = np.uint64(48) if kinds[i] == DIGIT else np.uint64(text[i])
        h = ((h if continues else _SEED) ^ c) * _P
        hashes[count] = h
        starts[count] = start
        ends[count] = i + 1
        count += np.uint64(inside & (not ahead))
        continues = inside & ahead
        inside = ahead
    for k in range(np.int64(count)):
        hashes[k] = mixed_up(hashes[k])
    return np.int64(count)


@compiled
def hashes_beside(text, kinds, n, r, out, s, pieces, places, features, at):
    """Write the features of the known pieces to ``features[at:]`` and the hashes of all other n-grams to ``out``.

    Returns how many there are of both.
    """
    hashes, starts, ends, padded = s.tokens, s.starts, s.ends, s.padded
    slots, firsts, known = pieces.table.slots, pieces.ends, pieces.features
    count = _cut(text, kinds, n, hashes, starts, ends)
    locate(hashes, count, pieces.table, places)
    left, place = 1, np.uint64(at)
    sizes = r.char_max - r.char_min + 1
    for k in range(count):
        slot = slots[np.uint64(places[k])]
        piece = slot & INDEX
        first = last = np.uint64(0)
        is_known = (slot ^ (hashes[k] << SHIFT)) <= INDEX and piece + np.uint64(1) < np.uint64(len(firsts))
        if is_known:
            first, last = np.uint64(firsts[piece]), np.uint64(firsts[piece + np.uint64(1)])
            # A release could claim more features for a word than it has n-grams, and there would be no room for them.
            is_known = last - first <= np.uint64((ends[k] - starts[k] + 1) * sizes)
        if is_known:
            for j in range(first, last, np.uint64(STRIDE)):
                for lane in range(np.uint64(STRIDE)):
                    features[place + j - first + lane] = known[j + lane]
            place += last - first
        else:
            if left > 1:
                padded[left] = 32
                left += 1
            for i in range(np.uint64(starts[k]), np.uint64(ends[k])):
                padded[left] = 48 if kinds[i] == DIGIT else text[i]
                left += 1
    return np.int64(place) - at, padded_hashes(left - 1, r, out, s, None)


@compiled
def piece_hashes(text, kinds, offsets):
    """The hashes of all pieces of cleaned messages, and where in ``text`` each starts and ends."""
    room = longest(offsets) + 1
    own, starts, ends = np.empty(room, np.uint64), np.empty(room, np.int32), np.empty(room, np.int32)
    most = len(text) // 2 + len(offsets)  # a space is between two
    hashes, where = np.empty(most, np.uint64), np.empty((most, 2), np.int64)
    filled = 0
    for i in range(len(offsets) - 1):
        begin, end = offsets[i], offsets[i + 1]
        count = _cut(text[begin:end], kinds[begin:end], end - begin, own, starts, ends)
        for k in range(count):
            hashes[filled] = own[k]
            where[filled, 0], where[filled, 1] = begin + starts[k], begin + ends[k]
            filled += 1
    return hashes[:filled].copy(), where[:filled].copy()


@compiled
def features_of_pieces(text, kinds, where, r, table):
    """The features of pieces, given by where they start and end, as `Pieces` holds them: ``ends`` and ``features``."""
    most = 1
    for k in range(len(where)):
        most = max(most, where[k, 1] - where[k, 0])
    room = room_for(most, r)
    hashes, places = np.empty(room, np.uint64), np.empty(room, np.uint32)
    scratch = ngram_scratch(most, r)
    ends = np.zeros(len(where) + 1, np.int32)
    found = np.empty(room + STRIDE, np.uint32)
    for k in range(len(where)):
        first, last = where[k, 0], where[k, 1]
        total = char_hashes(text[first:last], kinds[first:last], last - first, r, hashes, scratch, None)
        locate(hashes, total, table, places)
        at = ends[k]
        if at + total + STRIDE > len(found):
            grown = np.empty(2 * (at + total + STRIDE), np.uint32)
            grown[:at] = found[:at]
            found = grown
        ends[k + 1] = at + find_features(hashes, places, 0, total, table.slots, found[at:], 0)
    features = np.zeros(ends[-1] + STRIDE, np.uint32)
    features[: ends[-1]] = found[: ends[-1]]
    return ends, features


ARRAYS = {"piece_slots": np.uint64, "piece_pilots": np.uint16, "piece_ends": np.int32, "piece_features": np.uint32}


def pieces_of(arrays: Mapping[str, NDArray[Any]]) -> Pieces:
    """The pieces of a release's arrays."""
    slots, pilots, ends, features = (arrays[name] for name in ARRAYS)
    return Pieces(FeatureTable(slots, pilots), ends, features)


def no_pieces() -> Pieces:
    """What a model has that knows no pieces."""
    table = FeatureTable(np.zeros(1, np.uint64), np.zeros(2, np.uint16))
    return Pieces(table, np.zeros(1, np.int32), np.zeros(STRIDE, np.uint32))
