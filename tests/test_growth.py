"""What makes hostile messages cost no more than others, counted instead of timed."""

import runpy
from pathlib import Path

import numpy as np
import pytest

from classifier.kernels import counting, layout, lookup, ngrams
from classifier.kernels.cleaning import clean_messages
from classifier.kernels.folding import MAX_EXPANSION
from classifier.text import cleaning_tables, code_points

HOSTILE = runpy.run_path(str(Path(__file__).parents[1] / "benchmarks" / "hostile_messages.py"))["HOSTILE"]
RANGES = ngrams.NgramRanges(1, 2, 2, 5)
each_kind = pytest.mark.parametrize("make", HOSTILE.values(), ids=HOSTILE)


def counted(make, n):
    """Characters once cleaned, and n-grams, of a hostile message."""
    message = make(n)
    assert len(message) == n
    text = clean_messages(*code_points([message]), cleaning_tables())
    return len(text[0]), int(counting.ngram_hashes(*text, RANGES)[1][0])


@each_kind
def test_ten_times_the_message_has_ten_times_the_ngrams(make):
    (short, few), (long, many) = counted(make, 3_000), counted(make, 30_000)
    assert long <= MAX_EXPANSION * 30_000
    # A message that cleaning takes to almost nothing has almost no n-grams, long or short.
    assert long <= 10.2 * short + 20
    assert many <= 10.2 * few + 200
    assert many <= ngrams.room_for(long, RANGES)


def held(n):
    """Bytes of scratch for a message of so many cleaned characters, without the counts, which grow with the model."""
    scratch = layout.fresh_scratch(n, RANGES, np.zeros(1, np.int32))
    return sum(array.nbytes for array in (*scratch[:3], *scratch.ngrams, *scratch[4:]))


def test_memory_of_a_message_is_proportional_to_its_length():
    few, many = held(1_000), held(10_000)
    assert 9 * few < many < 10 * few


def features_found(hashes, table):
    """The features among hashes, each looked for in the one slot that `locate` names."""
    places, features = np.empty(len(hashes), np.uint32), np.empty(len(hashes) + 1, np.uint32)
    lookup.locate(hashes, len(hashes), table, places)
    return features[: lookup.find_features(hashes, places, 0, len(hashes), table.slots, features, 0)], places


def test_one_slot_tells_a_feature_from_ngrams_that_collide_with_it():
    random = np.random.default_rng(5)
    keys = random.permutation(np.unique(random.integers(1 << 63, size=3_000, dtype=np.uint64)) << np.uint64(1))
    table = lookup.build_table(keys)
    # All of these are in the bucket of one feature, so that its pilot places them, but none is a feature.
    rest = np.uint64((1 << (64 - (len(table.pilots) - 1).bit_length())) - 1)
    others = (keys[7] & ~rest) | (random.integers(1 << 63, size=200_000, dtype=np.uint64) & rest)
    others = np.unique(others[~np.isin(others, keys)])
    found, places = features_found(others, table)
    assert (places == features_found(keys[7:8], table)[1][0]).any(), "none falls on its slot"
    assert len(found) == 0
    assert features_found(keys, table)[0].tolist() == [*range(len(keys))]
