"""The layout of a fastText model file, read without trusting one number in it.

fastText believes what a file says of itself: a truncated or hostile one makes it allocate
terabytes, loop for ever or read outside its matrices, at load or at some later prediction. So the
whole file is walked here first: every count agrees with every other and with the size of the file.
What passes holds nothing that could send a prediction out of bounds.

Nothing is copied: the arrays of a layout are views of the file, which is mapped, so that all
processes of a machine share one copy of a large matrix.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from thresher.classifiers.fasttext_dictionary_kernels import walk_dictionary
from thresher.filters.errors import DataError

MAGIC = 793_712_314
VERSIONS = (11, 12)
SUPERVISED = 3
LOSSES = (1, 2, 3, 4)
MAPPED_BYTES = 64 << 20
"""Larger files are mapped, smaller ones read: a file that is cut while it is mapped ends the
process, and only a large one is worth that."""

_ARGS = struct.Struct("<12id")
_DICTIONARY = struct.Struct("<iiiqq")
_ENTRY_BYTES = 10
_MAX_WORD_BYTES = 1 << 20
_MAX_ORDER = 64
# Labels are leaves of fastText's Huffman tree, which takes 1e15 for infinity.
_MAX_COUNT = 10**15

Array = npt.NDArray[Any]


class FormatError(DataError):
    """The file is not a sound supervised fastText model; the message says why."""


class Matrix(msgspec.Struct, frozen=True):
    """A matrix: plain rows, or the codes of a product quantiser."""

    rows: Array
    """Plain rows of float32; none where it is quantised."""
    codes: Array
    """Shape (rows, parts); none where it is plain."""
    centroids: Array
    """256 vectors for each part."""
    width: int
    """Numbers in a part; the last part may have fewer."""
    norms: Array
    """What each row is multiplied by."""


class Layout(msgspec.Struct, frozen=True):
    """A model file taken apart."""

    data: Array
    """Its bytes."""
    dim: int
    word_ngrams: int
    buckets: int
    least: int
    """Characters of the shortest n-gram of a word."""
    longest: int
    """Characters of the longest; 0 for none."""
    loss: int
    words: int
    """How many entries of the dictionary are words; the rest are labels."""
    starts: Array
    """Where each entry lies."""
    ends: Array
    counts: Array
    """How often each entry occurred."""
    pruned: Array
    """Pairs of a bucket and its row; no array at all where no bucket was pruned."""
    is_pruned: bool
    input: Matrix
    output: Matrix

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, in the order of the output."""
        return tuple(
            bytes(self.data[start:end]).decode("utf-8", "replace")
            for start, end in zip(self.starts[self.words :], self.ends[self.words :], strict=True)
        )


def read(path: Path) -> Layout:
    """Walk a model file.

    Raises:
        FormatError: where it is not a supervised fastText model that can be used safely.
        OSError: where it cannot be read.
    """
    size = path.stat().st_size
    if size == 0:
        raise FormatError("the file is empty")
    data: Array
    if size > MAPPED_BYTES:
        data = np.memmap(path, np.uint8, mode="r").view(np.ndarray)
    else:
        data = np.frombuffer(path.read_bytes(), np.uint8)
    return _read(_Cursor(data))


class _Cursor:
    """A position in the file that cannot leave it."""

    def __init__(self, data: Array) -> None:
        self.data = data
        self.size = len(data)
        self.at = 0

    def take(self, layout: struct.Struct) -> tuple[int, ...]:
        return layout.unpack(self.bytes(layout.size).tobytes())

    def number(self, code: str) -> int:
        return self.take(struct.Struct("<" + code))[0]

    def bytes(self, count: int) -> Array:
        if count < 0 or count > self.size - self.at:
            raise FormatError(
                f"the file is cut short or its header lies: it needs {count:,} bytes at offset "
                f"{self.at:,} and has {self.size - self.at:,}"
            )
        self.at += count
        return self.data[self.at - count : self.at]


def _require(condition: bool, problem: str) -> None:
    if not condition:
        raise FormatError(problem)


