"""Stage `site_parts`: what one shard knows of each site, of itself and of each month.

Two files, sorted by the group's hash: `sums`, a row per group, and `samples`, a row per document
of each group's sample with its shape.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from thresher.filters import shape
from thresher.filters.measure import keyed_hash
from thresher.filters.signals.site import LEVELS, MEANS
from thresher.manifests.manifest import Manifest, commit
from thresher.manifests.shards import ShardWriter, read_table
from thresher.manifests.store import Store
from thresher.pipeline.measured import files_of, read_measured
from thresher.pipeline.shards import ShardRef
from thresher.pipeline.shuffle import I64, U64
from thresher.pipeline.sites import SiteSettings

STAGE = "site_parts"
VERSION = 4

SCALE = 2**20
"""Signals are summed as whole multiples of its inverse, so that the order does not matter."""

SUMS = pa.schema(
    [
        ("group", pa.uint64()),
        ("level", pa.string()),
        ("name", pa.string()),
        ("pages", pa.int64()),
        ("copies", pa.int64()),
        *((f"{mean.name}_{part}", pa.int64()) for mean in MEANS for part in ("sum", "pages")),
    ]
)

SAMPLES = pa.schema([("group", pa.uint64()), ("order", pa.uint64()), (shape.COLUMN, shape.TYPE)])
"""`order` is a hash of the document's id: those of the smallest are the sample."""

COLUMNS = (
    "id", "date_utc", "url_parts.registered_domain", shape.COLUMN, *(mean.source for mean in MEANS)
)  # fmt: skip
"""What is summed up, and by what."""

_SUMS_ROWS = 65_536
_SAMPLES_ROWS = 8_192
_ORDER_SEED = 1
_LEVEL_SEED = 2
_LARGEST = 2.0**40


def site_parts(
    store: Store, shard: ShardRef, duplicates: str | None, settings: SiteSettings, fingerprint: str
) -> Manifest:
    """Write what a shard adds to each group.

    Args:
        store: the lake.
        shard: the measured shard.
        duplicates: path of its duplicates file; None where it has no duplicates.
        settings: size of a sample.
        fingerprint: of this stage.
    """
    began = time.perf_counter()
    table = read_measured(store, shard, COLUMNS).combine_chunks()
    values = [_fixed(table, mean.source) for mean in MEANS]
    copies = _copies(store, duplicates, table.num_rows)
    order = keyed_hash(table["id"], _ORDER_SEED).to_numpy()
    sums, groups, rows = [], [], []
    for level, names in _names(table, shard.key):
        mine, group = _grouped(level, names)
        rank = mine[np.lexsort((order[mine], group[mine]))]
        starts = np.flatnonzero(np.r_[True, np.diff(group[rank]) != 0][: len(rank)])
        sums.append(_sums(level, names, group, rank, starts, copies, values))
        sizes = np.diff(np.r_[starts, len(rank)])
        taken = np.arange(len(rank)) - np.repeat(starts, sizes) < settings.sample_documents
        groups.append(group[rank[taken]])
        rows.append(rank[taken])
    group, row = np.concatenate(groups), np.concatenate(rows)
    row = row[np.argsort(group, kind="stable")]
    samples = pa.table(
        [np.sort(group), order[row], table[shape.COLUMN].take(pa.array(row))], schema=SAMPLES
    )
    folder = f"{STAGE}/{fingerprint}/{shard.key}"
    with ShardWriter(store, f"{folder}.sums.parquet", SUMS) as written_sums:
        written_sums.write(pa.concat_tables(sums).sort_by("group"), _SUMS_ROWS)
    with ShardWriter(store, f"{folder}.samples.parquet", SAMPLES) as written_samples:
        written_samples.write(samples, _SAMPLES_ROWS)
    return commit(
        store,
        Manifest(
            stage=STAGE,
            fingerprint=fingerprint,
            key=shard.key,
            inputs=[*files_of(shard, COLUMNS), *([duplicates] if duplicates else [])],
            outputs=[written_sums.output, written_samples.output],
            facts={"groups": written_sums.output.rows, "sampled": written_samples.output.rows},
            seconds=time.perf_counter() - began,
        ),
    )


def group_hashes(level: str, names: pa.Array | pa.ChunkedArray) -> U64:
    """The hash of each group's level and name."""
    hashes: U64 = keyed_hash(names, _LEVEL_SEED + LEVELS.index(level)).to_numpy()
    return hashes


def _names(table: pa.Table, key: str) -> Iterator[tuple[str, pa.ChunkedArray]]:
    """The name of each document's group at each level, NULL where it has none."""
    yield "site", site_names(table)
    yield "shard", pa.chunked_array([pa.repeat(key, table.num_rows)])
    yield "month", pc.utf8_slice_codeunits(table["date_utc"].cast(pa.string()), 0, 7)


def site_names(table: pa.Table) -> pa.ChunkedArray:
    """The site of each document, NULL where it has none."""
    return pc.struct_field(table["url_parts"], "registered_domain")


def _grouped(level: str, names: pa.ChunkedArray) -> tuple[I64, U64]:
    """The documents that have a group, and the group's hash of each, 0 where it has none."""
    there = np.asarray(names.is_valid())
    encoded = names.combine_chunks().dictionary_encode()
    hashes = group_hashes(level, encoded.dictionary.cast(pa.string()))
    group = np.zeros(len(names), np.uint64)
    group[there] = hashes[encoded.indices.drop_null().to_numpy()]
    return np.flatnonzero(there), group


def _fixed(table: pa.Table, source: str) -> tuple[I64, npt.NDArray[np.bool_]]:
    """A signal as whole numbers, 0 where it is NULL, and where it is defined."""
    family, field = source.split(".")
    column = pc.struct_field(table[family], field).cast(pa.float64())
    values = np.asarray(pc.fill_null(column, 0.0))
    fixed = np.round(np.clip(values, -_LARGEST, _LARGEST) * SCALE).astype(np.int64)
    return fixed, np.asarray(column.is_valid())


def _copies(store: Store, duplicates: str | None, documents: int) -> npt.NDArray[np.bool_]:
    """Which documents are a copy of one with a smaller id."""
    copies = np.zeros(documents, bool)
    if duplicates:
        found = read_table(store, duplicates, ["row", "id", "cluster_id"])
        later = pc.fill_null(pc.not_equal(found["id"], found["cluster_id"]), False)
        copies[found["row"].filter(later).to_numpy()] = True
    return copies


def _sums(
    level: str,
    names: pa.ChunkedArray,
    group: U64,
    rank: I64,
    starts: I64,
    copies: npt.NDArray[np.bool_],
    values: list[tuple[I64, npt.NDArray[np.bool_]]],
) -> pa.Table:
    if not len(rank):
        return SUMS.empty_table()
    columns: dict[str, object] = {
        "group": group[rank[starts]],
        "level": pa.repeat(level, len(starts)),
        "name": names.take(pa.array(rank[starts])),
        "pages": np.diff(np.r_[starts, len(rank)]),
        "copies": np.add.reduceat(copies[rank].astype(np.int64), starts),
    }
    for mean, (value, defined) in zip(MEANS, values, strict=True):
        columns[f"{mean.name}_sum"] = np.add.reduceat(value[rank], starts)
        columns[f"{mean.name}_pages"] = np.add.reduceat(defined[rank].astype(np.int64), starts)
    return pa.table(columns, schema=SUMS)
