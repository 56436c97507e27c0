"""From messages to calibrated confidences, without a matrix in between."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from classifier.kernels.cleaning import (
    DIGIT,
    IDEOGRAPH,
    LATIN,
    MAX_EXPANSION,
    OTHER_LETTER,
    PUNCTUATION,
    SPACE,
    clean,
    folded_length,
)
from classifier.kernels.compiling import compiled
from classifier.kernels.counting import count_features, find_feature
from classifier.kernels.ngrams import NgramRanges, char_hashes, room_for, word_hashes

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
    """Memory one thread works in; its size depends on the longest message alone."""

    cleaned: NDArray[np.int32]
    origins: NDArray[np.int32]
    kinds: NDArray[np.uint8]
    hashes: NDArray[np.uint64]
    touched: NDArray[np.int32]
    tokens: NDArray[np.uint64]
    starts: NDArray[np.int32]
    ends: NDArray[np.int32]
    tally: NDArray[np.int32]
    seen: NDArray[np.int32]


@compiled
def cleaned_room(message, t):
    """Room for a cleaned message."""
    return folded_length(message, t) + 1


@compiled
def fresh_scratch(room, r):
    """Scratch for messages of up to ``room`` cleaned characters."""
    n_hashes = room_for(room, r)
    return Scratch(
        np.empty(room, np.int32),
        np.empty(room, np.int32),
        np.empty(room, np.uint8),
        np.empty(n_hashes, np.uint64),
        np.empty(n_hashes, np.int32),
        np.empty(room, np.uint64),
        np.empty(room, np.int32),
        np.empty(room, np.int32),
        np.empty(n_hashes, np.int32),
        np.empty(4 * n_hashes + 16, np.int32),
    )


def scratch_for(ranges: NgramRanges) -> Scratch:
    """Scratch for one thread."""
    return fresh_scratch(MAX_EXPANSION * _ROOM, ranges)


@compiled
def _add_block(found, m, s, scores):
    """Add the scores of one block of n-grams, scaled to unit length."""
    # Six sums in registers: an array of them would go through memory for each feature.
    rows, idf, touched, tally = m.rows, m.idf, s.touched, s.tally
    square = sum1 = sum2 = sum3 = sum4 = sum5 = sum6 = 0.0
    for k in range(found):
        feature = touched[k]
        value = idf[rows[feature, 0]]
        if tally[k] > 1:
            value *= 1.0 + np.log(np.float64(tally[k]))
        square += value * value
        sum1 += value * rows[feature, 1]
        sum2 += value * rows[feature, 2]
        sum3 += value * rows[feature, 3]
        sum4 += value * rows[feature, 4]
        sum5 += value * rows[feature, 5]
        sum6 += value * rows[feature, 6]
    if found:
        scale = 1.0 / np.sqrt(square)
        scores[0] += sum1 * scale * m.steps[0]
        scores[1] += sum2 * scale * m.steps[1]
        scores[2] += sum3 * scale * m.steps[2]
        scores[3] += sum4 * scale * m.steps[3]
        scores[4] += sum5 * scale * m.steps[4]
        scores[5] += sum6 * scale * m.steps[5]


@compiled
def _score_one(message, t, r, m, s, scores):
    n = clean(message, s.cleaned, s.origins, s.kinds, t)
    for label in range(len(m.steps)):
        scores[label] = m.intercepts[label]
    total = word_hashes(s.cleaned, s.kinds, n, r, s.hashes, s.tokens, s.starts, s.ends, None)
    words = count_features(s.hashes, total, m.slots, m.rows, s.seen, s.touched, s.tally)
    _add_block(words, m, s, scores)
    total = char_hashes(s.cleaned, s.kinds, n, r, s.hashes, None)
    characters = count_features(s.hashes, total, m.slots, m.rows, s.seen, s.touched, s.tally)
    _add_block(characters, m, s, scores)
    return words + characters if _is_enough(s.kinds, n) else 0


@compiled
def _is_enough(kinds, n):
    """Whether a message says enough to be judged: an ideograph or emoji, two letters, or six digits.

    A lone "b" or "2024" has features, and being all there is they would weigh as much as a whole message.
    """
    letters = digits = 0
    for i in range(n):
        if kinds[i] >= IDEOGRAPH:
            return True
        letters += LATIN <= kinds[i] <= OTHER_LETTER
        digits += kinds[i] == DIGIT
    return letters >= 2 or digits >= 6


@compiled
def score_messages(points, ends, first, last, t, r, m, s, confidences, known):
    """Score messages ``first`` to ``last`` (exclusive) of ``points[ends[i]:ends[i + 1]]``.

    Writes row ``i`` of ``confidences`` (float32) and ``known[i]``, whether the message has a feature of the
    model and says enough to be judged.
    Nothing a message gives depends on the other messages.
    """
    labels = len(m.steps)
    scores = np.empty(labels, np.float64)
    for i in range(first, last):
        message = points[ends[i] : ends[i + 1]]
        scratch = s if len(message) <= _ROOM else fresh_scratch(cleaned_room(message, t), r)
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
        found = count_features(s.hashes, total, m.slots, m.rows, s.seen, s.touched, s.tally)
        order = np.argsort(s.touched[:found])
        features, counts = s.touched[:found][order].copy(), s.tally[:found][order].copy()
        values = np.empty(found, np.float64)
        for k in range(found):
            values[k] = m.idf[m.rows[features[k], 0]]
            if counts[k] > 1:
                values[k] *= 1.0 + np.log(np.float64(counts[k]))
        length = np.sqrt((values * values).sum())
        for k in range(total):
            feature = find_feature(s.hashes[k], m.slots)
            if feature < 0:
                continue
            place = np.searchsorted(features, feature)
            value = values[place] / length / counts[place]
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
