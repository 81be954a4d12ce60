"""Overlap of texts with evaluation sets: n-grams of words, looked up in an index, in one pass.

Words are runs of letters and digits in lower case without diacritics; a comma between two digits
leaves no trace, and a letter of a script written without spaces is a word of its own. Unlike the
words of MinHash, numbers count as they are. An n-gram is found by a polynomial of its words'
hashes, which rolls along the text, and must then agree in a second hash: 128 bits in all.

A text of an evaluation set that has fewer words than an n-gram is one entry of its own length,
found by its last words.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from filters.kernels import borrowed, inlined, inner, integer, kernel
from filters.kernels.decode import decode
from filters.kernels.hashing import MULTIPLIER, SECOND_SEED, SEED, finish, fold, step
from filters.kernels.tables import BREAK, DROP, SCRIPT

RING = 128
"""Words remembered, a power of two; an n-gram has at most so many."""
HIT = 5
"""Numbers of a hit: row, entry, its first and the end of its last character, its last word."""

_RING_MASK = RING - 1
_BASE = np.uint64(0xF1357AEA2E62A9C5)
_ZERO = ord("0")
_COMMA = ord(",")
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
    filter: npt.NDArray[np.uint64]
    """A bit for each key, by its highest bits: a power of two of words, two or more."""
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


@inner
def _next_word(
    data: npt.NDArray[np.uint8],
    i: int,
    end: int,
    place: int,
    classes: npt.NDArray[np.int32],
    folded: npt.NDArray[np.int32],
) -> tuple[np.uint64, int, int, int]:
    """The next word: its hash, the byte and the character after it, its first character.

    The first character is -1 where no word is left.
    """
    h = SEED
    first = -1
    digit = False
    while i < end:
        after = i + 1
        cp = integer(data[i])
        if cp >= 0x80:
            cp, after = decode(data, i, end)
        value = integer(folded[cp])
        if value == BREAK:
            if first >= 0:
                inner_comma = digit and cp == _COMMA and after < end
                if not (inner_comma and 48 <= data[after] <= 57):
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
            if value == _ZERO:
                value = cp
            digit = 48 <= cp <= 57
            h = fold(h, value)
        i, place = after, place + 1
    return finish(h), i, place, first


@kernel
def entries_of(
    data: npt.NDArray[np.uint8],
    offsets: npt.NDArray[np.int64],
    classes: npt.NDArray[np.int32],
    folded: npt.NDArray[np.int32],
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
        classes: `Tables.classes`.
        folded: `Tables.fold`.
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
    data, classes, folded = borrowed(data), borrowed(classes), borrowed(folded)
    ring = np.zeros(RING, np.uint64)
    found = 0
    for row in range(len(offsets) - 1):
        i, end, place, count = offsets[row], offsets[row + 1], 0, 0
        while True:
            h, i, place, first = _next_word(data, i, end, place, classes, folded)
            if first < 0:
                break
            ring[count & _RING_MASK] = h
            count += 1
            if count >= ngram:
                keys[found], checks[found] = _hashes(ring, count, ngram, ngram)
                lengths[found] = ngram
                rows[found] = row
                found += 1
        words[row] = count
        if least <= count < ngram:
            keys[found], checks[found] = _hashes(ring, count, least, count)
            lengths[found] = count
            rows[found] = row
            found += 1
    return found


@inner
def _hashes(
    ring: npt.NDArray[np.uint64], count: int, size: int, length: int
) -> tuple[np.uint64, np.uint64]:
    """Key over the last `size` words of `count`, check over the last `length`."""
    h = np.uint64(0)
    for k in range(count - size, count):
        h = h * _BASE + ring[k & _RING_MASK]
    return _key(h, size), _check(ring, count, length)


@inner
def _check(ring: npt.NDArray[np.uint64], count: int, length: int) -> np.uint64:
    h = SECOND_SEED
    for k in range(count - length, count):
        h = step(h, ring[k & _RING_MASK])
    return finish(h)


@kernel
def find_overlaps(
    data: npt.NDArray[np.uint8],
    offsets: npt.NDArray[np.int64],
    classes: npt.NDArray[np.int32],
    folded: npt.NDArray[np.int32],
    index: Index,
    words: npt.NDArray[np.int64],
    hits: npt.NDArray[np.int64],
) -> int:
    """Find the entries of an index in texts.

    Args:
        data: the bytes of all texts.
        offsets: where each begins, with the end of the last.
        classes: `Tables.classes`.
        folded: `Tables.fold`.
        index: what to find.
        words: filled with the number of words of each text.
        hits: filled, a row of `HIT` numbers each, by text and last word.

    Returns:
        The number of hits, of which `hits` holds as many as it has room for.
    """
    data, classes, folded = borrowed(data), borrowed(classes), borrowed(folded)
    keys, checks, lengths = borrowed(index.keys), borrowed(index.checks), borrowed(index.lengths)
    bits, buckets, sizes = borrowed(index.filter), borrowed(index.buckets), borrowed(index.sizes)
    shift = np.uint64(64)
    room = len(bits)
    while room > 1:
        room >>= 1
        shift -= _U1
    shift -= _U6
    bucket_shift = np.uint64(64)
    room = len(buckets) - 1
    while room > 1:
        room >>= 1
        bucket_shift -= _U1
    powers = np.empty(len(sizes), np.uint64)
    for k in range(len(sizes)):
        powers[k] = _power(sizes[k])
    rolling = np.zeros(len(sizes), np.uint64)
    ring = np.zeros(RING, np.uint64)
    firsts = np.zeros(RING, np.int64)
    found = 0
    for row in range(len(offsets) - 1):
        i, end, place, count = offsets[row], offsets[row + 1], 0, 0
        rolling[:] = 0
        while True:
            word, i, place, first = _next_word(data, i, end, place, classes, folded)
            if first < 0:
                break
            for k in range(len(sizes)):
                size = sizes[k]
                old = ring[(count - size) & _RING_MASK] if count >= size else np.uint64(0)
                rolling[k] = _rolled(rolling[k], word, old, powers[k])
            ring[count & _RING_MASK] = word
            firsts[count & _RING_MASK] = first
            count += 1
            for k in range(len(sizes)):
                if count < sizes[k]:
                    continue
                key = _key(rolling[k], sizes[k])
                bit = key >> shift
                if not bits[bit >> _U6] >> (bit & _U63) & _U1:
                    continue
                bucket = key >> bucket_shift
                for at in range(buckets[bucket], buckets[bucket + _U1]):
                    if keys[at] != key or lengths[at] > count:
                        continue
                    length = lengths[at]
                    if _check(ring, count, length) != checks[at]:
                        continue
                    if found < len(hits):
                        hits[found, 0] = row
                        hits[found, 1] = at
                        hits[found, 2] = firsts[(count - length) & _RING_MASK]
                        hits[found, 3] = place
                        hits[found, 4] = count - 1
                    found += 1
        words[row] = count
    return found
