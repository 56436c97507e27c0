"""Many messages in pieces: memory stays bounded whatever their number, and threads share the work evenly."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from classifier.arrow_texts import ArrowTexts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

__all__ = ["in_chunks"]

_MESSAGES = 1024  # encoded at a time
_CHARACTERS = 4 << 20
_FEWEST = 256  # messages of a chunk where threads share a batch
_WORTH_THREADS = 512  # messages below which a second thread costs more than it gives
_TURNS = 8  # chunks of a thread: while one encodes, which only one thread can, the others score


def in_chunks(run: Callable[[int, int], None], texts: Sequence[str], threads: int | None) -> None:
    """Call ``run`` for consecutive ranges of messages, on several threads where there are enough of them."""
    workers = (threads or _processors()) if len(texts) >= _WORTH_THREADS else 1
    share = -(-len(texts) // (workers * _TURNS))
    chunks = _chunks(_lengths(texts), _MESSAGES if workers == 1 else min(max(share, _FEWEST), _MESSAGES))
    if workers == 1:
        for first, last in chunks:
            run(first, last)
    else:
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(lambda chunk: run(*chunk), chunks))


def _lengths(texts: Sequence[str]) -> NDArray[np.int64]:
    return texts.sizes() if isinstance(texts, ArrowTexts) else np.fromiter(map(len, texts), np.int64, len(texts))


def _chunks(lengths: NDArray[np.int64], size: int) -> list[tuple[int, int]]:
    """Consecutive ranges of at most ``size`` messages and, but for single long ones, `_CHARACTERS` characters.

    >>> _chunks(np.array([2, 3, 5 << 20, 1, 1, 1]), 2)
    [(0, 2), (2, 3), (3, 5), (5, 6)]
    """
    ends = np.cumsum(lengths)
    chunks, first, before = [], 0, 0
    while first < len(ends):
        fitting = int(np.searchsorted(ends, before + _CHARACTERS, side="right"))
        last = max(first + 1, min(first + size, fitting))
        chunks.append((first, last))
        first, before = last, int(ends[last - 1])
    return chunks


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
