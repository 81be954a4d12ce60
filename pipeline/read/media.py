"""Media types as archives declare them, read as browsers read them where they can be.

Servers write `text/html, text/html`, `text/html,charset=utf-8`, `"text/html"` and `text/x-html`,
and browsers show the page. The rules are those of the Fetch standard (of several types the last
valid one counts) and of the MIME Sniffing standard (what is no type at all is told from the
bytes), with quotes, white space and a missing semicolon forgiven.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

HTML_TYPES = frozenset(
    {
        "text/html",
        "text/x-html",
        "text/htm",
        "text/xhtml",
        "text/x-server-parsed-html",
        "application/html",
        "application/xhtml",
        "application/xhtml+xml",
        "application/vnd.wap.xhtml+xml",
    }
)
XML_TYPES = frozenset({"text/xml", "application/xml"})
"""A page where the root element is `html`; browsers look at it too."""
VAGUE_TYPES = frozenset(
    {
        "",
        "*/*",
        "application/octet-stream",
        "application/unknown",
        "application/x-unknown",
        "application/x-unknown-content-type",
        "binary/octet-stream",
        "content/unknown",
        "unknown/unknown",
    }
)
"""They say nothing, so the bytes do."""

_VALUE_CHARACTERS = 4096
_SNIFFED_BYTES = 4096
# Every class here excludes what follows it, so that no header makes a match go back.
_TYPE = re.compile(r"[\s\"'\0]*([\w!#$&^.+*-]+)\s*/\s*([\w!#$&^.+*-]+)", re.ASCII)
_CHARSET = re.compile(r"charset\s*=[\s\"']*([^\s;\"',]+)", re.IGNORECASE)
_SPACE = re.compile(rb"\s*")
_HTML_TAG = re.compile(
    rb"<(?:!doctype\s+html|html|head|body|title|meta|script|style|h1|div|table|p|a|br|iframe)\b",
    re.IGNORECASE,
)
_ROOT = re.compile(rb"<(?:!doctype\s+)?html\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class MediaType:
    """What a Content-Type value declares."""

    essence: str
    """Type and subtype in lower case; "" where the value holds none."""
    charset: str
    """The charset as written; "" where none."""


def parse_media_type(value: str) -> MediaType:
    """Read a Content-Type value, or several joined by commas; never fails."""
    return _parsed(value[:_VALUE_CHARACTERS])


@lru_cache(maxsize=256)
def _parsed(value: str) -> MediaType:
    """Archives say the same few over and over."""
    essence = charset = ""
    for part in _parts(value):
        named = _CHARSET.search(part)
        found = _TYPE.match(part)
        kind = f"{found.group(1)}/{found.group(2)}".lower() if found else ""
        if kind not in ("", "*/*"):
            if kind != essence:
                charset = ""
            essence = kind
        if named:
            charset = named.group(1)
    return MediaType(essence, charset)


def _parts(value: str) -> list[str]:
    """The value cut at its commas, except those between double quotes."""
    pieces = value.split('"')
    if len(pieces) == 1:
        return value.split(",")
    parts = [""]
    for number, piece in enumerate(pieces):
        first, *others = [piece] if number % 2 else piece.split(",")
        parts[-1] += first if number == 0 else f'"{first}'
        parts += others
    return parts


def has_html_root(body: bytes) -> bool:
    """Whether an XML document says at its start that it is an HTML page."""
    return _starts_with(_ROOT, body)


def starts_like_html(body: bytes) -> bool:
    """Whether the first tag of a body, behind comments and an XML declaration, is one of HTML's."""
    return _starts_with(_HTML_TAG, body)


def _starts_with(tag: re.Pattern[bytes], body: bytes) -> bool:
    """Whether a tag comes first, behind white space, comments and XML declarations.

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
            return tag.match(head, at) is not None
        if end < 0:
            return False
        at = head.index(b">", end) + 1
