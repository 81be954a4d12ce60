"""One scan over a text for what is defined on plain words: RedPajama-V2 and DCLM's line rules.

Three readings of a word run side by side. *Chunks* stand between white space (DCLM). *Normal*
words are chunks in lower case without ASCII marks (RedPajama-V2's normalised text). *Raw* words
are runs of letters, digits and `_`, or runs of anything else but white space (WordPunct). Lines
stand between newline characters.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from filters.kernels import columns as at
from filters.kernels import inner, integer
from filters.kernels.decode import decode
from filters.kernels.exceptions import MASK, python_hash
from filters.kernels.facts import (
    DECIMAL,
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
    STOP_SLOTS,
    UPPER,
    WORD,
    Facts,
    Plain,
)
from filters.kernels.hashing import MULTIPLIER, SEED, finish, fold

Bytes = npt.NDArray[np.uint8]

_COUNTED = UPPER | DIGIT | NUMERIC | LONG
_NO_STOP_WORD = UPPER | FOREIGN | DROPPED

COUNTERS = (
    "likes shares comments retweets reposts quotes bookmarks upvotes downvotes downloads views "
    "followers"
).split()
"""What DCLM takes for a social counter behind a number."""

_COUNTER_BYTES = np.frombuffer("".join(COUNTERS).encode(), np.uint8)
_COUNTER_ENDS = tuple(np.cumsum([len(word) for word in COUNTERS]).tolist())

UPPERCASE_SHARE = 0.5
NUMERIC_SHARE = 0.999999
FEWEST_WORDS = 2


def _plain_hash(word: str) -> np.uint64:
    """The hash of a normal word, in Python."""
    h = python_hash(word)
    h = (h ^ h >> 33) * 0xFF51AFD7ED558CCD & MASK
    h = (h ^ h >> 33) * 0xC4CEB9FE1A85EC53 & MASK
    return np.uint64(h ^ h >> 33)


_LOREM = _plain_hash("lorem")
_IPSUM = _plain_hash("ipsum")
_JAVASCRIPT = _plain_hash("javascript")


@inner
def _is_stop_word(code: np.uint64, length: int, stop_words: npt.NDArray[np.uint64]) -> bool:
    """Whether a word of letters from a to z, five bits each in `code`, is in the list."""
    key = (code + np.uint64(length)) * MULTIPLIER
    slot = integer(key >> np.uint64(52))
    while stop_words[slot] != 0:
        if stop_words[slot] == key:
            return True
        slot = (slot + 1) & (STOP_SLOTS - 1)
    return False


@inner
def _is_counter(data: Bytes, start: int, end: int, facts: Facts) -> bool:
    """Whether a line without white space around it is a social counter and no more."""
    i = start
    while i < end:  # what is no letter, digit or `_`
        cp, following = decode(data, i, end)
        if facts[cp] & WORD or cp == 95:
            break
        i = following
    if i >= end:
        return False
    cp, _ = decode(data, i, end)
    if not facts[cp] & DECIMAL:
        return False
    while i < end:
        cp, following = decode(data, i, end)
        if not (facts[cp] & DECIMAL or cp == 44 or cp == 46):
            break
        i = following
    if i < end:
        cp, following = decode(data, i, end)
        low = facts[cp] & POINT
        if low == 107 or low == 109 or low == 98:
            i = following
    word = i
    while word < end:
        cp, following = decode(data, word, end)
        if not facts[cp] & SPACE:
            break
        word = following
    if word == i:
        return False
    stop = 0
    begin = 0
    for k in range(len(_COUNTER_ENDS)):
        finish_at = _COUNTER_ENDS[k]
        i = word
        position = begin
        while position < finish_at and i < end:
            cp, following = decode(data, i, end)
            if facts[cp] & POINT != _COUNTER_BYTES[position]:
                break
            position += 1
            i = following
        if position == finish_at:
            stop = i
        begin = finish_at
    if stop == 0:
        return False
    while stop < end:
        cp, stop = decode(data, stop, end)
        if facts[cp] & WORD or cp == 95:
            return False
    return True


@inner
def _begins_with_bullet(data: Bytes, i: int, end: int) -> bool:
    """Whether one of RedPajama-V2's ten bullets stands at `i`."""
    if i + 2 >= end or data[i] != 0xE2:
        return False
    two = data[i + 1]
    three = data[i + 2]
    if two == 0x80:
        return bool(three == 0xA2 or three == 0xA3 or three == 0x93)
    if two == 0x96:
        return bool(
            three == 0xB6 or three == 0xA0 or three == 0xA1 or three == 0xAA or three == 0xAB
        )
    return bool(two == 0x97 and (three == 0x80 or three == 0xA6))


@inner
def _ending(data: Bytes, start: int, end: int) -> int:
    """Of a line without white space around it: 1 for a terminal mark, 2 for an ellipsis, both."""
    if end <= start:
        return 0
    last = data[end - 1]
    found = 0
    if last == 46 or last == 33 or last == 63:
        found = 1
        if last == 46 and end - start >= 3 and data[end - 2] == 46 and data[end - 3] == 46:
            found = 3
    elif end - start >= 3 and data[end - 3] == 0xE2 and data[end - 2] == 0x80:
        if last == 0x9D:
            found = 1
        elif last == 0xA6:
            found = 2
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
    count = 0
    kind = 0
    any_flags = integer(0)
    code = np.uint64(0)
    size = 0
    i = start
    while i <= end:
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
                    if size <= LONGEST_STOP_WORD and not any_flags & _NO_STOP_WORD:
                        stops += _is_stop_word(code, size, stop_words)
            raw += following_kind > 0
            kind = following_kind
            any_flags = integer(0)
            code = np.uint64(0)
            size = 0
        if kind == 0:
            if in_chunk:
                in_chunk = False
                solid_end = i
                if count:
                    value = finish(h)
                    if words < room:
                        hashes[words] = value
                        ends[words + 1] = ends[words] + count
                    words += 1
                    word_characters += count
                    lorem += value == _IPSUM and before == _LOREM
                    javascript += value == _JAVASCRIPT
                    before = value
                    h = SEED
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
                ending = _ending(data, solid_start, solid_end)
                terminal += ending & 1
                ellipses += ending >> 1
                bullets += _begins_with_bullet(data, solid_start, solid_end)
                if digits and line_chunks > 1:
                    counter = _is_counter(data, solid_start, solid_end, facts)
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
            size += 1
            i = following
            if cp == 46 or cp == 33 or cp == 63:
                in_sentence = False
            elif cp == 123 or cp == 125:
                curly += 1
            elif cp == 95 and not in_sentence:
                sentences += 1
                in_sentence = True
            if not fact & DROPPED:
                h = fold(h, fact & POINT)
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
            h = fold(h, fact & POINT)
            code = code << np.uint64(5) | np.uint64(fact & 31)
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
        size += n
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
