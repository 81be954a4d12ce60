"""Stage `sites`: groups of one range of hashes, over all shards.

Two files: `groups`, a row per group that has enough documents, and `spread`, which repeats that row
for every shard that has a document of the group, sorted by shard: each shard will read its own.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from thresher.filters import shape
from thresher.filters.signals.site import FIGURES, MEANS
from thresher.manifests.manifest import Manifest, commit
from thresher.manifests.shards import ShardWriter
from thresher.manifests.store import Store
from thresher.pipeline.shuffle import I64, U64, partition_key, partition_range, read_range
from thresher.pipeline.sites import SiteSettings
from thresher.pipeline.sites.figures import figures, read_shapes
from thresher.pipeline.sites.parts import SAMPLES, SCALE, SUMS

STAGE = "sites"
VERSION = 3

GROUPS = pa.schema(
    [
        ("group", pa.uint64()),
        ("level", pa.string()),
        ("name", pa.string()),
        ("pages", pa.int64()),
        *((mean.name, pa.float64()) for mean in MEANS),
        *((figure.name, pa.float64()) for figure in FIGURES),
        ("template", pa.list_(pa.uint32())),
    ]
)
"""`template` holds the word triples behind `template_fraction`, as hashes: the first by hash."""

SPREAD = GROUPS.insert(0, pa.field("shard", pa.int32()))

_MOST_TEMPLATE = 64
_ENTRY_BYTES = 3_000
"""Peak of a task per sampled document: its shape, and what counting makes of that."""
_ROW_GROUP_ROWS = 16_384


def partition_count(sampled: int, settings: SiteSettings) -> int:
    """Tasks needed so that each stays within the memory of the settings."""
    return max(1, math.ceil(sampled * _ENTRY_BYTES / (settings.memory_mb * 2**20)))


def sites(
    store: Store,
    parts: Sequence[Manifest],
    partition: int,
    partitions: int,
    settings: SiteSettings,
    fingerprint: str,
) -> Manifest:
    """Merge one range of groups.

    Args:
        store: the lake.
        parts: of stage `site_parts`, of all shards in key order.
        partition: which of `partitions` equal ranges of the groups' hashes.
        partitions: number of ranges.
        settings: the fewest documents of a group, and the size of its sample.
        fingerprint: of this stage.
    """
    began = time.perf_counter()
    paths = [[manifest.output(index).path for manifest in parts] for index in (0, 1)]
    merged, pairs = _merged_sums(store, paths[0], partition, partitions, settings.min_pages)
    samples = _samples(store, paths[1], partition, partitions, merged["group"], settings)
    table = _measured(merged, samples, settings.min_pages)
    spread = table.take(pa.array(pairs[:, 1])).add_column(
        0, SPREAD.field("shard"), pa.array(pairs[:, 0].astype(np.int32))
    )
    key = partition_key(partition)
    with ShardWriter(store, f"{STAGE}/{fingerprint}/{key}.groups.parquet", GROUPS) as groups:
        groups.write(table, _ROW_GROUP_ROWS)
    with ShardWriter(store, f"{STAGE}/{fingerprint}/{key}.spread.parquet", SPREAD) as by_shard:
        by_shard.write(spread, _ROW_GROUP_ROWS)
    return commit(
        store,
        Manifest(
            stage=STAGE,
            fingerprint=fingerprint,
            key=key,
            inputs=[*paths[0], *paths[1]],
            outputs=[groups.output, by_shard.output],
            facts={"groups": groups.output.rows, "sampled": samples.num_rows},
            seconds=time.perf_counter() - began,
        ),
    )


def rows_of_shard(store: Store, spread_paths: Sequence[str], number: int) -> pa.Table:
    """The groups that have a document in a shard; only row groups that hold it are read."""
    tables = [SPREAD.empty_table()]
    for path in spread_paths:
        with store.open(path) as file:
            parquet = pq.ParquetFile(file)
            for place in range(parquet.num_row_groups):
                bounds = parquet.metadata.row_group(place).column(0).statistics
                if bounds.min <= number <= bounds.max:
                    table = parquet.read_row_group(place)
                    tables.append(table.filter(pc.equal(table["shard"], number)))
    return pa.concat_tables(tables)


def _merged_sums(
    store: Store, paths: Sequence[str], partition: int, partitions: int, least: int
) -> tuple[pa.Table, I64]:
    """The sums of each group with enough documents, and (shard, place of group) by shard."""
    table, shard = read_range(store, paths, *partition_range(partition, partitions))
    if table is None:
        return SUMS.empty_table(), np.empty((0, 2), np.int64)
    numbers = [field.name for field in SUMS if field.type == pa.int64()]
    # A group has one name, so that the least of its names is that.
    wanted = [("level", "min"), ("name", "min"), *((name, "sum") for name in numbers)]
    merged = table.group_by("group", use_threads=False).aggregate(wanted)
    merged = merged.rename_columns(["group", *(name for name, _ in wanted)])
    merged = merged.filter(pc.greater_equal(merged["pages"], least)).sort_by("group")
    merged = merged.select(SUMS.names).cast(SUMS).combine_chunks()
    place = pc.index_in(table["group"], value_set=merged["group"])
    there = np.flatnonzero(place.is_valid())
    pairs = np.stack([shard[there], place.drop_null().to_numpy().astype(np.int64)], axis=1)
    return merged, pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


def _samples(
    store: Store,
    paths: Sequence[str],
    partition: int,
    partitions: int,
    groups: pa.ChunkedArray,
    settings: SiteSettings,
) -> pa.Table:
    """The sample of each group, by group and order; pruned again and again while it is read."""
    found = SAMPLES.empty_table()
    pruned = 0
    for path in paths:
        table, _ = read_range(store, [path], *partition_range(partition, partitions))
        if table is None:
            continue
        table = table.filter(pc.is_in(table["group"], value_set=groups))
        found = pa.concat_tables([found, table])
        if found.num_rows > 2 * pruned + _ROW_GROUP_ROWS:
            found = _first(found, settings.sample_documents)
            pruned = found.num_rows
    return _first(found, settings.sample_documents)


def _first(table: pa.Table, most: int) -> pa.Table:
    """The first rows of each group, by order."""
    group, order = table["group"].to_numpy(), table["order"].to_numpy()
    rank = np.lexsort((order, group))
    starts = _starts(group[rank])
    place = np.arange(len(rank)) - np.repeat(starts, np.diff(np.r_[starts, len(rank)]))
    return table.take(pa.array(rank[place < most])).combine_chunks()


def _starts(group: U64) -> I64:
    return np.flatnonzero(np.r_[True, np.diff(group) != 0][: len(group)])


def _measured(merged: pa.Table, samples: pa.Table, least: int) -> pa.Table:
    count = merged.num_rows
    group = pc.index_in(samples["group"], value_set=merged["group"]).to_numpy().astype(np.int64)
    shapes = read_shapes(pa.concat_arrays([*samples[shape.COLUMN].chunks, _NO_SHAPES]))
    found, template = figures(shapes, group, count)
    pages = merged["pages"].to_numpy()
    found["near_duplicate_fraction"] = merged["copies"].to_numpy() / np.maximum(pages, 1)
    columns: dict[str, object] = {
        name: merged[name] for name in ("group", "level", "name", "pages")
    }
    for mean in MEANS:
        having = merged[f"{mean.name}_pages"].to_numpy()
        value = merged[f"{mean.name}_sum"].to_numpy() / SCALE / np.maximum(having, 1)
        columns[mean.name] = pa.array(value, mask=having < least)
    for figure in FIGURES:
        values = found[figure.name]
        columns[figure.name] = pa.array(values, mask=np.isnan(values))
    first = np.searchsorted(template.group, np.arange(count + 1))
    columns["template"] = pa.array(_lists(template.value, first), GROUPS.field("template").type)
    return pa.table(columns, schema=GROUPS)


def _lists(values: npt.NDArray[np.uint32], ends: I64) -> list[npt.NDArray[np.uint32]]:
    return [
        values[start : min(end, start + _MOST_TEMPLATE)]
        for start, end in itertools.pairwise(ends.tolist())
    ]


_NO_SHAPES = pa.array([], shape.TYPE)
