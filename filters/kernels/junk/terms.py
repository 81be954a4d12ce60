"""Terms that tell junk from text: words and pairs of neighbours, each with a weight by target.

Words are those of phrases (`junk_words`); a number is `#`, a year `####`. A term counts once in a
text, however often it stands there, so that repeating it buys nothing. The sum of the weights is
divided by the length of the vector of inverse document frequencies that is summed over.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from thresher.filters.kernels import inlined, inner, integer
from thresher.filters.kernels.junk.words import LEADS, NUMBER, TRAILS, compile_links, linked

TERM_WORDS = 1000
"""Words of a text that are looked at, from its start."""
SCALE = 100
"""Weights and squares of document frequencies are in parts of so many."""

SQUARE = 5
"""Where a row has its square, behind the weights of so many targets."""
ROW = 8

_U1 = np.uint64(1)


class Terms(NamedTuple):
    """A term's number is that of its word; those of pairs are behind them."""

    pairs: npt.NDArray[np.uint64]
    """From the numbers of two words to that of their pair."""
    rows: npt.NDArray[np.int32]
    """By number, ROW of them, 0 for a word that is no term: weights by target, and the square of
    the inverse document frequency, all in hundredths."""


class TermScratch(NamedTuple):
    """Memory that documents share."""

    words: npt.NDArray[np.int64]
    """Values of the words of the document, and room for one more."""
    found: npt.NDArray[np.int64]
    """Numbers of its terms, and room for one more."""
    seen: npt.NDArray[np.uint64]
    """A bit for each number."""


def compile_terms(
    terms: Sequence[tuple[str, int, Sequence[int]]], numbers: dict[str, int]
) -> tuple[Terms, dict[str, int]]:
    """Compile terms, each with its square and its weights.

    Args:
        terms: what is looked for.
        numbers: of words; those of terms are added.

    Returns:
        The terms, and what they add to the values of words.
    """
    values: dict[str, int] = {}
    for term, _, _ in terms:
        words = term.split()
        for word in words:
            numbers.setdefault(word, len(numbers) + 1)
        for word, flag in zip(words, (LEADS, TRAILS), strict=False) if len(words) > 1 else ():
            values[word] = values.get(word, 0) | flag
    pairs: dict[tuple[int, int], int] = {}
    rows = np.zeros((len(numbers) + 1 + len(terms), ROW), np.int32)
    for term, square, weights in terms:
        first, *second = (numbers[word] for word in term.split())
        at = first
        if second:
            at = pairs[first, second[0]] = len(numbers) + 1 + len(pairs)
        rows[at, :SQUARE] = weights
        rows[at, SQUARE] = square
    return Terms(compile_links(pairs), rows.ravel()), values


def make_term_scratch(terms: Terms) -> TermScratch:
    """Scratch for a thread."""
    return TermScratch(
        np.zeros(TERM_WORDS + 1, np.int64),
        np.zeros(2 * TERM_WORDS + 1, np.int64),
        np.zeros(len(terms.rows) // ROW // 64 + 1, np.uint64),
    )


@inlined
def _note(
    number: int, found: npt.NDArray[np.int64], seen: npt.NDArray[np.uint64], count: int
) -> int:
    """Write a term down in any case, and count it if it is new: there is nothing to foresee."""
    found[count] = number
    bit = _U1 << np.uint64(number & 63)
    new = seen[number >> 6] & bit == 0
    seen[number >> 6] |= bit
    return count + integer(new)


@inner
def score_terms(
    terms: Terms, scratch: TermScratch, words: int, out: npt.NDArray[np.float64]
) -> None:
    """The score of each target, 0 where no term stands.

    Args:
        terms: what is looked for.
        scratch: with the values of the words.
        words: how many there are.
        out: one for each target.
    """
    pairs, rows = terms
    values, found, seen = scratch
    seen[:] = 0
    count = 0
    before = integer(0)
    for k in range(words):
        value = values[k]
        count = _note(value & NUMBER, found, seen, count)
        if before & LEADS and value & TRAILS:
            count = _note(linked(pairs, before & NUMBER, value & NUMBER), found, seen, count)
        before = value
    squares = integer(0)
    for k in range(count):
        squares += rows[ROW * found[k] + SQUARE]
    length = math.sqrt(max(squares, SCALE) / SCALE)
    for target in range(SQUARE):
        total = integer(0)
        for k in range(count):
            total += rows[ROW * found[k] + target]
        out[target] = total / (SCALE * length)
