"""Repeated n-grams of words, n from 1 to 10: one engine for every definition of repetition.

n-grams are compared by 64-bit hash in one open-addressing table, cleared for each n: a row holds
which n-gram is there, counted from 1. It is as large as what is looked for, so that it lies in
the cache, and the loops have no branch that the text decides, since the processor would guess
wrong at every other word.

An n-gram repeats only where both (n-1)-grams in it do: so each n looks at the positions whose
neighbour was also repeated for n-1, which on ordinary prose are few after 2-grams and none after
5. What occurs once adds nothing to an entropy but its place in the total, so the repeated ones
are all that any signal needs. n-grams are equal when their words are; datatrove's duplicate
n-grams compare the words joined without separator, which differs only where another split of
the same letters stands in one document.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from thresher.filters.kernels import inlined, inner, integer
from thresher.filters.kernels.text.hashing import SEED, finish, step
from thresher.filters.kernels.text.simd import address, prefetch

Table = npt.NDArray[np.int32]
Facts = npt.NDArray[np.float64]

LONGEST = 10
LONGEST_TOP = 4
SHORTEST_DUPLICATE = 5

# Columns of the facts; the row is n.
AGAIN = 0
"""n-grams that occurred before."""
ENTROPY_SUM = 1
"""Sum of c * log2(c) over the counts c of n-grams, n up to 2."""
TOP_COUNT = 2
"""How often the most frequent occurs, the first of them if several do; 1 if none repeats."""
TOP_CHARACTERS = 3
"""Characters of its words."""
JUMPED = 4
"""Characters of n-grams that occurred before, going on behind each that is counted."""
COVERED = 5
"""Characters of the words that are part of a repeated n-gram."""
FACTS = 6

_AHEAD = 16
"""n-grams whose rows are fetched ahead: in a table that no near cache holds, a row costs 100 ns."""
_COUNTS = 256
_ENTROPY_TERMS = np.array([c * math.log2(c) if c else 0.0 for c in range(_COUNTS)])
_ROW_BYTES = 4


class NgramScratch(NamedTuple):
    """Memory for the n-grams of one document after the other."""

    table: Table
    grams: npt.NDArray[np.uint64]
    positions: npt.NDArray[np.int32]
    """One place more than there are words."""
    first: npt.NDArray[np.int32]
    counts: npt.NDArray[np.int32]
    facts: Facts


@inlined
def table_mask(rows_wanted: int, rows: int) -> int:
    """Mask of a power of two of at least twice the rows wanted, within the table."""
    size = 16
    while size < 2 * rows_wanted and size < rows:
        size *= 2
    return size - 1


@inner
def find_repeats(
    hashes: npt.NDArray[np.uint64],
    ends: npt.NDArray[np.int64],
    words: int,
    scratch: NgramScratch,
) -> None:
    """Fill `scratch.facts` from the hashes of a document's words.

    `positions[:m]` are the places whose (n-1)-gram repeats and `grams` their hashes; `first[k]`
    is the first place in that list with the same n-gram, `counts` how often it occurs.
    """
    table, grams, positions, first, counts, facts = scratch
    facts[:] = 0
    where = address(table)
    m = words
    for n in range(1, LONGEST + 1):
        if words >= n and n <= LONGEST_TOP:
            facts[n, TOP_COUNT] = 1
            facts[n, TOP_CHARACTERS] = ends[n]
        if m == 0:
            continue
        if n == 1:
            for k in range(m):
                grams[k] = hashes[k]
                positions[k] = k
        else:
            positions[m] = -1
            kept = 0
            for k in range(m):
                i = integer(positions[k])
                follows = positions[k + 1] == i + 1
                last = hashes[min(i + n, words) - 1]
                positions[kept] = i
                grams[kept] = finish(step(grams[k], last))
                kept += follows
            m = kept
        mask = table_mask(m, len(table))
        table[: mask + 1] = 0
        distinct = 0
        for k in range(m):
            h = grams[k]
            prefetch(where + _ROW_BYTES * (integer(grams[min(k + _AHEAD, m - 1)]) & mask))
            slot = integer(h) & mask
            there = integer(table[slot])
            while there != 0 and grams[there - 1] != h:
                slot = (slot + 1) & mask
                there = integer(table[slot])
            is_new = integer(there == 0)
            there += is_new * (k + 1)
            table[slot] = there
            counts[k] = 0
            counts[there - 1] += 1
            first[k] = there - 1
            distinct += is_new
        facts[n, AGAIN] = m - distinct
        if n <= LONGEST_TOP:
            _find_top(n, m, ends, positions, counts, facts)
        else:
            _find_covered(n, m, ends, positions, first, counts, facts)
        kept = 0
        for k in range(m):
            repeats = counts[first[k]] != 1
            positions[kept] = positions[k]
            grams[kept] = step(SEED, grams[k]) if n == 1 else grams[k]
            kept += repeats
        m = kept


@inner
def _find_top(
    n: int,
    m: int,
    ends: npt.NDArray[np.int64],
    positions: npt.NDArray[np.int32],
    counts: npt.NDArray[np.int32],
    facts: Facts,
) -> None:
    """The most frequent n-gram, and the sum for the entropy."""
    best = 1
    where = integer(0)
    entropy = 0.0
    for k in range(m):
        c = integer(counts[k])
        if n <= 2:
            entropy += _ENTROPY_TERMS[c] if c < _COUNTS else c * math.log2(c)
        if c > best:
            best = c
            where = integer(positions[k])
    if best > 1:
        facts[n, TOP_COUNT] = best
        facts[n, TOP_CHARACTERS] = ends[where + n] - ends[where]
    facts[n, ENTROPY_SUM] = entropy


@inner
def _find_covered(
    n: int,
    m: int,
    ends: npt.NDArray[np.int64],
    positions: npt.NDArray[np.int32],
    first: npt.NDArray[np.int32],
    counts: npt.NDArray[np.int32],
    facts: Facts,
) -> None:
    """Characters of repeated n-grams; the count of one that was met becomes negative."""
    jumped = integer(0)
    free = integer(0)
    covered = integer(0)
    bare = integer(0)
    for k in range(m):
        i = integer(positions[k])
        count = counts[first[k]]
        if count == 1:
            continue
        covered += ends[i + n] - ends[max(i, bare)]
        bare = i + n
        if i < free:
            continue
        if count < 0:
            jumped += ends[i + n] - ends[i]
            free = i + n
        else:
            counts[first[k]] = -count
    facts[n, JUMPED] = jumped
    facts[n, COVERED] = covered
