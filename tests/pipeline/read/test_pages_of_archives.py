"""What of an archive is a page: media types, bare blocks, and encodings nobody announced."""

from __future__ import annotations

import gzip
import io
import random
import zlib
from itertools import product

import pytest
import zstandard
from fastwarc.stream_io import BrotliWriter
from hypothesis import given
from hypothesis import strategies as st

from thresher.pipeline.read import Page, bodies, http
from thresher.pipeline.read.media import MediaType, has_html_root, parse_media_type
from thresher.pipeline.read.payload import Record, record_to_page

LIMIT = 1 << 20
HTML = b"<!DOCTYPE html><html><head><title>t</title></head><body><p>Some words.</p></body></html>"
XHTML = (
    b"<?xml version='1.0'?>\n<!-- x --><html xmlns='http://www.w3.org/1999/xhtml'><p>x</p></html>"
)
BARE = b"Words and no markup at all"
OUTCOMES = {"page", "not_html", "malformed_record", "malformed_body", "oversize", "empty"}


def response(body=HTML, content_type="text/html", *more, identified="", kind="response"):
    types = [] if content_type is None else [f"Content-Type: {content_type}"]
    head = "\r\n".join(["HTTP/1.1 200 OK", *types, *more, "", ""])
    return Record(
        kind,
        "id",
        "http://a.example/",
        "2024",
        "application/http; msgtype=response",
        identified,
        body=head.encode("latin-1") + body,
    )


def bare(body=HTML, content_type="text/html", kind="response", identified=""):
    return Record(kind, "id", "http://a.example/", "2024", content_type, identified, body=body)


def outcome(record, limit=LIMIT):
    item = record_to_page(record, limit)
    return "page" if isinstance(item, Page) else item.reason


@pytest.mark.parametrize(
    "written",
    [
        "text/html",
        "TEXT/HTML; Charset=utf-8",
        "text/html, text/html",
        "text/html,charset=utf-8",
        "text/html charset=utf-8",
        "text/plain, text/html",
        "text/html, */*",
        "text/html\0",
        "text / html",
        '"text/html"',
        '"text/html; charset=utf-8"',
        "'text/html'",
        "text/x-html",
        "text/htm",
        "application/xhtml+xml",
        "application/xhtml+xml;profile='http://www.wapforum.org/xhtml'",
        'multipart/x; a="b,c/d", text/html; a="b,image/png"',
    ],
)
def test_what_names_html_is_a_page_whatever_its_bytes(written):
    assert outcome(response(BARE, written)) == "page"
    assert outcome(bare(BARE, written)) == "page"


@pytest.mark.parametrize("written", [None, "", "html", "text", "text/", "unk", "*/*", ";charset=x"])
def test_what_names_no_type_is_told_from_the_bytes(written):
    assert outcome(response(HTML, written)) == "page"
    assert outcome(response(BARE, written)) == "not_html"


@pytest.mark.parametrize(
    "written",
    ["text/plain", "image/png", "text/html, text/plain", "application/json", "text/htmlx"],
)
def test_what_names_another_type_is_none(written):
    assert outcome(response(HTML, written)) == "not_html"
    assert outcome(bare(HTML, written, "resource")) == "not_html"


def test_xml_is_a_page_where_its_root_is_html():
    for written in ("text/xml", "application/xml"):
        assert outcome(response(XHTML, written)) == "page"
        assert outcome(response(b"<?xml version='1.0'?><rss><html/></rss>", written)) == "not_html"
    assert has_html_root(b"\xef\xbb\xbf \n<!doctype HTML>")
    assert not has_html_root(b"<htmlish>")
    assert not has_html_root(b"<!-- never ends <html>")
    assert not has_html_root(b"<!-- a -->" * 5000 + b"<html>")


