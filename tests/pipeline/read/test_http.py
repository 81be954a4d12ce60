"""Bodies and heads that are made to hurt, and where HTML starts."""

from __future__ import annotations

import gzip

import pytest

from thresher.pipeline.read import bodies, http
from thresher.pipeline.read.media import starts_like_html


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
