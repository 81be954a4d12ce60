"""The quick look at a page's visible text."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thresher.filters.kernels.text.html import copy_visible
from thresher.pipeline.gate.visible import excerpt, page_excerpt
from thresher.pipeline.read.records import Page


def visible(html, size=1 << 16):
    out = np.zeros(size, np.uint8)
    return out[: copy_visible(np.frombuffer(html, np.uint8), out)].tobytes()


def page(html, is_html=True):
    return Page("", "", "", html, is_html, "")


@pytest.mark.parametrize(
    ("html", "text"),
    [
        (b"", b""),
        (b"plain  text\n here", b"plain text here"),
        (b"<p>One</p><p>two</p>", b"One two "),
        (b"a<script>var x = '<p>no</p>';</script>b", b"a b"),
        (b"a<SCRIPT src=x>no</ScRiPt >b", b"a b"),
        (b"a<style>p {}</style >b<scripted>c", b"a b c"),
        (b"a<!-- <p>no</p> -->b", b"a b"),
        (b"a<!-- never closed", b"a "),
        (b"a<script>never closed", b"a "),
        (b"a<b", b"a "),
        (b"a<", b"a "),
        (b"<", b""),
    ],
)
def test_what_stands_between_tags_is_visible(html, text):
    assert visible(html) == text


@given(
    st.binary(max_size=300)
    | st.lists(
        st.sampled_from(
            [
                b"<",
                b">",
                b"</",
                b"<!--",
                b"-->",
                b"<script>",
                b"</script>",
                b"<style",
                b"<p>",
                b"word ",
                b"\n",
            ]
        )
    ).map(b"".join)
)
def test_never_out_of_bounds_and_never_a_tag(html):
    text = visible(html)
    assert b"<" not in text
    assert b"  " not in text
    assert visible(html, 5) == text[:5]


def test_an_excerpt_is_utf8_and_enough():
    words = "Wörter über Wörter ".encode() * 100
    assert page_excerpt(page(b"<p>" + words)) is not None
    assert page_excerpt(page(words, is_html=False)) is None
    assert page_excerpt(page(b"<p>too little</p>")) is None
    assert page_excerpt(page(b"<p>" + words.decode().encode("latin-1"))) is None


def test_an_excerpt_has_the_start_the_middle_and_the_end_in_whole_words():
    numbers = [b"%03d" % n for n in range(300)]
    found = excerpt(b" ".join(numbers), 40).split()
    assert found == [*numbers[:10], *numbers[145:154], *numbers[-10:]]
    assert excerpt(b"x" * 120, 40) == b"x" * 120
    assert excerpt(b"x" * 121, 40) == b" ".join([b"x" * 40] * 3)
    found = excerpt("漢".encode() * 300, 40).decode()
    assert [len(part) for part in found.split()] == [13, 12, 13]


@given(st.text(), st.integers(8, 60))
def test_an_excerpt_is_bounded_and_valid(text, window):
    data = text.encode()
    found = excerpt(data, window)
    assert len(found) <= max(3 * window + 2, len(data) if len(data) <= 3 * window else 0)
    found.decode()


@given(st.binary(max_size=300), st.integers(1, 60))
def test_an_excerpt_of_any_bytes(data, window):
    assert len(excerpt(data, window)) <= 3 * window + 2
