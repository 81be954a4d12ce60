"""Files sorted by the number that parts them: a reader gets its range, whole and nothing else."""

from __future__ import annotations

import itertools

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from thresher.manifests.shards import ShardWriter
from thresher.manifests.store import Store
from thresher.pipeline.shuffle import (
    partition_key,
    partition_range,
    read_range,
    rows_in_range,
    runs_in_range,
)

SCHEMA = pa.schema([("bucket", pa.uint64()), ("row", pa.int64())])
TOP = 2**64 - 1


def write(store, path, *groups):
    """A file of row groups with these buckets."""
    with ShardWriter(store, path, SCHEMA) as writer:
        for group in groups:
            rows = [10 * n for n in range(len(group))]
            writer.write(pa.table([pa.array(group, pa.uint64()), rows], schema=SCHEMA))
    assert pq.ParquetFile(store.url(path)).num_row_groups == len(groups)


@pytest.fixture
def store(tmp_path):
    store = Store(str(tmp_path))
    # The second is two sorted runs.
    write(store, "a", [1, 3, 3, 9], [9, 9, 20])
    write(store, "b", [2, 30], [2, 3])
    write(store, "c")
    write(store, "d", [0, TOP])
    return store


BUCKETS = {"a": [1, 3, 3, 9, 9, 9, 20], "b": [2, 30, 2, 3], "c": [], "d": [0, TOP]}


@pytest.mark.parametrize(
    ("low", "high"),
    list(itertools.combinations_with_replacement((0, 1, 2, 3, 4, 8, 9, 10, 20, 30, TOP), 2)),
)
def test_every_range_is_read_whole(store, low, high):
    expected = {
        name: [bucket for bucket in found if low <= bucket <= high]
        for name, found in BUCKETS.items()
    }
    for name, buckets in expected.items():
        runs = list(runs_in_range(store, name, low, high))
        assert [b for run in runs for b in run["bucket"].to_pylist()] == buckets
        assert all(run.num_rows for run in runs)
    table, number = read_range(store, list(BUCKETS), low, high)
    told = [(n, bucket) for n, found in enumerate(expected.values()) for bucket in found]
    if not told:
        assert table is None
        assert number.dtype == np.int64
        assert len(number) == 0
    else:
        assert list(zip(number.tolist(), table["bucket"].to_pylist(), strict=True)) == told
    rows = rows_in_range(store, list(BUCKETS), low, high, SCHEMA)
    assert rows.schema == SCHEMA
    assert rows["bucket"].to_pylist() == [bucket for _, bucket in told]


@pytest.mark.parametrize("partitions", [1, 2, 3, 7, 1000])
def test_partitions_are_all_numbers_once(partitions):
    ranges = [partition_range(n, partitions) for n in range(partitions)]
    assert ranges[0][0] == 0
    assert ranges[-1][1] == TOP
    assert all(after[0] == before[1] + 1 for before, after in itertools.pairwise(ranges))
    sizes = {high - low + 1 for low, high in ranges}
    assert max(sizes) - min(sizes) <= 1
    keys = [partition_key(n) for n in range(partitions)]
    assert sorted(keys) == keys
    assert len(set(keys)) == partitions
