"""The file system `lake://`: the files of one lake, read and never written.

DuckDB reads a lake through it and through nothing else, wherever the lake lies. A path is relative
to the lake; `..` and links that lead out of it are refused, and so is whatever writes. Threads
share the handles that are opened here, so every read says its place (`pread`, a range request).
"""

from __future__ import annotations

import datetime
import io
import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from fsspec import AbstractFileSystem
from fsspec.utils import stringify_path

from thresher.manifests.store import Store

PROTOCOL = "lake"
URL = f"{PROTOCOL}://"

READ_ONLY = "a lake is only read by questions, never written"

_MAGIC = frozenset("*?[")
_WHOLE_BYTES = 2**20
"""Remote files up to this size are fetched in one request."""


def _refuse(*_: object, **__: object) -> NoReturn:
    raise PermissionError(READ_ONLY)


class LakeFiles(AbstractFileSystem):  # type: ignore[misc]  # fsspec is untyped
    """A lake as a read-only fsspec file system.

    Args:
        store: the lake.
        whole: remote files that are fetched at once when they are opened, since they may be
            replaced while they are read.
    """

    protocol = PROTOCOL
    cachable = False  # fsspec would otherwise give the next lake this one's instance
    root_marker = ""

    def __init__(self, store: Store, whole: frozenset[str] = frozenset()) -> None:
        super().__init__()
        self._store = store
        self._whole = whole
        self._root = Path(store.root).resolve()
        self._known: dict[str, dict[str, Any]] = {}
        self._followed: dict[str, Path] = {}

    mkdir = makedirs = rmdir = touch = mv = cp_file = rm = rm_file = _rm = _refuse
    put_file = pipe_file = start_transaction = _refuse

    def open(self, path: str, mode: str = "rb", **_: object) -> LakeFile:
        """Open a file for reading.

        Raises:
            PermissionError: for any other mode, and where the path leads out of the lake.
            FileNotFoundError: if it does not exist.
        """
        if mode != "rb":
            raise PermissionError(READ_ONLY)
        info = self.info(path)
        if info["type"] != "file":
            raise IsADirectoryError(path)
        if self._store.is_local:
            return _local_file(self._follow(info["name"]))
        return self._remote_file(info)

    def info(self, path: str, **_: object) -> dict[str, Any]:
        """Name inside the lake, size in bytes and type of a file or folder."""
        name = _inside(path)
        if self._store.is_local:
            found = _described(name, self._real(name).stat())
            if found is None:
                raise PermissionError(f"{URL}{name} is neither a file nor a folder")
            return found
        if name not in self._known:
            found = self._store.filesystem.info(self._full(name))
            self._known[name] = {"name": name, "size": found["size"], "type": found["type"]}
        return self._known[name]

    def ls(self, path: str, detail: bool = True, **_: object) -> list[Any]:
        """What a folder holds, without links that lead out of the lake."""
        name = _inside(path)
        listed = self._local_entries(name) if self._store.is_local else self._remote_entries(name)
        return listed if detail else [entry["name"] for entry in listed]

    def exists(self, path: str, **_: object) -> bool:
        """Whether a file or folder is there. Unlike fsspec's own, it lets a refusal through."""
        return self._type(path) is not None

    def isfile(self, path: str) -> bool:
        """Whether a file is there."""
        return self._type(path) == "file"

    def isdir(self, path: str) -> bool:
        """Whether a folder is there."""
        return self._type(path) == "directory"

    def glob(self, path: str, maxdepth: int | None = None, **kwargs: object) -> Any:
        """The files that a pattern means."""
        name = _inside(path)
        if not _MAGIC & set(name):
            return [name] if self.exists(name) else []
        return super().glob(name, maxdepth=maxdepth, **kwargs)

    def modified(self, path: str) -> datetime.datetime:
        """When a local file was written. Of other stores always the same: facts never change."""
        seconds = self._real(_inside(path)).stat().st_mtime if self._store.is_local else 0
        return datetime.datetime.fromtimestamp(seconds, datetime.UTC)

    def _type(self, path: str) -> str | None:
        try:
            return str(self.info(path)["type"])
        except (FileNotFoundError, NotADirectoryError):
            return None

    def _full(self, name: str) -> str:
        return f"{self._store.root}/{name}" if name else self._store.root

    def _real(self, name: str) -> Path:
        """The file that a local path leads to; looked at once, since DuckDB asks five times."""
        if name not in self._followed:
            self._followed[name] = self._follow(name)
        return self._followed[name]

    def _follow(self, name: str) -> Path:
        """The file that a local path leads to now, all links followed."""
        real = (self._root / name).resolve()
        if not real.is_relative_to(self._root):
            raise PermissionError(f"{URL}{name} leads out of the lake")
        return real

    def _local_entries(self, name: str) -> list[dict[str, Any]]:
        entries = []
        for entry in sorted(self._real(name).iterdir()):
            inside = f"{name}/{entry.name}" if name else entry.name
            try:
                found = _described(inside, self._real(inside).stat())
            except OSError:  # a link that leads out of the lake, or nowhere
                continue
            if found is not None:
                entries.append(found)
        return entries

    def _remote_entries(self, name: str) -> list[dict[str, Any]]:
        start = len(self._store.filesystem._strip_protocol(self._store.root)) + 1
        found = self._store.filesystem.ls(self._full(name), detail=True)
        return [
            {"name": entry["name"][start:], "size": entry["size"], "type": entry["type"]}
            for entry in found
        ]

    def _remote_file(self, info: dict[str, Any]) -> LakeFile:
        name, size = info["name"], int(info["size"])
        full, filesystem = self._full(name), self._store.filesystem
        if name in self._whole or size <= _WHOLE_BYTES:
            data: bytes = filesystem.cat_file(full)
            return LakeFile(lambda start, end: data[start:end], len(data))
        return LakeFile(lambda start, end: filesystem.cat_file(full, start=start, end=end), size)


