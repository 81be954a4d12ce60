"""The folder that receives a model and its card, whole or recognisably not."""

from __future__ import annotations

import contextlib
import os
import shutil
import uuid
from collections.abc import Sequence
from pathlib import Path

import fsspec
import msgspec
from fsspec.implementations.local import LocalFileSystem

from thresher.filters.errors import ConfigError, StoreError
from thresher.filters.mending import broken_link, needs_package


class Target(msgspec.Struct, frozen=True):
    """A folder on any file system that fsspec knows."""

    filesystem: fsspec.AbstractFileSystem
    """Where it is."""
    folder: str
    """Its path there."""

    @classmethod
    def of(cls, url: str) -> Target:
        """The folder of a path or URL.

        Raises:
            ConfigError: where the URL is of no known kind, or a link leads nowhere.
        """
        try:
            filesystem, path = fsspec.core.url_to_fs(url)
        except (ValueError, ImportError) as error:
            problem = needs_package(error, url) or str(error)
            hint = "Give a folder or an fsspec URL."
            raise ConfigError("train: out", f"{problem}.", hint) from error
        if isinstance(filesystem, LocalFileSystem) and (link := broken_link(path)):
            raise ConfigError("train: out", f"{link}.")
        return cls(filesystem, path.rstrip("/"))

    def store(self, files: Sequence[Path], last: Path) -> None:
        """Write files, the last of them at the end: its presence says that all are there.

        Raises:
            StoreError: where they cannot be written.
        """
        try:
            self.filesystem.makedirs(self.folder, exist_ok=True)
            # The card of an earlier model must not stand beside this one.
            with contextlib.suppress(FileNotFoundError):
                self.filesystem.rm_file(f"{self.folder}/{last.name}")
            for path in (*files, last):
                self.put(path)
        except OSError as error:
            raise StoreError(f"{self.folder}: cannot be written: {error}.") from error

    def put(self, path: Path) -> None:
        """Write one file, atomically."""
        target = f"{self.folder}/{path.name}"
        if not isinstance(self.filesystem, LocalFileSystem):
            # An upload is atomic by itself.
            self.filesystem.put_file(str(path), target)
            return
        temporary = Path(f"{self.folder}/.{path.name}.{uuid.uuid4().hex}.part")
        try:
            shutil.copyfile(path, temporary)
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
