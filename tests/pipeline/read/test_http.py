"""Bodies and heads that are made to hurt, and where HTML starts."""

from __future__ import annotations

import gzip

import pytest

from thresher.pipeline.read import bodies, http
from thresher.pipeline.read.media import starts_like_html
from thresher.pipeline.read.payload import Record, record_to_page


@pytest.mark.parametrize(
    "start",
    [
        b"<!DOCTYPE html>",
        b"<!doctype\n html>",
        b"\xef\xbb\xbf \n<HTML>",
        b"<?xml version='1.0'?>\n<html>",
        b"<!-- a --> <!-- > --><body>",
        b"<!---->" * 400 + b"<p>",
        b"<!-- " + b"licence " * 400 + b"--><h1>",
    ],
)
def test_html_is_known_by_its_first_tag(start):
    assert starts_like_html(start)


@pytest.mark.parametrize(
    "start",
    [
        b"",
        b"words <p>",
        b"<!-- no end <p>",
        b"<?xml version='1.0'?><rss>",
        b"<!-- a --> words",
        b"<plan>",
        b"<!---->" * 600 + b"<p>",
    ],
)
def test_other_text_is_not(start):
    assert not starts_like_html(start)


def test_comments_without_end_are_over_at_once():
    assert not starts_like_html(b"<!-- x -->\n" * 300 + b"<rss>")


def test_a_body_of_many_members_is_whole():
    members = b"".join(gzip.compress(b"%d " % i) for i in range(3000))
    found = bodies.undo_announced(members, "", "gzip", 1 << 20)
    assert found == b"".join(b"%d " % i for i in range(3000))


def test_robots_of_all_headers_are_joined():
    head = b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-Robots-Tag: %d\r\n" % i for i in range(3))
    assert http.parse_response(head + b"\r\n").headers["x-robots-tag"] == "0, 1, 2"


@pytest.mark.parametrize(
    ("status", "reason"),
    [(199, "http_status"), (200, None), (204, None), (299, None), (300, "http_status"),
     (304, "http_status"), (404, "http_status"), (100, "http_status"), (500, "http_status")],
)  # fmt: skip
def test_a_page_has_a_status_of_success(status, reason):
    head = f"HTTP/1.1 {status} Words\r\nContent-Type: text/html\r\n\r\n".encode()
    found = record_to_page(Record("response", "r", "u", "d", body=head + b"<p>x"), 1 << 20)
    assert getattr(found, "reason", None) == reason
    if reason:
        assert found.detail == str(status)


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (b"HTTP/1.1 200 OK", 200),
        (b"HTTP/2 200", 200),
        (b"HTTP/1.0\t 404 Not Found", 404),
        (b"HTTP/1.1 2000 OK", None),
        (b"HTTP/1.1 20 OK", None),
        (b"HTTP/1.1", None),
        (b"http/1.1 200 OK", None),
        (b" HTTP/1.1 200 OK", None),
    ],
)
def test_a_status_line(line, status):
    if status is None:
        with pytest.raises(http.MalformedHttp, match="no HTTP status line"):
            http.parse_response(line + b"\r\n\r\n")
    else:
        assert http.parse_response(line + b"\r\n\r\nbody").status == status


def test_of_a_header_the_first_line_counts_and_of_a_list_all_do():
    head = (
        b"HTTP/1.1 200 OK\r\nContent-Language: en\r\ncontent-language: de\r\nTDM-Policy : a\r\n"
        b"Content-Type: text/plain\r\nCONTENT-TYPE: text/html\r\nno header\r\nX: \xe9: b \r\n"
        b"Content-Encoding: gzip\r\nContent-Encoding: br\r\nTransfer-Encoding: a\r\n"
        b"Transfer-Encoding: b\r\nServer: s\r\nServer: t\r\n\r\nrest\r\n\r\n"
    )
    response = http.parse_response(head)
    assert response.headers == {
        "content-language": "en",
        "tdm-policy": "a",
        "content-type": "text/plain, text/html",
        "x": "é: b",
        "content-encoding": "gzip, br",
        "transfer-encoding": "a, b",
        "server": "s",
    }
    assert response.body == b"rest\r\n\r\n"
    assert response.declarations == {"content-language": "en", "tdm-policy": "a"}
    robots = http.parse_response(b"HTTP/1.1 200 OK\nX-Robots-Tag: a\nTDM-Reservation: 1\n\nb")
    assert robots.declarations == {"tdm-reservation": "1", "x-robots-tag": "a"}
    assert robots.body == b"b"


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n", b"\n\r\n", b"\n\r\r\n"])
def test_the_head_ends_at_a_blank_line(end):
    response = http.parse_response(b"HTTP/1.1 200 OK\r\nA: b" + end + b"c")
    assert (response.headers, response.body) == ({"a": "b"}, b"c")


