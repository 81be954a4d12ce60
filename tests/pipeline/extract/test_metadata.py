"""What pages and their HTTP headers declare."""

from __future__ import annotations

import pytest
from resiliparse.parse.html import HTMLTree

from thresher.filters.signals import family
from thresher.pipeline.extract import Extractor, ExtractSettings
from thresher.pipeline.extract.columns import metadata_column
from thresher.pipeline.extract.metadata import Metadata, declared, with_headers
from thresher.pipeline.read import http
from thresher.pipeline.read.records import Page

CC = "https://creativecommons.org/licenses/by-sa/4.0/deed.de"


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<p>nothing", Metadata()),
        ("", Metadata()),
        ("<html lang='en_GB'>", Metadata(language="en-GB")),
        ("<html lang='{{ lang }}'>", Metadata()),
        ("<link rel=canonical href='/a?b=1&amp;c'>", Metadata(canonical_url="/a?b=1&c")),
        (
            "<meta property='article:published_time' content='2024-03-01T10:00:00Z'>",
            Metadata(published="2024-03-01"),
        ),
        ("<META NAME='Date' CONTENT='20240301'>", Metadata(published="2024-03-01")),
        ("<meta name=date content='March 1'>", Metadata()),
        ("<meta itemprop=datePublished content=2024/03/31>", Metadata(published="2024-03-31")),
        (f"<body><a rel='license noopener' href={CC}>x</a>", Metadata(licence="by-sa-4.0")),
        (
            f"<a href=https://creativecommons.org/licenses/by/3.0/>a</a><a rel=license href={CC}>",
            Metadata(licence="by-sa-4.0"),
        ),
        (
            "<link rel=license href=//creativecommons.org/publicdomain/zero/1.0/>",
            Metadata(licence="zero-1.0"),
        ),
        (f"<meta name=dc.rights content='see {CC}'>", Metadata(licence="by-sa-4.0")),
        ("<a rel=license href=/terms>", Metadata()),
        (
            "<meta name=ROBOTS content='NoIndex, NOAI, noimageai'>",
            Metadata(robots_noindex=True, robots_noai=True, robots_noimageai=True),
        ),
        ("<meta name=robots content='none'>", Metadata(robots_noindex=True)),
        ("<meta name=robots content='index,follow,noai-not'>", Metadata()),
        ("<meta name=GPTBot content=noai>", Metadata(robots_noai=True)),
        (
            "<meta name=tdm-reservation content=1><meta name=tdm-policy content=https://p/>",
            Metadata(tdm_reservation=True, tdm_policy="https://p/"),
        ),
        ("<meta name=tdm-reservation content=0>", Metadata()),
    ],
)
def test_tags(html, expected):
    assert declared(HTMLTree.parse(html)) == expected


def test_headers_count_as_tags_do():
    headers = {
        "x-robots-tag": "googlebot: noindex, otherbot: noai",
        "tdm-reservation": "1",
        "content-language": "de-AT, en",
    }
    assert with_headers(Metadata(published="2024-03-01"), headers) == Metadata(
        language="de-AT",
        published="2024-03-01",
        robots_noindex=True,
        robots_noai=True,
        tdm_reservation=True,
    )
    assert with_headers(Metadata(language="fr", robots_noai=True), {"tdm-reservation": "0"}) == (
        Metadata(language="fr", robots_noai=True)
    )


def test_every_robots_header_is_read():
    response = http.parse_response(
        b"HTTP/1.1 200 OK\r\nX-Robots-Tag: noai\r\nServer: a\r\nx-robots-tag: noindex\r\n"
        b"TDM-Reservation: 1\r\n\r\nbody"
    )
    assert response.declarations == {"x-robots-tag": "noai, noindex", "tdm-reservation": "1"}


def test_the_column_holds_tags_and_headers():
    pages = [
        Page("t", "", "", "finished text", False, "utf-8"),
        Page("h", "", "", b"<html lang=en><p>words</p>", True, "", {"x-robots-tag": "noai"}),
    ]
    with Extractor(ExtractSettings(profile="fast")) as extractor:
        column = metadata_column(extractor.extract(pages)).to_pylist()
    assert column[0] is None
    assert list(column[1]) == [one.name.split(".")[1] for one in family("metadata").signals]
    assert (column[1]["language"], column[1]["robots_noai"]) == ("en", True)


def test_hostile_tags_are_bounded():
    html = "<link rel=canonical href='" + "x" * 100_000 + "'>" + "<meta name=robots>" * 50_000
    found = declared(HTMLTree.parse(html))
    assert len(found.canonical_url) == 2000
