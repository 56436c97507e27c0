"""The commonest words of a language with the features they are known to hold: looked up whole.

A *piece* is what stands between two spaces. Its character n-grams are its own, whatever stands beside it, so that the
features of the commonest pieces are worked out once, when a model is trained: half of what people write is a few
thousand of them. Digits read as 0, as in character n-grams.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from classifier.kernels.compiling import compiled, inlined
from classifier.kernels.folding import DIGIT, OTHER_LETTER
from classifier.kernels.lookup import INDEX, SHIFT, FeatureTable, find_features, locate
from classifier.kernels.ngrams import (
    WORD_SEED,
    P,
    char_hashes,
    in_word,
    longest,
    mixed_up,
    ngram_scratch,
    padded_hashes,
    room_for,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

_SEED = np.uint64(0x589965CC75374CC3)
STRIDE = 16  # features copied at once: what holds them has that much room behind


class Pieces(NamedTuple):
    """``table`` finds the number ``k`` of a piece, whose features are ``features[ends[k] : ends[k + 1]]``.

    Behind the last features are `STRIDE` zeros.
    """

    table: FeatureTable
    ends: NDArray[np.int32]
    features: NDArray[np.uint32]


@inlined
def cut(text, kinds, n, tokens, hashes, starts, ends):
    """Write the hashes of a message's tokens (see `ngrams.word_hashes`), and the hash, start and end of its pieces.

    Returns how many there are of both. One loop for the two: each waits for its own multiplications.
    """
    n_tokens = n_pieces = word = piece = start = np.uint64(0)
    inside = n > 0 and in_word(kinds[0])
    is_solid = n > 0 and text[0] != 32
    continues = goes_on = False
    for i in range(n):
        # Each character is written, and kept where it ends something: where that is is what no branch can predict.
        more = i + 1 < n
        c = np.uint64(text[i])
        ahead = in_word(kinds[i + 1] if more else np.uint8(0))
        word = ((word if continues else WORD_SEED) ^ c) * P
        tokens[n_tokens] = word
        n_tokens += np.uint64((inside & (not ahead)) | (kinds[i] > OTHER_LETTER))
        continues = inside & ahead
        inside = ahead
        solid_ahead = more and text[i + 1] != 32
        start = start if goes_on else np.uint64(i)
        piece = ((piece if goes_on else _SEED) ^ (np.uint64(48) if kinds[i] == DIGIT else c)) * P
        hashes[n_pieces] = piece
        starts[n_pieces] = start
        ends[n_pieces] = i + 1
        n_pieces += np.uint64(is_solid & (not solid_ahead))
        goes_on = is_solid & solid_ahead
        is_solid = solid_ahead
    for k in range(np.int64(n_pieces)):
        hashes[k] = mixed_up(hashes[k])
    return np.int64(n_tokens), np.int64(n_pieces)


@compiled
def hashes_beside(text, kinds, count, r, out, s, pieces, places, features, at):
    """Write the features of the known pieces to ``features[at:]`` and the hashes of all other n-grams to ``out``.

    Returns how many there are of both.
    """
    hashes, starts, ends, padded = s.mixed, s.starts, s.ends, s.padded
    slots, firsts, known = pieces.table.slots, pieces.ends, pieces.features
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
    tokens, own = np.empty(room, np.uint64), np.empty(room, np.uint64)
    starts, ends = np.empty(room, np.int32), np.empty(room, np.int32)
    most = len(text) // 2 + len(offsets)  # a space is between two
    hashes, where = np.empty(most, np.uint64), np.empty((most, 2), np.int64)
    filled = 0
    for i in range(len(offsets) - 1):
        begin, end = offsets[i], offsets[i + 1]
        _, count = cut(text[begin:end], kinds[begin:end], end - begin, tokens, own, starts, ends)
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
