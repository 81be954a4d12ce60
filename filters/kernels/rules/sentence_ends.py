"""Whether a line ends like a sentence, for readers: whatever stands behind its terminal mark.

Published rules ask for the last character of a line. Writers put quotes, brackets, citations,
footnote marks and emoji behind the end of a sentence, and this reading looks behind these.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from thresher.filters.kernels import inlined, inner
from thresher.filters.kernels.text.decode import decode, previous
from thresher.filters.kernels.text.tables import (
    ALPHA,
    DIGIT,
    ICON,
    LOWER,
    NUMBER,
    QUOTE,
    SPACE,
    TERMINAL,
    UPPER,
)

LONGEST_NOTE = 40
"""Bytes of a citation in brackets."""
LONGEST_NUMBER = 8
"""Bytes of the numbers of notes."""
LETTERS_BEFORE = 2
"""Letters in lower case that stand before a full stop with the number of a note right behind it:
in `p.12` it is part of an abbreviation, in `3.12` of a number."""

Bytes = npt.NDArray[np.uint8]
Classes = npt.NDArray[np.int32]


@inlined
def _is_closing(cp: int, flags: int) -> bool:
    """What may stand behind the end of a sentence without being part of it."""
    if cp < 0x80:
        # Brackets, and the marks of footnotes, back links and emphasis.
        ascii_mark = cp == 41 or cp == 93 or cp == 125 or cp == 62 or cp == 42 or cp == 94
        return ascii_mark or cp == 95 or cp == 96 or cp == 126 or flags & (QUOTE | SPACE) != 0
    if flags & (QUOTE | SPACE | ICON) or (flags & NUMBER and not flags & DIGIT):
        return True
    note = cp == 0x2020 or cp == 0x2021 or cp == 0xA7 or cp == 0xB6 or cp == 0x203B or cp == 0x2042
    quote = cp == 0x2039 or cp == 0x203A or 0x301D <= cp <= 0x301F or cp == 0xFF02 or cp == 0xFF07
    bracket = cp == 0xFF3D or cp == 0xFF5D or cp == 0xFF60 or cp == 0xFF63
    emoji = 0xFE00 <= cp <= 0xFE0F or cp == 0x20E3 or 0x1F3FB <= cp <= 0x1F3FF
    emoji |= 0xE0020 <= cp <= 0xE007F
    hidden = 0x200B <= cp <= 0x200F or 0x202A <= cp <= 0x202E or 0x2066 <= cp <= 0x2069
    return note or quote or bracket or emoji or hidden


@inner
def _before_note(data: Bytes, start: int, end: int, numbered: bool) -> int:
    """The offset before a note in brackets of which `end` is behind the last character, or -1.

    In round brackets a note is `numbered`: figures, or one letter.
    """
    opening = 40 if numbered else 91
    closing = 41 if numbered else 93
    plain = True
    i = end
    while i > start and end - i < LONGEST_NOTE:
        i -= 1
        byte = data[i]
        if byte == opening:
            return i if not numbered or plain or end - i == 2 else -1
        if byte == closing:
            return -1
        plain &= 48 <= byte <= 57 or byte == 32 or byte == 44 or byte == 45
    return -1


@inner
def _before_number(data: Bytes, start: int, end: int, classes: Classes) -> int:
    """The offset before the numbers of notes that a line ends in, or -1 where they are none."""
    i = end
    while i > start and end - i <= LONGEST_NUMBER:
        byte = data[i - 1]
        if byte == 0x93 and i - start > 2 and data[i - 2] == 0x80 and data[i - 3] == 0xE2:
            i -= 3  # an en dash
        elif 48 <= byte <= 57 or byte == 44 or byte == 45:
            i -= 1
        else:
            break
    if i == start or end - i > LONGEST_NUMBER:
        return -1
    mark = previous(data, i, start)
    cp, _ = decode(data, mark, i)
    if cp == 32 and mark > start:
        mark -= 1
        cp, _ = decode(data, mark, i)
        return mark if cp == 58 and mark > start and data[mark - 1] == 93 else -1
    if cp == 58:  # the page of a citation, `[3]:14`
        return mark if mark > start and data[mark - 1] == 93 else -1
    if classes[cp] & QUOTE or cp == 41:
        return i
    if not classes[cp] & TERMINAL:
        return -1
    letters = 0
    while cp == 46 and mark > start and letters < LETTERS_BEFORE:
        before = previous(data, mark, start)
        last, _ = decode(data, before, mark)
        flags = classes[last]
        if letters == 0 and (flags & QUOTE or last == 41):
            return i
        if not flags & ALPHA or flags & (UPPER | LOWER) == UPPER:
            return -1
        letters += 1
        mark = before
    return i if cp != 46 or letters == LETTERS_BEFORE else -1


@inner
def ends_sentence(data: Bytes, start: int, end: int, classes: Classes) -> bool:
    """Whether a terminal mark is the last of a line but for what may stand behind it.

    Args:
        data: UTF-8.
        start: of the line.
        end: behind its last character that is no white space.
        classes: flags of code points.
    """
    while end > start:
        before = previous(data, end, start)
        cp, _ = decode(data, before, end)
        flags = classes[cp]
        if flags & TERMINAL:
            return True
        if cp == 93 or cp == 41:
            note = _before_note(data, start, before, cp == 41)
            if note >= 0 and not _holds_sentence(data, note, before, classes):
                before = note
        elif 48 <= cp <= 57:
            before = _before_number(data, start, end, classes)
            if before < 0:
                return False
        elif not _is_closing(cp, flags):
            return False
        end = before
    return False


@inner
def _holds_sentence(data: Bytes, start: int, end: int, classes: Classes) -> bool:
    """Whether what brackets hold ends like a sentence, and is not just a gap (`[...]`)."""
    if end - start < 2:
        return False
    last = previous(data, end, start)
    cp, _ = decode(data, last, end)
    if not classes[cp] & TERMINAL:
        return False
    for i in range(start + 1, end):
        if data[i] != 46:
            return True
    return False
