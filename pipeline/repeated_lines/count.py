"""Stages `line_keys` and `line_counts`: in how many documents of its scope each line occurs."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from thresher.manifests.manifest import Manifest, commit
from thresher.manifests.shards import ShardWriter
from thresher.manifests.store import Store
from thresher.pipeline.measured import files_of
from thresher.pipeline.repeated_lines import LinesSettings
from thresher.pipeline.repeated_lines.lines import COLUMNS, SITE, Batch, read_lines
from thresher.pipeline.shards import ShardRef
from thresher.pipeline.shuffle import I64, U64, partition_key, partition_range, read_range

KEYS, COUNTS = "line_keys", "line_counts"
VERSION = 1

KEY_SCHEMA = pa.schema([("key", pa.uint64()), ("documents", pa.int32())])
"""Sorted by key, in runs where a shard has very many lines. Copies count no document, but their
keys are there, so that they too learn what is frequent."""

COUNT_SCHEMA = pa.schema([("shard", pa.int32()), ("key", pa.uint64()), ("documents", pa.int64())])
"""Frequent keys of each shard, sorted; `documents` is of the whole run."""

_ROW_GROUP_ROWS = 65_536
_RUN_KEYS = 4_000_000
"""Keys that one sorted run of a shard is made of."""
_ENTRY_BYTES = 90
"""Peak of a task per key: read, sorted, summed."""
_LAYOUT = {"use_dictionary": ["documents"], "column_encoding": {"key": "DELTA_BINARY_PACKED"}}


def line_keys(
    store: Store, shard: ShardRef, copies: str | None, buckets: int, fingerprint: str
) -> Manifest:
    """Write the lines of a shard by key, each with the number of its documents.

    Args:
        store: the lake.
        shard: the measured shard.
        copies: its duplicates file; None where it has none.
        buckets: how many buckets the run has.
        fingerprint: of this stage.
    """
    began = time.perf_counter()
    documents = lines = 0
    path = f"{KEYS}/{fingerprint}/{shard.key}.parquet"
    with ShardWriter(store, path, KEY_SCHEMA, **_LAYOUT) as writer:
        keys, counts, waiting = [], [], 0
        for batch in read_lines(store, shard, copies, buckets):
            documents += len(batch.texts)
            lines += int(batch.lines.counted.sum())
            for key, count in _per_document(batch):
                keys.append(key)
                counts.append(count)
                waiting += len(key)
            if waiting >= _RUN_KEYS:
                writer.write(_summed(keys, counts), _ROW_GROUP_ROWS)
                keys, counts, waiting = [], [], 0
        if waiting:
            writer.write(_summed(keys, counts), _ROW_GROUP_ROWS)
    return commit(
        store,
        Manifest(
            stage=KEYS,
            fingerprint=fingerprint,
            key=shard.key,
            inputs=[*files_of(shard, COLUMNS), *([copies] if copies else [])],
            outputs=[writer.output],
            facts={"documents": documents, "lines": lines, "keys": writer.output.rows},
            seconds=time.perf_counter() - began,
        ),
    )


def _per_document(batch: Batch) -> Iterator[tuple[U64, I64]]:
    """Different keys of a batch, and how many of its documents have each: by run and by site."""
    counted = batch.lines.counted
    rows = batch.lines.rows
    yield _distinct(batch.run_keys[counted], rows[counted], batch)
    sited = counted & batch.has_site[rows]
    own = np.flatnonzero(batch.has_site)
    yield _distinct(
        np.concatenate([batch.site_keys[sited], batch.total_keys[own]]),
        np.concatenate([rows[sited], own]),
        batch,
    )


def _distinct(keys: U64, rows: I64, batch: Batch) -> tuple[U64, I64]:
    rank = np.argsort(keys, kind="stable")  # the rows of equal keys ascend already
    keys, rows = keys[rank], rows[rank]
    fresh = np.ones(len(keys), bool)
    fresh[1:] = (keys[1:] != keys[:-1]) | (rows[1:] != rows[:-1])
    return keys[fresh], batch.counts[rows[fresh]].astype(np.int64)


def _summed(keys: Sequence[U64], counts: Sequence[I64]) -> pa.Table:
    """One row per key, in order."""
    every = np.concatenate(keys)
    rank, starts, sums = _segments(every, np.concatenate(counts))
    return pa.table([every[rank[starts]], sums.astype(np.int32)], schema=KEY_SCHEMA)


def _segments(keys: U64, counts: I64) -> tuple[I64, I64, I64]:
    """The order of the keys, where in it each different one starts, and the sums of the counts."""
    rank = np.argsort(keys, kind="stable")
    keys, counts = keys[rank], counts[rank]
    fresh = np.ones(len(keys), bool)
    fresh[1:] = keys[1:] != keys[:-1]
    starts = np.flatnonzero(fresh)
    return rank, starts, np.add.reduceat(counts, starts) if len(starts) else counts


def partition_count(keys: int, settings: LinesSettings) -> int:
    """Ranges needed so that each stays within the memory of the settings."""
    return max(1, math.ceil(keys * _ENTRY_BYTES / settings.memory))


def line_counts(
    store: Store,
    key_paths: Sequence[str],
    partition: int,
    partitions: int,
    settings: LinesSettings,
    fingerprint: str,
) -> Manifest:
    """Write the frequent keys of one range, for each shard those that it has.

    Args:
        store: the lake.
        key_paths: the files of stage `line_keys`, in the order of the shards' keys.
        partition: which of `partitions` equal ranges of keys.
        partitions: number of ranges.
        settings: what is frequent.
        fingerprint: of this stage.
    """
    began = time.perf_counter()
    key = partition_key(partition)
    table, shards = read_range(store, key_paths, *partition_range(partition, partitions))
    found = COUNT_SCHEMA.empty_table()
    frequent: dict[str, int] = {"run": 0, "site": 0}
    if table is not None:
        keys = table["key"].to_numpy()
        rank, starts, sums = _segments(keys, table["documents"].to_numpy().astype(np.int64))
        of_site = keys[rank[starts]] & np.uint64(1) == SITE
        enough = np.where(of_site, settings.site_least_documents, settings.least_documents)
        many = sums >= enough
        frequent = {"run": int((many & ~of_site).sum()), "site": int((many & of_site).sum())}
        lengths = np.diff(starts, append=len(keys))
        kept = rank[np.repeat(many, lengths)]
        totals = np.repeat(sums[many], lengths[many])
        order = np.lexsort((keys[kept], shards[kept]))
        kept = kept[order]
        columns = [shards[kept].astype(np.int32), keys[kept], totals[order]]
        found = pa.table(columns, schema=COUNT_SCHEMA)
    with ShardWriter(store, f"{COUNTS}/{fingerprint}/{key}.parquet", COUNT_SCHEMA) as writer:
        writer.write(found, _ROW_GROUP_ROWS)
    return commit(
        store,
        Manifest(
            stage=COUNTS,
            fingerprint=fingerprint,
            key=key,
            inputs=list(key_paths),
            outputs=[writer.output],
            facts=dict(frequent),
            seconds=time.perf_counter() - began,
        ),
    )
