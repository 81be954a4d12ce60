"""The sha256 of an input file, taken while it is read."""

from __future__ import annotations

import hashlib
from typing import BinaryIO

_BLOCK = 1 << 20


class ChecksumFile:
    """A binary file for reading that hashes each byte once, in file order, as it passes.

    Args:
        file: a seekable binary file at its start.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self._at = self._hashed = 0

    def read(self, size: int = -1) -> bytes:
        """Read like the file itself."""
        data = self._file.read(size)
        new = self._at + len(data) - self._hashed
        if new > 0 and self._at <= self._hashed:
            self._digest.update(data[len(data) - new :])
            self._hashed += new
        self._at += len(data)
        return data

    def seek(self, offset: int) -> int:
        """Go to an offset from the start."""
        self._at = self._file.seek(offset)
        return self._at

    def finish(self) -> str:
        """Hash what was not read yet; the hash of the whole file in hex."""
        self.seek(self._hashed)
        while self.read(_BLOCK):
            pass
        return self._digest.hexdigest()
