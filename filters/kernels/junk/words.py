"""What the junk families know of words: one look tells all that asks for a word.

Words are runs of letters and digits, in lower case, apostrophes left out. Each word that a phrase,
a term or a list holds has a number; its *value* is that number, the state of the automaton of
phrases after that word alone, and flags. Two numbers lead to a third in a table of links: so go
the automaton and the pairs of terms. Pseudo words: `#` is any number the vocabulary does not hold,
`####` a year, `[` a bracket or brace that opens before a letter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from thresher.filters.kernels import inlined, integer
from thresher.filters.kernels.text.hashing import MULTIPLIER, python_point_hash

NUMBER = (1 << 20) - 1
"""Mask of a word's number in its value; 0 is no word."""
STATE_SHIFT = 20
FUNCTION_SHIFT = 40

FUNCTION = 1 << FUNCTION_SHIFT
"""A function word of some language."""
MONTH = 1 << 41
"""Name of a month or of a day of the week."""
BEST = 1 << 42
"""`best` and `top`."""
JOINS = 1 << 43
"""`and` and `or`."""
LOREM = 1 << 44
"""Placeholder Latin."""
FOLLOWS = 1 << 45
"""Stands in some phrase behind another word."""
PHRASED = NUMBER << STATE_SHIFT | FOLLOWS
"""Some phrase holds it."""
LEADS = 1 << 46
"""Begins a pair that is a term."""
TRAILS = 1 << 47
"""Ends a pair that is a term."""

NUMBER_WORD = "#"
YEAR_WORD = "####"
BRACKET_WORD = "["
PSEUDO_WORDS = (NUMBER_WORD, YEAR_WORD, BRACKET_WORD)

_MASK = (1 << 64) - 1
_LINK_SHIFT = np.uint64(24)
_TARGET = np.uint64((1 << 24) - 1)
_NUMBER_SHIFT = np.uint64(20)
_HASH_SHIFT = np.uint64(40)
_U0, _U1 = np.uint64(0), np.uint64(1)


class Words(NamedTuple):
    """The vocabulary."""

    table: npt.NDArray[np.uint64]
    """Open addressing: a word's hash, then its value; both are 0 in an empty row."""
    pseudo: npt.NDArray[np.int64]
    """Values of the pseudo words: number, year, bracket."""


def compile_words(parts: Iterable[Mapping[str, int]]) -> Words:
    """The vocabulary, at most a quarter full; the parts of a word's value are joined."""
    values = dict.fromkeys(PSEUDO_WORDS, 0)
    for part in parts:
        for word, value in part.items():
            values[word] = values.get(word, 0) | value
    pseudo = [values.pop(word) for word in PSEUDO_WORDS]
    slots = 1 << max(4, (4 * len(values)).bit_length())
    table = np.zeros(2 * slots, np.uint64)
    for word, value in values.items():
        key = python_point_hash(word)
        slot = key & slots - 1
        while table[2 * slot]:
            slot = (slot + 1) & slots - 1
        table[2 * slot] = key
        table[2 * slot + 1] = value
    return Words(table, np.array(pseudo, np.int64))


@inlined
def value_of(table: npt.NDArray[np.uint64], key: np.uint64) -> int:
    """The value of the word that has a hash, 0 for one that the vocabulary does not hold."""
    mask = np.uint64(len(table) // 2 - 1)
    slot = key & mask
    while (table[slot << _U1] != key) & (table[slot << _U1] != _U0):
        slot = slot + _U1 & mask
    return integer(table[(slot << _U1) + _U1])


def compile_links(links: Mapping[tuple[int, int], int]) -> npt.NDArray[np.uint64]:
    """A table of links, at most half full: both numbers and where they lead in one entry."""
    slots = 1 << max(4, (2 * len(links)).bit_length())
    table = np.zeros(slots, np.uint64)
    for (first, second), target in links.items():
        pair = first << 20 | second
        slot = (pair * int(MULTIPLIER) & _MASK) >> 40 & slots - 1
        while table[slot]:
            slot = (slot + 1) & slots - 1
        table[slot] = pair << 24 | target
    return table


@inlined
def linked(table: npt.NDArray[np.uint64], first: int, second: int) -> int:
    """Where two numbers lead, or 0."""
    pair = np.uint64(first) << _NUMBER_SHIFT | np.uint64(second)
    mask = np.uint64(len(table) - 1)
    slot = pair * MULTIPLIER >> _HASH_SHIFT & mask
    while (table[slot] != _U0) & (table[slot] >> _LINK_SHIFT != pair):
        slot = slot + _U1 & mask
    return integer(table[slot] & _TARGET)
