"""Lines and paragraphs that occurred before in a document, by datatrove's definitions.

Elements are compared by 64-bit hash in the table of `thresher.filters.kernels.rules.ngrams`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from thresher.filters.kernels import inner, integer
from thresher.filters.kernels.rules import columns as at
from thresher.filters.kernels.rules.ngrams import Table, table_mask
from thresher.filters.kernels.text.decode import decode, previous
from thresher.filters.kernels.text.hashing import SECOND_SEED, finish, hash_word, step
from thresher.filters.kernels.text.simd import WIDTH, address, leads, lowest, newlines, population
from thresher.filters.kernels.text.tables import SPACE, TERMINAL

Bytes = npt.NDArray[np.uint8]
Keys = npt.NDArray[np.uint64]

SHORT_LINE = 30
"""FineWeb's short line, in characters."""


@inner
def _seen(table: Table, mask: int, keys: Keys, known: int, key: np.uint64) -> bool:
    """Whether a key is among the `known` ones; if not and there is room, it is entered."""
    slot = integer(key) & mask
    there = integer(table[slot])
    while there != 0:
        if keys[there - 1] == key:
            return True
        slot = (slot + 1) & mask
        there = integer(table[slot])
    if known < min((mask + 1) // 2, len(keys)):
        table[slot] = known + 1
        keys[known] = key
    return False


@inner
def first_solid(data: Bytes, start: int, end: int, classes: npt.NDArray[np.int32]) -> int:
    """The offset of the first character that is no white space, or `end`."""
    i = start
    while i < end:
        cp = integer(data[i])
        following = i + 1
        if cp >= 0x80:
            cp, following = decode(data, i, end)
        if not classes[cp] & SPACE:
            return i
        i = following
    return end


@inner
def last_solid(data: Bytes, start: int, end: int, classes: npt.NDArray[np.int32]) -> int:
    """The offset behind the last character that is no white space, or `start`."""
    while end > start:
        before = previous(data, end, start)
        cp, _ = decode(data, before, end)
        if not classes[cp] & SPACE:
            return end
        end = before
    return start


@inner
def measure_repeated_lines(
    data: Bytes,
    start: int,
    end: int,
    line_feeds: int,
    characters: int,
    table: Table,
    keys: Keys,
    classes: npt.NDArray[np.int32],
    row: npt.NDArray[np.float64],
) -> None:
    """Fill the line and paragraph columns of `repetition`, and `fineweb` but its last.

    Lines are what stands between newline characters. Gopher's are separated by runs of them (so
    a text that begins or ends with one has an empty line there), FineWeb's are those not blank.
    Paragraphs are separated by two or more in the stripped text. A table has room for half its
    rows; what comes after is counted as new.
    """
    mask = table_mask(2 * line_feeds + 4, len(table))
    table[: mask + 1] = 0
    known = 0
    text_start = first_solid(data, start, end, classes)
    text_end = last_solid(data, text_start, end, classes)
    lines = duplicate_lines = duplicate_characters = 0
    solid = terminal = short = solid_duplicate_characters = 0
    paragraphs = duplicate_paragraphs = paragraph_duplicate_characters = 0
    paragraph_hash = SECOND_SEED
    paragraph_characters = -1
    base = address(data)
    last_block = len(data) - WIDTH
    position = start
    while position <= end:
        stop = position
        length = 0
        while stop < end:
            if stop <= last_block:
                breaks = newlines(base + stop) | 1 << WIDTH
                width = min(lowest(breaks), end - stop)
                length += population(leads(base + stop) & ((1 << width) - 1))
                stop += width
                if width < WIDTH:
                    break
            elif data[stop] == 10:
                break
            else:
                length += data[stop] & 0xC0 != 0x80
                stop += 1
        if stop > position:
            h = hash_word(data, position, stop)
            lines += 1
            duplicate = _seen(table, mask, keys, known, h)
            if duplicate:
                duplicate_lines += 1
                duplicate_characters += length
            else:
                known += 1
            if first_solid(data, position, stop, classes) < stop:
                solid += 1
                short += length <= SHORT_LINE
                cp, _ = decode(data, previous(data, stop, position), stop)
                terminal += classes[cp] & TERMINAL != 0
                if duplicate:
                    solid_duplicate_characters += length
                if position < text_start or stop > text_end:
                    clipped_start = max(position, text_start)
                    clipped_end = min(stop, text_end)
                    h = hash_word(data, clipped_start, clipped_end)
                    length = 0
                    for i in range(clipped_start, clipped_end):
                        length += data[i] & 0xC0 != 0x80
            if text_start < stop and position < text_end:
                paragraph_hash = step(paragraph_hash, h)
                paragraph_characters += length + 1
        if paragraph_characters >= 0 and (stop == position or stop >= text_end):
            paragraphs += 1
            if _seen(table, mask, keys, known, finish(paragraph_hash)):
                duplicate_paragraphs += 1
                paragraph_duplicate_characters += paragraph_characters
            else:
                known += 1
            paragraph_hash = SECOND_SEED
            paragraph_characters = -1
        position = stop + 1
    edges = integer(0)
    if end > start:
        edges = integer(data[start] == 10) + integer(data[end - 1] == 10)
        lines += edges
        duplicate_lines += edges == 2
        row[at.REPETITION_DUPLICATE_LINE_FRACTION] = duplicate_lines / lines
        row[at.REPETITION_DUPLICATE_LINE_CHARACTER_FRACTION] = duplicate_characters / characters
        row[at.REPETITION_DUPLICATE_PARAGRAPH_FRACTION] = duplicate_paragraphs / max(paragraphs, 1)
        row[at.REPETITION_DUPLICATE_PARAGRAPH_CHARACTER_FRACTION] = (
            paragraph_duplicate_characters / characters
        )
    row[at.LENGTH_PARAGRAPHS] = paragraphs
    if solid:
        row[at.FINEWEB_TERMINAL_MARK_LINE_FRACTION] = terminal / solid
        row[at.FINEWEB_SHORT_LINE_FRACTION] = short / solid
        row[at.FINEWEB_DUPLICATE_LINE_CHARACTER_FRACTION] = solid_duplicate_characters / (
            characters - line_feeds
        )
