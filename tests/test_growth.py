"""What makes hostile messages cost no more than others, counted instead of timed."""

import sys
from pathlib import Path

import numpy as np
import pytest

from classifier.kernels import counting, lookup, ngrams, scoring
from classifier.kernels.cleaning import MAX_EXPANSION, clean_messages
from classifier.text import cleaning_tables, code_points

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
from hostile_messages import HOSTILE

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
    assert long <= 10 * short + 20
    assert many <= 10 * few + 200
    assert many <= ngrams.room_for(long, RANGES)


def held(n):
    """Bytes of scratch for a message of so many cleaned characters, without the counts, which grow with the model."""
    scratch = scoring.fresh_scratch(n, RANGES, np.zeros(1, np.int32))
    return sum(array.nbytes for array in (*scratch[:3], *scratch.ngrams, *scratch[4:]))


def test_memory_of_a_message_is_proportional_to_its_length():
    few, many = held(1_000), held(10_000)
    assert 9 * few < many < 10 * few


def test_ngrams_that_collide_are_told_from_a_feature_by_one_look():
    random = np.random.default_rng(5)
    keys = np.unique(random.integers(1 << 63, size=3_000, dtype=np.uint64)) << np.uint64(1)
    table = lookup.build_table(keys)
    # All of these share the pilot of a feature, and some of them therefore its slot; none is a feature.
    shift = np.uint64(64 - (len(table.pilots) - 1).bit_length())
    bucket = (keys[7] >> shift) << shift
    others = np.unique(
        bucket | (random.integers(1 << 63, size=200_000, dtype=np.uint64) & ((np.uint64(1) << shift) - np.uint64(1)))
    )
    others = others[~np.isin(others, keys)]
    places = np.empty(len(others), np.uint32)
    lookup.locate(others, len(others), table, places)
    assert len(places) == len(others)  # one place each, whatever else lies there
    assert (table.slots[places] != 0).any(), "none of them falls on a feature's slot"
    assert not lookup.are_known(others, table).any()
    assert lookup.are_known(keys, table).all()
