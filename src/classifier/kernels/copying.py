"""Copy a fixed number of elements, as instructions: numba would make loops of them, and look for overlaps first."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from classifier.kernels.folding import DIGIT

STRIDE = 16  # elements copied at once: sources and targets have that much room behind


def _at(context: Any, builder: Any, signature: Any, arguments: Any, k: int, place: int, bits: int) -> Any:
    """Where argument ``k``, an array, has the element that argument ``place`` names, as a pointer to a vector."""
    data = context.make_array(signature.args[k])(context, builder, arguments[k]).data
    return builder.bitcast(builder.gep(data, [arguments[place]]), _vector(bits).as_pointer())


def _vector(bits: int) -> Any:
    return ir.VectorType(ir.IntType(bits), STRIDE)


def _all(bits: int, value: int) -> Any:
    return ir.Constant(_vector(bits), [value] * STRIDE)


def _loaded(builder: Any, source: Any, size: int) -> Any:
    loaded = builder.load(source)
    loaded.align = size
    return loaded


@intrinsic
def copy_features(typingctx: Any, source: Any, i: Any, target: Any, j: Any) -> Any:  # noqa: ARG001
    """``target[j : j + STRIDE] = source[i : i + STRIDE]``, both uint32 and contiguous."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        source_at, target_at = (_at(context, builder, signature, arguments, k, k + 1, 32) for k in (0, 2))
        builder.store(_loaded(builder, source_at, 4), target_at).align = 4
        return context.get_dummy_value()

    return types.void(source, types.int64, target, types.int64), generate


@intrinsic
def copy_characters(typingctx: Any, text: Any, kinds: Any, i: Any, target: Any, j: Any) -> Any:  # noqa: ARG001
    """``target[j : j + STRIDE] = text[i : i + STRIDE]``, its digits written as 0.

    ``text`` int32, ``kinds`` uint8, ``target`` uint64, all contiguous.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        text_at, kinds_at, target_at = (
            _at(context, builder, signature, arguments, *which) for which in ((0, 2, 32), (1, 2, 8), (3, 4, 64))
        )
        are_digits = builder.icmp_unsigned("==", _loaded(builder, kinds_at, 1), _all(8, DIGIT))
        characters = builder.select(are_digits, _all(32, ord("0")), _loaded(builder, text_at, 4))
        builder.store(builder.zext(characters, _vector(64)), target_at).align = 8
        return context.get_dummy_value()

    return types.void(text, kinds, types.int64, target, types.int64), generate
