"""Add up rows of eight 16-bit integers, eight lanes at a time.

Written as instructions rather than Python because numba keeps no vector in registers across a loop.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

LANES = 8


@intrinsic
def add_rows(typingctx: Any, rows: Any, lane: Any, features: Any, factors: Any, first: Any, n: Any, out: Any) -> Any:  # noqa: ARG001
    """Add ``factors[k] * rows[features[k], lane : lane + 8]``, for ``n`` values of ``k`` from ``first``, to ``out``.

    ``rows`` int16 (F, W) with W a multiple of 8, ``features`` uint32, ``factors`` and ``out`` float64, all contiguous.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        double, long, whole = ir.DoubleType(), ir.IntType(64), ir.IntType(32)
        narrow, wide = ir.VectorType(ir.IntType(16), LANES), ir.VectorType(double, LANES)
        views = {
            name: context.make_array(signature.args[k])(context, builder, arguments[k])
            for name, k in (("rows", 0), ("features", 2), ("factors", 3), ("out", 6))
        }
        width = builder.extract_value(views["rows"].shape, 1)
        last = builder.add(arguments[4], arguments[5])
        target = builder.bitcast(views["out"].data, wide.as_pointer())
        held = builder.load(target)
        held.align = 8
        start = builder.block
        loop, body, done = (builder.append_basic_block(f"add_rows.{name}") for name in ("loop", "body", "done"))
        builder.branch(loop)
        builder.position_at_end(loop)
        k, total = builder.phi(long), builder.phi(wide)
        k.add_incoming(arguments[4], start)
        total.add_incoming(held, start)
        builder.cbranch(builder.icmp_signed("<", k, last), body, done)
        builder.position_at_end(body)
        feature = builder.zext(builder.load(builder.gep(views["features"].data, [k])), long)
        place = builder.add(builder.mul(feature, width), arguments[1])
        row = builder.load(builder.bitcast(builder.gep(views["rows"].data, [place]), narrow.as_pointer()))
        row.align = 2
        factor = builder.insert_element(
            ir.Constant(wide, ir.Undefined), builder.load(builder.gep(views["factors"].data, [k])), whole(0)
        )
        factor = builder.shuffle_vector(
            factor, ir.Constant(wide, ir.Undefined), ir.Constant(ir.VectorType(whole, LANES), [0] * LANES)
        )
        added = builder.fadd(builder.fmul(factor, builder.sitofp(row, wide)), total)
        k.add_incoming(builder.add(k, long(1)), body)
        total.add_incoming(added, body)
        builder.branch(loop)
        builder.position_at_end(done)
        stored = builder.store(total, target)
        stored.align = 8
        return context.get_dummy_value()

    return types.void(rows, types.int64, features, factors, types.int64, types.int64, out), generate
