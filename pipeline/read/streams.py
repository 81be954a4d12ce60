"""Lines and blocks from a file that may be compressed and may be damaged."""

from __future__ import annotations

from thresher.pipeline.read.sources import Damage, Source


class ByteReader:
    """Lines and blocks from a `Source`.

    Any method may raise `Damage`; what was buffered of the broken stretch is then gone, and the
    next call reads on behind it.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._buffer = b""
        self._at = 0
        self._ended = False
        self._damage: Damage | None = None

    @property
    def truncated(self) -> bool:
        """The file ended inside a compressed member (known once the end is reached)."""
        return self._source.truncated

    def peek(self, size: int) -> bytes:
        """The next `size` bytes without consuming them; fewer at the end or before damage."""
        try:
            while len(self._buffer) - self._at < size and self._fill():
                pass
        except Damage as damage:
            self._damage = damage  # not before the bytes in front of it were read
        return self._buffer[self._at : self._at + size]

    def read(self, size: int) -> bytes:
        """The next `size` bytes; fewer only at the end."""
        parts = [self._take(size)]
        size -= len(parts[0])
        while size > 0 and self._advance():
            parts.append(self._take(size))
            size -= len(parts[-1])
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def skip(self, size: int) -> int:
        """Pass over `size` bytes without keeping them; returns how many there were."""
        left = size - len(self._take(size))
        while left > 0 and self._advance():
            left -= len(self._take(left))
        return size - left

    def readline(self, limit: int) -> bytes:
        r"""The next line with its "\n", or the next `limit` bytes where it is longer."""
        searched = 0
        while True:
            start = self._at + searched
            stop = self._at + limit
            end = self._buffer.find(b"\n", start, stop)
            if end >= 0:
                return self._take(end + 1 - self._at)
            if len(self._buffer) >= stop:
                return self._take(limit)
            searched = len(self._buffer) - self._at
            if not self._advance():
                return self._take(limit)

    def unread(self, data: bytes) -> None:
        """Put bytes back in front of the next read."""
        self._buffer = data + self._buffer[self._at :]
        self._at = 0

    def _take(self, size: int) -> bytes:
        data = self._buffer[self._at : self._at + size]
        self._at += len(data)
        return data

    def _advance(self) -> bool:
        """Fill; at damage, what is buffered belongs to the broken stretch and goes."""
        try:
            return self._fill()
        except Damage:
            self._buffer, self._at = b"", 0
            raise

    def _fill(self) -> bool:
        if self._damage is not None:
            damage, self._damage = self._damage, None
            raise damage
        if self._ended:
            return False
        chunk = self._source.read_chunk()
        if not chunk:
            self._ended = True
            return False
        self._buffer = self._buffer[self._at :] + chunk
        self._at = 0
        return True
