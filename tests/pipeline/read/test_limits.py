"""Every limit of the readers of archives and rows: at it, one below, one above; and which of two
headers or keys counts."""

from __future__ import annotations

import gzip
import io
import json

import pytest

from thresher.pipeline.read import Page, http, warc
from thresher.pipeline.read.jsonl import read_jsonl
from thresher.pipeline.read.records import DETAIL_CHARACTERS, SAMPLE_BYTES, reject
from thresher.pipeline.read.rows import RowFields
from thresher.pipeline.read.sources import open_source
from thresher.pipeline.read.streams import ByteReader
from thresher.pipeline.read.warc import read_warc

HTML = b"<html><body><p>Some words of a page.</p></body></html>"
FIELDS = RowFields("text", "id", "url", "date")


def response(body=HTML, status="200 OK", *lines):
    head = [f"HTTP/1.1 {status}", "Content-Type: text/html", *lines]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def record(block, *lines, kind="response"):
    head = ["WARC/1.0", f"WARC-Type: {kind}", *lines, f"Content-Length: {len(block)}"]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + block + b"\r\n\r\n"


def read(data, limit=1 << 20):
    return list(read_warc(ByteReader(open_source(io.BytesIO(data))), limit))


def rows(data, limit=1 << 20):
    return list(read_jsonl(ByteReader(open_source(io.BytesIO(data))), FIELDS, limit))


def names(items):
    return ["page" if isinstance(item, Page) else item.reason for item in items]


@pytest.mark.parametrize(
    ("status", "name"),
    [
        ("199 x", "http_status"),
        ("200 OK", "page"),
        ("201", "page"),
        ("299 x", "page"),
        ("300 x", "http_status"),
        ("099 x", "http_status"),
        ("2000 x", "malformed_record"),
        ("20 x", "malformed_record"),
    ],
)
def test_a_page_has_a_status_of_200_to_299(status, name):
    assert names(read(record(response(status=status)))) == [name]


@pytest.mark.parametrize(("over", "name"), [(-1, "page"), (0, "page"), (1, "oversize")])
def test_a_record_may_be_as_long_as_the_limit(over, name):
    block = response()
    following = record(b"x", kind="request")
    data = record(block) + following
    assert names(read(data, len(block) - over)) == [name, "not_a_response"]


@pytest.mark.parametrize(("over", "name"), [(-1, "page"), (0, "page"), (1, "oversize")])
def test_a_body_may_decode_to_the_limit(over, name):
    body = HTML + b" " * 4000
    block = response(gzip.compress(body), "200 OK", "Content-Encoding: gzip")
    (item,) = read(record(block), len(body) - over)
    assert names([item]) == [name]


@pytest.mark.parametrize(("over", "name"), [(-1, "page"), (0, "page"), (1, "oversize")])
def test_a_line_of_json_may_be_as_long_as_the_limit(over, name):
    # Without its line end, which a line that is cut off at the limit has lost.
    line = json.dumps({"text": "x" * 200}).encode()
    more = b'{"text": "next"}\n'
    assert names(rows(line + b"\n" + more, len(line) + 1 - over)) == [name, "page"]


@pytest.mark.parametrize(("over", "name"), [(-1, "page"), (0, "oversize"), (1, "oversize")])
def test_a_last_line_without_an_end_counts_as_if_it_had_one(over, name):
    line = json.dumps({"text": "x" * 200}).encode()
    assert names(rows(line, len(line) - over)) == [name]


def test_a_field_without_a_name_is_none():
    data = io.BytesIO(b'{"text": "words", "": "no id"}')
    (page,) = read_jsonl(ByteReader(open_source(data)), RowFields("text", "", "", ""), 1 << 20)
    assert (page.content, page.record_id, page.url, page.date) == ("words", "", "", "")


@pytest.mark.parametrize(("over", "name"), [(0, "malformed_record"), (1, "page")])
def test_a_record_header_ends_within_its_bytes(monkeypatch, over, name):
    data = record(response(), "X-Filler: " + "x" * 300)
    size = data.index(b"\r\n\r\n") + 2 - len("WARC/1.0\r\n")
    monkeypatch.setattr(warc, "_HEADER_BYTES", size + over)
    # Piece by piece, as where the header is not in the buffer as a whole.
    monkeypatch.setattr(ByteReader, "take_block", lambda *_: b"")
    assert names(read(data + record(b"x", kind="request"))) == [name, "not_a_response"]


