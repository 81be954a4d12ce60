"""Stage `duplicates`: who is whose duplicate, one file per shard that has any."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from thresher.manifests.manifest import Manifest, Output, commit
from thresher.manifests.shards import ShardWriter, read_table
from thresher.manifests.store import Store
from thresher.pipeline.dedup.members import CLUSTERS, NOTES
from thresher.pipeline.dedup.nodes import Slice, row_of, shard_of
from thresher.pipeline.shards import ShardRef
from thresher.pipeline.shuffle import fixed_binary, rows_in_range, unpack_ids

STAGE = "duplicates"
VERSION = 3

SCHEMA = pa.schema(
    [
        ("row", pa.int64()),
        ("id", pa.string()),
        ("cluster_id", pa.string()),
        ("exact_id", pa.string()),
        ("raw_id", pa.string()),
        ("cluster_size", pa.int64()),
        ("matched_id", pa.string()),
        ("similarity", pa.float64()),
        ("verified", pa.string()),
        ("bands_shared", pa.int32()),
        ("earlier_id", pa.string()),
        ("earlier_run", pa.string()),
        ("earlier_kind", pa.string()),
        ("url_id", pa.string()),
        ("url_earlier_id", pa.string()),
        ("url_earlier_run", pa.string()),
    ]
)
"""A cluster is named by its smallest member id. `exact_id` is the cluster of equal texts only, and
`raw_id` that of equal bytes; NULL where a document has no equal. `matched_id` is the closest
verified match: a document of equal text (`verified` is `text`), or one whose `similarity` the
`signature` or the `shingles` gave; `bands_shared` is how many LSH bands the two have in common,
NULL for equal texts. `earlier_id` is a document of the cluster that `earlier_run` kept: by
`earlier_kind` of the same bytes (`identical`) if possible, else of equal text (`exact`), else
`near`. `url_id` is the smallest id
that has the same canonical URL, NULL where no other has it, and `url_earlier_id` one that an
earlier run kept; a document that only shares its URL has no cluster."""


def duplicates(
    store: Store,
    shards: Sequence[ShardRef],
    members_path: str,
    name_paths: Sequence[str],
    note_paths: Sequence[str],
    part: Slice,
    fingerprint: str,
) -> Manifest:
    """Write the duplicates files of a slice; the facts count documents and clusters.

    Args:
        store: the lake.
        shards: all shards of the run, in key order, then those of earlier runs.
        members_path: members of the slice.
        name_paths: clusters, by slice.
        note_paths: what near neighbours tell, by document.
        part: the slice.
        fingerprint: of this stage.
    """
    began = time.perf_counter()
    found = read_table(store, members_path).combine_chunks()
    clusters = rows_in_range(store, name_paths, part.number, part.number, CLUSTERS)
    notes = rows_in_range(store, note_paths, part.low, part.high, NOTES)
    found = _with_clusters(found, clusters)
    found = _with_matches(found, notes)
    runs = pa.array([shard.run for shard in shards])
    table = pa.table(
        [
            pa.array(row_of(found["node"].to_numpy())),
            *(_hex(found, name) for name in ("id", "cluster_id", "exact_id", "raw_id")),
            found["cluster_size"],
            _hex(found, "matched_id"),
            *(found[name] for name in ("similarity", "verified", "bands_shared")),
            _hex(found, "earlier_id"),
            runs.take(found["earlier_shard"].combine_chunks()),
            found["earlier_kind"],
            _hex(found, "url_id"),
            _hex(found, "url_earlier_id"),
            runs.take(found["url_earlier_shard"].combine_chunks()),
        ],
        schema=SCHEMA,
    )
    number_of = shard_of(found["node"].to_numpy())
    outputs: list[Output] = []
    own = np.array([not shard.run for shard in shards], bool)
    for shard in np.unique(number_of).tolist():
        if own[shard]:
            start, end = np.searchsorted(number_of, [shard, shard + 1])
            path = f"{STAGE}/{fingerprint}/{shards[shard].key}.parquet"
            with ShardWriter(store, path, SCHEMA) as writer:
                writer.write(table.slice(start, end - start))
            outputs.append(writer.output)
    mine = table.filter(pa.array(own[number_of]))
    return commit(
        store,
        Manifest(
            stage=STAGE,
            fingerprint=fingerprint,
            key=part.key,
            inputs=[members_path, *name_paths, *note_paths],
            outputs=outputs,
            facts={
                fact: mine.num_rows - mine[column].null_count
                for fact, column in (
                    ("documents", "cluster_id"),
                    ("exact_documents", "exact_id"),
                    ("raw_documents", "raw_id"),
                    ("url_documents", "url_id"),
                    ("earlier", "earlier_id"),
                    ("url_earlier", "url_earlier_id"),
                )
            },
            seconds=time.perf_counter() - began,
        ),
    )


def shard_paths(manifests: Iterable[Manifest]) -> dict[str, str]:
    """The duplicates file of each shard that has duplicates."""
    paths = [output.path for manifest in manifests for output in manifest.outputs]
    return {path.rsplit("/", 1)[-1].removesuffix(".parquet"): path for path in paths}


def _with_clusters(found: pa.Table, clusters: pa.Table) -> pa.Table:
    """Members with their clusters, and what an earlier run kept: an equal text, else any."""
    rank = np.argsort(clusters["root"].to_numpy())
    roots = clusters["root"].to_numpy()[rank]
    alone = np.asarray(found["root"].is_null())
    place = np.searchsorted(roots, found["root"].fill_null(0).to_numpy())
    place = pa.array(rank[np.where(alone, 0, place)] if len(rank) else place, mask=alone)
    near = {name: clusters[name].take(place).combine_chunks() for name in CLUSTERS.names[2:]}
    kind = pc.if_else(found["earlier_raw"], "identical", "exact")
    kind = pc.coalesce(kind, pc.if_else(near["earlier_id"].is_valid(), "near", None))
    same_text = found["earlier_id"].combine_chunks()
    return (
        found.drop_columns(["earlier_id", "earlier_shard", "earlier_raw"])
        .append_column("cluster_id", near["cluster_id"])
        .append_column("cluster_size", pc.fill_null(near["cluster_size"], 1))
        .append_column("earlier_id", pc.coalesce(same_text, near["earlier_id"]))
        .append_column("earlier_shard", pc.coalesce(found["earlier_shard"], near["earlier_shard"]))
        .append_column("earlier_kind", kind)
    )


def _with_matches(found: pa.Table, notes: pa.Table) -> pa.Table:
    """Members with their receipts: an equal text, else the closest of the near neighbours.

    Of several that are as close it is the first by `order`, as in the forest of the verified pairs:
    that one is among them however they were cut.
    """
    node = notes["node"].to_numpy()
    rank = np.lexsort((notes["order"].to_numpy(), -notes["estimate"].to_numpy(), node))
    ends, first = np.unique(node[rank], return_index=True)
    place = np.full(found.num_rows, -1, np.int64)
    place[np.searchsorted(found["node"].to_numpy(), ends)] = rank[first]
    exact = found["matched_id"].combine_chunks()
    equal = exact.is_valid()
    closest = notes.take(pa.array(place, mask=(place < 0) | np.asarray(equal))).combine_chunks()
    receipt = {
        "matched_id": pc.coalesce(exact, closest["other_id"].combine_chunks()),
        "similarity": pc.if_else(equal, 1.0, closest["similarity"].combine_chunks()),
        "verified": pc.if_else(equal, "text", closest["verified"].combine_chunks().cast("string")),
        "bands_shared": closest["bands_shared"].combine_chunks(),
    }
    found = found.drop_columns(["matched_id"])
    for name, column in receipt.items():
        found = found.append_column(name, column)
    return found


def _hex(table: pa.Table, name: str) -> pa.Array:
    column = table[name].combine_chunks()
    ids = fixed_binary(column, np.dtype(np.uint64)).reshape(-1, 2)
    return unpack_ids(ids, np.asarray(column.is_null()))
