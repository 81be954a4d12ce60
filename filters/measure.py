"""Measure documents: Arrow text in, one record batch of signals out.

`measure` walks the UTF-8 buffers of an Arrow array with compiled kernels, without the GIL and
without a Python object per word or line. Scratch memory is kept per thread, grows with the
longest text seen and is bounded (about 45 MB and the longest line): of a text of more than
1,048,576 words, only the n-grams of the first so many are compared.
"""

from __future__ import annotations

import functools
import importlib.metadata
from collections.abc import Iterator
from typing import Literal

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from thresher.filters.buffers import Data, Offsets, rows_with_buffers, text_buffers
from thresher.filters.junk import model as junk_model
from thresher.filters.junk.families import measure_junk_families
from thresher.filters.kernels.junk.columns import COLUMNS as JUNK_COLUMNS
from thresher.filters.kernels.likeness.shingles import shingle_runs, sign_texts
from thresher.filters.kernels.rules.columns import COLUMNS
from thresher.filters.kernels.rules.document import measure_documents
from thresher.filters.kernels.text.cache import compile_once, stored_array
from thresher.filters.kernels.text.hashing import content_hashes, keyed_hashes, raw_hashes
from thresher.filters.kernels.text.html import copy_visible
from thresher.filters.kernels.text.tables import tables
from thresher.filters.local_stop_words import count_stop_words
from thresher.filters.scratch import lookup, scratch
from thresher.filters.signals import KERNEL_FAMILIES, family_type


class MinHashSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How texts are signed for near-duplicate search."""

    permutations: int = 112
    """Values of a signature: bands times rows."""
    unit: Literal["words", "characters"] = "words"
    """What a shingle is made of. Words suit most languages, since a letter of a script written
    without spaces counts as a word; characters find copies of short or misspelled texts."""
    ngram: int = 5
    """Words or characters of a shingle; a shorter text has no signature."""
    seed: int = 1
    """Of datasketch's permutations."""
    numbers: Literal["keep", "fold"] = "keep"
    """Whether other digits make another number, or all numbers are alike."""
    max_shingles: int = 131_072
    """Shingles looked at, from the start of a text, so that a huge one does not saturate."""

    def __post_init__(self) -> None:
        """Refuse what cannot be computed."""
        for name in ("permutations", "ngram", "max_shingles"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1")
        if not 0 <= self.seed < 1 << 32:
            raise ValueError("seed must be between 0 and 4294967295")


def measure(texts: pa.Array | pa.ChunkedArray, minhash: MinHashSettings | None) -> pa.RecordBatch:
    """Every kernel signal of every text.

    Args:
        texts: string or large_string, without nulls.
        minhash: how to sign, or None to leave every signature NULL.

    Returns:
        A struct column per family of `KERNEL_FAMILIES`, named by it, and `minhash`, a
        fixed_size_binary of little-endian 32-bit values, NULL for a text shorter than a shingle.

    Raises:
        TypeError: if `texts` is not of strings.
        ValueError: if it contains a null.
    """
    warm_up()
    return _measure(texts, minhash)


def _measure(texts: pa.Array | pa.ChunkedArray, minhash: MinHashSettings | None) -> pa.RecordBatch:
    count = len(texts)
    out = np.empty((count, COLUMNS))
    junk = np.empty((count, JUNK_COLUMNS))
    settings = minhash or MinHashSettings()
    signatures = np.zeros((count, settings.permutations), "<u4")
    signed = np.zeros(count, np.bool_)
    for rows, data, offsets in rows_with_buffers(texts):
        longest = int(np.max(np.diff(offsets), initial=0))
        measure_documents(data, offsets, lookup(), scratch(longest), out[rows])
        junk[rows] = measure_junk_families(data, offsets)
        if minhash is not None:
            _sign(data, offsets, minhash, signatures[rows], signed[rows])
    measured = np.hstack([out, junk])
    measured = np.hstack([measured, junk_model.scores(measured)])
    columns = [*_families(measured), _signature_column(signatures, signed)]
    names = [*(family.name for family in KERNEL_FAMILIES), "minhash"]
    return pa.RecordBatch.from_arrays(columns, names=names)


def sign(texts: pa.Array | pa.ChunkedArray, minhash: MinHashSettings) -> pa.Array:
    """The `minhash` column of `measure` alone."""
    signatures = np.zeros((len(texts), minhash.permutations), "<u4")
    signed = np.zeros(len(texts), np.bool_)
    for rows, data, offsets in rows_with_buffers(texts):
        _sign(data, offsets, minhash, signatures[rows], signed[rows])
    return _signature_column(signatures, signed)


@functools.cache
def warm_up() -> None:
    """Compile the kernels into the cache: seconds once per machine, nothing afterwards.

    Every process that measures calls this first; of those on one machine only one compiles.
    """
    compile_once("filters", _compile_all)


def _compile_all() -> None:
    texts = pa.array(["One two three, four five: six."])
    _measure(texts, MinHashSettings())
    _content_hash(texts)
    _raw_hash(texts)
    _keyed_hash(texts, 0)
    count_stop_words(texts, pa.array(["en"]))
    shingle_sets(texts, MinHashSettings())
    copy_visible(np.frombuffer(b"<p>", np.uint8), np.empty(1, np.uint8))


def content_hash(texts: pa.Array | pa.ChunkedArray) -> pa.Array:
    """128-bit hash of each text in NFC and lower case, trimmed, white space folded to one space.

    Raises:
        TypeError: if `texts` is not of strings.
        ValueError: if it contains a null.
    """
    warm_up()
    return _content_hash(texts)


def _content_hash(texts: pa.Array | pa.ChunkedArray) -> pa.Array:
    out, composed = _content_streams(texts)
    if not composed.all():
        other = pc.utf8_normalize(texts.filter(pa.array(~composed)), "NFC")
        out[~composed] = _content_streams(other)[0]
    return _binary(out)


def _content_streams(
    texts: pa.Array | pa.ChunkedArray,
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.bool_]]:
    """What texts hash to as they are written, and whether that surely is in NFC."""
    out = np.empty((len(texts), 2), "<u8")
    composed = np.empty(len(texts), np.bool_)
    for rows, data, offsets in rows_with_buffers(texts):
        content_hashes(data, offsets, tables(), out[rows], composed[rows])
    return out, composed


