from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from thresher.filters.kernels.text import cache

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = ROOT / "src" / "thresher"


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
def test_who_listens_is_told_before_anything_is_compiled():
    told = []
    with cache.telling(lambda: told.append("wait")):
        for name in ("one", "two", "one"):
            cache.compile_once(name, lambda: told.append("compiled"))
    cache.compile_once("three", lambda: None)
    assert told == ["wait", "compiled"] * 2


@pytest.mark.usefixtures("elsewhere")
def test_of_two_processes_one_compiles():
    script = (
        "import time; from thresher.filters.kernels.text import cache\n"
        "cache.compile_once('test', lambda: (time.sleep(1), print('compiled')))"
    )
    both = [
        subprocess.Popen(
            [sys.executable, "-c", script],
            cwd=PACKAGE.parent,
            env=os.environ,
            stdout=subprocess.PIPE,
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
        "import sys, pyarrow as pa; from thresher.filters.measure import *\n"
        "measure(pa.array(['a b c d e f']), MinHashSettings())\n"
        "print('datasketch' in sys.modules, 'datatrove' in sys.modules)"
    )
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", script],
            cwd=PACKAGE.parent,
            capture_output=True,
            text=True,
            check=True,
        )
    assert done.stdout == "False False\n"


DECORATORS = {"kernel", "borrowing_kernel", "inner", "inlined", "njit", "jit", "intrinsic"}


def _module(name: str) -> Path | None:
    """The source of a module of Thresher, if there is one of that name."""
    path = PACKAGE.parent / name.replace(".", "/")
    sources = (path.with_suffix(".py"), path / "__init__.py")
    return next((source for source in sources if source.is_file()), None)


def _imported(source: Path) -> set[Path]:
    names = set()
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    found = (_module(name) for name in names if name.startswith("thresher."))
    return {path for path in found if path and path != PACKAGE / "__init__.py"}


def _compiles(source: Path) -> bool:
    functions = (
        n for n in ast.walk(ast.parse(source.read_text())) if isinstance(n, ast.FunctionDef)
    )
    named = (ast.unparse(each).split("(")[0] for f in functions for each in f.decorator_list)
    return bool(DECORATORS & {name.split(".")[-1] for name in named})


def test_every_source_that_is_compiled_or_compiled_in_is_hashed():
    folders = [entry for entry in PACKAGE.iterdir() if entry.is_dir()]
    waiting = {path for folder in folders for path in folder.rglob("*.py") if _compiles(path)}
    assert {"dedup", "extract", "rules", "junk"} <= {path.parent.name for path in waiting}
    reached: set[Path] = set()
    while waiting:
        source = waiting.pop()
        reached.add(source)
        waiting |= _imported(source) - reached
    missing = sorted(
        str(path.relative_to(PACKAGE)) for path in reached - set(cache.sources(PACKAGE))
    )
    assert not missing, f"compiled code could be stale after an edit of {missing}"


def test_an_edited_callee_runs_as_new_code(tmp_path):
    """The caller lies in another room and is not touched, so numba's own stamp sees nothing."""
    package = tmp_path / "copy" / "src" / "thresher"
    shutil.copytree(PACKAGE, package, symlinks=True)
    for name in ("filters", "pipeline", "manifests"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, tmp_path / "copy" / name, ignore=ignored)
    script = (
        "import pyarrow as pa; from thresher.pipeline.repeated_lines.lines import split\n"
        "print(split(pa.array(['One line.'])).hashes[0])"
    )
    environment = {
        **os.environ,
        "PYTHONPATH": str(package.parent),
        "NUMBA_CACHE_DIR": str(tmp_path / "kernels"),
    }

    def run():
        command = [sys.executable, "-P", "-c", script]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return int(done.stdout)

    before = run()
    assert run() == before
    callee = tmp_path / "copy" / "filters" / "kernels" / "text" / "hashing.py"
    edited = callee.read_text().replace("_U29 = np.uint64(29)", "_U29 = np.uint64(30)")
    assert edited != callee.read_text()
    callee.write_text(edited)
    assert run() != before
