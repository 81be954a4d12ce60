"""How much of a text is words of its title: content words of both, compared as hashes.

Words are those of the junk families: content words, as `scan` gives them to `topics`, have three
letters or more, no digits, and are no function words. Both scans read words alike; this one reads
two texts, and nothing else.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from thresher.filters.kernels import borrowed, borrowing_kernel, inner, integer
from thresher.filters.kernels.junk import marks as m
from thresher.filters.kernels.junk import words as w
from thresher.filters.kernels.text.decode import decode
from thresher.filters.kernels.text.hashing import SEED, add_code_point, finish_word, lower_letters
from thresher.filters.kernels.text.simd import WIDTH, address, lowest
from thresher.filters.kernels.text.simd import letters as letters_ahead

TITLE_WORDS = 64
"""Different content words of a title that are looked at."""
TITLE_SLOTS = 256

_U0 = np.uint64(0)

# Of what a scan finds.
CONTENT = 0
"""Content words."""
SHARED = 1
"""Of these, those in the table of the title."""
LETTERS = 2
SPACELESS = 3
"""Letters of scripts without spaces."""
FOUND = 4


@inner
def _slot(table: npt.NDArray[np.uint64], key: np.uint64) -> int:
    """Where a hash stands in an open table, or the empty slot where it would."""
    mask = len(table) - 1
    slot = integer(key) & mask
    while table[slot] != key and table[slot] != _U0:
        slot = slot + 1 & mask
    return slot


@inner
def _scan(
    data: npt.NDArray[np.uint8],
    start: int,
    end: int,
    table: npt.NDArray[np.int64],
    classes: npt.NDArray[np.int32],
    lower: npt.NDArray[np.int32],
    vocabulary: npt.NDArray[np.uint64],
    title: npt.NDArray[np.uint64],
    fill: bool,
    found: npt.NDArray[np.int64],
) -> None:
    """Count the content words of one text, and those in `title`; `fill` puts them there instead."""
    found[:] = 0
    h = SEED
    group = _U0
    held = size = digits = integer(0)
    base = address(data)
    last_block = len(data) - WIDTH
    i = start
    while i <= end:
        if size == 0 and i <= last_block:
            # A run of ASCII letters, which the rest would read one by one.
            run = min(lowest(~letters_ahead(base + i)), end - i)
            if 0 < run < WIDTH:
                h, group, held = lower_letters(base + i, run)
                size = run
                found[LETTERS] += run
                i += run
        mark = integer(m.BLANK)
        cp = integer(32)
        following = i + 1
        if i < end:
            cp = integer(data[i])
            if cp < 128:
                mark = integer(table[cp])
            else:
                cp, following = decode(data, i, end)
                mark = integer(m.wide_marks(cp, integer(classes[cp])))
        i = following
        if mark & m.WORD:
            low = cp | 32 if cp < 128 else integer(lower[cp])
            h, group, held = add_code_point(h, group, held, low)
            size += 1
            digits += mark & m.DIGIT != 0
            found[LETTERS] += mark & m.LETTER != 0
            found[SPACELESS] += mark & m.SCRIPT != 0
        elif size and not mark & m.APOSTROPHE:
            if size > 2 and digits == 0:
                key = finish_word(h, group, held, size)
                if not w.value_of(vocabulary, key) & w.FUNCTION:
                    found[CONTENT] += 1
                    slot = _slot(title, key)
                    if fill and title[slot] != key and found[SHARED] < TITLE_WORDS:
                        title[slot] = key
                        found[SHARED] += 1
                    elif not fill:
                        found[SHARED] += title[slot] == key
            h = SEED
            group = _U0
            held = size = digits = integer(0)


@borrowing_kernel
def compare_titles(
    texts: npt.NDArray[np.uint8],
    text_offsets: npt.NDArray[np.int64],
    titles: npt.NDArray[np.uint8],
    title_offsets: npt.NDArray[np.int64],
    table: npt.NDArray[np.int64],
    classes: npt.NDArray[np.int32],
    lower: npt.NDArray[np.int32],
    vocabulary: npt.NDArray[np.uint64],
    title: npt.NDArray[np.uint64],
    out: npt.NDArray[np.int64],
) -> None:
    """Fill a row of `FOUND` counts for each text; zeros where its title has no content word.

    Args:
        texts: UTF-8 of all texts.
        text_offsets: where each starts, and the end of the last.
        titles: UTF-8 of all titles.
        title_offsets: the same of titles.
        table: flags by ASCII byte (`marks.byte_marks`).
        classes: flags of code points.
        lower: lower case of code points.
        vocabulary: what the junk families know of words, function words among them.
        title: scratch of TITLE_SLOTS.
        out: filled.
    """
    texts, titles = borrowed(texts), borrowed(titles)
    table, classes, lower = borrowed(table), borrowed(classes), borrowed(lower)
    vocabulary, title, out = borrowed(vocabulary), borrowed(title), borrowed(out)
    for row in range(len(text_offsets) - 1):
        title[:] = _U0
        found = out[row]
        start, end = title_offsets[row], title_offsets[row + 1]
        _scan(titles, start, end, table, classes, lower, vocabulary, title, True, found)
        if found[SHARED] == 0:
            found[:] = 0
            continue
        start, end = text_offsets[row], text_offsets[row + 1]
        _scan(texts, start, end, table, classes, lower, vocabulary, title, False, found)
