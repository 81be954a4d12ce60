"""Lines and blocks from a file that may be compressed and may be damaged."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass

from thresher.pipeline.read.sources import Damage, Source

_MOST_STRETCHES = 1 << 12


@dataclass(slots=True)
class _Stretch:
    """Decoded bytes of one compressed member, or of several that follow each other."""

    start: int
    end: int
    member: int
    """Place of the member in the file."""
    member_end: int
    """The place behind it; -1 where that is not known."""


class ByteReader:
    """Lines and blocks from a `Source`.

    `read`, `skip` and `readline` may raise `Damage`; what was buffered of the broken stretch is
    then gone, and the next call reads on behind it. Looking ahead never raises.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._buffer = b""
        self._at = 0
        self._filled = 0
        self._ended = False
        self._damage: Damage | None = None
        self._doubtful: list[list[int]] = []
        self._stretches: deque[_Stretch] = deque()
        self.damage: Damage | None = None
        """The latest damage that was raised."""

    @property
    def truncated(self) -> bool:
        """The file ended inside a compressed member (known once the end is reached)."""
        return self._source.truncated

    @property
    def position(self) -> int:
        """How many decoded bytes were taken."""
        return self._filled - len(self._buffer) + self._at

    def is_sound(self) -> bool:
        """Whether no damage was met that is not settled, nor bytes that are not verified."""
        return self.damage is None and not self._doubtful

    def doubtful(self, start: int, end: int) -> bool:
        """Whether bytes between two positions, the later of which was reached, are not verified."""
        while self._doubtful and self._doubtful[0][1] <= start:
            self._doubtful.pop(0)
        return bool(self._doubtful) and self._doubtful[0][0] < end

    def place(self, start: int, size: int) -> tuple[int, int | None, int, int]:
        """Where the file stores some bytes that were read.

        Args:
            start: their position, not in front of one that was asked for before, nor of damage.
            size: how many they are.

        Returns:
            As `records.Origin` has them: offset, length, inside, bytes.
        """
        known = self._stretches
        while len(known) > 1 and known[0].end <= start:
            known.popleft()
        if not known:
            return start, size, 0, size
        first = known[0]
        last = first
        if first.end < start + size:
            last = next(each for each in known if each.end >= start + size)
        length = None if last.member_end < 0 else last.member_end - first.member
        return first.member, length, start - first.start, size

    def peek(self, size: int) -> bytes:
        """The next `size` bytes without consuming them; fewer at the end or before damage."""
        return self.look(0, size)

    def look(self, offset: int, size: int) -> bytes:
        """Like `peek`, from so many bytes further on."""
        self._gather(offset + size)
        start = self._at + offset
        return self._buffer[start : start + size]

    def search(self, pattern: re.Pattern[bytes], size: int) -> int:
        """Where within the next `size` bytes a pattern first ends; -1 where it does not."""
        self._gather(size)
        found = pattern.search(self._buffer, self._at, self._at + size)
        return -1 if found is None else found.end() - self._at

    def read(self, size: int) -> bytes:
        """The next `size` bytes; fewer only at the end."""
        if not self._gather(size):
            self._raise()
        return self._take(size)

    def skip(self, size: int) -> int:
        """Pass over `size` bytes without keeping them; returns how many there were."""
        left = size - len(self._take(size))
        while left > 0:
            if not self._gather(1):
                self._raise()
                break
            left -= len(self._take(left))
        return size - left

    def readline(self, limit: int) -> bytes:
        r"""The next line with its "\n", or the next `limit` bytes where it is longer."""
        start = self._at
        end = self._buffer.find(b"\n", start, start + limit) + 1
        if not end:
            return self._take(self._line_end(limit))
        self._at = end
        return self._buffer[start:end]

    def _line_end(self, limit: int) -> int:
        """How long the next line is, if it is not in the buffer whole."""
        size = len(self._buffer) - self._at
        if size < limit and not self._is_over():
            parts = [self._buffer[self._at :]]
            end = 0
            while size < limit and not end and (chunk := self._chunk()):
                end = chunk.find(b"\n", 0, limit - size) + 1
                parts.append(chunk)
                size += end or len(chunk)
            self._buffer, self._at = b"".join(parts), 0
            if end:
                return size
        if size < limit:
            self._raise()
        return limit

    def take_block(self, end: re.Pattern[bytes], size: int) -> bytes:
        """The bytes in front of a match within `size` bytes, if the buffer holds it; else b"".

        The match is taken with them.
        """
        found = end.search(self._buffer, self._at, self._at + size)
        if found is None:
            return b""
        data = self._buffer[self._at : found.start()]
        self._at = found.end()
        return data

    def unread(self, data: bytes) -> None:
        """Put bytes back in front of the next read."""
        self._buffer = data + self._buffer[self._at :]
        self._at = 0

    def _take(self, size: int) -> bytes:
        data = self._buffer[self._at : self._at + size]
        self._at += len(data)
        return data

    def _gather(self, size: int) -> bool:
        """Have `size` bytes in the buffer; False at the end or before damage."""
        there = len(self._buffer) - self._at
        if there >= size or self._is_over():
            return there >= size
        parts = [self._buffer[self._at :]]
        while there < size and (chunk := self._chunk()):
            parts.append(chunk)
            there += len(chunk)
        self._buffer, self._at = b"".join(parts), 0
        return there >= size

    def _is_over(self) -> bool:
        """Whether the buffer holds all there is, up to the end or the damage ahead."""
        return self._ended or self._damage is not None

    def _chunk(self) -> bytes:
        if self._is_over():
            return b""
        try:
            chunk = self._source.read_chunk()
        except Damage as damage:
            self._damage = damage  # not before the bytes in front of it were read
            return b""
        self._ended = not chunk
        if chunk and not self._source.verified:
            if self._doubtful and self._doubtful[-1][1] == self._filled:
                self._doubtful[-1][1] += len(chunk)
            else:
                self._doubtful.append([self._filled, self._filled + len(chunk)])
        self._filled += len(chunk)
        if self._source.member >= 0:
            self._came(len(chunk))
        return chunk

    def _came(self, size: int) -> None:
        """Note of which member the latest bytes are."""
        known, source = self._stretches, self._source
        if known and known[-1].member == source.member:
            known[-1].end = self._filled
            return
        start = self._filled - size
        known.append(_Stretch(start, self._filled, source.member, source.member_end))
        if len(known) > _MOST_STRETCHES:
            # Nobody has asked for long: a wider stretch says less, and nothing wrong.
            first = known.popleft()
            known[0].start, known[0].member = first.start, first.member

    def _raise(self) -> None:
        """Raise damage that was met; what is buffered belongs to the broken stretch and goes."""
        if self._damage is not None:
            self.damage, self._damage = self._damage, None
            self._buffer, self._at = b"", 0
            raise self.damage
