"""From the hash of an n-gram to its feature, in one look and without a branch.

The features of a model are known, so their hashes are placed without collisions (a perfect hash by "hash and
displace": Belazzougui, Botelho & Dietzfelbinger 2009; the search for pilots is that of PTHash, Pibiri & Trani 2021). A
hash's upper bits choose a pilot, the pilot and the hash a slot, and the slot says whether it is this hash's: whatever
text comes in, an n-gram costs two reads of memory. Slots are fetched for all n-grams of a message ahead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from classifier.kernels.compiling import compiled, inlined
from classifier.kernels.memory import prefetch

if TYPE_CHECKING:
    from numpy.typing import NDArray

# A slot holds the lower 40 bits of a hash over the 24 bits of its feature: an unknown n-gram passes for a feature once
# in 10^12, unless somebody makes it so, who gains nothing by it. A slot of no feature holds 0.
SHIFT = np.uint64(24)
INDEX = np.uint64((1 << 24) - 1)
_TAG = np.uint64((1 << 40) - 1)
_LOW, _HALF, _ODD = np.uint64(32), np.uint64((1 << 32) - 1), np.uint64(1)
_START, _STEP = np.uint64(17), np.uint64(15)
_PER_PILOT = 5  # hashes that share a pilot at most, on average: the fewer pilots, the more of them are at hand
MAX_PILOT = 65535


class FeatureTable(NamedTuple):
    """A perfect hash: ``slots`` of any number, ``pilots`` a power of two of them."""

    slots: NDArray[np.uint64]
    pilots: NDArray[np.uint16]


@inlined
def _place(h, pilot, size):
    """The slot that a pilot gives a hash; ``size`` as an unsigned integer.

    Two multiplications: so many times some bits of the hash further than others say, scaled to size. The upper 17 bits
    are mostly those of the pilot; in one of the 46 others, which are all but bit 15, two hashes must differ for some
    pilot to part them.
    """
    # Unsigned throughout: a signed index costs a look at whether it counts from the end.
    mixed = (h << _START) + np.uint64(pilot) * ((h >> _STEP) | _ODD)
    return ((mixed & _HALF) * size) >> _LOW


@compiled
def _shift_of(pilots):
    """By how much a hash is shifted to give the number of its pilot."""
    bits = 0
    while (1 << bits) < len(pilots):
        bits += 1
    return np.uint64(64 - bits)


@compiled
def _placed(keys, bits, size):
    """Pilots under which no two keys share a slot, and the slot of each key; no slots where none was found."""
    buckets = np.int64(1) << bits
    shift = np.uint64(64 - bits)
    starts = np.zeros(buckets + 1, np.int64)
    for key in keys:
        starts[np.int64(key >> shift) + 1] += 1
    most = starts.max()
    starts = np.cumsum(starts)
    filled = starts[:-1].copy()
    members = np.empty(len(keys), np.int64)
    for i in range(len(keys)):
        bucket = np.int64(keys[i] >> shift)
        members[filled[bucket]] = i
        filled[bucket] += 1
    taken = np.zeros(size, np.bool_)
    pilots = np.zeros(buckets, np.uint16)
    places = np.empty(len(keys), np.int64)
    for length in range(most, 0, -1):  # the fullest first, while there is room
        for bucket in range(buckets):
            first, last = starts[bucket], starts[bucket + 1]
            if last - first != length:
                continue
            pilot = 0
            while True:
                fits = True
                for k in range(first, last):
                    at = _place(keys[members[k]], pilot, np.uint64(size))
                    if taken[at]:
                        fits = False
                        for j in range(first, k):
                            taken[places[members[j]]] = False
                        break
                    taken[at] = True
                    places[members[k]] = at
                if fits:
                    break
                pilot += 1
                if pilot > MAX_PILOT:
                    return pilots, places[:0]
            pilots[bucket] = pilot
    return pilots, places


@compiled
def build_table(keys):
    """The table that finds the index of each of these hashes, some 3 % of its slots free.

    Raises `ValueError` where two are the same, or as good as.
    """
    bits = 1
    while (_PER_PILOT << bits) < len(keys):
        bits += 1
    size = len(keys) + len(keys) // 32 + 1
    pilots, places = _placed(keys, bits, size)
    while len(places) < len(keys):
        size += size // 16 + 1
        if size > 4 * len(keys) + 64:
            raise ValueError("two keys have the same hash")
        pilots, places = _placed(keys, bits, size)
    slots = np.zeros(size, np.uint64)
    for index in range(len(keys)):
        slots[places[index]] = ((keys[index] & _TAG) << SHIFT) | np.uint64(index)
    return FeatureTable(slots, pilots)


@inlined
def locate(hashes, n, table, places):
    """Write the slot of each of ``n`` hashes to ``places`` and start fetching it."""
    slots, pilots = table.slots, table.pilots
    size, shift = np.uint64(len(slots)), _shift_of(pilots)
    for k in range(np.uint64(n)):
        h = hashes[k]
        at = _place(h, pilots[h >> shift], size)
        places[k] = at
        prefetch(slots, at)


@inlined
def find_features(hashes, places, first, last, slots, features, at):
    """Write the features among hashes ``first`` to ``last`` to ``features[at:]``, in order and repeated as they are.

    Returns how many. What `locate` wrote is in ``places``; ``features`` needs room for one more than there are hashes.
    """
    found = np.uint64(at)  # unsigned: see `_place`
    for k in range(np.uint64(first), np.uint64(last)):
        slot = slots[np.uint64(places[k])]
        # Written in any case and kept where the tag is right: whether an n-gram is known is what no branch can predict.
        features[found] = slot & INDEX
        found += np.uint64((slot ^ (hashes[k] << SHIFT)) <= INDEX)
    return np.int64(found) - at


@compiled
def find_feature(h, table):
    """The feature of one hash, or -1."""
    slots = table.slots
    slot = slots[_place(h, table.pilots[h >> _shift_of(table.pilots)], np.uint64(len(slots)))]
    return np.int64(slot & INDEX) if (slot ^ (h << SHIFT)) <= INDEX else np.int64(-1)


@compiled
def are_known(hashes, table):
    """Whether each hash is that of a feature."""
    known = np.empty(len(hashes), np.bool_)
    for k in range(len(hashes)):
        known[k] = find_feature(hashes[k], table) >= 0
    return known


@inlined
def count_features(features, first, n, counts, rows):
    """Make ``n`` features from ``first`` distinct, in their order, and count them in ``counts``; return how many.

    ``counts`` has a place for each feature of the model, 0 on entry: who reads them sets them to 0 again.
    ``rows[feature]`` is fetched ahead of its use.
    """
    distinct = first
    for k in range(first, first + n):
        feature = np.uint64(features[k])
        prefetch(rows, feature)
        count = counts[feature]
        counts[feature] = count + 1
        features[distinct] = feature
        distinct += count == 0
    return distinct - first
