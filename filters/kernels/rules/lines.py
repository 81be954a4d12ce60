"""The lines of a document (`str.splitlines`): words, sentences, C4's rules, Gopher's line ends."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from thresher.filters.kernels import inner, integer
from thresher.filters.kernels.rules import columns as at
from thresher.filters.kernels.rules.c4 import (
    FEW_WORDS,
    HAS_CURLY_BRACE,
    HAS_JAVASCRIPT,
    HAS_LOREM_IPSUM,
    HAS_POLICY,
    KEPT,
    LONG_WORD,
    ends_terminal,
    judge_line,
    may_mention,
    strip_citations,
)
from thresher.filters.kernels.rules.exceptions import Lexicon
from thresher.filters.kernels.rules.repeats import first_solid, last_solid
from thresher.filters.kernels.rules.sentence_ends import ends_sentence
from thresher.filters.kernels.rules.words import SENTENCES, split_words
from thresher.filters.kernels.text.automaton import Automaton, find_substrings
from thresher.filters.kernels.text.simd import WIDTH, address, line_breaks, lowest


class LineScratch(NamedTuple):
    """What splitting a line needs."""

    chunk: npt.NDArray[np.int64]
    hashes: npt.NDArray[np.uint64]
    ends: npt.NDArray[np.int64]
    copy: npt.NDArray[np.uint8]
    """Room for a line without its citations ..."""
    copy_view: npt.NDArray[np.uint8]
    """... and the same memory read-only, as text is."""
    unused_counters: npt.NDArray[np.int64]
    no_hashes: npt.NDArray[np.uint64]
    no_ends: npt.NDArray[np.int64]


@inner
def _break_length(data: npt.NDArray[np.uint8], i: int, end: int) -> int:
    """Bytes of the line break at `i`, or 0."""
    byte = data[i]
    if byte == 13:
        return 2 if i + 1 < end and data[i + 1] == 10 else 1
    if 10 <= byte <= 12 or 28 <= byte <= 30:
        return 1
    if byte == 0xC2:
        return 2 if i + 1 < end and data[i + 1] == 0x85 else 0
    if byte == 0xE2 and i + 2 < end and data[i + 1] == 0x80:
        return 3 if data[i + 2] == 0xA8 or data[i + 2] == 0xA9 else 0
    return 0


@inner
def _is_bullet(data: npt.NDArray[np.uint8], start: int, end: int) -> bool:
    if data[start] == 45:
        return True
    if data[start] != 0xE2 or start + 2 >= end:
        return False
    return bool(data[start + 1] == 0x80 and data[start + 2] == 0xA2)


@inner
def _ends_in_ellipsis(data: npt.NDArray[np.uint8], start: int, end: int) -> bool:
    if end - start < 3:
        return False
    one, two, three = data[end - 3], data[end - 2], data[end - 1]
    dots = one == 46 and two == 46 and three == 46
    return bool(dots or (one == 0xE2 and two == 0x80 and three == 0xA6))


@inner
def _has(data: npt.NDArray[np.uint8], start: int, end: int, wanted: int) -> bool:
    found = False
    for i in range(start, end):  # no way out, so that 32 bytes are compared at a time
        found |= data[i] == wanted
    return found


@inner
def measure_lines(
    data: npt.NDArray[np.uint8],
    start: int,
    end: int,
    counters: npt.NDArray[np.int64],
    scratch: LineScratch,
    classes: npt.NDArray[np.int32],
    lexicon: Lexicon,
    substrings: Automaton,
    marked: bool,
    row: npt.NDArray[np.float64],
) -> None:
    """Split and count the words of a document; fill `c4` and the shares of lines.

    `marked` is whether there is any opening square or curly bracket.
    """
    chunk, hashes, ends, copy, copy_view, unused, no_hashes, no_ends = scratch
    for column in range(at.C4_SENTENCES_KEPT, at.C4_FEW_WORD_LINES + 1):
        row[column] = 0
    lines = solid = bullets = ellipses = ended = 0
    mentions = may_mention(data, start, end)
    position = start
    base = address(data)
    last_block = len(data) - WIDTH
    while position < end:
        stop = position
        skip = 0
        while stop < end:
            if stop <= last_block:
                breaks = line_breaks(base + stop)
                if breaks == 0:
                    stop += WIDTH
                    continue
                stop += lowest(breaks)
                if stop >= end:
                    break
            skip = _break_length(data, stop, end)
            if skip:
                break
            stop += 1
        stop = min(stop, end)
        lines += 1
        first = first_solid(data, position, stop, classes)
        last = last_solid(data, first, stop, classes)
        position = stop + skip
        if first == last:
            continue
        solid += 1
        bullets += _is_bullet(data, first, last)
        ellipses += _ends_in_ellipsis(data, first, last)
        ended += ends_sentence(data, first, last, classes)
        sentences = counters[SENTENCES]
        count, longest = split_words(
            data, first, last, chunk, counters, hashes, ends, classes, lexicon
        )
        sentences = counters[SENTENCES] - sentences
        line, line_start, line_end = data, first, last
        found = 0
        if marked and _has(data, first, last, 91):
            length = strip_citations(data, first, last, classes, copy)
            if length < last - first:
                line, line_start, line_end = copy_view, integer(0), length
                unused[SENTENCES] = 0
                split_words(
                    line, line_start, length, chunk, unused, no_hashes, no_ends, classes, lexicon
                )
                sentences = max(unused[SENTENCES], min(length, 1))
        if mentions or line_end != last:  # what is cut out may bring two halves together
            found = find_substrings(line, line_start, line_end, substrings)
        result = judge_line(line, line_start, line_end, count, longest, found, marked)
        terminal = ends_terminal(line, line_start, line_end)
        if result == LONG_WORD:
            row[at.C4_LONG_WORD_LINES] += 1
        elif not terminal:
            row[at.C4_NO_TERMINAL_MARK_LINES] += 1
        elif result == FEW_WORDS:
            row[at.C4_FEW_WORD_LINES] += 1
        elif result == HAS_LOREM_IPSUM:
            row[at.C4_HAS_LOREM_IPSUM] = 1
        elif result == HAS_JAVASCRIPT:
            row[at.C4_JAVASCRIPT_LINES] += 1
        elif result == HAS_CURLY_BRACE:
            row[at.C4_HAS_CURLY_BRACE] = 1
        elif result == HAS_POLICY:
            row[at.C4_POLICY_LINES] += 1
        else:
            row[at.C4_LINES_KEPT] += 1
            row[at.C4_SENTENCES_KEPT] += sentences
        if result == KEPT:
            row[at.C4_LINES_KEPT_ANY_END] += 1
            row[at.C4_SENTENCES_KEPT_ANY_END] += sentences
        elif result == HAS_LOREM_IPSUM:
            row[at.C4_HAS_LOREM_IPSUM_ANY_END] = 1
        elif result == HAS_CURLY_BRACE:
            row[at.C4_HAS_CURLY_BRACE_ANY_END] = 1
    row[at.LENGTH_LINES] = solid
    if solid:
        row[at.LINES_SENTENCE_END_FRACTION] = ended / solid
    if lines:
        row[at.LINES_BULLET_FRACTION] = bullets / lines
        row[at.LINES_ELLIPSIS_FRACTION] = ellipses / lines
