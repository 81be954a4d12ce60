from __future__ import annotations

import gzip
import io
import zlib
from collections import Counter

import pytest
import zstandard
from fastwarc.stream_io import BrotliWriter, Lz4Writer
from fastwarc.warc import ArchiveIterator

from thresher.pipeline.read import Page, Rejected
from thresher.pipeline.read.sources import open_source
from thresher.pipeline.read.streams import ByteReader
from thresher.pipeline.read.warc import read_warc

HTML = b"<html><body><p>Some words of a page.</p></body></html>"
LIMIT = 1 << 20


def http(body=HTML, status=b"200 OK", content_type=b"text/html", **headers):
    lines = [b"HTTP/1.1 " + status]
    if content_type is not None:
        lines.append(b"Content-Type: " + content_type)
    lines += [name.replace("_", "-").encode() + b": " + value for name, value in headers.items()]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def record(number, block=None, kind=b"response", length=None, eol=b"\r\n", **headers):
    block = http() if block is None else block
    lines = [
        b"WARC/1.0",
        b"WARC-Type: " + kind,
        b"WARC-Record-ID: <urn:uuid:%d>" % number,
        b"WARC-Target-URI: http://example.org/%d" % number,
        b"WARC-Date: 2024-01-01T00:00:00Z",
        b"Content-Length: " + (b"%d" % len(block) if length is None else length),
    ]
    if "Content_Type" not in headers and kind in (b"response", b"request"):
        lines.append(b"Content-Type: application/http")
    lines += [name.replace("_", "-").encode() + b": " + value for name, value in headers.items()]
    return eol.join(lines) + eol + eol + block + eol + eol


def read(data, limit=LIMIT):
    return list(read_warc(ByteReader(open_source(io.BytesIO(data))), limit))


def names(items):
    return ["page" if isinstance(item, Page) else item.reason for item in items]


def one(data, limit=LIMIT):
    (item,) = read(data, limit)
    return item


def test_a_page_keeps_its_provenance():
    page = one(record(7, http(content_type=b"text/html; charset=ISO-8859-2")))
    assert page == Page(
        "<urn:uuid:7>", "http://example.org/7", "2024-01-01T00:00:00Z", HTML, True, "ISO-8859-2"
    )


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (record(1, kind=b"request"), "not_a_response"),
        (record(1, b"x: y", kind=b"warcinfo"), "not_a_response"),
        (record(1, b"\x89PNG", kind=b"resource", Content_Type=b"image/png"), "not_html"),
        (record(1, b"words", kind=b"resource", Content_Type=b"text/plain"), "not_html"),
        (record(1, kind=b"revisit"), "revisit"),
        (record(1, http(status=b"404 Not Found")), "http_status"),
        (record(1, http(status=b"301")), "http_status"),
        (record(1, http(content_type=b"image/png")), "not_html"),
        (record(1, http(b'{"a": 1}', content_type=b"application/json")), "not_html"),
        (record(1, http(b"%PDF-1.4 ...")), "not_html"),
        (record(1, http(b"plain words", content_type=None)), "not_html"),
        (record(1, b"example.org. 1 IN A", Content_Type=b"text/dns"), "not_html"),
        (record(1, http(b" \n ")), "empty"),
        (record(1, b""), "empty"),
        (record(1, b"no http at all"), "malformed_record"),
        (record(1, length=b"abc"), "malformed_record"),
        (record(1, length=b"-5"), "malformed_record"),
        (record(1, kind=b""), "malformed_record"),
        (record(1, http(zlib.compress(HTML)[:4], Content_Encoding=b"gzip")), "page"),
        (
            record(1, http(b"\x1f\x8b\x08" + b"\xff" * 90, Content_Encoding=b"gzip")),
            "malformed_body",
        ),
        (record(1, b"text", kind=b"conversion", Content_Type=b"application/json"), "not_html"),
        (record(1, b"\xff\xfe\xfa" * 30, kind=b"conversion"), "undecodable"),
        (record(1, b"\n", kind=b"conversion"), "empty"),
        (b"", "malformed_record"),
        (gzip.compress(b""), "malformed_record"),
        (b"not an archive", "malformed_record"),
        (b"\0" * 100_000, "malformed_record"),
    ],
)
def test_every_record_has_its_reason(data, reason):
    assert names(read(data)) == [reason]


