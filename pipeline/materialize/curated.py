"""Stage `curated`: one range of shuffle keys from all parts becomes one shard for trainers.

The layout is nanochat's: a flat folder of Parquet, `text` first and never NULL, zstd without
dictionaries, row groups of 1024 documents, validation the last file by name. A rank that finds
no row group in a file would spin forever, so a small file has smaller groups instead of fewer.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from thresher.manifests.manifest import Manifest, Output, commit
from thresher.manifests.shards import ShardWriter
from thresher.manifests.store import Store
from thresher.pipeline.materialize import CuratedSettings
from thresher.pipeline.materialize.columns import KEY, ChosenColumns
from thresher.pipeline.materialize.parts import in_order
from thresher.pipeline.materialize.plan import KeyRange

STAGE = "curated"
VERSION = 3


def shard_key(index: int) -> str:
    """Name of a curated shard: they sort by index, so the validation shard comes last."""
    return f"shard_{index:05d}"


def curated_shard(
    store: Store,
    part_paths: Sequence[str],
    keys: KeyRange,
    index: int,
    settings: CuratedSettings,
    fingerprint: str,
) -> Manifest:
    """Write one curated shard; memory is bounded by the size of the shard.

    Args:
        store: the lake.
        part_paths: all parts of the run, in any order.
        keys: the range of shuffle keys, from the plan.
        index: its place in the plan.
        settings: what curated shards look like.
        fingerprint: of this stage.
    """
    began = time.perf_counter()
    tables = {}
    schema = ChosenColumns(settings.columns).schema.append(KEY)
    for path in sorted(part_paths):
        found = _rows_in_range(store, path, keys, schema)
        if found.num_rows:
            tables[path] = found
    table = in_order(pa.concat_tables(tables.values())) if tables else schema.empty_table()
    rows = table.drop_columns([KEY.name])
    return commit(
        store,
        Manifest(
            stage=STAGE,
            fingerprint=fingerprint,
            key=shard_key(index),
            inputs=list(tables),
            outputs=[_write(store, rows, index, settings, fingerprint)] if tables else [],
            facts={
                "split": keys.split,
                "rows": rows.num_rows,
                "words": pc.sum(pc.count_substring_regex(rows["text"], r"\S+")).as_py() or 0,
                "text_bytes": pc.sum(pc.binary_length(rows["text"])).as_py() or 0,
                "token_estimate": pc.sum(rows["token_estimate"]).as_py() or 0,
                "row_groups": len(group_sizes(rows.num_rows, settings)),
                "key_low": f"{keys.low:016x}",
                "key_high": f"{keys.high:016x}",
            },
            seconds=time.perf_counter() - began,
        ),
    )


def group_sizes(rows: int, settings: CuratedSettings) -> list[int]:
    """Rows of each row group: full ones and a rest, or `min_row_groups` equal ones if need be."""
    full, rest = divmod(rows, settings.row_group_rows)
    if full + bool(rest) >= settings.min_row_groups:
        return [settings.row_group_rows] * full + [rest] * bool(rest)
    groups = min(settings.min_row_groups, rows)
    return [rows // groups + (i < rows % groups) for i in range(groups)]


def _write(
    store: Store, rows: pa.Table, index: int, settings: CuratedSettings, fingerprint: str
) -> Output:
    path = f"{STAGE}/{fingerprint}/{shard_key(index)}.parquet"
    with ShardWriter(
        store,
        path,
        rows.schema,
        use_dictionary=False,
        compression_level=settings.compression_level,
    ) as writer:
        start = 0
        for size in group_sizes(rows.num_rows, settings):
            writer.write(rows.slice(start, size), size)
            start += size
    return writer.output


def _rows_in_range(store: Store, path: str, keys: KeyRange, schema: pa.Schema) -> pa.Table:
    """The rows of a part in the key range, reading only row groups that can hold some."""
    with store.open(path) as file:
        parquet = pq.ParquetFile(file)
        tables = [schema.empty_table()]
        for group in _row_groups(parquet.metadata, keys):
            table = parquet.read_row_group(group)
            key = table["key"].to_numpy()
            inside = (key >= np.uint64(keys.low)) & (key <= np.uint64(keys.high))
            tables.append(table.filter(pa.array(inside)).cast(schema))
        return pa.concat_tables(tables)


def _row_groups(metadata: pq.FileMetaData, keys: KeyRange) -> Iterator[int]:
    place = metadata.schema.names.index("key")
    for group in range(metadata.num_row_groups):
        found = metadata.row_group(group).column(place).statistics
        if found.max >= keys.low and found.min <= keys.high:
            yield group
