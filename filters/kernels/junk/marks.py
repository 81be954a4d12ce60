"""What a character is to the junk scan: one word of flags each."""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt

from thresher.filters.kernels import inlined
from thresher.filters.kernels.text import tables as t

LETTER = 1
UPPER = 2
DIGIT = 4
BLANK = 8
"""White space."""
BREAK = 16
"""Ends a line."""
APOSTROPHE = 32
MONEY = 64
PERCENT = 128
END = 256
"""Ends a sentence."""
CLOSER = 512
"""May stand behind the end of a sentence."""
COMMA = 1 << 10
CODE = 1 << 11
"""Common in source code, rare in prose."""
PLUS = 1 << 12
HYPHEN = 1 << 13
"""Hyphen, en dash, minus."""
COLON = 1 << 14
SLASH = 1 << 15
POINT = 1 << 16
OPENS = 1 << 17
"""`[` and `{`."""
SCRIPT = 1 << 18
"""A letter of a script written without spaces."""
EM_DASH = 1 << 19
HASH = 1 << 20
STAR = 1 << 21
WIDE = 1 << 22
"""Not ASCII."""
WORD = 1 << 23
"""Letter, digit, other number or mark: part of a word of a phrase."""
BULLET = 1 << 24

_ASCII = (
    (UPPER | LETTER | WORD, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    (LETTER | WORD, "abcdefghijklmnopqrstuvwxyz"),
    (DIGIT | WORD, "0123456789"),
    (BLANK, "\t\x1f "),
    (BLANK | BREAK, "\n\x0b\x0c\r\x1c\x1d\x1e"),
    (APOSTROPHE | CLOSER, "'"),
    (MONEY, "$"),
    (PERCENT, "%"),
    (END | POINT, "."),
    (END, "?!"),
    (CLOSER, '")'),
    (CLOSER | CODE, ">"),
    (CLOSER, "]"),
    (CLOSER | CODE, "}"),
    (OPENS, "["),
    (OPENS | CODE, "{"),
    (COMMA, ","),
    (CODE, ";<=\\^_`~"),
    (PLUS, "+"),
    (HYPHEN | BULLET, "-"),
    (COLON, ":"),
    (SLASH, "/"),
    (HASH, "#"),
    (STAR | BULLET, "*"),
)


@functools.cache
def byte_marks() -> npt.NDArray[np.int64]:
    """Flags by ASCII byte."""
    marks = np.zeros(128, np.int64)
    for flags, characters in _ASCII:
        for character in characters:
            marks[ord(character)] = flags
    return marks


@inlined
def wide_marks(cp: int, flags: int) -> int:
    """Flags of a code point beyond ASCII, from those in `tables.classes`."""
    marks = WIDE
    if flags & t.ALPHA:
        marks |= LETTER | WORD
        if flags & (t.UPPER | t.LOWER) == t.UPPER:
            marks |= UPPER
        if flags & t.SCRIPT:
            marks |= SCRIPT
    elif flags & t.DIGIT:
        marks |= DIGIT | WORD
    elif flags & (t.NUMBER | t.MARK):
        marks |= WORD
    elif flags & t.SPACE:
        marks |= BLANK
        if cp == 0x85 or cp == 0x2028 or cp == 0x2029:
            marks |= BREAK
    elif flags & t.CURRENCY:
        marks |= MONEY
    elif flags & t.TERMINAL:
        marks |= END
    elif cp == 0x2019 or cp == 0x02BC:
        marks |= APOSTROPHE | CLOSER
    elif flags & t.QUOTE:
        marks |= CLOSER
    elif cp == 0x2013 or cp == 0x2212:
        marks |= HYPHEN | BULLET
    elif cp == 0x2014:
        marks |= EM_DASH
    elif cp == 0x2022:
        marks |= BULLET
    return marks
