"""WARC, WET and JSON Lines archives whose every byte depends on their content alone.

gzip members are written with *stored* blocks: deflate's output differs between zlib and its
replacements, stored bytes do not, and so the sample crawl has one checksum on every machine.
"""

from __future__ import annotations

import base64
import hashlib
import json
import uuid
import zlib
from collections.abc import Iterable, Mapping

WARC_DATE = "2024-03-14T09:26:53Z"
HTTP_DATE = "Thu, 14 Mar 2024 09:26:53 GMT"
_REASONS = {200: "OK", 301: "Moved Permanently", 404: "Not Found"}
_STORED_LIMIT = 65_535
_RESOURCE_TYPES = {"warcinfo": "application/warc-fields", "metadata": "application/warc-fields"}


def gzip_member(data: bytes) -> bytes:
    """`data` as one gzip member of stored blocks, without a time stamp."""
    out = bytearray(b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff")
    starts = range(0, max(len(data), 1), _STORED_LIMIT)
    for start in starts:
        block = data[start : start + _STORED_LIMIT]
        size = len(block).to_bytes(2, "little")
        out += bytes([start == starts[-1]]) + size + bytes(255 - byte for byte in size) + block
    out += zlib.crc32(data).to_bytes(4, "little") + (len(data) % 2**32).to_bytes(4, "little")
    return bytes(out)


def record_id(*parts: object) -> str:
    """A WARC-Record-ID that names the same record every time."""
    digest = hashlib.sha256("\0".join(map(str, parts)).encode()).digest()
    return f"<urn:uuid:{uuid.UUID(bytes=digest[:16], version=4)}>"


def http_message(status: int, content_type: str, body: bytes, **headers: str) -> bytes:
    """An HTTP response as it went over the wire."""
    lines = [f"HTTP/1.1 {status} {_REASONS[status]}", f"Date: {HTTP_DATE}", "Server: sample"]
    if content_type:
        lines.append(f"Content-Type: {content_type}")
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("ascii") + b"\r\n\r\n" + body


def http_request(url: str) -> bytes:
    """The request that asked for `url`."""
    host, _, path = url.removeprefix("https://").partition("/")
    return f"GET /{path} HTTP/1.1\r\nHost: {host}\r\nAccept: text/html\r\n\r\n".encode("ascii")


def warc_record(
    kind: str, identity: str, url: str, block: bytes, more: Mapping[str, str] | None = None
) -> bytes:
    """One record as a gzip member of its own, as crawlers write them."""
    content_type = _RESOURCE_TYPES.get(kind, "text/plain")
    if kind in ("request", "response", "revisit"):
        content_type = f"application/http; msgtype={'request' if kind == 'request' else 'response'}"
    digest = base64.b32encode(hashlib.sha1(block, usedforsecurity=False).digest()).decode()
    headers = {
        "WARC-Type": kind,
        "WARC-Record-ID": identity,
        "WARC-Date": WARC_DATE,
        **({"WARC-Target-URI": url} if url else {}),
        **(more or {}),
        "WARC-Block-Digest": f"sha1:{digest}",
        "Content-Type": content_type,
        "Content-Length": str(len(block)),
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return gzip_member(b"WARC/1.0\r\n" + head.encode("utf-8") + b"\r\n" + block + b"\r\n\r\n")


def warcinfo(name: str, identity: str) -> bytes:
    """The record an archive starts with."""
    fields = b"software: Thresher sample crawl\r\nformat: WARC File Format 1.0\r\n"
    return warc_record("warcinfo", identity, "", fields, {"WARC-Filename": name})


def jsonl_gz(rows: Iterable[Mapping[str, object]]) -> bytes:
    """JSON Lines in one gzip member."""
    return gzip_member(jsonl(rows))


def jsonl(rows: Iterable[Mapping[str, object]]) -> bytes:
    """JSON Lines."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode("utf-8")
