"""The lake: one folder or bucket, addressed by an fsspec URL, written atomically.

All input and output of a lake goes through `Store`. Paths inside a lake are relative strings
joined by "/". On a local file system an output is written to a unique temporary name beside
its place, synced and renamed; elsewhere it is spooled to local disk and uploaded in one call,
which object stores make visible at once or not at all. What no manifest names does not exist
to any reader, so a leftover temporary file is harmless.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

import fsspec
from fsspec.implementations.local import LocalFileSystem

from thresher.filters.errors import StoreError

_TEMPORARY = ".tmp-"


class Store:
    """A lake at an fsspec URL.

    Args:
        url: a local path or any fsspec URL (``s3://bucket/lake``, ``memory://lake``).

    Raises:
        StoreError: if fsspec does not know its protocol, or the driver for it is not installed.
    """

    def __init__(self, url: str) -> None:
        try:
            self.filesystem, root = fsspec.core.url_to_fs(url)
        except (ImportError, ValueError) as error:
            raise StoreError(f"{url}: no such place for a lake: {error}") from error
        self.root = str(root).rstrip("/")
        self.is_local = isinstance(self.filesystem, LocalFileSystem)

    def check(self) -> None:
        """Look at the lake, which need not exist yet.

        Raises:
            StoreError: if its place cannot be reached: no credentials, no such bucket, no network.
        """
        try:
            self.filesystem.exists(self.root)
        except Exception as error:
            raise StoreError(f"{self.url()} cannot be reached: {error}") from error

    def __reduce__(self) -> tuple[type[Store], tuple[str]]:
        return type(self), (self.url(),)

    def url(self, path: str = "") -> str:
        """The full URL of a path: what `fsspec.open` and DuckDB take. Local ones are bare paths."""
        return str(
            self._full(path)
            if self.is_local
            else self.filesystem.unstrip_protocol(self._full(path))
        )

    def open(self, path: str) -> BinaryIO:
        """Open a file for reading.

        Raises:
            StoreError: if it does not exist.
        """
        try:
            return cast(BinaryIO, self.filesystem.open(self._full(path), "rb"))
        except FileNotFoundError as error:
            raise StoreError(f"{self.url(path)} does not exist") from error

    def read_bytes(self, path: str) -> bytes:
        """The content of a file. Raises `StoreError` if it does not exist."""
        with self.open(path) as file:
            return file.read()

    def write_bytes(self, path: str, data: bytes) -> None:
        """Write a whole file atomically."""
        with self.writer(path) as file:
            file.write(data)

    @contextlib.contextmanager
    def writer(self, path: str) -> Iterator[BinaryIO]:
        """A binary file that appears at `path` when the block ends cleanly, and not otherwise."""
        full = self._full(path)
        if self.is_local:
            with _local_writer(Path(full)) as file:
                yield file
            return
        with tempfile.NamedTemporaryFile(prefix="thresher-") as spool:
            yield cast(BinaryIO, spool)
            spool.flush()
            self.filesystem.makedirs(full.rsplit("/", 1)[0], exist_ok=True)
            self.filesystem.put_file(spool.name, full)

    def exists(self, path: str) -> bool:
        """Whether a file is there."""
        return bool(self.filesystem.exists(self._full(path)))

    def sizes(self, prefix: str) -> dict[str, int]:
        """Every file below a folder with its bytes, by relative path; empty if there is none."""
        self.filesystem.invalidate_cache()
        try:
            found: dict[str, dict[str, Any]] = self.filesystem.find(self._full(prefix), detail=True)
        except FileNotFoundError:
            return {}
        start = len(self._full("")) + 1
        return {
            name[start:]: int(info["size"])
            for name, info in sorted(found.items())
            if not name.rsplit("/", 1)[-1].startswith(_TEMPORARY)
        }

    def remove(self, path: str) -> None:
        """Delete a file; nothing happens if it is not there."""
        with contextlib.suppress(FileNotFoundError):
            self.filesystem.rm_file(self._full(path))

    def _full(self, path: str) -> str:
        return f"{self.root}/{path}" if path else self.root


@contextlib.contextmanager
def _local_writer(target: Path) -> Iterator[BinaryIO]:
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f"{_TEMPORARY}{uuid.uuid4().hex}-{target.name}")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
