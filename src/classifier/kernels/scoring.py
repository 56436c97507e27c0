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
    CleaningTables,
    clean,
    folded_length,
)
from classifier.kernels.compiling import compiled, inlined
from classifier.kernels.contact_shapes import contact_hashes
from classifier.kernels.handles import handle_of, matrix, vector
from classifier.kernels.lanes import LANES, add_rows
from classifier.kernels.lookup import FeatureTable, count_features, find_features, locate
from classifier.kernels.ngrams import NgramRanges, NgramScratch, char_hashes, ngram_scratch, room_for, word_hashes

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROOM = 2048  # characters of a message that the reused scratch holds; longer messages get scratch of their own
_MAX_LABELS = 64
_COMMON = 64  # repetitions of an n-gram whose weight is looked up instead of computed
_TF = np.array([0.0, *(1.0 + np.log(np.arange(1, _COMMON)))])


class Model(NamedTuple):
    """A release as the loops take it, for ``F`` features and ``L`` labels.

    ``rows[f]`` holds the index of the feature's inverse document frequency in ``idf`` and then its weight for each
    label in steps of ``steps[label]``: 16 bytes a feature, four to a cache line. Features are ordered by falling
    document frequency, so that those of most messages lie together.
    """

    table: FeatureTable
    rows: NDArray[np.int16]  # (F, 1 + L, padded to a multiple of 8)
    idf: NDArray[np.float64]
    steps: NDArray[np.float64]  # (L,)
    intercepts: NDArray[np.float64]  # (L,)
    slopes: NDArray[np.float64]  # (L,) of the calibrating sigmoid
    offsets: NDArray[np.float64]  # (L,)


class Scratch(NamedTuple):
    """Memory one thread works in: for its longest message, and a count per feature of the model, 0 between messages."""

    cleaned: NDArray[np.int32]
    origins: NDArray[np.int32]
    kinds: NDArray[np.uint8]
    ngrams: NgramScratch
    hashes: NDArray[np.uint64]
    places: NDArray[np.uint32]
    features: NDArray[np.uint32]
    factors: NDArray[np.float64]
    counts: NDArray[np.int32]
    sums: NDArray[np.float64]
    scores: NDArray[np.float64]


def fixed_handle(tables: CleaningTables, model: Model, ranges: NgramRanges) -> NDArray[np.int64]:
    """What stays the same from message to message, as `score_messages` takes it."""
    arrays = handle_of((*tables, *model.table, *model[1:]))
    return np.vstack([arrays, np.array([[*ranges[:3]], [*ranges[3:], 0]], np.int64)])


@inlined
def tables_of(h):
    """The tables of a fixed handle."""
    return CleaningTables(
        vector(h, 0, np.uint16), vector(h, 1, np.int32), vector(h, 2, np.uint8), vector(h, 3, np.uint8),
        vector(h, 4, np.int32), matrix(h, 5, np.int32), vector(h, 6, np.int32), vector(h, 7, np.int32),
        vector(h, 8, np.uint8), vector(h, 9, np.uint8),
    )  # fmt: skip


@inlined
def model_of(h):
    """The model of a fixed handle."""
    return Model(
        FeatureTable(vector(h, 10, np.uint64), vector(h, 11, np.uint16)),
        matrix(h, 12, np.int16), vector(h, 13, np.float64), vector(h, 14, np.float64), vector(h, 15, np.float64),
        vector(h, 16, np.float64), vector(h, 17, np.float64),
    )  # fmt: skip


@inlined
def ranges_of(h):
    """The n-gram ranges of a fixed handle."""
    return NgramRanges(h[18, 0], h[18, 1], h[18, 2], h[19, 0], h[19, 1])


@inlined
def scratch_of(h):
    """The scratch of a handle of `scratch_handle`."""
    return Scratch(
        vector(h, 0, np.int32), vector(h, 1, np.int32), vector(h, 2, np.uint8),
        NgramScratch(
            vector(h, 3, np.uint64), vector(h, 4, np.int32), vector(h, 5, np.int32), vector(h, 6, np.uint64),
            vector(h, 7, np.int32), vector(h, 8, np.uint64), vector(h, 9, np.uint64), vector(h, 10, np.uint8),
        ),
        vector(h, 11, np.uint64), vector(h, 12, np.uint32), vector(h, 13, np.uint32), vector(h, 14, np.float64),
        vector(h, 15, np.int32), vector(h, 16, np.float64), vector(h, 17, np.float64),
    )  # fmt: skip


def scratch_handle(s: Scratch) -> NDArray[np.int64]:
    """Scratch as `score_messages` takes it; good as long as the scratch lives."""
    return handle_of((*s[:3], *s.ngrams, *s[4:]))


@compiled
def cleaned_room(message, h):
    """Room for a cleaned message."""
    return folded_length(message, tables_of(h)) + 1


@compiled
def fresh_scratch(room, r, counts):
    """Scratch for messages of up to ``room`` cleaned characters, with ``counts`` of 0 for each feature."""
    n_hashes = room_for(room, r)
    return Scratch(
        np.empty(room, np.int32),
        np.empty(room, np.int32),
        np.empty(room, np.uint8),
        ngram_scratch(room, r),
        np.empty(n_hashes, np.uint64),
        np.empty(n_hashes, np.uint32),
        np.empty(n_hashes, np.uint32),
        np.empty(n_hashes, np.float64),
        counts,
        np.empty(LANES, np.float64),
        np.empty(_MAX_LABELS, np.float64),
    )


