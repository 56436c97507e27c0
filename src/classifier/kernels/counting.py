"""From a corpus to a vocabulary (document frequencies of n-gram hashes) and to rows of TF-IDF values."""

from __future__ import annotations

import numpy as np

from classifier.kernels.compiling import compiled
from classifier.kernels.lookup import count_features, find_features, locate
from classifier.kernels.ngrams import char_hashes, ngram_scratch, room_for, word_hashes


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
    scratch = ngram_scratch(longest, r)
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
        words = word_hashes(message, message_kinds, n, r, hashes, scratch, spans)
        total = words + char_hashes(message, message_kinds, n, r, hashes[words:], scratch, spans[words:])
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
def ngram_hashes(text, kinds, offsets, r):
    """The hashes of all n-grams of cleaned messages, end to end, and how many each message has."""
    longest = 1
    for i in range(len(offsets) - 1):
        longest = max(longest, offsets[i + 1] - offsets[i])
    scratch = ngram_scratch(longest, r)
    counts = np.empty(len(offsets) - 1, np.int64)
    hashes = np.empty(room_for(longest, r), np.uint64)
    filled = 0
    for i in range(len(counts)):
        message, message_kinds = text[offsets[i] : offsets[i + 1]], kinds[offsets[i] : offsets[i + 1]]
        n = len(message)
        room = filled + room_for(n, r)
        if room > len(hashes):
            hashes = _grown(hashes, 2 * room)
        words = word_hashes(message, message_kinds, n, r, hashes[filled:], scratch, None)
        counts[i] = words + char_hashes(message, message_kinds, n, r, hashes[filled + words :], scratch, None)
        filled += counts[i]
    return hashes[:filled].copy(), counts


@compiled
def _grown(array, room):
    wider = np.empty(room, array.dtype)
    wider[: len(array)] = array
    return wider


@compiled
def tfidf_rows(text, kinds, offsets, r, table, idf, sublinear, normalised):
    """The TF-IDF matrix of cleaned messages in compressed sparse rows: ``indptr, indices, data``.

    Each block of n-grams is scaled to unit length by itself, like a ``FeatureUnion`` of two vectorizers.
    """
    longest = 1
    for i in range(len(offsets) - 1):
        longest = max(longest, offsets[i + 1] - offsets[i])
    hashes = np.empty(room_for(longest, r), np.uint64)
    places, features = np.empty(len(hashes), np.uint32), np.empty(len(hashes), np.uint32)
    scratch = ngram_scratch(longest, r)
    counts = np.zeros(len(idf), np.int32)
    room = np.int64(1 << 16)
    indices, data = np.empty(room, np.int32), np.empty(room, np.float64)
    indptr = np.zeros(len(offsets), np.int64)
    filled = 0
    for i in range(len(offsets) - 1):
        message, message_kinds = text[offsets[i] : offsets[i + 1]], kinds[offsets[i] : offsets[i + 1]]
        n = len(message)
        for block in range(2):
            if block == 0:
                total = word_hashes(message, message_kinds, n, r, hashes, scratch, None)
            else:
                total = char_hashes(message, message_kinds, n, r, hashes, scratch, None)
            locate(hashes, total, table, places)
            found = find_features(hashes, places, 0, total, table.slots, features)
            found = count_features(features, 0, found, counts, idf)
            if filled + found > room:
                room = 2 * (filled + found)
                indices, data = _grown(indices, room), _grown(data, room)
            square = 0.0
            for k in range(found):
                feature = features[k]
                tf = np.float64(counts[feature])
                if sublinear and counts[feature] > 1:
                    tf = 1.0 + np.log(tf)
                counts[feature] = 0
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
