"""The layout of a fastText model file, checked without trusting one number in it.

fastText believes what a file says of itself: a truncated or hostile one makes it allocate
terabytes, loop for ever or read outside its matrices, at load or at some later prediction. So the
whole file is walked here first: every count agrees with every other and with the size of the file.
What passes holds nothing that could send a prediction out of bounds.
"""

from __future__ import annotations

import mmap
import struct
from pathlib import Path

MAGIC = 793_712_314
VERSIONS = (11, 12)
SUPERVISED = 3
LOSSES = (1, 2, 3, 4)

_ARGS = struct.Struct("<12id")
_DICTIONARY = struct.Struct("<iiiqq")
_ENTRY = struct.Struct("<qb")
_MAX_WORD_BYTES = 1 << 20
_MAX_ORDER = 64
# Labels are leaves of fastText's Huffman tree, which takes 1e15 for infinity.
_MAX_COUNT = 10**15


class FormatError(ValueError):
    """The file is not a sound supervised fastText model; the message says why."""


def check(path: Path) -> None:
    """Walk a model file.

    Raises:
        FormatError: where it is not a supervised fastText model that can be used safely.
        OSError: where it cannot be read.
    """
    with path.open("rb") as file:
        if file.seek(0, 2) == 0:
            raise FormatError("the file is empty")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            _check(_Cursor(data))


class _Cursor:
    """A position in the file that cannot leave it."""

    def __init__(self, data: mmap.mmap) -> None:
        self.data = data
        self.size = len(data)
        self.at = 0

    def take(self, layout: struct.Struct) -> tuple[int, ...]:
        self.skip(layout.size)
        return layout.unpack_from(self.data, self.at - layout.size)

    def number(self, code: str) -> int:
        return self.take(struct.Struct("<" + code))[0]

    def skip(self, count: int) -> None:
        if count > self.size - self.at:
            raise FormatError(
                f"the file is cut short or its header lies: it needs {count:,} bytes at offset "
                f"{self.at:,} and has {self.size - self.at:,}"
            )
        self.at += count

    def skip_word(self) -> None:
        end = self.data.find(b"\0", self.at, self.at + _MAX_WORD_BYTES)
        if end < 0:
            raise FormatError(f"the dictionary has no end of word after offset {self.at:,}")
        self.at = end + 1


def _require(condition: bool, problem: str) -> None:
    if not condition:
        raise FormatError(problem)


def _check(cursor: _Cursor) -> None:
    if cursor.size < 8 or cursor.number("i") != MAGIC:
        raise FormatError("this is not a fastText model file")
    version = cursor.number("i")
    _require(version in VERSIONS, f"fastText format version {version} is unknown")
    args = cursor.take(_ARGS)
    dim, word_ngrams, loss, kind, bucket, maxn = (args[i] for i in (0, 5, 6, 7, 8, 10))
    _require(kind == SUPERVISED, "this is a word vector model, not a classifier")
    maxn = 0 if version == 11 else maxn
    _require(dim > 0 and loss in LOSSES, "its settings are out of range")
    _require(0 < word_ngrams <= _MAX_ORDER and maxn <= _MAX_ORDER, "its n-grams are out of range")
    hashes = word_ngrams > 1 or maxn > 0
    _require(bucket > 0 or (bucket == 0 and not hashes), "it hashes n-grams into no buckets")
    words, labels, pruned = _check_dictionary(cursor)
    quantised = _flag(cursor)
    _require(quantised or pruned < 0, "its dictionary is pruned and its matrix is not quantised")
    rows = words + (bucket if hashes else 0) if pruned < 0 else words + pruned
    _check_matrix(cursor, quantised, rows, dim, "input")
    _check_matrix(cursor, _flag(cursor) and quantised, labels, dim, "output")
    if cursor.at != cursor.size:
        raise FormatError(f"{cursor.size - cursor.at:,} bytes follow the end of the model")


def _flag(cursor: _Cursor) -> bool:
    flag = cursor.number("B")
    _require(flag in (0, 1), f"a flag at offset {cursor.at - 1:,} is neither 0 nor 1")
    return flag == 1


def _check_dictionary(cursor: _Cursor) -> tuple[int, int, int]:
    size, words, labels, tokens, pruned = cursor.take(_DICTIONARY)
    _require(words >= 0 and labels > 0 and size == words + labels, "its word counts do not add up")
    # Each entry takes at least ten bytes, so that a huge count fails before it is walked.
    _require(size <= (cursor.size - cursor.at) // 10, "its header promises more words than it has")
    _require(tokens >= 0 and pruned >= -1, "its dictionary counts are negative")
    for index in range(size):
        cursor.skip_word()
        count, kind = cursor.take(_ENTRY)
        _require(0 <= count < _MAX_COUNT, f"entry {index:,} has an impossible count")
        _require(kind == int(index >= words), f"entry {index:,} is of the wrong kind")
    if pruned > 0:
        start = cursor.at
        cursor.skip(8 * pruned)
        pairs = memoryview(cursor.data)[start : cursor.at].cast("i")
        try:
            targets = pairs[1::2].tolist()
        finally:
            pairs.release()
        _require(min(targets) >= 0 and max(targets) < pruned, "its pruned n-grams are out of range")
    return words, labels, pruned


def _check_matrix(cursor: _Cursor, quantised: bool, rows: int, dim: int, name: str) -> None:
    norms = _flag(cursor) if quantised else False
    shape = cursor.number("q"), cursor.number("q")
    _require(
        shape == (rows, dim),
        f"its {name} matrix is {shape[0]:,} x {shape[1]:,} where {rows:,} x {dim:,} is needed",
    )
    if not quantised:
        cursor.skip(4 * rows * dim)
        return
    code_bytes = cursor.number("i")
    code_start = cursor.at
    cursor.skip(max(code_bytes, 0))
    parts = _check_quantiser(cursor, dim)
    _require(code_bytes == rows * parts, f"its {name} codes at {code_start:,} do not fit")
    if norms:
        cursor.skip(rows)
        _check_quantiser(cursor, 1)


def _check_quantiser(cursor: _Cursor, dim: int) -> int:
    own_dim, parts, width, last = cursor.take(struct.Struct("<4i"))
    _require(
        own_dim == dim and parts > 0 and 0 < last <= width and (parts - 1) * width + last == dim,
        "its product quantiser does not fit its matrix",
    )
    cursor.skip(4 * 256 * dim)
    return parts
