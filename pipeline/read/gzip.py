"""Gzip: one member, with every byte that decodes before the damage."""

from __future__ import annotations

import re
import zlib

from thresher.pipeline.read.members import Damage, Decoded, Event, Format
from thresher.pipeline.read.stored import CHUNK, StoredBytes

MAGIC = b"\x1f\x8b\x08"
_PIECE = 1 << 15
_PROBED_BYTES = 1024


def _member(stored: StoredBytes) -> Decoded:
    head = stored.ahead(len(MAGIC))
    if head != MAGIC:
        if MAGIC.startswith(head):
            stored.drop(len(head))
            yield Event.CUT
        else:
            yield Damage(f"bytes that are no gzip member at byte {stored.offset}")
        return
    member = zlib.decompressobj(31)
    begun = False
    while not member.eof:
        # In small pieces, since zlib hands back a copy of all that it did not take.
        piece = stored.ahead(_PIECE)
        if not piece:
            yield Event.CUT
            return
        before = member.copy() if begun else None
        try:
            data = member.decompress(piece, CHUNK)
        except zlib.error:
            yield from _to_the_damage(stored, before or zlib.decompressobj(31), piece)
            return
        begun = True
        left = member.unused_data if member.eof else member.unconsumed_tail
        stored.drop(len(piece) - len(left))
        if data:
            yield data
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


GZIP = Format("gzip", re.compile(re.escape(MAGIC)), len(MAGIC), _member, _looks_sound)
