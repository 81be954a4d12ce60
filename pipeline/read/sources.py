"""Decompression of files that may be damaged, chunk by chunk, in bounded memory.

Gzip, zstd, lz4 or plain bytes: told from the first bytes, not from the name. What the usual readers
hide is visible here, because a ledger must account for it:

- a file that ends inside a compressed member sets `truncated`;
- damaged data raises `Damage` once, behind all bytes that decode before it, and reading goes on at
  the next member;
- a member is held back until its checks have passed (up to `members.HELD_BYTES` of it), so that
  what a damaged one decodes to is known not to be `verified`. A larger one is given out as it
  comes. Where it then turns out damaged, `NotVerified` asks for the file to be read again;
- no input, however well it compresses, is expanded by more than one block at a time.

Errors of the file system itself (a lost connection) are not caught: they are not bad data.
"""

from __future__ import annotations

import codecs
import io
import re
from collections import deque
from collections.abc import Collection
from typing import BinaryIO, Protocol

from thresher.filters.errors import DataError
from thresher.pipeline.read import gzip, lz4, zstd
from thresher.pipeline.read.frames import is_skippable
from thresher.pipeline.read.members import (
    HELD_BYTES,
    Begin,
    Damage,
    Event,
    Format,
    Whole,
    decode_members,
)
from thresher.pipeline.read.stored import CHUNK, StoredBytes

__all__ = ["WINDOW_BYTES", "Damage", "NotVerified", "Source", "open_source"]

WINDOW_BYTES = 256 << 20
"""What the window of a zstd frame may take, where no setting says."""

_CONTROL = re.compile(rb"[\x00-\x08]")
_MAGIC_PLACE = 16


class NotVerified(DataError):  # noqa: N818 - a request, not a fault
    """Documents were given out of members that turned out damaged.

    Args:
        members: places of all such members of the file.
    """

    def __init__(self, members: Collection[int]) -> None:
        super().__init__(f"damaged members at {sorted(members)}")
        self.members = frozenset(members)


class Source(Protocol):
    """Where a `ByteReader` gets its chunks."""

    truncated: bool
    """At the end: the file stopped inside a compressed member."""
    verified: bool
    """Whether the latest chunk is of a member that passed its checks, as far as is known."""
    member: int
    """Where in the file the member of the latest chunk starts; -1 where bytes are stored plain."""
    member_end: int
    """Where it ends; -1 where that is not known."""

    def read_chunk(self) -> bytes:
        """The next bytes; b"" at the end. Raises `Damage`, after which it may go on."""


class PlainSource:
    """Uncompressed bytes."""

    def __init__(self, file: BinaryIO, head: bytes = b"") -> None:
        self._file = file
        self._head = head
        self.truncated = False
        self.verified = True
        self.member = self.member_end = -1

    def read_chunk(self) -> bytes:
        """The next bytes; b"" at the end."""
        head, self._head = self._head, b""
        return head or self._file.read(CHUNK)


