"""C4's line rules, in datatrove's order, for two policies at once.

Each line is judged twice: with the rule that it must end in a terminal mark (C4) and without
(FineWeb's use, `any_end`). A line that would drop the document there is counted as not kept, so
that what follows it can still be measured.
"""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt

from thresher.filters.kernels import inner, integer
from thresher.filters.kernels.text.automaton import Automaton, compile_substrings
from thresher.filters.kernels.text.decode import decode
from thresher.filters.kernels.text.tables import DIGIT

LONGEST_WORD = 1000
FEWEST_WORDS = 3

LOREM_IPSUM = 1
JAVASCRIPT = 2
POLICY = 4

# Results of `judge_line`.
KEPT = 0
LONG_WORD = 1
FEW_WORDS = 2
HAS_LOREM_IPSUM = 3
HAS_JAVASCRIPT = 4
HAS_CURLY_BRACE = 5
HAS_POLICY = 6

_NOTES = np.frombuffer(b"[edit][citation needed]", np.uint8)
_NOTE_SPANS = ((0, 6), (6, 23))


@functools.cache
def substrings() -> Automaton:
    """The phrases that C4 looks for, compiled."""
    policy = (
        "terms of use",
        "privacy policy",
        "cookie policy",
        "uses cookies",
        "use of cookies",
        "use cookies",
    )
    return compile_substrings({"lorem ipsum": 0, "javascript": 1, **dict.fromkeys(policy, 2)})


@inner
def may_mention(data: npt.NDArray[np.uint8], start: int, end: int) -> bool:
    """Whether a text has a part of one of the phrases; without branches, so 32 bytes at a time."""
    if end - start < 4:
        return False
    one = data[start : end - 3]
    two = data[start + 1 : end - 2]
    three = data[start + 2 : end - 1]
    four = data[start + 3 : end]
    found = np.uint8(0)
    for k in range(len(one)):
        a = one[k] | np.uint8(32)
        b = two[k] | np.uint8(32)
        c = three[k] | np.uint8(32)
        d = four[k] | np.uint8(32)
        found |= (
            ((a == 106) & (b == 97) & (c == 118) & (d == 97))  # java
            | ((a == 109) & (b == 32) & (c == 105) & (d == 112))  # m ip
            | ((a == 111) & (b == 107) & (c == 105) & (d == 101))  # okie
            | ((a == 118) & (b == 97) & (c == 99) & (d == 121))  # vacy
            | ((a == 102) & (b == 32) & (c == 117) & (d == 115))  # f us
        )
    return bool(found)


@inner
def strip_citations(
    data: npt.NDArray[np.uint8],
    start: int,
    end: int,
    classes: npt.NDArray[np.int32],
    copy: npt.NDArray[np.uint8],
) -> int:
    """Copy a line without `[12]`, `[edit]` and `[citation needed]`; returns its new length."""
    n = 0
    i = start
    while i < end:
        if data[i] == 91:
            stop = i + 1
            while stop < end:
                cp = integer(data[stop])
                following = stop + 1
                if cp >= 0x80:
                    cp, following = decode(data, stop, end)
                if not classes[cp] & DIGIT:
                    break
                stop = following
            if stop < end and data[stop] == 93:
                i = stop + 1
                continue
            skipped = 0
            for first, last in _NOTE_SPANS:
                length = last - first
                same = i + length <= end
                k = 0
                while same and k < length:
                    same = data[i + k] == _NOTES[first + k]
                    k += 1
                if same:
                    skipped = length
            if skipped:
                i += skipped
                continue
        copy[n] = data[i]
        n += 1
        i += 1
    return n


@inner
def ends_terminal(data: npt.NDArray[np.uint8], start: int, end: int) -> bool:
    """Whether a line ends in . ? ! " ' but not in `...`."""
    if end <= start:
        return False
    last = data[end - 1]
    if last == 46:
        return not (end - start >= 3 and data[end - 2] == 46 and data[end - 3] == 46)
    return bool(last == 63 or last == 33 or last == 34 or last == 39)


@inner
def judge_line(
    data: npt.NDArray[np.uint8],
    start: int,
    end: int,
    words: int,
    longest: int,
    found: int,
    marked: bool,
) -> int:
    """What the rules other than the terminal mark make of a line without citations.

    `marked` is whether the document has any bracket.
    """
    if longest > LONGEST_WORD:
        return LONG_WORD
    if words < FEWEST_WORDS:
        return FEW_WORDS
    if found & LOREM_IPSUM:
        return HAS_LOREM_IPSUM
    if found & JAVASCRIPT:
        return HAS_JAVASCRIPT
    if marked:
        for i in range(start, end):
            if data[i] == 123:
                return HAS_CURLY_BRACE
    return HAS_POLICY if found & POLICY else KEPT
