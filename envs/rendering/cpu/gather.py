"""Reading many places of an array at once, by the processor's gather instruction where it has one.

Numba's own loops never become gathers: what they read at places found at run time might have been written a step ago.
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

LANES = 8  # places read at once
RUN = 2 * LANES  # pixels of a triangle that are worked at once, whatever its width

WORD, LONG = ir.IntType(32), ir.IntType(64)
WORDS, LONGS = ir.VectorType(WORD, LANES), ir.VectorType(LONG, LANES)
ADDRESSES = ir.VectorType(WORD.as_pointer(), LANES)
MASK = ir.VectorType(ir.IntType(1), LANES)


@intrinsic
def gather(typing_context, source, places, first):  # type: ignore[no-untyped-def]
    """Replace `LANES` places, from `first` on, by what stands there in `source`.

    Both are one-dimensional C-contiguous arrays of 32-bit numbers; nothing is checked.
    """

    def generate(context, builder, signature, args):  # type: ignore[no-untyped-def]
        read, written = (
            cgutils.create_struct_proxy(kind)(context, builder, value=value).data
            for kind, value in ((source, args[0]), (places, args[1]))
        )
        lanes = builder.bitcast(builder.gep(written, [args[2]]), WORDS.as_pointer())
        offsets = builder.shl(
            builder.sext(builder.load(lanes, align=4), LONGS), ir.Constant(LONGS, [2] * LANES)
        )
        nothing = ir.Constant(LONGS, ir.Undefined)
        base = builder.insert_element(nothing, builder.ptrtoint(read, LONG), WORD(0))
        bases = builder.shuffle_vector(base, nothing, ir.Constant(WORDS, [0] * LANES))
        function = cgutils.get_or_insert_function(
            builder.module,
            ir.FunctionType(WORDS, [ADDRESSES, WORD, MASK, WORDS]),
            f"llvm.masked.gather.v{LANES}i32.v{LANES}p0",
        )
        addresses = builder.inttoptr(builder.add(bases, offsets), ADDRESSES)
        everywhere = ir.Constant(MASK, [1] * LANES)
        numbers = builder.call(function, [addresses, WORD(4), everywhere, ir.Constant(WORDS, ir.Undefined)])
        builder.store(numbers, lanes, align=4)
        return context.get_dummy_value()

    return types.void(source, places, types.uint64), generate
