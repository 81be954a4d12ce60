"""The column `shape`: what of a text is kept to tell how alike the texts of a site or a shard are.

It holds hashes only (`thresher.filters.kernels.rules.shape` says of what) and is no signal: what is
made of the shapes of many documents are the families `site` and `collapse`.
"""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from thresher.filters.kernels.rules.shape import PREFIX, shape_texts
from thresher.filters.kernels.text.cache import compile_once
from thresher.filters.kernels.text.tables import tables

COLUMN = "shape"

TYPE = pa.struct(
    [
        pa.field("tokens", pa.int32()),
        pa.field("opening", pa.uint32()),
        pa.field("ending", pa.uint32()),
        pa.field("words", pa.list_(pa.field("item", pa.uint32()))),
        pa.field("ngrams", pa.list_(pa.field("item", pa.uint32()))),
    ]
)
"""Words looked at; hashes of the first and the last four words, NULL in a text without words;
one in eight of the different words, and n-grams of three words, as sorted hashes."""


def measure_shapes(texts: pa.Array) -> pa.StructArray:
    """The shape of each text.

    Args:
        texts: string or large_string, without nulls.

    Raises:
        TypeError: if `texts` is not of strings.
        ValueError: if it contains a null.
    """
    if not (pa.types.is_string(texts.type) or pa.types.is_large_string(texts.type)):
        raise TypeError(f"texts must be string or large_string, not {texts.type}")
    if texts.null_count:
        raise ValueError("texts must not contain nulls")
    _warm_up()
    return _shapes(texts)


@functools.cache
def _warm_up() -> None:
    compile_once("shape", lambda: _shapes(pa.array(["One two three four five."])) and None)


def _shapes(texts: pa.Array) -> pa.StructArray:
    count = len(texts)
    data, offsets = _utf8(texts)
    room = count * PREFIX + 1
    edges = np.zeros((count, 2), np.uint32)
    counts = np.zeros(count, np.int32)
    words, ngrams = np.empty(room, np.uint32), np.empty(room, np.uint32)
    word_ends, ngram_ends = np.zeros(count + 1, np.int32), np.zeros(count + 1, np.int32)
    classes, fold = tables().classes, tables().fold
    hashes = np.empty(PREFIX, np.uint64)
    shape_texts(
        data, offsets, classes, fold, hashes, edges, counts, words, word_ends, ngrams, ngram_ends
    )
    without = counts == 0
    arrays = [
        pa.array(counts),
        pa.array(edges[:, 0], mask=without),
        pa.array(edges[:, 1], mask=without),
        _lists(word_ends, words),
        _lists(ngram_ends, ngrams),
    ]
    return pa.StructArray.from_arrays(arrays, fields=list(TYPE))


def _lists(ends: npt.NDArray[np.int32], values: npt.NDArray[np.uint32]) -> pa.ListArray:
    return pa.ListArray.from_arrays(pa.array(ends), pa.array(values[: ends[-1]].copy()))


def _utf8(texts: pa.Array) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    if not len(texts):
        return np.empty(0, np.uint8), np.zeros(1, np.int64)
    width = np.int64 if pa.types.is_large_string(texts.type) else np.int32
    _, offset_buffer, byte_buffer = texts.buffers()
    offsets = np.frombuffer(offset_buffer, width)[texts.offset : texts.offset + len(texts) + 1]
    data = np.frombuffer(byte_buffer or b"", np.uint8)
    data.setflags(write=False)  # one compiled variant, whatever the buffer is
    return data, offsets.astype(np.int64)
