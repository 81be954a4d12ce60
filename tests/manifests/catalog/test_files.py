from __future__ import annotations

import os
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thresher.manifests.catalog.files import LakeFile, LakeFiles, _local_file
from thresher.manifests.store import Store

DATA = bytes(i * i % 251 for i in range(100_000))


@pytest.fixture(params=["local", "memory"])
def files(request, tmp_path):
    local = request.param == "local"
    store = Store(str(tmp_path / "lake") if local else f"memory://{tmp_path.name}")
    store.write_bytes("a/data.bin", DATA)
    store.write_bytes("a/large.bin", DATA * 20)
    store.write_bytes("runs/r.json", b"{}")
    return LakeFiles(store)


def test_threads_that_share_a_handle_read_their_own_places(files):
    large = DATA * 20
    with files.open("lake://a/large.bin") as file:
        met = threading.Barrier(8)

        def read(seed):
            dice = random.Random(seed)
            met.wait()
            for _ in range(300):
                start, size = dice.randrange(len(large)), dice.randrange(1, 5000)
                file.seek(start)
                if file.read(size) != large[start : start + size]:
                    return False
            return True

        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(read, range(8)))


def test_a_seek_is_the_own_threads_even_if_all_seek_first():
    file = LakeFile(lambda start, end: DATA[start:end], len(DATA))
    met = threading.Barrier(4)

    def read(place):
        file.seek(place)
        met.wait()
        found = file.tell(), file.read(10)
        met.wait()
        return found

    with ThreadPoolExecutor(4) as pool:
        places = [10, 2000, 30_000, 99_000]
        assert list(pool.map(read, places)) == [(p, DATA[p : p + 10]) for p in places]


def test_threads_that_read_in_turns_go_on_where_the_last_one_stopped():
    file = LakeFile(lambda start, end: DATA[start:end], len(DATA))
    file.seek(0)  # as DuckDB rewinds a text before several threads read on
    found = []
    for _ in range(20):
        thread = threading.Thread(target=lambda: found.append(file.read(6000)))
        thread.start()
        thread.join()
        found.append(file.read(500))
    assert b"".join(found) == DATA


@given(
    st.lists(
        st.tuples(st.sampled_from(["set", "cur", "end", "read"]), st.integers(0, 300)), max_size=30
    )
)
def test_one_thread_sees_an_ordinary_file(tmp_path_factory, steps):
    path = tmp_path_factory.getbasetemp() / "ordinary.bin"
    path.write_bytes(DATA[:200])
    with path.open("rb") as ordinary, LakeFiles(Store(str(path.parent))).open(path.name) as file:
        for step, number in steps:
            if step == "read":
                assert file.read(number) == ordinary.read(number)
            else:
                whence = {"set": 0, "cur": 1, "end": 2}[step]
                moved = -min(number, 200) if step == "end" else number
                assert file.seek(moved, whence) == ordinary.seek(moved, whence)
            assert file.tell() == ordinary.tell()


def test_what_became_shorter_is_an_error_never_less(tmp_path):
    store = Store(str(tmp_path))
    store.write_bytes("x.bin", DATA)
    with LakeFiles(store).open("x.bin") as file:
        os.truncate(tmp_path / "x.bin", 50_000)
        file.seek(40_000)
        with pytest.raises(OSError, match="the file changed"):
            file.read(20_000)


def test_nothing_writes(files):
    before = files._store.sizes("")
    for mode in ("wb", "ab", "r+b", "rb+", "w+b", "xb", "w"):
        with pytest.raises(PermissionError):
            files.open("a/data.bin", mode)
    for name in (
        *("mkdir", "makedirs", "rmdir", "touch", "rm", "rm_file", "_rm", "delete", "makedir"),
        *("mv", "move", "rename", "cp_file", "copy", "cp", "put_file", "put", "upload"),
        *("pipe_file", "pipe", "write_bytes", "write_text", "start_transaction", "mkdirs"),
    ):
        for arguments in ((), ("a/data.bin",), ("a/data.bin", b"x"), ("a/data.bin", "a/new.bin")):
            try:
                getattr(files, name)(*arguments)
            except Exception:  # noqa: BLE001 - refused, or no call at all
                continue
            assert name in ("put", "upload", "copy", "cp", "pipe"), (name, arguments)
    assert files._store.sizes("") == before
    assert files.open("a/data.bin").read() == DATA


