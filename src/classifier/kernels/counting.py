"""From a corpus to a vocabulary (document frequencies of n-gram hashes) and to rows of TF-IDF values."""

from __future__ import annotations

import numpy as np

from classifier.kernels.compiling import compiled, inlined
from classifier.kernels.memory import prefetch
from classifier.kernels.ngrams import char_hashes, room_for, word_hashes

# A slot of a feature table holds the lower 40 bits of the hash over 24 bits of the feature's index; position comes from
# the bits above 36, so an unknown n-gram passes for a feature about once in 10^12 probes.
_TOP = 36
EMPTY = np.uint64(0xFFFFFFFFFFFFFFFF)
_INDEX_MASK = np.uint64((1 << 24) - 1)
_SHIFT = np.uint64(24)
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_AHEAD = 12  # n-grams whose slots are being fetched while one is looked up


@compiled
def document_frequencies(text, kinds, offsets, r):
    """Count in how many messages each n-gram occurs.

    Returns, per distinct n-gram in the order of first occurrence: its hash, its document frequency, its first
    occurrence (message, start and end in it), and whether it is a word n-gram.
    """
    size = np.int64(1 << 16)
    longest = 1
    for i in range(len(offsets) - 1):
        longest = max(longest, offsets[i + 1] - offsets[i])
    hashes = np.empty(room_for(longest, r), np.uint64)
    spans = np.empty((len(hashes), 2), np.int32)
    tokens, starts, ends = np.empty(longest, np.uint64), np.empty(longest, np.int32), np.empty(longest, np.int32)
    slots = np.full(size, -1, np.int32)
    room = np.int64(1 << 15)
    keys = np.empty(room, np.uint64)
    frequency = np.empty(room, np.int32)
    latest = np.empty(room, np.int32)
    where = np.empty((room, 3), np.int32)
    is_word = np.empty(room, np.bool_)
    found = 0
    for i in range(len(offsets) - 1):
        message, message_kinds = text[offsets[i] : offsets[i + 1]], kinds[offsets[i] : offsets[i + 1]]
        n = len(message)
        words = word_hashes(message, message_kinds, n, r, hashes, tokens, starts, ends, spans)
        total = words + char_hashes(message, message_kinds, n, r, hashes[words:], spans[words:])
        if found + total > room:
            room = 2 * (found + total)
            keys, frequency, latest = _grown(keys, room), _grown(frequency, room), _grown(latest, room)
            is_word = _grown(is_word, room)
            wider = np.empty((room, 3), np.int32)
            wider[:found] = where[:found]
            where = wider
        if 2 * (found + total) > size:
            while 2 * (found + total) > size:
                size *= 2
            slots = np.full(size, -1, np.int32)
            for k in range(found):
                at = np.int64(keys[k] >> np.uint64(32)) & (size - 1)
                while slots[at] >= 0:
                    at = (at + 1) & (size - 1)
                slots[at] = k
        for k in range(total):
            h = hashes[k]
            at = np.int64(h >> np.uint64(32)) & (size - 1)
            while slots[at] >= 0 and keys[slots[at]] != h:
                at = (at + 1) & (size - 1)
            entry = slots[at]
            if entry < 0:
                slots[at] = found
                keys[found] = h
                frequency[found] = 1
                latest[found] = i
                where[found, 0] = i
                where[found, 1] = spans[k, 0]
                where[found, 2] = spans[k, 1]
                is_word[found] = k < words
                found += 1
            elif latest[entry] != i:
                latest[entry] = i
                frequency[entry] += 1
    return keys[:found].copy(), frequency[:found].copy(), where[:found].copy(), is_word[:found].copy()


@compiled
def _grown(array, room):
    wider = np.empty(room, array.dtype)
    wider[: len(array)] = array
    return wider


@compiled
def build_table(keys, bits):
    """An open-addressing table of ``2**bits`` slots that finds the index of each key."""
    slots = np.full(np.int64(1) << bits, EMPTY, np.uint64)
    mask = len(slots) - 1
    for index in range(len(keys)):
        at = np.int64(keys[index] >> np.uint64(_TOP)) & mask
        while slots[at] != EMPTY:
            at = (at + 1) & mask
        slots[at] = (keys[index] << _SHIFT) | np.uint64(index)
    return slots


