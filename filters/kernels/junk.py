"""The junk families in one pass: characters make words, words make phrases and lines.

A *word* of these families is what stands between white space and holds a letter or a digit; the
words of phrases are runs of letters and digits within them. See `junk_lines` for what a line is,
`junk_phrases` for phrases, `junk_topics` for what a text dwells on.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from filters.kernels import borrowing_kernel, inner, integer
from filters.kernels import junk_lines as n
from filters.kernels import junk_marks as m
from filters.kernels import junk_phrases as p
from filters.kernels import junk_terms as t
from filters.kernels.blocks import WIDTH, address, capitals, lowest, population
from filters.kernels.blocks import letters as letters_ahead
from filters.kernels.decode import decode
from filters.kernels.hashing import SEED, add_code_point, finish_word, lower_letters
from filters.kernels.junk_columns import JUNK_ANY_TERM_SCORE
from filters.kernels.junk_fill import FURNITURE_KINDS, KINDS, SELLING_KINDS, fill_row
from filters.kernels.junk_topics import (
    LAST_EPOCH,
    Topics,
    add_content_word,
    make_topics,
    opening_count,
    slots_for,
)
from filters.kernels.market import count_tickers

_SEPARATORS = m.COLON | m.SLASH | m.HYPHEN | m.POINT | m.COMMA
_U0 = np.uint64(0)
_NUMBER = np.uint64(t.NUMBER_KEY)
_YEAR = np.uint64(t.YEAR_KEY)


class JunkLookup(NamedTuple):
    """What the kernel looks things up in."""

    marks: npt.NDArray[np.int64]
    classes: npt.NDArray[np.int32]
    lower: npt.NDArray[np.int32]
    phrases: p.Phrases
    terms: t.Terms
    market_words: npt.NDArray[np.int64]


class JunkScratch(NamedTuple):
    """Memory that documents share, one after the other."""

    line: npt.NDArray[np.int64]
    total: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]
    """By kind of phrase."""
    topics: Topics
    terms: t.TermScratch
    epoch: npt.NDArray[np.int64]
    """Number of the document in the scratch of topics, and in that of terms."""


@inner
def _hits(counts: npt.NDArray[np.int64], kinds: tuple[int, int]) -> int:
    """Phrases found of a range of kinds."""
    total = 0
    for kind in range(kinds[0], kinds[1]):
        total += counts[kind]
    return total


@inner
def _scan(
    data: npt.NDArray[np.uint8],
    start: int,
    end: int,
    lookup: JunkLookup,
    line: npt.NDArray[np.int64],
    total: npt.NDArray[np.int64],
    counts: npt.NDArray[np.int64],
    topics: Topics,
    keys: npt.NDArray[np.uint64],
    epoch: int,
) -> int:
    """Read a text; see the module. Gives how many words it left the keys of."""
    table, classes, lower, phrases, _, _ = lookup
    slots = slots_for(end - start)
    state = integer(0)
    # The word of a phrase.
    h = SEED
    group = np.uint64(0)
    held = 0
    size = tens = century = integer(0)
    # The word between white space.
    letters = uppers = digits = groups = seps = seen = length = integer(0)
    facts = last_letter = first = second = integer(0)
    ended = False
    # The line.
    last = integer(0)
    line_ended = False
    hits = sells = integer(0)
    before = before_cp = integer(0)
    known = integer(0)
    i = start
    vocabulary = phrases.vocabulary
    vocabulary_mask = len(vocabulary) // 2 - 1
    base = address(data)
    last_block = len(data) - WIDTH
    while i <= end:
        if size == 0 and i <= last_block:
            # A run of ASCII letters, which the rest would read one by one.
            run = min(lowest(~letters_ahead(base + i)), end - i)
            if 0 < run < WIDTH:
                capital = capitals(base + i) & ((1 << run) - 1)
                h, group, held = lower_letters(base + i, run)
                size = run
                mark = table[data[i + run - 1]]
                if letters == 0 and not capital & 1:
                    facts |= 1
                if length == 0:
                    first = table[data[i]]
                    second = table[data[i + 1]] if run > 1 else integer(0)
                elif length == 1:
                    second = table[data[i]]
                length += run
                letters += run
                uppers += population(capital)
                seen |= m.LETTER | m.WORD
                if capital:
                    seen |= m.UPPER
                before_cp = integer(data[i + run - 1])
                last_letter = before_cp | 32
                ended = False
                last = mark
                before = mark
                i += run
                if i == end:
                    continue
        at = i
        if i == end:
            cp = integer(10)
            mark = integer(m.BLANK | m.BREAK)
            i += 1
        elif data[i] < 128:
            cp = integer(data[i])
            mark = table[cp]
            i += 1
        else:
            cp, i = decode(data, i, end)
            mark = integer(m.wide_marks(cp, integer(classes[cp])))
            if cp == 0xFFFD:
                total[n.MOJIBAKE] += 1
            elif cp <= 0xBF or cp == 0x20AC or cp == 0x201E:
                broken = (before_cp == 0xC2 or before_cp == 0xC3) and cp <= 0xBF
                broken |= before_cp == 0xE2 and (cp == 0x20AC or cp == 0x80 or cp == 0x201E)
                total[n.MOJIBAKE] += broken
            total[n.EM_DASHES] += mark & m.EM_DASH != 0
        before_cp = cp
        if mark & m.WORD:
            low = cp | 32 if cp < 128 else integer(lower[cp])
            h, group, held = add_code_point(h, group, held, low)
            size += 1
            if mark & m.DIGIT:
                tens += 1
                if size <= 2:
                    century = century * 10 + cp - 48
        elif not mark & m.APOSTROPHE:
            if size:
                key = finish_word(h, group, held, size)
                slot = integer(key) & vocabulary_mask
                while vocabulary[2 * slot] != key and vocabulary[2 * slot] != _U0:
                    slot = (slot + 1) & vocabulary_mask
                value = integer(vocabulary[2 * slot + 1])
                if known < t.TERM_WORDS:
                    if tens == size:
                        dated = size == 4 and (century == 19 or century == 20)
                        keys[known] = _YEAR if dated else _NUMBER
                    else:
                        keys[known] = key
                    known += 1
                if tens == size and not value & p.NUMBERED:
                    year = size == 4 and (century == 19 or century == 20)
                    line[n.YEARS] += year
                    value |= phrases.pseudo[1] if year else phrases.pseudo[0]
                elif tens == 0 and size > 2 and not value & p.FUNCTION:
                    opening = total[n.LINES] == 0
                    add_content_word(topics, slots, epoch, key, opening)
                if state or value & p.STARTS:
                    state = p.follow(phrases, state, value, counts)
                if value & (p.FUNCTION | p.MONTH | p.BEST | p.JOINS | p.LOREM):
                    line[n.FUNCTION] += value & p.FUNCTION != 0
                    line[n.BEST] += value & p.BEST != 0
                    total[n.LOREM] += value & p.LOREM != 0
                    facts |= 4 if value & p.MONTH else 0
                    facts |= 8 if value & p.JOINS else 0
                h = SEED
                group = np.uint64(0)
                held = 0
                size = tens = century = integer(0)
            if mark & m.OPENS and i < end and data[i] < 128 and table[data[i]] & m.LETTER:
                state = p.follow(phrases, 0, phrases.pseudo[2], counts)
        if not mark & m.BLANK:
            if length == 0:
                first = mark
                second = integer(0)
            elif length == 1:
                second = mark
            length += 1
            seen |= mark
            if mark & m.LETTER:
                if letters == 0 and not mark & m.UPPER:
                    facts |= 1
                letters += 1
                uppers += mark & m.UPPER != 0
                last_letter = cp | 32
                total[n.SCRIPT_LETTERS] += mark & m.SCRIPT != 0
            elif mark & m.DIGIT:
                if not before & m.DIGIT:
                    if digits:
                        seps |= before & _SEPARATORS or 1
                    elif letters == 0 and before & (m.PLUS | m.HYPHEN):
                        facts |= 2
                    groups += 1
                digits += 1
            line[n.CODE_MARKS] += mark & m.CODE != 0
            if mark & m.END:
                ended = True
            elif not mark & m.CLOSER:
                ended = False
            last = mark
            before = mark
            continue
        if length:
            if line[n.SOLID] == 0:
                n.begin_line(first, second, last, letters, digits, length, line)
            line[n.SOLID] += length
            total[n.LETTERS] += letters
            facts |= 16 if ended else 0
            facts |= 32 if before & m.COMMA else 0
            n.end_word(
                letters,
                uppers,
                digits,
                groups,
                seps,
                seen,
                length,
                last_letter,
                facts,
                line,
                total,
            )
            line_ended = ended
            letters = uppers = digits = groups = seps = seen = length = integer(0)
            facts = last_letter = integer(0)
            ended = False
        before = mark
        if mark & m.BREAK and not (cp == 10 and at > start and at < end and data[at - 1] == 13):
            found = _hits(counts, FURNITURE_KINDS)
            line[n.HITS] = found - hits
            hits = found
            found = _hits(counts, SELLING_KINDS)
            line[n.SELLS] = found - sells
            sells = found
            n.end_line(last, line_ended, line, total)
            last = integer(0)
            line_ended = False
    return known


@borrowing_kernel
def measure_junk(
    data: npt.NDArray[np.uint8],
    offsets: npt.NDArray[np.int64],
    lookup: JunkLookup,
    scratch: JunkScratch,
    out: npt.NDArray[np.float64],
) -> None:
    """Fill a row of `out` (NaN where a signal is undefined) for each document of a batch."""
    line, total, counts, topics, terms, epochs = scratch
    for document in range(len(offsets) - 1):
        start, end = offsets[document], offsets[document + 1]
        line[:] = 0
        total[:] = 0
        counts[:] = 0
        topics.facts[:] = 0
        if epochs[0] >= LAST_EPOCH:
            topics.rows[:] = 0
            epochs[0] = 0
        epochs[0] += 1
        epoch = epochs[0]
        epochs[1] += 1
        known = _scan(data, start, end, lookup, line, total, counts, topics, terms.keys, epoch)
        tickers = count_tickers(data, start, end, lookup.market_words)
        repeated = opening_count(topics, slots_for(end - start), epoch)
        fill_row(total, counts, topics.facts, tickers, repeated, out[document])
        t.score_terms(lookup.terms, terms, known, epochs[1], out[document, JUNK_ANY_TERM_SCORE:])


def make_scratch(terms: t.Terms) -> JunkScratch:
    """Scratch for a thread; its size is fixed."""
    return JunkScratch(
        np.zeros(n.LINE_COUNTERS, np.int64),
        np.zeros(n.DOCUMENT_COUNTERS, np.int64),
        np.zeros(KINDS, np.int64),
        make_topics(),
        t.make_term_scratch(terms),
        np.zeros(2, np.int64),
    )
