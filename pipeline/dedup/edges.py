"""Stage `edges`: one range of buckets, gathered from all shards.

Three files: `equal` has the groups of equal text and `url` those of one URL, both by document, and
`near` has candidate pairs, sorted, to verify.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from thresher.manifests.manifest import Manifest, commit
from thresher.manifests.store import Store
from thresher.pipeline.dedup import DedupSettings
from thresher.pipeline.dedup.groups import equal_groups, url_groups
from thresher.pipeline.dedup.kernels import candidate_pairs
from thresher.pipeline.dedup.nodes import nodes_of
from thresher.pipeline.shuffle import (
    fixed_binary,
    partition_key,
    partition_range,
    read_range,
    write_sorted,
)

STAGE = "edges"
VERSION = 3

NEAR = pa.schema(
    [
        ("part", pa.uint64()),
        ("first_order", pa.uint64()),
        ("other_order", pa.uint64()),
        ("first", pa.int64()),
        ("other", pa.int64()),
    ]
)
"""A pair of documents, as nodes; shards are numbered in key order, then those of earlier runs.
`part` follows from the other document alone: the first may be in a pair with every one of a
bucket."""

_SPREAD = np.uint64(0x9E3779B97F4A7C15)

_ENTRY_BYTES = 400
"""Peak of a task per bucket entry: read, sorted, compared."""


def partition_count(documents: int, settings: DedupSettings) -> int:
    """Tasks needed so that each stays within the memory of the settings."""
    entries = documents * (1 + (settings.layout()[0] if settings.near else 0))
    return max(1, math.ceil(entries * _ENTRY_BYTES / settings.memory))


def edges(
    store: Store,
    band_manifests: Sequence[Manifest],
    own_shards: int,
    partition: int,
    partitions: int,
    settings: DedupSettings,
    fingerprint: str,
) -> Manifest:
    """Write the edges found in one partition of the buckets.

    Args:
        store: the lake.
        band_manifests: of stage `bands`, of all shards of the run in key order, then of those
            of earlier runs.
        own_shards: how many are of this run.
        partition: which of `partitions` equal ranges of the bucket space.
        partitions: number of ranges.
        settings: how duplicates are found.
        fingerprint: of this stage.
    """
    began = time.perf_counter()
    equal_paths, near_paths, url_paths = (
        [manifest.output(index).path for manifest in band_manifests] for index in range(3)
    )
    key = partition_key(partition)
    folder = f"{STAGE}/{fingerprint}/{key}"
    low, high = partition_range(partition, partitions)
    equal = equal_groups(store, equal_paths, low, high, own_shards)
    outputs = [write_sorted(store, f"{folder}.equal.parquet", equal)]
    near, entries, unchecked = _candidates(store, near_paths, low, high, settings)
    outputs.append(write_sorted(store, f"{folder}.near.parquet", near))
    url = url_groups(store, url_paths, low, high, own_shards)
    outputs.append(write_sorted(store, f"{folder}.url.parquet", url))
    return commit(
        store,
        Manifest(
            stage=STAGE,
            fingerprint=fingerprint,
            key=key,
            inputs=[*equal_paths, *near_paths, *url_paths],
            outputs=outputs,
            facts={
                "entries": entries,
                "equal": equal.num_rows,
                "near": near.num_rows,
                "url": url.num_rows,
                "unchecked": unchecked,
            },
            seconds=time.perf_counter() - began,
        ),
    )


def _candidates(
    store: Store, paths: Sequence[str], low: int, high: int, settings: DedupSettings
) -> tuple[pa.Table, int, int]:
    """Candidate pairs, the number of entries in shared buckets and of those not compared."""
    table, shard = read_range(store, paths, low, high)
    if table is None:
        return NEAR.empty_table(), 0, 0
    bucket, order = table["bucket"].to_numpy(), table["order"].to_numpy()
    node = nodes_of(shard, table["row"].to_numpy())
    rank = np.lexsort((node, order, bucket))
    bucket = bucket[rank]
    shared = np.zeros(len(bucket), bool)
    same = bucket[1:] == bucket[:-1]
    shared[1:] |= same
    shared[:-1] |= same
    rank, bucket = rank[shared], bucket[shared]
    order, node = order[rank], node[rank]
    sketch = fixed_binary(table["sketch"], np.dtype(np.uint64))[rank]
    del table
    sure, possible = sketch_bounds(settings)
    first, other, unchecked = candidate_pairs(bucket, order, sketch, sure, possible)
    # The same pair meets in several bands: once is enough.
    rank = np.lexsort((node[other], node[first], order[other], order[first]))
    first, other = first[rank], other[rank]
    new = np.ones(len(first), bool)
    new[1:] = (order[first][1:] != order[first][:-1]) | (order[other][1:] != order[other][:-1])
    first, other = first[new], other[new]
    part = order[other] * _SPREAD
    table = pa.table([part, order[first], order[other], node[first], node[other]], schema=NEAR)
    return table.take(pa.array(np.argsort(part))), len(bucket), int(unchecked)


def sketch_bounds(settings: DedupSettings) -> tuple[int, int]:
    """Differing two-bit values up to which a pair is sure, and possible.

    Values of unlike documents agree by chance once in four. The estimate's standard error is
    about .5 / sqrt(values): a pair is possible from three of them below the threshold, and sure
    from two above.
    """
    count = settings.signature_values
    error = 0.5 / math.sqrt(count)
    sure = min(1.0, settings.threshold + 2 * error)
    possible = max(0.0, settings.threshold - 3 * error)
    return math.floor((1 - sure) * 0.75 * count), math.ceil((1 - possible) * 0.75 * count)
