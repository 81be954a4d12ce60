"""Bytes read many at a time: 8 as a number, 32 as a mask with a bit for each.

What a kernel asks of most bytes ("is it still a letter?") it asks of 32 at once, so that a word
costs a look or two instead of a branch per letter, which the processor cannot foresee. Addresses
are plain numbers; who passes one sees to it that all the bytes read lie within the array.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

WIDTH = 32
"""Bytes that a mask is of."""

_BYTE = ir.IntType(8)
_LONG = ir.IntType(64)
_VECTOR = ir.VectorType(_BYTE, WIDTH)


def _all(value: int) -> Any:
    return ir.Constant(_VECTOR, [ir.Constant(_BYTE, value)] * WIDTH)


def _between(builder: Any, vector: Any, low: int, high: int) -> Any:
    """Whether each byte is from `low` to `high`."""
    return builder.icmp_unsigned("<=", builder.sub(vector, _all(low)), _all(high - low))


def _mask(build: Callable[[Any, Any], Any]) -> Any:
    """An intrinsic that maps an address to the mask of what `build` says of each byte there."""

    @intrinsic
    def read(_context: Any, _address: Any) -> Any:
        def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            pointer = builder.inttoptr(arguments[0], _VECTOR.as_pointer())
            found = build(builder, builder.load(pointer, align=1))
            return builder.zext(builder.bitcast(found, ir.IntType(WIDTH)), _LONG)

        return types.int64(types.int64), generate

    return read


def _letters(builder: Any, vector: Any) -> Any:
    return _between(builder, builder.or_(vector, _all(32)), ord("a"), ord("z"))


def _any_of(*values: int) -> Callable[[Any, Any], Any]:
    def build(builder: Any, vector: Any) -> Any:
        found = builder.icmp_unsigned("==", vector, _all(values[0]))
        for value in values[1:]:
            found = builder.or_(found, builder.icmp_unsigned("==", vector, _all(value)))
        return found

    return build


def _line_breaks(builder: Any, vector: Any) -> Any:
    controls = builder.icmp_unsigned("<", vector, _all(31))
    return builder.or_(controls, _any_of(0xC2, 0xE2)(builder, vector))


def _personal(builder: Any, vector: Any) -> Any:
    numbers = _between(builder, vector, ord("0"), ord(":"))
    return builder.or_(numbers, _any_of(ord("@"), ord("+"), ord("("))(builder, vector))


letters = _mask(_letters)
"""ASCII letters."""
capitals = _mask(lambda builder, vector: _between(builder, vector, ord("A"), ord("Z")))
"""ASCII capitals."""
newlines = _mask(_any_of(10))
"""Newline characters."""
line_breaks = _mask(_line_breaks)
"""Where a line may end (`str.splitlines`)."""
line_end_marks = _mask(_any_of(10, 13, 0xA8, 0xA9, 0xAD, 0xBD, 0xC3))
"""Line feed, carriage return, last bytes of U+2028, U+2029, U+00AD and U+FFFD, lead of mojibake."""
leads = _mask(lambda builder, vector: builder.icmp_signed(">=", vector, _all(-64 & 0xFF)))
"""Bytes that begin a character."""
hash_marks = _mask(_any_of(ord("#")))
"""Number signs."""
points = _mask(_any_of(ord("."), 0xA6))
"""Full stops, and the last byte of an ellipsis."""
brackets = _mask(_any_of(ord("["), ord("{")))
"""Opening square and curly brackets."""
tickers = _mask(_any_of(ord("$"), ord(":"), ord(".")))
"""Marks that stock symbols have."""
personal = _mask(_personal)
"""Marks and digits that personal data has."""


@intrinsic
def address(_context: Any, array: Any) -> Any:
    """Where the bytes of an array begin."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        struct = context.make_array(signature.args[0])(context, builder, arguments[0])
        return builder.ptrtoint(struct.data, _LONG)

    return types.int64(array), generate


@intrinsic
def eight(_context: Any, _address: Any) -> Any:
    """The 8 bytes at an address as a number, the first the lowest."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.load(builder.inttoptr(arguments[0], _LONG.as_pointer()), align=1)

    return types.uint64(types.int64), generate


@intrinsic
def prefetch(_context: Any, _address: Any) -> Any:
    """Have the bytes at an address fetched while other work goes on."""

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        number = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [_BYTE.as_pointer(), number, number, number])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        pointer = builder.inttoptr(arguments[0], _BYTE.as_pointer())
        builder.call(function, [pointer, number(0), number(3), number(1)])
        return context.get_dummy_value()

    return types.none(types.int64), generate


@intrinsic
def lowest(_context: Any, _mask: Any) -> Any:
    """The number of the lowest bit that is set; 64 if none is."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return types.int64(types.int64), generate


@intrinsic
def population(_context: Any, _mask: Any) -> Any:
    """The number of bits that are set."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.int64(types.int64), generate
