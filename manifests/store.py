"""The lake: one folder or bucket, addressed by an fsspec URL, written atomically.

All input and output of a lake goes through `Store`. Paths inside a lake are relative strings
joined by "/". On a local file system an output is written to a unique temporary name beside
its place, synced and renamed (`manifests.temporary` clears what dead writers leave); elsewhere it
is spooled to local disk and uploaded in one call, which object stores make visible at once or not
at all. What no manifest names does not exist to any reader, so a leftover temporary file is
harmless. What a file system or its driver raises becomes a `StoreError` that says where and why.
"""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

import fsspec
from fsspec.implementations.local import LocalFileSystem

from thresher.filters.errors import StoreError, ThresherError, UnreachableError
from thresher.filters.mending import broken_link, needs_package, to_install
from thresher.manifests import temporary

_PASSING = (errno.EAGAIN, errno.EBUSY, errno.EINTR)
"""What may be gone at the next try; object stores that ask to slow down are `EBUSY`."""
_ABSENT = (errno.ENOENT, errno.ENOTDIR, errno.EEXIST, errno.EISDIR)
"""What the system says of a link that leads nowhere."""
_WRITING = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)
"""What a write meets on a full, read-only or broken disk, wherever in the writing that is."""


class Store:
    """A lake at an fsspec URL.

    Args:
        url: a local path or any fsspec URL (``s3://bucket/lake``, ``memory://lake``).

    Raises:
        StoreError: if no lake can be there: fsspec does not know its protocol, the driver for it
            is not installed, or its path has what readers and writers take differently.
    """

    def __init__(self, url: str) -> None:
        _check_path(url)
        try:
            self.filesystem, root = fsspec.core.url_to_fs(url)
        except Exception as error:  # every driver has its own tree of errors
            problem = needs_package(error, url)
            problem = problem or f"{url}: no such place for a lake: {cause_of(error)}"
            raise StoreError(problem) from error
        self.root = str(root).rstrip("/")
        self.is_local = isinstance(self.filesystem, LocalFileSystem)

    def check(self) -> None:
        """Look at the lake, which need not exist yet.

        Raises:
            StoreError: if its place cannot be reached: no credentials, no such bucket, no network;
                or is a file.
        """
        if self.is_local and (link := broken_link(self.root)):
            raise StoreError(link)
        with _reaching(self.url(), "reached"):
            try:
                found = self.filesystem.info(self.root)
            except FileNotFoundError as error:
                # Over http "no answer" is raised as "no such file", from the true cause.
                if isinstance(error.__cause__, OSError) and error.__cause__.errno is not None:
                    raise error.__cause__ from error
                return
        if self.is_local and found["type"] == "file":
            raise StoreError(f"{self.url()} is a file, and a lake is a folder")

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
            StoreError: if it does not exist or cannot be read.
        """
        with _reaching(self.url(path), "read"):
            try:
                return cast(BinaryIO, self.filesystem.open(self._full(path), "rb"))
            except FileNotFoundError as error:
                raise StoreError(f"{self.url(path)} does not exist") from error

    def read_bytes(self, path: str) -> bytes:
        """The content of a file. Raises `StoreError` if it does not exist or cannot be read."""
        with self.open(path) as file, _reaching(self.url(path), "read"):
            return file.read()

    def write_bytes(self, path: str, data: bytes) -> None:
        """Write a whole file atomically."""
        with self.writer(path) as file:
            file.write(data)

    @contextlib.contextmanager
    def writer(self, path: str) -> Iterator[BinaryIO]:
        """A binary file that appears at `path` when the block ends cleanly, and not otherwise.

        Raises:
            StoreError: if it cannot be written: a full disk, a read-only lake, no rights.
        """
        full = self._full(path)
        with contextlib.ExitStack() as stack:
            with _reaching(self.url(path), "written"):
                opened = _local_writer(Path(full)) if self.is_local else self._upload(full)
                file = stack.enter_context(opened)
            try:
                yield file
            except OSError as error:
                if error.errno in _WRITING and not isinstance(error, ThresherError):
                    raise StoreError(_problem(self.url(path), "written", error)) from error
                raise
            with _reaching(self.url(path), "written"):
                # Leaves here, so that what is said of it is about this file.
                stack.pop_all().close()

    @contextlib.contextmanager
    def _upload(self, full: str) -> Iterator[BinaryIO]:
        with tempfile.NamedTemporaryFile(prefix="thresher-") as spool:
            yield cast(BinaryIO, spool)
            spool.flush()
            self.filesystem.makedirs(full.rsplit("/", 1)[0], exist_ok=True)
            self.filesystem.put_file(spool.name, full)

    def exists(self, path: str) -> bool:
        """Whether a file is there. Raises `StoreError` if that cannot be told."""
        with _reaching(self.url(path), "reached"):
            return bool(self.filesystem.exists(self._full(path)))

    def sizes(self, prefix: str) -> dict[str, int]:
        """Every file below a folder with its bytes, by relative path; empty if there is none."""
        self.filesystem.invalidate_cache()
        found: dict[str, dict[str, Any]]
        with _reaching(self.url(prefix), "listed"):
            try:
                found = self.filesystem.find(self._full(prefix), detail=True)
            except FileNotFoundError:
                return {}
        start = len(self._full("")) + 1
        return {
            name[start:]: int(info["size"])
            for name, info in sorted(found.items())
            if not name.rsplit("/", 1)[-1].startswith(temporary.PREFIX)
        }

    def remove(self, path: str) -> None:
        """Delete a file; nothing happens if it is not there."""
        with _reaching(self.url(path), "removed"), contextlib.suppress(FileNotFoundError):
            self.filesystem.rm_file(self._full(path))

    def sweep(self, prefix: str = "", patience: float = 0.0) -> None:
        """Remove what dead writers left below a folder; uploads to object stores leave nothing.

        Args:
            prefix: the folder.
            patience: seconds to wait for writers of this machine that are about to die.
        """
        if self.is_local:
            temporary.sweep(Path(self._full(prefix)), patience)

    def _full(self, path: str) -> str:
        return f"{self.root}/{path}" if path else self.root


def cause_of(error: BaseException) -> str:
    """What an error of a file system or its driver says, in one line."""
    if isinstance(error, FileNotFoundError) and isinstance(error.__cause__, OSError):
        return cause_of(error.__cause__)  # over http fsspec calls every failure a missing file
    if isinstance(error, OSError) and error.strerror:
        named = isinstance(error.filename, str) and error.errno in _ABSENT
        return (broken_link(error.filename) if named else "") or error.strerror
    if command := to_install(error):
        return f"{command} first"
    text = " ".join(str(error).split())
    if isinstance(error, ImportError | ValueError) and text:
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _check_path(url: str) -> None:
    for part, why in (
        ("::", "'::' chains file systems, and nothing can be written through a chain"),
        ("\\", "'\\' ends a folder's name to some readers and is a letter of it to others"),
        ("\0", "no path holds a NUL"),
    ):
        if part in url:
            where = url.replace("\0", "\\0")
            raise StoreError(f"{where} cannot be the place of a lake: {why}")
    if any("\ud800" <= character <= "\udfff" for character in url):
        problem = "its name is not text in this locale; LC_ALL=C.UTF-8 may help, or another name"
        raise StoreError(f"{url!r} cannot be the place of a lake: {problem}")


def _problem(url: str, doing: str, error: BaseException) -> str:
    return f"{url} cannot be {doing}: {cause_of(error)}"


@contextlib.contextmanager
def _reaching(url: str, doing: str) -> Iterator[None]:
    """What a file system or its driver raises, as errors of the lake that say where and what for.

    Every driver has its own tree of errors. Those of the operating system are final, except that a
    connection may come back; those of others may be anything, and get the benefit of the doubt.
    """
    try:
        yield
    except ThresherError:
        raise
    except Exception as error:
        transient = (
            not isinstance(error, OSError)
            or isinstance(error, ConnectionError | TimeoutError)
            or error.errno in _PASSING
        )
        kind = UnreachableError if transient else StoreError
        raise kind(_problem(url, doing, error)) from error


@contextlib.contextmanager
def _local_writer(target: Path) -> Iterator[BinaryIO]:
    target.parent.mkdir(parents=True, exist_ok=True)
    place = temporary.name_beside(target)
    try:
        with place.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        place.replace(target)
    except BaseException:
        place.unlink(missing_ok=True)
        raise
    finally:
        temporary.released(place)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
