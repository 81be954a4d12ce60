"""An HTTP response as archives hold it: status, headers, decoded body, media type.

Archives are not the wire. Many tools stored the decoded body and kept the header that announces
an encoding, so an encoding that the bytes do not show is taken as already undone. A body that
breaks off is kept as far as it decodes, as a browser would.
"""

from __future__ import annotations

import io
import re
import zlib
from dataclasses import dataclass
from typing import Protocol

import zstandard
from fastwarc.stream_io import BrotliReader

_BLANK_LINE = re.compile(rb"\n\r{0,2}\n")
_STATUS = re.compile(rb"HTTP/\d(?:\.\d)?[ \t]+(\d{3})\b")
_CHUNK_SIZE = re.compile(rb"[ \t]*([0-9a-fA-F]{1,15})[ \t]*(?:;[^\n]{0,1000})?\r?\n")
_CHARSET = re.compile(r"charset\s*=[\s\"']*([^\s;\"',]+)", re.IGNORECASE)
_DECLARING = ("content-language", "tdm-policy", "tdm-reservation", "x-robots-tag")
_HEAD_BYTES = 1 << 18
_STEP = 1 << 16
_PIECE = 1 << 14

_HTML_TYPES = frozenset(
    {"text/html", "application/xhtml+xml", "application/xhtml", "application/vnd.wap.xhtml+xml"}
)
_VAGUE_TYPES = frozenset({"", "unk", "unknown", "no-type", "application/octet-stream"})
_SPACE = re.compile(rb"\s*")
_HTML_TAG = re.compile(
    rb"<(?:!doctype\s+html|html|head|body|title|meta|script|style|h1|div|table|p|a|br|iframe)\b",
    re.IGNORECASE,
)
_SNIFFED_BYTES = 4096
_NOT_HTML_START = (b"%PDF-", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"PK\x03\x04", b"\x1f\x8b\x08")


class _Reader(Protocol):
    def read(self, size: int, /) -> bytes: ...


class MalformedHttp(ValueError):  # noqa: N818 - data, not a fault
    """The bytes do not start with an HTTP status line and headers."""


class MalformedBody(ValueError):  # noqa: N818 - data, not a fault
    """The body does not decode by its declared encoding."""


class Oversize(ValueError):  # noqa: N818 - data, not a fault
    """The body decodes to more bytes than allowed."""


