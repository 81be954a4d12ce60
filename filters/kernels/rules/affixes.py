"""Where a chunk between white space is cut into words, by the rules of spaCy's English.

In order: exceptions; marks peeled off both ends, one each per round; addresses kept whole; infixes
(hyphens and slashes between letters, runs of dots, symbols). Letters are `str.isalpha` where spaCy
lists scripts.
"""

from __future__ import annotations

import numpy as np

from thresher.filters.kernels import inner, integer
from thresher.filters.kernels.rules.addresses import is_address
from thresher.filters.kernels.rules.chunk_points import CUT, Points, code, flags_of, is_digit
from thresher.filters.kernels.rules.exceptions import (
    EXCEPTION,
    LONGEST,
    LONGEST_UNIT,
    SLOT_SHIFT,
    UNIT,
    Words,
)
from thresher.filters.kernels.text.hashing import SEED, fold
from thresher.filters.kernels.text.tables import (
    ALPHA,
    CURRENCY,
    ICON,
    LOWER,
    NUMBER,
    PREFIX,
    QUOTE,
    STOP_AFTER,
    SUFFIX,
    UPPER,
)

_U0 = np.uint64(0)
_SLOT_SHIFT = np.uint64(SLOT_SHIFT)


@inner
def find(words: Words, h: np.uint64) -> int:
    """The value of a hash in the table of words, or 0."""
    mask = len(words) // 2 - 1
    slot = integer(h >> _SLOT_SHIFT)
    while words[2 * slot] != _U0:
        if words[2 * slot] == h:
            return integer(words[2 * slot + 1])
        slot = (slot + 1) & mask
    return 0


@inner
def cut_exception(p: Points, lo: int, hi: int, words: Words) -> bool:
    """Whether `p[lo:hi]` is an exception; its cuts are made."""
    if hi - lo > LONGEST or hi <= lo:
        return False
    h = SEED
    for i in range(lo, hi):
        h = fold(h, code(p[i]))
    value = find(words, h)
    if value & EXCEPTION == 0:
        return False
    for k in range(1, hi - lo):
        if value >> k & 1:
            p[lo + k] |= CUT
    return True


@inner
def _prefix(p: Points, lo: int, hi: int) -> int:
    """Length of what is peeled off the start."""
    if flags_of(p[lo]) & PREFIX:
        return 1
    cp = code(p[lo])
    if cp == 46:
        i = lo + 1
        while i < hi and code(p[i]) == 46:
            i += 1
        return i - lo if i - lo > 1 else 0
    if cp == 43 and (hi - lo == 1 or not is_digit(p[lo + 1])):  # + but not +1
        return 1
    if hi - lo >= 2 and code(p[lo + 1]) == 36 and (cp == 65 or cp == 67):  # A$ C$
        return 2
    if hi - lo >= 3 and cp == 85 and code(p[lo + 1]) == 83 and code(p[lo + 2]) == 36:  # US$
        return 3
    return 0


@inner
def _suffix(p: Points, lo: int, hi: int, words: Words) -> int:
    """Length of what is peeled off the end."""
    if hi <= lo:
        return 0
    last = code(p[hi - 1])
    before = code(p[hi - 2]) if hi - lo >= 2 else 0
    if last == 0x2026:
        return 2 if before == 0x2026 else 1
    if flags_of(p[hi - 1]) & SUFFIX:
        return 1
    if (last == 115 or last == 83) and (before == 39 or before == 0x2019):  # 's
        return 2
    if last == 46:
        return _stop_suffix(p, lo, hi)
    if last == 43 or flags_of(p[hi - 1]) & CURRENCY:
        return 1 if is_digit(before) else 0
    start = hi - 1
    while start > lo and hi - start < LONGEST_UNIT and not is_digit(p[start - 1]):
        start -= 1
    if start > lo and is_digit(p[start - 1]) and not is_digit(last):
        h = SEED
        for i in range(start, hi):
            h = fold(h, code(p[i]))
        if find(words, h) & UNIT:
            return hi - start
    return 0


@inner
def _stop_suffix(p: Points, lo: int, hi: int) -> int:
    """The same for what ends in a full stop."""
    start = hi - 1
    while start > lo and code(p[start - 1]) == 46:
        start -= 1
    if hi - start > 1:
        return hi - start
    if start == lo:
        return 0
    if flags_of(p[start - 1]) & STOP_AFTER:
        return 1
    upper = start - 2 >= lo and flags_of(p[start - 1]) & flags_of(p[start - 2]) & UPPER != 0
    return 1 if upper else 0


@inner
def _infix(p: Points, lo: int, i: int, hi: int) -> int:
    """Length of an infix that starts at `i`."""
    cp = code(p[i])
    if cp == 46 and i + 1 < hi and code(p[i + 1]) == 46:
        end = i + 2
        while end < hi and code(p[end]) == 46:
            end += 1
        return end - i
    if cp == 0x2026 or flags_of(p[i]) & ICON:
        return 1
    if i == lo or i + 1 >= hi:
        return 0
    left = flags_of(p[i - 1])
    right = flags_of(p[i + 1])
    if cp == 46:
        return 1 if left & (LOWER | QUOTE) and right & (UPPER | QUOTE) else 0
    if (cp == 43 or cp == 45 or cp == 42 or cp == 94) and is_digit(p[i - 1]):
        if is_digit(p[i + 1]) or code(p[i + 1]) == 45:
            return 1
    if cp == 44:
        return 1 if left & right & ALPHA else 0
    if not (left & ALPHA or is_digit(p[i - 1])):
        return 0
    if cp == 58 or 60 <= cp <= 62 or cp == 47 or cp == 0x2013 or cp == 126:
        return 1 if right & ALPHA else 0
    if cp == 45 or cp == 0x2014:
        longest = 3 if cp == 45 else 2
        end = i + 1
        while end < hi and code(p[end]) == cp and end - i < longest:
            end += 1
        return end - i if end < hi and flags_of(p[end]) & ALPHA else 0
    return 0


@inner
def cut_chunk(p: Points, hi: int, words: Words) -> None:
    """Cut the chunk `p[:hi]`; `p` has room for one point more."""
    lo = 0
    while lo < hi:
        if cut_exception(p, lo, hi, words):
            return
        prefix = _prefix(p, lo, hi)
        if prefix and cut_exception(p, lo + prefix, hi, words):
            p[lo + prefix] |= CUT
            return
        suffix = _suffix(p, lo + prefix, hi, words)
        if suffix and cut_exception(p, lo, hi - suffix, words):
            p[hi - suffix] |= CUT
            return
        if prefix == 0 and suffix == 0:
            break
        lo += prefix
        hi -= suffix
        p[lo] |= CUT
        p[hi] |= CUT
    if lo >= hi or is_address(p, lo, hi):
        return
    i = lo
    while i < hi:
        # A letter or digit is no infix; asking for each would cost a call.
        if flags_of(p[i]) & (ALPHA | NUMBER):
            i += 1
            continue
        length = _infix(p, lo, i, hi)
        if length == 0:
            i += 1
            continue
        if i > lo:  # at the very start it stays with what follows
            p[i] |= CUT
            p[i + length] |= CUT
        i += length
