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
from pipeline.dedup.edges import ENDS
from pipeline.dedup.verify import SCHEMA as VERIFIED
from pipeline.dedup.verify import take_rows

STAGE = "duplicates"
VERSION = 2
KEY = "all"

SCHEMA = pa.schema(
    [
        ("row", pa.int64()),
        ("id", pa.string()),
        ("cluster_id", pa.string()),
        ("exact_id", pa.string()),
        ("cluster_size", pa.int64()),
        ("matched_id", pa.string()),
        ("similarity", pa.float64()),
        ("verified", pa.string()),
        ("bands_shared", pa.int32()),
        ("earlier_id", pa.string()),
        ("earlier_run", pa.string()),
        ("earlier_exact", pa.bool_()),
        ("url_id", pa.string()),
        ("date", pa.string()),
    ]
)
"""A cluster is named by its smallest member id. `exact_id` is the cluster of equal texts only,
NULL where a document has no equal. `matched_id` is the closest verified match: a document of equal
text (`verified` is `text`), or one whose `similarity` the `signature` or the `shingles` gave;
`bands_shared` is how many LSH bands the two have in common, NULL for equal texts. `earlier_id` is
a document of the cluster that `earlier_run` kept, of equal text (`earlier_exact`) if possible.
`url_id` is the smallest id that has the same canonical URL, NULL where no other has it; a document
that only shares its URL has no cluster."""

I64 = npt.NDArray[np.int64]
Objects = npt.NDArray[np.object_]


def clusters(
    store: Store,
    shards: Sequence[ShardRef],
    equal_paths: Sequence[str],
    verified_paths: Sequence[str],
    url_paths: Sequence[str],
    fingerprint: str,
) -> Manifest:
    """Write who is whose duplicate; the manifest's facts hold counts of documents and clusters.

    Args:
        store: the lake.
        shards: all shards of the run, in key order, then those of earlier runs.
        equal_paths: edges between documents of equal text.
        verified_paths: edges between near duplicates.
        url_paths: edges between documents of one URL.
        fingerprint: of this stage.
    """
    began = time.perf_counter()
    equal = _read(store, equal_paths, ENDS)
    near = _read(store, verified_paths, VERIFIED)
    url = _read(store, url_paths, ENDS)
    tables = (equal, near, url)
    places = np.concatenate([_place(table, end) for table in tables for end in _ENDS])
    documents, index = np.unique(places, axis=0, return_inverse=True)
    ends = np.split(index.ravel(), np.cumsum([t.num_rows for t in tables for _ in _ENDS])[:-1])
    ids, dates = _ids(store, shards, documents)

    same_text = _components(len(documents), ends[0], ends[1])
    cluster = _components(len(documents), *(np.r_[ends[i], ends[i + 2]] for i in (0, 1)))
    cluster_names, sizes = _smallest_ids(cluster, ids)
    exact_names, exact_sizes = _smallest_ids(same_text, ids)
    url_names, url_sizes = _smallest_ids(_components(len(documents), *ends[4:]), ids)
    clustered = sizes > 1
    receipts = _receipts(same_text, exact_names, exact_sizes, ids, ends[2], ends[3], near)

    runs = np.array([shard.run for shard in shards], object)[documents[:, 0]]
    earlier = _earlier(same_text, cluster, ids, runs)

    own = runs == ""
    outputs: list[Output] = []
    for number in np.unique(documents[own, 0]).tolist():
        mine = np.flatnonzero(documents[:, 0] == number)
        path = f"{STAGE}/{fingerprint}/{shards[number].key}.parquet"
        part = pa.table(
            [
                pa.array(documents[mine, 1]),
                pa.array(ids[mine], pa.string()),
                pa.array(cluster_names[mine], pa.string(), mask=~clustered[mine]),
                pa.array(exact_names[mine], pa.string(), mask=exact_sizes[mine] < 2),
                pa.array(sizes[mine]),
                *(column.take(pa.array(mine)) for column in (*receipts, *earlier)),
                pa.array(url_names[mine], pa.string(), mask=url_sizes[mine] < 2),
                pa.array(dates[mine], pa.string()),
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
            inputs=[*equal_paths, *verified_paths, *url_paths],
            outputs=outputs,
            facts={
                "edges": equal.num_rows + near.num_rows,
                "documents": int((own & clustered).sum()),
                "clusters": len(np.unique(cluster[own & clustered])),
                "url_documents": int((url_sizes[own] > 1).sum()),
                "largest_cluster": int(sizes[own & clustered].max(initial=0)),
                "exact_documents": int((exact_sizes[own] > 1).sum()),
                "earlier": len(earlier[0]) - earlier[0].null_count - int((~own).sum()),
            },
            seconds=time.perf_counter() - began,
        ),
    )


