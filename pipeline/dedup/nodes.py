"""Documents as nodes of a graph: one number for shard and row, so that ranges are runs of shards.

Tasks that gather what belongs to a document work on slices: runs of whole shards with as many
documents as fit the memory of the settings.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from thresher.manifests.store import Store
from thresher.pipeline.measured import file_of
from thresher.pipeline.shards import ShardRef
from thresher.pipeline.shuffle import I64, partition_key

_ROW_BITS = 40
_BYTES = 1_000
"""Peak of a task per document of its slice, if all of them have duplicates."""


class Slice(msgspec.Struct, frozen=True):
    """A run of shards."""

    number: int
    """Its place among the slices."""
    first: int
    """Number of its first shard."""
    end: int
    """Number of the first shard after it."""

    @property
    def key(self) -> str:
        """Key of its manifests."""
        return partition_key(self.number)

    @property
    def low(self) -> int:
        """The first node it can have."""
        return self.first << _ROW_BITS

    @property
    def high(self) -> int:
        """The last node it can have."""
        return (self.end << _ROW_BITS) - 1


def cut(documents: Sequence[int], memory: int) -> tuple[Slice, ...]:
    """Slices of the shards that have so many documents each; at least one shard in each."""
    slices: list[Slice] = []
    start = held = 0
    for number, count in enumerate(documents):
        if held and (held + count) * _BYTES > memory:
            slices.append(Slice(len(slices), start, number))
            start, held = number, 0
        held += count
    return (*slices, Slice(len(slices), start, len(documents)))


def nodes_of(shard: I64, row: I64) -> I64:
    """The node of each document."""
    return (shard.astype(np.int64) << _ROW_BITS) | row


def shard_of(nodes: I64) -> I64:
    """The number of each node's shard."""
    return nodes >> _ROW_BITS


def row_of(nodes: I64) -> I64:
    """The row of each node within its shard."""
    return nodes & ((1 << _ROW_BITS) - 1)


def read_nodes(
    store: Store, shards: Sequence[ShardRef], nodes: I64, column: str
) -> Iterator[pa.Table]:
    """A column of some documents, given as ascending nodes; only their row groups are read."""
    for number in np.unique(shard_of(nodes)).tolist():
        shard = shards[number]
        rows = row_of(nodes[shard_of(nodes) == number])
        yield from _take_rows(shard.store(store), file_of(shard, column), rows, column)


def _take_rows(store: Store, path: str, rows: I64, column: str) -> Iterator[pa.Table]:
    """Some rows (ascending) of a Parquet file, reading only the row groups that hold them."""
    with store.open(path) as file:
        parquet = pq.ParquetFile(file)
        start = 0
        for group in range(parquet.num_row_groups):
            size = parquet.metadata.row_group(group).num_rows
            lower, upper = np.searchsorted(rows, [start, start + size])
            if lower < upper:
                table = parquet.read_row_group(group, columns=[column])
                yield table.take(pa.array(rows[lower:upper] - start))
            start += size
