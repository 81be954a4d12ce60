"""Stage `parts`: the kept documents of one shard, transformed and sorted by shuffle key."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from thresher.filters.measure import keyed_hash
from thresher.filters.transforms.cuts import Cut, apply_cuts
from thresher.filters.transforms.registry import Transform
from thresher.manifests.manifest import Manifest, commit
from thresher.manifests.row_ids import row_ids
from thresher.manifests.shards import ShardWriter
from thresher.manifests.store import Store
from thresher.pipeline.judged import judged_rows
from thresher.pipeline.materialize import CuratedSettings
from thresher.pipeline.materialize.columns import KEY, ROW_ID, ChosenColumns
from thresher.pipeline.materialize.plan import Histogram, add, histogram
from thresher.pipeline.measured import files_of
from thresher.pipeline.shards import ShardRef

STAGE = "parts"
VERSION = 2

EMPTY = "empty_after_transforms"
"""The reason of a kept document of which the transforms leave nothing."""

_COLUMNS = ["id", "url", "source", "text", "language.code", "language.score", "quality.score"]
_DECIDED = ["verdict", "cluster_size"]
_ORDER = [("key", "ascending"), ("id", "ascending"), ("source", "ascending"), ("url", "ascending")]
_RUN_BYTES = 128_000_000
"""Held in memory: a larger part is written as several sorted runs, which merging
finds by row-group statistics just as well."""
_ROW_GROUP_ROWS = 128
"""Small, since a curated shard reads only the row groups that touch its key range."""


def columns_of(settings: CuratedSettings) -> list[str]:
    """What is read of a document: columns of its text and its signals."""
    cuts = [each.column for each in settings.chosen() if isinstance(each, Cut)]
    return [*_COLUMNS, *cuts, *ChosenColumns(settings.columns).signals]


def part(
    store: Store, shard: ShardRef, decisions: str, settings: CuratedSettings, fingerprint: str
) -> Manifest:
    """Write the kept rows of a shard; the facts hold their histogram for the plan.

    Args:
        store: the lake.
        shard: the measured shard.
        decisions: path of its decisions.
        settings: what curated shards look like.
        fingerprint: of this stage.

    Raises:
        StoreError: if documents and decisions are not about the same rows.
    """
    began = time.perf_counter()
    chosen = settings.chosen()
    changed = {transform.name: 0 for transform in chosen}
    counts = {"kept": 0, "empty": 0, "bytes": 0, "tokens": 0, "lines": 0, "characters": 0}
    histograms: list[Histogram] = [add([])]
    run: list[pa.Table] = []
    run_bytes = 0
    columns = ChosenColumns(settings.columns)
    seen = 0
    path = f"{STAGE}/{fingerprint}/{shard.key}.parquet"
    with ShardWriter(store, path, columns.schema.append(KEY)) as writer:
        read = [*columns_of(settings), *columns.provenance]
        for judged in judged_rows(store, shard, decisions, read, _DECIDED):
            if columns.keyed:
                keys = row_ids(shard.key, np.arange(seen, seen + judged.num_rows))
                judged = judged.append_column(ROW_ID, keys)
            seen += judged.num_rows
            kept = judged.filter(pc.equal(judged["verdict"], "kept"))
            rows, emptied = _transformed(kept, chosen, changed)
            counts["kept"] += rows.num_rows
            counts["empty"] += emptied
            if not rows.num_rows:
                continue
            table = _curated_columns(rows, settings.seed, columns)
            sizes = pc.binary_length(table["text"]).to_numpy().astype(np.int64)
            counts["bytes"] += int(sizes.sum())
            counts["tokens"] += pc.sum(table["token_estimate"]).as_py()
            counts["lines"] += pc.sum(table["lines_removed"]).as_py()
            counts["characters"] += pc.sum(table["characters_removed"]).as_py()
            histograms.append(histogram(table["key"].to_numpy(), sizes, settings))
            run.append(table)
            run_bytes += table.nbytes
            if run_bytes >= _RUN_BYTES:
                writer.write(in_order(pa.concat_tables(run)), _ROW_GROUP_ROWS)
                run, run_bytes = [], 0
        if run:
            writer.write(in_order(pa.concat_tables(run)), _ROW_GROUP_ROWS)
    summed = add(histograms)
    return commit(
        store,
        Manifest(
            stage=STAGE,
            fingerprint=fingerprint,
            key=shard.key,
            inputs=[*files_of(shard, columns_of(settings)), decisions],
            outputs=[writer.output],
            ledger={
                "records": counts["kept"] + counts["empty"],
                "kept": counts["kept"],
                "dropped": counts["empty"],
            },
            reasons={f"dropped/{EMPTY}": counts["empty"]} if counts["empty"] else {},
            facts={
                "text_bytes": counts["bytes"],
                "token_estimate": counts["tokens"],
                "changed": changed,
                "lines_removed": counts["lines"],
                "characters_removed": counts["characters"],
                "histogram": {"rows": summed.rows, "bytes": summed.bytes},
            },
            seconds=time.perf_counter() - began,
        ),
    )


def histogram_of(manifest: Manifest) -> Histogram:
    """The histogram that the manifest of a part carries."""
    return Histogram(**manifest.facts["histogram"])


def in_order(table: pa.Table) -> pa.Table:
    """Rows by shuffle key; the id breaks ties, provenance those of a record that came twice."""
    return table.take(pc.sort_indices(table, sort_keys=_ORDER))


def _transformed(
    table: pa.Table, chosen: tuple[Cut | Transform, ...], changed: dict[str, int]
) -> tuple[pa.Table, int]:
    """The rows with their new text, without those of which nothing is left, and their number."""
    before = table["text"].combine_chunks()
    cuts = [(c, table[c.column].combine_chunks()) for c in chosen if isinstance(c, Cut)]
    texts, cut = apply_cuts(before, cuts)
    for name, count in cut.items():
        changed[name] += count
    for transform in chosen:
        if isinstance(transform, Cut):
            continue
        after = transform.apply(texts)
        changed[transform.name] += pc.sum(pc.not_equal(texts, after)).as_py() or 0
        texts = after
    full = pc.match_substring_regex(texts, r"\S")
    place = table.schema.get_field_index("text")
    rows = (
        table.set_column(place, "text", texts)
        .append_column("lines_removed", _difference(pc.count_substring, before, texts, "\n"))
        .append_column("characters_removed", _difference(pc.utf8_length, before, texts))
        .filter(full)
    )
    return rows, table.num_rows - rows.num_rows


def _difference(
    measure: Callable[..., pa.Array], before: pa.Array, after: pa.Array, *arguments: str
) -> pa.Array:
    """By how much less the texts measure than before."""
    counts = [measure(texts, *arguments).cast(pa.int64()) for texts in (before, after)]
    return pc.subtract(*counts)


def _curated_columns(table: pa.Table, seed: int, columns: ChosenColumns) -> pa.Table:
    language = table["language"]
    sizes = pc.binary_length(table["text"]).cast(pa.int64())
    # Whole numbers throughout: bytes / 4.2, rounded half up, at least 1.
    tokens = pc.divide(pc.add(pc.multiply(sizes, 10), 21), 42)
    return pa.table(
        [
            table["text"],
            table["id"],
            table["url"],
            table["source"],
            pc.struct_field(language, "code"),
            pc.struct_field(language, "score"),
            pc.struct_field(table["quality"], "score"),
            pc.max_element_wise(tokens, pa.scalar(1, pa.int64())),
            pc.fill_null(table["cluster_size"], 1),
            table["lines_removed"],
            table["characters_removed"],
            *columns.of(table),
            keyed_hash(table["id"].combine_chunks(), seed),
        ],
        schema=columns.schema.append(KEY),
    )
