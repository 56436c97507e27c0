"""The commonest words of a language with the features they are known to hold: looked up whole.

A *piece* is what stands between two spaces. Its character n-grams are its own, whatever stands beside it, so that the
features of the commonest pieces are worked out once, when a model is trained: most of what people write is a few
thousand of them. What they add up to is worked out once, too, when the model is loaded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from classifier.kernels.compiling import compiled, inlined
from classifier.kernels.copying import STRIDE, copy_characters, copy_features
from classifier.kernels.folding import DIGIT
from classifier.kernels.lanes import LANES, add_row
from classifier.kernels.lookup import INDEX, SHIFT, FeatureTable, find_features, locate
from classifier.kernels.memory import prefetch
from classifier.kernels.ngrams import (
    char_hashes,
    longest,
    mixed_up,
    ngram_scratch,
    padded_hashes,
    read,
    room_for,
)
from classifier.kernels.runs import find_runs, hash_runs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

_SEED = np.uint64(0x589965CC75374CC3)
_NONE, _ONE = np.uint64(0), np.uint64(1)


class Pieces(NamedTuple):
    """``table`` finds the number ``k`` of a piece, whose features are ``features[ends[k] : ends[k + 1]]``.

    Behind the last features are `STRIDE` zeros. ``sums[k]`` is what `lanes.add_features` would add for them were each
    to occur once; the row behind the last is 0.
    """

    table: FeatureTable
    ends: NDArray[np.int32]
    features: NDArray[np.uint32]
    sums: NDArray[np.float64]  # (pieces + 1, 8)


@inlined
def find_pieces(n, s):
    """Write to ``s`` the hashes, starts and ends of the pieces of a message that was `ngrams.read`; return how many."""
    count = find_runs(s.marks, n, 1, 254, 255, s.piece_starts, s.piece_ends)  # 0 is the kind of a space, 255 of none
    hash_runs(s.padded, s.piece_starts, s.piece_ends, count, _SEED, s.mixed)
    for k in range(count):
        s.mixed[k] = mixed_up(s.mixed[k])
    return count


@inlined
def look_up(count, s, pieces, places):
    """Replace the slots of pieces, as `lookup.locate` wrote them, by their numbers, and start loading what they hold.

    An unknown piece has the number behind the last.
    """
    hashes, slots, firsts = s.mixed, pieces.table.slots, pieces.ends
    unknown = np.uint64(len(firsts) - 1)
    for k in range(np.uint64(count)):
        slot = slots[np.uint64(places[k])]
        piece = min(slot & INDEX if (slot ^ (hashes[k] << SHIFT)) <= INDEX else unknown, unknown)
        places[k] = piece
        first = np.uint64(firsts[piece])
        prefetch(pieces.features, first)
        prefetch(pieces.features, first + np.uint64(STRIDE - 1))
        prefetch(pieces.sums, piece)


@compiled
def hashes_beside(text, kinds, count, r, out, s, pieces, places, features, at, sums):
    """Write the features of the known pieces to ``features[at:]`` and the hashes of all other n-grams to ``out``.

    Returns how many there are of both. ``places`` holds the numbers of the pieces, see `look_up`; ``sums`` becomes
    that of the known.
    """
    starts, ends, padded = s.piece_starts, s.piece_ends, s.padded
    firsts, known = pieces.ends, pieces.features
    left, place = np.uint64(1), np.uint64(at)
    sizes, unknown = r.char_max - r.char_min + 1, np.uint64(len(firsts) - 1)
    sums[:] = 0.0
    for k in range(np.uint64(count)):
        piece, begin, end = np.uint64(places[k]), np.uint64(starts[k]), np.uint64(ends[k])
        first, last = np.uint64(firsts[piece]), np.uint64(firsts[min(piece + _ONE, unknown)])
        size = end - begin
        # A release could claim more features for a word than it has n-grams, and there would be no room for them.
        is_known = (piece < unknown) & (last - first <= np.uint64(np.int64(size + _ONE) * sizes))
        # Both are copied, the features and the characters, and one of them kept: which it is no branch can predict.
        copy_features(known, first, features, place)
        copy_characters(text, kinds, begin, padded, left)
        padded[left + size] = 32
        if is_known:
            for j in range(np.uint64(STRIDE), last - first):
                features[place + j] = known[first + j]
        else:
            for i in range(np.uint64(STRIDE), size):
                padded[left + i] = 48 if kinds[begin + i] == DIGIT else text[begin + i]
        add_row(pieces.sums, piece if is_known else unknown, sums)
        place += last - first if is_known else _NONE
        left += _NONE if is_known else size + _ONE
    n = np.int64(left) - 2 if left > _ONE else 0
    return np.int64(place) - at, padded_hashes(n, r, out, s, None)


@compiled
def piece_hashes(text, kinds, offsets, r):
    """The hashes of all pieces of cleaned messages, and where in ``text`` each starts and ends."""
    scratch = ngram_scratch(longest(offsets), r)
    most = len(text) // 2 + len(offsets)  # a space is between two
    hashes, where = np.empty(most, np.uint64), np.empty((most, 2), np.int64)
    filled = 0
    for i in range(len(offsets) - 1):
        begin, end = offsets[i], offsets[i + 1]
        read(text[begin:end], kinds[begin:end], end - begin, scratch)
        count = find_pieces(end - begin, scratch)
        for k in range(count):
            hashes[filled] = scratch.mixed[k]
            where[filled, 0], where[filled, 1] = begin + scratch.piece_starts[k], begin + scratch.piece_ends[k]
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


def _in_whole_lines(n: int) -> NDArray[np.float64]:
    """Zeros of shape (n, 8), each row in one line of the processor's cache."""
    room = np.zeros((n + 1) * LANES)
    first = -(room.ctypes.data // 8) % LANES
    return room[first : first + n * LANES].reshape(n, LANES)


def pieces_of(arrays: Mapping[str, NDArray[Any]]) -> Pieces:
    """The pieces of a release's arrays."""
    slots, pilots, ends, features = (arrays[name] for name in ARRAYS)
    sums, holding = _in_whole_lines(len(ends)), np.flatnonzero(ends[1:] > ends[:-1])
    if len(holding):
        rows = arrays["rows"][features[: ends[-1]]]
        values = arrays["idf"][rows[:, 0].view(np.uint16)]
        added = rows * values[:, None]
        added[:, 0] = values**2
        sums[holding] = np.add.reduceat(added, ends[holding], axis=0)
    return Pieces(FeatureTable(slots, pilots), ends, features, sums)


def no_pieces() -> Pieces:
    """What a model has that knows no pieces."""
    table = FeatureTable(np.zeros(1, np.uint64), np.zeros(2, np.uint16))
    return Pieces(table, np.zeros(1, np.int32), np.zeros(STRIDE, np.uint32), _in_whole_lines(1))
