"""Stage `bands`: the buckets of one shard's documents, sorted by bucket."""

from __future__ import annotations

import time
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from manifests.manifest import Manifest, commit
from manifests.shards import ShardWriter, read_batches
from manifests.store import Store
from pipeline.dedup import DedupSettings, ShardRef
from pipeline.dedup.kernels import band_buckets

N = TypeVar("N", bound=np.generic)

STAGE = "bands"
VERSION = 1

SCHEMA = pa.schema([("bucket", pa.uint64()), ("order", pa.uint64()), ("row", pa.int64())])
"""`order` is the start of the id: a bucket is ordered the same way whatever the listing."""

_ROW_GROUP_ROWS = 65_536


def bands(store: Store, shard: ShardRef, settings: DedupSettings, fingerprint: str) -> Manifest:
    """Write the bucket entries of a shard: one for its content hash, one for each band."""
    began = time.perf_counter()
    buckets: list[npt.NDArray[np.uint64]] = []
    orders: list[npt.NDArray[np.uint64]] = []
    rows: list[npt.NDArray[np.int64]] = []
    seen = unsigned = 0
    for batch in read_batches(store, shard.documents, ["id", "content_hash", "minhash"]):
        order = np.array([int(i[:16], 16) for i in batch["id"].to_pylist()], np.uint64)
        row = np.arange(seen, seen + batch.num_rows, dtype=np.int64)
        buckets.append(fixed_binary(batch["content_hash"], np.dtype(np.uint64))[:, 0])
        orders.append(order)
        rows.append(row)
        signed = np.flatnonzero(~np.asarray(batch["minhash"].is_null()))
        unsigned += batch.num_rows - len(signed)
        if settings.near and len(signed):
            signatures = fixed_binary(batch["minhash"].take(signed), np.dtype(np.uint32))
            buckets.append(band_buckets(signatures, settings.bands, settings.rows).ravel())
            orders.append(np.repeat(order[signed], settings.bands))
            rows.append(np.repeat(row[signed], settings.bands))
        seen += batch.num_rows
    columns = [np.concatenate(parts) if parts else np.empty(0) for parts in (buckets, orders, rows)]
    rank = np.lexsort((columns[2], columns[1], columns[0]))
    table = pa.table(
        [
            pa.array(column[rank]).cast(field.type)
            for column, field in zip(columns, SCHEMA, strict=True)
        ],
        schema=SCHEMA,
    )
    path = f"{STAGE}/{fingerprint}/{shard.key}.parquet"
    with ShardWriter(store, path, SCHEMA, compression="lz4", compression_level=None) as writer:
        writer.write(table, _ROW_GROUP_ROWS)
    return commit(
        store,
        Manifest(
            stage=STAGE,
            fingerprint=fingerprint,
            key=shard.key,
            inputs=[shard.documents],
            outputs=[writer.output],
            facts={"documents": seen, "unsigned": unsigned, "entries": table.num_rows},
            seconds=time.perf_counter() - began,
        ),
    )


def fixed_binary(column: pa.Array, kind: np.dtype[N]) -> npt.NDArray[N]:
    """A fixed-size binary column without nulls as a matrix of numbers, one row per value."""
    width = column.type.byte_width
    data = column.buffers()[1]
    start = column.offset * width
    flat = np.frombuffer(data, np.uint8, count=len(column) * width, offset=start)
    return flat.reshape(len(column), width).view(kind)
