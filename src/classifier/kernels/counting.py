"""From a corpus to a vocabulary (document frequencies of n-gram hashes) and to rows of TF-IDF values."""

from __future__ import annotations

import numpy as np

from classifier.kernels.compiling import compiled
from classifier.kernels.contact_shapes import contact_hashes
from classifier.kernels.lookup import count_features, find_features, locate
from classifier.kernels.memory import prefetch
from classifier.kernels.ngrams import char_hashes, longest, ngram_scratch, read, room_for, word_hashes

_HALF = np.uint64(32)
_ONE = np.uint64(1)


@compiled
def spanned_hashes(text, kinds, n, r, out, s, spans):
    """Write the hashes of all n-grams of a message to ``out`` and where each starts and ends to ``spans``.

    Returns where those of words end, those of contact shapes and those of characters, in this order.
    """
    read(text, kinds, n, s)
    words = word_hashes(n, r, out, s, spans)
    shapes = words + contact_hashes(text, kinds, n, r, out[words:], s)
    for k in range(shapes - words):
        spans[words + k, 0], spans[words + k, 1] = s.starts[k], s.ends[k]
    return words, shapes, shapes + char_hashes(text, kinds, n, r, out[shapes:], s, spans[shapes:])


@compiled
def document_frequencies(text, kinds, offsets, r, part, parts, least):
    """Count in how many messages each n-gram occurs, of those whose hashes are in one of ``parts`` (a power of 2).

    Returns, per distinct n-gram of ``least`` messages or more, in the order of first occurrence: its hash, its document
    frequency, its first occurrence (message, start and end in it), and its kind: 0 of characters, 1 of words, 2 and
    more a contact shape.
    """
    most = longest(offsets)
    hashes = np.empty(room_for(most, r), np.uint64)
    spans = np.empty((len(hashes), 2), np.int32)
    scratch = ngram_scratch(most, r)
    chosen = np.empty(len(hashes), np.int32)
    # Open addressing: the hash, and the latest message (from 1) over the number of messages, one look for both.
    # Texts have about as many distinct n-grams as characters, and half as many when they are many.
    size = np.int64(1) << 12
    while size * parts < len(text):
        size *= 2
    table = np.zeros((size, 2), np.uint64)
    room = np.int64(1 << 15)
    keys = np.empty(room, np.uint64)
    where = np.empty((room, 3), np.int32)
    kind = np.empty(room, np.uint8)
    found = 0
    for i in range(len(offsets) - 1):
        message, message_kinds = text[offsets[i] : offsets[i + 1]], kinds[offsets[i] : offsets[i + 1]]
        n = len(message)
        plain, words, total = spanned_hashes(message, message_kinds, n, r, hashes, scratch, spans)
        mine = 0
        for k in range(total):
            chosen[mine] = k
            mine += np.int64((hashes[k] >> _ONE) & np.uint64(parts - 1)) == part
        total = mine
        if found + total > room:
            room = 2 * (found + total)
            keys, kind = _grown(keys, room), _grown(kind, room)
            wider = np.empty((room, 3), np.int32)
            wider[:found] = where[:found]
            where = wider
        if 2 * (found + total) > len(table):
            table = _rehashed(table, 2 * (found + total))
        mask = np.uint64(len(table) - 1)
        for c in range(total):
            prefetch(table, (hashes[chosen[c]] >> _HALF) & mask)
        for c in range(total):
            k = chosen[c]
            h = hashes[k] | _ONE  # never 0, which is an empty place
            at = (h >> _HALF) & mask
            while table[at, 0] != h and table[at, 0] != 0:
                at = (at + _ONE) & mask
            seen = table[at, 1]
            if seen == 0:
                table[at, 0] = h
                keys[found] = hashes[k]
                where[found, 0] = i
                where[found, 1] = spans[k, 0]
                where[found, 2] = spans[k, 1]
                kind[found] = 0 if k >= words else 1 if k < plain else 2 + scratch.marks[k - plain]
                found += 1
            if (seen >> _HALF) != np.uint64(i + 1):
                table[at, 1] = (np.uint64(i + 1) << _HALF) | ((seen & np.uint64(0xFFFFFFFF)) + _ONE)
    frequency = np.empty(found, np.int32)
    kept = 0
    mask = np.uint64(len(table) - 1)
    for k in range(found):
        if k + 16 < found:
            prefetch(table, (keys[k + 16] >> _HALF) & mask)
        at = (keys[k] >> _HALF) & mask
        while table[at, 0] != keys[k] | _ONE:
            at = (at + _ONE) & mask
        count = np.int64(table[at, 1] & np.uint64(0xFFFFFFFF))
        frequency[kept], keys[kept], where[kept], kind[kept] = count, keys[k], where[k], kind[k]
        kept += count >= least
    return keys[:kept].copy(), frequency[:kept].copy(), where[:kept].copy(), kind[:kept].copy()


