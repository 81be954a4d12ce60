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

TERM_WORDS = 1500
"""Words of a text that are looked at, from its start."""
SCALE = 100
"""Weights and squares of document frequencies are in parts of so many."""

NUMBER_KEY = 0x9E3779B97F4A7C15
YEAR_KEY = 0xC2B2AE3D27D4EB4F
"""Stand for the hashes of `#` and `####`, which are no words."""

_MULTIPLIER = 0x9DDFEA08EB382D69
_U47 = np.uint64(47)
_UM = np.uint64(_MULTIPLIER)
_SIEVE_BITS = 18
_SIEVE_SHIFT = np.uint64(64 - _SIEVE_BITS)
_U6, _U63, _U1 = np.uint64(6), np.uint64(63), np.uint64(1)


class Terms(NamedTuple):
    """Open addressing by hash, behind a sieve that stops most words that are no term."""

    sieve: npt.NDArray[np.uint64]
    keys: npt.NDArray[np.uint64]
    rows: npt.NDArray[np.int32]
    """By slot: the row of the term in the next two."""
    weights: npt.NDArray[np.int32]
    """A row of targets each, in hundredths."""
    squares: npt.NDArray[np.int32]
    """The inverse document frequency, squared, in hundredths."""


class TermScratch(NamedTuple):
    """Memory that documents share."""

    keys: npt.NDArray[np.uint64]
    """Of the words of the document, at most TERM_WORDS; its first entry behind says how many."""
    seen: npt.NDArray[np.int64]
    """By row: the last document that holds the term."""
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
    slots = 1 << max(4, (3 * len(terms)).bit_length())
    sieve = np.zeros(1 << _SIEVE_BITS - 6, np.uint64)
    keys = np.zeros(slots, np.uint64)
    rows = np.zeros(slots, np.int32)
    for row, (term, _, _) in enumerate(terms):
        key = python_key(term)
        bit = key >> 64 - _SIEVE_BITS
        sieve[bit >> 6] |= np.uint64(1 << (bit & 63))
        slot = key & slots - 1
        while keys[slot]:
            slot = (slot + 1) & slots - 1
        keys[slot] = key
        rows[slot] = row
    return Terms(
        sieve,
        keys,
        rows,
        np.array([weights for _, _, weights in terms], np.int32),
        np.array([square for _, square, _ in terms], np.int32),
    )


def make_term_scratch(terms: Terms) -> TermScratch:
    """Scratch for a thread."""
    return TermScratch(
        np.zeros(TERM_WORDS, np.uint64),
        np.zeros(len(terms.squares), np.int64),
        np.zeros(terms.weights.shape[1] + 1, np.int64),
    )


@inner
def _add_term(terms: Terms, scratch: TermScratch, document: int, key: np.uint64) -> None:
    mask = np.uint64(len(terms.keys) - 1)
    slot = key & mask
    while terms.keys[slot] != key:
        if terms.keys[slot] == 0:
            return
        slot = (slot + _U1) & mask
    row = integer(terms.rows[slot])
    if scratch.seen[row] == document:
        return
    scratch.seen[row] = document
    targets = terms.weights.shape[1]
    for target in range(targets):
        scratch.sums[target] += terms.weights[row, target]
    scratch.sums[targets] += terms.squares[row]


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
    scratch.sums[:] = 0
    before = np.uint64(0)
    for k in range(words):
        key = scratch.keys[k]
        bit = key >> _SIEVE_SHIFT
        if terms.sieve[bit >> _U6] >> (bit & _U63) & _U1:
            _add_term(terms, scratch, document, key)
        if k:
            pair = pair_key(before, key)
            bit = pair >> _SIEVE_SHIFT
            if terms.sieve[bit >> _U6] >> (bit & _U63) & _U1:
                _add_term(terms, scratch, document, pair)
        before = key
    targets = terms.weights.shape[1]
    length = math.sqrt(max(scratch.sums[targets] / SCALE, 1.0))
    for target in range(targets):
        out[target] = scratch.sums[target] / (SCALE * length)
