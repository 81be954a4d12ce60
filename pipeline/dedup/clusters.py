"""Stage `duplicates`: connected components over all edges, one file per shard that has any."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from manifests.manifest import Manifest, Output, commit
from manifests.shards import ShardWriter, read_table
from manifests.store import Store
from pipeline.dedup import ShardRef
from pipeline.dedup.edges import SCHEMA as EDGES
from pipeline.dedup.edges import take_rows

STAGE = "duplicates"
VERSION = 1
KEY = "all"

SCHEMA = pa.schema(
    [
        ("row", pa.int64()),
        ("id", pa.string()),
        ("cluster_id", pa.string()),
        ("exact_id", pa.string()),
        ("cluster_size", pa.int64()),
        ("similarity", pa.float64()),
        ("matched_id", pa.string()),
    ]
)
"""A cluster is named by its smallest member id. `exact_id` is the cluster of equal texts only,
NULL where a document has no equal. `similarity` is to `matched_id`, the closest verified match."""

I64 = npt.NDArray[np.int64]


def clusters(
    store: Store, shards: Sequence[ShardRef], edge_paths: Sequence[str], fingerprint: str
) -> Manifest:
    """Write who is whose duplicate; the manifest's facts hold counts of documents and clusters."""
    began = time.perf_counter()
    found = [read_table(store, path) for path in edge_paths]
    table = pa.concat_tables(found) if found else EDGES.empty_table()
    first, other = (
        np.stack(
            [table[f"{end}_shard"].to_numpy().astype(np.int64), table[f"{end}_row"].to_numpy()], 1
        )
        for end in ("first", "other")
    )
    documents, index = np.unique(np.concatenate([first, other]), axis=0, return_inverse=True)
    left, right = np.split(index.ravel(), 2)
    exact = table["exact"].to_numpy()
    similarity = table["similarity"].to_numpy()

    ids = _ids(store, shards, documents)
    cluster = _components(len(documents), left, right)
    same_text = _components(len(documents), left[exact], right[exact])
    cluster_names, sizes = _smallest_ids(cluster, ids)
    exact_names, exact_sizes = _smallest_ids(same_text, ids)
    matched, best = _best_matches(len(documents), left, right, similarity, ids)

    outputs: list[Output] = []
    for number in np.unique(documents[:, 0]).tolist() if len(documents) else ():
        mine = np.flatnonzero(documents[:, 0] == number)
        path = f"{STAGE}/{fingerprint}/{shards[number].key}.parquet"
        part = pa.table(
            [
                pa.array(documents[mine, 1]),
                pa.array(ids[mine], pa.string()),
                pa.array(cluster_names[mine], pa.string()),
                pa.array(exact_names[mine], pa.string(), mask=exact_sizes[mine] < 2),
                pa.array(sizes[mine]),
                pa.array(best[mine]),
                pa.array(ids[matched[mine]], pa.string()),
            ],
            schema=SCHEMA,
        )
        with ShardWriter(store, path, SCHEMA) as writer:
            writer.write(part)
        outputs.append(writer.output)
    return commit(
        store,
        Manifest(
            stage=STAGE,
            fingerprint=fingerprint,
            key=KEY,
            inputs=list(edge_paths),
            outputs=outputs,
            facts={
                "edges": table.num_rows,
                "documents": len(documents),
                "clusters": len(np.unique(cluster)),
                "largest_cluster": int(sizes.max()) if len(sizes) else 0,
                "exact_documents": int((exact_sizes > 1).sum()),
            },
            seconds=time.perf_counter() - began,
        ),
    )


def shard_path(manifest: Manifest, key: str) -> str | None:
    """The duplicates file of a shard, or None where the shard has no duplicates."""
    path = f"{STAGE}/{manifest.fingerprint}/{key}.parquet"
    return path if any(output.path == path for output in manifest.outputs) else None


def _ids(store: Store, shards: Sequence[ShardRef], documents: I64) -> npt.NDArray[np.object_]:
    ids = np.empty(len(documents), object)
    for number in np.unique(documents[:, 0]).tolist() if len(documents) else ():
        mine = np.flatnonzero(documents[:, 0] == number)
        table = take_rows(store, shards[number].documents, documents[mine, 1], ["id"])
        ids[mine] = table["id"].to_pylist()
    return ids


def _components(count: int, left: I64, right: I64) -> I64:
    if not count:
        return np.empty(0, np.int64)
    graph = coo_matrix((np.ones(len(left), np.bool_), (left, right)), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1], np.int64)


def _smallest_ids(labels: I64, ids: npt.NDArray[np.object_]) -> tuple[npt.NDArray[np.object_], I64]:
    """The smallest id of each document's component, and the component's size."""
    if not len(labels):
        return ids, np.empty(0, np.int64)
    rank = np.lexsort((np.argsort(np.argsort(ids, kind="stable")), labels))
    starts = np.flatnonzero(np.r_[True, np.diff(labels[rank]) != 0])
    return ids[rank[starts]][labels], np.bincount(labels)[labels].astype(np.int64)


def _best_matches(
    count: int,
    left: I64,
    right: I64,
    similarity: npt.NDArray[np.float64],
    ids: npt.NDArray[np.object_],
) -> tuple[I64, npt.NDArray[np.float64]]:
    """Each document's closest neighbour (then the smallest id) and how close it is."""
    ends = np.r_[left, right]
    neighbours = np.r_[right, left]
    closeness = np.r_[similarity, similarity]
    id_rank = np.argsort(np.argsort(ids, kind="stable"), kind="stable")
    rank = np.lexsort((id_rank[neighbours], -closeness, ends)) if count else np.empty(0, np.int64)
    starts = np.flatnonzero(np.r_[True, np.diff(ends[rank]) != 0]) if count else rank
    return neighbours[rank[starts]], closeness[rank[starts]]
