"""How the loops are compiled: without the interpreter lock, and cached on disk where there is somewhere to write."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numba

if TYPE_CHECKING:
    from collections.abc import Callable

F = TypeVar("F", bound="Callable[..., Any]")


def inlined(function: F) -> F:
    """A loop's innermost step, copied into its callers: passing its arrays would cost more than the step."""
    return cast("F", numba.njit(nogil=True, error_model="numpy", boundscheck=False, inline="always")(function))


def compiled(function: F) -> F:
    """`numba.njit` as every loop here is compiled.

    numba refuses to define a cached function when neither the package folder, ``NUMBA_CACHE_DIR`` nor the user's cache
    folder can be written (a read-only container): the loop is then compiled anew in each process.
    """
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "boundscheck": False}
    try:
        loop = numba.njit(cache=True, **options)(function)
    except RuntimeError as error:
        if "cannot cache" not in str(error):
            raise
        return numba.njit(cache=False, **options)(function)
    # numba compiles a cached loop anew when its own file changes, but what it calls is compiled into it: a loop cached
    # before another file of this package changed would read memory that is laid out otherwise.
    loop._cache._cache_file._source_stamp = _sources()
    return loop


def as_written(function: F) -> F:
    """A compiled function as Python runs it: where it is called once, compiling would take longer than it does."""
    return cast("Any", function).py_func


@cache
def _sources() -> str:
    """The digest of all the loops."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