@inlined
def find_feature(h, slots):
    """The feature of an n-gram's hash, or -1."""
    mask = len(slots) - 1
    at = np.int64(h >> np.uint64(_TOP)) & mask
    tag = h << _SHIFT
    slot = slots[at]
    while slot != EMPTY:
        if (slot ^ tag) <= _INDEX_MASK:
            return np.int64(slot & _INDEX_MASK)
        at = (at + 1) & mask
        slot = slots[at]
    return np.int64(-1)


@inlined
def prefetch_slot(h, slots):
    """Start fetching the slot that `find_feature` will look at first."""
    prefetch(slots, np.int64(h >> np.uint64(_TOP)) & (len(slots) - 1))


@inlined
def tally_feature(feature, rows, seen, places, touched, tally, found):
    """Count one occurrence of a feature; return how many features are in ``touched``.

    ``seen`` finds a feature's place in ``touched`` again: an open-addressing table of ``places + 1`` entries, -1 where
    empty. It is as large as the message needs, so its cost does not depend on the model. ``rows[feature]`` is fetched
    ahead of its use.
    """
    place = np.int64((np.uint64(feature) * _SPREAD) >> np.uint64(32)) & places
    while seen[place] >= 0 and touched[seen[place]] != feature:
        place = (place + 1) & places
    if seen[place] < 0:
        prefetch(rows, feature)
        seen[place] = found
        touched[found] = feature
        tally[found] = 1
        return found + 1
    tally[seen[place]] += 1
    return found


@compiled
def count_features(hashes, n, slots, rows, seen, touched, tally):
    """Look up ``n`` hashes; ``touched`` becomes the features found, ``tally`` how often each; return how many."""
    size = 16
    while size < 2 * n:
        size *= 2
    seen[:size] = -1
    places = size - 1
    found = 0
    for k in range(min(n, _AHEAD)):
        prefetch_slot(hashes[k], slots)
    for k in range(n):
        if k + _AHEAD < n:
            prefetch_slot(hashes[k + _AHEAD], slots)
        feature = find_feature(hashes[k], slots)
        if feature >= 0:
            found = tally_feature(feature, rows, seen, places, touched, tally, found)
    return found


@compiled
def tfidf_rows(text, kinds, offsets, r, slots, idf, sublinear, normalised):
    """The TF-IDF matrix of cleaned messages in compressed sparse rows: ``indptr, indices, data``.

    Each block of n-grams is scaled to unit length by itself, like a ``FeatureUnion`` of two vectorizers.
    """
    longest = 1
    for i in range(len(offsets) - 1):
        longest = max(longest, offsets[i + 1] - offsets[i])
    hashes = np.empty(room_for(longest, r), np.uint64)
    touched = np.empty(len(hashes), np.int32)
    tokens, starts, ends = np.empty(longest, np.uint64), np.empty(longest, np.int32), np.empty(longest, np.int32)
    seen, tally = np.empty(4 * len(hashes) + 16, np.int32), np.empty(len(hashes), np.int32)
    room = np.int64(1 << 16)
    indices, data = np.empty(room, np.int32), np.empty(room, np.float64)
    indptr = np.zeros(len(offsets), np.int64)
    filled = 0
    for i in range(len(offsets) - 1):
        message, message_kinds = text[offsets[i] : offsets[i + 1]], kinds[offsets[i] : offsets[i + 1]]
        n = len(message)
        for block in range(2):
            if block == 0:
                total = word_hashes(message, message_kinds, n, r, hashes, tokens, starts, ends, None)
            else:
                total = char_hashes(message, message_kinds, n, r, hashes, None)
            found = count_features(hashes, total, slots, idf, seen, touched, tally)
            if filled + found > room:
                room = 2 * (filled + found)
                indices, data = _grown(indices, room), _grown(data, room)
            square = 0.0
            for k in range(found):
                feature = touched[k]
                tf = np.float64(tally[k])
                if sublinear and tally[k] > 1:
                    tf = 1.0 + np.log(tf)
                value = tf * idf[feature]
                square += value * value
                indices[filled + k] = feature
                data[filled + k] = value
            if normalised and found:
                scale = 1.0 / np.sqrt(square)
                for k in range(found):
                    data[filled + k] *= scale
            filled += found
        indptr[i + 1] = filled
    return indptr, indices[:filled].copy(), data[:filled].copy()
