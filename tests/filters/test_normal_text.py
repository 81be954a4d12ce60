"""The normal form of texts, against plain Python."""

from __future__ import annotations

import sys
import unicodedata
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thresher.filters.kernels.text import line_ends
from thresher.filters.measure import measure
from thresher.filters.normal_text import inspect, normal_texts

BREAKS = ["\r\n", "\r", "\u2028", "\u2029"]
WIDTHLESS = "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u061c"
KEPT_WHITE = "\n\r\x85\u2028\u2029"
WHITE = "".join(c for c in map(chr, range(sys.maxunicode)) if c.isspace() and c not in KEPT_WHITE)

pieces = st.lists(
    st.one_of(
        st.sampled_from([*WHITE, *WIDTHLESS, *BREAKS, "\n", "\x85", "\u00ad"]),
        st.sampled_from(
            ["word", "end.", "é", "അവന്", "ه", "क्", "1", "😀", "\u202c", "\u2027", "â€™"]
        ),
        st.sampled_from(
            ["â\x80", "Ã©", "Â«", "\ufffd", "\u00a8", "½", "-\n", "¬\n", "‐\n", "\u00ad\n"]
        ),
        st.characters(codec="utf-8"),
    ),
    max_size=40,
).map("".join)
quick = settings(max_examples=400, deadline=None)


def plain_line(line: str) -> str:
    while line:
        last, before = line[-1], line[-2:-1]
        if last not in WHITE and last not in WIDTHLESS:
            break
        joined = before >= "\u0590" and unicodedata.category(before)[0] in "LM"
        if last in "\u200c\u200d" and joined:
            break
        line = line[:-1]
    return line


def reference(text: str) -> str:
    for each in BREAKS:
        text = text.replace(each, "\n")
    return "\n".join(map(plain_line, text.split("\n")))


def line_ends_of(text: str) -> int:
    """How many lines have an end that is not plain."""
    count = 0
    while text:
        found = [(text.find(each), each) for each in ["\n", *BREAKS] if each in text]
        place, mark = min(found, key=lambda f: (f[0], -len(f[1])), default=(len(text), "\n"))
        count += mark != "\n" or plain_line(text[:place]) != text[:place]
        text = text[place + len(mark) :]
    return count


def mojibake_of(text: str) -> int:
    latin = sum(a in "ÂÃ" and "\x80" <= b <= "\xbf" for a, b in pairwise(text))
    return latin + sum(text.count("â" + mark) for mark in "€\x80„")


def broken_words_of(text: str) -> int:
    parts = text.split("\n")
    return sum(
        a.endswith(("-", "\u00ad", "¬", "‐"))
        and ("a" <= b[:1] <= "z" or b[:1] >= "\x80" or b[:1] == " ")
        for a, b in pairwise(parts)
    )  # fmt: skip


def agree(texts: list[str], kind: pa.DataType) -> None:
    array = pa.array(texts, kind)
    normal = normal_texts(array)
    assert normal.type == kind
    assert normal.to_pylist() == [reference(text) for text in texts]
    normal.validate(full=True)
    assert normal_texts(normal) is normal  # once is enough, and costs no copy
    looks = inspect(array)
    assert looks[:, line_ends.LINE_ENDS].tolist() == [line_ends_of(text) for text in texts]
    plain = inspect(normal)
    expected = [
        (0, mojibake_of(t), t.count("\ufffd"), t.count("\u00ad"), broken_words_of(t))
        for t in normal.to_pylist()
    ]
    assert plain.tolist() == [list(row) for row in expected]


@given(st.lists(pieces, max_size=6), st.sampled_from([pa.string(), pa.large_string()]))
@quick
def test_the_kernel_says_what_plain_python_says(texts, kind):
    agree(texts, kind)


@pytest.mark.slow
@given(st.lists(pieces, max_size=6), st.sampled_from([pa.string(), pa.large_string()]))
@settings(max_examples=20_000, deadline=None)
def test_the_kernel_says_what_plain_python_says_of_many(texts, kind):
    agree(texts, kind)


@given(pieces, st.integers(0, 70))
@quick
def test_it_does_not_matter_where_in_a_block_a_text_lies(text, shift):
    before = "x" * shift
    both = normal_texts(pa.array([before, text, before]).slice(1, 1))
    assert both.to_pylist() == [reference(text)]


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("One.\r\nTwo.\r\n", "One.\nTwo.\n"),
        ("One.\rTwo.", "One.\nTwo."),
        ("One.\u2028Two.\u2029Three.", "One.\nTwo.\nThree."),
        ("One.\r\r\nTwo.", "One.\n\nTwo."),
        ("One. \nTwo.\t \nThree.\u00a0\u3000", "One.\nTwo.\nThree."),
        ("One.\u200b\ufeff \nTwo.\u200d\u2060", "One.\nTwo."),
        ("One.\n \n\u200b\t\nTwo.", "One.\n\n\nTwo."),
        ("  indented\n\tcode\n", "  indented\n\tcode\n"),
        ("a  b\u00a0c\u200bd", "a  b\u00a0c\u200bd"),
        ("He waited\x85\nand waited\x85", "He waited\x85\nand waited\x85"),
        ("അവന്\u200d\nക", "അവന്\u200d\nക"),
        ("سال ه\u200d \n", "سال ه\u200d\n"),
        ("word\u200d\n1\u200c\n", "word\n1\n"),
        (" \r\n\t", "\n"),
        ("", ""),
    ],
)
def test_what_is_changed_and_what_is_not(text, normal):
    assert normal_texts(pa.array([text])).to_pylist() == [normal]
    assert reference(text) == normal


def test_texts_in_normal_form_are_handed_on_as_they_are():
    texts = pa.array(["One.\n\n  Two.\x85", "Drei – “vier”…\n", ""])
    assert normal_texts(texts) is texts
    assert normal_texts(pa.array([], pa.string())).to_pylist() == []


def test_nulls_and_other_types_are_refused():
    with pytest.raises(ValueError, match="nulls"):
        normal_texts(pa.array(["a", None]))
    with pytest.raises(TypeError, match="string"):
        inspect(pa.array([b"a"]))


@given(pieces)
@quick
def test_mojibake_is_what_the_junk_families_call_so(text):
    row = measure(pa.array([text + " word"]), None).to_pylist()[0]
    solid = sum(not c.isspace() for c in text + "word")
    looks = inspect(pa.array([text]))[0]
    counted = row["furniture"]["mojibake_per_1000_characters"] * solid / 1000
    found = looks[line_ends.MOJIBAKE] + looks[line_ends.REPLACEMENTS]
    assert np.isclose(counted, found)


@pytest.mark.parametrize("text", ["â€™", "â„¢", "â\x80\x99", "Ã©", "Â«"])
def test_each_kind_of_mojibake_is_found(text):
    looks = inspect(pa.array([f"a {text}", f"{text[0]} {text[1:]}"]))
    assert looks[:, line_ends.MOJIBAKE].tolist() == [1, 0]