def test_what_the_crawler_identified_decides():
    assert outcome(response(HTML, "text/plain", identified="text/html")) == "page"
    assert outcome(response(XHTML, "image/png", identified="application/xhtml+xml")) == "page"
    assert outcome(response(HTML, "text/html", identified="text/plain")) == "not_html"
    assert outcome(response(BARE, "text/html", identified="application/octet-stream")) == "page"
    assert outcome(response(b"%PDF-1.4", "text/html", identified="text/html")) == "not_html"
    item = record_to_page(response(HTML, "text/html", identified="image/gif"), LIMIT)
    assert item.detail == "image/gif"


def test_a_refused_type_is_named_as_it_was_written():
    assert record_to_page(response(BARE, "words"), LIMIT).detail == "words"
    assert record_to_page(response(BARE, 'TEXT/CSS; a="b"'), LIMIT).detail == "text/css"


@pytest.mark.parametrize("kind", ["response", "resource", "conversion"])
def test_a_block_without_http_is_the_page_itself(kind):
    page = record_to_page(bare(HTML, "text/html; charset=ISO-8859-2", kind), LIMIT)
    assert page == Page("id", "http://a.example/", "2024", HTML, True, "ISO-8859-2")
    assert outcome(bare(HTML, "application/http; msgtype=response", kind)) == "page"
    assert outcome(bare(HTML, "", kind)) == "page"
    assert outcome(bare(gzip.compress(HTML), "text/html", kind)) == "page"
    assert outcome(bare(b" \n", "text/html", kind)) == "empty"
    assert outcome(bare(b"", "text/html", kind)) == "empty"


def test_a_block_without_http_that_is_no_page():
    assert outcome(bare(BARE, "application/http")) == "malformed_record"
    assert outcome(bare(BARE, "")) == "malformed_record"
    assert outcome(bare(BARE, "", "resource")) == "not_html"
    assert outcome(bare(b"1 IN A", "text/dns")) == "not_html"
    arc = Record("response", "", "http://a/", content_type="text/plain", promises_http=True)
    arc.body = BARE
    assert outcome(arc) == "malformed_record"


def test_a_resource_with_an_http_head_is_read_as_one():
    page = record_to_page(response(kind="resource"), LIMIT)
    assert page.content == HTML
    assert outcome(response(kind="metadata")) == "not_a_response"


def test_finished_text_stays_text():
    page = record_to_page(bare(b"A <b>bold</b> claim", "text/plain", "conversion"), LIMIT)
    assert not page.is_html
    assert not record_to_page(bare(BARE, "", "conversion"), LIMIT).is_html
    assert record_to_page(bare(HTML, "", "conversion"), LIMIT).is_html
    http_like = bare(b"HTTP/1.1 is a protocol.", "text/plain", "conversion")
    assert record_to_page(http_like, LIMIT).content == "HTTP/1.1 is a protocol."


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("text/html;charset=UTF-8;charset=x", MediaType("text/html", "UTF-8")),
        ('text/html; charset="ISO-8859-1"', MediaType("text/html", "ISO-8859-1")),
        ("text/html; CHARSET = 'x y'", MediaType("text/html", "x")),
        ("text/html;charset=a, text/html;charset=b", MediaType("text/html", "b")),
        ("text/html;charset=a, text/html", MediaType("text/html", "a")),
        ("text/html;charset=a, text/plain", MediaType("text/plain", "")),
        ("charset=utf-8", MediaType("", "utf-8")),
        ("text/html; charset=", MediaType("text/html", "")),
        ("a" * 10_000 + "/b", MediaType("", "")),
    ],
)
def test_media_types(value, expected):
    assert parse_media_type(value) == expected


@given(st.text(st.sampled_from(" ,;=/\"'ahtml\0*"), max_size=60))
def test_no_content_type_fails(value):
    found = parse_media_type(value)
    assert found.essence.count("/") <= 1
    assert found.essence == found.essence.lower().strip()
    assert parse_media_type(found.essence).essence == found.essence


