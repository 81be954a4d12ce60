"""What of an archive's record is a page: by its type, its media types and its bytes.

A page comes as an HTTP response, or bare: tools that save what a browser showed write HTML without
an HTTP head into `response`, `resource` and `conversion` records. What the crawler identified by
looking decides over what the server declared.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from thresher.pipeline.read import bodies, http
from thresher.pipeline.read.charset import decode_text
from thresher.pipeline.read.media import VAGUE_TYPES, MediaType, parse_media_type
from thresher.pipeline.read.records import (
    SAMPLE_BYTES,
    Origin,
    Page,
    Rejected,
    digest_of,
    reject,
)

PAYLOAD_TYPES = frozenset({"response", "resource", "conversion"})
"""Types of record that may hold a page."""

_HTTP = "application/http"


@dataclass(slots=True)
class Record:
    """A record of either archive format; the body only of those types that may become pages."""

    type: str
    record_id: str = ""
    url: str = ""
    date: str = ""
    content_type: str = ""
    """What the archive declares: `application/http`, or the payload's own type."""
    identified_type: str = ""
    """What the crawler found by looking at the payload; "" where it did not."""
    promises_http: bool = False
    """Whether the format itself says that the block is an HTTP response, as ARC does of http."""
    length: int = -1
    body: bytes = field(default=b"", repr=False)
    origin: Origin | None = None


def record_to_page(record: Record, limit: int) -> Page | Rejected:
    """Judge a whole record: a page, or why not.

    Args:
        record: with its body.
        limit: the largest decoded body, in bytes.
    """
    if record.type not in PAYLOAD_TYPES:
        reason = "revisit" if record.type == "revisit" else "not_a_response"
        return _refuse(record, reason, record.type)
    if not record.body:
        what = "HTTP response" if record.type == "response" else "content"
        return _refuse(record, "empty", f"no {what} in the record")
    declared = parse_media_type(record.content_type)
    if record.body.startswith(b"HTTP/") and (
        declared.essence == _HTTP or record.type != "conversion"
    ):
        return _http_page(record, declared, limit)
    if declared.essence == _HTTP:
        declared = MediaType("", "")
    if record.type == "conversion" and _is_plain_text(record, declared):
        return _text_page(record)
    return _bare_page(record, declared, limit)


def _http_page(record: Record, stored: MediaType, limit: int) -> Page | Rejected:
    try:
        response = http.parse_response(record.body)
    except http.MalformedHttp as error:
        return _refuse(record, "malformed_record", str(error), record.body)
    if not 200 <= response.status < 300:
        return _refuse(record, "http_status", str(response.status))
    headers = response.headers
    header = headers.get("content-type", "")
    declared = parse_media_type(header)
    if not declared.essence and stored.essence != _HTTP:
        declared = MediaType(stored.essence, declared.charset or stored.charset)  # ARC's line
    payload = response.body
    try:
        body = bodies.undo_announced(
            payload,
            headers.get("transfer-encoding", ""),
            headers.get("content-encoding", ""),
            limit,
        )
    except bodies.MalformedBody as error:
        return _refuse(record, "malformed_body", str(error), payload)
    except bodies.Oversize as error:
        return _refuse(record, "oversize", str(error))
    return _html_page(record, declared, header, body, limit, payload, response.declarations)


def _bare_page(record: Record, declared: MediaType, limit: int) -> Page | Rejected:
    """A block that is the page itself, without an HTTP head."""
    page = _html_page(record, declared, record.content_type, record.body, limit, record.body, {})
    promised = record.promises_http or (record.type == "response" and not declared.essence)
    if promised and isinstance(page, Rejected) and page.reason == "not_html":
        return _refuse(record, "malformed_record", "no HTTP status line", record.body)
    return page


def _html_page(
    record: Record,
    declared: MediaType,
    written: str,
    body: bytes,
    limit: int,
    payload: bytes,
    declarations: dict[str, str],
) -> Page | Rejected:
    """A page, if its media types or its bytes say that it is HTML.

    Args:
        record: where it is from.
        declared: its media type.
        written: the same as the header has it.
        body: without the encodings that are announced.
        limit: the largest decoded body, in bytes.
        payload: the body as stored.
        declarations: the headers that a page keeps.
    """
    identified = parse_media_type(record.identified_type).essence
    kind = identified if identified not in VAGUE_TYPES else declared.essence or written
    if not http.may_be_html(declared.essence, identified):
        return _refuse(record, "not_html", kind)
    try:
        body = bodies.undo_unannounced(body, limit)
    except bodies.MalformedBody as error:
        return _refuse(record, "malformed_body", str(error), body)
    except bodies.Oversize as error:
        return _refuse(record, "oversize", str(error))
    if not http.is_html(declared.essence, identified, body):
        return _refuse(record, "not_html", kind)
    if not body.strip():
        return _refuse(record, "empty")
    return _page(record, payload, body, declared.charset, declarations)


def _is_plain_text(record: Record, declared: MediaType) -> bool:
    """Whether a conversion is finished text, as in WET files: declared so, or not HTML."""
    if declared.essence == "text/plain":
        return True
    return declared.essence == "" and not http.is_html("", "", record.body)


def _text_page(record: Record) -> Page | Rejected:
    text = decode_text(record.body)
    if text is None:
        return _refuse(record, "undecodable", "not UTF-8", record.body)
    if not text.strip():
        return _refuse(record, "empty")
    return _page(record, record.body, text, "utf-8", {})


def _page(
    record: Record,
    payload: bytes,
    content: bytes | str,
    charset: str,
    declarations: dict[str, str],
) -> Page:
    return Page(
        record.record_id,
        record.url,
        record.date,
        content,
        isinstance(content, bytes),
        charset,
        declarations,
        origin=record.origin,
        stored_digest="" if content is payload else digest_of(payload),
    )


def _refuse(record: Record, reason: str, detail: str = "", sample: bytes = b"") -> Rejected:
    return reject(reason, record.record_id, record.url, detail, sample[:SAMPLE_BYTES])
