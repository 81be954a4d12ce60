"""The shuffle through the lake: a file is sorted by the number that partitions it.

A reader takes its range of every file by row-group statistics, so a writer need not know how many
readers there will be. A large file may be several sorted runs, each of whole row groups.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from thresher.filters.errors import StoreError
from thresher.manifests.manifest import Output
from thresher.manifests.shards import ShardWriter
from thresher.manifests.store import Store

N = TypeVar("N", bound=np.generic)
I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]

ROW_GROUP_ROWS = 65_536
_OPTIONS = {"compression": "lz4", "compression_level": None, "use_dictionary": False}

ID = pa.binary(16)
"""A document's id, which is 32 hex digits elsewhere."""

_NIBBLES = np.full(256, 255, np.uint8)
_NIBBLES[np.frombuffer(b"0123456789abcdef", np.uint8)] = np.arange(16)
_DIGITS = np.frombuffer("".join(f"{byte:02x}" for byte in range(256)).encode(), np.uint8)


def writer(store: Store, path: str, schema: pa.Schema) -> ShardWriter:
    """A file that is read soon and often, and not for long."""
    return ShardWriter(store, path, schema, **_OPTIONS)


def write_sorted(store: Store, path: str, table: pa.Table) -> Output:
    """Write one sorted run as a file."""
    with writer(store, path, table.schema) as file:
        file.write(table, ROW_GROUP_ROWS)
    return file.output


def partition_key(partition: int) -> str:
    """Key of a partition's manifest."""
    return f"part-{partition:05d}"


def partition_range(partition: int, partitions: int) -> tuple[int, int]:
    """The first and the last number of one of `partitions` equal ranges of 64-bit numbers."""
    return 2**64 * partition // partitions, 2**64 * (partition + 1) // partitions - 1


def read_range(
    store: Store, paths: Sequence[str], low: int, high: int
) -> tuple[pa.Table | None, I64]:
    """The rows of all files whose first column lies in [low, high], and the file of each row."""
    tables, numbers = [], []
    for number, path in enumerate(paths):
        for table in runs_in_range(store, path, low, high):
            tables.append(table)
            numbers.append(np.full(table.num_rows, number, np.int64))
    if not tables:
        return None, np.empty(0, np.int64)
    return pa.concat_tables(tables), np.concatenate(numbers)


def rows_in_range(
    store: Store, paths: Sequence[str], low: int, high: int, schema: pa.Schema
) -> pa.Table:
    """The rows of all files whose first column lies in [low, high]."""
    table, _ = read_range(store, paths, low, high)
    return schema.empty_table() if table is None else table.combine_chunks()


def runs_in_range(store: Store, path: str, low: int, high: int) -> Iterator[pa.Table]:
    """The rows of a file whose first column lies in [low, high], by row group that has some."""
    with store.open(path) as file:
        parquet = pq.ParquetFile(file)
        for group in range(parquet.num_row_groups):
            bounds = parquet.metadata.row_group(group).column(0).statistics
            if bounds.max < low or bounds.min > high:
                continue
            table = parquet.read_row_group(group)
            values = table.column(0).to_numpy()
            kind = values.dtype.type
            start = 0 if bounds.min >= low else int(np.searchsorted(values, kind(low)))
            end = len(values)
            if bounds.max > high:
                end = int(np.searchsorted(values, kind(high), side="right"))
            if start < end:  # a range may lie between two numbers of the group
                yield table.slice(start, end - start)


def fixed_binary(column: pa.Array | pa.ChunkedArray, kind: np.dtype[N]) -> npt.NDArray[N]:
    """A fixed-size binary column as a matrix of numbers, one row per value; nulls are anything."""
    if isinstance(column, pa.ChunkedArray):
        parts = [fixed_binary(chunk, kind) for chunk in column.chunks]
        width = column.type.byte_width // kind.itemsize
        return np.concatenate(parts) if parts else np.empty((0, width), kind)
    width = column.type.byte_width
    data = column.buffers()[1]
    start = column.offset * width
    flat = np.frombuffer(data or b"", np.uint8, count=len(column) * width, offset=start)
    return flat.reshape(len(column), width).view(kind)


def binary(matrix: U64, mask: npt.NDArray[np.bool_] | None = None) -> pa.Array:
    """A matrix of numbers as a fixed-size binary column, NULL where the mask is true."""
    data = np.ascontiguousarray(matrix)
    kind = pa.binary(data.itemsize * data.shape[1])
    valid = None
    if mask is not None:
        valid = pa.py_buffer(np.packbits(~mask, bitorder="little"))
    return pa.Array.from_buffers(kind, len(data), [valid, pa.py_buffer(data)])


def pack_ids(column: pa.Array | pa.ChunkedArray) -> U64:
    """Ids as two numbers each, whose order is that of the ids.

    Raises:
        StoreError: if one is not 32 hex digits.
    """
    if isinstance(column, pa.ChunkedArray):
        parts = [pack_ids(chunk) for chunk in column.chunks]
        return np.concatenate([np.empty((0, 2), np.uint64), *parts])
    _, offset_buffer, data = column.buffers()
    offsets = np.frombuffer(offset_buffer or b"", np.int32)
    offsets = offsets[column.offset : column.offset + len(column) + 1]
    if not len(column):
        return np.empty((0, 2), np.uint64)
    digits = _NIBBLES[np.frombuffer(data or b"", np.uint8)[offsets[0] : offsets[-1]]]
    if (np.diff(offsets) != 32).any() or (digits > 15).any():
        raise StoreError("a document's id is not 32 hex digits; measure its shard again")
    octets = (digits[::2] << 4 | digits[1::2]).astype(np.uint8)
    return octets.view(">u8").astype(np.uint64).reshape(-1, 2)


def unpack_ids(ids: U64, mask: npt.NDArray[np.bool_] | None = None) -> pa.Array:
    """Ids as hex digits, NULL where the mask is true."""
    octets = ids.astype(">u8").view(np.uint8).reshape(-1)
    digits = _DIGITS.reshape(256, 2)[octets]
    if mask is None or not mask.any():
        sizes = np.full(len(ids), 32, np.int32)
        valid = None
    else:
        digits = digits.reshape(-1, 32)[~mask]
        sizes = np.where(mask, 0, 32).astype(np.int32)
        valid = pa.py_buffer(np.packbits(~mask, bitorder="little"))
    offsets = np.r_[0, np.cumsum(sizes)].astype(np.int32)
    data = pa.py_buffer(np.ascontiguousarray(digits))
    return pa.Array.from_buffers(pa.string(), len(ids), [valid, pa.py_buffer(offsets), data])