@compiled
def _rehashed(table, least):
    """The entries of a table in one of at least so many places."""
    size = len(table)
    while size < least:
        size *= 2
    wider = np.zeros((size, 2), np.uint64)
    mask = np.uint64(size - 1)
    for k in range(len(table)):
        if table[k, 0]:
            at = (table[k, 0] >> _HALF) & mask
            while wider[at, 0]:
                at = (at + _ONE) & mask
            wider[at, 0], wider[at, 1] = table[k, 0], table[k, 1]
    return wider


@compiled
def ngram_hashes(text, kinds, offsets, r):
    """The hashes of all n-grams of cleaned messages, end to end, and how many each message has."""
    most = longest(offsets)
    scratch = ngram_scratch(most, r)
    counts = np.empty(len(offsets) - 1, np.int64)
    hashes = np.empty(room_for(most, r), np.uint64)
    spans = np.empty((len(hashes), 2), np.int32)
    filled = 0
    for i in range(len(counts)):
        message, message_kinds = text[offsets[i] : offsets[i + 1]], kinds[offsets[i] : offsets[i + 1]]
        n = len(message)
        room = filled + room_for(n, r)
        if room > len(hashes):
            hashes = _grown(hashes, 2 * room)
        counts[i] = spanned_hashes(message, message_kinds, n, r, hashes[filled:], scratch, spans)[2]
        filled += counts[i]
    return hashes[:filled].copy(), counts


@compiled
def _grown(array, room):
    wider = np.empty(room, array.dtype)
    wider[: len(array)] = array
    return wider


@compiled
def spelled(text, offsets, where):
    """The characters of n-grams from where they first occur, end to end, and where each ends; 32 for padding."""
    ends = np.zeros(len(where) + 1, np.int64)
    for k in range(len(where)):
        ends[k + 1] = ends[k] + where[k, 2] - where[k, 1]
    out = np.empty(ends[-1], np.int32)
    for k in range(len(where)):
        first, last = offsets[where[k, 0]], offsets[where[k, 0] + 1]
        for i in range(where[k, 2] - where[k, 1]):
            at = first + where[k, 1] + i
            out[ends[k] + i] = text[at] if first <= at < last else 32
    return out, ends


@compiled
def tfidf_rows(text, kinds, offsets, begin, end, r, table, idf, sublinear, normalised):
    """The TF-IDF values of cleaned messages ``begin`` to ``end`` as compressed sparse rows: ``indptr, indices, data``.

    Each block (words, contact shapes, characters) is scaled to unit length by itself, as a ``FeatureUnion`` does.
    Indices of a row are in the order in which its n-grams occur.
    """
    most = longest(offsets[begin : end + 1])
    hashes = np.empty(room_for(most, r), np.uint64)
    places, features = np.empty(len(hashes), np.uint32), np.empty(len(hashes), np.uint32)
    scratch = ngram_scratch(most, r)
    counts = np.zeros(len(idf), np.int32)
    room = np.int64(1 << 16) + 3 * (
        offsets[end] - offsets[begin]
    )  # what most need; memory not written to costs nothing
    indices, data = np.empty(room, np.int32), np.empty(room, np.float64)
    indptr = np.zeros(end - begin + 1, np.int64)
    filled = 0
    for i in range(begin, end):
        message, message_kinds = text[offsets[i] : offsets[i + 1]], kinds[offsets[i] : offsets[i + 1]]
        n = len(message)
        for block in range(3):
            if block == 0:
                read(message, message_kinds, n, scratch)
                total = word_hashes(n, r, hashes, scratch, None)
            elif block == 1:
                total = contact_hashes(message, message_kinds, n, r, hashes, scratch)
            else:
                total = char_hashes(message, message_kinds, n, r, hashes, scratch, None)
            locate(hashes, total, table, places)
            found = find_features(hashes, places, 0, total, table.slots, features, 0)
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
        indptr[i - begin + 1] = filled
    return indptr, indices[:filled], data[:filled]
