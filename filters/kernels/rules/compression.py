"""How far a text compresses: the size of LZ4's block format after a greedy parse, not the bytes.

At each position the last place with the same hash of 4 bytes, among the last 65,535, is tried;
4 equal bytes or more are a match, extended as far as it goes. A sequence of literals and a match
costs a token, the literals, an offset of 2 bytes, and a byte for every 255 by which the literals
exceed 14 or the match exceeds 18. No byte order, library or version has a say in the figure.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from thresher.filters.kernels import inlined, inner, integer

SLOTS = 4096
WINDOW = 65_535
SHORTEST_MATCH = 4
LARGEST_BASE = 1 << 31
"""Beyond it the slots must be cleared: a slot is position << 32 | the 4 bytes there."""

_MULTIPLIER = 2_654_435_761
_SHIFT = 20
_U32 = 0xFFFFFFFF


@inlined
def _extra(length: int, inside: int) -> int:
    """Bytes of a length beyond what the token holds."""
    return 0 if length < inside else 1 + (length - inside) // 255


@inner
def compressed_size(
    data: npt.NDArray[np.uint8],
    start: int,
    end: int,
    slots: npt.NDArray[np.int64],
    base: int,
) -> int:
    """Bytes of `data[start:end]` after compression.

    Args:
        data: the bytes.
        start: where the text begins.
        end: where it ends.
        slots: SLOTS of them; positions below `base` are another document's.
        base: at least the `base` plus the length of every text before, and at least 1.
    """
    size = 0
    anchor = start
    i = start
    last = end - SHORTEST_MATCH
    shift = base - start
    four = integer(0)
    if i <= last:
        four = (
            integer(data[i])
            | integer(data[i + 1]) << 8
            | integer(data[i + 2]) << 16
            | integer(data[i + 3]) << 24
        )
    while i <= last:
        slot = ((four * _MULTIPLIER) & _U32) >> _SHIFT
        entry = slots[slot]
        slots[slot] = (i + shift) << 32 | four
        candidate = (entry >> 32) - shift
        if entry & _U32 != four or candidate < start or i - candidate > WINDOW:
            i += 1
            if i <= last:
                four = four >> 8 | integer(data[i + 3]) << 24
            continue
        stop = i + SHORTEST_MATCH
        distance = i - candidate
        while stop < end and data[stop] == data[stop - distance]:
            stop += 1
        literals = i - anchor
        size += 3 + literals + _extra(literals, 15)
        size += _extra(stop - i - SHORTEST_MATCH, 15)
        i = stop
        anchor = stop
        if i <= last:
            four = (
                integer(data[i])
                | integer(data[i + 1]) << 8
                | integer(data[i + 2]) << 16
                | integer(data[i + 3]) << 24
            )
    literals = end - anchor
    if literals:
        size += 1 + literals + _extra(literals, 15)
    return size