@dataclass(frozen=True, slots=True)
class Response:
    """A parsed response; the body is as stored."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def media_type(self) -> str:
        """The declared media type in lower case, "" where none."""
        return media_type(self.headers.get("content-type", ""))

    @property
    def charset(self) -> str:
        """The declared charset as written, "" where none."""
        found = _CHARSET.search(self.headers.get("content-type", ""))
        return found.group(1) if found else ""

    @property
    def declarations(self) -> dict[str, str]:
        """The headers that declare a language or reserve rights."""
        return {name: self.headers[name] for name in _DECLARING if name in self.headers}


def media_type(content_type: str) -> str:
    """The media type of a Content-Type value, in lower case and without parameters."""
    return content_type.partition(";")[0].strip().lower()


def parse_response(block: bytes) -> Response:
    """Parse a stored response.

    Raises:
        MalformedHttp: where there is no status line, or no end of the headers in sight.
    """
    status = _STATUS.match(block)
    if status is None:
        raise MalformedHttp("no HTTP status line")
    end = _BLANK_LINE.search(block, 0, _HEAD_BYTES)
    if end is None and len(block) > _HEAD_BYTES:
        raise MalformedHttp("the HTTP headers do not end")
    head, body = (block, b"") if end is None else (block[: end.start()], block[end.end() :])
    headers: dict[str, str] = {}
    robots: list[str] = []
    for line in head.split(b"\n")[1:]:
        name, colon, value = line.partition(b":")
        if colon:
            key, text = name.strip().lower().decode("latin-1"), value.strip().decode("latin-1")
            # Of others the first counts; this one may come once for each robot.
            if key == "x-robots-tag":
                robots.append(text)
            headers.setdefault(key, text)
    if robots:
        headers["x-robots-tag"] = ", ".join(robots)
    return Response(int(status.group(1)), headers, body)


def decode_body(response: Response, limit: int) -> bytes:
    """The body with transfer and content encodings undone, in at most `limit` bytes.

    Raises:
        MalformedBody: where nothing of it decodes.
        Oversize: where it decodes to more than `limit` bytes.
    """
    body = response.body
    if "chunked" in response.headers.get("transfer-encoding", "").lower():
        body = _unchunk(body)
    encodings = response.headers.get("content-encoding", "").lower().split(",")
    for encoding in reversed([name.strip() for name in encodings]):
        if encoding in ("gzip", "x-gzip"):
            if body.startswith(b"\x1f\x8b"):
                body = _inflate(body, 31, limit)
        elif encoding == "deflate":
            body = _undeflate(body, limit)
        elif encoding == "br":
            body = _unbrotli(body, limit)
        elif encoding == "zstd" and body.startswith(b"\x28\xb5\x2f\xfd"):
            body = _unzstd(body, limit)
    if len(body) > limit:
        raise Oversize(f"the body decodes to more than {limit} bytes")
    return body


def is_html(declared: str, identified: str, body: bytes) -> bool:
    """Whether a body is HTML or XHTML.

    Args:
        declared: the media type that the HTTP header declares, "" where none.
        identified: the one that the crawler found by looking, "" where none.
        body: the decoded body.
    """
    if body.startswith(_NOT_HTML_START):
        return False
    if declared in _VAGUE_TYPES:
        return identified in _HTML_TYPES or starts_like_html(body)
    return declared in _HTML_TYPES


def starts_like_html(body: bytes) -> bool:
    """Whether the first tag of a body, behind comments and an XML declaration, is one of HTML's.

    Comments are passed over one by one: a pattern of alternatives in a repeat takes twice the time
    for every further comment.
    """
    head = body[:_SNIFFED_BYTES]
    at = 3 if head.startswith(b"\xef\xbb\xbf") else 0
    while True:
        space = _SPACE.match(head, at)
        assert space is not None
        at = space.end()
        if head.startswith(b"<!--", at):
            end = head.find(b"-->", at + 4)
        elif head[at : at + 5].lower() == b"<?xml":
            end = head.find(b">", at + 5)
        else:
            return _HTML_TAG.match(head, at) is not None
        if end < 0:
            return False
        at = head.index(b">", end) + 1


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


def _inflate(body: bytes, window: int, limit: int) -> bytes:
    """All members of a body; of a broken one what comes before the break."""
    parts: list[bytes] = []
    size = at = 0
    decoder = zlib.decompressobj(window)
    while piece := body[at : at + _PIECE]:
        # In small pieces, since a decoder hands back a copy of all that is behind a member's end.
        before = decoder.copy()
        try:
            data = decoder.decompress(piece, limit + 1 - size)
        except zlib.error as error:
            # A piece with a break in it gives nothing; byte by byte it gives its head.
            parts.append(_inflate_head(before, piece, limit + 1 - size))
            if not any(parts):
                raise MalformedBody(str(error)) from error
            break
        parts.append(data)
        size += len(data)
        if size > limit:
            raise Oversize(f"the body decodes to more than {limit} bytes")
        at += len(piece)
        if decoder.eof:
            at -= len(decoder.unused_data)
            if not body.startswith(b"\x1f\x8b", at):
                break
            decoder = zlib.decompressobj(window)
    return b"".join(parts)


def _inflate_head(decoder: zlib._Decompress, piece: bytes, limit: int) -> bytes:
    data = bytearray()
    try:
        for at in range(len(piece)):
            data += decoder.decompress(piece[at : at + 1], limit)
            if len(data) >= limit:
                break
    except zlib.error:
        pass
    return bytes(data[:limit])


def _undeflate(body: bytes, limit: int) -> bytes:
    for window in (15, -15):  # by the standard zlib; raw deflate from some servers
        try:
            return _inflate(body, window, limit)
        except MalformedBody:
            continue
    return body  # stored decoded


def _unbrotli(body: bytes, limit: int) -> bytes:
    try:
        return _read_all(BrotliReader(io.BytesIO(body)), limit)
    except OSError as error:
        if _looks_like_text(body):
            return body  # stored decoded; brotli has no magic bytes to tell by
        raise MalformedBody(f"brotli: {error}") from error


def _unzstd(body: bytes, limit: int) -> bytes:
    reader = zstandard.ZstdDecompressor().stream_reader(body, read_across_frames=True)
    try:
        return _read_all(reader, limit)
    except zstandard.ZstdError as error:
        raise MalformedBody(f"zstd: {error}") from error


def _read_all(reader: _Reader, limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while data := reader.read(_STEP):
        parts.append(data)
        size += len(data)
        if size > limit:
            raise Oversize(f"the body decodes to more than {limit} bytes")
    return b"".join(parts)


def _looks_like_text(body: bytes) -> bool:
    return b"<" in body[:1024] and b"\0" not in body[:1024]
