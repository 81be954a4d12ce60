"""The wire between a worker and its extraction process.

A frame is a length of four bytes, little endian, and that many bytes of MessagePack. The first
frame to the child holds the settings, and the child answers it when it is ready; then one
`Answer` for each `Task`, in order. Nothing is ever unpickled.
"""

from __future__ import annotations

import msgspec

from thresher.pipeline.extract.metadata import Metadata
from thresher.pipeline.extract.settings import Facts

HEADER = 4
NOT_STARTED = "not_started"
"""The reason of the first answer where the settings name what is not there."""


class Task(msgspec.Struct, array_like=True):
    """A page to extract."""

    content: bytes
    charset: str
    fallback: str = ""
    """Why the profile failed on this page; then all its text is asked for."""


class Answer(msgspec.Struct, array_like=True):
    """What became of it."""

    reason: str = ""
    """A rejection reason, or "" for success."""
    detail: str = ""
    text: str = ""
    title: str = ""
    charset: str = ""
    source: str = ""
    facts: Facts | None = None
    metadata: Metadata | None = None


def pack(message: msgspec.Struct) -> bytes:
    """One frame."""
    body = msgspec.msgpack.encode(message)
    return len(body).to_bytes(HEADER, "little") + body


class Unpacker:
    """Bodies of frames out of bytes that come in pieces."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Take more bytes; returns the bodies that are now whole."""
        self._buffer += data
        bodies = []
        while len(self._buffer) >= HEADER:
            end = HEADER + int.from_bytes(self._buffer[:HEADER], "little")
            if len(self._buffer) < end:
                break
            bodies.append(bytes(self._buffer[HEADER:end]))
            del self._buffer[:end]
        return bodies