class LakeFile(io.RawIOBase):
    """A file of a lake that many threads read at once.

    DuckDB reads a place as `seek` and then `read` in one thread, while others do the same with
    the same handle. So a `seek` is a thread's own, and good for its next `read`. A `read` without
    one goes on where the last `read` of any thread ended: so DuckDB reads texts, in turns.

    Args:
        read_at: gives the bytes from a place to another.
        size: of the file, in bytes.
        release: called once, at closing.
    """

    def __init__(
        self,
        read_at: Callable[[int, int], bytes],
        size: int,
        release: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__()
        self._read_at, self._size, self._release = read_at, size, release
        self._lock = threading.Lock()
        self._sought: dict[int, int] = {}
        """Place by thread. `threading.local` would forget it: a thread of DuckDB's is a new one
        to Python at every call."""
        self._next = 0

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def tell(self) -> int:
        """Where this thread would read."""
        with self._lock:
            return self._sought.get(threading.get_ident(), self._next)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Choose the place of this thread's next `read`."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self.tell(), io.SEEK_END: self._size}[whence]
        with self._lock:
            self._sought[threading.get_ident()] = self._next = start + offset
        return start + offset

    def read(self, size: int | None = -1, /) -> bytes:
        """As many bytes as asked for; fewer at the end of the file only.

        Raises:
            OSError: if the file has become shorter.
        """
        with self._lock:
            start = self._sought.pop(threading.get_ident(), None)
            if start is None:
                start = self._next
                self._sought.clear()
            left = max(self._size - start, 0)
            wanted = left if size is None or size < 0 else min(size, left)
            self._next = start + wanted
        data = self._read_at(start, start + wanted) if wanted else b""
        if len(data) != wanted:  # DuckDB would take what lies in its buffer for the rest
            raise OSError(f"{len(data)} bytes came where {wanted} were expected: the file changed")
        return data

    def close(self) -> None:
        """Release the file."""
        if not self.closed:
            self._release()
        super().close()


def _local_file(real: Path) -> LakeFile:
    # Without O_NONBLOCK a pipe put in the place of a file would hold the reader for ever.
    descriptor = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise PermissionError(f"{real} is not a file")

    def read_at(start: int, end: int) -> bytes:
        parts = []
        while start < end and (part := os.pread(descriptor, end - start, start)):
            parts.append(part)
            start += len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    return LakeFile(read_at, status.st_size, lambda: os.close(descriptor))


def _inside(path: Any) -> str:
    """A path as relative to the lake.

    Raises:
        PermissionError: if it holds `..`.
    """
    parts = stringify_path(path).removeprefix(URL).split("/")
    if ".." in parts:
        raise PermissionError(f"{path} leads out of the lake")
    return "/".join(part for part in parts if part not in ("", "."))


def _described(name: str, status: os.stat_result) -> dict[str, Any] | None:
    kinds = {stat.S_IFREG: "file", stat.S_IFDIR: "directory"}
    kind = kinds.get(stat.S_IFMT(status.st_mode))
    return None if kind is None else {"name": name, "size": status.st_size, "type": kind}