def shard_path(manifest: Manifest, key: str) -> str | None:
    """The duplicates file of a shard, or None where the shard has no duplicates."""
    path = f"{STAGE}/{manifest.fingerprint}/{key}.parquet"
    return path if any(output.path == path for output in manifest.outputs) else None


_ENDS = ("first", "other")


def _read(store: Store, paths: Sequence[str], schema: pa.Schema) -> pa.Table:
    return pa.concat_tables([schema.empty_table(), *(read_table(store, path) for path in paths)])


def _place(table: pa.Table, end: str) -> I64:
    """Shard and row of one end of each edge."""
    shard = table[f"{end}_shard"].to_numpy().astype(np.int64)
    return np.stack([shard, table[f"{end}_row"].to_numpy()], axis=1)


def _ids(store: Store, shards: Sequence[ShardRef], documents: I64) -> tuple[Objects, Objects]:
    """Ids and dates."""
    ids, dates = np.empty(len(documents), object), np.empty(len(documents), object)
    for number in np.unique(documents[:, 0]).tolist() if len(documents) else ():
        mine = np.flatnonzero(documents[:, 0] == number)
        shard = shards[number]
        tables = take_rows(shard.store(store), shard.documents, documents[mine, 1], ["id", "date"])
        table = pa.concat_tables(tables)
        ids[mine], dates[mine] = table["id"].to_pylist(), table["date"].to_pylist()
    return ids, dates


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


def _receipts(
    same_text: I64,
    exact_names: Objects,
    exact_sizes: I64,
    ids: Objects,
    left: I64,
    right: I64,
    near: pa.Table,
) -> tuple[pa.Array, pa.Array, pa.Array, pa.Array]:
    """Each document's closest match, and how that was verified.

    Equal texts stand for each other, so the match is named by the smallest id that has its text:
    which of them was compared depends on the shards.
    """
    count = len(ids)
    matched = exact_names.copy()
    second = _second_ids(same_text, ids)
    first = ids == exact_names
    matched[first] = second[first]
    similarity = np.ones(count)
    how = np.full(count, "text", object)
    bands = np.zeros(count, np.int32)
    alone = exact_sizes < 2
    matchless = alone.copy()
    ends, neighbours = np.r_[left, right], np.r_[right, left]
    both = np.r_[: near.num_rows, : near.num_rows]
    closeness = near["similarity"].to_numpy()[both]
    names = exact_names[neighbours]
    rank = np.lexsort((np.unique(names, return_inverse=True)[1], -closeness, ends))
    rank = rank[np.r_[True, np.diff(ends[rank]) != 0][: len(rank)]]
    rank = rank[alone[ends[rank]]]
    found = ends[rank]
    matchless[found] = False
    matched[found], similarity[found] = names[rank], closeness[rank]
    how[found] = np.array(near["verified"].to_pylist(), object)[both[rank]]
    bands[found] = near["bands_shared"].to_numpy()[both[rank]]
    return (
        pa.array(matched, pa.string(), mask=matchless),
        pa.array(similarity, mask=matchless),
        pa.array(how, pa.string(), mask=matchless),
        pa.array(bands, mask=~alone | matchless),
    )


def _earlier(
    same_text: I64, cluster: I64, ids: Objects, runs: Objects
) -> tuple[pa.Array, pa.Array, pa.Array]:
    """For each document, the earlier one that stands for it: the smallest id, of its text first."""
    found = np.full(len(ids), None, object)
    run = found.copy()
    exact = np.zeros(len(ids), bool)
    old = np.flatnonzero(runs != "")
    old = old[np.lexsort((runs[old].astype(str), ids[old].astype(str)))]
    for labels in (same_text, cluster) if len(old) else ():
        names, first = np.unique(labels[old], return_index=True)
        place = np.searchsorted(names, labels)
        place[place == len(names)] = 0
        missing = (run == None) & (names[place] == labels)  # noqa: E711 - elementwise
        source = old[first[place[missing]]]
        found[missing], run[missing] = ids[source], runs[source]
        exact |= missing & (labels is same_text)
    return (
        pa.array(found, pa.string()),
        pa.array(run, pa.string()),
        pa.array(exact, mask=run == None),  # noqa: E711 - elementwise,
    )


def _second_ids(labels: I64, ids: Objects) -> Objects:
    """The second smallest id of each document's component; its own where it is alone."""
    rank = np.lexsort((np.unique(ids, return_inverse=True)[1], labels))
    starts = np.flatnonzero(np.r_[True, np.diff(labels[rank]) != 0][: len(rank)])
    ends = np.r_[starts[1:], len(rank)] - 1
    second: Objects = ids[rank[np.minimum(starts + 1, ends)]]
    return second[labels]
