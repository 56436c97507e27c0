"""Many messages in pieces: memory stays bounded whatever their number, and threads share the work evenly."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from classifier.text import code_points, lengths_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

__all__ = ["in_chunks"]

_MOST, _FEWEST = 1024, 64  # messages taken at a time
_CHARACTERS = 4 << 20  # encoded at a time
_WORTH_THREADS = 512  # messages below which a second thread costs more than it gives


def in_chunks(run: Callable[[slice, Any, Any], None], texts: Sequence[str], threads: int | None) -> None:
    """Call ``run`` for consecutive ranges of messages, on several threads where there are enough of them.

    It is given the range, the code points of its messages end to end, and where each begins (`text.code_points`). This
    thread works, too. What is raised in any thread ends the work and is raised here.
    """
    workers = (threads or _processors()) if len(texts) >= _WORTH_THREADS else 1
    ranges = deque(_shares(len(texts), workers))

    def work() -> None:
        while True:
            try:
                first, last = ranges.popleft()  # in one step: no two threads get the same
            except IndexError:
                return
            lengths = lengths_of(texts[first:last])
            for start, end in _chunks(lengths):
                here = slice(first + start, first + end)
                run(here, *code_points(texts[here], lengths[start:end]))

    def work_or_end() -> None:
        try:
            work()
        except BaseException:
            ranges.clear()
            raise

    others = min(workers, len(ranges)) - 1
    if others < 1:
        work()
        return
    with ThreadPoolExecutor(others) as pool:
        try:
            started = [pool.submit(work_or_end) for _ in range(others)]
            work()
        except BaseException:
            ranges.clear()
            raise
        for other in started:
            other.result()


def _shares(n: int, workers: int) -> list[tuple[int, int]]:
    """Ranges of messages, ever smaller towards the end, where a thread that has no more to do waits for the others.

    >>> _shares(3000, 1)
    [(0, 1024), (1024, 2048), (2048, 3000)]
    >>> [last - first for first, last in _shares(1000, 2)]
    [250, 187, 140, 105, 79, 64, 64, 64, 47]
    """
    ranges, first = [], 0
    while first < n:
        share = (n - first) // (2 * workers) if workers > 1 else _MOST
        last = min(first + min(max(share, _FEWEST), _MOST), n)
        ranges.append((first, last))
        first = last
    return ranges


def _chunks(lengths: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Consecutive ranges of messages of at most `_CHARACTERS` characters but for single long ones.

    >>> _chunks(np.array([2, 3, 5 << 20, 1, 1]))
    [(0, 2), (2, 3), (3, 5)]
    """
    ends = np.cumsum(lengths)
    chunks, first, before = [], 0, 0
    while first < len(ends):
        last = max(first + 1, int(np.searchsorted(ends, before + _CHARACTERS, side="right")))
        chunks.append((first, last))
        first, before = last, int(ends[last - 1])
    return chunks


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
