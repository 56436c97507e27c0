"""Reading ahead and writing behind: two threads around the one that scores, with a bounded number of batches in flight.

The compiled loops let go of Python's lock, so that a batch is read and another one written while a third is scored.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from concurrent.futures import Future
    from types import TracebackType

__all__ = ["Behind", "ahead"]

_T = TypeVar("_T")
_END: Any = object()


def ahead(items: Iterator[_T], depth: int = 2) -> Generator[_T, None, None]:
    """Yield the items of an iterator that runs in a thread of its own, at most `depth` items ahead.

    What it raises is raised here, in its place.

    >>> list(ahead(iter("abc")))
    ['a', 'b', 'c']
    """
    with ThreadPoolExecutor(1, thread_name_prefix="read") as pool:
        waiting = deque(pool.submit(next, items, _END) for _ in range(depth))
        try:
            while (item := waiting.popleft().result()) is not _END:
                waiting.append(pool.submit(next, items, _END))
                yield item
        finally:
            pool.shutdown(cancel_futures=True)


class Behind:
    """Calls functions one after the other in a thread of its own, at most `depth` behind.

    What one of them raises is raised by a later call or at the end of the ``with`` block, and those after it are not
    called. A block that ends badly drops the calls that have not begun.

    >>> done = []
    >>> with Behind() as behind:
    ...     for letter in "abc":
    ...         behind.call(done.append, letter)
    >>> done
    ['a', 'b', 'c']
    """

    def __init__(self, depth: int = 2) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="write")
        self._waiting: deque[Future[Any]] = deque()
        self._depth, self._failed = depth, False

    def call(self, function: Callable[..., object], *args: Any) -> None:
        """Call a function later; waits while too much is waiting."""
        while len(self._waiting) >= self._depth:
            self._waiting.popleft().result()
        self._waiting.append(self._pool.submit(self._run, function, *args))

    def _run(self, function: Callable[..., object], *args: Any) -> None:
        if self._failed:
            return
        try:
            function(*args)
        except BaseException:
            self._failed = True
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._pool.shutdown(cancel_futures=kind is not None)
        if kind is None:
            for future in self._waiting:
                future.result()
