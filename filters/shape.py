"""The column `shape`: what of a text is kept to tell how alike the texts of a site or a shard are.

It holds hashes only (`thresher.filters.kernels.likeness.shape` says of what) and is no signal: what
is made of the shapes of many documents are the families `site` and `collapse`.
"""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from thresher.filters.buffers import text_buffer
from thresher.filters.kernels.likeness.shape import PREFIX, shape_texts
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
    _warm_up()
    return _shapes(texts)


@functools.cache
def _warm_up() -> None:
    compile_once("shape", lambda: _shapes(pa.array(["One two three four five."])) and None)


def _shapes(texts: pa.Array) -> pa.StructArray:
    count = len(texts)
    data, offsets = text_buffer(texts)
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
