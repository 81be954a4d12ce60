"""UTF-8 decoding that never reads out of bounds.

Arrow guarantees valid UTF-8; what is not decodes to U+FFFD one byte at a time, so a kernel
that meets it stays within its buffer and goes on. Callers read ASCII themselves and call only
for a lead byte: the call costs more than the decoding.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from thresher.filters.kernels import inner, integer

REPLACEMENT = 0xFFFD


@inner
def decode(data: npt.NDArray[np.uint8], i: int, end: int) -> tuple[int, int]:
    """The code point at byte `i` and the offset of the next one."""
    lead = integer(data[i])
    if lead < 0x80:
        return lead, i + 1
    if 0xC0 <= lead < 0xE0 and i + 1 < end:
        return (lead & 0x1F) << 6 | integer(data[i + 1] & 0x3F), i + 2
    if 0xE0 <= lead < 0xF0 and i + 2 < end:
        two = integer(data[i + 1] & 0x3F) << 6 | integer(data[i + 2] & 0x3F)
        return (lead & 0x0F) << 12 | two, i + 3
    if 0xF0 <= lead and i + 3 < end:
        two = integer(data[i + 2] & 0x3F) << 6 | integer(data[i + 3] & 0x3F)
        cp = (lead & 0x07) << 18 | integer(data[i + 1] & 0x3F) << 12 | two
        if cp <= 0x10FFFF:
            return cp, i + 4
    return integer(REPLACEMENT), i + 1


@inner
def previous(data: npt.NDArray[np.uint8], i: int, start: int) -> int:
    """The offset of the code point that ends before byte `i` (`i` > `start`)."""
    i -= 1
    while i > start and data[i] & 0xC0 == 0x80:
        i -= 1
    return i
