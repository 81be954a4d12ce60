from __future__ import annotations

from urllib.parse import urlsplit

import pyarrow as pa
import pytest
import tldextract
from hypothesis import given, settings
from hypothesis import strategies as st

from thresher.filters.signals import family_type
from thresher.filters.urls import measure_urls

EXTRACT = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)

labels = st.text("abcXYZ019-é", min_size=1, max_size=8)
urls = st.builds(
    "{}://{}.{}{}/{}{}{}".format,
    st.sampled_from(["http", "https"]),
    labels,
    st.sampled_from(["com", "co.uk", "example.org", "github.io", "museum", "nosuchsuffix", "JP"]),
    st.sampled_from(["", ":80"]),
    st.text("ab1/.-_%20é", max_size=20),
    st.sampled_from(["", "?", "?q=1&r=é", "?a/b?c"]),
    st.sampled_from(["", "#", "#part?x"]),
)


def reference(url: str) -> dict[str, object]:
    parts = urlsplit(url)
    split = EXTRACT(parts.hostname or "")
    return {
        "characters": len(url),
        "path_depth": sum(bool(segment) for segment in parts.path.split("/")),
        "query_characters": len(parts.query),
        "digits": sum(c in "0123456789" for c in url),
        "top_level_domain": split.suffix or None,
        "registered_domain": split.top_domain_under_public_suffix or None,
    }


@settings(max_examples=200, deadline=None)
@given(st.lists(urls, max_size=5))
def test_urls_equal_the_standard_library_and_tldextract(values):
    assert measure_urls(pa.array(values, pa.string())).to_pylist() == list(map(reference, values))


@pytest.mark.parametrize(
    ("url", "domain", "suffix"),
    [
        ("https://www.Example.CO.UK/a", "example.co.uk", "co.uk"),
        ("http://user:pw@a.b.com:8080/x", "b.com", "com"),
        ("http://192.168.0.1/x", None, None),
        ("http://[2001:db8::1]:80/x", None, None),
        ("//cdn.site.org/x", "site.org", "org"),
        ("no scheme at all", None, None),
        ("", None, None),
        ("https://localhost/", None, None),
    ],
)
def test_hosts(url, domain, suffix):
    row = measure_urls(pa.array([url]))[0].as_py()
    assert (row["registered_domain"], row["top_level_domain"]) == (domain, suffix)


def test_a_missing_url_has_no_signals():
    column = measure_urls(pa.array([None, "http://a.com/b/c?d"], pa.string()))
    assert column.type == family_type("url_parts")
    assert set(column[0].as_py().values()) == {None}
    assert column[1]["path_depth"].as_py() == 2
    assert len(measure_urls(pa.array([], pa.string()))) == 0
    with pytest.raises(TypeError, match="string"):
        measure_urls(pa.array([1]))
