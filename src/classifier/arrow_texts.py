"""Columns of Arrow strings as sequences of texts: their buffers are decoded by a loop, no Python string is made.

pandas keeps its strings in Arrow too (dtypes ``str``, ``string`` and `ArrowDtype`), polars lends them as Arrow.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from classifier.kernels.decoding import decode

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ArrowTexts", "arrow_texts"]


class ArrowTexts(Sequence[str]):
    """A column of Arrow strings without nulls; a slice shares its memory.

    >>> import pyarrow as pa
    >>> texts = arrow_texts(pa.chunked_array([["hi", "été"], ["", "你好"]]))
    >>> len(texts), texts[1], texts[1:].code_points()[0].tolist(), texts.sizes().tolist()
    (4, 'été', [233, 116, 233, 20320, 22909], [2, 5, 0, 6])
    """

    def __init__(self, column: Any) -> None:
        self._column = column

    def __len__(self) -> int:
        return len(self._column)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> ArrowTexts: ...
    def __getitem__(self, index: int | slice) -> str | ArrowTexts:
        if isinstance(index, slice):
            start, stop, step = index.indices(len(self))
            if step != 1:
                raise ValueError("a column of Arrow strings is cut, not stepped through")
            return ArrowTexts(self._column.slice(start, max(stop - start, 0)))
        # Lone surrogates have no UTF-8, but what claims to be text may hold anything.
        return self._column[index].as_buffer().to_pybytes().decode("utf-8", "replace")

    def sizes(self) -> NDArray[np.int64]:
        """Bytes of each string: at least its characters."""
        return np.concatenate([np.zeros(0, np.int64), *(np.diff(_buffers(chunk)[1]) for chunk in self._column.chunks)])

    def code_points(self) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
        """The code points of all strings end to end, and where each begins, as `text.code_points`."""
        decoded = [decode(*_buffers(chunk)) for chunk in self._column.chunks if len(chunk)]
        if len(decoded) == 1:
            return decoded[0]
        ends = np.cumsum([0, *(len(points) for points, _ in decoded)])
        offsets = [np.zeros(1, np.int64), *(part[1:] + end for (_, part), end in zip(decoded, ends, strict=False))]
        return np.concatenate([np.zeros(0, np.uint32), *(points for points, _ in decoded)]), np.concatenate(offsets)


def arrow_texts(texts: Any) -> ArrowTexts | None:
    """A column of Arrow strings, or None where ``texts`` is none or holds nulls.

    >>> arrow_texts(["a list"]) is None
    True
    """
    is_arrow = type(texts).__module__.startswith("pyarrow.")
    if not is_arrow and not (hasattr(texts, "__arrow_c_stream__") and _holds_strings(texts)):
        return None
    import pyarrow as pa

    column = texts if is_arrow else pa.chunked_array(texts)
    if not isinstance(column, pa.Array | pa.ChunkedArray):
        return None
    if pa.types.is_dictionary(column.type) or pa.types.is_string_view(column.type):
        column = column.cast(pa.large_string())
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)) or column.null_count:
        return None
    return ArrowTexts(pa.chunked_array([column]) if isinstance(column, pa.Array) else column)


def _holds_strings(series: Any) -> bool:
    """Whether a series of pandas or polars keeps Arrow strings: one of Python objects is read as objects."""
    name = str(getattr(series, "dtype", ""))
    return name in ("str", "string", "String", "Utf8") or name.startswith(("string[pyarrow", "large_string[pyarrow"))


def _buffers(chunk: Any) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The bytes of a chunk and the bounds of its strings in them."""
    _, bounds, data = chunk.buffers()
    width = np.int32 if str(chunk.type) == "string" else np.int64
    ends = np.frombuffer(bounds, width)[chunk.offset : chunk.offset + len(chunk) + 1].astype(np.int64)
    return np.frombuffer(data if data is not None else b"", np.uint8), ends
