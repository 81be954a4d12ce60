"""How a file of a lake comes to be there: synced, renamed whole, and seen by nobody before."""

from __future__ import annotations

import os
import threading
import warnings
from pathlib import Path

import pyarrow as pa
import pytest

from thresher.manifests import temporary
from thresher.manifests.manifest import Manifest, commit, load_all
from thresher.manifests.run import RunRecord, has_runs, load_runs, save_run
from thresher.manifests.shards import ShardWriter
from thresher.manifests.store import Store


@pytest.fixture
def events(monkeypatch):
    """What is synced and renamed, in its order: the name, and the bytes on disk at that moment."""
    if not Path("/proc/self/fd").exists():
        pytest.skip("the system does not say what an open file is called")
    seen = []
    fsync, replace = os.fsync, Path.replace

    def synced(number):
        path = Path(f"/proc/self/fd/{number}").readlink()
        seen.append(("sync", path, path.stat().st_size if path.is_file() else None))
        fsync(number)

    def renamed(path, target):
        seen.append(("rename", path, Path(target)))
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", renamed)
    return seen


def assert_committed(events, target, size):
    """The data was on disk before the name, and the name before anyone was told."""
    assert [kind for kind, *_ in events] == ["sync", "rename", "sync"]
    (_, written, held), (_, renamed, place), (_, folder, _) = events
    assert written == renamed != target
    assert written.parent == target.parent
    assert held == size == target.stat().st_size
    assert place == target
    assert folder == target.parent


def test_data_and_folder_are_synced_around_the_rename(tmp_path, events):
    Store(str(tmp_path)).write_bytes("a/b/file", b"x" * 100_000)
    assert_committed(events, tmp_path / "a/b/file", 100_000)


def test_so_are_shards_and_manifests(tmp_path, events):
    store = Store(str(tmp_path))
    table = pa.table({"n": list(range(1000))})
    with ShardWriter(store, "s/f/k.parquet", table.schema) as writer:
        writer.write(table)
    assert_committed(events, tmp_path / "s/f/k.parquet", writer.output.bytes)
    events.clear()
    commit(store, Manifest(stage="s", fingerprint="f", key="k", outputs=[writer.output]))
    path = tmp_path / "manifests/s/f/k.json"
    assert_committed(events, path, path.stat().st_size)
    events.clear()
    save_run(
        store, run := RunRecord(run_id="r", name="r", status="running", version="", started="")
    )
    path = tmp_path / "runs/r.json"
    assert_committed(events, path, path.stat().st_size)
    assert load_runs(store) == [run]


def test_a_file_is_seen_by_nobody_before_it_is_whole(tmp_path):
    store = Store(str(tmp_path))
    with (
        store.writer("s/f/k.parquet") as data,
        store.writer("manifests/s/f/k.json") as manifest,
        store.writer("runs/r.json") as run,
    ):
        for file in (data, manifest, run):
            file.write(b"half")
            file.flush()
        assert len(list(tmp_path.rglob(".tmp-*"))) == 3
        for folder in ("", "s", "s/f", "manifests", "runs"):
            assert store.sizes(folder) == {}
        assert not any(store.exists(p) for p in ("s/f/k.parquet", "runs/r.json"))
        assert load_all(store, "s", "f") == {}
        assert load_runs(store) == []
        assert not has_runs(store)
    assert store.sizes("") == dict.fromkeys(
        ("manifests/s/f/k.json", "runs/r.json", "s/f/k.parquet"), 4
    )


def test_of_two_writers_of_one_file_the_last_wins_and_both_are_whole(tmp_path):
    store = Store(str(tmp_path))
    with store.writer("a") as first:
        with store.writer("a") as second:
            second.write(b"second" * 1000)
            first.write(b"first")
        assert store.read_bytes("a") == b"second" * 1000
    assert store.read_bytes("a") == b"first"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_threads_and_processes_share_no_name(tmp_path):
    names, target = [], tmp_path / "k"

    def make():
        names.extend(temporary.name_beside(target).name for _ in range(50))

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    make()
    for _ in range(2):
        reading, writing = os.pipe()
        with warnings.catch_warnings(action="ignore"):  # that a process with threads forks
            child = os.fork()
        if not child:
            made = [temporary.name_beside(target).name for _ in range(20)]
            os.write(writing, " ".join(made).encode())
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as pipe:
            made = pipe.read().split()
        os.waitpid(child, 0)
        assert {f"-{child}-" in name for name in made} == {True}
        names += made
    assert len(names) == len(set(names)) == 8 * 50 + 50 + 2 * 20
    assert all(name.startswith(temporary.PREFIX) and name.endswith("-k") for name in names)
    for name in names:
        temporary.released(tmp_path / name)
