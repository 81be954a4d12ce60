"""Documents as nodes of a graph: one number for shard and row, so that ranges are runs of shards.

Tasks that gather what belongs to a document work on slices: runs of whole shards with as many
documents as fit the memory of the settings.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from thresher.pipeline.shuffle import I64

_ROW_BITS = 40
_BYTES = 1_000
"""Peak of a task per document of its slice, if all of them have duplicates."""


class Slice(msgspec.Struct, frozen=True):
    """A run of shards."""

    first: int
    """Number of its first shard."""
    end: int
    """Number of the first shard after it."""

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
    slices = []
    start = held = 0
    for number, count in enumerate(documents):
        if held and (held + count) * _BYTES > memory:
            slices.append(Slice(start, number))
            start, held = number, 0
        held += count
    return (*slices, Slice(start, len(documents)))


def nodes_of(shard: I64, row: I64) -> I64:
    """The node of each document."""
    return (shard.astype(np.int64) << _ROW_BITS) | row


def shard_of(nodes: I64) -> I64:
    """The number of each node's shard."""
    return nodes >> _ROW_BITS


def row_of(nodes: I64) -> I64:
    """The row of each node within its shard."""
    return nodes & ((1 << _ROW_BITS) - 1)
