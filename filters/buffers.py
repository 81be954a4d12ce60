"""The bytes and offsets of Arrow texts, as kernels read them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Data = npt.NDArray[np.uint8]
Offsets = npt.NDArray[np.int64]


def text_buffers(texts: pa.Array | pa.ChunkedArray) -> Iterator[tuple[Data, Offsets]]:
    """The bytes and offsets of each chunk that is not empty, without copying bytes.

    Raises:
        TypeError: if `texts` is not of strings.
        ValueError: if it contains a null.
    """
    if not (pa.types.is_string(texts.type) or pa.types.is_large_string(texts.type)):
        raise TypeError(f"texts must be string or large_string, not {texts.type}")
    if texts.null_count:
        raise ValueError("texts must not contain nulls")
    width = np.int64 if pa.types.is_large_string(texts.type) else np.int32
    for chunk in texts.chunks if isinstance(texts, pa.ChunkedArray) else [texts]:
        if len(chunk) == 0:
            continue
        _, offset_buffer, byte_buffer = chunk.buffers()
        offsets = np.frombuffer(offset_buffer, width)[chunk.offset : chunk.offset + len(chunk) + 1]
        data = np.frombuffer(byte_buffer or b"", np.uint8)
        data.setflags(write=False)  # one compiled variant, whatever the buffer is
        yield data, offsets.astype(np.int64)


def text_buffer(texts: pa.Array) -> tuple[Data, Offsets]:
    """The bytes and offsets of one array, which may be empty; raises as `text_buffers`."""
    # Read-only as the others are: kernels have one compiled variant.
    return next(text_buffers(texts), (np.frombuffer(b"", np.uint8), np.zeros(1, np.int64)))


def rows_with_buffers(
    texts: pa.Array | pa.ChunkedArray,
) -> Iterator[tuple[slice, Data, Offsets]]:
    """The rows of each chunk, its bytes and offsets; raises as `text_buffers`."""
    row = 0
    for data, offsets in text_buffers(texts):
        end = row + len(offsets) - 1
        yield slice(row, end), data, offsets
        row = end
