"""Connected components by rounds over slices, against scipy over the whole graph."""

from __future__ import annotations

import itertools
import random
import uuid

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thresher.jobs.stages.dedup import connect
from thresher.manifests.shards import read_table
from thresher.manifests.store import Store
from thresher.pipeline.dedup.components import LINKS, stars
from thresher.pipeline.dedup.nodes import Slice, cut, nodes_of, row_of, shard_of
from thresher.pipeline.shuffle import write_sorted

ROWS = 64
"""Rows of each shard in these tests."""


def smallest(edges):
    """The smallest node of each node's component, by a search over sets."""
    near = {}
    for a, b in edges:
        near.setdefault(a, {a}).add(b)
        near.setdefault(b, {b}).add(a)
    found = {}
    for node in sorted(near):
        reached = [node] if node not in found else []
        while reached:
            here = reached.pop()
            if here not in found:
                found[here] = node
                reached += near[here]
    return found


def by_rounds(edges, slice_count, file_count):
    """What `connect` leaves of edges in several files, and the number of rounds."""
    store = Store(f"memory://{uuid.uuid4().hex}")
    numbers = np.array(edges, np.int64).reshape(-1, 2)
    nodes = nodes_of(numbers // ROWS, numbers % ROWS)
    paths = []
    for number in range(file_count):
        table = pa.table(stars(*nodes[number::file_count].T), schema=LINKS)
        paths.append(write_sorted(store, f"links/{number}.parquet", table).path)
    shards = int(numbers.max(initial=0)) // ROWS + 1
    bounds = [shards * n // slice_count for n in range(slice_count + 1)]
    slices = [Slice(n, *pair) for n, pair in enumerate(itertools.pairwise(bounds))]
    rounds = []

    def run(_stage, mark, function, work):
        rounds.append(function.__name__)
        items = random.Random(len(rounds)).sample(sorted(work.items()), len(work))
        return {key: function(store, *rest, mark) for key, rest in items}

    tables = [read_table(store, path) for path in connect(run, paths, slices, "f")]
    table = pa.concat_tables([LINKS.empty_table(), *tables])
    plain = [
        (shard_of(column) * ROWS + row_of(column)).tolist()
        for column in (table["node"].to_numpy(), table["smaller"].to_numpy())
    ]
    assert len(set(plain[0])) == len(plain[0]), "one link for each node"
    return dict(zip(*plain, strict=True)), len(rounds)


def expected(edges):
    return {node: low for node, low in smallest(edges).items() if node != low}


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 299), st.integers(0, 299)), max_size=120),
    st.integers(1, 4),
    st.integers(1, 3),
)
def test_rounds_find_the_components_of_any_graph(edges, slice_count, file_count):
    links, _ = by_rounds(edges, slice_count, file_count)
    assert links == expected(edges)


@pytest.mark.parametrize("slice_count", [1, 2, 8])
@pytest.mark.parametrize("shape", ["path", "shuffled path", "star", "stars", "giant", "combs"])
def test_hard_graphs_take_few_rounds(shape, slice_count):
    rng = random.Random(5)
    count = 4_000
    order = list(range(count))
    if shape == "shuffled path":
        rng.shuffle(order)
    edges = {
        "star": [(0, n) for n in range(1, count)],
        "stars": [(n - n % 97, n) for n in range(count)] + [(n, n + 97) for n in range(0, 970, 97)],
        "giant": [(rng.randrange(count), rng.randrange(count)) for _ in range(2 * count)],
        "combs": [(n, n + 50) for n in range(count - 50)],
    }.get(shape) or list(itertools.pairwise(order))
    links, rounds = by_rounds(edges, slice_count, 5)
    assert links == expected(edges)
    assert rounds <= (1 if slice_count == 1 else 2 * np.log2(count))


def test_slices_are_runs_of_whole_shards_within_the_memory():
    assert cut([5, 5, 5], 10_000) == (Slice(0, 0, 2), Slice(1, 2, 3))
    assert cut([50, 1, 1], 10_000) == (Slice(0, 0, 1), Slice(1, 1, 3))
    each = (Slice(0, 0, 1), Slice(1, 1, 2), Slice(2, 2, 3))
    assert cut([50, 50, 50], 10_000) == each
    assert len({part.key for part in each}) == 3
    assert cut([0, 0], 1) == (Slice(0, 0, 2),)
    assert cut([], 1) == (Slice(0, 0, 0),)
    one = Slice(1, 3, 5)
    nodes = nodes_of(np.array([2, 3, 4, 5]), np.array([2**40 - 1, 0, 2**40 - 1, 0]))
    assert [(one.low <= node <= one.high) for node in nodes.tolist()] == [False, True, True, False]
    assert shard_of(nodes).tolist() == [2, 3, 4, 5]
