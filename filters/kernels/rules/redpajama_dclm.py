"""One scan over a text for what is defined on plain words: RedPajama-V2 and DCLM's line rules.

Three readings of a word run side by side. *Chunks* stand between white space (DCLM). *Normal*
words are chunks in lower case without ASCII marks (RedPajama-V2's normalised text). *Raw* words
are runs of letters, digits and `_`, or runs of anything else but white space (WordPunct). Lines
stand between newline characters. They are read in one loop, and so in one long function, since
each loop over the characters of a text costs as much again.
"""

from __future__ import annotations

import string

import numpy as np
import numpy.typing as npt

from thresher.filters.kernels import inner, integer
from thresher.filters.kernels.rules import columns as at
from thresher.filters.kernels.rules.redpajama_dclm_lines import (
    begins_with_bullet,
    is_counter,
    line_ending,
)
from thresher.filters.kernels.rules.redpajama_dclm_tables import (
    DIGIT,
    DROPPED,
    FOREIGN,
    LATIN,
    LONG,
    LONGEST_STOP_WORD,
    LOWER,
    NUMERIC,
    POINT,
    SPACE,
    STOP_SHIFT,
    STOP_WAYS,
    UPPER,
    WORD,
    Plain,
)
from thresher.filters.kernels.text.decode import decode
from thresher.filters.kernels.text.hashing import (
    SEED,
    add_code_point,
    finish_word,
    hash_word,
    lower_letters,
    python_point_hash,
)
from thresher.filters.kernels.text.simd import WIDTH, address, capitals, letters, lowest, population

Bytes = npt.NDArray[np.uint8]

_COUNTED = UPPER | DIGIT | NUMERIC | LONG
_NO_STOP_WORD = UPPER | FOREIGN | DROPPED

UPPERCASE_SHARE = 0.5
NUMERIC_SHARE = 0.999999
FEWEST_WORDS = 2


_LOREM = np.uint64(python_point_hash("lorem"))
_IPSUM = np.uint64(python_point_hash("ipsum"))
_JAVASCRIPT = np.uint64(python_point_hash("javascript"))

# What may follow the letters of a plain chunk, by byte.
_NOTHING_PLAIN = 0
_WHITE = 1
_MARK = 2


def _after_letters() -> npt.NDArray[np.uint8]:
    after = np.zeros(256, np.uint8)
    after[[ord(mark) for mark in string.punctuation if mark != "_"]] = _MARK
    after[[byte for byte in range(128) if chr(byte).isspace()]] = _WHITE
    return after


_AFTER = _after_letters()
_SPACE_BYTE = 32


@inner
def _is_stop_word(h: np.uint64, stop_words: npt.NDArray[np.uint64]) -> bool:
    bucket = integer(h >> STOP_SHIFT) * STOP_WAYS
    found = False
    for k in range(STOP_WAYS):
        found |= stop_words[bucket + k] == h
    return found


