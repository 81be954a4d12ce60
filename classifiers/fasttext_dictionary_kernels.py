"""numba kernels of a fastText model's dictionary, and the model as arrays that all kernels take."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from thresher.filters.kernels import inlined, inner, kernel

U8 = npt.NDArray[np.uint8]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
F32 = npt.NDArray[np.float32]
FNV_BASIS = np.uint32(2166136261)
_FNV_PRIME = np.uint32(16777619)
END_OF_SENTENCE = np.int32(-677_604_519)  # the hash of </s>


class Model(NamedTuple):
    """A model as arrays; see `fasttext_arrays.arrays`."""

    data: U8
    """The file."""
    settings: I64
    """dim, words, labels, word n-grams, buckets, least and longest n-gram, loss, end of sentence,
    pruned (0 or 1), parts of a code (0: rows are plain), numbers in a part."""
    word_starts: I64
    """Where each entry of the dictionary lies in the file."""
    word_ends: I64
    table: I32
    """Entries of the dictionary by hash, -1 where there is none; a power of two long."""
    kept_bits: npt.NDArray[np.uint32]
    """Which buckets are kept, where the dictionary is pruned."""
    kept_before: I32
    """How many buckets are kept before each group of 32."""
    kept_rows: I32
    """The rows of the kept buckets."""
    rows: F32
    """The input matrix, shape (rows, dim), where it is plain."""
    codes: U8
    """The codes of its rows, shape (rows, parts), where it is quantised."""
    centroids: F32
    """Shape (256 * dim): of each part, 256 vectors."""
    norms: F32
    """What each row is multiplied by, where it is quantised."""
    output: F32
    """The output matrix, shape (labels, dim)."""
    left: I32
    """Of the Huffman tree's inner nodes, in fastText's order; for the hierarchical loss."""
    right: I32


@inlined
def is_space(byte: Any) -> Any:
    """Whether fastText ends a word at a byte."""
    return byte == 32 or (9 <= byte <= 13) or byte == 0


@inlined
def extended(value: Any, byte: Any) -> Any:
    """One step of FNV-1a as fastText has it: bytes are signed."""
    signed = np.uint32(byte) | (np.uint32(0xFFFFFF00) if byte > 127 else np.uint32(0))
    return np.uint32((value ^ signed) * _FNV_PRIME)


@kernel
def walk_dictionary(data: U8, at: int, entries: int, most: int) -> tuple[int, I64, I64, I64, U8]:
    """Where the entries of a dictionary lie, their counts and kinds, and where they end.

    Args:
        data: the file.
        at: where the dictionary begins.
        entries: how many there are.
        most: bytes of the longest word.

    Returns:
        The offset behind the last entry; negative, minus the number of the entry that has no end.
    """
    starts = np.empty(entries, np.int64)
    ends = np.empty(entries, np.int64)
    counts = np.empty(entries, np.int64)
    kinds = np.empty(entries, np.uint8)
    for entry in range(entries):
        end = at
        bound = min(at + most, data.size - 9)
        while end < bound and data[end] != 0:
            end += 1
        if end >= bound:
            return -1 - entry, starts, ends, counts, kinds
        starts[entry], ends[entry] = at, end
        count = np.uint64(0)
        for i in range(8):
            count |= np.uint64(data[end + 1 + i]) << np.uint64(8 * i)
        counts[entry] = np.int64(count)
        kinds[entry] = data[end + 9]
        at = end + 10
    return at, starts, ends, counts, kinds


@kernel
def hash_table(data: U8, starts: I64, ends: I64) -> I32:
    """Open addressing over the words of a dictionary, at most half full."""
    size = 1
    while size < 2 * starts.size + 1:
        size *= 2
    table = np.full(size, -1, np.int32)
    for entry in range(starts.size):
        value = FNV_BASIS
        for i in range(starts[entry], ends[entry]):
            value = extended(value, data[i])
        at = np.int64(value) & (size - 1)
        while table[at] >= 0:
            at = (at + 1) & (size - 1)
        table[at] = entry
    return table


@inner
def find_entry(model: Model, text: U8, start: int, end: int, value: np.uint32) -> Any:
    """The entry of a word, or -1."""
    mask = model.table.size - 1
    at = np.int64(value) & mask
    while True:
        entry = np.int64(model.table[at])
        if entry < 0:
            return -1
        first = model.word_starts[entry]
        if model.word_ends[entry] - first == end - start:
            same = True
            for i in range(end - start):
                if model.data[first + i] != text[start + i]:
                    same = False
                    break
            if same:
                return entry
        at = (at + 1) & mask


@inner
def is_blank(text: U8, at: int, end: int) -> bool:
    """Whether a word is made of Unicode's spaces only, which fastText takes for letters."""
    while at < end:
        byte = text[at]
        if 28 <= byte <= 31:
            at += 1
        elif byte == 0xC2 and at + 1 < end and (text[at + 1] == 0x85 or text[at + 1] == 0xA0):
            at += 2
        elif at + 2 < end and (
            (byte == 0xE1 and text[at + 1] == 0x9A and text[at + 2] == 0x80)
            or (byte == 0xE3 and text[at + 1] == 0x80 and text[at + 2] == 0x80)
            or (byte == 0xE2 and text[at + 1] == 0x81 and text[at + 2] == 0x9F)
            or (
                byte == 0xE2
                and text[at + 1] == 0x80
                and (0x80 <= text[at + 2] <= 0x8A or text[at + 2] in (0xA8, 0xA9, 0xAF))
            )
        ):
            at += 3
        else:
            return False
    return True


@inner
def is_label(text: U8, start: int, end: int) -> Any:
    """Whether a word is a label: it begins with `__label__`."""
    if end - start < 9 or text[start] != 95 or text[start + 1] != 95:
        return False
    return (
        text[start + 2] == 108
        and text[start + 3] == 97
        and text[start + 4] == 98
        and text[start + 5] == 101
        and text[start + 6] == 108
        and text[start + 7] == 95
        and text[start + 8] == 95
    )
