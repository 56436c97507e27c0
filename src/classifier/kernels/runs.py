"""Where runs of characters begin and end, and their hashes: 64 characters at a time, with no branch for any.

A character is a bit of a word, so that a few operations say of 64 whether each begins or ends a run (the way simdjson
finds tokens: Langdale & Lemire, "Parsing gigabytes of JSON per second", 2019). The hash of a run is the difference of
two hashes of what precedes its end and its start (Rabin & Karp).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from classifier.kernels.compiling import compiled, inlined

BLOCK = 64
AT_ONCE = 8  # places written at a time: what holds them has that much room behind
P = np.uint64(0x9E3779B97F4A7C15)  # the base of the hashes
_NONE, _ONE = np.uint64(0), np.uint64(1)
_POWERS = np.array([pow(int(P), k, 1 << 64) for k in range(BLOCK)], np.uint64)


@intrinsic
def _bits_between(typingctx: Any, kinds: Any, i: Any, low: Any, high: Any) -> Any:  # noqa: ARG001
    """Which of ``kinds[i : i + BLOCK]``, uint8, are from ``low`` to ``high``: the lowest bit is that of the first."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        block, byte = ir.VectorType(ir.IntType(8), BLOCK), ir.IntType(8)

        def everywhere(value: Any) -> Any:
            one = builder.insert_element(ir.Constant(block, ir.Undefined), value, ir.IntType(32)(0))
            return builder.shuffle_vector(one, one, ir.Constant(ir.VectorType(ir.IntType(32), BLOCK), [0] * BLOCK))

        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        loaded = builder.load(builder.bitcast(builder.gep(data, [arguments[1]]), block.as_pointer()))
        loaded.align = 1
        least, most = (builder.trunc(argument, byte) for argument in arguments[2:])
        above = builder.sub(loaded, everywhere(least))
        found = builder.icmp_unsigned("<=", above, everywhere(builder.sub(most, least)))
        return builder.bitcast(found, ir.IntType(64))

    return types.uint64(kinds, types.int64, types.int64, types.int64), generate


@intrinsic
def _lowest_bit(typingctx: Any, bits: Any) -> Any:  # noqa: ARG001
    """The place of the lowest bit that is set, 64 where none is."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        return builder.cttz(arguments[0], ir.IntType(1)(0))

    return types.uint64(types.uint64), generate


@intrinsic
def _count_bits(typingctx: Any, bits: Any) -> Any:  # noqa: ARG001
    """How many bits are set."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), generate


@inlined
def _write_places(bits, base, out, count):
    """Append to ``out``, which holds ``count``, the place of each bit, counted from ``base``; return the new count."""
    end = count + _count_bits(bits)
    while count < end:  # some at once: how many there are no branch can predict
        for k in range(np.uint64(AT_ONCE)):
            out[count + k] = base + _lowest_bit(bits)
            bits &= bits - _ONE
        count += np.uint64(AT_ONCE)
    return end


@compiled
def find_runs(kinds, n, first, last, alone, starts, ends):
    """Write the start and end of each run of characters of kinds ``first`` to ``last``, in order; return how many.

    A character whose kind is ``alone`` or more is a run of its own. Behind the ``n`` kinds are `BLOCK` zeros, and 0 is
    in no run; ``starts`` and ``ends`` need room for `AT_ONCE` more.
    """
    n_starts = n_ends = before = lone_before = _NONE
    for base in range(0, n + 1, BLOCK):  # a run that reaches to the end ends behind it
        inside, lone = _bits_between(kinds, base, first, last), _bits_between(kinds, base, alone, 255)
        shifted, lone_shifted = (inside << _ONE) | before, (lone << _ONE) | lone_before
        n_starts = _write_places((inside & ~shifted) | lone, np.uint64(base), starts, n_starts)
        n_ends = _write_places((shifted & ~inside) | lone_shifted, np.uint64(base), ends, n_ends)
        before, lone_before = inside >> np.uint64(BLOCK - 1), lone >> np.uint64(BLOCK - 1)
    return np.int64(n_ends)


@compiled
def hash_prefixes(text, n, prefixes):
    """Write to ``prefixes[i]`` the hash of the first ``i`` characters, for up to ``n``."""
    h = _NONE
    prefixes[0] = h
    for i in range(np.uint64(n)):
        h = h * P + np.uint64(text[i])
        prefixes[i + _ONE] = h


@compiled
def _power(k):
    result, factor = _ONE, P
    while k:
        if k & 1:
            result *= factor
        factor *= factor
        k >>= 1
    return result


@compiled
def hash_runs(prefixes, starts, ends, count, seed, hashes):
    """Write the hash of each of ``count`` runs."""
    for k in range(np.uint64(count)):
        start, end = np.uint64(starts[k]), np.uint64(ends[k])
        size = end - start
        power = _POWERS[size] if size < np.uint64(BLOCK) else _power(np.int64(size))
        hashes[k] = ((prefixes[end] - prefixes[start] * power) ^ seed) * P
