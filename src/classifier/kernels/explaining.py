"""What weighed in a score: the share of each character, and the stretches of a message that weighed most."""

from __future__ import annotations

import numpy as np

from classifier.kernels.cleaning import clean
from classifier.kernels.compiling import compiled, inlined
from classifier.kernels.folding import DIGIT, OTHER_LETTER, PUNCTUATION, SPACE
from classifier.kernels.lookup import find_feature
from classifier.kernels.ngrams import room_for
from classifier.kernels.scoring import ROOM, find_ngrams, model_of, ranges_of, scratch_of, tables_of

MAX_SPANS = 3
_WORTH = 0.25  # of the heaviest unit's weight: below it a unit is no reason


@inlined
def _value(feature, m, s):
    """The TF-IDF value of a feature that is counted, before scaling."""
    return m.idf[m.rows[feature, 0]] * (1.0 + np.log(np.float64(s.counts[feature])))


@inlined
def _square(bounds, m, s):
    """Count the features of one block; the sum of the squares of their values."""
    for k in range(bounds[0], bounds[1]):
        s.counts[s.features[k]] += 1
    total = 0.0
    for k in range(bounds[0], bounds[1]):
        total += _value(s.features[k], m, s) ** 2 / s.counts[s.features[k]]
    return total


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
    total, of_words, of_shapes, of_chars, _ = find_ngrams(r, m, s, n, spans)
    scales = np.array([_square(of_words, m, s), _square(of_shapes, m, s), _square(of_chars, m, s)])
    found = 0
    for k in range(total):
        feature = find_feature(s.hashes[k], m.table)
        if feature < 0:
            continue
        block = (found >= of_words[1]) + (found >= of_shapes[1])
        found += 1
        first, last = max(spans[k, 0], 0), min(spans[k, 1], n)
        solid = 0
        for i in range(first, last):
            solid += s.cleaned[i] != 32
        value = _value(feature, m, s) / (np.sqrt(scales[block]) * s.counts[feature] * solid)
        for label in range(labels):
            share = value * m.rows[feature, 1 + label] * m.steps[label]
            for i in range(first, last):
                if s.cleaned[i] != 32:
                    shares[i, label] += share
    for first, last in (of_words, of_shapes, of_chars):
        for k in range(first, last):
            s.counts[s.features[k]] = 0
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
def _heaviest(weights, bounds, origins, out):
    """Write the few stretches of neighbouring units that weigh most, in the order of the text, to ``out`` (-1: none).

    Stretches are given by positions in the original message. One original character may be spelled out as several
    units: stretches that share it become one.
    """
    out[:] = -1
    most = 0.0
    for weight in weights:
        most = max(most, weight)
    if most <= 0:
        return
    chosen = np.zeros((MAX_SPANS, 3))  # weight, first and last unit of the heaviest stretches
    k = 0
    while k < len(weights):
        first, weight = k, 0.0
        while k < len(weights) and weights[k] >= _WORTH * most:
            weight += weights[k]
            k += 1
        if k == first:
            k += 1
            continue
        at = MAX_SPANS
        while at > 0 and weight > chosen[at - 1, 0]:
            at -= 1
        if at < MAX_SPANS:
            chosen[at + 1 :] = chosen[at : MAX_SPANS - 1].copy()
            chosen[at, 0], chosen[at, 1], chosen[at, 2] = weight, first, k - 1
    written = 0
    for place in np.argsort(chosen[:, 1]):
        if chosen[place, 0] <= 0:
            continue
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
            out[k, label] = -1
            if wanted[row, label]:
                for unit in range(len(bounds)):
                    weights[unit] = shares[bounds[unit, 0] : bounds[unit, 1], label].sum()
                _heaviest(weights, bounds, origins, out[k, label])
    return len(rows)
