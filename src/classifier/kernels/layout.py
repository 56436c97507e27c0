"""A release and a thread's memory as the loops take them: named tuples of arrays, and handles that hold these."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from classifier.kernels.compiling import as_written, compiled, inlined
from classifier.kernels.folding import MAX_EXPANSION, CleaningTables, folded_length
from classifier.kernels.handles import handle_of, matrix, vector
from classifier.kernels.lanes import LANES
from classifier.kernels.lookup import FeatureTable
from classifier.kernels.marks import MARGIN
from classifier.kernels.ngrams import NgramRanges, NgramScratch, ngram_scratch, room_for
from classifier.kernels.pieces import Pieces

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROOM = 2048  # characters of a message that the reused scratch holds; longer messages get scratch of their own
AHEAD = 32  # how many features ahead memory is asked for: what holds features is that much longer


class Model(NamedTuple):
    """A release as the loops take it, for ``F`` features and ``L`` labels.

    ``rows[f]`` holds the index of the feature's inverse document frequency in ``idf`` and then its weight for each
    label in steps of ``steps[label]``: 16 bytes a feature, four to a cache line. Features are ordered by falling
    document frequency, so that those of most messages lie together.
    """

    table: FeatureTable
    pieces: Pieces
    rows: NDArray[np.int16]  # (F, 8): at most seven labels
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
    places: NDArray[np.uint32]  # of n-grams in the table; the features that have occurred before
    features: NDArray[np.uint32]
    before: NDArray[np.int32]  # how often each of the features has occurred before
    counts: NDArray[np.int32]
    sums: NDArray[np.float64]
    scores: NDArray[np.float64]


def fixed_handle(tables: CleaningTables, model: Model, ranges: NgramRanges) -> NDArray[np.int64]:
    """What stays the same from message to message, as `score_messages` takes it; `ValueError` if rows are not of 8."""
    if model.rows.shape[1] != LANES or len(model.steps) >= LANES:
        raise ValueError(f"a model has rows of {LANES} and at most {LANES - 1} labels")
    arrays = handle_of((*tables, *model.table, *model.pieces.table, *model.pieces[1:], *model[2:]))
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
        Pieces(
            FeatureTable(vector(h, 12, np.uint64), vector(h, 13, np.uint16)),
            vector(h, 14, np.int32), vector(h, 15, np.uint32), matrix(h, 16, np.float64),
        ),
        matrix(h, 17, np.int16), vector(h, 18, np.float64), vector(h, 19, np.float64), vector(h, 20, np.float64),
        vector(h, 21, np.float64), vector(h, 22, np.float64),
    )  # fmt: skip


@inlined
def ranges_of(h):
    """The n-gram ranges of a fixed handle."""
    return NgramRanges(h[23, 0], h[23, 1], h[23, 2], h[24, 0], h[24, 1])


@inlined
def scratch_of(h):
    """The scratch of a handle of `scratch_handle`."""
    return Scratch(
        vector(h, 0, np.int32), vector(h, 1, np.int32), vector(h, 2, np.uint8),
        NgramScratch(
            vector(h, 3, np.uint64), vector(h, 4, np.int32), vector(h, 5, np.int32), vector(h, 6, np.uint64),
            vector(h, 7, np.int32), vector(h, 8, np.int32), vector(h, 9, np.int32), vector(h, 10, np.uint64),
            vector(h, 11, np.uint64), vector(h, 12, np.uint8),
        ),
        vector(h, 13, np.uint64), vector(h, 14, np.uint32), vector(h, 15, np.uint32), vector(h, 16, np.int32),
        vector(h, 17, np.int32), vector(h, 18, np.float64), vector(h, 19, np.float64),
    )  # fmt: skip


def scratch_handle(s: Scratch) -> NDArray[np.int64]:
    """Scratch as `score_messages` takes it; good as long as the scratch lives."""
    return handle_of((*s[:3], *s.ngrams, *s[4:]))


@compiled
def cleaned_room(message, h):
    """Room for a cleaned long message, and for those of `ROOM` characters that are scored after it."""
    return max(folded_length(message, tables_of(h)), MAX_EXPANSION * ROOM) + MARGIN


def fresh_scratch(room: int, r: NgramRanges, counts: NDArray[np.int32]) -> Scratch:
    """Scratch for messages of up to ``room`` less `MARGIN` cleaned characters; ``counts`` are 0 for each feature."""
    n_hashes = as_written(room_for)(room, r)
    return Scratch(
        np.empty(room, np.int32),
        np.empty(room, np.int32),
        np.empty(room, np.uint8),
        as_written(ngram_scratch)(room, r),
        np.empty(n_hashes, np.uint64),
        np.empty(n_hashes + AHEAD, np.uint32),
        np.empty(n_hashes + AHEAD, np.uint32),
        np.empty(n_hashes + AHEAD, np.int32),
        counts,
        np.empty(LANES, np.float64),
        np.empty(LANES - 1, np.float64),
    )


def scratch_for(ranges: NgramRanges, n_features: int) -> Scratch:
    """Scratch for one thread and messages of up to `ROOM` characters."""
    return fresh_scratch(MAX_EXPANSION * ROOM + MARGIN, ranges, np.zeros(n_features, np.int32))