@pytest.mark.parametrize("over", [0, 1])
def test_a_head_of_a_quarter_of_a_megabyte_ends(over):
    size = (1 << 18) - len(b"HTTP/1.1 200 OK\r\nA: \n\n") + over
    block = b"HTTP/1.1 200 OK\r\nA: " + b"b" * size + b"\n\n"
    assert len(block) == (1 << 18) + over
    if over:
        with pytest.raises(http.MalformedHttp, match="do not end"):
            http.parse_response(block + b"c")
    else:
        assert http.parse_response(block + b"c").body == b"c"
    endless = block[: 1 << 18].rstrip(b"\n")
    assert http.parse_response(endless).body == b"", "a short block may be all head"


@pytest.mark.parametrize(
    ("declared", "identified", "body", "page"),
    [
        ("text/html", "", b"words", True),
        ("text/plain", "text/html", b"words", True),
        ("text/html", "text/plain", b"<p>", False),
        ("text/html", "application/octet-stream", b"words", True),
        ("application/octet-stream", "", b"<p>", True),
        ("application/octet-stream", "", b"words", False),
        ("", "*/*", b"<p>", True),
        ("text/xml", "", b"<html>", True),
        ("text/xml", "", b"<p>", False),
        ("text/plain", "application/xml", b"<html>", True),
        ("text/html", "", b"%PDF-<p>", False),
        ("text/html", "", b"\x89PNG<p>", False),
        ("text/html", "", b"\xff\xd8\xff<p>", False),
        ("text/html", "", b"GIF8<p>", False),
        ("text/html", "", b"PK\x03\x04<p>", False),
        ("text/html", "", b"\x1f\x8b\x08<p>", False),
    ],
)
def test_what_is_html(declared, identified, body, page):
    assert http.is_html(declared, identified, body) == page
    possible = http.may_be_html(declared, identified)
    assert possible or not page
    assert possible == (declared != "text/html" or identified != "text/plain")


HTML = """
text/html text/x-html text/htm text/xhtml text/x-server-parsed-html application/html
application/xhtml application/xhtml+xml application/vnd.wap.xhtml+xml
"""
VAGUE = """
*/* application/octet-stream application/unknown application/x-unknown
application/x-unknown-content-type binary/octet-stream content/unknown unknown/unknown
"""


@pytest.mark.parametrize("kind", HTML.split())
def test_types_that_are_html_whatever_the_bytes(kind):
    for declared, identified in ((kind, ""), ("text/plain", kind)):
        assert http.may_be_html(declared, identified)
        assert http.is_html(declared, identified, b"words")


@pytest.mark.parametrize("kind", ["", *VAGUE.split()])
def test_types_that_say_nothing_leave_it_to_the_bytes(kind):
    assert http.may_be_html(kind, kind)
    assert http.is_html(kind, kind, b"<p>")
    assert not http.is_html(kind, kind, b"words")
    assert http.is_html("text/html", kind, b"words")
    assert not http.is_html("image/png", kind, b"<p>")


@pytest.mark.parametrize("kind", ["text/xml", "application/xml"])
def test_types_of_xml_leave_it_to_the_root(kind):
    assert http.may_be_html(kind, "")
    assert http.is_html(kind, "", b"<?xml version='1.0'?><html>")
    assert not http.is_html(kind, "", b"<p>")


@pytest.mark.parametrize("kind", ["text/plain", "image/svg+xml", "text/html2", "html"])
def test_other_types_are_no_html_whatever_the_bytes(kind):
    assert not http.may_be_html(kind, "")
    assert not http.is_html(kind, "", b"<html>")


@pytest.mark.parametrize(("ahead", "page"), [(0, True), (4094, True), (4095, False)])
def test_the_first_tag_is_looked_for_in_so_many_bytes(ahead, page):
    assert http.is_html("", "", b" " * ahead + b"<p>") == page


def test_headers_that_declare_are_kept_and_those_that_list_are_joined():
    names = ("content-language", "tdm-policy", "tdm-reservation", "x-robots-tag", "server")
    head = "".join(f"{name.title()}: 1\r\n{name}: 2\r\n" for name in names)
    types = "Content-Type: a/b\r\nContent-Type: c/d\r\nContent-Encoding: x\r\n"
    more = "content-encoding: y\r\nTransfer-Encoding: u\r\ntransfer-encoding: v\r\n"
    found = http.parse_response(f"HTTP/1.1 200 OK\r\n{head}{types}{more}\r\nbody".encode())
    assert found.body == b"body"
    assert found.declarations == {
        **dict.fromkeys(("content-language", "tdm-policy", "tdm-reservation"), "1"),
        "x-robots-tag": "1, 2",
    }
    joined = ("content-type", "content-encoding", "transfer-encoding", "server")
    assert [found.headers[name] for name in joined] == ["a/b, c/d", "x, y", "u, v", "1"]
