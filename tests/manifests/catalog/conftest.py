"""Small lakes that were never crawled: documents, their manifests, a run and the catalog."""

from __future__ import annotations

import hashlib
import uuid

import pyarrow as pa
import pytest

from thresher.manifests import catalog
from thresher.manifests.manifest import Manifest, commit
from thresher.manifests.run import InputRecord, RunRecord, save_run
from thresher.manifests.shards import ShardWriter
from thresher.manifests.store import Store


def write_shard(store, path, table):
    with ShardWriter(store, path, table.schema) as writer:
        for start in range(0, table.num_rows, 4096):
            writer.write(table.slice(start, 4096))
    return writer.output


def documents(first, rows):
    """Deterministic rows: an id, a text of varying length, numbers with gaps."""
    numbers = range(first, first + rows)
    return pa.table(
        {
            "id": [hashlib.md5(b"%d" % n).hexdigest() for n in numbers],
            "text": [("word " * (n * 7919 % 9)) + str(n) for n in numbers],
            "url": [f"https://example.org/{n}" for n in numbers],
            "n": pa.array(numbers, pa.int64()),
            "score": pa.array([None if n % 11 == 0 else n / 7 for n in numbers], pa.float64()),
        }
    )


def add_shard(store, number, table):
    """A measured shard, without its run."""
    key = f"{number:016x}"
    output = write_shard(store, f"documents/f/{key}.parquet", table)
    counts = {"records": table.num_rows, "documents": table.num_rows, "gated": 0, "failed": 0}
    manifest = Manifest(
        stage="documents",
        fingerprint="f",
        key=key,
        outputs=[output],
        ledger=counts,
        facts={"sha256": key, "status": "complete"},
    )
    commit(store, manifest)
    return key


def finish(store, keys):
    """The record of a run that read the shards, and the catalog."""
    inputs = [InputRecord(key, f"file:///{key}", 1, "", "parquet") for key in keys]
    record = RunRecord(
        run_id="r1",
        name="run",
        status="complete",
        version="0",
        started="2026-01-01",
        inputs=inputs,
        fingerprints={"documents": "f"},
    )
    save_run(store, record)
    catalog.build(store)
    return store


@pytest.fixture
def make_lake():
    """Writes a lake of some shards and rows at a URL."""

    def make(url, shards=2, rows=1000):
        store = Store(str(url))
        keys = [add_shard(store, n, documents(n * rows, rows)) for n in range(shards)]
        return finish(store, keys)

    return make


@pytest.fixture(params=["local", "memory"])
def lake(request, tmp_path, make_lake):
    """A small lake, on a file system and elsewhere."""
    local = request.param == "local"
    return make_lake(tmp_path / "lake" if local else f"memory://{uuid.uuid4().hex}")


@pytest.fixture
def fingerprints():
    """Takes the sha256 of every file of a lake, and of what lies beside a local one."""

    def take(store):
        files = store.filesystem.find(
            store.root.rsplit("/", 1)[0] if store.is_local else store.root
        )
        return {f: hashlib.sha256(store.filesystem.cat_file(f)).hexdigest() for f in files}

    return take
