"""Stage `bands`: the buckets of one shard's documents, sorted.

Three files: `equal` has the content hash of every document, `near` a bucket for each LSH band of
each signature, `url` the hash of every canonical URL. Of equal texts in a shard only the first has
near entries. Of an earlier run only the kept documents have entries.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from thresher.filters.measure import MinHashSettings
from thresher.manifests.manifest import Manifest, Output, commit
from thresher.manifests.shards import read_batches, read_table
from thresher.manifests.store import Store
from thresher.pipeline.dedup import DedupSettings
from thresher.pipeline.dedup.kernels import band_buckets, sketch_words, sketches
from thresher.pipeline.dedup.urls import url_hashes
from thresher.pipeline.measured import file_of, files_of, iterate_measured
from thresher.pipeline.shards import ShardRef
from thresher.pipeline.shuffle import (
    I64,
    ID,
    ROW_GROUP_ROWS,
    U64,
    binary,
    fixed_binary,
    pack_ids,
    write_sorted,
    writer,
)

STAGE = "bands"
VERSION = 3

_BUCKET = pa.schema([("bucket", pa.uint64()), ("order", pa.uint64()), ("row", pa.int64())])
"""Both halves of a 128-bit hash: equal for equal texts, or URLs, only."""

URL = _BUCKET.append(pa.field("id", ID))
EQUAL = URL.append(pa.field("raw", pa.binary(16)))
"""`bucket` and `order` are the hash of the normalised text, `raw` that of its bytes."""

_COPIES = 4
"""How often the entries of a document are in memory at once: read, sorted, written."""


def near_schema(permutations: int) -> pa.Schema:
    """Bucket entries with the sketch of the signature.

    `order` is half of the content hash: a bucket is in the same order whatever the shards, and
    equal texts are neighbours in it.
    """
    return _BUCKET.append(pa.field("sketch", pa.binary(8 * sketch_words(permutations))))


class _Documents(msgspec.Struct):
    """What identifies each document of a shard."""

    hashes: U64
    raw: U64
    ids: U64
    beyond_cap: int

    def __len__(self) -> int:
        return len(self.hashes)


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
    read = ["id", "content_hash", "raw_hash", _size(minhash), "minhash"]
    documents = _read(store, shard, minhash)
    hashes = documents.hashes
    kept = np.ones(len(documents), bool)
    if shard.decisions:
        verdicts = read_table(shard.store(store), shard.decisions, ["verdict"])["verdict"]
        kept = np.asarray(pc.equal(verdicts, "kept"))
    rank = np.lexsort((hashes[:, 1], hashes[:, 0]))
    rank = rank[kept[rank]]
    repeat = np.zeros(len(documents), bool)
    repeat[rank[1:]] = (hashes[rank[1:]] == hashes[rank[:-1]]).all(axis=1)
    columns = [hashes[rank, 0], hashes[rank, 1], rank.astype(np.int64)]
    columns += [binary(documents.ids[rank]), binary(documents.raw[rank])]
    equal = pa.table(columns, schema=EQUAL)
    folder = f"{STAGE}/{fingerprint}/{shard.key}"
    outputs = [write_sorted(store, f"{folder}.equal.parquet", equal)]
    near, unsigned = _write_near(
        store, f"{folder}.near.parquet", shard, settings, hashes[:, 0], kept & ~repeat
    )
    outputs.append(near)
    url = _urls(store, shard, documents.ids, kept) if settings.urls else URL.empty_table()
    outputs.append(write_sorted(store, f"{folder}.url.parquet", url))
    return commit(
        store,
        Manifest(
            stage=STAGE,
            fingerprint=fingerprint,
            key=shard.key,
            inputs=[*files_of(shard, read), *([shard.decisions] if shard.decisions else [])],
            outputs=outputs,
            facts={
                "documents": len(documents),
                "unsigned": unsigned,
                "beyond_cap": documents.beyond_cap,
                "entries": near.rows,
            },
            seconds=time.perf_counter() - began,
        ),
    )


def _read(store: Store, shard: ShardRef, minhash: MinHashSettings) -> _Documents:
    hashes, raw, ids = ([np.empty((0, 2), np.uint64)] for _ in range(3))
    long = _size(minhash)
    beyond_cap = 0
    for table in iterate_measured(store, shard, ["id", "content_hash", "raw_hash", long]):
        batch = table.combine_chunks()
        ids.append(pack_ids(batch["id"].combine_chunks()))
        hashes.append(_hashes(batch["content_hash"]))
        raw.append(_hashes(batch["raw_hash"]))
        size = pc.struct_field(batch["length"], 0)
        beyond_cap += pc.sum(pc.greater(size, minhash.max_shingles)).as_py() or 0
    return _Documents(np.concatenate(hashes), np.concatenate(raw), np.concatenate(ids), beyond_cap)


def _size(minhash: MinHashSettings) -> str:
    """The signal that says how long a text is in what its shingles are made of."""
    return "length.characters" if minhash.unit == "characters" else "length.nonsymbol_words"


def _hashes(column: pa.ChunkedArray) -> U64:
    hashes: U64 = fixed_binary(column.combine_chunks(), np.dtype(np.uint64))
    return hashes


def _write_near(
    store: Store,
    path: str,
    shard: ShardRef,
    settings: DedupSettings,
    orders: U64,
    wanted: npt.NDArray[np.bool_],
) -> tuple[Output, int]:
    """The bands of the wanted documents in runs that fit the memory; how many have no signature."""
    count, width = settings.layout()
    values = settings.signature_values
    schema = near_schema(values)
    words = sketch_words(values)
    entry = 24 + 8 * words
    room = max(1024, settings.memory // (_COPIES * (4 * values + count * entry)))
    unsigned = 0
    with writer(store, path, schema) as file:
        for start, size, rows, signatures in _signatures(store, shard, room):
            unsigned += size - len(rows)
            if not settings.near:
                continue
            chosen = wanted[rows + start]
            rows, signatures = rows[chosen] + start, signatures[chosen]
            buckets = band_buckets(signatures, count, width).ravel()
            spread = np.repeat(orders[rows], count)
            rank = np.lexsort((spread, buckets))
            packed = binary(sketches(signatures, words)[rank // count])
            columns = [buckets[rank], spread[rank], rows[rank // count], packed]
            file.write(pa.table(columns, schema=schema), ROW_GROUP_ROWS)
    return file.output, unsigned


def _signatures(
    store: Store, shard: ShardRef, room: int
) -> Iterator[tuple[int, int, I64, npt.NDArray[np.uint32]]]:
    """Runs of documents: the first row, how many, the places that are signed, the signatures."""
    run: list[pa.RecordBatch] = []
    start = size = 0
    for batch in read_batches(shard.store(store), file_of(shard, "minhash"), ["minhash"]):
        run.append(batch)
        size += batch.num_rows
        if size >= room:
            yield start, size, *_signed(run)
            start, run, size = start + size, [], 0
    if run:
        yield start, size, *_signed(run)


def _signed(batches: list[pa.RecordBatch]) -> tuple[I64, npt.NDArray[np.uint32]]:
    column = pa.Table.from_batches(batches)["minhash"].combine_chunks()
    rows = np.flatnonzero(~np.asarray(column.is_null()))
    return rows, fixed_binary(column.drop_null(), np.dtype(np.uint32))


def _urls(store: Store, shard: ShardRef, ids: U64, kept: npt.NDArray[np.bool_]) -> pa.Table:
    """The canonical URL of every document that has one."""
    urls = read_table(shard.store(store), shard.texts, ["url"])["url"].to_pylist()
    hashes, rows = url_hashes(urls)
    hashes, rows = hashes[kept[rows]], rows[kept[rows]]
    rank = np.lexsort((hashes[:, 1], hashes[:, 0]))
    rows = rows[rank]
    return pa.table([hashes[rank, 0], hashes[rank, 1], rows, binary(ids[rows])], schema=URL)
