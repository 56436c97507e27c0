"""Runs of characters, found many at a time, and their hashes."""

import numpy as np
import pytest

from classifier.kernels import runs

SEED = np.uint64(7)


def naive_runs(kinds, first, last, alone):
    found, i = [], 0
    while i < len(kinds):
        j = i + 1
        if first <= kinds[i] <= last:
            while j < len(kinds) and first <= kinds[j] <= last:
                j += 1
        if first <= kinds[i] <= last or kinds[i] >= alone:
            found.append((i, j))
        i = j
    return found


def runs_of(kinds, first, last, alone):
    n = len(kinds)
    padded = np.concatenate([kinds, np.zeros(runs.BLOCK + 1, np.uint8)])
    starts, ends = (np.full(n + runs.AT_ONCE, -1, np.int32) for _ in range(2))
    count = runs.find_runs(padded, n, first, last, alone, starts, ends)
    return list(zip(starts[:count].tolist(), ends[:count].tolist(), strict=True))


@pytest.mark.parametrize("n", [0, 1, 2, 7, 63, 64, 65, 127, 128, 129, 500])
@pytest.mark.parametrize("bounds", [(2, 7, 8), (1, 254, 255)])
def test_runs_are_those_of_a_plain_loop(n, bounds):
    rng = np.random.default_rng(n)
    for shares in ([0.2, 0.1, 0.6, 0.1], [0.01, 0.01, 0.97, 0.01], [0.0, 0.0, 0.0, 1.0], [0.0, 0.0, 1.0, 0.0]):
        kinds = rng.choice(np.array([0, 1, 3, 9], np.uint8), n, p=shares)
        assert runs_of(kinds, *bounds) == naive_runs(kinds, *bounds)


def hashes_of(words):
    text = np.frombuffer(" ".join(words).encode("utf-32-le"), np.int32)
    lengths = np.array([len(word) for word in words])
    starts = (np.cumsum(lengths + 1) - lengths - 1).astype(np.int32)
    prefixes, hashes = np.empty(len(text) + 1, np.uint64), np.empty(len(words), np.uint64)
    runs.hash_prefixes(text, len(text), prefixes)
    runs.hash_runs(prefixes, starts, (starts + lengths).astype(np.int32), len(words), SEED, hashes)
    return hashes.tolist()


def test_a_run_has_one_hash_wherever_it_stands():
    words = ["you", "me", "you", "x" * 63, "你好", "x" * 64, "you", "x" * 1000, "me", "x" * 1000, "x" * 64]
    by_word = {}
    for word, found in zip(words, hashes_of(words), strict=True):
        assert by_word.setdefault(word, found) == found
        assert hashes_of([word]) == [found]
    assert len(set(by_word.values())) == len(by_word)


def test_hashes_of_many_words_are_distinct():
    rng = np.random.default_rng(0)
    words = sorted({"".join(rng.choice(list("abcdeé你"), rng.integers(1, 9))) for _ in range(40_000)})
    assert len(set(hashes_of(words))) == len(words)
