"""MinHash: n-grams of normalised text under datasketch's affine32 permutations.

Normalised words are runs of letters and digits, lower-cased, without diacritics; all else
separates, but for one point or comma inside of a number. A letter of a script written without
spaces is a word of its own. For shingles of characters, each letter is a unit, and so is what
separates words, once. What a number is, the table of folds decides: by `fold` a single `0`, so that
all are alike; by `fold_but_digits` its digits and, in words, its inner marks, which are alike. A
shingle is the upper half of a 64-bit hash over the hashes of its units; datasketch's update is its
MurmurHash3 finaliser, then a*h + b mod 2^32, of which the minimum is kept.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from thresher.filters.kernels import borrowing_kernel, inner, integer, kernel
from thresher.filters.kernels.text.decode import decode
from thresher.filters.kernels.text.hashing import SEED, finish, step
from thresher.filters.kernels.text.tables import BREAK, DROP, SCRIPT

_U32 = np.uint64(32)
_ZERO = ord("0")
_ONE = ord("1")
_NINE = ord("9")
_POINT = ord(".")


@kernel
def normal_words(
    data: npt.NDArray[np.uint8],
    start: int,
    end: int,
    classes: npt.NDArray[np.int32],
    fold: npt.NDArray[np.int32],
    hashes: npt.NDArray[np.uint64],
) -> int:
    """Hashes of the normalised words of a text, as many as fit; returns their number."""
    n = 0
    h = SEED
    inside = False
    number = False
    digits = integer(fold[_ONE]) == _ONE
    i = start
    room = len(hashes)
    while i < end and n < room:
        cp = integer(data[i])
        i += 1
        if cp >= 0x80:
            cp, i = decode(data, i - 1, end)
        value = integer(fold[cp])
        if value == DROP:
            continue
        script = value != BREAK and classes[cp] & SCRIPT != 0
        if value == BREAK or script:
            if number and (cp == 46 or cp == 44) and i < end and 48 <= data[i] <= 57:
                if digits:
                    h = step(h, _POINT)
                continue
            if inside:
                hashes[n] = finish(h)
                n += 1
                h = SEED
                inside = False
            number = False
            if script and n < room:
                hashes[n] = finish(step(SEED, value))
                n += 1
            continue
        if _ZERO <= value <= _NINE:
            if number and not digits:
                continue
            number = True
        else:
            number = False
        h = step(h, value)
        inside = True
    if inside and n < room:
        hashes[n] = finish(h)
        n += 1
    return n


@kernel
def normal_characters(
    data: npt.NDArray[np.uint8],
    start: int,
    end: int,
    fold: npt.NDArray[np.int32],
    hashes: npt.NDArray[np.uint64],
) -> int:
    """Hashes of the normalised characters of a text, as many as fit; returns their number."""
    n = 0
    last = BREAK
    digits = integer(fold[_ONE]) == _ONE
    i = start
    while i < end and n < len(hashes):
        cp = integer(data[i])
        i += 1
        if cp >= 0x80:
            cp, i = decode(data, i - 1, end)
        value = integer(fold[cp])
        if value == DROP or (value == last and (value == BREAK or (value == _ZERO and not digits))):
            continue
        hashes[n] = finish(step(SEED, value))
        n += 1
        last = value
    return n - 1 if n and last == BREAK else n


@kernel
def shingle(
    hashes: npt.NDArray[np.uint64], units: int, ngram: int, shingles: npt.NDArray[np.uint32]
) -> int:
    """Hashes of the n-grams; returns their number."""
    count = max(units - ngram + 1, 0)
    for i in range(count):
        h = SEED
        for k in range(ngram):
            h = step(h, hashes[i + k])
        shingles[i] = np.uint32(finish(h) >> _U32)
    return count


@inner
def permute(
    shingles: npt.NDArray[np.uint32],
    count: int,
    multipliers: npt.NDArray[np.uint32],
    offsets: npt.NDArray[np.uint32],
    signature: npt.NDArray[np.uint32],
) -> None:
    """The signature of `shingles[:count]`, which are finalised in place."""
    for i in range(count):
        h = shingles[i]
        h ^= h >> np.uint32(16)
        h = np.uint32(h * np.uint32(0x85EBCA6B))
        h ^= h >> np.uint32(13)
        h = np.uint32(h * np.uint32(0xC2B2AE35))
        shingles[i] = h ^ h >> np.uint32(16)
    for k in range(len(multipliers)):
        a = multipliers[k]
        b = offsets[k]
        least = np.uint32(0xFFFFFFFF)
        for i in range(count):
            least = min(least, np.uint32(a * shingles[i] + b))
        signature[k] = least


@borrowing_kernel
def sign_texts(
    data: npt.NDArray[np.uint8],
    text_offsets: npt.NDArray[np.int64],
    classes: npt.NDArray[np.int32],
    fold: npt.NDArray[np.int32],
    ngram: int,
    characters: bool,
    multipliers: npt.NDArray[np.uint32],
    offsets: npt.NDArray[np.uint32],
    hashes: npt.NDArray[np.uint64],
    shingles: npt.NDArray[np.uint32],
    signatures: npt.NDArray[np.uint32],
    signed: npt.NDArray[np.bool_],
) -> None:
    """Signatures of a batch; a text of fewer units than a shingle stays unsigned."""
    for row in range(len(text_offsets) - 1):
        start, stop = text_offsets[row], text_offsets[row + 1]
        if characters:
            units = normal_characters(data, start, stop, fold, hashes)
        else:
            units = normal_words(data, start, stop, classes, fold, hashes)
        count = shingle(hashes, units, ngram, shingles)
        signed[row] = count > 0
        if count:
            permute(shingles, count, multipliers, offsets, signatures[row])


@kernel
def shingle_runs(
    data: npt.NDArray[np.uint8],
    text_offsets: npt.NDArray[np.int64],
    classes: npt.NDArray[np.int32],
    fold: npt.NDArray[np.int32],
    ngram: int,
    characters: bool,
    hashes: npt.NDArray[np.uint64],
    shingles: npt.NDArray[np.uint32],
    out: npt.NDArray[np.uint32],
    offsets: npt.NDArray[np.int64],
) -> None:
    """The sorted unique shingles of each text, in one row; `offsets[i + 1]` is where i's end."""
    end = 0
    for row in range(len(text_offsets) - 1):
        start, stop = text_offsets[row], text_offsets[row + 1]
        if characters:
            units = normal_characters(data, start, stop, fold, hashes)
        else:
            units = normal_words(data, start, stop, classes, fold, hashes)
        count = shingle(hashes, units, ngram, shingles)
        found = shingles[:count]
        found.sort()
        for i in range(count):
            if i == 0 or found[i] != found[i - 1]:
                out[end] = found[i]
                end += 1
        offsets[row + 1] = end
