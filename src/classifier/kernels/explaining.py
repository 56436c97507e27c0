"""What weighed in a score: the share of each character, and the stretches of a message that weighed most."""

from __future__ import annotations

import numpy as np

from classifier.kernels.cleaning import clean
from classifier.kernels.compiling import compiled, inlined
from classifier.kernels.counting import spanned_hashes
from classifier.kernels.folding import DIGIT, OTHER_LETTER, PUNCTUATION, SPACE
from classifier.kernels.layout import ROOM, model_of, ranges_of, scratch_of, tables_of
from classifier.kernels.lookup import find_feature
from classifier.kernels.ngrams import room_for

MAX_SPANS = 3
_WORTH = 0.25  # of the heaviest unit's weight: below it a unit is no reason


@inlined
def _value(feature, m, s):
    """The TF-IDF value of a feature that is counted, before scaling."""
    return m.idf[m.rows[feature, 0]] * (1.0 + np.log(np.float64(s.counts[feature])))


@compiled
def contributions(message, fixed, scratch):
    """What each cleaned character of a message adds to the score of each label.

    An n-gram's contribution is spread evenly over its characters (its padding aside) and its occurrences. Returns the
    shares, float64 of shape (cleaned length, L), whose column sums and the intercepts add up to the scores; the cleaned
    characters, their origins and their kinds.
    """
    t, m, r, s = tables_of(fixed), model_of(fixed), ranges_of(fixed), scratch_of(scratch)
    n = clean(message, s.cleaned, s.origins, s.kinds, s.ngrams.marks, t)
    labels = len(m.steps)
    shares = np.zeros((n, labels))
    spans = np.empty((room_for(n, r), 2), np.int32)
    words, shapes, total = spanned_hashes(s.cleaned, s.kinds, n, r, s.hashes, s.ngrams, spans)
    features = np.empty(total, np.int64)
    for begin, end in ((0, words), (words, shapes), (shapes, total)):  # each scaled to unit length by itself
        for k in range(begin, end):
            features[k] = find_feature(s.hashes[k], m.table)
            if features[k] >= 0:
                s.counts[features[k]] += 1
        square = 0.0
        for k in range(begin, end):
            if features[k] >= 0:
                square += _value(features[k], m, s) ** 2 / s.counts[features[k]]
        for k in range(begin, end):
            feature = features[k]
            if feature < 0:
                continue
            first, last = max(spans[k, 0], 0), min(spans[k, 1], n)
            solid = 0
            for i in range(first, last):
                solid += s.cleaned[i] != 32
            value = _value(feature, m, s) / (np.sqrt(square) * s.counts[feature] * solid)
            for label in range(labels):
                share = value * m.rows[feature, 1 + label] * m.steps[label]
                for i in range(first, last):
                    if s.cleaned[i] != 32:
                        shares[i, label] += share
        for k in range(begin, end):
            if features[k] >= 0:
                s.counts[features[k]] = 0
    return shares, s.cleaned[:n].copy(), s.origins[:n].copy(), s.kinds[:n].copy()


@compiled
def units(kinds):
    """Cut a cleaned message into words, single ideographs, kana and emoji, and runs of signs: rows of start and end."""
    n = len(kinds)
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


@compiled
def _raise(rows, last, column, sign):
    """Move row ``last`` up to where rows are in the order of a column, falling where ``sign`` is -1.

    A few rows: numba's own sorting takes longer to compile than all the rest.
    """
    k = last
    while k > 0 and sign * rows[k, column] < sign * rows[k - 1, column]:
        for i in range(rows.shape[1]):
            rows[k, i], rows[k - 1, i] = rows[k - 1, i], rows[k, i]
        k -= 1


@compiled
def _heaviest(weights, bounds, origins, out):
    """Write the few stretches of neighbouring units that weigh most, in the order of the text, to ``out`` (-1: none).

    Stretches are given by positions in the original message. One original character may be spelled out as several
    units: stretches that share it become one.
    """
    for k in range(len(out)):
        out[k, 0] = out[k, 1] = -1
    most = 0.0
    for weight in weights:
        most = max(most, weight)
    if most <= 0:
        return
    chosen, found = np.empty((MAX_SPANS + 1, 3)), 0  # weight, first and last unit of the heaviest stretches
    k = 0
    while k < len(weights):
        first, weight = k, 0.0
        while k < len(weights) and weights[k] >= _WORTH * most:
            weight += weights[k]
            k += 1
        if k == first:
            k += 1
            continue
        chosen[found, 0], chosen[found, 1], chosen[found, 2] = weight, first, k - 1
        _raise(chosen, found, 0, -1)
        found = min(found + 1, MAX_SPANS)
    written = 0
    for place in range(found):
        _raise(chosen, place, 1, 1)
    for place in range(found):
        start = origins[bounds[np.int64(chosen[place, 1]), 0]]
        end = origins[bounds[np.int64(chosen[place, 2]), 1] - 1] + 1
        if written and start < out[written - 1, 1]:
            out[written - 1, 1] = max(out[written - 1, 1], end)
        else:
            out[written, 0], out[written, 1] = start, end
            written += 1


@compiled
def heaviest_spans(points, ends, rows, first, fixed, scratch, wanted, out):
    """Write up to `MAX_SPANS` spans that weighed most for each wanted label of the messages ``rows[first:]``.

    Message ``row`` is ``points[ends[row]:ends[row + 1]]``, ``wanted[row]`` says for which labels (not 0); ``out`` is
    int32 of shape (rows, L, MAX_SPANS, 2), -1 where there is none. Returns how many of ``rows`` are done, like
    `score_messages`: it stops at a message of more than `ROOM` characters unless that is the first.
    """
    for k in range(first, len(rows)):
        row = rows[k]
        message = points[ends[row] : ends[row + 1]]
        if len(message) > ROOM and k > first:
            return k
        shares, _, origins, kinds = contributions(message, fixed, scratch)
        bounds = units(kinds)
        weights = np.empty(len(bounds))
        for label in range(wanted.shape[1]):
            for unit in range(len(bounds)):
                weights[unit] = 0.0
                if wanted[row, label]:
                    for i in range(bounds[unit, 0], bounds[unit, 1]):
                        weights[unit] += shares[i, label]
            _heaviest(weights, bounds, origins, out[k, label])  # of nothing but 0: none
    return len(rows)
