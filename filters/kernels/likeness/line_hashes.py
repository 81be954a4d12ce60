"""The lines of a text as hashes of what they say, for counting them across documents.

Lines end at the newline character. What is hashed is the line in lower case without diacritics;
a number (with inner points and commas) is a single `0`, and a stretch of anything that is no
letter or number is one space, none at the ends. A line without a letter has no hash: rows of
figures, rules and brackets are alike in any two documents without being furniture.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from thresher.filters.kernels import borrowed, integer, kernel
from thresher.filters.kernels.text.decode import decode
from thresher.filters.kernels.text.hashing import SEED, finish, step
from thresher.filters.kernels.text.tables import ALPHA, BREAK, DROP, SPACE

NO_HASH = np.uint64(0)
"""Of a line without a letter."""

_ZERO = ord("0")
_SPACE = ord(" ")
_NEWLINE = ord("\n")
_U1 = np.uint64(1)


@kernel
def hash_lines(
    data: npt.NDArray[np.uint8],
    offsets: npt.NDArray[np.int64],
    classes: npt.NDArray[np.int32],
    folded: npt.NDArray[np.int32],
    hashes: npt.NDArray[np.uint64],
    characters: npt.NDArray[np.int64],
    words: npt.NDArray[np.int64],
    rows: npt.NDArray[np.int64],
) -> int:
    """Hash, length in characters, words between white space and text of each line.

    Args:
        data: the bytes of all texts.
        offsets: where each text begins, with the end of the last.
        classes: `Tables.classes`.
        folded: `Tables.fold`.
        hashes: filled, `NO_HASH` for a line without a letter; this and the following have room
            for as many lines as there are newlines and texts.
        characters: filled, without the newline.
        words: filled; a line without words is blank.
        rows: filled.

    Returns:
        The number of lines: a text has one more than newlines, the empty one too.
    """
    data, classes, folded = borrowed(data), borrowed(classes), borrowed(folded)
    line = 0
    for row in range(len(offsets) - 1):
        i = offsets[row]
        end = offsets[row + 1]
        more = True
        while more:
            h = SEED
            letters = inside = number = pending = False
            length = count = 0
            more = False
            while i < end:
                cp = integer(data[i])
                i += 1
                if cp == _NEWLINE:
                    more = True
                    break
                if cp >= 0x80:
                    cp, i = decode(data, i - 1, end)
                length += 1
                flags = classes[cp]
                solid = flags & SPACE == 0
                count += solid and not inside
                inside = solid
                value = integer(folded[cp])
                if value == DROP:
                    continue
                if value == BREAK:
                    if number and (cp == 46 or cp == 44) and i < end and 48 <= data[i] <= 57:
                        continue
                    pending = h != SEED
                    number = False
                    continue
                if value == _ZERO:
                    if number:
                        continue
                    number = True
                else:
                    number = False
                if pending:
                    h = step(h, _SPACE)
                    pending = False
                h = step(h, value)
                letters |= flags & ALPHA != 0
            mixed = finish(h)
            hashes[line] = max(mixed, _U1) if letters else NO_HASH
            characters[line] = length
            words[line] = count
            rows[line] = row
            line += 1
    return line


@kernel
def scoped_keys(
    hashes: npt.NDArray[np.uint64],
    rows: npt.NDArray[np.int64],
    scopes: npt.NDArray[np.uint64],
    kind: np.uint64,
    out: npt.NDArray[np.uint64],
) -> None:
    """What a line is counted under within its text's scope; the lowest bit is the kind of scope."""
    for i in range(len(hashes)):
        out[i] = finish(hashes[i] ^ finish(scopes[rows[i]] + SEED)) & ~_U1 | kind
