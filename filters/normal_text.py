"""The normal form of a text: plain ends of lines, and nothing else changed.

This is the text that a run gates, measures, stores and cuts. Every line ends in one line feed;
white space and marks without width at its end are gone, so a blank line is empty. What begins a
line, and what is within it, stays. NFC is no part of this: hashes alone look through it.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from thresher.filters.buffers import text_buffer
from thresher.filters.kernels.text.cache import compile_once
from thresher.filters.kernels.text.line_ends import (
    LINE_ENDS,
    LOOKS,
    inspect_texts,
    write_plain_texts,
)
from thresher.filters.kernels.text.tables import tables


def inspect(texts: pa.Array) -> npt.NDArray[np.int64]:
    """What each text has that is not normal, or may want mending.

    Args:
        texts: string or large_string, without nulls.

    Returns:
        A row of counts for each text: `LINE_ENDS`, `MOJIBAKE`, `REPLACEMENTS`, `SOFT_HYPHENS` and
        `BROKEN_WORDS` of `thresher.filters.kernels.text.line_ends`.

    Raises:
        TypeError: if `texts` is not of strings.
        ValueError: if it contains a null.
    """
    _warm_up()
    return _inspect(texts)


def normal_texts(texts: pa.Array) -> pa.Array:
    """Texts in normal form; the same array where all of them are.

    Args:
        texts: string or large_string, without nulls.

    Raises:
        TypeError: if `texts` is not of strings.
        ValueError: if it contains a null.
    """
    _warm_up()
    return _normal(texts)


@functools.cache
def _warm_up() -> None:
    compile_once("normal-text", lambda: _normal(pa.array(["One. \r\nTwo."])) and None)


def _inspect(texts: pa.Array) -> npt.NDArray[np.int64]:
    data, offsets = text_buffer(texts)
    found = np.empty((len(texts), LOOKS), np.int64)
    inspect_texts(data, offsets, tables().classes, found)
    return found


def _normal(texts: pa.Array) -> pa.Array:
    if not _inspect(texts)[:, LINE_ENDS].any():
        return texts
    data, offsets = text_buffer(texts)
    out = np.empty(int(offsets[-1] - offsets[0]), np.uint8)
    ends = np.empty(len(offsets), np.int64)
    write_plain_texts(data, offsets, tables().classes, out, ends)
    width: Any = np.int64 if pa.types.is_large_string(texts.type) else np.int32
    buffers = [None, pa.py_buffer(ends.astype(width)), pa.py_buffer(out[: ends[-1]].copy())]
    return pa.Array.from_buffers(texts.type, len(texts), buffers)
