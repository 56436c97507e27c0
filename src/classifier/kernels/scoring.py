"""From messages to calibrated confidences, without a matrix in between."""

from __future__ import annotations

import numpy as np

from classifier.kernels.cleaning import clean
from classifier.kernels.compiling import compiled, inlined
from classifier.kernels.contact_shapes import contact_hashes
from classifier.kernels.folding import DIGIT, IDEOGRAPH, LATIN, OTHER_LETTER
from classifier.kernels.lanes import GAINS, LANES, REPEATS, add_features
from classifier.kernels.layout import AHEAD, ROOM, model_of, ranges_of, scratch_of, tables_of
from classifier.kernels.lookup import find_features, locate
from classifier.kernels.memory import prefetch
from classifier.kernels.ngrams import read, word_hashes
from classifier.kernels.pieces import find_pieces, hashes_beside, look_up


@inlined
def find_ngrams(r, m, s, n):
    """Find the features of a cleaned message, repeated as they occur: of words, then contact shapes, then characters.

    Returns the number of n-grams hashed, the bounds of each block in ``s.features``, and where features of characters
    begin that are not those of known pieces; what these give if each occurs once is in ``s.sums``. What is asked of
    memory arrives while other n-grams are hashed and located.
    """
    read(s.cleaned, s.kinds, n, s.ngrams)
    pieces = find_pieces(n, s.ngrams)
    locate(s.ngrams.mixed, pieces, m.pieces.table, s.places)
    words = word_hashes(n, r, s.hashes, s.ngrams, None)
    look_up(pieces, s.ngrams, m.pieces, s.places)
    shapes = words + contact_hashes(s.cleaned, s.kinds, n, r, s.hashes[words:], s.ngrams)
    known, more = hashes_beside(
        s.cleaned, s.kinds, pieces, r, s.hashes[shapes:], s.ngrams, m.pieces, s.places, s.features, shapes, s.sums
    )
    total = shapes + more
    locate(s.hashes, total, m.table, s.places)
    slots = m.table.slots
    of_words = find_features(s.hashes, s.places, 0, words, slots, s.features, 0)
    of_shapes = of_words + find_features(s.hashes, s.places, words, shapes, slots, s.features, of_words)
    others = shapes + known
    end = others + find_features(s.hashes, s.places, shapes, total, slots, s.features, others)
    return total, (0, of_words), (of_words, of_shapes), (shapes, end), others


@inlined
def _count(first, last, m, s):
    """Count features, writing to ``s.before`` how often each has occurred before, and start loading their rows."""
    counts, features, before, rows = s.counts, s.features, s.before, m.rows
    for k in range(np.uint64(first), np.uint64(last)):
        prefetch(counts, np.uint64(features[k + np.uint64(AHEAD)]))
        feature = np.uint64(features[k])
        prefetch(rows, feature)
        count = counts[feature]
        before[k] = count
        counts[feature] = count + 1


@inlined
def _count_again(first, last, s):
    """Count features, gathering in ``s.places`` those that have occurred before; return where these end.

    Their rows are at hand: what occurs twice in one message occurs in others.
    """
    counts, features, before, again = s.counts, s.features, s.before, s.places
    end = np.uint64(first)
    for k in range(np.uint64(first), np.uint64(last)):
        prefetch(counts, np.uint64(features[k + np.uint64(AHEAD)]))
        feature = np.uint64(features[k])
        count = counts[feature]
        counts[feature] = count + 1
        # Written in any case and kept where it is not the first: no branch can predict it.
        again[end] = feature
        before[end] = count
        end += np.uint64(count > 0)
    return np.int64(end)


@inlined
def _add(features, first, last, added, gains, m, s):
    """Add what features give to ``s.sums``, where ``added`` is 1 if each has been added as if it were the first."""
    sums, before = s.sums, s.before
    k = first
    while True:
        k = add_features(features, k, last, before, m.rows, m.idf, gains, sums)
        if k >= last:
            break
        feature, count = np.uint64(features[k]), np.float64(before[k])
        was, now = 1.0 + np.log(count), 1.0 + np.log(count + 1.0)
        value = m.idf[np.uint16(m.rows[feature, 0])]
        for lane in range(1, LANES):
            sums[lane] += value * (now - was - added) * m.rows[feature, lane]
        sums[0] += value * value * (now * now - was * was - added)
        k += 1


@inlined
def _finish_block(first, last, m, s):
    """Add ``s.sums``, scaled to unit length, to ``s.scores``, and forget the counts; return how many features."""
    if first == last:
        return 0
    scale = 1.0 / np.sqrt(s.sums[0])
    for label in range(len(m.steps)):
        s.scores[label] += scale * s.sums[label + 1] * m.steps[label]
    counts, features = s.counts, s.features
    for k in range(np.uint64(first), np.uint64(last)):
        counts[np.uint64(features[k])] = 0
    return last - first


@inlined
def _ask_for(first, s):
    """Start loading the counts of the first features of a block: `_count` asks for those `AHEAD` of it."""
    counts, features = s.counts, s.features
    for k in range(np.uint64(first), np.uint64(first + AHEAD)):
        prefetch(counts, np.uint64(features[k]))


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
        n = clean(message, s.cleaned, s.origins, s.kinds, s.ngrams.marks, t)
        _, of_words, of_shapes, of_chars, others = find_ngrams(r, m, s, n)
        for label in range(labels):
            s.scores[label] = m.intercepts[label]
        _ask_for(of_words[0], s)
        _ask_for(of_chars[0], s)
        found, parts = 0, ((of_chars[0], others), (others, of_chars[1]), of_words, of_shapes)
        for part in range(4):  # a loop, for each call would be compiled anew
            begin, last = parts[part]
            features, end, added, gains = s.features, last, 0.0, GAINS
            if part == 0:
                # The sums of known pieces take each feature for its first occurrence: the others are put right.
                features, end, added, gains = s.places, _count_again(begin, last, s), 1.0, REPEATS
            else:
                _count(begin, last, m, s)
            _add(features, begin, end, added, gains, m, s)
            if part > 0:
                found += _finish_block(of_chars[0] if part == 1 else begin, last, m, s)
                s.sums[:] = 0.0
        known[k] = found > 0 and _is_enough(s.kinds, n)
        for label in range(labels):
            z = m.slopes[label] * s.scores[label] + m.offsets[label]
            confidences[k, label] = 1.0 / (1.0 + np.exp(-z))
    return len(rows)
