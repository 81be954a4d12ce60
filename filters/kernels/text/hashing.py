"""64-bit hashing of code points and bytes, for kernels and, mirrored, for tables built in Python.

`h = (h + value + 1) * MULTIPLIER; h ^= h >> 29` per value, then MurmurHash3's finaliser; in words,
which are not stored, `fold_group` for every 8 bytes. Two different texts of a document collide
with probability about 2^-64 per pair: a document of a million words expects 3e-8 false
duplicates, which is ignored. The hash is not cryptographic: who crafts a text for it can fake a
duplicate of his own words, no more. Results do not depend on the platform; `content_hash`,
`raw_hash` and `keyed_hash` are stored, so changing a constant changes identities.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from thresher.filters.kernels import borrowed, inlined, inner, integer, kernel
from thresher.filters.kernels.text.decode import decode
from thresher.filters.kernels.text.simd import address, eight
from thresher.filters.kernels.text.tables import COMBINES, SPACE, Tables

MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
SECOND_MULTIPLIER = np.uint64(0xD6E8FEB86659FD93)
SEED = np.uint64(0x243F6A8885A308D3)
SECOND_SEED = np.uint64(0x13198A2E03707344)

_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
_U1 = np.uint64(1)
_CASE = np.uint64(0x2020202020202020)
_FOREIGN = np.uint64(1 << 63)
_U3 = np.uint64(3)
_U29 = np.uint64(29)
_U31 = np.uint64(31)
_U32 = np.uint64(32)
_U33 = np.uint64(33)
_MIX_1 = np.uint64(0xFF51AFD7ED558CCD)
_MIX_2 = np.uint64(0xC4CEB9FE1A85EC53)


@inlined
def step(h: np.uint64, value: int | np.uint64) -> np.uint64:
    """Fold one value into a running hash."""
    h = (h + np.uint64(value) + _U1) * MULTIPLIER
    return h ^ (h >> _U29)


@inlined
def fold(h: np.uint64, value: int) -> np.uint64:
    """Fold a code point into the running hash of an exception.

    Half the latency of `step`, which is what a scan over characters waits for. What it leaves
    must go through `finish`, or be looked at from the top: its low bits are weak.
    """
    return (h ^ np.uint64(value)) * MULTIPLIER


@inlined
def fold_group(h: np.uint64, group: np.uint64) -> np.uint64:
    """Fold 8 bytes of a word, the first the lowest, into its running hash.

    A word shorter than a multiple of 8 bytes ends in a group with zeros on top; its length is
    added before `finish`.
    """
    h = (h ^ group) * MULTIPLIER
    return h ^ (h >> _U32)


@inlined
def first_bytes(group: np.uint64, count: int) -> np.uint64:
    """The first `count` of 8 bytes, from 1, zeros above."""
    return group & (_ALL >> np.uint64(64 - 8 * count))


@inlined
def finish(h: np.uint64) -> np.uint64:
    """MurmurHash3's 64-bit finaliser: a bijection that spreads every bit."""
    h = (h ^ (h >> _U33)) * _MIX_1
    h = (h ^ (h >> _U33)) * _MIX_2
    return h ^ (h >> _U33)


@inlined
def lower_letters(where: int, n: int) -> tuple[np.uint64, np.uint64, int]:
    """`add_code_point` of `n` ASCII letters in lower case, at an address where 32 can be read."""
    h = SEED
    k = 0
    while k + 8 <= n:
        h = fold_group(h, eight(where + k) | _CASE)
        k += 8
    if k == n:
        return h, np.uint64(0), 0
    return h, first_bytes(eight(where + k) | _CASE, n - k), n - k


@inlined
def add_code_point(
    h: np.uint64, group: np.uint64, held: int, cp: int
) -> tuple[np.uint64, np.uint64, int]:
    """Add a code point to a word's running hash, of which `held` bytes wait in `group`.

    For ASCII the same as `hash_word`; any other code point is a group of its own.
    """
    if cp >= 0x80:
        if held:
            h = fold_group(h, group)
        foreign = np.uint64(cp) | np.uint64(held) << _U32 | _FOREIGN
        return fold_group(h, foreign), np.uint64(0), 0
    group |= np.uint64(cp) << (np.uint64(held) << _U3)
    if held == 7:
        return fold_group(h, group), np.uint64(0), 0
    return h, group, held + 1


@inlined
def finish_word(h: np.uint64, group: np.uint64, held: int, length: int) -> np.uint64:
    """The hash of a word of so many code points."""
    if held:
        h = fold_group(h, group)
    return finish(h + np.uint64(length))


