"""Line ends, bullets and social counters, as RedPajama-V2 and DCLM read them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from thresher.filters.kernels import inner
from thresher.filters.kernels.rules.redpajama_dclm_tables import DECIMAL, POINT, SPACE, WORD, Facts
from thresher.filters.kernels.text.decode import decode

Bytes = npt.NDArray[np.uint8]

COUNTERS = (
    "likes shares comments retweets reposts quotes bookmarks upvotes downvotes downloads views "
    "followers"
).split()
"""What DCLM takes for a social counter behind a number."""

_COUNTER_BYTES = np.frombuffer("".join(COUNTERS).encode(), np.uint8)
_COUNTER_ENDS = tuple(np.cumsum([len(word) for word in COUNTERS]).tolist())


@inner
def is_counter(data: Bytes, start: int, end: int, facts: Facts) -> bool:
    """Whether a line without white space around it is a social counter and no more."""
    i = start
    while i < end:  # what is no letter, digit or `_`
        cp, following = decode(data, i, end)
        if facts[cp] & WORD or cp == 95:
            break
        i = following
    if i >= end:
        return False
    cp, _ = decode(data, i, end)
    if not facts[cp] & DECIMAL:
        return False
    while i < end:
        cp, following = decode(data, i, end)
        if not (facts[cp] & DECIMAL or cp == 44 or cp == 46):
            break
        i = following
    if i < end:
        cp, following = decode(data, i, end)
        low = facts[cp] & POINT
        if low == 107 or low == 109 or low == 98:
            i = following
    word = i
    while word < end:
        cp, following = decode(data, word, end)
        if not facts[cp] & SPACE:
            break
        word = following
    if word == i:
        return False
    stop = 0
    begin = 0
    for k in range(len(_COUNTER_ENDS)):
        finish_at = _COUNTER_ENDS[k]
        i = word
        position = begin
        while position < finish_at and i < end:
            cp, following = decode(data, i, end)
            if facts[cp] & POINT != _COUNTER_BYTES[position]:
                break
            position += 1
            i = following
        if position == finish_at:
            stop = i
        begin = finish_at
    if stop == 0:
        return False
    while stop < end:
        cp, stop = decode(data, stop, end)
        if facts[cp] & WORD or cp == 95:
            return False
    return True


@inner
def begins_with_bullet(data: Bytes, i: int, end: int) -> bool:
    """Whether one of RedPajama-V2's ten bullets stands at `i`."""
    if i + 2 >= end or data[i] != 0xE2:
        return False
    two = data[i + 1]
    three = data[i + 2]
    if two == 0x80:
        return bool(three == 0xA2 or three == 0xA3 or three == 0x93)
    if two == 0x96:
        return bool(
            three == 0xB6 or three == 0xA0 or three == 0xA1 or three == 0xAA or three == 0xAB
        )
    return bool(two == 0x97 and (three == 0x80 or three == 0xA6))


@inner
def line_ending(data: Bytes, start: int, end: int) -> int:
    """Of a line without white space around it: 1 for a terminal mark, 2 for an ellipsis, both."""
    if end <= start:
        return 0
    last = data[end - 1]
    found = 0
    if last == 46 or last == 33 or last == 63:
        found = 1
        if last == 46 and end - start >= 3 and data[end - 2] == 46 and data[end - 3] == 46:
            found = 3
    elif end - start >= 3 and data[end - 3] == 0xE2 and data[end - 2] == 0x80:
        if last == 0x9D:
            found = 1
        elif last == 0xA6:
            found = 2
    return found