def test_html_is_sniffed_where_the_type_says_nothing():
    for start in (b"<!DOCTYPE html>", b"\xef\xbb\xbf \n<HTML>", b"<?xml version='1.0'?><html>"):
        for declared in (None, b"application/octet-stream", b""):
            assert isinstance(one(record(1, http(start + HTML, content_type=declared))), Page)
    identified = record(
        1, http(b"Bare words", content_type=None), WARC_Identified_Payload_Type=b"text/html"
    )
    assert isinstance(one(identified), Page)


def test_wet_text():
    page = one(record(1, "Grüße\0".encode(), kind=b"conversion", Content_Type=b"text/plain"))
    assert (page.content, page.is_html, page.charset) == ("Grüße", False, "utf-8")


def chunked(body, size=10):
    parts = [body[i : i + size] for i in range(0, len(body), size)]
    return b"".join(b"%x;ext=1\r\n%s\r\n" % (len(p), p) for p in parts) + b"0\r\nTrailer: x\r\n\r\n"


def brotli(data):
    out = io.BytesIO()
    with BrotliWriter(out) as writer:
        writer.write(data)
    return out.getvalue()


def raw_deflate(data):
    encoder = zlib.compressobj(wbits=-15)
    return encoder.compress(data) + encoder.flush()


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (gzip.compress(HTML), {"Content_Encoding": b"gzip"}),
        (gzip.compress(HTML[:9]) + gzip.compress(HTML[9:]), {"Content_Encoding": b"x-gzip"}),
        (zlib.compress(HTML), {"Content_Encoding": b"deflate"}),
        (raw_deflate(HTML), {"Content_Encoding": b"deflate"}),
        (brotli(HTML), {"Content_Encoding": b"br"}),
        (zstandard.compress(HTML), {"Content_Encoding": b"zstd"}),
        (brotli(gzip.compress(HTML)), {"Content_Encoding": b"gzip, br"}),
        (chunked(HTML), {"Transfer_Encoding": b"chunked"}),
        (
            chunked(gzip.compress(HTML)),
            {"Transfer_Encoding": b"chunked", "Content_Encoding": b"gzip"},
        ),
        # The archive undid the encoding and kept the header.
        (HTML, {"Content_Encoding": b"gzip"}),
        (HTML, {"Content_Encoding": b"deflate"}),
        (HTML, {"Content_Encoding": b"br"}),
        (HTML, {"Content_Encoding": b"zstd"}),
        (HTML, {"Transfer_Encoding": b"chunked"}),
        (HTML, {"Content_Encoding": b"identity"}),
    ],
)
def test_body_encodings(body, headers):
    assert one(record(1, http(body, **headers))).content == HTML


def test_a_body_that_breaks_off_is_kept_as_far_as_it_goes():
    long = HTML * 2000
    for body, headers in (
        (gzip.compress(long)[:-100], {"Content_Encoding": b"gzip"}),
        (chunked(long)[:-5000], {"Transfer_Encoding": b"chunked"}),
    ):
        page = one(record(1, http(body, **headers)))
        assert long.startswith(page.content)
        assert len(page.content) > 1000


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (gzip.compress(bytes(50 << 20)), b"gzip"),
        (zlib.compress(bytes(50 << 20)), b"deflate"),
        (brotli(bytes(50 << 20)), b"br"),
        (zstandard.compress(bytes(50 << 20)), b"zstd"),
    ],
)
def test_a_bomb_in_a_body_is_oversize(body, name):
    assert names(read(record(1, http(body, Content_Encoding=name)))) == ["oversize"]


def test_oversize_records_are_passed_over():
    big = record(2, http(HTML * 100_000))
    assert names(read(record(1) + big + record(3))) == ["page", "oversize", "page"]


def compress_members(parts, compress):
    return b"".join(compress(part) for part in parts)


def lz4(data):
    out = io.BytesIO()
    with Lz4Writer(out) as writer:
        writer.write(data)
    return out.getvalue()