def scratch_for(ranges: NgramRanges, n_features: int) -> Scratch:
    """Scratch for one thread and messages of up to `ROOM` characters."""
    return fresh_scratch(MAX_EXPANSION * ROOM + 1, ranges, np.zeros(n_features, np.int32))


@inlined
def find_ngrams(r, m, s, n, spans):
    """Find the distinct features of a cleaned message: those of words, then contact shapes, then characters.

    They are in ``s.features``. Returns the numbers of all n-grams and of the features of each block. N-grams of all
    blocks are located before any is looked at: what one has asked memory for arrives while it asks for the rest.
    """
    words = word_hashes(s.cleaned, s.kinds, n, r, s.hashes, s.ngrams, spans)
    rest = None if spans is None else spans[words:]
    shapes = words + contact_hashes(s.cleaned, s.kinds, n, r, s.hashes[words:], s.ngrams.marks, rest)
    char_spans = None if spans is None else spans[shapes:]
    total = shapes + char_hashes(s.cleaned, s.kinds, n, r, s.hashes[shapes:], s.ngrams, char_spans)
    locate(s.hashes, total, m.table, s.places)
    of_words = _distinct(0, words, 0, m, s)
    of_shapes = _distinct(words, shapes, of_words, m, s)
    of_chars = _distinct(shapes, total, of_words + of_shapes, m, s)
    return total, of_words, of_shapes, of_chars


@inlined
def _distinct(first, last, at, m, s):
    """The distinct features of located hashes, counted and written to ``s.features[at:]``; returns how many."""
    found = find_features(s.hashes, s.places, first, last, m.table.slots, s.features, at)
    return count_features(s.features, at, found, s.counts, m.rows)


@inlined
def weigh_blocks(of_words, of_shapes, of_chars, m, s):
    """Write the values of all features of a message to ``s.factors``, each block of unit length; returns how many."""
    weigh(s.features, 0, of_words, s.counts, m.rows, m.idf, s.factors)
    weigh(s.features, of_words, of_shapes, s.counts, m.rows, m.idf, s.factors)
    weigh(s.features, of_words + of_shapes, of_chars, s.counts, m.rows, m.idf, s.factors)
    return of_words + of_shapes + of_chars


@inlined
def weigh(features, first, n, counts, rows, idf, factors):
    """Write the TF-IDF values of ``n`` distinct features from ``first``, scaled to unit length, to ``factors``.

    Sets their counts to 0 again.
    """
    square = 0.0
    for k in range(first, first + n):
        feature = np.uint64(features[k])
        count = counts[feature]
        counts[feature] = 0
        tf = _TF[np.uint32(count)] if count < _COMMON else 1.0 + np.log(np.float64(count))
        value = idf[np.uint16(rows[feature, 0])] * tf
        factors[k] = value
        square += value * value
    if n:
        scale = 1.0 / np.sqrt(square)
        for k in range(first, first + n):
            factors[k] *= scale


@inlined
def score_one(message, t, r, m, s):
    """Leave the scores of a message in ``s.scores``; return how many features it has, 0 if it says too little."""
    n = clean(message, s.cleaned, s.origins, s.kinds, t)
    _, of_words, of_shapes, of_chars = find_ngrams(r, m, s, n, None)
    found = weigh_blocks(of_words, of_shapes, of_chars, m, s)
    labels = len(m.steps)
    for lane in range(0, m.rows.shape[1], LANES):
        s.sums[:] = 0.0
        add_rows(m.rows, lane, s.features, s.factors, 0, found, s.sums)
        for k in range(LANES):
            label = lane + k - 1
            if 0 <= label < labels:
                s.scores[label] = m.intercepts[label] + s.sums[k] * m.steps[label]
    return found if _is_enough(s.kinds, n) else 0


@inlined
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
        if letters >= 2 or digits >= 6:
            return True
    return False


@compiled
def score_messages(points, ends, rows, first, fixed, scratch, confidences, known):
    """Score the messages ``rows[first:]``, message ``row`` being ``points[ends[row]:ends[row + 1]]``.

    Writes row ``k`` of ``confidences`` (float32) and ``known[k]`` for message ``rows[k]``: whether it has a feature of
    the model and says enough to be judged. Returns how many of ``rows`` are done: it stops at a message of more than
    `ROOM` characters unless that is the first, for which scratch must have room. Nothing a message gives depends on the
    other messages.
    """
    t, m, r, s = tables_of(fixed), model_of(fixed), ranges_of(fixed), scratch_of(scratch)
    labels = len(m.steps)
    for k in range(first, len(rows)):
        row = rows[k]
        message = points[ends[row] : ends[row + 1]]
        if len(message) > ROOM and k > first:
            return k
        known[k] = score_one(message, t, r, m, s) > 0
        for label in range(labels):
            z = m.slopes[label] * s.scores[label] + m.offsets[label]
            confidences[k, label] = 1.0 / (1.0 + np.exp(-z))
    return len(rows)
