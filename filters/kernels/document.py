"""The driver: every signal of every document of a batch, in one call."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from filters.kernels import columns as at
from filters.kernels import kernel
from filters.kernels.automaton import Automaton, count_phrases
from filters.kernels.lines import LineScratch, measure_lines
from filters.kernels.market import count_tickers
from filters.kernels.repeats import measure_repeated_lines, measure_repeated_ngrams
from filters.kernels.words import (
    ALPHABETIC,
    MONEY,
    NONSYMBOL,
    NONSYMBOL_CHARACTERS,
    NUMERIC,
    SENTENCES,
    STOP_MASK,
    STOP_OCCURRENCES,
    WORDS,
)

ASSISTANT = 0
STOCK = 1
CONSENT = 2
ACCESS = 3


class Lookup(NamedTuple):
    """What kernels look things up in."""

    classes: npt.NDArray[np.int32]
    words: npt.NDArray[np.uint64]
    substrings: Automaton
    phrases: Automaton
    market_words: npt.NDArray[np.int64]


class Scratch(NamedTuple):
    """Memory that documents share, one after the other."""

    lines: LineScratch
    counters: npt.NDArray[np.int64]
    phrases: npt.NDArray[np.int64]
    table: npt.NDArray[np.uint64]
    epoch: npt.NDArray[np.int64]
    grams: npt.NDArray[np.uint64]
    positions: npt.NDArray[np.int32]
    first: npt.NDArray[np.int32]
    counts: npt.NDArray[np.int32]


@kernel
def _census(data: npt.NDArray[np.uint8], start: int, end: int) -> tuple[int, int, int, int]:
    """Characters, newlines, `#` and ellipses (`...` without overlap, and U+2026)."""
    characters = 0
    newlines = 0
    hashes = 0
    ellipses = 0
    dots = 0
    for i in range(start, end):
        byte = data[i]
        characters += byte & 0xC0 != 0x80
        newlines += byte == 10
        hashes += byte == 35
        if byte == 46:
            dots += 1
            if dots == 3:
                ellipses += 1
                dots = 0
        else:
            dots = 0
            if byte == 0xA6 and i - start >= 2 and data[i - 1] == 0x80 and data[i - 2] == 0xE2:
                ellipses += 1
    return characters, newlines, hashes, ellipses


@kernel
def _fill_words(
    counters: npt.NDArray[np.int64],
    hashes: int,
    ellipses: int,
    newlines: int,
    row: npt.NDArray[np.float64],
) -> None:
    """The columns that are counts of words or shares among them."""
    words = counters[WORDS]
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
        row[at.MARKET_NUMERIC_WORD_FRACTION] = counters[NUMERIC] / words
        row[at.MARKET_MONEY_WORD_FRACTION] = counters[MONEY] / words


@kernel
def _fill_phrases(
    found: npt.NDArray[np.int64], tickers: int, words: int, row: npt.NDArray[np.float64]
) -> None:
    """`market`'s tickers, `slop` and the phrases of `furniture`."""
    row[at.MARKET_TICKER_COUNT] = tickers
    row[at.SLOP_ASSISTANT_PHRASE_COUNT] = found[ASSISTANT]
    row[at.SLOP_STOCK_PHRASE_COUNT] = found[STOCK]
    row[at.FURNITURE_CONSENT_PHRASE_COUNT] = found[CONSENT]
    row[at.FURNITURE_ACCESS_PHRASE_COUNT] = found[ACCESS]
    if words:
        row[at.MARKET_TICKER_WORD_FRACTION] = min(tickers / words, 1.0)
        row[at.SLOP_PHRASES_PER_1000_WORDS] = 1000 * (found[ASSISTANT] + found[STOCK]) / words


@kernel
def measure_documents(
    data: npt.NDArray[np.uint8],
    offsets: npt.NDArray[np.int64],
    lookup: Lookup,
    scratch: Scratch,
    out: npt.NDArray[np.float64],
) -> None:
    """Fill a row of `out` (NaN where a signal is undefined) for each document of a batch."""
    classes, words, substrings, phrases, market_words = lookup
    lines, counters, found, table, epoch, grams, positions, first, counts = scratch
    for document in range(len(offsets) - 1):
        start = offsets[document]
        end = offsets[document + 1]
        row = out[document]
        row[:] = np.nan
        counters[:] = 0
        found[:] = 0
        characters, newlines, hash_marks, ellipses = _census(data, start, end)
        row[at.LENGTH_CHARACTERS] = characters
        row[at.LENGTH_BYTES] = end - start
        measure_lines(data, start, end, counters, lines, classes, words, substrings, row)
        _fill_words(counters, hash_marks, ellipses, newlines, row)
        measure_repeated_lines(data, start, end, newlines, characters, table, epoch, classes, row)
        known = min(counters[WORDS], len(lines.hashes))
        measure_repeated_ngrams(
            lines.hashes,
            lines.ends,
            known,
            characters,
            table,
            epoch,
            grams,
            positions,
            first,
            counts,
            row,
        )
        count_phrases(data, start, end, classes, phrases, found)
        tickers = count_tickers(data, start, end, market_words)
        _fill_phrases(found, tickers, counters[WORDS], row)
