"""Stage `edges`: one range of buckets, gathered from all shards.

Three files: `equal` joins documents of equal text, `url` those of one URL, and `near` has candidate
pairs, sorted, to verify.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from manifests.manifest import Manifest, commit
from manifests.shards import ShardWriter
from manifests.store import Store
from pipeline.dedup import DedupSettings
from pipeline.dedup.bands import fixed_binary, read_range
from pipeline.dedup.kernels import candidate_pairs

STAGE = "edges"
VERSION = 2

ENDS = pa.schema(
    [
        ("first_shard", pa.int32()),
        ("first_row", pa.int64()),
        ("other_shard", pa.int32()),
        ("other_row", pa.int64()),
    ]
)
"""A pair of documents; shards are numbered in key order, then those of earlier runs."""

NEAR = pa.schema([("first_order", pa.uint64()), ("other_order", pa.uint64()), *ENDS])

_ROW_GROUP_ROWS = 65_536
_ENTRY_BYTES = 400
"""Peak of a task per bucket entry: read, sorted, compared."""

I64 = npt.NDArray[np.int64]


def partition_count(documents: int, settings: DedupSettings) -> int:
    """Tasks needed so that each stays within the memory of the settings."""
    entries = documents * (1 + (settings.layout()[0] if settings.near else 0))
    return max(1, math.ceil(entries * _ENTRY_BYTES / settings.memory))


def partition_key(partition: int) -> str:
    """Key of a partition's manifest."""
    return f"part-{partition:05d}"


def edges(
    store: Store,
    band_manifests: Sequence[Manifest],
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
    with ShardWriter(store, f"{folder}.equal.parquet", ENDS) as equal:
        equal.write(_equal_edges(store, equal_paths, partition, partitions))
    with ShardWriter(store, f"{folder}.near.parquet", NEAR) as near:
        table, entries, unchecked = _near_edges(store, near_paths, partition, partitions, settings)
        near.write(table, _ROW_GROUP_ROWS)
    with ShardWriter(store, f"{folder}.url.parquet", ENDS) as url:
        url.write(_equal_edges(store, url_paths, partition, partitions))
    return commit(
        store,
        Manifest(
            stage=STAGE,
            fingerprint=fingerprint,
            key=key,
            inputs=[*equal_paths, *near_paths, *url_paths],
            outputs=[equal.output, near.output, url.output],
            facts={
                "entries": entries,
                "equal": equal.output.rows,
                "near": near.output.rows,
                "url": url.output.rows,
                "unchecked": unchecked,
            },
            seconds=time.perf_counter() - began,
        ),
    )


def _equal_edges(store: Store, paths: Sequence[str], partition: int, partitions: int) -> pa.Table:
    """A star from the first of equal documents, or URLs, to the others."""
    table, shard = read_range(store, paths, partition, partitions)
    if table is None:
        return ENDS.empty_table()
    bucket, order, row = (table[name].to_numpy() for name in ("bucket", "order", "row"))
    rank = np.lexsort((row, shard, order, bucket))
    bucket, order, row, shard = bucket[rank], order[rank], row[rank], shard[rank]
    repeat = np.zeros(len(bucket), bool)
    repeat[1:] = (bucket[1:] == bucket[:-1]) & (order[1:] == order[:-1])
    starts = np.flatnonzero(~repeat)
    head = starts[np.cumsum(~repeat) - 1][repeat]
    return pa.table(
        [shard[head].astype(np.int32), row[head], shard[repeat].astype(np.int32), row[repeat]],
        schema=ENDS,
    )


def _near_edges(
    store: Store, paths: Sequence[str], partition: int, partitions: int, settings: DedupSettings
) -> tuple[pa.Table, int, int]:
    """Candidate pairs, the number of entries in shared buckets and of those not compared."""
    table, shard = read_range(store, paths, partition, partitions)
    if table is None:
        return NEAR.empty_table(), 0, 0
    bucket, order, row = (table[name].to_numpy() for name in ("bucket", "order", "row"))
    rank = np.lexsort((row, shard, order, bucket))
    bucket = bucket[rank]
    shared = np.zeros(len(bucket), bool)
    same = bucket[1:] == bucket[:-1]
    shared[1:] |= same
    shared[:-1] |= same
    rank, bucket = rank[shared], bucket[shared]
    order, row, shard = order[rank], row[rank], shard[rank]
    sketch = fixed_binary(table["sketch"], np.dtype(np.uint64))[rank]
    del table
    sure, possible = sketch_bounds(settings)
    first, other, unchecked = candidate_pairs(bucket, order, sketch, sure, possible)
    # The same pair meets in several bands: once is enough.
    rank = np.lexsort((row[other], shard[other], row[first], shard[first]))
    rank = rank[np.lexsort((order[other][rank], order[first][rank]))]
    first, other = first[rank], other[rank]
    new = np.ones(len(first), bool)
    new[1:] = (order[first][1:] != order[first][:-1]) | (order[other][1:] != order[other][:-1])
    first, other = first[new], other[new]
    columns = [
        *(order[first], order[other]),
        *(shard[first].astype(np.int32), row[first]),
        *(shard[other].astype(np.int32), row[other]),
    ]
    return pa.table(columns, schema=NEAR), len(bucket), int(unchecked)


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
