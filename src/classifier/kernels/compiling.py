"""How the loops are compiled: without the interpreter lock, and cached on disk where there is somewhere to write."""

from __future__ import annotations

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
        return numba.njit(cache=True, **options)(function)
    except RuntimeError as error:
        if "cannot cache" not in str(error):
            raise
        return numba.njit(cache=False, **options)(function)
