"""What a code point is to the scan over plain words, and the stop words it looks up."""

from __future__ import annotations

import functools
import string
import unicodedata
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from thresher.filters.kernels.text.cache import stored_array
from thresher.filters.kernels.text.hashing import python_point_hash
from thresher.filters.stop_words import ENGLISH

Facts = npt.NDArray[np.uint32]

POINT = (1 << 21) - 1
"""Mask of a fact: the code point in lower case."""
SPACE = 1 << 21
WORD = 1 << 22
"""A letter or digit (`\\w` but `_`)."""
DROPPED = 1 << 23
"""An ASCII mark, that normalising removes."""
LATIN = 1 << 24
"""From a to z, in either case."""
UPPER = 1 << 25
"""`str.isupper`."""
LOWER = 1 << 26
"""Lower or title case: a word with it is not in upper case."""
DIGIT = 1 << 27
"""`str.isdigit`."""
NUMERIC = 1 << 28
"""`str.isnumeric`."""
LONG = 1 << 29
"""Its NFD in lower case is not one code point."""
DECIMAL = 1 << 30
"""Category Nd."""
FOREIGN = 1 << 31
"""A letter or digit that is not LATIN."""

_LAST = 0x323B0
_SIZE = 0x110000

STOP_WAYS = 4
STOP_BITS = 10
STOP_SHIFT = np.uint64(64 - STOP_BITS)
LONGEST_STOP_WORD = 13


class Plain(NamedTuple):
    """What the scan looks things up in."""

    facts: Facts
    """Flags and lower case by code point."""
    lengths: npt.NDArray[np.uint8]
    """Code points of the NFD in lower case, by code point."""
    stop_words: npt.NDArray[np.uint64]


@functools.cache
def plain() -> Plain:
    """The tables, built once per machine and version."""
    facts = stored_array(f"plain-{unicodedata.unidata_version}", _build)
    return Plain(facts[0], facts[1].astype(np.uint8), _stop_words())


def _stop_words() -> npt.NDArray[np.uint64]:
    """The hashes of the words, STOP_WAYS to a bucket, which the upper bits name."""
    table = np.zeros(STOP_WAYS << STOP_BITS, np.uint64)
    for word in ENGLISH:
        assert len(word) <= LONGEST_STOP_WORD, word
        h = python_point_hash(word)
        first = (h >> 64 - STOP_BITS) * STOP_WAYS
        free = first + int(np.count_nonzero(table[first : first + STOP_WAYS]))
        assert free < first + STOP_WAYS, word
        table[free] = h
    return table


def _build() -> npt.NDArray[np.uint32]:
    """Facts and lengths."""
    table = np.stack([np.arange(_SIZE, dtype=np.uint32), np.ones(_SIZE, np.uint32)])
    for cp in range(_LAST):
        character = chr(cp)
        category = unicodedata.category(character)
        if category not in ("Cn", "Co", "Cs"):
            table[:, cp] = _fact(character, category)
    return table


def _fact(character: str, category: str) -> tuple[int, int]:
    low = character.lower()
    fact = ord(low) if len(low) == 1 else ord(character)
    long = unicodedata.normalize("NFD", low)
    for flag, holds in (
        (SPACE, character.isspace()),
        (WORD, character.isalnum()),
        (DROPPED, character in string.punctuation),
        (LATIN, character in string.ascii_letters),
        (UPPER, character.isupper()),
        (LOWER, character.islower() or category == "Lt"),
        (DIGIT, character.isdigit()),
        (NUMERIC, character.isnumeric()),
        (LONG, len(long) != 1),
        (DECIMAL, category == "Nd"),
        (FOREIGN, character.isalnum() and character not in string.ascii_letters),
    ):
        fact |= flag * holds
    return fact, len(long)
