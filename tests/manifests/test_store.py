from __future__ import annotations

import uuid

import pyarrow as pa
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


def test_failed_shard_leaves_nothing(store):
    schema = pa.schema([("n", pa.int64())])
    with pytest.raises(RuntimeError), ShardWriter(store, "s/f/k.parquet", schema):
        raise RuntimeError("boom")
    assert not store.exists("s/f/k.parquet")
