"""A file as it is stored, read forward with a look ahead, and back a bounded way to recover."""

from __future__ import annotations

import re
from typing import BinaryIO

CHUNK = 1 << 18

KEPT_BYTES = 16 << 20
"""So much behind a mark is kept for going back to it."""

_REREAD = 4
"""Bytes that may be read again for each that was read once."""

PADDING = b"\0 \t\r\n\v\f"
"""Bytes that some writers leave behind a member."""


class StoredBytes:
    """The bytes of a file in file order.

    Going back is paid from a budget that grows with what was read for the first time, so that no
    input, however it is made, is read more than a few times over.

    Args:
        file: a binary file; what comes behind `head`.
        head: its first bytes, read already.
    """

    def __init__(self, file: BinaryIO, head: bytes) -> None:
        self._file = file
        self._buffer = head
        self._at = 0
        self._base = 0
        self._kept: list[bytes] | None = None
        self._kept_bytes = 0
        self._furthest = 0
        self._spent = 0

    @property
    def offset(self) -> int:
        """How many bytes of the file were taken."""
        return self._base + self._at

    def ahead(self, size: int) -> bytes:
        """The next `size` bytes without taking them; fewer at the end only."""
        if len(self._buffer) - self._at < size:
            self._fill(size)
        return self._buffer[self._at : self._at + size]

    def drop(self, size: int) -> None:
        """Take bytes that were looked at."""
        self._at += size

    def skip(self, size: int) -> int:
        """Pass over bytes; returns how many there were."""
        left = size
        while left > 0 and (there := len(self.ahead(min(left, CHUNK)))):
            self.drop(there)
            left -= there
        return size - left

    def skip_padding(self) -> bool:
        """Pass over NULs and white space; whether anything is left behind them."""
        if self._at < len(self._buffer) and self._buffer[self._at] not in PADDING:
            return True
        while piece := self.ahead(CHUNK if self._at == len(self._buffer) else 64):
            rest = piece.lstrip(PADDING)
            self.drop(len(piece) - len(rest))
            if rest:
                return True
        return False

    def find(self, pattern: re.Pattern[bytes], longest: int, stop: int | None = None) -> bool:
        """Go to the next match of a pattern, or to the end (or `stop`) where there is none.

        Args:
            pattern: what to look for.
            longest: bytes that a match has at most.
            stop: offset in the file before which a match must start.
        """
        while True:
            found = pattern.search(self._buffer, self._at)
            if found is not None and (stop is None or self._base + found.start() < stop):
                self._at = found.start()
                return True
            past = max(self._at, len(self._buffer) - longest + 1)
            if stop is not None and self._base + past >= stop:
                self._at = max(self._at, stop - self._base)
                return False
            self._at = past
            if len(self.ahead(longest)) < longest:
                end = len(self._buffer)
                self._at = end if stop is None else min(end, stop - self._base)
                return False

    def mark(self) -> None:
        """Keep what is taken from here on, up to `KEPT_BYTES`."""
        self._kept, self._kept_bytes = [], 0

    def go_back(self, offset: int) -> bool:
        """Go back to an offset behind the mark; False where that is not kept or has no budget.

        The mark is gone afterwards.
        """
        kept, self._kept = self._kept, None
        budget = self.budget
        if kept is None or budget <= 0:
            return False
        start = self._base - self._kept_bytes
        assert start <= offset <= self.offset
        self._spent += self.offset - offset
        kept.append(self._buffer)
        self._buffer = b"".join(kept)
        self._base, self._at, self._kept_bytes = start, offset - start, 0
        return True

    @property
    def budget(self) -> int:
        """How many bytes may be read again."""
        self._furthest = max(self._furthest, self.offset)
        return _REREAD * self._furthest - self._spent

    def _forget(self) -> None:
        self._kept, self._kept_bytes = None, 0

    def _fill(self, size: int) -> None:
        rest = self._buffer[self._at :]
        parts, there = [rest], len(rest)
        while there < size and (chunk := self._file.read(CHUNK)):
            parts.append(chunk)
            there += len(chunk)
        if there == len(rest):
            return
        if self._kept is not None and self._at:
            self._kept.append(self._buffer[: self._at])
            self._kept_bytes += self._at
            if self._kept_bytes > KEPT_BYTES:
                self._forget()
        self._base += self._at
        self._buffer, self._at = b"".join(parts), 0
