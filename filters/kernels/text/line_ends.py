"""Plain ends of lines, and what of a text may want mending: one look at its bytes.

A line ends in a line feed, or with the text. What ends one elsewhere (CR LF, CR, U+2028, U+2029)
becomes a line feed; U+0085 does not, since in web text it is mostly an ellipsis of Windows-1252.
White space and marks without width are cut at the end of a line, and stay everywhere else.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from thresher.filters.kernels import borrowed, borrowing_kernel, inlined, inner, integer
from thresher.filters.kernels.text.decode import decode, previous
from thresher.filters.kernels.text.simd import WIDTH, address, line_end_marks, lowest
from thresher.filters.kernels.text.tables import ALPHA, MARK, SPACE

# Of what `inspect_texts` counts.
LINE_ENDS = 0
"""Lines whose end is not plain."""
MOJIBAKE = 1
"""UTF-8 read as Windows-1252: places where a character follows that no one writes there."""
REPLACEMENTS = 2
"""Replacement characters."""
SOFT_HYPHENS = 3
BROKEN_WORDS = 4
"""Lines that end in a hyphen, with what may be a lower-case letter at the start of the next."""
LOOKS = 5

_FIRST_JOINED = 0x0590
"""Scripts whose letters have shapes that joiners choose come after those of Europe."""

Bytes = npt.NDArray[np.uint8]
Classes = npt.NDArray[np.int32]


@inlined
def is_mojibake(before: int, cp: int) -> bool:
    """Whether two characters in a row are UTF-8 read as Windows-1252, as `â€` is."""
    latin = (before == 0xC2 or before == 0xC3) and 0x80 <= cp <= 0xBF
    return latin or (before == 0xE2 and (cp == 0x20AC or cp == 0x80 or cp == 0x201E))


@inlined
def _is_zero_width(cp: int) -> bool:
    """Spaces and joiners without width, marks of direction, byte order marks."""
    return 0x200B <= cp <= 0x200F or cp == 0x2060 or cp == 0xFEFF or cp == 0x061C


@inner
def plain_end(data: Bytes, start: int, end: int, classes: Classes) -> int:
    """The offset behind what stays of a line that ends at `end`.

    A joiner stays behind a letter of a script in which it chooses the shape: words of Malayalam,
    Bengali and Persian end in one.
    """
    while end > start:
        byte = data[end - 1]
        if byte < 0x80:
            if byte == 32 or byte == 9 or 11 <= byte <= 12 or 28 <= byte <= 31:
                end -= 1
                continue
            return end
        before = previous(data, end, start)
        cp, _ = decode(data, before, end)
        if classes[cp] & SPACE:
            if cp == 0x85 or cp == 0x2028 or cp == 0x2029:
                return end
        elif not _is_zero_width(cp):
            return end
        elif (cp == 0x200C or cp == 0x200D) and before > start:
            letter, _ = decode(data, previous(data, before, start), before)
            if letter >= _FIRST_JOINED and classes[letter] & (ALPHA | MARK):
                return end
        end = before
    return end


@inner
def _is_break(data: Bytes, at: int, start: int) -> bool:
    """Whether U+2028 or U+2029 ends at a byte."""
    if at - start < 2 or (data[at] != 0xA8 and data[at] != 0xA9):
        return False
    return bool(data[at - 1] == 0x80 and data[at - 2] == 0xE2)


@inner
def _may_break_word(data: Bytes, at: int, start: int, end: int) -> bool:
    """Whether a line feed stands behind a hyphen, and maybe before a lower-case letter."""
    if at == start or at + 1 >= end:
        return False
    hyphen = data[at - 1] == 45
    if at - start >= 2 and data[at - 2] == 0xC2:
        hyphen = data[at - 1] == 0xAC or data[at - 1] == 0xAD
    if at - start >= 3 and data[at - 3] == 0xE2:
        hyphen = data[at - 2] == 0x80 and data[at - 1] == 0x90
    following = data[at + 1]
    return bool(hyphen and (97 <= following <= 122 or following >= 0x80 or following == 32))


@inner
def _inspect(
    data: Bytes, start: int, end: int, classes: Classes, found: npt.NDArray[np.int64]
) -> None:
    found[:] = 0
    base = address(data)
    plain = integer(start)
    i = integer(start)
    while i < end:
        if i + WIDTH > len(data):
            width = integer(1)
            marks = integer(1)
        else:
            width = min(WIDTH, end - i)
            marks = line_end_marks(base + i) & ((1 << width) - 1)
        while marks:
            at = i + lowest(marks)
            marks &= marks - 1
            byte = data[at]
            if byte == 10:
                if at > start and data[at - 1] == 13:  # that has been counted
                    plain = at + 1
                    continue
                found[LINE_ENDS] += plain_end(data, plain, at, classes) < at
                found[BROKEN_WORDS] += _may_break_word(data, at, start, end)
                plain = at + 1
            elif byte == 13 or _is_break(data, at, start):
                found[LINE_ENDS] += 1
                plain = at + 1
            elif byte == 0xC3:
                cp, following = decode(data, at, end)
                if following < end:
                    after, _ = decode(data, following, end)
                    found[MOJIBAKE] += is_mojibake(cp, after)
            elif byte == 0xAD:
                found[SOFT_HYPHENS] += at > start and data[at - 1] == 0xC2
            elif byte == 0xBD and at - start >= 2:
                found[REPLACEMENTS] += data[at - 1] == 0xBF and data[at - 2] == 0xEF
        i += width
    found[LINE_ENDS] += plain_end(data, plain, end, classes) < end


@inner
def _write_plain(data: Bytes, start: int, end: int, classes: Classes, out: Bytes, at: int) -> int:
    """Write a text with plain ends of lines at an offset; gives the offset behind it."""
    line = at
    i = integer(start)
    while i < end:
        byte = data[i]
        i += 1
        if byte == 13:
            i += i < end and data[i] == 10
        elif _is_break(data, i - 1, start):
            at -= 2  # what of it has been written
        elif byte != 10:
            out[at] = byte
            at += 1
            continue
        at = plain_end(out, line, at, classes)
        out[at] = 10
        at += 1
        line = at
    return plain_end(out, line, at, classes)


@borrowing_kernel
def inspect_texts(
    data: Bytes,
    offsets: npt.NDArray[np.int64],
    classes: Classes,
    out: npt.NDArray[np.int64],
) -> None:
    """Fill a row of LOOKS counts for each text."""
    data, classes, out = borrowed(data), borrowed(classes), borrowed(out)
    for row in range(len(offsets) - 1):
        _inspect(data, offsets[row], offsets[row + 1], classes, out[row])


@borrowing_kernel
def write_plain_texts(
    data: Bytes,
    offsets: npt.NDArray[np.int64],
    classes: Classes,
    out: Bytes,
    out_offsets: npt.NDArray[np.int64],
) -> None:
    """Write every text with plain ends of lines.

    Args:
        data: UTF-8 of all texts.
        offsets: where each starts, and the end of the last.
        classes: flags of code points.
        out: room for as many bytes; none becomes longer.
        out_offsets: filled like `offsets`.
    """
    data, classes, out = borrowed(data), borrowed(classes), borrowed(out)
    at = integer(0)
    out_offsets[0] = 0
    for row in range(len(offsets) - 1):
        at = _write_plain(data, offsets[row], offsets[row + 1], classes, out, at)
        out_offsets[row + 1] = at
