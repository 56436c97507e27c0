"""Many arrays passed to a loop as one.

Handing an array to a compiled function costs a tenth of a microsecond, and within it numba counts references to every
array of a tuple at every call, atomically, so that threads wait for each other. A handle is one array of addresses and
lengths; a loop makes views of it that count nothing. Whoever makes a handle keeps the arrays alive.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numba import carray  # type: ignore[attr-defined]
from numba.core import types
from numba.extending import intrinsic

from classifier.kernels.compiling import inlined

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

__all__ = ["handle_of", "matrix", "vector"]


def handle_of(arrays: Iterable[NDArray[Any]]) -> NDArray[np.int64]:
    """The handle of contiguous arrays of one or two dimensions: a row of address, length and width for each.

    >>> handle_of([np.zeros(5), np.zeros((2, 3))])[:, 1:].tolist()
    [[5, 1], [2, 3]]
    """
    rows = []
    for array in arrays:
        if not array.flags.c_contiguous or not 1 <= array.ndim <= 2:
            raise ValueError("a handle takes contiguous arrays of one or two dimensions")
        rows.append((array.ctypes.data, len(array), array.shape[1] if array.ndim == 2 else 1))
    return np.array(rows, np.int64)


@intrinsic
def _pointer(typingctx: Any, address: Any) -> Any:  # noqa: ARG001
    """An integer as a pointer."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))

    return types.voidptr(address), generate


@inlined
def vector(handle, k, dtype):
    """Array ``k`` of a handle, of one dimension."""
    return carray(_pointer(handle[k, 0]), (handle[k, 1],), dtype)


@inlined
def matrix(handle, k, dtype):
    """Array ``k`` of a handle, of two dimensions."""
    return carray(_pointer(handle[k, 0]), (handle[k, 1], handle[k, 2]), dtype)
