"""How much of a text is words of its title, against plain Python."""

from __future__ import annotations

import unicodedata

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thresher.filters.junk.families import FUNCTION_WORDS
from thresher.filters.junk.titles import FEWEST_WORDS, title_word_fractions
from thresher.filters.kernels.junk.titles import TITLE_WORDS
from thresher.filters.kernels.text.tables import SCRIPT_RANGES

PROSE = (
    "The river rises in the hills, runs south for forty miles, and meets the sea at a town that "
    "has lived from its harbour since the ninth century. "
)


def fractions(texts: list[str], titles: list[str | None]) -> list[float | None]:
    found = title_word_fractions(pa.array(texts, pa.string()), pa.array(titles, pa.string()))
    assert found.type == pa.float64()
    return found.to_pylist()


def content_words(text: str) -> list[str]:
    words = [""]
    for c in text:
        category = unicodedata.category(c)
        if c.isalpha() or category[0] in "NM":
            words[-1] += c.lower() if len(c.lower()) == 1 else c
        elif c not in "'\u2019\u02bc":
            words.append("")
    return [
        word
        for word in words
        if len(word) > 2
        and word not in FUNCTION_WORDS
        and not any(unicodedata.category(c) == "Nd" for c in word)
    ]


def reference(text: str, title: str | None) -> float | None:
    titled = set(list(dict.fromkeys(content_words(title or "")))[:TITLE_WORDS])
    content = content_words(text)
    letters = sum(c.isalpha() for c in text)
    spaceless = sum(c.isalpha() and any(a <= ord(c) <= b for a, b in SCRIPT_RANGES) for c in text)
    if not titled or len(content) < FEWEST_WORDS or 2 * spaceless > letters:
        return None
    return sum(word in titled for word in content) / len(content)


def test_content_words_of_the_title_are_counted_wherever_they_stand():
    text = PROSE * 3
    assert fractions([text], ["The river's HARBOUR, and 40 lakes"]) == [
        pytest.approx(3 / len(content_words(text)))  # "rivers" is another word
    ]
    assert fractions([text], ["River | Harbour | Sea"]) == [
        pytest.approx(9 / len(content_words(text)))
    ]
    assert fractions([text], ["Bridges of the north"]) == [0]
    assert fractions(["cheap flights " * 40], ["Cheap flights"]) == [1]


def test_without_a_title_or_words_it_is_undefined():
    text = PROSE * 3
    assert fractions([text] * 4, [None, "", "of the 1999 -", "一二三"]) == [None, None, None, 0]
    assert fractions(["", "river harbour " * 9, "日本語の文章" * 20], ["river"] * 3) == [None] * 3
    assert fractions([], []) == []


def test_a_title_has_a_bound():
    names = [f"{a}{b}word" for a in "abcdefghijk" for b in "abcdefghijk"]
    assert fractions([" ".join(names)], [" ".join(names)]) == [TITLE_WORDS / len(names)]


def test_what_does_not_fit_is_refused():
    text, number = pa.array(["a"]), pa.array([1])
    with pytest.raises(TypeError):
        title_word_fractions(number, text)
    with pytest.raises(TypeError):
        title_word_fractions(text, number)
    with pytest.raises(ValueError, match="nulls"):
        title_word_fractions(pa.array([None], pa.string()), text)
    with pytest.raises(ValueError, match="titles"):
        title_word_fractions(text, pa.array(["a", "b"]))


_WORDS = st.sampled_from(
    [
        *("river", "River", "harbour", "don't", "rock\u2019n", "x1yz", "the", "été", "ÉTÉ", "ab"),
        *("日本", "ก็มา", "²³abc", "e\u0301te\u0301", "\u0130stan", "\u0660bc"),
        "antidisestablishmentarianism" * 2,
    ]
)
_TEXTS = st.lists(_WORDS | st.text(max_size=4), max_size=60).flatmap(
    lambda parts: st.sampled_from([" ", "-", "\n", "|"]).map(lambda mark: mark.join(parts))
)
_TITLES = st.none() | st.lists(_WORDS | st.text(max_size=4), max_size=6).map(" ".join)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(_TEXTS, _TITLES), max_size=5))
def test_the_kernel_equals_plain_python_in_any_batch(rows):
    texts, titles = [text for text, _ in rows], [title for _, title in rows]
    found = fractions(texts, titles)
    assert found == [reference(text, title) for text, title in rows]
    wide = pa.array(["x", *texts], pa.large_string())[1:]
    named = pa.array(["y", *titles], pa.large_string())[1:]
    assert title_word_fractions(wide, named).to_pylist() == found
