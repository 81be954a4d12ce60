"""Stages `members` and `names`: what is known of each duplicate, and what its cluster is called.

members  per slice   the documents of a slice that have duplicates: ids, groups, component;
what they add to their cluster, and what they tell their near neighbours
names    per slice   of the clusters whose smallest node lies in the slice: their smallest id,
their size, what an earlier run kept; sent back to every slice they are in
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from thresher.manifests.manifest import Manifest, commit
from thresher.manifests.store import Store
from thresher.pipeline.dedup import groups
from thresher.pipeline.dedup.components import LINKS
from thresher.pipeline.dedup.nodes import Slice, read_nodes, shard_of
from thresher.pipeline.dedup.verify import SCHEMA as NEAR
from thresher.pipeline.shards import ShardRef
from thresher.pipeline.shuffle import (
    I64,
    ID,
    U64,
    binary,
    fixed_binary,
    pack_ids,
    rows_in_range,
    write_sorted,
)

STAGE, NAMES = "members", "names"
VERSION = 2

MEMBERS = pa.schema(
    [
        ("node", pa.int64()),
        ("id", ID),
        ("root", pa.int64()),
        *(field for field in groups.EQUAL if field.name not in ("node", "head")),
        ("url_id", ID),
        ("url_earlier_id", ID),
        ("url_earlier_shard", pa.int32()),
    ]
)
"""`root` is the smallest node of the document's component, NULL where it only shares its URL."""

SHARES = pa.schema(
    [
        ("root", pa.int64()),
        ("slice", pa.int64()),
        ("id", ID),
        ("documents", pa.int64()),
        ("own", pa.int64()),
        ("earlier_id", ID),
        ("earlier_shard", pa.int32()),
    ]
)
"""What the members of a cluster in one slice add to it: smallest id, number, number of this run's,
and the smallest id that an earlier run kept."""

NOTES = pa.schema(
    [
        ("node", pa.int64()),
        ("other_id", ID),
        *(field for field in NEAR if field.name not in ("node", "other")),
    ]
)
"""What a near neighbour tells a document: the smallest id of its text, the text's `order`, and how
alike they are."""

CLUSTERS = pa.schema(
    [
        ("slice", pa.int64()),
        ("root", pa.int64()),
        ("cluster_id", ID),
        ("cluster_size", pa.int64()),
        ("earlier_id", ID),
        ("earlier_shard", pa.int32()),
    ]
)


def members(
    store: Store,
    shards: Sequence[ShardRef],
    equal_paths: Sequence[str],
    url_paths: Sequence[str],
    near_paths: Sequence[str],
    link_paths: Sequence[str],
    part: Slice,
    fingerprint: str,
) -> Manifest:
    """Gather what is known of the documents of a slice.

    Args:
        store: the lake.
        shards: all shards of the run, in key order, then those of earlier runs.
        equal_paths: groups of equal text, of stage `edges`.
        url_paths: groups of one URL.
        near_paths: verified pairs.
        link_paths: links of the components to their smallest nodes.
        part: the slice.
        fingerprint: of this stage.
    """
    began = time.perf_counter()
    equal, url, near, links = (
        rows_in_range(store, paths, part.low, part.high, schema)
        for paths, schema in (
            (equal_paths, groups.EQUAL),
            (url_paths, groups.URL),
            (near_paths, NEAR),
            (link_paths, LINKS),
        )
    )
    clustered = np.union1d(equal["node"].to_numpy(), near["node"].to_numpy())
    nodes = np.union1d(clustered, url["node"].to_numpy())
    tables = read_nodes(store, shards, nodes, "id")
    ids = np.concatenate([np.empty((0, 2), np.uint64), *(pack_ids(t["id"]) for t in tables)])
    root = nodes.copy()
    root[np.searchsorted(nodes, links["node"].to_numpy())] = links["smaller"].to_numpy()
    in_cluster = np.isin(nodes, clustered, assume_unique=True)
    table = pa.table(
        [
            pa.array(nodes),
            binary(ids),
            pa.array(root, mask=~in_cluster),
            *_spread(equal, nodes, [f.name for f in groups.EQUAL][2:]),
            *_spread(url, nodes, [f.name for f in groups.URL][1:]),
        ],
        schema=MEMBERS,
    )
    old = np.array([bool(shard.run) for shard in shards])[shard_of(nodes)]
    shares = _shares(
        nodes[in_cluster], ids[in_cluster], root[in_cluster], old[in_cluster], part.number
    )
    notes = _notes(near, nodes, ids, table)
    outputs = [
        write_sorted(store, f"{STAGE}/{fingerprint}/{part.key}.{name}.parquet", rows)
        for name, rows in (("members", table), ("shares", shares), ("notes", notes))
    ]
    return commit(
        store,
        Manifest(
            stage=STAGE,
            fingerprint=fingerprint,
            key=part.key,
            inputs=[*equal_paths, *url_paths, *near_paths, *link_paths],
            outputs=outputs,
            facts={"documents": len(nodes)},
            seconds=time.perf_counter() - began,
        ),
    )