@pytest.mark.parametrize("compress", [bytes, gzip.compress, zstandard.compress, lz4])
@pytest.mark.parametrize("eol", [b"\n", b"\r\n"])
def test_compressions_and_line_ends(compress, eol):
    data = compress_members([record(i, eol=eol) for i in range(5)], compress)
    assert names(read(data)) == ["page"] * 5


@pytest.mark.parametrize("compress", [gzip.compress, zstandard.compress, lz4])
def test_a_truncated_archive_yields_what_could_be_read(compress):
    whole = compress_members([record(1), record(2)], compress)
    last = compress(record(3, http(HTML + bytes(range(256)) * 40)))
    for kept in (2, 3, 20, 60, len(last) // 2, len(last) - 20, len(last) - 9, len(last) - 1):
        found = names(read(whole + last[:kept]))
        assert found[:2] == ["page", "page"], kept
        assert found[2:] in (["truncated_archive"], ["page", "truncated_archive"]), kept
    assert names(read(whole)) == ["page", "page"]


def test_a_truncated_plain_archive_names_the_record_it_lost():
    data = record(1) + record(2)
    start = len(record(1))
    for cut in range(start + 1, len(data) - 4):
        found = read(data[:cut])
        assert names(found) == ["page", "truncated_archive"], cut
    assert found[1].record_id == "<urn:uuid:2>"
    assert names(read(data[:-4])) == ["page", "page"]  # only the closing line ends are missing


def test_damage_costs_only_the_damaged_record():
    members = [gzip.compress(record(i, http(HTML + bytes(range(256)) * 9))) for i in range(4)]
    for at in (1, 12, 60, 200, len(members[1]) - 6):
        broken = bytearray(members[1])
        broken[at] ^= 0xFF
        found = read(members[0] + bytes(broken) + members[2] + members[3])
        pages = [item.record_id for item in found if isinstance(item, Page)]
        assert {"<urn:uuid:0>", "<urn:uuid:2>", "<urn:uuid:3>"} <= set(pages), at
        assert Counter(names(found))["malformed_record"] >= 1, at


@pytest.mark.parametrize(
    "damaged",
    [
        b"some junk\nmore of it\n",
        record(9, length=b"10"),
        record(9, length=b"%d" % (len(http()) + 60)),
        record(9, length=b"999999999999999999999"),
        record(9, length=b""),
        record(9, X_Long=b"a" * 100_000),
        b"WARC/1.0\r\nWARC-Type: response\r\n" + b"\r\n",
        b"WARC/1.0\r\n\r\n" + b"a: b\r\n\r\n",
    ],
)
def test_reading_goes_on_behind_a_malformed_record(damaged):
    found = names(read(record(1) + damaged + record(2) + record(3)))
    assert found == ["page", "malformed_record", "page", "page"]


def test_a_length_beyond_the_end_does_not_hide_what_follows():
    found = read(record(1) + record(9, length=b"900000") + record(2))
    assert names(found) == ["page", "malformed_record", "page"]


def test_arc():
    block = http()
    page = b"http://example.org/a b 1.2.3.4 20080430204825 text/html %d\n" % len(block) + block
    filedesc = b"filedesc://x.arc 0.0.0.0 20080430204825 text/plain 9\n1 0 Arc\n\n\n"
    found = read(filedesc + page + b"\n" + page + b"\n")
    assert names(found) == ["not_a_response", "page", "page"]
    assert (found[1].url, found[1].date) == ("http://example.org/a b", "20080430204825")
    assert names(read(gzip.compress(filedesc) + gzip.compress(page + b"\n")))[1] == "page"


def test_records_agree_with_fastwarc_on_a_clean_archive():
    kinds = [b"response", b"request", b"metadata", b"response", b"revisit"]
    data = b"".join(gzip.compress(record(i, kind=kinds[i % 5])) for i in range(50))
    theirs = [
        (r.record_id, r.reader.read())
        for r in ArchiveIterator(io.BytesIO(data), parse_http=True)
        if str(r.record_type) == "response"
    ]
    found = read(data)
    assert len(found) == 50
    assert [(p.record_id, p.content) for p in found if isinstance(p, Page)] == theirs


def test_rejected_rows_are_bounded():
    (item,) = read(b"junk" * 100_000)
    assert isinstance(item, Rejected)
    assert len(item.sample) <= 1024
    assert len(item.detail) <= 300
