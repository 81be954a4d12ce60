"""Words as overlap with evaluation sets counts them.

Runs of letters and digits in lower case without diacritics; a comma between two digits leaves no
trace, and a letter of a script written without spaces is a word of its own. Unlike the words of
MinHash, numbers count as they are.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from thresher.filters.kernels import inlined, inner, integer
from thresher.filters.kernels.text.decode import decode
from thresher.filters.kernels.text.hashing import SEED, finish, fold
from thresher.filters.kernels.text.tables import BREAK, DROP, SCRIPT, Tables

_ZERO = ord("0")

_COMMA = ord(",")


class Letters(NamedTuple):
    """What words are made of: `Tables`, where a digit is itself."""

    classes: npt.NDArray[np.int32]
    folded: npt.NDArray[np.int32]
    ascii: npt.NDArray[np.int32]
    """The first of `folded`, small enough to stay at hand."""


def letters(known: Tables) -> Letters:
    """The letters of the tables."""
    every = known.fold[:128].copy()
    every[_ZERO : _ZERO + 10] = range(_ZERO, _ZERO + 10)
    return Letters(known.classes, known.fold, every)


@inner
def next_word(
    data: npt.NDArray[np.uint8],
    i: int,
    end: int,
    place: int,
    classes: npt.NDArray[np.int32],
    folded: npt.NDArray[np.int32],
    plain: npt.NDArray[np.int32],
) -> tuple[np.uint64, int, int, int]:
    """The next word: its hash, the byte and the character after it, its first character.

    The first character is -1 where no word is left.
    """
    h = SEED
    first = -1
    while i < end:
        byte = integer(data[i])
        if byte < 0x80:
            value = integer(plain[byte])
            if value != BREAK:
                if first < 0:
                    first = place
                h = fold(h, value)
            elif first >= 0:
                inside = byte == _COMMA and i + 1 < end and _is_digit(data[i - 1])
                if not (inside and _is_digit(data[i + 1])):
                    break
            i += 1
            place += 1
            continue
        cp, after = decode(data, i, end)
        value = integer(folded[cp])
        if value == BREAK:
            if first >= 0:
                break
        elif value != DROP:
            if classes[cp] & SCRIPT != 0:
                if first < 0:
                    h = fold(h, value)
                    first = place
                    i, place = after, place + 1
                break
            if first < 0:
                first = place
            h = fold(h, cp if value == _ZERO else value)
        i, place = after, place + 1
    return finish(h), i, place, first


@inlined
def _is_digit(byte: int) -> bool:
    return 48 <= byte <= 57
