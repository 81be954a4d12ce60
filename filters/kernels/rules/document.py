"""The driver: every signal of every document of a batch, in one call."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from thresher.filters.kernels import borrowing_kernel, inner, integer
from thresher.filters.kernels.rules import columns as at
from thresher.filters.kernels.rules.compression import LARGEST_BASE, compressed_size
from thresher.filters.kernels.rules.exceptions import Lexicon
from thresher.filters.kernels.rules.lines import LineScratch, measure_lines
from thresher.filters.kernels.rules.ngrams import (
    AGAIN,
    COVERED,
    ENTROPY_SUM,
    JUMPED,
    LONGEST,
    LONGEST_TOP,
    SHORTEST_DUPLICATE,
    TOP_CHARACTERS,
    TOP_COUNT,
    NgramScratch,
    find_repeats,
)
from thresher.filters.kernels.rules.personal import (
    CARDS,
    EMAILS,
    IP_ADDRESSES,
    PHONES,
    count_personal,
)
from thresher.filters.kernels.rules.plain import scan_plain
from thresher.filters.kernels.rules.repeats import measure_repeated_lines
from thresher.filters.kernels.rules.words import (
    ALPHABETIC,
    CHARACTERS,
    NONSYMBOL,
    NONSYMBOL_CHARACTERS,
    SENTENCES,
    SPACELESS,
    STOP_MASK,
    STOP_OCCURRENCES,
    WORDS,
)
from thresher.filters.kernels.text.automaton import Automaton
from thresher.filters.kernels.text.blocks import (
    WIDTH,
    address,
    brackets,
    hash_marks,
    leads,
    lowest,
    newlines,
    points,
    population,
)
from thresher.filters.kernels.text.facts import Plain

_NEEDS_SPACES = np.array(
    [
        at.LENGTH_MEAN_WORD_CHARACTERS,
        at.STOPWORDS_DISTINCT_COUNT,
        at.STOPWORDS_OCCURRENCE_COUNT,
        *range(at.DCLM_SHORT_LINES, at.DCLM_REMOVED_WORD_FRACTION + 1),
        at.REDPAJAMA_ALL_CAPS_WORD_FRACTION,
        at.REDPAJAMA_NO_ALPHABETIC_WORD_FRACTION,
        *range(at.REDPAJAMA_LOREM_IPSUM_RATIO, at.REDPAJAMA_WORD_COUNT + 1),
        *range(
            at.REDPAJAMA_TOP_2GRAM_CHARACTER_FRACTION,
            at.REDPAJAMA_DUPLICATE_10GRAM_CHARACTER_FRACTION + 1,
        ),
        at.REDPAJAMA_LINE_WORDS,
    ]
)


class Lookup(NamedTuple):
    """What kernels look things up in."""

    classes: npt.NDArray[np.int32]
    lexicon: Lexicon
    substrings: Automaton
    plain: Plain


class Scratch(NamedTuple):
    """Memory that documents share, one after the other."""

    lines: LineScratch
    ngrams: NgramScratch
    counters: npt.NDArray[np.int64]
    personal: npt.NDArray[np.int64]
    number: npt.NDArray[np.int64]
    slots: npt.NDArray[np.int64]
    """Of the compressor ..."""
    base: npt.NDArray[np.int64]
    """... and what marks the slots of this document."""


@inner
def _census(data: npt.NDArray[np.uint8], start: int, end: int) -> tuple[int, int, int, int, bool]:
    """Characters, newlines, `#`, ellipses (`...` without overlap, U+2026), any bracket."""
    base = address(data)
    characters = integer(0)
    new_lines = integer(0)
    hashes = integer(0)
    ellipses = integer(0)
    marks = integer(0)
    dots = integer(0)
    last = integer(-2)
    i = start
    while i < end:
        if i + WIDTH > len(data):
            byte = data[i]
            characters += byte & 0xC0 != 0x80
            new_lines += byte == 10
            hashes += byte == 35
            marks |= integer(byte == 91 or byte == 123)
            dotted = integer(byte == 46 or byte == 0xA6)
            width = 1
        else:
            where = base + i
            width = min(WIDTH, end - i)
            inside = (1 << width) - 1
            characters += population(leads(where) & inside)
            new_lines += population(newlines(where) & inside)
            hashes += population(hash_marks(where) & inside)
            marks |= brackets(where) & inside
            dotted = points(where) & inside
        while dotted:
            point = i + lowest(dotted)
            dotted &= dotted - 1
            if data[point] != 46:
                before = point - start >= 2 and data[point - 1] == 0x80
                ellipses += before and data[point - 2] == 0xE2
                continue
            dots = dots + 1 if point == last + 1 else 1
            last = point
            if dots == 3:
                ellipses += 1
                dots = 0
        i += width
    return characters, new_lines, hashes, ellipses, marks != 0


@inner
def _fill_words(
    counters: npt.NDArray[np.int64],
    hashes: int,
    ellipses: int,
    newlines: int,
    row: npt.NDArray[np.float64],
) -> None:
    """The columns that are counts of words or shares among them."""
    words = counters[WORDS]
    if words:
        row[at.LENGTH_SPACELESS_WORD_FRACTION] = counters[SPACELESS] / words
    row[at.LENGTH_WORDS] = words
    row[at.LENGTH_NONSYMBOL_WORDS] = counters[NONSYMBOL]
    row[at.LENGTH_SENTENCES] = counters[SENTENCES]
    if counters[NONSYMBOL]:
        mean = counters[NONSYMBOL_CHARACTERS] / counters[NONSYMBOL]
        row[at.LENGTH_MEAN_WORD_CHARACTERS] = mean
    distinct = 0
    mask = counters[STOP_MASK]
    while mask:
        distinct += mask & 1
        mask >>= 1
    row[at.STOPWORDS_DISTINCT_COUNT] = distinct
    row[at.STOPWORDS_OCCURRENCE_COUNT] = counters[STOP_OCCURRENCES]
    if words:
        row[at.SYMBOLS_HASH_WORD_RATIO] = hashes / words
        row[at.SYMBOLS_ELLIPSIS_WORD_RATIO] = ellipses / words
        row[at.SYMBOLS_ALPHABETIC_WORD_FRACTION] = counters[ALPHABETIC] / words
        row[at.FINEWEB_NEWLINE_WORD_RATIO] = newlines / words


@inner
def _fill_repetition(
    facts: npt.NDArray[np.float64],
    words: int,
    word_characters: int,
    characters: float,
    row: npt.NDArray[np.float64],
) -> None:
    """The n-gram columns of `repetition`, `repetition_union` and `entropy`."""
    for n in range(2, LONGEST_TOP + 1):
        if words >= n:
            length = facts[n, TOP_CHARACTERS]
            times = facts[n, TOP_COUNT]
            top = at.REPETITION_TOP_2GRAM_CHARACTER_FRACTION + n - 2
            row[top] = (length + n - 1) * times / characters
            top = at.REPETITION_UNION_TOP_2GRAM_CHARACTER_FRACTION + n - 2
            row[top] = length * times / word_characters if times > 1 else 0.0
    for n in range(SHORTEST_DUPLICATE, LONGEST + 1):
        column = n - SHORTEST_DUPLICATE
        if characters:
            row[at.REPETITION_DUPLICATE_5GRAM_CHARACTER_FRACTION + column] = (
                facts[n, JUMPED] / characters
            )
        if words:
            row[at.REPETITION_UNION_DUPLICATE_5GRAM_CHARACTER_FRACTION + column] = (
                facts[n, COVERED] / word_characters
            )
    if words == 0:
        return
    row[at.ENTROPY_UNIGRAM_BITS] = _entropy(facts[1, ENTROPY_SUM], words)
    if words > 1:
        row[at.ENTROPY_BIGRAM_BITS] = _entropy(facts[2, ENTROPY_SUM], words - 1)
    for n in range(1, 4):
        if words >= n:
            column = at.ENTROPY_DISTINCT_1_FRACTION + n - 1
            row[column] = 1 - facts[n, AGAIN] / (words - n + 1)
    row[at.ENTROPY_ROOT_TYPE_TOKEN_RATIO] = (words - facts[1, AGAIN]) / math.sqrt(words)


@inner
def _entropy(total: float, count: int) -> float:
    """Bits of `count` things, of whose counts c the sum of c * log2(c) is `total`."""
    return max(math.log2(count) - total / count, 0.0)


@inner
def _fill_redpajama(
    facts: npt.NDArray[np.float64],
    words: int,
    word_characters: int,
    row: npt.NDArray[np.float64],
) -> None:
    """The columns of `redpajama` that need n-grams of the normal words."""
    if words == 0:
        return
    row[at.REDPAJAMA_UNIQUE_WORD_FRACTION] = 1 - facts[1, AGAIN] / words
    row[at.REDPAJAMA_UNIGRAM_ENTROPY_NATS] = _entropy(facts[1, ENTROPY_SUM], words) * math.log(2)
    for n in range(2, LONGEST_TOP + 1):
        top = at.REDPAJAMA_TOP_2GRAM_CHARACTER_FRACTION + n - 2
        row[top] = 0.0
        if facts[n, TOP_COUNT] > 1:
            row[top] = facts[n, TOP_CHARACTERS] * facts[n, TOP_COUNT] / word_characters
    for n in range(SHORTEST_DUPLICATE, LONGEST + 1):
        column = at.REDPAJAMA_DUPLICATE_5GRAM_CHARACTER_FRACTION + n - SHORTEST_DUPLICATE
        row[column] = facts[n, COVERED] / word_characters


@inner
def _clear_spaceless(row: npt.NDArray[np.float64]) -> None:
    """What needs words between spaces is undefined for a script that has none."""
    for column in _NEEDS_SPACES:
        row[column] = np.nan


@inner
def _fill_personal(counts: npt.NDArray[np.int64], row: npt.NDArray[np.float64]) -> None:
    row[at.PII_EMAIL_COUNT] = counts[EMAILS]
    row[at.PII_IP_ADDRESS_COUNT] = counts[IP_ADDRESSES]
    row[at.PII_PHONE_COUNT] = counts[PHONES]
    row[at.PII_CARD_COUNT] = counts[CARDS]


@borrowing_kernel
def measure_documents(
    data: npt.NDArray[np.uint8],
    offsets: npt.NDArray[np.int64],
    lookup: Lookup,
    scratch: Scratch,
    out: npt.NDArray[np.float64],
) -> None:
    """Fill a row of `out` (NaN where a signal is undefined) for each document of a batch."""
    classes, lexicon, substrings, plain = lookup
    lines, ngrams, counters, personal, number, slots, base = scratch
    for document in range(len(offsets) - 1):
        start = offsets[document]
        end = offsets[document + 1]
        row = out[document]
        row[:] = np.nan
        counters[:] = 0
        personal[:] = 0
        characters, new_lines, hashes, ellipses, marked = _census(data, start, end)
        row[at.LENGTH_CHARACTERS] = characters
        row[at.LENGTH_BYTES] = end - start
        measure_lines(data, start, end, counters, lines, classes, lexicon, substrings, marked, row)
        _fill_words(counters, hashes, ellipses, new_lines, row)
        measure_repeated_lines(
            data, start, end, new_lines, characters, ngrams.table, ngrams.grams, classes, row
        )
        known = min(counters[WORDS], len(lines.hashes))
        find_repeats(lines.hashes, lines.ends, known, ngrams)
        total = counters[CHARACTERS]
        measured = lines.ends[known]
        part = characters * (measured / total) if known < counters[WORDS] else float(characters)
        _fill_repetition(ngrams.facts, known, measured, part, row)
        if end > start:
            if base[0] + end - start > LARGEST_BASE:
                slots[:] = 0
                base[0] = 1
            size = compressed_size(data, start, end, slots, base[0])
            row[at.ENTROPY_COMPRESSION_RATIO] = min(size / (end - start), 1.0)
            base[0] += end - start
        symbols = hashes + ellipses
        # The words of `length` are done with, and make room for the normal ones.
        normal = scan_plain(
            data, start, end, characters, symbols, plain, lines.hashes, lines.ends, row
        )
        known = min(normal, len(lines.hashes))
        find_repeats(lines.hashes, lines.ends, known, ngrams)
        _fill_redpajama(ngrams.facts, known, lines.ends[known], row)
        count_personal(data, start, end, number, personal)
        _fill_personal(personal, row)
        if 2 * counters[SPACELESS] > counters[WORDS]:
            _clear_spaceless(row)