@pytest.mark.parametrize(("over", "name"), [(-1, "malformed_record"), (0, "page"), (1, "page")])
def test_the_headers_of_http_end_within_their_bytes(monkeypatch, over, name):
    block = response(HTML, "200 OK", "X-Filler: " + "x" * 300)
    end = block.index(b"\r\n\r\n") + len(b"\r\n\r\n")
    monkeypatch.setattr(http, "_HEAD_BYTES", end + over)
    assert names(read(record(block))) == [name]


@pytest.mark.parametrize(("over", "name"), [(-1, "page"), (0, "page"), (1, "malformed_record")])
def test_a_record_header_holds_little_junk(over, name):
    line = "x" * (warc._JUNK_BYTES + over - len("\r\n") + 1)
    # One byte of each line is its line end, taken by the split of the block.
    data = record(response(), line)
    assert names(read(data + record(b"x", kind="request"))) == [name, "not_a_response"]


def test_of_a_header_of_an_archive_the_first_counts():
    (page,) = read(
        record(
            response(),
            "WARC-Record-ID: <urn:1>",
            "WARC-Record-ID: <urn:2>",
            "WARC-Target-URI: http://a.org/1",
            "WARC-Target-URI: http://a.org/2",
            "WARC-Date: 2021",
            "WARC-Date: 2022",
        )
    )
    assert (page.record_id, page.url, page.date) == ("<urn:1>", "http://a.org/1", "2021")


def test_of_a_header_of_http_the_first_counts_unless_its_lines_are_a_list():
    parsed = http.parse_response(
        b"HTTP/1.1 200 OK\r\nContent-Language: de\r\nContent-Language: en\r\n"
        b"X-Robots-Tag: noai\r\nx-robots-tag: noindex\r\nX-Robots-Tag: a\r\n\r\nbody"
    )
    assert parsed.headers == {"content-language": "de", "x-robots-tag": "noai, noindex, a"}
    assert parsed.declarations == parsed.headers
    assert parsed.body == b"body"


def test_of_a_key_of_json_the_last_counts_as_in_python():
    line = b'{"text": "first", "id": 1, "text": "last", "id": 2}'
    assert json.loads(line) == {"text": "last", "id": 2}
    (page,) = rows(line)
    assert (page.content, page.record_id) == ("last", "2")
    (odd,) = rows(line.replace(b"last", b"\\ud83d last"))  # read leniently
    assert (odd.content, odd.record_id) == (" last", "2")


@pytest.mark.parametrize("name", ["text", "id", "url", "date"])
def test_a_row_needs_no_key_but_the_text(name):
    row = {"text": "words", "id": "7", "url": "http://a.org", "date": "2021"}
    left = {key: value for key, value in row.items() if key != name}
    (item,) = rows(json.dumps(left).encode())
    if name == "text":
        assert (item.reason, item.record_id, item.url) == ("missing_text", "7", "http://a.org")
    else:
        found = {"id": item.record_id, "url": item.url, "date": item.date, "text": item.content}
        assert found == row | {name: ""}


@pytest.mark.parametrize("over", [-1, 0, 1])
def test_what_is_stored_of_a_rejected_record_is_bounded(over):
    detail, sample = "d" * (DETAIL_CHARACTERS + over), b"s" * (SAMPLE_BYTES + over)
    rejected = reject("empty", detail=detail, sample=sample)
    assert rejected.detail == detail[:DETAIL_CHARACTERS]
    assert rejected.sample == sample[:SAMPLE_BYTES]


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_broken_tail_of_gzip_costs_the_record_it_is_in(cut):
    members = [gzip.compress(record(response(HTML + b"%d" % n)), mtime=0) for n in range(3)]
    items = read(b"".join(members)[:-cut])
    assert names(items[:2]) == ["page", "page"]
    assert names(items)[-1] == "truncated_archive"
    assert len(items) <= 4
