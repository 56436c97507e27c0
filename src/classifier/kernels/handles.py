"""Many arrays passed to a loop as one.

Handing an array to a compiled function costs a tenth of a microsecond, and within it numba counts references to every
array of a tuple at every call, atomically, so that threads wait for each other. A handle is one array of addresses and
lengths; a loop makes views of it that count nothing. Whoever makes a handle keeps the arrays alive.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic
from numba.np.arrayobj import populate_array

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

__all__ = ["handle_of", "matrix", "vector"]

_COLUMNS = 3  # address, length, width


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


def _view(handle: Any, dtype: Any, dimensions: int) -> Any:
    """The type and the instructions of a view of one of a handle's arrays."""
    viewed = types.Array(dtype.dtype, dimensions, "C")

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        rows = context.make_array(signature.args[0])(context, builder, arguments[0])
        row = builder.gep(rows.data, [builder.mul(arguments[1], ir.IntType(64)(_COLUMNS))])
        address, *shape = (builder.load(builder.gep(row, [ir.IntType(64)(i)])) for i in range(1 + dimensions))
        size = ir.IntType(64)(context.get_abi_sizeof(context.get_data_type(dtype.dtype)))
        strides = [builder.mul(shape[1], size), size] if dimensions == 2 else [size]
        view = context.make_array(viewed)(context, builder)
        data = builder.inttoptr(address, context.get_data_type(dtype.dtype).as_pointer())
        populate_array(view, data=data, shape=shape, strides=strides, itemsize=size, meminfo=None)
        return view._getvalue()

    return viewed(handle, types.int64, dtype), generate


@intrinsic
def vector(typingctx: Any, handle: Any, k: Any, dtype: Any) -> Any:  # noqa: ARG001
    """Array ``k`` of a handle, of one dimension."""
    return _view(handle, dtype, 1)


@intrinsic
def matrix(typingctx: Any, handle: Any, k: Any, dtype: Any) -> Any:  # noqa: ARG001
    """Array ``k`` of a handle, of two dimensions."""
    return _view(handle, dtype, 2)