def _spread(table: pa.Table, nodes: I64, names: Sequence[str]) -> list[pa.Array]:
    """Columns of some nodes' rows as columns of all nodes, NULL elsewhere."""
    place = np.searchsorted(nodes, table["node"].to_numpy())
    row = np.zeros(len(nodes), np.int64)
    absent = np.ones(len(nodes), bool)
    row[place], absent[place] = np.arange(len(place)), False
    return [table[name].combine_chunks().take(pa.array(row, mask=absent)) for name in names]


def _shares(nodes: I64, ids: U64, root: I64, old: npt.NDArray[np.bool_], number: int) -> pa.Table:
    rank = np.lexsort((nodes, ids[:, 1], ids[:, 0], root))
    ids, root, old, nodes = ids[rank], root[rank], old[rank], nodes[rank]
    roots, first, counts = np.unique(root, return_index=True, return_counts=True)
    earlier = np.full(len(roots), -1, np.int64)
    known, start = np.unique(root[old], return_index=True)
    earlier[np.searchsorted(roots, known)] = np.flatnonzero(old)[start]
    unknown = earlier < 0
    return pa.table(
        [
            pa.array(roots),
            pa.array(np.full(len(roots), number)),
            binary(ids[first]),
            pa.array(counts.astype(np.int64)),
            pa.array(counts - np.bincount(np.searchsorted(roots, root[old]), minlength=len(roots))),
            binary(ids[earlier], unknown),
            pa.array(shard_of(nodes[earlier]).astype(np.int32), mask=unknown),
        ],
        schema=SHARES,
    )


def _notes(near: pa.Table, nodes: I64, ids: U64, table: pa.Table) -> pa.Table:
    exact = table["exact_id"].combine_chunks()
    text_id = np.where(
        np.asarray(exact.is_valid())[:, None], fixed_binary(exact, np.dtype(np.uint64)), ids
    )
    mine = np.searchsorted(nodes, near["node"].to_numpy())
    rank = np.argsort(near["other"].to_numpy(), kind="stable")
    return pa.table(
        [
            near["other"].take(pa.array(rank)),
            binary(text_id[mine][rank]),
            *(near[name].take(pa.array(rank)) for name in NOTES.names[2:]),
        ],
        schema=NOTES,
    )


def names(store: Store, share_paths: Sequence[str], part: Slice, fingerprint: str) -> Manifest:
    """Name the clusters whose smallest node lies in a slice.

    Args:
        store: the lake.
        share_paths: what every slice adds to its clusters.
        part: the slice.
        fingerprint: of this stage.
    """
    began = time.perf_counter()
    shares = rows_in_range(store, share_paths, part.low, part.high, SHARES)
    ids = fixed_binary(shares["id"], np.dtype(np.uint64)).reshape(-1, 2)
    rank = np.lexsort((ids[:, 1], ids[:, 0], shares["root"].to_numpy()))
    shares, ids = shares.take(pa.array(rank)), ids[rank]
    roots, first, place = np.unique(
        shares["root"].to_numpy(), return_index=True, return_inverse=True
    )
    sizes, own = (
        np.bincount(place, shares[name].to_numpy(), len(roots)).astype(np.int64)
        for name in ("documents", "own")
    )
    earlier = _first_earlier(shares, place, len(roots))
    unknown = (earlier < 0)[place]
    kept = shares.take(pa.array(np.maximum(earlier, 0)[place]))
    table = pa.table(
        [
            shares["slice"],
            shares["root"],
            binary(ids[first][place]),
            pa.array(sizes[place]),
            binary(fixed_binary(kept["earlier_id"], np.dtype(np.uint64)).reshape(-1, 2), unknown),
            pa.array(kept["earlier_shard"].fill_null(0).to_numpy(), mask=unknown),
        ],
        schema=CLUSTERS,
    )
    table = table.take(pa.array(np.lexsort((table["root"].to_numpy(), table["slice"].to_numpy()))))
    output = write_sorted(store, f"{NAMES}/{fingerprint}/{part.key}.parquet", table)
    return commit(
        store,
        Manifest(
            stage=NAMES,
            fingerprint=fingerprint,
            key=part.key,
            inputs=list(share_paths),
            outputs=[output],
            facts={
                "clusters": int((own > 0).sum()),
                "largest_cluster": int(sizes[own > 0].max(initial=0)),
            },
            seconds=time.perf_counter() - began,
        ),
    )


def _first_earlier(shares: pa.Table, place: I64, count: int) -> I64:
    """Of each cluster the share with the smallest id that an earlier run kept, or -1."""
    found = np.full(count, -1, np.int64)
    old = np.flatnonzero(np.asarray(shares["earlier_id"].is_valid()))
    if len(old):
        ids = fixed_binary(shares["earlier_id"], np.dtype(np.uint64))[old]
        shard = shares["earlier_shard"].fill_null(0).to_numpy()[old]
        rank = np.lexsort((shard, ids[:, 1], ids[:, 0], place[old]))
        clusters, first = np.unique(place[old][rank], return_index=True)
        found[clusters] = old[rank][first]
    return found
