"""The body of a page, with the encodings undone that archives and servers left on it.

Archives are not the wire. Many tools stored the decoded body and kept the header that announces
an encoding, so an encoding that the bytes do not show is taken as already undone. Others stored
the encoded body and dropped the header, or encoded it twice, so an encoding that the bytes do show
is undone unannounced. A body that breaks off is kept as far as it decodes, as a browser would.

All of it is bounded: no step gives more than the limit, and there are `MOST_LAYERS` steps at most.
"""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Iterator
from typing import Protocol

import zstandard
from fastwarc.stream_io import BrotliReader

from thresher.filters.errors import DataError

MOST_LAYERS = 4
"""Encodings that are announced, and those that are not, are undone so often at most."""

_CHUNK_SIZE = re.compile(rb"[ \t]*([0-9a-fA-F]{1,15})[ \t]*(?:;[^\n]{0,1000})?\r?\n")
_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_WINDOW_GZIP, _WINDOW_ZLIB, _WINDOW_RAW = 31, 15, -15
_PIECE = 1 << 13
_FIRST_STEP = 1 << 10
_LARGEST_STEP = 1 << 20
_READ_STEP = 1 << 12
_TEXT_BYTES = 1024
_CONTROLS = bytes(code for code in range(32) if chr(code) not in "\t\n\f\r\x1b")
_CONTROL_SHARE = 0.01


class MalformedBody(DataError):  # noqa: N818 - data, not a fault
    """The body does not decode by its encoding."""


class Oversize(DataError):  # noqa: N818 - data, not a fault
    """The body decodes to more bytes than allowed."""


class _Reader(Protocol):
    def read(self, size: int, /) -> bytes: ...


def undo_announced(body: bytes, transfer: str, content: str, limit: int) -> bytes:
    """A body without the encodings that its headers announce, in at most `limit` bytes.

    Args:
        body: as stored.
        transfer: the value of Transfer-Encoding, "" where none.
        content: the value of Content-Encoding, "" where none.
        limit: the largest body, in bytes.

    Raises:
        MalformedBody: where nothing of it decodes, or too many encodings are announced.
        Oversize: where it decodes to more than `limit` bytes.
    """
    if "chunked" in transfer.lower():
        body = _unchunk(body)
    encodings = [name for each in content.lower().split(",") if (name := each.strip())]
    if len(encodings) > MOST_LAYERS:
        raise MalformedBody(f"{len(encodings)} content encodings")
    for encoding in reversed(encodings):
        if encoding == "deflate":
            body = _undeflate(body, limit)
        elif encoding == "br":
            body = _unbrotli(body, limit)
        elif encoding in ("gzip", "x-gzip", "zstd"):
            body = _by_magic(body, limit) or body
    _check(len(body), limit)
    return body


def undo_unannounced(body: bytes, limit: int) -> bytes:
    """A body without the encodings that its bytes show; the body itself where they show none.

    Raises:
        MalformedBody: where it starts as gzip or zstd and nothing of it decodes.
        Oversize: where it decodes to more than `limit` bytes.
    """
    for _ in range(MOST_LAYERS):
        if _is_text(body):
            return body
        inner = _by_magic(body, limit)
        if inner is None:
            inner = _by_trial(body, limit)
        if inner is None:
            return body
        body = inner
    return body


def _by_magic(body: bytes, limit: int) -> bytes | None:
    if body.startswith(_GZIP):
        return _kept(_gunzip(body, limit), "gzip", limit)
    if body.startswith(_ZSTD):
        decoder = zstandard.ZstdDecompressor()
        return _kept(_read(decoder.stream_reader(body, read_across_frames=True)), "zstd", limit)
    return None


def _by_trial(body: bytes, limit: int) -> bytes | None:
    """Deflate and brotli have no magic bytes: what decodes to something known was encoded."""
    for pieces in (
        _inflate(body, _WINDOW_ZLIB),
        _inflate(body, _WINDOW_RAW, whole=True),
        _read(BrotliReader(io.BytesIO(body))),
    ):
        try:
            found = _kept(pieces, "", limit, whole=True)
        except MalformedBody:
            continue
        if _is_text(found) or found.startswith((_GZIP, _ZSTD)):
            return found
    return None


