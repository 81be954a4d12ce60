"""Light markup to lines and what can be counted of each, in one pass over its bytes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from thresher.filters.kernels import inlined, kernel

Bytes = npt.NDArray[np.uint8]

START, END, TAG, LINKED, LETTERS, DIGITS, UPPER, WORDS, COMMAS, ENDS, OTHER = range(11)
BLANK, CELLS, JOINS, DEPTH, ORDINAL, LINKS, LAST = range(11, 18)
COLUMNS = 18
"""Of the table of lines: where the text begins and ends in the buffer; the tag; bytes within
links; letters (bytes beyond ASCII count as such); digits; capitals; words; commas; marks that end
a sentence; other marks; whether a blank line stands before; cells; whether it continues a table
row; depth of the list around it; its number in an ordered list; links; the last byte, or the last
three where that is beyond ASCII."""

PLAIN, PARAGRAPH, ITEM, CODE, HEADING = 0, 1, 2, 3, 4
"""Tags; `HEADING + n` is `<hn>`."""

_LESS, _GREATER, _AMPERSAND, _SEMICOLON, _SLASH, _TAB, _NEWLINE, _SPACE = (
    60,
    62,
    38,
    59,
    47,
    9,
    10,
    32,
)
_LISTS = 32


@inlined
def _entity(data: Bytes, at: int) -> tuple[int, int]:
    """The character of `&lt;`, `&gt;`, `&amp;`, `&quot;` and its length; 0, 0 for none."""
    if at + 3 < len(data):
        a, b, c = data[at + 1], data[at + 2], data[at + 3]
        if b == 116 and c == _SEMICOLON:
            if a == 108:
                return _LESS, 4
            if a == 103:
                return _GREATER, 4
        if at + 4 < len(data) and a == 97 and b == 109 and c == 112:
            return _AMPERSAND, 5
        if at + 5 < len(data) and a == 113 and b == 117 and c == 111:
            return 34, 6
    return 0, 0


@kernel
def read_lines(
    data: Bytes,
    out: Bytes,
    linked: Bytes,
    table: npt.NDArray[np.int64],
    keys: npt.NDArray[np.uint64],
) -> int:
    """Split the minimal HTML of resiliparse into lines of text.

    Args:
        data: UTF-8, in which only tags hold `<`. Links may lack their end; such a link is none.
        out: filled with the texts of the lines, tags and entities undone, cells parted by ` | `;
            three times as long as `data`.
        linked: as long as `out`, zeros; 1 for bytes within a link.
        table: one row of `COLUMNS` for each line; as many rows as `data` has newlines, and one.
        keys: as many; hashes of each line in lower case without spaces: of the whole; of its
            letters alone; of the letters of its first word, first two and first three words.

    Returns:
        The number of lines.
    """
    lines = 0
    at = written = 0
    link_at = -1
    in_code = False
    blank = True
    lists = np.zeros(_LISTS, np.int64)  # next number of an ordered list; -1 for bullets
    depth = 0
    size = len(data)
    while at < size:
        start = written
        tag = CODE if in_code else PLAIN
        ordinal = 0
        cells = 1
        joins = False
        links = 0
        space = False
        while at < size and data[at] != _NEWLINE:
            byte = data[at]
            if byte == _LESS:
                at += 1
                closing = at < size and data[at] == _SLASH
                if closing:
                    at += 1
                first = data[at] if at < size else 0
                second = data[at + 1] if at + 1 < size else 0
                third = data[at + 2] if at + 2 < size else 0
                while at < size and data[at] != _GREATER:
                    at += 1
                at += 1
                if first == 97:  # a
                    if closing:
                        if link_at >= 0:
                            linked[link_at:written] = 1
                            links += 1
                        link_at = -1
                    else:
                        space = space or (written > start and linked[written - 1] == 1)
                        if space:
                            out[written] = _SPACE
                            written += 1
                            space = False
                        link_at = written
                elif first == 112 and second == 114:  # pre
                    in_code = not closing
                    tag = CODE
                elif first == 112 and not closing:
                    if tag == PLAIN:
                        tag = PARAGRAPH
                elif first == 104 and not closing and 49 <= second <= 54:
                    tag = HEADING + int(second) - 48
                elif first == 108 and second == 105 and not closing:
                    tag = ITEM
                    if depth and lists[min(depth, _LISTS) - 1] >= 0:
                        lists[min(depth, _LISTS) - 1] += 1
                        ordinal = lists[min(depth, _LISTS) - 1]
                elif (first == 117 or first == 111) and second == 108 and third != 0:
                    if closing:
                        depth = max(0, depth - 1)
                    else:
                        depth += 1
                        if depth <= _LISTS:
                            lists[depth - 1] = 0 if first == 111 else -1
                continue
            if byte == _AMPERSAND:
                character, length = _entity(data, at)
                if length:
                    byte = np.uint8(character)
                    at += length - 1
            at += 1
            if tag == CODE:
                out[written] = byte
                written += 1
            elif byte == _TAB:
                if written == start:
                    joins = True
                elif not (written - start >= 3 and out[written - 2] == 124):
                    if out[written - 1] == _SPACE:
                        written -= 1
                    out[written] = _SPACE
                    out[written + 1] = 124
                    out[written + 2] = _SPACE
                    written += 3
                    cells += 1
                space = False
            elif byte <= _SPACE:
                space = written > start and out[written - 1] != _SPACE
            else:
                if space:
                    out[written] = _SPACE
                    written += 1
                    space = False
                out[written] = byte
                written += 1
        at += 1
        while cells > 1 and written - start >= 3 and out[written - 2] == 124:
            written -= 3
            cells -= 1
        if tag == CODE:
            while written > start and out[written - 1] <= _SPACE:
                written -= 1
        if written == start:
            blank = True
            continue
        row = table[lines]
        row[:] = 0
        row[START], row[END], row[TAG] = start, written, tag
        row[BLANK], row[CELLS], row[JOINS] = blank, cells, joins
        row[DEPTH], row[ORDINAL], row[LINKS] = depth, ordinal, links
        whole = letters = np.uint64(0xCBF29CE484222325)
        keys[lines] = 0
        inside = named = False
        named_words = 0
        for i in range(start, written):
            c = out[i]
            folded = c | 32 if 65 <= c <= 90 else c
            if c > _SPACE:
                whole = (whole ^ np.uint64(folded)) * np.uint64(0x100000001B3)
                row[WORDS] += not inside
                inside = True
            else:
                inside = False
            if c >= 128 or 97 <= folded <= 122:
                row[LETTERS] += 1
                row[UPPER] += 65 <= c <= 90
                letters = (letters ^ np.uint64(folded)) * np.uint64(0x100000001B3)
                named = True
                continue
            if c == _SPACE and named:
                named = False
                named_words += 1
                if named_words <= 3:
                    keys[lines, 1 + named_words] = letters
            if 48 <= c <= 57:
                row[DIGITS] += 1
            elif c == 44:
                row[COMMAS] += 1
            elif c == 46 or c == 33 or c == 63:
                row[ENDS] += 1
            elif c > _SPACE:
                row[OTHER] += 1
        if named and named_words < 3:
            keys[lines, 2 + named_words] = letters
        keys[lines, 0], keys[lines, 1] = whole, letters
        row[LAST] = out[written - 1]
        if row[LAST] >= 128 and written - start >= 3:
            row[LAST] |= int(out[written - 2]) << 8 | int(out[written - 3]) << 16
        blank = False
        lines += 1
    # A link may close lines after it began, so what lies in it is counted now.
    for i in range(lines):
        row = table[i]
        for j in range(row[START], row[END]):
            row[LINKED] += linked[j]
    return lines