def raw_hash(texts: pa.Array | pa.ChunkedArray) -> pa.Array:
    """128-bit hash of the bytes of each text as they are.

    Raises:
        TypeError: if `texts` is not of strings.
        ValueError: if it contains a null.
    """
    warm_up()
    return _raw_hash(texts)


def _raw_hash(texts: pa.Array | pa.ChunkedArray) -> pa.Array:
    out = np.empty((len(texts), 2), "<u8")
    for rows, data, offsets in rows_with_buffers(texts):
        raw_hashes(data, offsets, out[rows])
    return _binary(out)


def _binary(hashes: npt.NDArray[np.uint64]) -> pa.Array:
    return pa.Array.from_buffers(pa.binary(16), len(hashes), [None, pa.py_buffer(hashes)])


def keyed_hash(ids: pa.Array | pa.ChunkedArray, seed: int) -> pa.Array:
    """A well mixed uint64 per id and seed, the same on every platform: for samples and shuffles.

    Raises:
        TypeError: if `ids` is not of strings.
        ValueError: if it contains a null.
    """
    warm_up()
    return _keyed_hash(ids, seed)


def _keyed_hash(ids: pa.Array | pa.ChunkedArray, seed: int) -> pa.Array:
    out = np.empty(len(ids), np.uint64)
    for rows, data, offsets in rows_with_buffers(ids):
        keyed_hashes(data, offsets, np.uint64(seed & 0xFFFFFFFFFFFFFFFF), out[rows])
    return pa.array(out)


