"""From messages to calibrated confidences, without a matrix in between."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from classifier.kernels.cleaning import DIGIT, MAX_EXPANSION, OTHER_LETTER, PUNCTUATION, SPACE, clean, folded_length
from classifier.kernels.compiling import compiled
from classifier.kernels.counting import count_features
from classifier.kernels.ngrams import char_hashes, room_for, word_hashes

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ROOM = 2048  # characters of a message that the reused scratch holds; longer messages get scratch of their own


class Model(NamedTuple):
    """A release as the loops take it, for ``F`` features and ``L`` labels.

    ``rows[f]`` holds the index of the feature's inverse document frequency in ``idf`` and then its weight for each
    label in steps of ``steps[label]``: 16 bytes a feature, four to a cache line.
    """

    slots: NDArray[np.uint64]
    rows: NDArray[np.int16]  # (F, 1 + L, padded to 8)
    idf: NDArray[np.float64]
    steps: NDArray[np.float64]  # (L,)
    intercepts: NDArray[np.float64]  # (L,)
    slopes: NDArray[np.float64]  # (L,) of the calibrating sigmoid
    offsets: NDArray[np.float64]  # (L,)


class Scratch(NamedTuple):
    """Memory one thread works in, zeroed where that matters and left so."""

    cleaned: NDArray[np.int32]
    origins: NDArray[np.int32]
    kinds: NDArray[np.uint8]
    hashes: NDArray[np.uint64]
    touched: NDArray[np.int32]
    tokens: NDArray[np.uint64]
    starts: NDArray[np.int32]
    ends: NDArray[np.int32]
    counts: NDArray[np.int32]  # (F,), all zero between messages
    sums: NDArray[np.float64]  # (L,)


@compiled
def cleaned_room(message, t):
    """Room for a cleaned message."""
    return folded_length(message, t) + 1


@compiled
def fresh_scratch(room, r):
    """What `Scratch` holds for messages of up to ``room`` cleaned characters, but for counts and sums."""
    n_hashes = room_for(room, r)
    return (
        np.empty(room, np.int32),
        np.empty(room, np.int32),
        np.empty(room, np.uint8),
        np.empty(n_hashes, np.uint64),
        np.empty(n_hashes, np.int32),
        np.empty(room, np.uint64),
        np.empty(room, np.int32),
        np.empty(room, np.int32),
    )


def scratch_for(model: Model, ranges: NamedTuple) -> Scratch:
    """Scratch for one thread; its size does not depend on how many messages are scored."""
    counts, sums = np.zeros(len(model.rows), np.int32), np.zeros(len(model.steps), np.float64)
    return Scratch._make((*fresh_scratch(MAX_EXPANSION * _ROOM, ranges), counts, sums))


@compiled
def _widened(s, room, r):
    """Scratch with room for one long message that shares the counts and sums of ``s``."""
    f = fresh_scratch(room, r)
    return Scratch(f[0], f[1], f[2], f[3], f[4], f[5], f[6], f[7], s.counts, s.sums)


@compiled
def _add_block(total, m, s, scores):
    """Add the scores of one block of n-grams, scaled to unit length; return how many features are known."""
    labels = len(m.steps)
    found = count_features(s.hashes, total, m.slots, s.counts, s.touched)
    for label in range(labels):
        s.sums[label] = 0.0
    square = 0.0
    for k in range(found):
        feature = s.touched[k]
        count = s.counts[feature]
        s.counts[feature] = 0
        value = m.idf[m.rows[feature, 0]]
        if count > 1:
            value *= 1.0 + np.log(np.float64(count))
        square += value * value
        for label in range(labels):
            s.sums[label] += value * m.rows[feature, 1 + label]
    if found:
        scale = 1.0 / np.sqrt(square)
        for label in range(labels):
            scores[label] += s.sums[label] * scale * m.steps[label]
    return found


@compiled
def _score_one(message, t, r, m, s, scores):
    n = clean(message, s.cleaned, s.origins, s.kinds, t)
    for label in range(len(m.steps)):
        scores[label] = m.intercepts[label]
    total = word_hashes(s.cleaned, s.kinds, n, r, s.hashes, s.tokens, s.starts, s.ends, None)
    found = _add_block(total, m, s, scores)
    total = char_hashes(s.cleaned, s.kinds, n, r, s.hashes, None)
    return found + _add_block(total, m, s, scores)


@compiled
def score_messages(points, ends, first, last, t, r, m, s, confidences, known):
    """Score messages ``first`` to ``last`` (exclusive) of ``points[ends[i]:ends[i + 1]]``.

    Writes row ``i`` of ``confidences`` (float32) and ``known[i]``, whether the message has any feature of the model.
    Nothing a message gives depends on the other messages.
    """
    labels = len(m.steps)
    scores = np.empty(labels, np.float64)
    for i in range(first, last):
        message = points[ends[i] : ends[i + 1]]
        scratch = s if len(message) <= _ROOM else _widened(s, cleaned_room(message, t), r)
        known[i] = _score_one(message, t, r, m, scratch, scores) > 0
        for label in range(labels):
            z = m.slopes[label] * scores[label] + m.offsets[label]
            confidences[i, label] = 1.0 / (1.0 + np.exp(-z))


@compiled
def contributions(message, t, r, m, s, spans, shares):
    """What each cleaned character of a message adds to the score of each label.

    An n-gram's contribution is spread evenly over its characters (its padding aside) and its occurrences. ``spans``
    needs room for the n-grams of the message, ``shares`` of shape (room, L) is zero on entry. Returns the cleaned
    length; what was cleaned is in ``s``. The column sums of ``shares`` and the intercepts add up to the scores.
    """
    n = clean(message, s.cleaned, s.origins, s.kinds, t)
    labels = len(m.steps)
    for block in range(2):
        if block == 0:
            total = word_hashes(s.cleaned, s.kinds, n, r, s.hashes, s.tokens, s.starts, s.ends, spans)
        else:
            total = char_hashes(s.cleaned, s.kinds, n, r, s.hashes, spans)
        found = count_features(s.hashes, total, m.slots, s.counts, s.touched)
        square = 0.0
        for k in range(found):
            count = s.counts[s.touched[k]]
            value = m.idf[m.rows[s.touched[k], 0]]
            if count > 1:
                value *= 1.0 + np.log(np.float64(count))
            square += value * value
        one = np.zeros(1, np.int32)
        counts = np.empty(found, np.int32)
        for k in range(found):
            counts[k] = s.counts[s.touched[k]]
            s.counts[s.touched[k]] = 0
        order = np.argsort(s.touched[:found])
        ranked = s.touched[:found][order]
        for k in range(total):
            if count_features(s.hashes[k : k + 1], 1, m.slots, s.counts, one) == 0:
                continue
            feature = one[0]
            s.counts[feature] = 0
            count = counts[order[np.searchsorted(ranked, feature)]]
            value = m.idf[m.rows[feature, 0]] / np.sqrt(square) / count
            if count > 1:
                value *= 1.0 + np.log(np.float64(count))
            first, last = max(spans[k, 0], 0), min(spans[k, 1], n)
            solid = 0
            for i in range(first, last):
                solid += s.cleaned[i] != 32
            for i in range(first, last):
                if s.cleaned[i] != 32:
                    for label in range(labels):
                        shares[i, label] += value / solid * m.rows[feature, 1 + label] * m.steps[label]
    return n


@compiled
def units(kinds, n):
    """Cut a cleaned message into words, single ideographs, kana and emoji, and runs of signs: rows of start and end."""
    out = np.empty((n, 2), np.int32)
    count = 0
    i = 0
    while i < n:
        j = i + 1
        if DIGIT <= kinds[i] <= OTHER_LETTER:
            while j < n and DIGIT <= kinds[j] <= OTHER_LETTER:
                j += 1
        elif kinds[i] == PUNCTUATION:
            while j < n and kinds[j] == PUNCTUATION:
                j += 1
        if kinds[i] != SPACE:
            out[count, 0] = i
            out[count, 1] = j
            count += 1
        i = j
    return out[:count].copy()
