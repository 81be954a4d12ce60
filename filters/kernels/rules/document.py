"""The driver: every signal of every document of a batch, in one call."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from thresher.filters.kernels import borrowing_kernel
from thresher.filters.kernels.rules import columns as at
from thresher.filters.kernels.rules.census import census
from thresher.filters.kernels.rules.compression import LARGEST_BASE, compressed_size
from thresher.filters.kernels.rules.exceptions import Lexicon
from thresher.filters.kernels.rules.fill import (
    clear_spaceless,
    fill_personal,
    fill_redpajama,
    fill_repetition,
    fill_words,
)
from thresher.filters.kernels.rules.lines import LineScratch, measure_lines
from thresher.filters.kernels.rules.ngrams import NgramScratch, find_repeats
from thresher.filters.kernels.rules.personal import count_personal
from thresher.filters.kernels.rules.redpajama_dclm import scan_plain
from thresher.filters.kernels.rules.redpajama_dclm_tables import Plain
from thresher.filters.kernels.rules.repeats import measure_repeated_lines
from thresher.filters.kernels.rules.words import CHARACTERS, SPACELESS, WORDS
from thresher.filters.kernels.text.automaton import Automaton


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
        characters, new_lines, hashes, ellipses, marked = census(data, start, end)
        row[at.LENGTH_CHARACTERS] = characters
        row[at.LENGTH_BYTES] = end - start
        measure_lines(data, start, end, counters, lines, classes, lexicon, substrings, marked, row)
        fill_words(counters, hashes, ellipses, new_lines, row)
        measure_repeated_lines(
            data, start, end, new_lines, characters, ngrams.table, ngrams.grams, classes, row
        )
        known = min(counters[WORDS], len(lines.hashes))
        find_repeats(lines.hashes, lines.ends, known, ngrams)
        total = counters[CHARACTERS]
        measured = lines.ends[known]
        part = characters * (measured / total) if known < counters[WORDS] else float(characters)
        fill_repetition(ngrams.facts, known, measured, part, row)
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
        fill_redpajama(ngrams.facts, known, lines.ends[known], row)
        count_personal(data, start, end, number, personal)
        fill_personal(personal, row)
        if 2 * counters[SPACELESS] > counters[WORDS]:
            clear_spaceless(row)
