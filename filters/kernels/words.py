"""Words: one scan over a line that hashes each word and counts what Gopher and C4 ask of it.

A word is what spaCy's English rules make of a chunk between white space (`affixes`), except
that each letter of a script written without spaces (Chinese, Japanese, Thai, Lao, Khmer,
Myanmar) is a word of its own, with the marks that follow it. A chunk of more than CHUNK
characters is cut there, so that a hostile line costs linear time.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from filters.kernels import inner, integer
from filters.kernels.affixes import CUT, FLAG_SHIFT, Points, code, cut_chunk, find, flags_of
from filters.kernels.decode import decode
from filters.kernels.exceptions import EXCEPTION, LONGEST, STOP_SHIFT, Words
from filters.kernels.hashing import SEED, finish, fold
from filters.kernels.tables import (
    ALPHA,
    DIGIT,
    MARK,
    PUNCTUATION,
    SCRIPT,
    SPACE,
    SYMBOL,
    TERMINAL,
)

CHUNK = 1 << 15
"""Characters of the longest chunk that is split as a whole."""

# Counters of a document.
WORDS = 0
NONSYMBOL = 1
NONSYMBOL_CHARACTERS = 2
ALPHABETIC = 3
STOP_MASK = 4
STOP_OCCURRENCES = 5
SENTENCES = 6
SPACELESS = 7
CHARACTERS = 8
COUNTERS = 9

_LONGEST_STOP_WORD = 4


@inner
def split_words(
    data: npt.NDArray[np.uint8],
    start: int,
    end: int,
    chunk: Points,
    counters: npt.NDArray[np.int64],
    hashes: npt.NDArray[np.uint64],
    ends: npt.NDArray[np.int64],
    classes: npt.NDArray[np.int32],
    words: Words,
) -> tuple[int, int]:
    """Split a line, count its words and append them to the words of the document.

    Returns the number of its chunks (stretches between white space, and letters of scripts
    without spaces) and the characters of the longest, CHUNK at most.

    `hashes` holds as many words as it has room for, and `ends[k]` the characters of the first k
    words together; counting goes on beyond. A sentence starts with the first word of a line,
    and with the first word that is no punctuation after a terminal mark that is a word of its
    own (spaCy's sentencizer).
    """
    open_sentence = False
    ended = False
    chunks = 0
    longest = 0
    i = start
    while i < end:
        cp = integer(data[i])
        following = i + 1
        if cp >= 0x80:
            cp, following = decode(data, i, end)
        flags = integer(classes[cp])
        if flags & SPACE:
            i = following
            continue
        n = 0
        any_flags = integer(0)
        all_flags = integer(-1)
        h = SEED
        script = flags & SCRIPT != 0
        while n < CHUNK:
            chunk[n] = cp | flags << FLAG_SHIFT
            h = fold(h, cp)
            any_flags |= flags
            all_flags &= flags
            n += 1
            i = following
            if i >= end:
                break
            cp = integer(data[i])
            following = i + 1
            if cp >= 0x80:
                cp, following = decode(data, i, end)
            flags = integer(classes[cp])
            if flags & (SPACE | SCRIPT) or (script and not flags & MARK):
                break
        chunks += 1
        longest = max(longest, n)
        counters[SPACELESS] += script
        whole = True
        value = 0
        if all_flags & (ALPHA | DIGIT):
            if n <= LONGEST:
                value = find(words, h)
                if value & EXCEPTION:
                    for k in range(1, n):
                        if value >> k & 1:
                            chunk[k] |= CUT
                            whole = False
        elif not script:
            chunk[n] = 0
            cut_chunk(chunk, n, words)
            whole = False
        last = 0
        while last < n:
            first = last
            if whole:
                last = n
            else:
                h = SEED
                any_flags = integer(0)
                all_flags = integer(-1)
                while True:
                    h = fold(h, code(chunk[last]))
                    any_flags |= flags_of(chunk[last])
                    all_flags &= flags_of(chunk[last])
                    last += 1
                    if last >= n or chunk[last] & CUT:
                        break
                value = 0
                if any_flags & ALPHA and last - first <= _LONGEST_STOP_WORD:
                    value = find(words, h)
            characters = last - first
            row = counters[WORDS]
            counters[WORDS] = row + 1
            counters[CHARACTERS] += characters
            if row < len(hashes):
                hashes[row] = finish(h)
                ends[row + 1] = ends[row] + characters
            if not all_flags & SYMBOL:
                counters[NONSYMBOL] += 1
                counters[NONSYMBOL_CHARACTERS] += characters
            if any_flags & ALPHA:
                counters[ALPHABETIC] += 1
                stop_word = value >> STOP_SHIFT
                if stop_word:
                    counters[STOP_MASK] |= stop_word
                    counters[STOP_OCCURRENCES] += 1
            terminal = characters == 1 and any_flags & TERMINAL != 0
            if not open_sentence or (ended and not terminal and not all_flags & PUNCTUATION):
                counters[SENTENCES] += 1
                open_sentence = True
                ended = False
            if terminal:
                ended = True
    return chunks, longest
