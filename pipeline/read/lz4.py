"""LZ4: one frame. The blocks are fastwarc's to decode, the walk over them is ours."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastwarc.stream_io import Lz4Reader

from thresher.pipeline.read.frames import SKIPPABLE, is_skippable, no_frame, skip_frame
from thresher.pipeline.read.members import Damage, Decoded, Event, Format
from thresher.pipeline.read.stored import CHUNK, StoredBytes

MAGIC = b"\x04\x22\x4d\x18"
_BLOCK_BYTES = 4 << 20
_UNCOMPRESSED = 1 << 31


def _member(stored: StoredBytes) -> Decoded:
    magic = stored.ahead(4)
    if is_skippable(magic):
        yield skip_frame(stored, MAGIC)
        return
    if magic != MAGIC:
        yield no_frame(stored, (MAGIC,), "lz4")
        return
    feed = _Feed()
    reader = Lz4Reader(feed)
    for piece in _pieces(stored):
        if not isinstance(piece, bytes):
            yield piece
            return
        feed.data = piece
        try:
            while data := reader.read(CHUNK):
                yield data
        except OSError as error:
            yield Damage(f"damaged lz4 data at byte {stored.offset}: {error}")
            return
    yield Event.END


def _pieces(stored: StoredBytes) -> Iterator[bytes | Event | Damage]:
    """A frame's header, blocks and checksum as stored; each is taken once the next is asked for."""
    flags = stored.ahead(5)[4:] or b"\0"
    blocks_checked, sized, checked, named = (bool(flags[0] & bit) for bit in (16, 8, 4, 1))
    size = 7 + 8 * sized + 4 * named
    while size:
        piece = stored.ahead(size)
        if len(piece) < size:
            stored.drop(len(piece))
            yield Event.CUT
            return
        yield piece
        stored.drop(size)
        word = int.from_bytes(stored.ahead(4), "little")
        if len(stored.ahead(4)) == 4 and word == 0:
            break
        if word % _UNCOMPRESSED > _BLOCK_BYTES:
            yield Damage(f"damaged lz4 data at byte {stored.offset}: no block")
            return
        size = 4 + word % _UNCOMPRESSED + 4 * blocks_checked
    piece = stored.ahead(4 + 4 * checked)
    if len(piece) == 4 + 4 * checked:
        yield piece
    stored.drop(len(piece))
    if len(piece) < 4 + 4 * checked:
        yield Event.CUT


class _Feed:
    """What fastwarc reads from: the piece that was laid there, then nothing."""

    def __init__(self) -> None:
        self.data = b""

    def read(self, _size: int = -1) -> bytes:
        data, self.data = self.data, b""
        return data

    def tell(self) -> int:
        """Asked for by fastwarc, only to report positions."""
        return 0

    def seek(self, _offset: int, _whence: int = 0) -> int:
        """Part of fastwarc's protocol, not of its use here: the stream is read once."""
        raise OSError("not seekable")

    def close(self) -> None:
        """Nothing to close."""


def _looks_sound(stored: StoredBytes) -> bool:
    head = stored.ahead(6)
    return is_skippable(head[:4]) or (len(head) == 6 and head[4] & 0xC2 == 0x40)


LZ4 = Format("lz4", re.compile(re.escape(MAGIC) + b"|" + SKIPPABLE), 4, _member, _looks_sound)
