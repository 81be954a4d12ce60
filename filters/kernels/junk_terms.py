"""Terms that tell junk from text: words and pairs of neighbours, each with a weight by target.

Words are those of phrases (`junk_phrases`); a number is `#`, a year `####`. A term counts once in a
text, however often it stands there, so that repeating it buys nothing. The sum of the weights is
divided by the length of the vector of inverse document frequencies that is summed over.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from filters.kernels import inlined, inner, integer
from filters.kernels.hashing import python_point_hash
from filters.kernels.junk_phrases import NUMBER_WORD, YEAR_WORD

TERM_WORDS = 1000
"""Words of a text that are looked at, from its start."""
SCALE = 100
"""Weights and squares of document frequencies are in parts of so many."""

SQUARE = 5
"""Where a row has its square, behind the weights of so many targets ..."""
SEEN = 6
"""... and where the document that was last seen to hold it."""
ROW = 8

NUMBER_KEY = 0x9E3779B97F4A7C15
YEAR_KEY = 0xC2B2AE3D27D4EB4F
"""Stand for the hashes of `#` and `####`, which are no words."""

_MULTIPLIER = 0x9DDFEA08EB382D69
_U47 = np.uint64(47)
_UM = np.uint64(_MULTIPLIER)
_SIEVE_BITS = 18
_SIEVE_SHIFT = np.uint64(64 - _SIEVE_BITS)
_U0, _U1, _U6, _U63 = np.uint64(0), np.uint64(1), np.uint64(6), np.uint64(63)


class Terms(NamedTuple):
    """Open addressing by hash, behind a sieve that stops most words that are no term."""

    sieve: npt.NDArray[np.uint64]
    slots: npt.NDArray[np.uint64]
    """The key of a term, then its row; 0 is an empty slot."""
    rows: npt.NDArray[np.int64]
    """By term, ROW numbers: weights by target, the square of the inverse document frequency, both
    in hundredths, and the last document that holds it: a line of the processor's cache."""


class TermScratch(NamedTuple):
    """Memory that documents share."""

    keys: npt.NDArray[np.uint64]
    """Of the words of the document."""
    rows: npt.NDArray[np.int64]
    """Those of the terms, with the documents of this thread."""
    sums: npt.NDArray[np.int64]


@inlined
def pair_key(first: np.uint64, second: np.uint64) -> np.uint64:
    """The key of two neighbours."""
    h = (first ^ (second * _UM)) * _UM
    return h ^ (h >> _U47)


def python_key(term: str) -> int:
    """The key of a term of one or two words, as the kernel makes it."""
    mask = (1 << 64) - 1
    special = {NUMBER_WORD: NUMBER_KEY, YEAR_WORD: YEAR_KEY}
    keys = [special.get(word) or python_point_hash(word) for word in term.split()]
    if len(keys) == 1:
        return keys[0]
    h = (keys[0] ^ (keys[1] * _MULTIPLIER & mask)) * _MULTIPLIER & mask
    return h ^ h >> 47


def compile_terms(terms: Sequence[tuple[str, int, Sequence[int]]]) -> Terms:
    """Terms, each with its square and its weights, as arrays."""
    count = 1 << max(4, (3 * len(terms)).bit_length())
    sieve = np.zeros(1 << _SIEVE_BITS - 6, np.uint64)
    slots = np.zeros(2 * count, np.uint64)
    rows = np.zeros((len(terms), ROW), np.int64)
    for row, (term, square, weights) in enumerate(terms):
        key = python_key(term)
        bit = key >> 64 - _SIEVE_BITS
        sieve[bit >> 6] |= np.uint64(1 << (bit & 63))
        slot = key & count - 1
        while slots[2 * slot]:
            slot = (slot + 1) & count - 1
        slots[2 * slot] = key
        slots[2 * slot + 1] = row
        rows[row, :SQUARE] = weights
        rows[row, SQUARE] = square
    return Terms(sieve, slots, rows.ravel())


def make_term_scratch(terms: Terms) -> TermScratch:
    """Scratch for a thread."""
    return TermScratch(np.zeros(TERM_WORDS, np.uint64), terms.rows.copy(), np.zeros(ROW, np.int64))


@inner
def score_terms(
    terms: Terms,
    scratch: TermScratch,
    words: int,
    document: int,
    out: npt.NDArray[np.float64],
) -> None:
    """The score of each target, 0 where no term stands.

    Args:
        terms: what is looked for.
        scratch: with the keys of the words.
        words: how many there are.
        document: a number above 0 that no other document has.
        out: one for each target.
    """
    sieve, slots, _ = terms
    keys, rows, sums = scratch
    mask = np.uint64(len(slots) // 2 - 1)
    for at in range(SQUARE + 1):
        sums[at] = 0
    before = np.uint64(0)
    for k in range(words):
        word = keys[k]
        key = word
        for _ in range(1 if k == 0 else 2):
            bit = key >> _SIEVE_SHIFT
            if sieve[bit >> _U6] >> (bit & _U63) & _U1:
                slot = key & mask
                while slots[slot << _U1] != key and slots[slot << _U1] != _U0:
                    slot = (slot + _U1) & mask
                row = ROW * integer(slots[(slot << _U1) + _U1])
                if slots[slot << _U1] == key and rows[row + SEEN] != document:
                    rows[row + SEEN] = document
                    for at in range(SQUARE + 1):
                        sums[at] += rows[row + at]
            key = pair_key(before, word)
        before = word
    squares = integer(sums[SQUARE])
    length = math.sqrt(max(squares, SCALE) / SCALE)
    for target in range(SQUARE):
        out[target] = sums[target] / (SCALE * length)
