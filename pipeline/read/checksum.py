"""The sha256 of an input file, taken while it is read."""

from __future__ import annotations

import hashlib
from typing import BinaryIO

_BLOCK = 1 << 20


class ChecksumFile:
    """A binary file for reading that hashes each byte once, in file order, as it passes.

    Args:
        file: a binary file at its start.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self._at = self._hashed = 0
        self._ahead = b""

    def peek(self, size: int) -> bytes:
        """The first `size` bytes, which will be read again; fewer in a shorter file."""
        while len(self._ahead) < size and (data := self._take(size - len(self._ahead))):
            self._ahead += data
        return self._ahead[:size]

    def read(self, size: int = -1) -> bytes:
        """Read like the file itself."""
        if not self._ahead:
            return self._take(size)
        ahead = self._ahead if size < 0 else self._ahead[:size]
        self._ahead = self._ahead[len(ahead) :]
        rest = size - len(ahead) if size >= 0 else -1
        return ahead + self._take(rest) if rest else ahead

    def seek(self, offset: int) -> int:
        """Go to an offset from the start."""
        self._ahead = b""
        self._file.seek(offset)
        self._at = offset
        return offset

    def finish(self) -> str:
        """Hash what was not read yet; the hash of the whole file in hex."""
        self.seek(self._hashed)
        while self._take(_BLOCK):
            pass
        return self._digest.hexdigest()

    def _take(self, size: int) -> bytes:
        data = self._file.read(size)
        new = self._at + len(data) - self._hashed
        if new > 0 and self._at <= self._hashed:
            self._digest.update(data[len(data) - new :])
            self._hashed += new
        self._at += len(data)
        return data
