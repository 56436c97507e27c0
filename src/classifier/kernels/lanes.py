"""Add up the rows of a message's features, eight 16-bit integers at a time.

Written as instructions rather than Python because numba keeps no vector in registers across a loop.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

LANES = 8
COMMON = 64  # occurrences of a feature whose weights are looked up
# Row c: by how much the c + 1st occurrence of a feature raises 1 + ln(tf), and its square.
_TF = np.array([0.0, *(1.0 + np.log(np.arange(1, COMMON)))])
GAINS = np.ascontiguousarray(np.column_stack([np.diff(_TF), np.diff(_TF**2)]))
REPEATS = GAINS - 1.0  # where each occurrence was added like a first
_CHAINS = 4  # sums kept side by side: an addition takes four cycles, and each waits only for its own chain


@intrinsic
def add_features(
    typingctx: Any, features: Any, first: Any, last: Any, before: Any, rows: Any, idf: Any, gains: Any, sums: Any  # noqa: ARG001
) -> Any:  # fmt: skip
    """Add what ``features[first:last]``, repeated as they occur, give to ``sums``; return the place of the next.

    ``features`` uint32; ``before`` int32, how often each has occurred before; ``rows`` int16 (F, 8), ``idf`` float64,
    ``gains`` is `GAINS` or `REPEATS`, ``sums`` float64 (8,); all contiguous. Lane 0 of a row is the number of its
    ``idf``. Added are, to ``sums[1:]``, the rows times ``idf * (1 + ln(tf))``, and to ``sums[0]`` the squares of these
    factors. Stops early at a feature that has occurred ``COMMON - 1`` times before.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        double, long, whole = ir.DoubleType(), ir.IntType(64), ir.IntType(32)
        narrow, wide = ir.VectorType(ir.IntType(16), LANES), ir.VectorType(double, LANES)
        undefined = ir.Constant(wide, ir.Undefined)
        names = ("features", "first", "last", "before", "rows", "idf", "gains", "sums")
        data = {
            name: context.make_array(signature.args[k])(context, builder, arguments[k]).data
            for k, name in enumerate(names) if name not in ("first", "last")
        }  # fmt: skip

        def feature_at(k: Any) -> Any:
            return builder.zext(builder.load(builder.gep(data["features"], [k])), long)

        def row_of(feature: Any) -> Any:
            return builder.gep(data["rows"], [builder.mul(feature, long(LANES))])

        def add_one(k: Any, total: Any, square: Any, stop: Any) -> tuple[Any, Any, Any]:
            """One occurrence: the block in which it is known to be common, and the new sums."""
            feature = feature_at(k)
            count = builder.load(builder.gep(data["before"], [k]))
            go_on = builder.append_basic_block("add.go_on")
            left = builder.block
            builder.cbranch(builder.icmp_signed("<", count, whole(COMMON - 1)), go_on, stop)
            builder.position_at_end(go_on)
            row = builder.load(builder.bitcast(row_of(feature), narrow.as_pointer()))
            row.align = 2
            number = builder.zext(builder.extract_element(row, whole(0)), long)
            value = builder.load(builder.gep(data["idf"], [number]))
            at = builder.shl(builder.zext(count, long), long(1))
            gain, gain_of_square = (
                builder.load(builder.gep(data["gains"], [builder.add(at, long(column))])) for column in (0, 1)
            )
            factor = builder.insert_element(undefined, builder.fmul(value, gain), whole(0))
            factor = builder.shuffle_vector(factor, undefined, ir.Constant(ir.VectorType(whole, LANES), [0] * LANES))
            total = builder.fadd(builder.fmul(factor, builder.sitofp(row, wide)), total, flags=("contract",))
            squared = builder.fmul(builder.fmul(value, value), gain_of_square)
            return left, total, builder.fadd(squared, square, flags=("contract",))

        start = builder.block
        loop, many, tail, one, stopped = (
            builder.append_basic_block(f"add.{name}") for name in ("loop", "many", "tail", "one", "stopped")
        )
        nothing = ir.Constant(wide, [0.0] * LANES), double(0.0)
        builder.branch(loop)

        builder.position_at_end(loop)
        k = builder.phi(long)
        sums = [(builder.phi(wide), builder.phi(double)) for _ in range(_CHAINS)]
        k.add_incoming(arguments[1], start)
        exits = []
        builder.cbranch(builder.icmp_signed("<=", builder.add(k, long(_CHAINS)), arguments[2]), many, tail)
        builder.position_at_end(many)
        now = list(sums)
        for chain in range(_CHAINS):
            here = builder.add(k, long(chain))
            before = list(now)
            left, total, square = add_one(here, *now[chain], stopped)
            exits.append((left, here, before))
            now[chain] = (total, square)
        k.add_incoming(builder.add(k, long(_CHAINS)), builder.block)
        for (total, square), new in zip(sums, now, strict=True):
            for phi, first, then in ((total, nothing[0], new[0]), (square, nothing[1], new[1])):
                phi.add_incoming(first, start)
                phi.add_incoming(then, builder.block)
        builder.branch(loop)

        builder.position_at_end(tail)
        j, rest, rest_square = builder.phi(long), builder.phi(wide), builder.phi(double)
        for phi, value in ((j, k), (rest, sums[0][0]), (rest_square, sums[0][1])):
            phi.add_incoming(value, loop)
        exits.append((tail, j, [(rest, rest_square), *sums[1:]]))
        builder.cbranch(builder.icmp_signed("<", j, arguments[2]), one, stopped)
        builder.position_at_end(one)
        left, total, square = add_one(j, rest, rest_square, stopped)
        exits.append((left, j, [(rest, rest_square), *sums[1:]]))
        for phi, value in ((j, builder.add(j, long(1))), (rest, total), (rest_square, square)):
            phi.add_incoming(value, builder.block)
        builder.branch(tail)

        builder.position_at_end(stopped)
        ended = builder.phi(long)
        ends = [(builder.phi(wide), builder.phi(double)) for _ in range(_CHAINS)]
        for left, place, state in exits:
            ended.add_incoming(place, left)
            for (total, square), (held, held_square) in zip(ends, state, strict=True):
                total.add_incoming(held, left)
                square.add_incoming(held_square, left)
        total, square = ends[0]
        for more, more_square in ends[1:]:
            total, square = builder.fadd(total, more), builder.fadd(square, more_square)
        total = builder.insert_element(total, square, whole(0))
        target = builder.bitcast(data["sums"], wide.as_pointer())
        held = builder.load(target)
        held.align = 8
        stored = builder.store(builder.fadd(held, total), target)
        stored.align = 8
        return ended

    return types.int64(features, types.int64, types.int64, before, rows, idf, gains, sums), generate


@intrinsic
def add_row(typingctx: Any, rows: Any, k: Any, sums: Any) -> Any:  # noqa: ARG001
    """Add ``rows[k]``, float64 (n, 8), to ``sums``, float64 (8,); both contiguous."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = ir.VectorType(ir.DoubleType(), LANES).as_pointer()
        rows, sums = (context.make_array(signature.args[i])(context, builder, arguments[i]).data for i in (0, 2))
        place = builder.gep(rows, [builder.mul(arguments[1], ir.IntType(64)(LANES))])
        row, target = builder.bitcast(place, pointer), builder.bitcast(sums, pointer)
        added, held = builder.load(row), builder.load(target)
        added.align = held.align = 8
        builder.store(builder.fadd(held, added), target).align = 8
        return context.get_dummy_value()

    return types.void(rows, types.int64, sums), generate