@pytest.mark.parametrize(
    "path", ["../x", "lake://../x", "a/../../x", "lake://a/..", "lake:///../x", "a/../data.bin"]
)
def test_no_way_up(files, path):
    for ask in (files.open, files.info, files.exists, files.isfile, files.isdir, files.glob):
        with pytest.raises(PermissionError, match="leads out"):
            ask(path)


def test_full_paths_are_the_lakes_own(files):
    for path in ("/etc/passwd", "lake:///etc/passwd", "lake:////etc/passwd"):
        assert not files.exists(path)
    assert files.open("lake:///a//./data.bin").read() == DATA


def test_listing(files):
    assert files.glob("lake://a/*.bin") == ["a/data.bin", "a/large.bin"]
    assert sorted(files.find("")) == ["a/data.bin", "a/large.bin", "runs/r.json"]
    assert files.glob("lake://runs/r.json") == ["runs/r.json"]
    assert files.glob("lake://runs/none.json") == []
    assert files.glob("lake://**/*.bin", maxdepth=2) == ["a/data.bin", "a/large.bin"]
    assert files.glob("lake://**/*.bin", maxdepth=1) == []
    assert files.info("a/data.bin")["size"] == len(DATA)
    assert (files.isdir("a"), files.isfile("a"), files.exists("b")) == (True, False, False)
    if not files._store.is_local:  # facts never change, and stores may not say when they came
        assert files.modified("a/data.bin") == datetime.fromtimestamp(0, UTC)
    with pytest.raises(IsADirectoryError):
        files.open("a")
    with pytest.raises(FileNotFoundError):
        files.open("a/none.bin")


def test_links_stay_in_the_lake(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.txt").write_text("secret")
    store = Store(str(tmp_path / "lake"))
    store.write_bytes("a/data.bin", DATA)
    root = tmp_path / "lake"
    (root / "file.txt").symlink_to(outside / "secret.txt")
    (root / "folder").symlink_to(outside)
    (root / "chain").symlink_to(root / "folder")
    (root / "within.bin").symlink_to(root / "a" / "data.bin")
    (root / "nowhere").symlink_to(root / "missing")
    os.mkfifo(root / "pipe")
    (tmp_path / "lake-beside").mkdir()
    (tmp_path / "lake-beside" / "x").write_text("x")
    (root / "beside").symlink_to(tmp_path / "lake-beside" / "x")
    files = LakeFiles(store)
    for path in ("file.txt", "folder", "folder/secret.txt", "chain/secret.txt", "beside"):
        for ask in (files.open, files.info, files.exists, files.glob):
            with pytest.raises(PermissionError, match="leads out"):
                ask(path)
    with pytest.raises(PermissionError, match="neither a file nor a folder"):
        files.open("pipe")
    assert files.open("within.bin").read() == DATA
    assert files.ls("", detail=False) == ["a", "within.bin"]
    assert files.glob("**") == ["a", "a/data.bin", "within.bin"]


def test_a_lake_that_is_itself_a_link_is_read(tmp_path):
    Store(str(tmp_path / "real")).write_bytes("x.bin", DATA)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert LakeFiles(Store(str(tmp_path / "link"))).open("x.bin").read() == DATA


def test_every_file_is_closed(tmp_path):
    store = Store(str(tmp_path))
    store.write_bytes("x.bin", DATA)
    files = LakeFiles(store)
    before = len(list(Path("/dev/fd").iterdir()))
    for _ in range(50):
        file = files.open("x.bin")
        file.close()
        file.close()
        files.open("x.bin").read(3)  # and what nobody closes
    del file
    assert len(list(Path("/dev/fd").iterdir())) == before


def test_a_pipe_in_the_place_of_a_file_holds_nobody_and_is_closed(tmp_path):
    os.mkfifo(tmp_path / "x.bin")
    before = len(list(Path("/dev/fd").iterdir()))
    for _ in range(3):
        with pytest.raises(PermissionError, match="is not a file"):
            _local_file(tmp_path / "x.bin")
    assert len(list(Path("/dev/fd").iterdir())) == before
