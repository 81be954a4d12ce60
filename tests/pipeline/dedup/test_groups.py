"""Texts and URLs are equal where all of their hashes is, and not where half of it is."""

from __future__ import annotations

import pyarrow as pa
import pytest

from thresher.manifests.store import Store
from thresher.pipeline.dedup import bands, groups
from thresher.pipeline.dedup.nodes import row_of
from thresher.pipeline.shuffle import write_sorted

# Bucket, order and first letter of the id; ids alternate between the groups of one bucket.
SHARDS = [[(7, 1, "a"), (7, 2, "b")], [(7, 1, "c"), (7, 2, "d"), (9, 2, "e")]]


def identity(letter):
    return letter.encode() * 16


@pytest.mark.parametrize("kind", ["equal", "url"])
def test_half_a_hash_makes_no_group(tmp_path, kind):
    store, paths = Store(str(tmp_path)), []
    schema = bands.EQUAL if kind == "equal" else bands.URL
    for number, entries in enumerate(SHARDS):
        rows = [
            {"bucket": bucket, "order": order, "row": row, "id": identity(letter)}
            | ({"raw": b"half" * 2 + identity(letter)[:8]} if kind == "equal" else {})
            for row, (bucket, order, letter) in enumerate(entries)
        ]
        paths.append(f"{kind}/{number}.parquet")
        write_sorted(store, paths[-1], pa.Table.from_pylist(rows, schema))
    find = groups.equal_groups if kind == "equal" else groups.url_groups
    found = find(store, paths, 0, 2**64 - 1, 2).to_pylist()
    name = "exact_id" if kind == "equal" else "url_id"
    assert [row[name] for row in found] == [identity(letter) for letter in "abab"]
    assert row_of(pa.array([row["node"] for row in found]).to_numpy()).tolist() == [0, 1, 0, 1]
    if kind == "equal":
        assert [row["matched_id"] for row in found] == [identity(letter) for letter in "cdab"]
        assert [row["raw_id"] for row in found] == [None] * 4