def shingle_sets(
    texts: pa.Array | pa.ChunkedArray, settings: MinHashSettings
) -> tuple[npt.NDArray[np.uint32], Offsets]:
    """The sorted unique shingles that a signature of each text is made of.

    Returns:
        All of them in one array, and where each text's begin, with the end of the last.

    Raises:
        TypeError: if `texts` is not of strings.
        ValueError: if it contains a null.
    """
    runs: list[npt.NDArray[np.uint32]] = [np.empty(0, np.uint32)]
    ends: list[Offsets] = [np.zeros(1, np.int64)]
    for data, offsets in text_buffers(texts):
        hashes, room = _words_scratch(offsets, settings)
        most = np.minimum(np.diff(offsets), settings.max_shingles)
        out = np.empty(int(most.sum()), np.uint32)
        found = np.zeros(len(offsets), np.int64)
        shingle_runs(
            *(data, offsets, tables().classes, _fold(settings), settings.ngram),
            *(settings.unit == "characters", hashes, np.empty(room, np.uint32), out, found),
        )
        runs.append(out[: found[-1]])
        ends.append(found[1:] + ends[-1][-1])
    return np.concatenate(runs), np.concatenate(ends)


@functools.cache
def _permutations(count: int, seed: int) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32]]:
    """The parameters of datasketch itself, so that its tools read our signatures.

    They are kept on disk: to import datasketch takes half a second.
    """

    def build() -> npt.NDArray[np.uint32]:
        from datasketch import MinHash

        permutations = MinHash(num_perm=count, seed=seed, scheme="affine32").permutations
        return np.array(permutations, np.uint32)

    datasketch = importlib.metadata.version("datasketch")
    both = stored_array(f"affine32-{datasketch}-{count}-{seed}", build)
    return both[0], both[1]


def _fold(settings: MinHashSettings) -> npt.NDArray[np.int32]:
    """What each code point is to shingles."""
    return tables().fold if settings.numbers == "fold" else tables().fold_but_digits


def _words_scratch(
    offsets: Offsets, settings: MinHashSettings
) -> tuple[npt.NDArray[np.uint64], int]:
    """Room for the words' hashes that are looked at, and the number of shingles that may follow."""
    longest = int(np.max(np.diff(offsets), initial=0))
    room = min(longest, settings.max_shingles) + settings.ngram
    shared = scratch(longest).lines.hashes
    hashes = shared[:room] if len(shared) >= room else np.empty(room, np.uint64)
    return hashes[: settings.max_shingles + settings.ngram - 1], room


def _sign(
    data: Data,
    offsets: Offsets,
    settings: MinHashSettings,
    signatures: npt.NDArray[np.uint32],
    signed: npt.NDArray[np.bool_],
) -> None:
    hashes, room = _words_scratch(offsets, settings)
    sign_texts(
        data,
        offsets,
        tables().classes,
        _fold(settings),
        settings.ngram,
        settings.unit == "characters",
        *_permutations(settings.permutations, settings.seed),
        hashes,
        np.empty(room, np.uint32),
        signatures,
        signed,
    )


def _families(out: npt.NDArray[np.float64]) -> Iterator[pa.StructArray]:
    """The struct columns; a kernel's NaN becomes NULL."""
    columns = np.ascontiguousarray(out.T)
    undefined: npt.NDArray[np.bool_] = np.isnan(columns)
    columns[undefined] = 0.0
    column = 0
    for family in KERNEL_FAMILIES:
        arrays = []
        kind = family_type(family.name)
        for field in kind:
            values = columns[column].astype(field.type.to_pandas_dtype())
            mask = undefined[column] if undefined[column].any() else None
            arrays.append(pa.array(values, field.type, mask=mask))
            column += 1
        yield pa.StructArray.from_arrays(arrays, fields=list(kind))


def _signature_column(
    signatures: npt.NDArray[np.uint32], signed: npt.NDArray[np.bool_]
) -> pa.Array:
    count, width = signatures.shape
    validity = None
    if not signed.all():
        validity = pa.py_buffer(np.packbits(signed, bitorder="little"))
    return pa.Array.from_buffers(pa.binary(4 * width), count, [validity, pa.py_buffer(signatures)])
