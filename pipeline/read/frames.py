"""What zstd and lz4 share: frames of blocks whose sizes are written before them.

The sizes are walked here, so that a decoder gets one block at a time: what came before a damaged
block has then been given out, no input expands by more than a block at once, and where a
frame ends is known.
"""

from __future__ import annotations

from thresher.pipeline.read.members import Damage, Event
from thresher.pipeline.read.stored import PADDING, StoredBytes

SKIPPABLE = rb"[\x50-\x5f]\x2a\x4d\x18"
"""A pattern: frames of any content, which both formats have and decoders pass over."""


_LEAST_SKIPPABLE = b"\x50\x2a\x4d\x18"


def is_skippable(magic: bytes) -> bool:
    """Whether the first four bytes are of a skippable frame."""
    return len(magic) == 4 and magic[1:] == b"\x2a\x4d\x18" and magic[0] & 0xF0 == 0x50


def skip_frame(stored: StoredBytes, magic: bytes) -> Event | Damage:
    """Pass over a skippable frame.

    Args:
        stored: the file, at the frame.
        magic: what other frames of the file start with.
    """
    start = stored.offset
    head = stored.ahead(8)
    stored.drop(len(head))
    size = int.from_bytes(head[4:], "little")
    if len(head) < 8 or stored.skip(size) < size:
        return Event.CUT
    return well_ended(stored, magic, start)


def well_ended(stored: StoredBytes, magic: bytes, start: int) -> Event | Damage:
    """The end of a skippable frame; damage where no frame follows, since it has no check."""
    after = stored.ahead(4)
    if after.startswith(magic) or is_skippable(after) or not after or after[0] in PADDING:
        return Event.END
    return Damage(f"the frame at byte {start} does not end where it says")


def no_frame(stored: StoredBytes, magics: tuple[bytes, ...], name: str) -> Event | Damage:
    """What to say of bytes that do not start a frame."""
    head = stored.ahead(4)
    skipped = is_skippable(head + _LEAST_SKIPPABLE[len(head) :])
    if len(head) < 4 and (skipped or any(magic.startswith(head) for magic in magics)):
        stored.drop(len(head))
        return Event.CUT
    return Damage(f"bytes that are no {name} frame at byte {stored.offset}")