def test_lines_of_one_header_are_a_list():
    found = http.parse_response(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nServer: a\r\nServer: b\r\n"
        b"content-type: text/html; charset=x\r\n\r\n"
    )
    assert found.headers["content-type"] == "text/plain, text/html; charset=x"
    assert found.headers["server"] == "a"


def brotli(data):
    out = io.BytesIO()
    with BrotliWriter(out) as writer:
        writer.write(data)
    return out.getvalue()


def raw_deflate(data):
    encoder = zlib.compressobj(wbits=-15)
    return encoder.compress(data) + encoder.flush()


ENCODERS = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "raw deflate": raw_deflate,
    "br": brotli,
    "zstd": zstandard.compress,
}
LONG = HTML + b"".join(b"<p>%d</p>" % random.Random(1).getrandbits(60) for _ in range(2000))


MAGIC = {"gzip", "zstd"}
TWICE = [
    (outer, inner, announced)
    for outer, inner, announced in product(ENCODERS, ENCODERS, ["", "outer", "both"])
    if announced or MAGIC & {outer, inner}  # nothing tells two others from binary
]


@pytest.mark.parametrize(("outer", "inner", "announced"), TWICE)
def test_a_body_encoded_twice_or_unannounced_is_decoded(outer, inner, announced):
    body = ENCODERS[outer](ENCODERS[inner](LONG))
    names = {"": "", "outer": outer, "both": f"{inner}, {outer}"}[announced].replace("raw ", "")
    more = [f"Content-Encoding: {names}"] if names else []
    assert record_to_page(response(body, "text/html", *more), LIMIT).content == LONG
    assert record_to_page(response(body, None, *more), LIMIT).content == LONG


@pytest.mark.parametrize("name", ENCODERS)
def test_unannounced_and_wrongly_announced(name):
    body = ENCODERS[name](LONG)
    for more in ([], ["Content-Encoding: identity"], ["Content-Encoding: gzip"]):
        assert record_to_page(response(body, "text/html", *more), LIMIT).content == LONG
    assert outcome(response(body, "application/gzip")) == "not_html"
    assert outcome(response(ENCODERS[name](BARE), None)) == "not_html"


def test_layers_are_bounded():
    body = HTML
    for _ in range(bodies.MOST_LAYERS):
        body = gzip.compress(body)
    assert outcome(response(body)) == "page"
    assert outcome(response(gzip.compress(body))) == "not_html"
    many = "Content-Encoding: " + ", ".join(["br"] * 1000)
    assert outcome(response(HTML, "text/html", many)) == "malformed_body"


@pytest.mark.parametrize("name", ENCODERS)
def test_an_unannounced_bomb_is_oversize(name):
    bomb = ENCODERS[name](b"<p>" + bytes(50 << 20))
    if name in MAGIC:
        assert outcome(response(bomb)) == "oversize"
        assert outcome(response(ENCODERS[name](bomb))) == "oversize"
    assert outcome(response(bomb, "image/png")) == "not_html"
    text = ENCODERS[name](HTML + b" " * (50 << 20))
    assert outcome(response(text)) == "oversize"


def test_a_body_at_the_limit_is_a_page_and_beyond_it_is_not():
    for encode in (bytes, *ENCODERS.values()):
        exact = HTML + b" " * (4096 - len(HTML))
        assert outcome(response(encode(exact)), 4096) == "page"
        assert outcome(response(encode(exact + b" ")), 4096) == "oversize"


def broken(window):
    """What was whole before an impossible block of deflate, and the stream."""
    text = b"".join(b"<p>%d</p>" % random.Random(i).getrandbits(60) for i in range(9_000))
    encoder = zlib.compressobj(wbits=window)
    return text, encoder.compress(text) + encoder.flush(zlib.Z_FULL_FLUSH) + b"\x07" + b"x" * 99


