"""Overlap of texts with evaluation sets: n-grams of words, looked up in an index, in one pass.

An n-gram is found by a polynomial of its words' hashes, which rolls along the text, and must then
agree in a second hash: 128 bits in all. `overlap_words` says what a word is.

A text of an evaluation set that has fewer words than an n-gram is one entry of its own length,
found by its last words. What says the same few words over and over (`1, 1, 1, 2, 2`) is no entry.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from thresher.filters.kernels import borrowed, inlined, inner, kernel
from thresher.filters.kernels.likeness.overlap_words import Letters, next_word
from thresher.filters.kernels.text.hashing import MULTIPLIER, SECOND_SEED, finish, step

LONGEST = 128
"""Words of an n-gram at most."""
HIT = 5
"""Numbers of a hit: row, entry, its first and the end of its last character, its last word."""

_BLOCK = 256
"""Words whose n-grams are looked up together: the memory that this waits for is read at once."""
_ROOM = 512
"""Words remembered: a power of two, room for a block and an n-gram."""
_MASK = _ROOM - 1
_BASE = np.uint64(0xF1357AEA2E62A9C5)
_U1 = np.uint64(1)
_U6 = np.uint64(6)
_U63 = np.uint64(63)


class Index(NamedTuple):
    """What evaluation sets hold: entries, sorted by their hashes."""

    keys: npt.NDArray[np.uint64]
    """Of the words that an entry is found by: all of an n-gram, the last of a shorter text."""
    checks: npt.NDArray[np.uint64]
    """Second hash, over all words of the entry."""
    lengths: npt.NDArray[np.int64]
    """Words of the entry."""
    bits: npt.NDArray[np.uint64]
    """For each of `sizes` one after the other, a bit for each key of that size, by the highest bits
    of the key: few short texts have a filter that stays in the nearest cache."""
    bit_starts: npt.NDArray[np.int64]
    """Where in `bits` the filter of each size begins."""
    bit_shifts: npt.NDArray[np.uint64]
    """By how much a key is shifted to find its bit."""
    buckets: npt.NDArray[np.int64]
    """Where the keys of each range begin, by their highest bits: a power of two, and the end."""
    sizes: npt.NDArray[np.int64]
    """How many words a key can be made of: few different numbers."""


@inlined
def _rolled(h: np.uint64, new: np.uint64, old: np.uint64, power: np.uint64) -> np.uint64:
    return (h - old * power) * _BASE + new


@inlined
def _key(h: np.uint64, size: int) -> np.uint64:
    return finish(h + np.uint64(size) * MULTIPLIER)


@inner
def _power(size: int) -> np.uint64:
    """What the oldest of `size` words is multiplied by."""
    power = _U1
    for _ in range(size - 1):
        power *= _BASE
    return power


@kernel
def entries_of(
    data: npt.NDArray[np.uint8],
    offsets: npt.NDArray[np.int64],
    known: Letters,
    ngram: int,
    least: int,
    keys: npt.NDArray[np.uint64],
    checks: npt.NDArray[np.uint64],
    lengths: npt.NDArray[np.int64],
    rows: npt.NDArray[np.int64],
    words: npt.NDArray[np.int64],
) -> int:
    """The entries of texts, as the index has them.

    Args:
        data: the bytes of all texts.
        offsets: where each begins, with the end of the last.
        known: what words are made of.
        ngram: words of an n-gram.
        least: a text of fewer words than an n-gram is an entry from so many on, and is found by
            so many words.
        keys: filled; this and the following have room for an entry for each byte.
        checks: filled.
        lengths: filled.
        rows: filled with the text of each entry.
        words: filled with the number of words of each text.

    Returns:
        The number of entries.
    """
    data, classes = borrowed(data), borrowed(known.classes)
    folded, plain = borrowed(known.folded), borrowed(known.ascii)
    ring = np.zeros(_ROOM, np.uint64)
    found = 0
    for row in range(len(offsets) - 1):
        i, end, place, count = offsets[row], offsets[row + 1], 0, 0
        while True:
            h, i, place, first = next_word(data, i, end, place, classes, folded, plain)
            if first < 0:
                break
            ring[count & _MASK] = h
            count += 1
            if count >= ngram and _is_varied(ring, count, ngram):
                keys[found], checks[found] = _hashes(ring, count, ngram, ngram)
                lengths[found] = ngram
                rows[found] = row
                found += 1
        words[row] = count
        if least <= count < ngram and _is_varied(ring, count, count):
            keys[found], checks[found] = _hashes(ring, count, least, count)
            lengths[found] = count
            rows[found] = row
            found += 1
    return found


@inner
def _is_varied(ring: npt.NDArray[np.uint64], count: int, length: int) -> bool:
    """Whether at least every third of the last words is different from those before it."""
    different = 0
    for k in range(count - length, count):
        new = True
        for before in range(count - length, k):
            new = new and ring[before & _MASK] != ring[k & _MASK]
        different += new
    return different * 3 >= length


@inner
def _hashes(
    ring: npt.NDArray[np.uint64], count: int, size: int, length: int
) -> tuple[np.uint64, np.uint64]:
    """Key over the last `size` words of `count`, check over the last `length`."""
    h = np.uint64(0)
    for k in range(count - size, count):
        h = h * _BASE + ring[k & _MASK]
    return _key(h, size), _check(ring, count, length)


@inner
def _check(ring: npt.NDArray[np.uint64], count: int, length: int) -> np.uint64:
    h = SECOND_SEED
    for k in range(count - length, count):
        h = step(h, ring[k & _MASK])
    return finish(h)


@kernel
def find_overlaps(
    data: npt.NDArray[np.uint8],
    offsets: npt.NDArray[np.int64],
    known: Letters,
    index: Index,
    words: npt.NDArray[np.int64],
    hits: npt.NDArray[np.int64],
) -> int:
    """Find the entries of an index in texts.

    Args:
        data: the bytes of all texts.
        offsets: where each begins, with the end of the last.
        known: what words are made of.
        index: what to find.
        words: filled with the number of words of each text.
        hits: filled, a row of `HIT` numbers each, by text.

    Returns:
        The number of hits, of which `hits` holds as many as it has room for.
    """
    data, classes = borrowed(data), borrowed(known.classes)
    folded, plain = borrowed(known.folded), borrowed(known.ascii)
    keys, checks, lengths = borrowed(index.keys), borrowed(index.checks), borrowed(index.lengths)
    bits, buckets, sizes = borrowed(index.bits), borrowed(index.buckets), borrowed(index.sizes)
    bit_starts, bit_shifts = borrowed(index.bit_starts), borrowed(index.bit_shifts)
    bucket_shift = np.uint64(64)
    room = len(buckets) - 1
    while room > 1:
        room >>= 1
        bucket_shift -= _U1
    powers = np.empty(len(sizes), np.uint64)
    for k in range(len(sizes)):
        powers[k] = _power(sizes[k])
    rolling = np.zeros(len(sizes), np.uint64)
    waiting = np.zeros((len(sizes), _BLOCK), np.uint64)
    ring, firsts, ends = (
        np.zeros(_ROOM, np.uint64),
        np.zeros(_ROOM, np.int64),
        np.zeros(_ROOM, np.int64),
    )
    found = 0
    for row in range(len(offsets) - 1):
        i, end, place, count = offsets[row], offsets[row + 1], 0, 0
        rolling[:] = 0
        more = True
        while more:
            start = count
            while count < start + _BLOCK:
                word, i, place, first = next_word(data, i, end, place, classes, folded, plain)
                if first < 0:
                    more = False
                    break
                for k in range(len(sizes)):
                    size = sizes[k]
                    old = ring[(count - size) & _MASK] if count >= size else np.uint64(0)
                    rolling[k] = _rolled(rolling[k], word, old, powers[k])
                    waiting[k, count - start] = _key(rolling[k], size)
                at = count & _MASK
                ring[at], firsts[at], ends[at] = word, first, place
                count += 1
            for k in range(len(sizes)):
                shift, filter_start = bit_shifts[k], np.uint64(bit_starts[k])
                for last in range(max(start, sizes[k] - 1), count):
                    key = waiting[k, last - start]
                    bit = key >> shift
                    if not bits[filter_start + (bit >> _U6)] >> (bit & _U63) & _U1:
                        continue
                    bucket = key >> bucket_shift
                    for at in range(buckets[bucket], buckets[bucket + _U1]):
                        length = lengths[at]
                        if keys[at] != key or length > last + 1:
                            continue
                        if _check(ring, last + 1, length) != checks[at]:
                            continue
                        if found < len(hits):
                            hits[found, 0] = row
                            hits[found, 1] = at
                            hits[found, 2] = firsts[(last + 1 - length) & _MASK]
                            hits[found, 3] = ends[last & _MASK]
                            hits[found, 4] = last
                        found += 1
        words[row] = count
    return found