def _read(cursor: _Cursor) -> Layout:
    if cursor.size < 8 or cursor.number("i") != MAGIC:
        raise FormatError("this is not a fastText model file")
    version = cursor.number("i")
    _require(version in VERSIONS, f"fastText format version {version} is unknown")
    args = cursor.take(_ARGS)
    dim, word_ngrams, loss, kind, bucket, minn, maxn = (args[i] for i in (0, 5, 6, 7, 8, 9, 10))
    _require(kind == SUPERVISED, "this is a word vector model, not a classifier")
    maxn = 0 if version == 11 else maxn
    _require(dim > 0 and loss in LOSSES, "its settings are out of range")
    _require(0 < word_ngrams <= _MAX_ORDER and maxn <= _MAX_ORDER, "its n-grams are out of range")
    hashes = word_ngrams > 1 or maxn > 0
    _require(bucket > 0 or (bucket == 0 and not hashes), "it hashes n-grams into no buckets")
    words, starts, ends, counts, pairs, is_pruned = _read_dictionary(cursor, bucket)
    labels = len(starts) - words
    quantised = _flag(cursor)
    _require(quantised or not is_pruned, "its dictionary is pruned and its matrix is not quantised")
    rows = words + (len(pairs) if is_pruned else bucket if hashes else 0)
    matrix = _read_matrix(cursor, quantised, rows, dim, "input")
    output = _read_matrix(cursor, _flag(cursor) and quantised, labels, dim, "output")
    if cursor.at != cursor.size:
        raise FormatError(f"{cursor.size - cursor.at:,} bytes follow the end of the model")
    return Layout(
        data=cursor.data,
        dim=dim,
        word_ngrams=word_ngrams,
        buckets=bucket,
        least=max(minn, 1),
        longest=max(maxn, 0),
        loss=loss,
        words=words,
        starts=starts,
        ends=ends,
        counts=counts,
        pruned=pairs,
        is_pruned=is_pruned,
        input=matrix,
        output=output,
    )


def _flag(cursor: _Cursor) -> bool:
    flag = cursor.number("B")
    _require(flag in (0, 1), f"a flag at offset {cursor.at - 1:,} is neither 0 nor 1")
    return flag == 1


def _read_dictionary(cursor: _Cursor, buckets: int) -> tuple[int, Array, Array, Array, Array, bool]:
    size, words, labels, tokens, pruned = cursor.take(_DICTIONARY)
    _require(words >= 0 and labels > 0 and size == words + labels, "its word counts do not add up")
    # Each entry takes at least ten bytes, so that a huge count fails before it is walked.
    most = (cursor.size - cursor.at) // _ENTRY_BYTES
    _require(size <= most, "its header promises more words than it has")
    _require(tokens >= 0 and pruned >= -1, "its dictionary counts are negative")
    end, starts, ends, counts, kinds = walk_dictionary(
        cursor.data, cursor.at, size, _MAX_WORD_BYTES
    )
    _require(end >= 0, f"entry {-1 - end:,} of the dictionary has no end")
    cursor.at = end
    wrong = np.flatnonzero((counts < 0) | (counts >= _MAX_COUNT))
    _require(not wrong.size, f"entry {wrong[:1]} has an impossible count")
    wrong = np.flatnonzero(kinds != (np.arange(size) >= words))
    _require(not wrong.size, f"entry {wrong[:1]} is of the wrong kind")
    pairs = np.empty((0, 2), np.int32)
    if pruned > 0:
        pairs = cursor.bytes(8 * pruned).view("<i4").reshape(-1, 2)
        inside = pairs[:, 1].min() >= 0 and pairs[:, 1].max() < pruned
        known = pairs[:, 0].min() >= 0 and pairs[:, 0].max() < buckets
        _require(bool(inside and known), "its pruned n-grams are out of range")
    return words, starts, ends, counts, pairs, pruned >= 0


def _read_matrix(cursor: _Cursor, quantised: bool, rows: int, dim: int, name: str) -> Matrix:
    norms = _flag(cursor) if quantised else False
    shape = cursor.number("q"), cursor.number("q")
    _require(
        shape == (rows, dim),
        f"its {name} matrix is {shape[0]:,} x {shape[1]:,} where {rows:,} x {dim:,} is needed",
    )
    none = np.empty(0, np.float32)
    if not quantised:
        # Views may be unaligned, as the file is.
        plain = cursor.bytes(4 * rows * dim).view("<f4").reshape(rows, dim)
        return Matrix(plain, np.empty((0, 0), np.uint8), none, 0, none)
    code_bytes = cursor.number("i")
    codes = cursor.bytes(max(code_bytes, 0))
    parts, width, centroids = _read_quantiser(cursor, dim)
    _require(code_bytes == rows * parts, f"its {name} codes do not fit its matrix")
    scale = np.ones(rows, np.float32)
    if norms:
        norm_codes = cursor.bytes(rows)
        scale = _read_quantiser(cursor, 1)[2][norm_codes]
    return Matrix(none.reshape(0, 0), codes.reshape(rows, parts), centroids, width, scale)


def _read_quantiser(cursor: _Cursor, dim: int) -> tuple[int, int, Array]:
    own_dim, parts, width, last = cursor.take(struct.Struct("<4i"))
    _require(
        own_dim == dim and parts > 0 and 0 < last <= width and (parts - 1) * width + last == dim,
        "its product quantiser does not fit its matrix",
    )
    return parts, width, np.array(cursor.bytes(4 * 256 * dim).view("<f4"))
