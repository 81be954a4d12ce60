from __future__ import annotations

import uuid

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from thresher.filters.errors import StoreError
from thresher.manifests.shards import ShardWriter, read_batches, read_table
from thresher.manifests.store import Store


@pytest.fixture(params=["local", "memory"])
def store(request, tmp_path):
    return Store(
        str(tmp_path / "lake") if request.param == "local" else f"memory://{uuid.uuid4().hex}"
    )


def write_half(store, path):
    with store.writer(path) as file:
        file.write(b"half")
        raise RuntimeError("boom")


def test_write_is_atomic(store):
    store.write_bytes("a/b.txt", b"old")
    with pytest.raises(RuntimeError, match="boom"):
        write_half(store, "a/b.txt")
    assert store.read_bytes("a/b.txt") == b"old"
    assert store.sizes("a") == {"a/b.txt": 3}


def test_missing_file_says_which(store):
    with pytest.raises(StoreError, match=r"nowhere\.txt does not exist"):
        store.read_bytes("nowhere.txt")
    assert store.sizes("nowhere") == {}


def test_store_survives_pickling(store):
    import pickle

    store.write_bytes("x", b"1")
    assert pickle.loads(pickle.dumps(store)).read_bytes("x") == b"1"


def write(store, path, rows=5):
    table = pa.table({"n": pa.array(range(rows), pa.int64())})
    with ShardWriter(store, path, table.schema) as writer:
        writer.write(table)
    return writer.output


def test_shard_counts_rows_bytes_and_hash(store):
    import hashlib

    output = write(store, "s/f/k.parquet")
    data = store.read_bytes("s/f/k.parquet")
    assert (output.rows, output.bytes) == (5, len(data))
    assert output.sha256 == hashlib.sha256(data).hexdigest()
    assert read_table(store, "s/f/k.parquet")["n"].to_pylist() == [0, 1, 2, 3, 4]
    assert [b.num_rows for b in read_batches(store, "s/f/k.parquet", batch_rows=3)] == [3, 2]


def test_some_columns_of_a_shard(store):
    table = pa.table({name: pa.array([1, 2, 3], pa.int64()) for name in "abc"})
    with ShardWriter(store, "k.parquet", table.schema) as writer:
        writer.write(table)
    assert read_table(store, "k.parquet").column_names == ["a", "b", "c"]
    assert read_table(store, "k.parquet", ["b"]).column_names == ["b"]
    assert read_table(store, "k.parquet", ()).column_names == []
    batches = list(read_batches(store, "k.parquet", ("a", "c"), 2))
    assert [(b.schema.names, b.num_rows) for b in batches] == [(["a", "c"], 2), (["a", "c"], 1)]


def test_a_shard_is_compressed_and_says_what_its_columns_hold(store):
    table = pa.table({"n": pa.array(range(10), pa.int64())})
    with ShardWriter(store, "a.parquet", table.schema) as writer:
        writer.write(table, row_group_rows=4)
        writer.write(table.slice(0, 0))
    plain = {"compression": "none", "compression_level": None}
    with ShardWriter(store, "b.parquet", table.schema, **plain) as writer:
        writer.write(table)
    for path, compression, rows in (("a", "ZSTD", [4, 4, 2]), ("b", "UNCOMPRESSED", [10])):
        with store.open(f"{path}.parquet") as file:
            said = pq.ParquetFile(file).metadata
        groups = [said.row_group(n) for n in range(said.num_row_groups)]
        assert [group.num_rows for group in groups] == rows
        assert {group.column(0).compression for group in groups} == {compression}
        assert groups[0].column(0).statistics.max == rows[0] - 1


def test_a_shard_is_of_its_schema(store):
    schema = pa.schema([("n", pa.int64())])
    with ShardWriter(store, "a.parquet", schema) as writer:
        writer.write(pa.record_batch({"n": pa.array([1], pa.int32())}))
    assert read_table(store, "a.parquet").schema == schema
    with (
        pytest.raises(ValueError, match="names"),
        ShardWriter(store, "b.parquet", schema) as writer,
    ):
        writer.write(pa.table({"m": [1]}))


def test_what_was_written_is_not_known_before_the_end(store):
    schema = pa.schema([("n", pa.int64())])
    with ShardWriter(store, "a.parquet", schema) as writer:
        with pytest.raises(StoreError, match=r"a\.parquet is not finished"):
            _ = writer.output
        writer.write(pa.table({"n": [1, 2]}))
    assert writer.output.rows == 2


def test_failed_shard_leaves_nothing(store):
    schema = pa.schema([("n", pa.int64())])
    with pytest.raises(RuntimeError), ShardWriter(store, "s/f/k.parquet", schema):
        raise RuntimeError("boom")
    assert not store.exists("s/f/k.parquet")
