"""Where compiled kernels and what is costly to build are kept between processes.

One folder per version of the kernels: its name is a hash over their sources and the versions of
what compiles them. numba stamps a cached function with its own file only, while a kernel carries
the code of those it calls; a folder of its own cannot be stale. It lies in `NUMBA_CACHE_DIR` if
that is set, else beside the sources, or where those cannot be written in the user's cache
folder (`XDG_CACHE_HOME`, else `~/.cache`), at last in a temporary one. Within it numba keeps the
code of each kind of processor apart, and so do the marks of what is compiled.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import hashlib
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import llvmlite
import numba
import numpy as np
import numpy.typing as npt
from llvmlite import binding

_PREFIX = "thresher-kernels-"
_HERE = Path(__file__).parent
# Not resolved: through a link the repository's other folders would not lie beside this one.
_PACKAGE = _HERE.parents[2]


def sources(package: Path) -> list[Path]:
    """Every source that is compiled, or whose values compiled code carries.

    Args:
        package: the folder `thresher`.
    """
    patterns = ("filters/kernels/**/*.py", "filters/stop_words.py", "*/**/*kernels.py")
    return sorted({path for pattern in patterns for path in package.glob(pattern)})


@functools.cache
def folder() -> Path:
    """The cache folder of this version, made if it is not there."""
    digest = hashlib.sha256()
    for source in sources(_PACKAGE):
        name = source.relative_to(_PACKAGE).as_posix()
        digest.update(name.encode() + b"\0" + source.read_bytes())
    digest.update(repr((numba.__version__, llvmlite.__version__, sys.version)).encode())
    name = _PREFIX + digest.hexdigest()[:16]
    beside = _HERE / "__pycache__"
    given = os.environ.get("NUMBA_CACHE_DIR")
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    for base in [Path(given)] if given else [beside, home / "thresher"]:
        path = base / name
        try:
            fresh = not path.exists()
            path.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=path).close()
        except OSError:
            continue
        if fresh and base == beside:  # sources have one version at a time, and so need one folder
            for old in base.glob(_PREFIX + "*"):
                if old != path:
                    shutil.rmtree(old, ignore_errors=True)
        return path
    return Path(tempfile.mkdtemp(prefix=_PREFIX))


@contextlib.contextmanager
def used_by_numba() -> Iterator[None]:
    """Functions decorated meanwhile are cached in the folder."""
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(folder())
    try:
        yield
    finally:
        numba.config.CACHE_DIR = before


_listeners: list[Callable[[], None]] = []


@contextlib.contextmanager
def telling(listener: Callable[[], None]) -> Iterator[None]:
    """Tell, while the block runs, of each wait for something that is not compiled yet.

    Args:
        listener: called by the thread that waits, before it does.
    """
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


def compile_once(what: str, compile_all: Callable[[], None]) -> None:
    """Compile unless a process of such a machine has; of several at once, one compiles.

    Args:
        what: names it among other things to compile.
        compile_all: calls every kernel; what it compiles goes into the cache.
    """
    cpu = f"{platform.machine()} {binding.get_host_cpu_name()} {sorted(_features())}"
    mark = folder() / f"compiled-{what}-{hashlib.sha256(cpu.encode()).hexdigest()[:16]}"
    if mark.exists():
        return
    for listener in list(_listeners):
        listener()
    with _lock(mark.with_suffix(".lock")):
        if not mark.exists():
            compile_all()
            mark.touch()


def _features() -> list[str]:
    return [name for name, there in binding.get_host_cpu_features().items() if there]


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Hold a file lock; without one where the file system has none."""
    with path.open("w") as file:
        with contextlib.suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def stored_array(name: str, build: Callable[[], npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """An array from the folder, or built and stored there; read-only.

    Args:
        name: says all that its content depends on, but for the sources of the kernels.
        build: makes it.
    """
    path = folder() / f"{name}.npy"
    try:
        array: npt.NDArray[Any] = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):  # not there, or torn
        array = build()
        with tempfile.NamedTemporaryFile(dir=folder(), delete=False) as file:
            np.save(file, array, allow_pickle=False)
        Path(file.name).replace(path)
    array.setflags(write=False)
    return array
