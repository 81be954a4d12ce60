"""Temporary files: whose they are, and that only those of the dead go."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from thresher.filters.errors import StoreError
from thresher.manifests import temporary
from thresher.manifests.store import Store

WRITES = """
import sys
from thresher.manifests.store import Store

with Store(sys.argv[1]).writer("s/f/k.parquet") as file:
    file.write(b"half")
    file.flush()
    print("writing", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def writing(tmp_path):
    """A process in the middle of writing a file of a lake: (lake, process)."""
    lake = tmp_path / "lake"
    process = subprocess.Popen(
        [sys.executable, "-c", WRITES, str(lake)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"writing\n"
    yield lake, process
    process.kill()
    process.communicate()


def left(folder):
    return sorted(path.name for path in folder.rglob(".tmp-*"))


def test_two_writers_never_share_a_name(tmp_path):
    names = {temporary.name_beside(tmp_path / "k.parquet") for _ in range(1000)}
    assert len(names) == 1000
    for name in names:
        temporary.released(name)


def test_a_living_writer_keeps_its_file(writing):
    lake, process = writing
    assert len(left(lake)) == 1
    assert f"-{process.pid}-" in left(lake)[0]
    Store(str(lake)).sweep()
    assert len(left(lake)) == 1
    process.communicate(b"")
    assert left(lake) == []
    assert (lake / "s/f/k.parquet").read_bytes() == b"half"


def test_the_file_of_a_killed_writer_goes_even_before_its_parent_has_asked(writing):
    lake, process = writing
    (lake / "s/f/other.parquet").write_bytes(b"an output")
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # dead, and still there as a zombie
    assert len(left(lake)) == 1
    Store(str(lake)).sweep("another")
    assert len(left(lake)) == 1
    Store(str(lake)).sweep("s")
    assert left(lake) == []
    assert (lake / "s/f/other.parquet").exists()


def test_a_sweep_waits_for_a_writer_that_is_about_to_die(writing):
    lake, process = writing
    killer = threading.Timer(0.5, process.kill)
    killer.start()
    Store(str(lake)).sweep("", patience=60)
    killer.join()
    assert left(lake) == []


def test_a_later_process_of_the_same_number_is_another(tmp_path):
    pid = os.getpid()
    mine = temporary.name_beside(tmp_path / "k")
    machine, number, start, *_ = mine.name.removeprefix(".tmp-").split("-")
    mine.write_bytes(b"")
    earlier = tmp_path / f".tmp-{machine}-{number}-{int(start) - 1}-{'0' * 32}-k"
    earlier.write_bytes(b"")
    assert int(number) == pid
    temporary.sweep(tmp_path)
    assert left(tmp_path) == [mine.name]
    temporary.released(mine)


def test_the_file_of_a_process_that_is_gone_goes(tmp_path):
    process = subprocess.Popen(["true"])
    process.wait()
    mine = temporary.name_beside(tmp_path / "k")
    temporary.released(mine)
    machine = mine.name.removeprefix(".tmp-").split("-")[0]
    (tmp_path / f".tmp-{machine}-{process.pid}-0-{'0' * 32}-k").write_bytes(b"")
    assert [path.parent for path in temporary.sweep(tmp_path)] == [tmp_path]
    assert left(tmp_path) == []


def test_a_writer_that_could_not_say_when_it_started_is_known_by_its_number(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(temporary, "_state", lambda _: [])
        mine = temporary.name_beside(tmp_path / "k")
        temporary.released(mine)
        mine.write_bytes(b"")
        assert not temporary.is_abandoned(mine)
    assert not temporary.is_abandoned(mine)


@pytest.mark.parametrize("other", ["host", "boot", "namespace"])
def test_another_host_boot_or_container_is_another_machine(tmp_path, monkeypatch, request, other):
    def machine():
        temporary._machine.cache_clear()
        path = temporary.name_beside(tmp_path / "k")
        temporary.released(path)
        return path.name.removeprefix(temporary.PREFIX).split("-")[0]

    request.addfinalizer(temporary._machine.cache_clear)
    here, read, readlink = machine(), Path.read_text, Path.readlink
    assert machine() == here
    if other == "host":
        monkeypatch.setattr(socket, "gethostname", lambda: "elsewhere")
    elif other == "boot":
        monkeypatch.setattr(
            Path, "read_text", lambda p, **o: "later" if p.name == "boot_id" else read(p, **o)
        )
    else:
        monkeypatch.setattr(
            Path, "readlink", lambda p: Path("pid:[1]") if p.name == "pid" else readlink(p)
        )
    assert machine() != here


@pytest.mark.parametrize("name", [f".tmp-00000000-1-1-{'0' * 32}-k", f".tmp-{'0' * 32}-k"])
def test_what_another_machine_writes_goes_only_after_a_day_of_silence(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"")
    temporary.sweep(tmp_path)
    assert path.exists()
    now = time.time()
    os.utime(path, (now, now - temporary.ABANDONED_SECONDS + 600))
    temporary.sweep(tmp_path)
    assert path.exists()
    os.utime(path, (now, now - temporary.ABANDONED_SECONDS - 600))
    temporary.sweep(tmp_path)
    assert not path.exists()


def test_a_process_that_ends_at_once_takes_its_own_along(tmp_path):
    other = tmp_path / f".tmp-00000000-1-1-{'0' * 32}-k"
    other.write_bytes(b"")
    writer = Store(str(tmp_path)).writer("k")
    writer.__enter__()
    assert len(left(tmp_path)) == 2
    temporary.discard_own()
    assert left(tmp_path) == [other.name]
    with pytest.raises(StoreError, match="k cannot be written"):
        writer.__exit__(None, None, None)
    stopped = Store(str(tmp_path)).writer("k")
    stopped.__enter__()
    temporary.discard_own()
    assert stopped.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None) is False