def _unchunk(body: bytes) -> bytes:
    parts: list[bytes] = []
    at = 0
    while size := _CHUNK_SIZE.match(body, at):
        length = int(size.group(1), 16)
        if length == 0:
            return b"".join(parts)
        parts.append(body[size.end() : size.end() + length])
        at = size.end() + length
        if body.startswith(b"\r\n", at):
            at += 2
        elif body.startswith(b"\n", at):
            at += 1
    # Without one whole chunk it was never chunked, or the archive undid it.
    return b"".join(parts) if parts else body


def _gunzip(body: bytes, limit: int) -> Iterator[bytes]:
    """The pieces of gzip members, in time that is linear in input and output."""
    view = memoryview(body)
    at = 0
    while body.startswith(_GZIP, at):
        decoder = zlib.decompressobj(_WINDOW_GZIP)
        start, step = at, _FIRST_STEP
        # The decoder copies what is left of its input behind a member: in small steps at first,
        # or thousands of members of some bytes would copy the body as often.
        parts: list[bytes] = []
        size = 0
        try:
            while at < len(body) and not decoder.eof and size <= limit:
                piece = view[at : at + step]
                parts.append(decoder.decompress(piece, limit + 1 - size))
                size += len(parts[-1])
                at += len(piece) - len(decoder.unused_data)
                step = min(4 * step, _LARGEST_STEP)
        except zlib.error:
            # Once more, to where it breaks.
            yield from _inflate(body[start:], _WINDOW_GZIP)
            return
        yield from parts


def _inflate(body: bytes, window: int, *, whole: bool = False) -> Iterator[bytes]:
    """The pieces of one deflated stream, up to the very byte where it breaks.

    Args:
        body: starts with the stream.
        window: how zlib names the wrapping.
        whole: a stream that does not end is an error too.
    """
    decoder = zlib.decompressobj(window)
    for at in range(0, len(body), _PIECE):
        piece, before = body[at : at + _PIECE], decoder.copy()
        try:
            found = decoder.decompress(piece)
        except zlib.error:
            # A piece with a break in it gives nothing; byte by byte it gives its head.
            yield from (before.decompress(piece[i : i + 1]) for i in range(len(piece)))
            raise
        yield found
        if decoder.eof:
            return
    if whole:
        raise zlib.error("the stream does not end")


def _undeflate(body: bytes, limit: int) -> bytes:
    if _is_text(body):
        return body  # stored decoded
    for window in (_WINDOW_ZLIB, _WINDOW_RAW):  # by the standard zlib; raw from some servers
        try:
            return _kept(_inflate(body, window), "deflate", limit)
        except MalformedBody:
            continue
    return body


def _unbrotli(body: bytes, limit: int) -> bytes:
    if _is_text(body):
        return body  # stored decoded
    return _kept(_read(BrotliReader(io.BytesIO(body))), "brotli", limit)


def _read(reader: _Reader) -> Iterator[bytes]:
    while data := reader.read(_READ_STEP):
        yield data


def _kept(pieces: Iterator[bytes], name: str, limit: int, *, whole: bool = False) -> bytes:
    """The pieces as one, as far as they decode.

    Args:
        pieces: of a decoder.
        name: of the encoding.
        limit: the largest result, in bytes.
        whole: whether any error makes all of it malformed.

    Raises:
        MalformedBody: where an error comes before anything decoded.
        Oversize: beyond the limit.
    """
    parts: list[bytes] = []
    size = 0
    try:
        for piece in pieces:
            parts.append(piece)
            size += len(piece)
            _check(size, limit)
    except (zlib.error, zstandard.ZstdError, OSError) as error:
        if whole or not size:
            raise MalformedBody(f"{name}: {error}") from error
    return b"".join(parts)


def _check(size: int, limit: int) -> None:
    if size > limit:
        raise Oversize(f"the body decodes to more than {limit} bytes")


def _is_text(body: bytes) -> bool:
    """Whether it looks like a page: some markup, hardly a control character."""
    head = body[:_TEXT_BYTES]
    controls = len(head) - len(head.translate(None, _CONTROLS))
    return b"<" in head and controls <= _CONTROL_SHARE * len(head)
