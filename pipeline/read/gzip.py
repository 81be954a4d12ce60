"""Gzip: one member, with every byte that decodes before the damage."""

from __future__ import annotations

import re
import zlib

from thresher.pipeline.read.members import Damage, Decoded, Event, Format
from thresher.pipeline.read.stored import CHUNK, StoredBytes

MAGIC = b"\x1f\x8b\x08"
_PIECE = 1 << 15
_SMALLEST_PIECE = 1 << 11
_PROBED_BYTES = 1024


class _Members:
    """Decodes members, in pieces of about the size that they have.

    zlib hands back a copy of all that it did not take, so pieces are to be small, and where members
    are small, no larger than these.
    """

    def __init__(self) -> None:
        self._piece = _PIECE
        self._begun: tuple[int, zlib._Decompress, bytes, int] | None = None
        """Where a member began, and how far it was decoded already."""

    def small(self, stored: StoredBytes) -> bytes | None:
        """A member of no more than a piece, in one go; None where it is larger, damaged or none."""
        piece = stored.ahead(self._piece)
        member = zlib.decompressobj(31)
        try:
            data = member.decompress(piece, CHUNK)
        except zlib.error:
            return None
        if not member.eof:
            self._begun = (stored.offset, member, data, len(piece) - len(member.unconsumed_tail))
            return None
        taken = len(piece) - len(member.unused_data)
        stored.drop(taken)
        self._expect(taken)
        return data

    def _expect(self, size: int) -> None:
        self._piece = min(_PIECE, max(_SMALLEST_PIECE, 2 * size))

    def member(self, stored: StoredBytes) -> Decoded:
        head = stored.ahead(len(MAGIC))
        if head != MAGIC:
            if MAGIC.startswith(head):
                stored.drop(len(head))
                yield Event.CUT
            else:
                yield Damage(f"bytes that are no gzip member at byte {stored.offset}")
            return
        start, size = stored.offset, self._piece
        member = zlib.decompressobj(31)
        before = None
        begun, self._begun = self._begun, None
        if begun is not None and begun[0] == start:
            _, member, data, taken = begun
            stored.drop(taken)
            if data:
                yield data
            before, size = member.copy(), _PIECE
        while True:
            piece = stored.ahead(size)
            if not piece:
                if data := member.flush():  # what the last piece gave beyond its bound
                    yield data
                yield Event.CUT
                return
            try:
                data = member.decompress(piece, CHUNK)
            except zlib.error:
                yield from _to_the_damage(stored, before or zlib.decompressobj(31), piece)
                return
            left = member.unused_data if member.eof else member.unconsumed_tail
            stored.drop(len(piece) - len(left))
            if data:
                yield data
            if member.eof:
                break
            before, size = member.copy(), _PIECE
        self._expect(stored.offset - start)
        yield Event.END


def _to_the_damage(stored: StoredBytes, member: zlib._Decompress, piece: bytes) -> Decoded:
    """Of a piece with damage in it zlib gives nothing; byte by byte it gives what is before."""
    data = bytearray()
    for at in range(len(piece)):
        try:
            data += member.decompress(piece[at : at + 1])
        except zlib.error as error:
            stored.drop(at)
            if data:
                yield bytes(data)
            what = f"damaged gzip data at byte {stored.offset}: {error}"
            yield Damage(what, of_check="incorrect data check" in str(error))
            return
    raise AssertionError("a piece fails as a whole but not byte by byte")


def _looks_sound(stored: StoredBytes) -> bool:
    try:
        return bool(zlib.decompressobj(31).decompress(stored.ahead(_PROBED_BYTES), 64))
    except zlib.error:
        return False


def gzip_format() -> Format:
    """The format, for one file."""
    members = _Members()
    starts = re.compile(re.escape(MAGIC))
    return Format("gzip", starts, len(MAGIC), members.member, _looks_sound, members.small)