@pytest.mark.parametrize(("name", "window"), [("gzip", 31), ("deflate", 15), ("deflate", -15)])
def test_a_broken_body_is_kept_to_the_byte_where_it_breaks(name, window):
    text, stored = broken(window)
    page = record_to_page(response(stored, "text/html", f"Content-Encoding: {name}"), LIMIT)
    assert page.content == text
    if name == "gzip":
        two = gzip.compress(text[:500]) + stored
        assert bodies.undo_announced(two, "", "gzip", LIMIT) == text[:500] + text
        assert record_to_page(response(stored), LIMIT).content == text


@pytest.mark.parametrize("name", ["gzip", "deflate", "br", "zstd"])
def test_a_body_that_breaks_off_is_kept_as_far_as_it_decodes(name):
    text = b"".join(b"<p>%d</p>" % random.Random(i).getrandbits(60) for i in range(20_000))
    stored = ENCODERS[name](text)
    body = stored[: len(stored) // 2]
    page = record_to_page(response(body, "text/html", f"Content-Encoding: {name}"), LIMIT)
    assert len(page.content) > len(text) // 4
    assert text.startswith(page.content)


@pytest.mark.parametrize("name", ["gzip", "deflate", "br", "zstd"])
def test_a_body_that_was_stored_decoded_is_left_as_it_is(name):
    page = record_to_page(response(HTML, "text/html", f"Content-Encoding: {name}"), LIMIT)
    assert page.content == HTML
    assert bodies.undo_announced(HTML, "", name, LIMIT) == HTML


@pytest.mark.parametrize("name", ["gzip", "zstd"])
@pytest.mark.parametrize("announced", [True, False])
def test_a_body_of_several_members_is_read_whole(name, announced):
    body = b"".join(ENCODERS[name](b"<p>%d</p>" % i) for i in range(3))
    more = [f"Content-Encoding: {name}"] if announced else []
    page = record_to_page(response(body, "text/html", *more), LIMIT)
    assert page.content == b"<p>0</p><p>1</p><p>2</p>"
    assert bodies.undo_unannounced(body, LIMIT) == page.content


def test_many_members_cost_what_they_hold(monkeypatch):
    taken = []
    real = zlib.decompressobj

    class Counting:
        def __init__(self, window):
            self._real = real(window)

        def decompress(self, data, *limit):
            taken.append(len(data))
            return self._real.decompress(data, *limit)

        def __getattr__(self, name):
            return getattr(self._real, name)

    body = b"".join(gzip.compress(b"<p>%d" % i) for i in range(3000))
    monkeypatch.setattr(bodies.zlib, "decompressobj", Counting)
    found = bodies.undo_announced(body, "", "gzip", LIMIT)
    assert found == b"".join(b"<p>%d" % i for i in range(3000))
    assert sum(taken) <= 3000 * 1024 + len(body)


@given(st.binary(max_size=400), st.sampled_from(["", "gzip", "deflate", "br", "zstd", "gzip, br"]))
def test_no_body_raises_or_grows_beyond_the_limit(data, encoding):
    more = [f"Content-Encoding: {encoding}"] if encoding else []
    for body in (data, b"\x1f\x8b\x08" + data, b"\x28\xb5\x2f\xfd" + data, b"\x78\x9c" + data):
        item = record_to_page(response(body, "text/html", *more), 1024)
        assert isinstance(item, Page) or item.reason in OUTCOMES
        assert not isinstance(item, Page) or len(item.content) <= 1024


def test_chunks_are_joined():
    body = b"5\r\nhello\r\n7;x=y\r\n, world\r\n0\r\n\r\n"
    assert bodies.undo_announced(body, "chunked", "", LIMIT) == b"hello, world"


def test_members_together_are_held_to_the_limit():
    two = gzip.compress(b"a" * 600) + gzip.compress(b"b" * 600)
    assert bodies.undo_announced(two, "", "gzip", 1200) == b"a" * 600 + b"b" * 600
    with pytest.raises(bodies.Oversize):
        bodies.undo_announced(two, "", "gzip", 1199)
