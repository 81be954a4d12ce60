from __future__ import annotations

import pytest

from thresher.filters.composed import composed, named_parts, with_braces

PARTS = {"a": "\none two\nthree\n", "b": "x"}


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("{b}!", "x!"),
        ("{a*2}", "one two\nthree\none two\nthree"),
        ("{a:2 words}", "one two"),
        ("{a:4 words}", "one two three one"),
        ("{a:3 lines}", "one two\nthree\none two"),
        ("{a:3 paragraphs}", "one two\n\nthree\n\none two"),
        ("{a:5 characters}|{b:3 characters}", "one t|xxx"),
        ("{{b}} { b } {} {b:2 pages}", "{b} { b } {} {b:2 pages}"),
    ],
)
def test_parts_are_put_in_place(text, whole):
    assert composed(text, PARTS) == whole


def test_a_part_that_there_is_not_is_an_error():
    with pytest.raises(KeyError, match="c"):
        composed("{c}", PARTS)


def test_what_a_text_is_composed_of():
    assert named_parts("{a*2} {{b}} {c}", PARTS) == {"a"}
    assert with_braces("{{b}} {a*2}") == "{b} {a*2}"
