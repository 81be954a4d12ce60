"""Stage `components`: connected components of a graph that no task holds.

The graph is a set of links from a node to a smaller one, in files by range of buckets. Two kinds of
rounds alternate until neither changes a link; what is left joins every node to the smallest of
its component:

    contract  per slice   all links from a slice's nodes: each local component becomes a star
    jump      per slice   a link to a node of the slice that has a link itself goes on to its end

They are the small-star and large-star operations of Kiveris et al. 2014 (Connected components in
MapReduce and beyond), the first strengthened by contracting all that a task sees. Neither ever
adds a link. Where one slice holds all links, one contraction is all there is to do. The
driver sees only how many links changed.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from thresher.manifests.manifest import Manifest, commit
from thresher.manifests.store import Store
from thresher.pipeline.dedup.nodes import Slice
from thresher.pipeline.shuffle import (
    I64,
    ROW_GROUP_ROWS,
    rows_in_range,
    runs_in_range,
    write_sorted,
    writer,
)

STAGE = "components"
VERSION = 1

LINKS = pa.schema([("node", pa.int64()), ("smaller", pa.int64())])
_TURNED = pa.schema([("smaller", pa.int64()), ("node", pa.int64())])


def stars(left: I64, right: I64) -> tuple[I64, I64]:
    """Links that join every node of some edges to the smallest of its component, by node."""
    nodes, index = np.unique(np.concatenate([left, right]), return_inverse=True)
    if not len(nodes):
        return nodes, nodes
    ends = np.split(index.ravel(), 2)
    graph = coo_matrix((np.ones(len(left), np.bool_), tuple(ends)), shape=(len(nodes),) * 2)
    label = connected_components(graph, directed=False)[1]
    smallest = nodes[np.unique(label, return_index=True)[1]][label]
    linked = nodes != smallest
    return nodes[linked], smallest[linked]


def contract(store: Store, link_paths: Sequence[str], part: Slice, fingerprint: str) -> Manifest:
    """Make stars of the links from the nodes of a slice: by node, and by the smaller end.

    Args:
        store: the lake.
        link_paths: all links, each file by node.
        part: the slice.
        fingerprint: of this round.
    """
    began = time.perf_counter()
    links = rows_in_range(store, link_paths, part.low, part.high, LINKS)
    before = np.unique(np.stack([links["node"].to_numpy(), links["smaller"].to_numpy()]), axis=1)
    node, smaller = stars(*before)
    changed = before.shape[1] != len(node) or bool((before != np.stack([node, smaller])).any())
    rank = np.lexsort((node, smaller))
    outputs = [
        write_sorted(store, f"{STAGE}/{fingerprint}/{part.key}.{name}.parquet", table)
        for name, table in (
            ("links", pa.table([node, smaller], schema=LINKS)),
            ("turned", pa.table([smaller[rank], node[rank]], schema=_TURNED)),
        )
    ]
    return commit(
        store,
        Manifest(
            stage=STAGE,
            fingerprint=fingerprint,
            key=part.key,
            inputs=list(link_paths),
            outputs=outputs,
            facts={"links": len(node), "changed": int(changed)},
            seconds=time.perf_counter() - began,
        ),
    )


def jump(
    store: Store,
    link_paths: Sequence[str],
    turned_paths: Sequence[str],
    part: Slice,
    fingerprint: str,
) -> Manifest:
    """Pass links to the nodes of a slice on to where those are linked, run by run.

    Args:
        store: the lake.
        link_paths: all links, each file by node.
        turned_paths: the same by the smaller end.
        part: the slice.
        fingerprint: of this round.
    """
    began = time.perf_counter()
    own = rows_in_range(store, link_paths, part.low, part.high, LINKS)
    rank = np.lexsort((own["smaller"].to_numpy(), own["node"].to_numpy()))
    linked, first = np.unique(own["node"].to_numpy()[rank], return_index=True)
    smallest = own["smaller"].to_numpy()[rank][first]
    changed = 0
    with writer(store, f"{STAGE}/{fingerprint}/{part.key}.links.parquet", LINKS) as file:
        for path in turned_paths:
            for run in runs_in_range(store, path, part.low, part.high):
                node, middle = run["node"].to_numpy(), run["smaller"].to_numpy()
                end = middle.copy()
                if len(linked):
                    place = np.minimum(np.searchsorted(linked, middle), len(linked) - 1)
                    goes_on = linked[place] == middle
                    end[goes_on] = smallest[place[goes_on]]
                    changed += int(goes_on.sum())
                rank = np.argsort(node, kind="stable")
                file.write(pa.table([node[rank], end[rank]], schema=LINKS), ROW_GROUP_ROWS)
    return commit(
        store,
        Manifest(
            stage=STAGE,
            fingerprint=fingerprint,
            key=part.key,
            inputs=[*link_paths, *turned_paths],
            outputs=[file.output],
            facts={"links": file.output.rows, "changed": changed},
            seconds=time.perf_counter() - began,
        ),
    )