@inner
def scan_plain(
    data: Bytes,
    start: int,
    end: int,
    characters: int,
    symbols: int,
    tables: Plain,
    hashes: npt.NDArray[np.uint64],
    ends: npt.NDArray[np.int64],
    row: npt.NDArray[np.float64],
) -> int:
    """Fill `dclm` and what of `redpajama` needs no n-grams; returns the number of normal words.

    `hashes` holds as many normal words as it has room for, and `ends[k]` the characters of the
    first k together. The last line is closed by a newline that is not there.
    """
    facts, lengths, stop_words = tables
    for column in range(at.DCLM_UPPERCASE_LINES, at.DCLM_REMOVED_CHARACTERS + 1):
        row[column] = 0
    room = len(hashes)
    reached = integer(0)
    words = word_characters = chunks = 0
    raw = caps = alphabetic = stops = 0
    sentences = lorem = javascript = curly = 0
    lines = terminal = ellipses = bullets = 0
    numeric_sum = upper_sum = line_words_sum = 0.0
    removed_words = 0
    before = np.uint64(0)
    in_sentence = False
    # The line.
    length = upper = digits = numeric = 0
    first_chunk = chunks
    first_word = words
    first_character = word_characters
    solid_start = -1
    solid_end = start
    # The chunk and normal word, and the raw word.
    in_chunk = False
    h = SEED
    group = np.uint64(0)
    held = 0
    hashed = 0
    count = 0
    kind = 0
    any_flags = integer(0)
    raw_start = start
    base = address(data)
    last_block = len(data) - WIDTH
    i = start
    while i <= end:
        if kind == 0:
            begin = i
            known = words
            part = integer(0)
            marks = integer(0)
            while i <= last_block:
                # A plain chunk: ASCII letters, perhaps a mark, then white space or the end.
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
                        if after != _MARK or (stop < end and _AFTER[data[stop]] != _WHITE):
                            break
                h, group, held = lower_letters(base + i, n)
                value = finish_word(h, group, held, n)
                capital = population(capitals(base + i) & ((1 << n) - 1))
                caps += capital == n
                upper += capital
                bucket = integer(value >> STOP_SHIFT) * STOP_WAYS
                listed = False
                for k in range(STOP_WAYS):
                    listed |= stop_words[bucket + k] == value
                stops += integer(listed) & integer(capital == 0)
                sentences += not in_sentence
                in_sentence = True
                if after != _WHITE:
                    marks += 1
                    in_sentence = not (mark == 46 or mark == 33 or mark == 63)
                    curly += mark == 123 or mark == 125
                part += n
                if words < room:
                    hashes[words] = value
                    reached += n
                    ends[words + 1] = reached
                words += 1
                lorem += value == _IPSUM and before == _LOREM
                javascript += value == _JAVASCRIPT
                before = value
                solid_end = stop
                i = stop
                if i >= end:
                    break
                i += data[i] == _SPACE_BYTE
            h, group, held = SEED, np.uint64(0), 0
            if words > known:
                found = words - known
                raw += found + marks
                alphabetic += found
                chunks += found
                word_characters += part
                length += i - begin
                if solid_start < 0:
                    solid_start = begin
        cp = integer(10)
        following = i + 1
        if i < end:
            cp = integer(data[i])
            if cp >= 0x80:
                cp, following = decode(data, i, end)
        elif length == 0:
            cp = integer(32)  # no line to close
        fact = integer(facts[cp])
        following_kind = 1 if fact & WORD or cp == 95 else 2
        if fact & SPACE:
            following_kind = 0
        if kind != following_kind:
            if kind:
                if any_flags & UPPER and not any_flags & LOWER:
                    caps += 1
                if any_flags & LATIN:
                    alphabetic += 1
                    if i - raw_start <= LONGEST_STOP_WORD and not any_flags & _NO_STOP_WORD:
                        stops += _is_stop_word(hash_word(data, raw_start, i), stop_words)
            raw += following_kind > 0
            kind = following_kind
            any_flags = integer(0)
            raw_start = i
        if kind == 0:
            if in_chunk:
                in_chunk = False
                solid_end = i
                if count:
                    value = finish_word(h, group, held, hashed)
                    if words < room:
                        hashes[words] = value
                        reached += count
                        ends[words + 1] = reached
                    words += 1
                    word_characters += count
                    lorem += value == _IPSUM and before == _LOREM
                    javascript += value == _JAVASCRIPT
                    before = value
                    h = SEED
                    group = np.uint64(0)
                    held = 0
                    hashed = 0
                    count = 0
            if cp != 10:
                length += i < end
                i = following
                continue
            # The end of a line.
            whole = length + (i < end)
            line_chunks = chunks - first_chunk
            line_words = words - first_word
            line_characters = word_characters - first_character + max(line_words - 1, 0)
            lines += 1
            upper_sum += upper / whole
            line_words_sum += line_words
            if line_characters:
                numeric_sum += numeric / line_characters
            counter = False
            if solid_start >= 0:
                ending = line_ending(data, solid_start, solid_end)
                terminal += ending & 1
                ellipses += ending >> 1
                bullets += begins_with_bullet(data, solid_start, solid_end)
                if digits and line_chunks > 1:
                    counter = is_counter(data, solid_start, solid_end, facts)
            if length:
                removed = counter
                if upper / length > UPPERCASE_SHARE:
                    row[at.DCLM_UPPERCASE_LINES] += 1
                    row[at.DCLM_UPPERCASE_WORDS] += line_chunks
                    row[at.DCLM_UPPERCASE_CHARACTERS] += length
                    removed = True
                if digits / length > NUMERIC_SHARE:
                    row[at.DCLM_NUMERIC_LINES] += 1
                    row[at.DCLM_NUMERIC_WORDS] += line_chunks
                    row[at.DCLM_NUMERIC_CHARACTERS] += length
                    removed = True
                if counter:
                    row[at.DCLM_COUNTER_LINES] += 1
                    row[at.DCLM_COUNTER_WORDS] += line_chunks
                    row[at.DCLM_COUNTER_CHARACTERS] += length
                if line_chunks < FEWEST_WORDS:
                    row[at.DCLM_SHORT_LINES] += 1
                    row[at.DCLM_SHORT_WORDS] += line_chunks
                    row[at.DCLM_SHORT_CHARACTERS] += length
                    removed = True
                if removed:
                    row[at.DCLM_REMOVED_LINES] += 1
                    row[at.DCLM_REMOVED_CHARACTERS] += length
                    removed_words += line_chunks
            length = upper = digits = numeric = 0
            first_chunk = chunks
            first_word = words
            first_character = word_characters
            solid_start = -1
            i = following
            continue
        if not in_chunk:
            in_chunk = True
            chunks += 1
            if solid_start < 0:
                solid_start = i
        if kind == 2 or cp == 95:
            any_flags |= fact
            length += 1
            i = following
            if cp == 46 or cp == 33 or cp == 63:
                in_sentence = False
            elif cp == 123 or cp == 125:
                curly += 1
            elif cp == 95 and not in_sentence:
                sentences += 1
                in_sentence = True
            if not fact & DROPPED:
                h, group, held = add_code_point(h, group, held, fact & POINT)
                hashed += 1
                count += integer(lengths[cp])
                if fact & _COUNTED:
                    upper += fact & UPPER != 0
                    digits += fact & DIGIT != 0
                    numeric += fact & NUMERIC != 0
            continue
        if not in_sentence:
            sentences += 1
            in_sentence = True
        run = i
        run_flags = integer(0)
        n = 0
        while True:
            h, group, held = add_code_point(h, group, held, fact & POINT)
            run_flags |= fact
            n += 1
            i = following
            if i >= end:
                break
            cp = integer(data[i])
            following = i + 1
            if cp >= 0x80:
                cp, following = decode(data, i, end)
            fact = integer(facts[cp])
            if not fact & WORD:
                break
        any_flags |= run_flags
        hashed += n
        length += n
        count += n
        if run_flags & _COUNTED:
            while run < i:
                cp, run = decode(data, run, end)
                fact = integer(facts[cp])
                upper += fact & UPPER != 0
                digits += fact & DIGIT != 0
                numeric += fact & NUMERIC != 0
                count += integer(lengths[cp]) - 1
    row[at.DCLM_REMOVED_WORDS] = removed_words
    if chunks:
        row[at.DCLM_REMOVED_WORD_FRACTION] = removed_words / chunks
    row[at.REDPAJAMA_CCNET_NLINES] = lines
    row[at.REDPAJAMA_WORD_COUNT] = words
    row[at.REDPAJAMA_SENTENCE_COUNT] = sentences
    row[at.REDPAJAMA_JAVASCRIPT_WORDS] = javascript
    if raw:
        row[at.REDPAJAMA_ALL_CAPS_WORD_FRACTION] = caps / raw
        row[at.REDPAJAMA_NO_ALPHABETIC_WORD_FRACTION] = (raw - alphabetic) / raw
        row[at.REDPAJAMA_STOP_WORD_FRACTION] = stops / raw
        row[at.REDPAJAMA_SYMBOL_WORD_RATIO] = symbols / raw
    if words:
        row[at.REDPAJAMA_MEAN_WORD_CHARACTERS] = word_characters / words
        row[at.REDPAJAMA_LOREM_IPSUM_RATIO] = lorem / (word_characters + words - 1)
    if lines:
        row[at.REDPAJAMA_ELLIPSIS_LINE_FRACTION] = ellipses / lines
        row[at.REDPAJAMA_TERMINAL_MARK_LINE_FRACTION] = terminal / lines
        row[at.REDPAJAMA_BULLET_LINE_FRACTION] = bullets / lines
        row[at.REDPAJAMA_LINE_WORDS] = line_words_sum / lines
        row[at.REDPAJAMA_LINE_NUMERIC_CHARACTER_FRACTION] = numeric_sum / lines
        row[at.REDPAJAMA_LINE_UPPERCASE_CHARACTER_FRACTION] = upper_sum / lines
    row[at.REDPAJAMA_CCNET_LENGTH] = characters
    if characters:
        row[at.REDPAJAMA_CURLY_BRACKET_RATIO] = curly / characters
    return words
