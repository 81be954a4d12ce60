"""Which of a few words a text holds, each text with words of its own."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from thresher.filters.kernels import integer, kernel
from thresher.filters.kernels.text.decode import decode
from thresher.filters.kernels.text.hashing import SEED, finish, step
from thresher.filters.kernels.text.tables import ALPHA, MARK, NUMBER, Tables

_WORD = ALPHA | MARK | NUMBER


@kernel
def count_words(
    data: npt.NDArray[np.uint8],
    offsets: npt.NDArray[np.int64],
    wanted: npt.NDArray[np.uint64],
    lists: npt.NDArray[np.int64],
    tables: Tables,
    out: npt.NDArray[np.int64],
) -> None:
    """How many different words of its list each text holds, in any case.

    A word is a longest stretch of letters, marks, numbers and `_`.

    Args:
        data: UTF-8 of all texts.
        offsets: where each starts, and the end of the last.
        wanted: hashes of the words, a row a list.
        lists: the list of each text; it is skipped where that is negative.
        tables: of code points.
        out: filled with the counts.
    """
    classes = tables.classes
    lower = tables.lower
    size = wanted.shape[1]
    for row in range(len(offsets) - 1):
        mine = lists[row]
        if mine < 0:
            continue
        found = 0
        count = 0
        i = offsets[row]
        end = offsets[row + 1]
        h = SEED
        inside = False
        while i <= end and count < size:
            cp = integer(0)
            if i < end:
                cp = integer(data[i])
            following = i + 1
            if cp >= 0x80:
                cp, following = decode(data, i, end)
            if classes[cp] & _WORD or cp == 95:
                h = step(h, lower[cp])
                inside = True
            elif inside:
                h = finish(h)
                for k in range(size):
                    if wanted[mine, k] == h and not found >> k & 1:
                        found |= 1 << k
                        count += 1
                h = SEED
                inside = False
            i = following
        out[row] = count


@kernel
def hash_words(
    data: npt.NDArray[np.uint8],
    offsets: npt.NDArray[np.int64],
    tables: Tables,
    out: npt.NDArray[np.uint64],
) -> None:
    """The hash that `count_words` gives each word."""
    for row in range(len(offsets) - 1):
        h = SEED
        i = offsets[row]
        while i < offsets[row + 1]:
            cp, i = decode(data, i, offsets[row + 1])
            h = step(h, tables.lower[cp])
        out[row] = finish(h)
