"""Stage `bands`: the buckets of one shard's documents, sorted.

Three files: `equal` has the content hash of every document, `near` a bucket for each LSH band of
each signature, `url` the hash of every canonical URL. Of equal texts in a shard only the first has
near entries. Of an earlier run only the kept documents have entries, and none by URL.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from filters.measure import MinHashSettings
from manifests.manifest import Manifest, Output, commit
from manifests.shards import ShardWriter, read_batches, read_table
from manifests.store import Store
from pipeline.dedup import DedupSettings, ShardRef
from pipeline.dedup.kernels import band_buckets, sketch_words, sketches
from pipeline.dedup.urls import url_hashes

N = TypeVar("N", bound=np.generic)

STAGE = "bands"
VERSION = 2

EQUAL = pa.schema([("bucket", pa.uint64()), ("order", pa.uint64()), ("row", pa.int64())])
"""Both halves of a 128-bit hash: equal for equal texts, or URLs, only."""

_ROW_GROUP_ROWS = 65_536


def near_schema(permutations: int) -> pa.Schema:
    """Bucket entries with the sketch of the signature.

    `order` is half of the content hash: a bucket is in the same order whatever the shards, and
    equal texts are neighbours in it.
    """
    return EQUAL.append(pa.field("sketch", pa.binary(8 * sketch_words(permutations))))


def bands(
    store: Store,
    shard: ShardRef,
    settings: DedupSettings,
    minhash: MinHashSettings,
    fingerprint: str,
) -> Manifest:
    """Write the bucket entries of a shard.

    The facts count documents that are compared in part or not at all: `unsigned` are shorter than
    a shingle, and only their equals are duplicates; of `beyond_cap` the signature and the exact
    similarity look at the first `max_shingles` shingles.
    """
    began = time.perf_counter()
    hashes, signatures, rows, beyond_cap = _read(store, shard, settings.near, minhash)
    documents, signed = len(hashes), len(rows)
    rank = np.lexsort((hashes[:, 1], hashes[:, 0]))
    kept = np.ones(documents, bool)
    if shard.decisions:
        verdicts = read_table(shard.store(store), shard.decisions, ["verdict"])["verdict"]
        kept = np.asarray(pc.equal(verdicts, "kept"))
        rank = rank[kept[rank]]
    equal = pa.table([hashes[rank, 0], hashes[rank, 1], rank.astype(np.int64)], schema=EQUAL)
    outputs = [_write(store, f"{STAGE}/{fingerprint}/{shard.key}.equal.parquet", equal)]

    schema = near_schema(settings.signature_values)
    near = schema.empty_table()
    if len(signatures):
        count, width = settings.layout()
        repeat = np.zeros(documents, bool)
        repeat[rank[1:]] = (hashes[rank[1:]] == hashes[rank[:-1]]).all(axis=1)
        unique = (kept & ~repeat)[rows]
        signatures, rows = signatures[unique], rows[unique]
        buckets = band_buckets(signatures, count, width).ravel()
        orders = np.repeat(hashes[rows, 0], count)
        rank = np.lexsort((orders, buckets))
        packed = sketches(signatures, sketch_words(signatures.shape[1]))[rank // count]
        near = pa.table(
            [buckets[rank], orders[rank], rows[rank // count], binary(packed)], schema=schema
        )
    outputs.append(_write(store, f"{STAGE}/{fingerprint}/{shard.key}.near.parquet", near))
    url = _urls(store, shard) if settings.urls and not shard.run else EQUAL.empty_table()
    outputs.append(_write(store, f"{STAGE}/{fingerprint}/{shard.key}.url.parquet", url))
    return commit(
        store,
        Manifest(
            stage=STAGE,
            fingerprint=fingerprint,
            key=shard.key,
            inputs=[shard.documents],
            outputs=outputs,
            facts={
                "documents": documents,
                "unsigned": documents - signed,
                "beyond_cap": beyond_cap,
                "entries": near.num_rows,
            },
            seconds=time.perf_counter() - began,
        ),
    )


def _read(
    store: Store, shard: ShardRef, near: bool, minhash: MinHashSettings
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint32], npt.NDArray[np.int64], int]:
    """Content hashes of all; signatures and rows of those that have one; how many are long."""
    hashes = [np.empty((0, 2), np.uint64)]
    signatures: list[npt.NDArray[np.uint32]] = []
    rows = [np.empty(0, np.int64)]
    seen = beyond_cap = 0
    long = "length.characters" if minhash.unit == "characters" else "length.nonsymbol_words"
    for batch in read_batches(
        shard.store(store), shard.documents, ["content_hash", "minhash", long]
    ):
        hashes.append(fixed_binary(batch["content_hash"], np.dtype(np.uint64)))
        signed = np.flatnonzero(~np.asarray(batch["minhash"].is_null()))
        rows.append(signed + seen)
        if near and len(signed):
            taken = batch["minhash"].take(pa.array(signed))
            signatures.append(fixed_binary(taken, np.dtype(np.uint32)))
        size = pc.struct_field(batch["length"], 0)
        beyond_cap += pc.sum(pc.greater(size, minhash.max_shingles)).as_py() or 0
        seen += batch.num_rows
    matrix = np.concatenate(signatures) if signatures else np.empty((0, 1), np.uint32)
    return np.concatenate(hashes), matrix, np.concatenate(rows), beyond_cap


def _urls(store: Store, shard: ShardRef) -> pa.Table:
    """The canonical URL of every document that has one."""
    urls = read_table(store, shard.documents, ["url"])["url"].to_pylist()
    hashes, rows = url_hashes(urls)
    rank = np.lexsort((hashes[:, 1], hashes[:, 0]))
    return pa.table([hashes[rank, 0], hashes[rank, 1], rows[rank]], schema=EQUAL)


def _write(store: Store, path: str, table: pa.Table) -> Output:
    options = {"compression": "lz4", "compression_level": None, "use_dictionary": False}
    with ShardWriter(store, path, table.schema, **options) as writer:
        writer.write(table, _ROW_GROUP_ROWS)
    return writer.output


def partition_range(partition: int, partitions: int) -> tuple[int, int]:
    """The first and the last number of one of `partitions` equal ranges of 64-bit numbers."""
    return 2**64 * partition // partitions, 2**64 * (partition + 1) // partitions - 1


def read_range(
    store: Store, paths: Sequence[str], partition: int, partitions: int
) -> tuple[pa.Table | None, npt.NDArray[np.int64]]:
    """The rows of all files whose first column lies in a partition, and the file of each row.

    The files are sorted by it: only row groups whose statistics meet the range are read.
    """
    low, high = partition_range(partition, partitions)
    tables, numbers = [], []
    for number, path in enumerate(paths):
        for table in _range_of(store, path, low, high):
            tables.append(table)
            numbers.append(np.full(table.num_rows, number, np.int64))
    if not tables:
        return None, np.empty(0, np.int64)
    return pa.concat_tables(tables), np.concatenate(numbers)


def _range_of(store: Store, path: str, low: int, high: int) -> Iterator[pa.Table]:
    with store.open(path) as file:
        parquet = pq.ParquetFile(file)
        for group in range(parquet.num_row_groups):
            bounds = parquet.metadata.row_group(group).column(0).statistics
            if bounds.max < low or bounds.min > high:
                continue
            table = parquet.read_row_group(group)
            values = table.column(0).to_numpy()
            start = int(np.searchsorted(values, np.uint64(low)))
            end = int(np.searchsorted(values, np.uint64(high), side="right"))
            yield table.slice(start, end - start)


def fixed_binary(column: pa.Array | pa.ChunkedArray, kind: np.dtype[N]) -> npt.NDArray[N]:
    """A fixed-size binary column without nulls as a matrix of numbers, one row per value."""
    if isinstance(column, pa.ChunkedArray):
        parts = [fixed_binary(chunk, kind) for chunk in column.chunks]
        width = column.type.byte_width // kind.itemsize
        return np.concatenate(parts) if parts else np.empty((0, width), kind)
    width = column.type.byte_width
    data = column.buffers()[1]
    start = column.offset * width
    flat = np.frombuffer(data, np.uint8, count=len(column) * width, offset=start)
    return flat.reshape(len(column), width).view(kind)


def binary(matrix: npt.NDArray[np.uint64]) -> pa.Array:
    """A matrix of numbers as a fixed-size binary column."""
    data = np.ascontiguousarray(matrix)
    kind = pa.binary(data.itemsize * data.shape[1])
    return pa.Array.from_buffers(kind, len(data), [None, pa.py_buffer(data)])
