"""Documents of equal text, or of one URL: they meet in one bucket, so their groups are final."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from thresher.manifests.store import Store
from thresher.pipeline.dedup.nodes import nodes_of
from thresher.pipeline.shuffle import I64, ID, U64, binary, fixed_binary, read_range

EQUAL = pa.schema(
    [
        ("node", pa.int64()),
        ("head", pa.int64()),
        ("exact_id", ID),
        ("matched_id", ID),
        ("raw_id", ID),
        ("earlier_id", ID),
        ("earlier_shard", pa.int32()),
        ("earlier_raw", pa.bool_()),
    ]
)
"""Members of groups of equal text. `head` is one of the group, the same for all; `exact_id` its
smallest id, `matched_id` the smallest of another member, `raw_id` the smallest of the same bytes
(NULL where no other has them). The last three name what an earlier run kept, of the same bytes
(`earlier_raw`) if possible."""

URL = pa.schema(
    [("node", pa.int64()), ("url_id", ID), ("earlier_id", ID), ("earlier_shard", pa.int32())]
)
"""Members of groups of one URL, named by the smallest id."""


class _Entries:
    """Entries of a range of buckets in the order of group, id and node."""

    def __init__(self, table: pa.Table, shard: I64, own_shards: int) -> None:
        ids = fixed_binary(table["id"], np.dtype(np.uint64)).reshape(-1, 2)
        node = nodes_of(shard, table["row"].to_numpy())
        bucket, order = table["bucket"].to_numpy(), table["order"].to_numpy()
        rank = np.lexsort((node, ids[:, 1], ids[:, 0], order, bucket))
        bucket, order = bucket[rank], order[rank]
        new = np.ones(len(rank), bool)
        new[1:] = (bucket[1:] != bucket[:-1]) | (order[1:] != order[:-1])
        self.group = np.cumsum(new) - 1
        many = np.bincount(self.group, minlength=1)[self.group] > 1
        self.rank = rank[many]
        self.group = self.group[many]
        self.ids, self.node, self.shard = ids[self.rank], node[self.rank], shard[self.rank]
        self._old = np.flatnonzero(self.shard >= own_shards)

    def first(self, group: I64) -> I64:
        """Of each entry, the first entry of its group."""
        _, start, inverse = np.unique(group, return_index=True, return_inverse=True)
        return np.asarray(start[inverse.ravel()], np.int64)

    def second(self, group: I64, first: I64) -> I64:
        """Of each entry, the first other one of its group, which has at least two."""
        place = np.arange(len(group))
        return np.where(first == place, first + 1, first)

    def earlier(self, group: I64) -> I64:
        """Of each entry, the first of its group that an earlier run kept, or -1."""
        found = np.full(len(group), -1, np.int64)
        if len(self._old):
            names, start = np.unique(group[self._old], return_index=True)
            place = np.minimum(np.searchsorted(names, group), len(names) - 1)
            there = names[place] == group
            found[there] = self._old[start[place[there]]]
        return found

    def in_node_order(self, columns: list[pa.Array], schema: pa.Schema) -> pa.Table:
        table = pa.table([pa.array(self.node), *columns], schema=schema)
        return table.take(pa.array(np.argsort(self.node)))


def equal_groups(
    store: Store, paths: Sequence[str], low: int, high: int, own_shards: int
) -> pa.Table:
    """Groups of equal text in a range of buckets, by node.

    Args:
        store: the lake.
        paths: the `equal` files of stage `bands`, by number of shard.
        low: first bucket.
        high: last bucket.
        own_shards: shards from this number on are of earlier runs.
    """
    table, shard = read_range(store, paths, low, high)
    if table is None:
        return EQUAL.empty_table()
    entries = _Entries(table, shard, own_shards)
    raw = fixed_binary(table["raw"], np.dtype(np.uint64)).reshape(-1, 2)[entries.rank]
    same_bytes = _refined(entries.group, raw)
    alone = np.bincount(same_bytes, minlength=1)[same_bytes] < 2
    first = entries.first(entries.group)
    of_bytes, of_text = entries.earlier(same_bytes), entries.earlier(entries.group)
    earlier = np.where(of_bytes >= 0, of_bytes, of_text)
    unknown = earlier < 0
    return entries.in_node_order(
        [
            pa.array(entries.node[first]),
            binary(entries.ids[first]),
            binary(entries.ids[entries.second(entries.group, first)]),
            binary(entries.ids[entries.first(same_bytes)], alone),
            binary(entries.ids[earlier], unknown),
            pa.array(entries.shard[earlier].astype(np.int32), mask=unknown),
            pa.array(of_bytes >= 0, mask=unknown),
        ],
        EQUAL,
    )


def url_groups(
    store: Store, paths: Sequence[str], low: int, high: int, own_shards: int
) -> pa.Table:
    """Groups of one URL in a range of buckets, by node; see `equal_groups`."""
    table, shard = read_range(store, paths, low, high)
    if table is None:
        return URL.empty_table()
    entries = _Entries(table, shard, own_shards)
    earlier = entries.earlier(entries.group)
    unknown = earlier < 0
    return entries.in_node_order(
        [
            binary(entries.ids[entries.first(entries.group)]),
            binary(entries.ids[earlier], unknown),
            pa.array(entries.shard[earlier].astype(np.int32), mask=unknown),
        ],
        URL,
    )


def _refined(group: I64, raw: U64) -> npt.NDArray[np.int64]:
    """Groups cut into those of equal `raw`; entries keep their order within each."""
    rank = np.lexsort((raw[:, 1], raw[:, 0], group))
    new = np.ones(len(rank), bool)
    new[1:] = (group[rank][1:] != group[rank][:-1]) | (raw[rank][1:] != raw[rank][:-1]).any(axis=1)
    refined = np.empty(len(rank), np.int64)
    refined[rank] = np.cumsum(new) - 1
    return refined
