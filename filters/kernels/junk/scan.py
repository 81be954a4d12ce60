"""The junk families in one pass: characters make words, words make phrases and lines.

A *word* of these families is what stands between white space and holds a letter or a digit; the
words of phrases are runs of letters and digits within them. See `lines` for what a line is,
`phrases` for phrases, `topics` for what a text dwells on. The scan is one loop over the characters
of a text, and so one long function.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from thresher.filters.kernels import borrowing_kernel, inner, integer
from thresher.filters.kernels.junk import lines as n
from thresher.filters.kernels.junk import marks as m
from thresher.filters.kernels.junk import phrases as p
from thresher.filters.kernels.junk import terms as t
from thresher.filters.kernels.junk import words as w
from thresher.filters.kernels.junk.columns import JUNK_ANY_TERM_SCORE
from thresher.filters.kernels.junk.fill import FURNITURE_KINDS, KINDS, SELLING_KINDS, fill_row
from thresher.filters.kernels.junk.market import count_tickers
from thresher.filters.kernels.junk.topics import CONTENT_WORDS, Topics, count_topics, make_topics
from thresher.filters.kernels.text.decode import decode
from thresher.filters.kernels.text.hashing import SEED, add_code_point, finish_word, lower_letters
from thresher.filters.kernels.text.line_ends import is_mojibake
from thresher.filters.kernels.text.simd import WIDTH, address, capitals, lowest, population
from thresher.filters.kernels.text.simd import letters as letters_ahead

_SEPARATORS = m.COLON | m.SLASH | m.HYPHEN | m.POINT | m.COMMA
_LETTER = m.LETTER | m.WORD


class JunkLookup(NamedTuple):
    """What the kernel looks things up in."""

    marks: npt.NDArray[np.int64]
    classes: npt.NDArray[np.int32]
    lower: npt.NDArray[np.int32]
    words: w.Words
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
    asked: npt.NDArray[np.int64],
    content: npt.NDArray[np.uint64],
) -> tuple[int, int, int]:
    """Read a text; see the module.

    Gives how many words it left the values of in `asked`; how many content words it left the keys
    of in `content`, and how many of these are of the first line.
    """
    table, classes, lower, words, phrases, _, _ = lookup
    vocabulary, pseudo = words
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
    line_ended = found_any = False
    hits = sells = integer(0)
    before = before_cp = integer(0)
    known = dwelt = opening = integer(0)
    i = start
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
                if letters == 0 and not capital & 1:
                    facts |= 1
                if length == 0:
                    first = integer(_LETTER)
                    second = integer(_LETTER) if run > 1 else integer(0)
                elif length == 1:
                    second = integer(_LETTER)
                length += run
                letters += run
                uppers += population(capital)
                seen |= _LETTER
                before_cp = integer(data[i + run - 1])
                last_letter = before_cp | 32
                ended = False
                last = before = integer(_LETTER)
                i += run
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
                total[n.MOJIBAKE] += is_mojibake(before_cp, cp)
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
                value = w.value_of(vocabulary, key)
                asked[known] = value
                if tens:
                    if tens == size:
                        year = size == 4 and (century == 19 or century == 20)
                        asked[known] = pseudo[1] if year else pseudo[0]
                        if not value & w.PHRASED:
                            line[n.YEARS] += year
                            value = asked[known]
                else:
                    content[dwelt] = key
                    dwells = (size > 2) & (value & w.FUNCTION == 0) & (dwelt < CONTENT_WORDS)
                    dwelt += integer(dwells)
                known += integer(known < t.TERM_WORDS)
                reached = integer(0)
                if state and value & w.FOLLOWS:
                    while state and not reached:
                        reached = w.linked(phrases.links, state, value & w.NUMBER)
                        state = integer(phrases.fallback[state])
                state = reached or value >> w.STATE_SHIFT & w.NUMBER
                if state >= phrases.finding:
                    p.count_found(phrases, state, counts)
                    found_any = True
                line[n.FUNCTION] += value >> w.FUNCTION_SHIFT & 1
                if value & (w.MONTH | w.BEST | w.JOINS | w.LOREM):
                    line[n.BEST] += value & w.BEST != 0
                    total[n.LOREM] += value & w.LOREM != 0
                    facts |= 4 if value & w.MONTH else 0
                    facts |= 8 if value & w.JOINS else 0
                h = SEED
                group = np.uint64(0)
                held = 0
                size = tens = century = integer(0)
            if mark & m.OPENS and i < end and data[i] < 128 and table[data[i]] & m.LETTER:
                state = pseudo[2] >> w.STATE_SHIFT & w.NUMBER
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
            if digits or facts & 4:
                n.count_figure(
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
            elif letters:
                line[n.MONTH] = 0
            elif seen & m.MONEY:
                line[n.PRICES] += 1
                total[n.ALL_MONEY] += 1
            if letters or digits:
                n.count_word(letters, uppers, digits, facts, line, total)
            line_ended = ended
            letters = uppers = digits = groups = seps = seen = length = integer(0)
            facts = last_letter = integer(0)
            ended = False
        before = mark
        if mark & m.BREAK and not (cp == 10 and at > start and at < end and data[at - 1] == 13):
            if found_any:
                found = _hits(counts, FURNITURE_KINDS)
                line[n.HITS] = found - hits
                hits = found
                found = _hits(counts, SELLING_KINDS)
                line[n.SELLS] = found - sells
                sells = found
                found_any = False
            if total[n.LINES] == 0:
                opening = dwelt
            n.end_line(last, line_ended, line, total)
            last = integer(0)
            line_ended = False
    return known, dwelt, opening


@borrowing_kernel
def measure_junk(
    data: npt.NDArray[np.uint8],
    offsets: npt.NDArray[np.int64],
    lookup: JunkLookup,
    scratch: JunkScratch,
    out: npt.NDArray[np.float64],
) -> None:
    """Fill a row of `out` (NaN where a signal is undefined) for each document of a batch."""
    line, total, counts, topics, terms = scratch
    for document in range(len(offsets) - 1):
        start, end = offsets[document], offsets[document + 1]
        line[:] = 0
        total[:] = 0
        counts[:] = 0
        asked, content, opening = _scan(
            data, start, end, lookup, line, total, counts, terms.words, topics.keys
        )
        tickers = count_tickers(data, start, end, lookup.market_words)
        count_topics(topics, content, opening)
        fill_row(total, counts, topics.facts, tickers, out[document])
        t.score_terms(lookup.terms, terms, asked, out[document, JUNK_ANY_TERM_SCORE:])


def make_scratch(terms: t.Terms) -> JunkScratch:
    """Scratch for a thread; its size is fixed."""
    return JunkScratch(
        np.zeros(n.LINE_COUNTERS, np.int64),
        np.zeros(n.DOCUMENT_COUNTERS, np.int64),
        np.zeros(KINDS, np.int64),
        make_topics(),
        t.make_term_scratch(terms),
    )
