"""Words: one scan over a line that hashes each word and counts what Gopher and C4 ask of it.

A word is what spaCy's English rules make of a chunk between white space (`affixes`), except
that each letter of a script written without spaces (Chinese, Japanese, Thai, Lao, Khmer,
Myanmar) is a word of its own, with the marks that follow it. A chunk of more than CHUNK
characters is cut there, so that a hostile line costs linear time.

This module and `redpajama_dclm` are long since each is one loop over the characters of a text: a
call per character, or a second loop, would cost more than all that the loop does.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from thresher.filters.kernels import inlined, inner, integer
from thresher.filters.kernels.rules.affixes import cut_chunk, find
from thresher.filters.kernels.rules.chunk_points import CUT, FLAG_SHIFT, Points, code, flags_of
from thresher.filters.kernels.rules.exceptions import (
    EXCEPTION,
    FILTER_MASK,
    LONGEST,
    SHORT_STOP_BITS,
    SHORT_STOP_WORDS,
    STOP_MULTIPLIER,
    STOP_SHIFT,
    STOP_SLOT_SHIFT,
    Lexicon,
)
from thresher.filters.kernels.text.decode import decode
from thresher.filters.kernels.text.hashing import (
    SEED,
    finish,
    first_bytes,
    fold,
    fold_group,
    hash_word,
    python_point_hash,
)
from thresher.filters.kernels.text.simd import WIDTH, address, eight, letters, lowest
from thresher.filters.kernels.text.tables import (
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


# What may follow the letters of a plain chunk, by byte.
_NOTHING_PLAIN = 0
_WHITE = 1
_MARK = 2
_POINT = 3


def _after_letters() -> npt.NDArray[np.uint8]:
    after = np.zeros(256, np.uint8)
    after[[ord(mark) for mark in ',:;!?)]}>"']] = _MARK
    after[ord(".")] = _POINT
    after[[byte for byte in range(128) if chr(byte).isspace()]] = _WHITE
    return after


_AFTER = _after_letters()
_SPACE_BYTE = 32
_U1 = np.uint64(1)
_U6 = np.uint64(6)
_U63 = np.uint64(63)
_MARKS = np.array([python_point_hash(chr(byte)) for byte in range(128)], np.uint64)


@inlined
def _width(cp: int) -> int:
    """Bytes of a code point."""
    return 1 + (cp >= 0x80) + (cp >= 0x800) + (cp >= 0x10000)


@inlined
def hash_letters(where: int, n: int) -> tuple[np.uint64, np.uint64]:
    """`hash_word` of `n` bytes at an address, where WIDTH can be read; and the first 8 of them."""
    first = first_bytes(eight(where), min(n, 8))
    h = fold_group(SEED, first)
    k = 8
    while k < n:
        h = fold_group(h, first_bytes(eight(where + k), min(n - k, 8)))
        k += 8
    return finish(h + np.uint64(n)), first


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
    lexicon: Lexicon,
) -> tuple[int, int]:
    """Split a line, count its words and append them to the words of the document.

    Returns the number of its chunks (stretches between white space, and letters of scripts
    without spaces) and the characters of the longest, CHUNK at most.

    `hashes` holds as many words as it has room for, and `ends[k]` the characters of the first k
    words together; counting goes on beyond. A sentence starts with the first word of a line,
    and with the first word that is no punctuation after a terminal mark that is a word of its
    own (spaCy's sentencizer).

    A plain chunk, of ASCII letters and perhaps one mark behind them, is cut without a look at
    each letter; what else there is becomes points for `cut_chunk`.
    """
    words, filter_bits = lexicon
    open_sentence = False
    ended = False
    chunks = 0
    longest = 0
    room = len(hashes)
    total = integer(counters[WORDS])
    reached = integer(ends[min(total, room)])
    sentences = integer(0)
    characters = integer(0)
    solid = integer(0)
    solid_characters = integer(0)
    alphabetic = integer(0)
    stop_mask = integer(0)
    stop_words = integer(0)
    base = address(data)
    last_block = len(data) - WIDTH
    i = start
    while i < end:
        known = total
        part = integer(0)
        marks = integer(0)
        while i <= last_block:
            n = min(lowest(~letters(base + i)), end - i)
            if n <= 0 or n >= WIDTH:
                break
            stop = i + n
            mark = integer(_SPACE_BYTE)
            after = integer(_WHITE)
            if stop < end:
                mark = integer(data[stop])
                after = integer(_AFTER[mark])
                if after != _WHITE:
                    stop += 1
                    if after == _NOTHING_PLAIN or (stop < end and _AFTER[data[stop]] != _WHITE):
                        break
                    if after == _POINT:
                        if data[stop - 2] < 97:  # a capital: it may be an abbreviation
                            break
                        place = hash_word(data, i, stop) & FILTER_MASK
                        if filter_bits[place >> _U6] >> (place & _U63) & _U1:
                            break
            h, first = hash_letters(base + i, n)
            place = h & FILTER_MASK
            if filter_bits[place >> _U6] >> (place & _U63) & _U1:
                break
            longest = max(longest, stop - i)
            part += n
            if total < room:
                hashes[total] = h
                reached += n
                ends[total + 1] = reached
            total += 1
            slot = first * STOP_MULTIPLIER >> STOP_SLOT_SHIFT
            is_stop_word = integer(SHORT_STOP_WORDS[slot] == first)
            stop_mask |= is_stop_word << integer(SHORT_STOP_BITS[slot])
            stop_words += is_stop_word
            sentences += ended or not open_sentence
            open_sentence = True
            ended = False
            if after != _WHITE:
                if total < room:
                    hashes[total] = _MARKS[mark]
                    reached += 1
                    ends[total + 1] = reached
                total += 1
                marks += 1
                flags = integer(classes[mark])
                ended = flags & TERMINAL != 0
                if not flags & SYMBOL:
                    solid += 1
                    solid_characters += 1
            i = stop
            if i >= end:
                break
            i += data[i] == _SPACE_BYTE
        found = total - known - marks
        chunks += found
        alphabetic += found
        solid += found
        solid_characters += part
        characters += part + marks
        if i >= end:
            break
        cp = integer(data[i])
        following = i + 1
        if cp >= 0x80:
            cp, following = decode(data, i, end)
        flags = integer(classes[cp])
        if flags & SPACE:
            i = following
            continue
        begin = i
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
        stop = begin
        while last < n:
            first_point = last
            begin = stop
            if whole:
                last = n
                stop = i
            else:
                h = SEED
                any_flags = integer(0)
                all_flags = integer(-1)
                while True:
                    point = code(chunk[last])
                    h = fold(h, point)
                    stop += _width(point)
                    any_flags |= flags_of(chunk[last])
                    all_flags &= flags_of(chunk[last])
                    last += 1
                    if last >= n or chunk[last] & CUT:
                        break
                stop = min(stop, i)  # what is no UTF-8 decodes to a wider character
                value = 0
                if any_flags & ALPHA and last - first_point <= _LONGEST_STOP_WORD:
                    value = find(words, h)
            length = last - first_point
            if total < room:
                hashes[total] = hash_word(data, begin, stop)
                reached += length
                ends[total + 1] = reached
            total += 1
            characters += length
            if not all_flags & SYMBOL:
                solid += 1
                solid_characters += length
            if any_flags & ALPHA:
                alphabetic += 1
                stop_word = value >> STOP_SHIFT
                if stop_word:
                    stop_mask |= stop_word
                    stop_words += 1
            terminal = length == 1 and any_flags & TERMINAL != 0
            if not open_sentence or (ended and not terminal and not all_flags & PUNCTUATION):
                sentences += 1
                open_sentence = True
                ended = False
            if terminal:
                ended = True
    counters[WORDS] = total
    counters[CHARACTERS] += characters
    counters[NONSYMBOL] += solid
    counters[NONSYMBOL_CHARACTERS] += solid_characters
    counters[ALPHABETIC] += alphabetic
    counters[STOP_MASK] |= stop_mask
    counters[STOP_OCCURRENCES] += stop_words
    counters[SENTENCES] += sentences
    return chunks, longest
