"""The shuffle through the lake: ranges of numbers, rows in them, ids as numbers."""

from __future__ import annotations

import itertools
import uuid

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thresher.filters.errors import StoreError
from thresher.manifests.store import Store
from thresher.pipeline import shuffle
from thresher.pipeline.shuffle import (
    binary,
    fixed_binary,
    pack_ids,
    partition_key,
    partition_range,
    read_range,
    rows_in_range,
    runs_in_range,
    unpack_ids,
    write_sorted,
)

SCHEMA = pa.schema([("key", pa.uint64()), ("name", pa.string())])


@pytest.mark.parametrize("count", [1, 2, 3, 7, 1000])
def test_ranges_follow_each_other_and_leave_nothing_out(count):
    ranges = [partition_range(part, count) for part in range(count)]
    assert ranges[0][0] == 0
    assert ranges[-1][1] == 2**64 - 1
    for before, after in itertools.pairwise(ranges):
        assert before[1] + 1 == after[0]
    sizes = {high - low + 1 for low, high in ranges}
    assert max(sizes) - min(sizes) <= 1


def test_keys_sort_as_their_numbers():
    assert [partition_key(n) for n in (0, 9, 10, 99_999)] == [
        "part-00000", "part-00009", "part-00010", "part-99999",
    ]  # fmt: skip


NUMBERS = st.sampled_from([0, 1, 5, 6, 7, 2**63 - 1, 2**63, 2**64 - 2, 2**64 - 1])


@settings(max_examples=60, deadline=None)
@given(
    files=st.lists(st.lists(NUMBERS, max_size=9), max_size=3),
    bounds=st.tuples(NUMBERS, NUMBERS),
    group=st.integers(1, 4),
)
def test_rows_in_a_range_are_those_that_a_filter_finds(files, bounds, group):
    low, high = sorted(bounds)
    store = Store(f"memory://{uuid.uuid4().hex}")
    paths, expected, homes = [], [], []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shuffle, "ROW_GROUP_ROWS", group)
        for number, keys in enumerate(files):
            keys = sorted(keys)
            names = [f"{number}-{n}" for n in range(len(keys))]
            path = f"f/{number}.parquet"
            output = write_sorted(
                store, path, pa.table([pa.array(keys, pa.uint64()), names], SCHEMA)
            )
            assert (output.path, output.rows) == (path, len(keys))
            paths.append(path)
            inside = [pair for pair in zip(keys, names, strict=True) if low <= pair[0] <= high]
            expected += inside
            homes += [number] * len(inside)
    found = rows_in_range(store, paths, low, high, SCHEMA)
    assert found.schema == SCHEMA
    assert [tuple(row.values()) for row in found.to_pylist()] == expected
    table, numbers = read_range(store, paths, low, high)
    assert (table is None) == (not expected)
    assert numbers.tolist() == homes
    for path in paths:
        assert all(0 < run.num_rows <= group for run in runs_in_range(store, path, low, high))


IDS = st.lists(st.integers(0, 2**128 - 1).map("{:032x}".format), max_size=6)


@given(IDS, st.integers(0, 3), st.data())
def test_ids_are_numbers_of_the_same_order(ids, skipped, data):
    column = pa.array(["x" * 5] * skipped + ids, pa.string())[skipped:]
    chunked = pa.chunked_array([column, pa.array(ids[:2], pa.string())])
    for each, names in ((column, ids), (chunked, ids + ids[:2])):
        numbers = pack_ids(each)
        assert [(int(a) << 64) + int(b) for a, b in numbers] == [int(name, 16) for name in names]
        assert unpack_ids(numbers).to_pylist() == names
        mask = np.array(
            data.draw(st.lists(st.booleans(), min_size=len(names), max_size=len(names)))
        )
        masked = unpack_ids(numbers, mask.astype(bool))
        masked.validate(full=True)
        assert masked.to_pylist() == [
            None if gone else name for name, gone in zip(names, mask, strict=True)
        ]


@pytest.mark.parametrize(
    "wrong", [["0" * 31], ["0" * 33], ["g" * 32], ["A" * 32], ["0" * 31, "0" * 33], ["é" * 16]]
)
def test_what_is_no_id_is_refused(wrong):
    with pytest.raises(StoreError, match="32 hex digits"):
        pack_ids(pa.array(wrong))


@given(st.lists(st.none() | st.binary(min_size=16, max_size=16), max_size=6), st.integers(0, 2))
def test_fixed_binary_is_a_matrix_and_back(rows, skipped):
    column = pa.array([b"x" * 16] * skipped + rows, pa.binary(16))[skipped:]
    chunked = pa.chunked_array([column, column], pa.binary(16))
    none = pa.chunked_array([], pa.binary(16))
    assert fixed_binary(none, np.dtype(np.uint64)).shape == (0, 2)
    for each in (column, chunked):
        found = each.to_pylist()
        matrix = fixed_binary(each, np.dtype(np.uint64))
        assert matrix.shape == (len(found), 2)
        mask = np.array([value is None for value in found], bool)
        assert binary(matrix, mask).to_pylist() == found
        for row, value in zip(matrix, found, strict=True):
            assert value is None or row.tobytes() == value
    whole = [value or b"y" * 16 for value in rows]
    matrix = fixed_binary(pa.array(whole, pa.binary(16)), np.dtype(np.uint64))
    assert binary(matrix[:, ::-1]).to_pylist() == [value[8:] + value[:8] for value in whole]
