"""Canonical URLs: which addresses are one page."""

from __future__ import annotations

import pytest

from thresher.pipeline.dedup.urls import canonical_url, url_hashes


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http://www.Example.com:80/a/", "https://example.com/a"),
        ("https://example.com/a?b=2&a=1#top", "https://example.com/a?a=1&b=2"),
        ("https://example.com/?utm_source=x&fbclid=1", "http://example.com"),
        ("https://example.com/%7Euser/%c3%a9", "https://example.com/~user/%C3%A9"),
        ("https://example.com/p;jsessionid=AB12?q=1", "https://example.com/p?q=1"),
        ("https://user@example.com./x", "https://example.com/x"),
        ("https://example.com:443/a", "https://example.com/a"),
        ("http://example.com:443/a", "https://example.com:80/a"),
        ("https://example.com/a?&b=1&", "https://example.com/a?b=1"),
    ],
)
def test_spellings_of_one_page(one, other):
    assert canonical_url(one) == canonical_url(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://example.com/A", "https://example.com/a"),
        ("https://example.com/a?id=1", "https://example.com/a?id=2"),
        ("https://example.com:8080/", "https://example.com/"),
        ("https://blog.example.com/", "https://example.com/"),
        ("https://example.com/a%2Fb", "https://example.com/a/b"),
    ],
)
def test_pages_that_differ(one, other):
    assert canonical_url(one) != canonical_url(other)


@pytest.mark.parametrize("url", ["", "ftp://x/y", "nonsense", "http://[", "http://x:99999/"])
def test_what_is_no_web_address_has_no_canonical_form(url):
    assert canonical_url(url) is None
    hashes, places = url_hashes([url, None, "http://a.b/", "https://www.a.b"])
    assert places.tolist() == [2, 3]
    assert hashes[0].tolist() == hashes[1].tolist()


TRACKING = """
utm_source utm_x mtm_campaign pk_kwd fbclid gclid dclid msclkid yclid twclid ttclid igshid mc_cid
mc_eid _hsenc _hsmi _ga phpsessid PHPSESSID jsessionid aspsessionid aspsessionidabc sessionid sid
"""


@pytest.mark.parametrize("name", TRACKING.split())
def test_what_follows_a_visitor_tells_no_pages_apart(name):
    assert canonical_url(f"https://a.b/c?x=1&{name}=2&y=3") == "a.b/c?x=1&y=3"
    assert canonical_url(f"https://a.b/c?{name}=2") == "a.b/c"
    for other in (f"a{name}", f"{name}-"):
        assert canonical_url(f"https://a.b/c?{other}=2") == f"a.b/c?{other}=2"
