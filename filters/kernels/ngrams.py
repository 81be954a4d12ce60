"""Repeated n-grams of words, n from 1 to 10: one engine for every definition of repetition.

n-grams are compared by 64-bit hash in one open-addressing table: rows of key and stamp, where a
stamp is epoch << 32 | index. A row of another epoch is empty, so nothing is cleared between
documents; `epoch` counts on (measure.py clears the table long before it wraps).

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

from filters.kernels import inlined, inner, integer
from filters.kernels.hashing import SEED, finish, step

Table = npt.NDArray[np.uint64]
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

BLOCK = 32
"""n-grams whose rows are fetched together: in a table that no cache holds, a row costs 100 ns,
and the processor waits for ten at a time only if nothing has to be decided between them."""
_CACHED = 1 << 14


class NgramScratch(NamedTuple):
    """Memory for the n-grams of one document after the other."""

    table: Table
    epoch: npt.NDArray[np.int64]
    grams: npt.NDArray[np.uint64]
    keys: npt.NDArray[np.uint64]
    """Of a block of n-grams, and one place more."""
    positions: npt.NDArray[np.int32]
    first: npt.NDArray[np.int32]
    counts: npt.NDArray[np.int32]
    facts: Facts


_COUNTS = 256
_ENTROPY_TERMS = np.array([c * math.log2(c) if c else 0.0 for c in range(_COUNTS)])

_U32 = np.uint64(32)
_INDEX = np.uint64(0xFFFFFFFF)


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
    table, epoch, grams, keys, positions, first, counts, facts = scratch
    facts[:] = 0
    m = words
    for n in range(1, LONGEST + 1):
        if words >= n and n <= LONGEST_TOP:
            facts[n, TOP_COUNT] = 1
            facts[n, TOP_CHARACTERS] = ends[n]
        if m == 0:
            continue
        epoch[0] += 1
        stamp = np.uint64(epoch[0]) << _U32
        mask = table_mask(m, len(table) // 2)
        large = m > _CACHED
        kept = 0
        again = 0
        for block in range(0, m, BLOCK):
            block_end = min(block + BLOCK, m)
            for k in range(block, block_end):
                h = hashes[k]
                if n > 1:
                    h = finish(step(grams[k], hashes[min(positions[k] + n, words) - 1]))
                keys[k - block] = h
            if large:
                touched = np.uint64(0)
                for k in range(block_end - block):
                    touched |= table[2 * (integer(keys[k]) & mask)]
                keys[BLOCK] = touched
            for k in range(block, block_end):
                i = k
                if n > 1:
                    i = integer(positions[k])
                    if k + 1 >= m or positions[k + 1] != i + 1:
                        continue
                h = keys[k - block]
                slot = integer(h) & mask
                same = kept
                while table[2 * slot + 1] >= stamp:
                    if table[2 * slot] == h:
                        same = integer(table[2 * slot + 1] & _INDEX)
                        break
                    slot = (slot + 1) & mask
                if same == kept:
                    table[2 * slot] = h
                    table[2 * slot + 1] = stamp | np.uint64(kept)
                    counts[kept] = 1
                else:
                    counts[kept] = 0
                    counts[same] += 1
                    again += 1
                positions[kept] = i
                grams[kept] = h
                first[kept] = same
                kept += 1
        m = kept
        facts[n, AGAIN] = again
        if n <= LONGEST_TOP:
            best = 1
            where = integer(0)
            entropy = 0.0
            for k in range(m):
                c = integer(counts[k])
                if c > 1:
                    if n <= 2:
                        entropy += _ENTROPY_TERMS[c] if c < _COUNTS else c * math.log2(c)
                    if c > best:
                        best = c
                        where = integer(positions[k])
            if best > 1:
                facts[n, TOP_COUNT] = best
                facts[n, TOP_CHARACTERS] = ends[where + n] - ends[where]
            facts[n, ENTROPY_SUM] = entropy
        else:
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
                if count < 0:  # seen: taken out below
                    jumped += ends[i + n] - ends[i]
                    free = i + n
                else:
                    counts[first[k]] = -count
            facts[n, JUMPED] = jumped
            facts[n, COVERED] = covered
        kept = 0
        for k in range(m):  # no branch, so that counts are fetched ahead
            repeats = counts[first[k]] != 1
            positions[kept] = positions[k]
            grams[kept] = step(SEED, grams[k]) if n == 1 else grams[k]
            kept += repeats
        m = kept
