"""Stage `edges`: one range of buckets, gathered from all shards, gives verified edges."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from manifests.manifest import Manifest, commit
from manifests.shards import ShardWriter
from manifests.store import Store
from pipeline.dedup import DedupSettings, ShardRef
from pipeline.dedup.bands import fixed_binary
from pipeline.dedup.kernels import star_edges

STAGE = "edges"
VERSION = 1

SCHEMA = pa.schema(
    [
        ("first_shard", pa.int32()),
        ("first_row", pa.int64()),
        ("other_shard", pa.int32()),
        ("other_row", pa.int64()),
        ("exact", pa.bool_()),
        ("similarity", pa.float64()),
    ]
)
"""Shards are numbered in key order; similarity is 1 for equal texts, else estimated."""

I64 = npt.NDArray[np.int64]


def partition_count(entries: int, settings: DedupSettings) -> int:
    """Tasks needed so that each holds at most about `partition_entries` entries."""
    return max(1, math.ceil(entries / settings.partition_entries))


def partition_key(partition: int) -> str:
    """Key of a partition's manifest."""
    return f"part-{partition:05d}"


def edges(
    store: Store,
    shards: Sequence[ShardRef],
    band_paths: Sequence[str],
    partition: int,
    partitions: int,
    settings: DedupSettings,
    fingerprint: str,
) -> Manifest:
    """Write the edges found in one partition of the buckets.

    Args:
        store: the lake.
        shards: all shards of the run, in key order.
        band_paths: the bands file of each.
        partition: which of `partitions` equal ranges of the bucket space.
        partitions: number of ranges.
        settings: how duplicates are found.
        fingerprint: of this stage.
    """
    began = time.perf_counter()
    low, high = (2**64 * partition // partitions, 2**64 * (partition + 1) // partitions - 1)
    bucket, shard, row = _crowded_buckets(store, band_paths, low, high)
    # One index per document, in (shard, row) order, so that its hashes are read in file order.
    place = np.stack([shard, row], axis=1)
    documents, index = np.unique(place, axis=0, return_inverse=True)
    hashes, signatures, signed = _evidence(store, shards, documents)
    permutations = signatures.shape[1]
    first, other, matches, unchecked = star_edges(
        bucket,
        index.ravel().astype(np.int64),
        hashes,
        signatures,
        signed,
        math.ceil(settings.min_similarity * permutations),
    )
    pairs, keep = np.unique(np.stack([first, other], axis=1), axis=0, return_index=True)
    matches = matches[keep]
    exact = matches < 0
    table = pa.table(
        [
            pa.array(documents[pairs[:, 0], 0].astype(np.int32)),
            pa.array(documents[pairs[:, 0], 1]),
            pa.array(documents[pairs[:, 1], 0].astype(np.int32)),
            pa.array(documents[pairs[:, 1], 1]),
            pa.array(exact),
            pa.array(np.where(exact, 1.0, matches / max(permutations, 1))),
        ],
        schema=SCHEMA,
    )
    key = partition_key(partition)
    with ShardWriter(store, f"{STAGE}/{fingerprint}/{key}.parquet", SCHEMA) as writer:
        writer.write(table)
    return commit(
        store,
        Manifest(
            stage=STAGE,
            fingerprint=fingerprint,
            key=key,
            inputs=list(band_paths),
            outputs=[writer.output],
            facts={
                "entries_in_shared_buckets": len(bucket),
                "edges": table.num_rows,
                "unchecked": int(unchecked),
            },
            seconds=time.perf_counter() - began,
        ),
    )


def _crowded_buckets(
    store: Store, band_paths: Sequence[str], low: int, high: int
) -> tuple[npt.NDArray[np.uint64], I64, I64]:
    """Entries (bucket, shard, row) of buckets in [low, high] that hold more than one document."""
    parts = [
        (table, np.full(table.num_rows, number, np.int64))
        for number, path in enumerate(band_paths)
        for table in _range_of(store, path, low, high)
    ]
    if not parts:
        return np.empty(0, np.uint64), np.empty(0, np.int64), np.empty(0, np.int64)
    bucket, order, row = (
        np.concatenate([table[name].to_numpy() for table, _ in parts])
        for name in ("bucket", "order", "row")
    )
    shard = np.concatenate([numbers for _, numbers in parts])
    del parts
    rank = np.lexsort((row, shard, order, bucket))
    bucket = bucket[rank]
    same = np.flatnonzero(bucket[1:] == bucket[:-1])
    crowded = np.zeros(len(bucket), bool)
    crowded[same] = True
    crowded[same + 1] = True
    rank = rank[crowded]
    return bucket[crowded], shard[rank], row[rank]


def _range_of(store: Store, path: str, low: int, high: int) -> Iterator[pa.Table]:
    """The rows of a bands file whose bucket lies in [low, high], by row-group statistics."""
    with store.open(path) as file:
        parquet = pq.ParquetFile(file)
        for group in range(parquet.num_row_groups):
            bounds = parquet.metadata.row_group(group).column(0).statistics
            if bounds.max < low or bounds.min > high:
                continue
            table = parquet.read_row_group(group)
            bucket = table["bucket"].to_numpy()
            start = int(np.searchsorted(bucket, np.uint64(low)))
            end = int(np.searchsorted(bucket, np.uint64(high), side="right"))
            yield table.slice(start, end - start)


def _evidence(
    store: Store, shards: Sequence[ShardRef], documents: I64
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint32], npt.NDArray[np.bool_]]:
    """Content hashes, signatures and whether there is one, of (shard, row) pairs in order."""
    hashes: list[npt.NDArray[np.uint64]] = []
    signatures: list[npt.NDArray[np.uint32]] = []
    signed: list[npt.NDArray[np.bool_]] = []
    for number in np.unique(documents[:, 0]).tolist() if len(documents) else ():
        rows = documents[documents[:, 0] == number, 1]
        table = take_rows(store, shards[number].documents, rows, ["content_hash", "minhash"])
        has = ~np.asarray(table["minhash"].is_null())
        width = table["minhash"].type.byte_width
        matrix = np.zeros((len(rows), width // 4), np.uint32)
        if has.any():
            values = table["minhash"].combine_chunks().drop_null()
            matrix[has] = fixed_binary(_one_chunk(values), np.dtype(np.uint32))
        content = _one_chunk(table["content_hash"].combine_chunks())
        hashes.append(fixed_binary(content, np.dtype(np.uint64)))
        signatures.append(matrix)
        signed.append(has)
    if not hashes:
        return np.empty((0, 2), np.uint64), np.empty((0, 0), np.uint32), np.empty(0, np.bool_)
    return np.concatenate(hashes), np.concatenate(signatures), np.concatenate(signed)


def take_rows(store: Store, path: str, rows: I64, columns: Sequence[str]) -> pa.Table:
    """Some rows (ascending) of a Parquet file, reading only the row groups that hold them."""
    found = []
    with store.open(path) as file:
        parquet = pq.ParquetFile(file)
        start = 0
        for group in range(parquet.num_row_groups):
            size = parquet.metadata.row_group(group).num_rows
            lower, upper = np.searchsorted(rows, [start, start + size])
            if lower < upper:
                table = parquet.read_row_group(group, columns=list(columns))
                found.append(table.take(pa.array(rows[lower:upper] - start)))
            start += size
        empty = parquet.schema_arrow.empty_table().select(list(columns))
    return pa.concat_tables(found) if found else empty


def _one_chunk(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
