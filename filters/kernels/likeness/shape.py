"""The shape of a text in a few hundred bytes: samples of words and n-grams, opening, ending.

Only the first PREFIX words are looked at, so that long and short documents weigh the same in what
is made of many of them. A word or n-gram is in the sample if the top bits of its hash are zero: the
same ones are in every document's sample, so that samples can be united, intersected and counted
as the whole could. Words are those of MinHash (`shingles`).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from thresher.filters.kernels import borrowed, inner, kernel
from thresher.filters.kernels.likeness.shingles import normal_words
from thresher.filters.kernels.text.hashing import SEED, finish, step

PREFIX = 256
"""Words that are looked at."""
EDGE = 4
"""Words of an opening, and of an ending."""
TAIL_BYTES = 128
"""The ending is looked for in so many last bytes, from the first space on."""
SAMPLED_BITS = 3
"""One in 2^3 different words, and n-grams, is in the sample."""

_SHIFT = np.uint64(64 - SAMPLED_BITS)
_LOW = np.uint64(0xFFFFFFFF)
_ZERO = np.uint64(0)


@inner
def _joined(hashes: npt.NDArray[np.uint64], first: int, last: int) -> np.uint64:
    """Hash of the words `first` to `last`."""
    h = SEED
    for k in range(first, last):
        h = step(h, hashes[k])
    return finish(h)


@inner
def _unique(values: npt.NDArray[np.uint32], start: int, end: int) -> int:
    """Sort a stretch and drop what is there twice; returns the new end.

    By insertion: of PREFIX values one in eight comes here, unless a text is made for it.
    """
    kept = start
    for k in range(start, end):
        value = values[k]
        place = kept
        while place > start and values[place - 1] > value:
            place -= 1
        if place > start and values[place - 1] == value:
            continue
        for other in range(kept, place, -1):
            values[other] = values[other - 1]
        values[place] = value
        kept += 1
    return kept


@inner
def _tail(data: npt.NDArray[np.uint8], start: int, end: int) -> int:
    """Where the words of the ending may begin: behind the first space of the last bytes."""
    if end - start <= TAIL_BYTES:
        return start
    for i in range(end - TAIL_BYTES, end):
        if data[i] <= 32:
            return i
    i = end - TAIL_BYTES
    while i < end and data[i] & 0xC0 == 0x80:
        i += 1
    return i


@kernel
def shape_texts(
    data: npt.NDArray[np.uint8],
    offsets: npt.NDArray[np.int64],
    classes: npt.NDArray[np.int32],
    fold: npt.NDArray[np.int32],
    hashes: npt.NDArray[np.uint64],
    edges: npt.NDArray[np.uint32],
    counts: npt.NDArray[np.int32],
    words: npt.NDArray[np.uint32],
    word_ends: npt.NDArray[np.int32],
    ngrams: npt.NDArray[np.uint32],
    ngram_ends: npt.NDArray[np.int32],
) -> None:
    """Fill the shapes of a batch.

    Args:
        data: UTF-8 of all texts.
        offsets: where each starts, and the end of the last.
        classes: flags of code points.
        fold: folds of code points.
        hashes: scratch of at least exactly PREFIX words.
        edges: filled with the hashes of opening and ending.
        counts: filled with the number of words looked at.
        words: filled with each text's sample of words, sorted; room for PREFIX of each.
        word_ends: where each text's words end, one place on.
        ngrams: the same of n-grams.
        ngram_ends: the same of n-grams.
    """
    data, offsets, classes, fold = (
        borrowed(data),
        borrowed(offsets),
        borrowed(classes),
        borrowed(fold),
    )
    hashes, words, ngrams = borrowed(hashes), borrowed(words), borrowed(ngrams)
    word_end = 0
    ngram_end = 0
    for row in range(len(offsets) - 1):
        start, end = offsets[row], offsets[row + 1]
        count = normal_words(data, start, end, classes, fold, hashes)
        counts[row] = count
        edges[row, 0] = np.uint32(_joined(hashes, 0, min(EDGE, count)) & _LOW)
        word_start = word_end
        ngram_start = ngram_end
        for k in range(count):
            words[word_end] = np.uint32(hashes[k] & _LOW)
            word_end += hashes[k] >> _SHIFT == _ZERO  # without a branch that cannot be predicted
        for k in range(count - 2):
            h = finish(step(step(step(SEED, hashes[k]), hashes[k + 1]), hashes[k + 2]))
            ngrams[ngram_end] = np.uint32(h & _LOW)
            ngram_end += h >> _SHIFT == _ZERO
        word_end = _unique(words, word_start, word_end)
        ngram_end = _unique(ngrams, ngram_start, ngram_end)
        word_ends[row + 1] = word_end
        ngram_ends[row + 1] = ngram_end
        count = normal_words(data, _tail(data, start, end), end, classes, fold, hashes)
        edges[row, 1] = np.uint32(_joined(hashes, max(0, count - EDGE), count) & _LOW)
