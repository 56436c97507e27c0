"""Models of any number of features and labels, for measuring how cost grows: weights at random, n-grams real."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from classifier.kernels import layout
from classifier.kernels import scoring as kernel
from classifier.kernels.cleaning import clean_messages
from classifier.kernels.counting import ngram_hashes
from classifier.kernels.lanes import LANES
from classifier.kernels.lookup import are_known, build_table
from classifier.kernels.ngrams import NgramRanges
from classifier.kernels.pieces import no_pieces
from classifier.text import cleaning_tables, code_points

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

RANGES = NgramRanges(1, 2, 2, 5)


def real_hashes(texts: list[str]) -> NDArray[np.uint64]:
    """Hashes of all n-grams of messages, those of most messages first."""
    from classifier.features import MessageVectorizer

    return MessageVectorizer().fit(texts).hashes_


def padded(hashes: NDArray[np.uint64], size: int) -> NDArray[np.uint64]:
    """So many hashes: the first of those given, then others that no message has."""
    made = np.unique(np.random.default_rng(0).integers(1 << 63, size=2 * size, dtype=np.uint64))
    made = np.random.default_rng(1).permutation(made[~np.isin(made, hashes)])
    return np.concatenate([hashes[:size], made])[:size]


def found_in(hashes: NDArray[np.uint64], texts: list[str]) -> tuple[float, float]:
    """How many n-grams a message has on average, and how many of them are features."""
    text = clean_messages(*code_points(texts), cleaning_tables())
    ngrams, counts = ngram_hashes(*text, RANGES)
    return float(counts.mean()), float(are_known(ngrams, build_table(hashes)).sum()) / len(texts)


def scorer(hashes: NDArray[np.uint64], labels: int, texts: list[str]) -> Callable[[], int]:
    """A function that scores messages with a model of these features and so many labels."""
    random = np.random.default_rng(0)
    rows = random.integers(-3000, 3000, (len(hashes), LANES)).astype(np.int16)
    rows[:, 0] = np.arange(len(hashes)) * 1000 // len(hashes)
    ones = np.ones(labels)
    model = layout.Model(
        build_table(hashes), no_pieces(), rows, np.linspace(2, 12, 1000), ones * 1e-4, ones, ones, ones
    )
    tables = cleaning_tables()
    scratch = layout.scratch_for(RANGES, len(hashes))
    fixed, handle = layout.fixed_handle(tables, model, RANGES), layout.scratch_handle(scratch)
    points, offsets = code_points(texts)
    order, kept = np.arange(len(texts)), (model, tables, scratch)  # handles hold addresses: these must live as long
    confidences, known = np.empty((len(texts), labels), np.float32), np.empty(len(texts), np.bool_)

    def score() -> int:
        done = kernel.score_messages(points, offsets, order, 0, fixed, handle, confidences, known)
        assert done == len(order), len(kept)
        return int(done)

    return score