@inner
def hash_word(data: npt.NDArray[np.uint8], start: int, end: int) -> np.uint64:
    """Hash of the word `data[start:end]`."""
    h = SEED
    i = start
    where = address(data)
    while i < end and i + 8 <= len(data):
        h = fold_group(h, first_bytes(eight(where + i), min(end - i, 8)))
        i += 8
    while i < end:  # at the very end of the data
        group = np.uint64(0)
        for k in range(min(end - i, 8)):
            group |= np.uint64(data[i + k]) << np.uint64(8 * k)
        h = fold_group(h, group)
        i += 8
    return finish(h + np.uint64(end - start))


def python_point_hash(word: str) -> int:
    """`add_code_point` and `finish_word` in Python."""
    mask = 0xFFFFFFFFFFFFFFFF
    h, group, held = int(SEED), 0, 0

    def folded(h: int, group: int) -> int:
        h = (h ^ group) * int(MULTIPLIER) & mask
        return h ^ h >> 32

    for character in word:
        cp = ord(character)
        if cp >= 0x80:
            if held:
                h = folded(h, group)
            h, group, held = folded(h, cp | held << 32 | 1 << 63), 0, 0
            continue
        group |= cp << 8 * held
        held += 1
        if held == 8:
            h, group, held = folded(h, group), 0, 0
    if held:
        h = folded(h, group)
    return _python_finish(h + len(word) & mask)


def _python_finish(h: int) -> int:
    for multiplier in (int(_MIX_1), int(_MIX_2)):
        h = (h ^ h >> 33) * multiplier & 0xFFFFFFFFFFFFFFFF
    return h ^ h >> 33


@inner
def hash_bytes(data: npt.NDArray[np.uint8], start: int, end: int, seed: np.uint64) -> np.uint64:
    """Hash of `data[start:end]`."""
    h = seed
    for i in range(start, end):
        h = step(h, data[i])
    return finish(h + np.uint64(end - start))


@kernel
def content_hashes(
    data: npt.NDArray[np.uint8],
    offsets: npt.NDArray[np.int64],
    tables: Tables,
    out: npt.NDArray[np.uint64],
    composed: npt.NDArray[np.bool_],
) -> None:
    """Two independent 64-bit streams over the lower-cased text with white space folded.

    Args:
        data: UTF-8 of all texts.
        offsets: where each starts, and the end of the last.
        tables: of code points.
        out: filled with the streams.
        composed: filled with whether NFC surely leaves a text as it is.
    """
    classes = tables.classes
    lower = tables.lower
    data = borrowed(data)
    for row in range(len(offsets) - 1):
        first = SEED
        second = SECOND_SEED
        i = offsets[row]
        end = offsets[row + 1]
        pending = False
        count = 0
        combines = 0
        while i < end:
            cp = integer(data[i])
            if cp < 0x80:
                i += 1
            else:
                cp, i = decode(data, i, end)
            combines |= classes[cp] & COMBINES
            if classes[cp] & SPACE:
                pending = count > 0
                continue
            if pending:
                first = step(first, 32)
                second = (second ^ np.uint64(33)) * SECOND_MULTIPLIER
                second ^= second >> _U31
                count += 1
                pending = False
            low = lower[cp]
            first = step(first, low)
            second = (second ^ np.uint64(low + 1)) * SECOND_MULTIPLIER
            second ^= second >> _U31
            count += 1
        composed[row] = combines == 0
        out[row, 0] = finish(first + np.uint64(count))
        out[row, 1] = finish(second + np.uint64(count))


@kernel
def raw_hashes(
    data: npt.NDArray[np.uint8],
    offsets: npt.NDArray[np.int64],
    out: npt.NDArray[np.uint64],
) -> None:
    """Two independent 64-bit streams over the bytes as they are."""
    data = borrowed(data)
    for row in range(len(offsets) - 1):
        first = SEED
        second = SECOND_SEED
        size = np.uint64(offsets[row + 1] - offsets[row])
        for i in range(offsets[row], offsets[row + 1]):
            first = step(first, data[i])
            second = (second ^ (np.uint64(data[i]) + _U1)) * SECOND_MULTIPLIER
            second ^= second >> _U31
        out[row, 0] = finish(first + size)
        out[row, 1] = finish(second + size)


@kernel
def keyed_hashes(
    data: npt.NDArray[np.uint8],
    offsets: npt.NDArray[np.int64],
    seed: np.uint64,
    out: npt.NDArray[np.uint64],
) -> None:
    """`hash_bytes` of each value, started from the seed."""
    data = borrowed(data)
    start = finish(seed ^ SEED)
    for row in range(len(offsets) - 1):
        out[row] = hash_bytes(data, offsets[row], offsets[row + 1], start)
