"""Vectorized indexed reads of an array, by the processor's gather instruction where it has one.

Numba does not vectorize loops that read at computed indices, because an earlier iteration might have written there.
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

LANES = 8  # numbers read at once
RUN = 2 * LANES  # pixels of a triangle that are shaded at once, whatever its width

WORD, LONG = ir.IntType(32), ir.IntType(64)
WORDS, LONGS = ir.VectorType(WORD, LANES), ir.VectorType(LONG, LANES)
ADDRESSES = ir.VectorType(WORD.as_pointer(), LANES)
MASK = ir.VectorType(ir.IntType(1), LANES)


@intrinsic
def gather(typing_context, source, indices, first):  # type: ignore[no-untyped-def]
    """Replace `LANES` indices, from `first` on, by the elements of `source` at these indices.

    Both are one-dimensional C-contiguous arrays of 32-bit numbers; bounds are not checked.
    """

    def generate(context, builder, signature, args):  # type: ignore[no-untyped-def]
        read, written = (
            cgutils.create_struct_proxy(kind)(context, builder, value=value).data
            for kind, value in ((source, args[0]), (indices, args[1]))
        )
        lanes = builder.bitcast(builder.gep(written, [args[2]]), WORDS.as_pointer())
        offsets = builder.shl(
            builder.sext(builder.load(lanes, align=4), LONGS), ir.Constant(LONGS, [2] * LANES)
        )
        undefined = ir.Constant(LONGS, ir.Undefined)
        base = builder.insert_element(undefined, builder.ptrtoint(read, LONG), WORD(0))
        bases = builder.shuffle_vector(base, undefined, ir.Constant(WORDS, [0] * LANES))
        function = cgutils.get_or_insert_function(
            builder.module,
            ir.FunctionType(WORDS, [ADDRESSES, WORD, MASK, WORDS]),
            f"llvm.masked.gather.v{LANES}i32.v{LANES}p0",
        )
        addresses = builder.inttoptr(builder.add(bases, offsets), ADDRESSES)
        all_lanes = ir.Constant(MASK, [1] * LANES)
        numbers = builder.call(function, [addresses, WORD(4), all_lanes, ir.Constant(WORDS, ir.Undefined)])
        builder.store(numbers, lanes, align=4)
        return context.get_dummy_value()

    return types.void(source, indices, types.uint64), generate
