from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from thresher.filters.kernels.text import cache

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    cache.folder.cache_clear()
    yield tmp_path
    cache.folder.cache_clear()


def test_the_folder_follows_the_setting_and_the_sources(elsewhere, monkeypatch):
    one = cache.folder()
    assert one.parent == elsewhere
    extra = elsewhere / "kernel.py"
    extra.write_text("a = 1\n")
    monkeypatch.setattr(cache, "_PACKAGE", elsewhere)
    monkeypatch.setattr(cache, "sources", lambda _package: [extra])
    cache.folder.cache_clear()
    assert cache.folder() not in (one, None)


def test_a_read_only_installation_caches_in_the_users_folder(tmp_path, monkeypatch):
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    blocked = tmp_path / "file"
    blocked.write_text("")  # root may write to any folder, but into no file
    monkeypatch.setattr(cache, "_HERE", blocked)
    cache.folder.cache_clear()
    assert cache.folder().parent == tmp_path / "thresher"
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    cache.folder.cache_clear()
    assert cache.folder().is_dir()
    cache.folder.cache_clear()


def test_older_kernels_beside_the_sources_are_dropped(tmp_path, monkeypatch):
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setattr(cache, "_HERE", tmp_path)
    old = tmp_path / "__pycache__" / "thresher-kernels-0123"
    old.mkdir(parents=True)
    cache.folder.cache_clear()
    assert cache.folder().is_dir()
    assert not old.exists()
    cache.folder.cache_clear()


@pytest.mark.usefixtures("elsewhere")
def test_what_is_compiled_is_not_compiled_again():
    calls = []
    for _ in range(2):
        cache.compile_once("test", lambda: calls.append(1))
    cache.compile_once("other", lambda: calls.append(2))
    assert calls == [1, 2]
    with pytest.raises(ZeroDivisionError):
        cache.compile_once("broken", lambda: calls.append(1 // 0))
    cache.compile_once("broken", lambda: calls.append(3))
    assert calls == [1, 2, 3]


@pytest.mark.usefixtures("elsewhere")
def test_of_two_processes_one_compiles():
    script = (
        "import time; from filters.kernels import cache\n"
        "cache.compile_once('test', lambda: (time.sleep(1), print('compiled')))"
    )
    both = [
        subprocess.Popen(
            [sys.executable, "-c", script], cwd=ROOT, env=os.environ, stdout=subprocess.PIPE
        )
        for _ in range(2)
    ]
    assert sorted(process.communicate()[0] for process in both) == [b"", b"compiled\n"]


@pytest.mark.usefixtures("elsewhere")
def test_an_array_is_built_once_and_again_if_it_is_torn():
    calls = []

    def build():
        calls.append(1)
        return np.arange(5)

    for _ in range(2):
        assert cache.stored_array("numbers", build).tolist() == [0, 1, 2, 3, 4]
    assert len(calls) == 1
    path = cache.folder() / "numbers.npy"
    path.write_bytes(path.read_bytes()[:-8])
    assert cache.stored_array("numbers", build).tolist() == [0, 1, 2, 3, 4]
    assert len(calls) == 2
    assert not cache.stored_array("numbers", build).flags.writeable


def test_a_second_process_needs_neither_datasketch_nor_datatrove():
    script = (
        "import sys, pyarrow as pa; from filters.measure import *\n"
        "measure(pa.array(['a b c d e f']), MinHashSettings())\n"
        "print('datasketch' in sys.modules, 'datatrove' in sys.modules)"
    )
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
        )
    assert done.stdout == "False False\n"