class MemberSource:
    """The decoded bytes of a compressed file.

    Args:
        stored: the file.
        how: its compression.
        distrusted: places of members known to be damaged from an earlier reading; None where
            nobody would read again.
    """

    def __init__(
        self, stored: StoredBytes, how: Format, distrusted: Collection[int] | None
    ) -> None:
        self._stored = stored
        self._events = decode_members(stored, how)
        self._distrusted = distrusted
        self._ready: deque[bytes] = deque()
        self._held: list[bytes] | None = None
        self._held_bytes = self._decoded = 0
        self.member, self.member_end = 0, -1
        self._problem: Damage | None = None
        self.truncated = False
        self.verified = True

    def read_chunk(self) -> bytes:
        """The next decompressed bytes; b"" at the end."""
        while True:
            if self._ready:
                return self._ready.popleft()
            if self._problem is not None:
                damage, self._problem = self._problem, None
                raise damage
            event = next(self._events, None)
            if event is None:
                return b""
            if isinstance(event, Whole):
                self.verified = True
                self._decoded += len(event.data)
                if event.data:
                    _, self.member, self.member_end = event
                    return event.data
            else:
                self._take(event)

    def _take(self, event: bytes | Begin | Event | Damage) -> None:
        # What was released of a member is read before the next event is taken.
        if isinstance(event, bytes):
            self._decoded += len(event)
            if self._held is None:
                self._ready.append(event)
                return
            self._held.append(event)
            self._held_bytes += len(event)
            if self._held_bytes > HELD_BYTES:
                self._release(self.member not in (self._distrusted or ()))
        elif isinstance(event, Begin):
            self.member, self.member_end = int(event), -1
            self._held, self._held_bytes = [], 0
        elif event is Event.END:
            self.member_end = self._stored.offset
            self._release(verified=True)
        else:
            if self._held is not None:
                self._release(verified=False)
            elif self._distrusted is not None and self.member not in self._distrusted:
                raise NotVerified(self._damaged_members())
            self.truncated |= event is Event.CUT
            if isinstance(event, Damage):
                # Told in decoded bytes, by how the file has decoded so far.
                event.lost = event.lost * max(1, self._decoded) // max(1, event.offset)
                self._problem = event

    def _release(self, verified: bool) -> None:
        if self._held is not None:
            self._ready.extend(self._held)
            self._held = None
            self.verified = verified

    def _damaged_members(self) -> set[int]:
        """This member and all large ones behind it that are damaged."""
        found = {self.member, *(self._distrusted or ())}
        size = 0
        for event in self._events:
            if isinstance(event, bytes):
                size += len(event)
            elif isinstance(event, Whole):
                continue
            elif isinstance(event, Begin):
                member, size = int(event), 0
            elif event is not Event.END and size > HELD_BYTES:
                found.add(member)
        return found


def open_source(
    file: BinaryIO,
    window_bytes: int = WINDOW_BYTES,
    distrusted: Collection[int] | None = None,
) -> Source:
    """The source that fits the first bytes of a file.

    Args:
        file: a binary file at its start.
        window_bytes: memory that the window of a zstd frame may take.
        distrusted: see `MemberSource`.
    """
    head = b""
    while len(head) < CHUNK and (piece := file.read(CHUNK - len(head))):
        head += piece
    how = _format_of(head, window_bytes)
    if how is None:
        return PlainSource(file, head)
    return MemberSource(StoredBytes(file, head), how, distrusted)


def _format_of(head: bytes, window_bytes: int) -> Format | None:
    if head.startswith(gzip.MAGIC):
        return gzip.gzip_format()
    at = 0
    while is_skippable(head[at : at + 4]) and not head.startswith(zstd.DICTIONARY, at):
        # They stand before frames of zstd (pzstd writes one) and of lz4.
        at += 8 + int.from_bytes(head[at + 4 : at + 8], "little")
    if head.startswith(lz4.MAGIC, at):
        return lz4.LZ4
    if at or head.startswith((zstd.MAGIC, zstd.DICTIONARY)):
        return zstd.zstd_format(window_bytes)
    return _behind_damage(head, window_bytes)


def _behind_damage(head: bytes, window_bytes: int) -> Format | None:
    """The format of members behind first bytes that are neither text nor the start of a member."""
    found: list[tuple[int, Format]] = []
    if _is_text(head[:_MAGIC_PLACE]):
        return None
    for how in (gzip.gzip_format(), zstd.zstd_format(window_bytes), lz4.LZ4):
        stored = StoredBytes(io.BytesIO(b""), head)
        while stored.find(how.starts, how.longest):
            if how.looks_sound(stored):
                found.append((stored.offset, how))
                break
            stored.drop(1)
    return min(found, key=lambda each: each[0], default=(0, None))[1]


def _is_text(start: bytes) -> bool:
    """Whether first bytes are UTF-8 without control characters; it may end within a character."""
    if _CONTROL.search(start):
        return False
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start)
    except UnicodeDecodeError:
        return False
    return True
