"""An HTTP response as archives hold it: status, headers, stored body, and whether it is a page."""

from __future__ import annotations

import re
from dataclasses import dataclass

from thresher.filters.errors import DataError
from thresher.pipeline.read.media import (
    HTML_TYPES,
    VAGUE_TYPES,
    XML_TYPES,
    has_html_root,
    starts_like_html,
)

_BLANK_LINE = re.compile(rb"\n\r{0,2}\n")
_STATUS = re.compile(rb"HTTP/\d(?:\.\d)?[ \t]+(\d{3})\b")
_DECLARING = ("content-language", "tdm-policy", "tdm-reservation", "x-robots-tag")
_LISTED = frozenset({"content-encoding", "content-type", "transfer-encoding", "x-robots-tag"})
"""Headers whose lines make one list; of any other the first line counts."""
_HEAD_BYTES = 1 << 18

_NOT_HTML_START = (b"%PDF-", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"PK\x03\x04", b"\x1f\x8b\x08")


class MalformedHttp(DataError):  # noqa: N818 - data, not a fault
    """The bytes do not start with an HTTP status line and headers."""


@dataclass(frozen=True, slots=True)
class Response:
    """A parsed response; the body is as stored."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def declarations(self) -> dict[str, str]:
        """The headers that declare a language or reserve rights."""
        return {name: self.headers[name] for name in _DECLARING if name in self.headers}


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
    listed: dict[str, list[str]] = {}
    for line in head.split(b"\n")[1:]:
        name, colon, value = line.partition(b":")
        if colon:
            key, text = name.strip().lower().decode("latin-1"), value.strip().decode("latin-1")
            if key not in headers:
                headers[key] = text
            elif key in _LISTED:
                listed.setdefault(key, [headers[key]]).append(text)
    headers |= {name: ", ".join(values) for name, values in listed.items()}
    return Response(int(status.group(1)), headers, body)


def may_be_html(declared: str, identified: str) -> bool:
    """Whether the media types leave it possible that a body is a page; see `is_html`."""
    decisive = identified if identified not in VAGUE_TYPES else declared
    return decisive in HTML_TYPES or decisive in XML_TYPES or decisive in VAGUE_TYPES


def is_html(declared: str, identified: str, body: bytes) -> bool:
    """Whether a body is HTML or XHTML.

    Args:
        declared: the media type that the server declared, "" where none.
        identified: the one that the crawler found by looking, "" where none; it decides.
        body: the decoded body, which decides where neither says anything.
    """
    if body.startswith(_NOT_HTML_START):
        return False
    decisive = identified if identified not in VAGUE_TYPES else declared
    if decisive in XML_TYPES:
        return has_html_root(body)
    if decisive in VAGUE_TYPES:
        return starts_like_html(body)
    return decisive in HTML_TYPES
