"""What is wrong with a setting is said in Thresher's words, with its place."""

from __future__ import annotations

import datetime
from typing import Annotated, Literal

import msgspec
import pytest

from thresher.filters.config import converted, load, load_toml
from thresher.filters.errors import ConfigError


class Inner(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    share: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.5
    kind: Literal["a", "b"] = "a"
    on: bool = True


class Outer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    inner: Inner = Inner()
    count: Annotated[int, msgspec.Meta(ge=1)] | None = None
    bound: int | float | None = None
    many: tuple[Inner, ...] = ()
    two: tuple[float, float] = (0, 1)
    mixed: tuple[str | Inner, ...] = ()
    by_name: dict[str, Inner] = {}
    some: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)] = ("x",)
    word: Annotated[str, msgspec.Meta(pattern="^[a-z]+$", max_length=3)] = "x"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"name": 5}, "name: must be text, not 5."),
        ({}, "name: is missing; it is text."),
        ({"inner": 3}, "inner: must be a table, not 3."),
        ({"inner": {"share": "much"}}, "inner.share: must be a number, at least 0, at most 1, "
         'not the text "much".'),
        ({"inner": {"share": 7}}, "at most 1, not 7."),
        ({"inner": {"kind": 3}}, 'inner.kind: must be "a" or "b", not 3.'),
        ({"inner": {"on": "yes"}}, 'inner.on: must be true or false, not the text "yes".'),
        ({"count": "x"}, 'count: must be a whole number, at least 1, not the text "x".'),
        ({"bound": "3"}, 'bound: must be a number, not the text "3".'),
        ({"bound": True}, "bound: must be a number, not true."),
        ({"many": [{}, {"on": 1}]}, "many[1].on: must be true or false, not 1."),
        ({"many": {"on": True}}, "many: must be a list of table, not a table."),
        ({"two": [1]}, "two: must be a list of number, exactly 2, not a list of 1."),
        ({"two": [1, "b"]}, 'two[1]: must be a number, not the text "b".'),
        ({"mixed": ["x", {"on": "no"}]}, "mixed[1].on: must be true or false"),
        ({"by_name": {"de": {"share": []}}}, "by_name.de.share: must be a number, at least 0, "
         "at most 1, not an empty list."),
        ({"some": []}, "some: must be a list of text, not empty, not an empty list."),
        ({"word": "ABC"}, "word: must be text, no longer than 3, like ^[a-z]+$, not the text"),
        ({"name": datetime.date(2026, 1, 2)}, "name: must be text, not a date."),
        ({"bound": "long" * 99}, "not the text \"longlong"),
    ],
)  # fmt: skip
def test_a_value_of_another_type_is_told_in_words(given, said):
    with pytest.raises(ConfigError) as caught:
        load(Outer, {"name": "x"} | given if given else {}, "some.toml")
    text = str(caught.value)
    assert text.startswith("some.toml: ")
    assert said in text
    assert "`" not in text
    assert "Expected" not in text
    assert len(text) < 250


def test_toml_says_it_likewise():
    with pytest.raises(ConfigError, match=r"^a\.toml: bound: must be a number, not the text \"x\""):
        load_toml(Outer, 'name = "a"\nbound = "x"', "a.toml")


def test_what_fits_is_converted():
    assert converted(tuple[float, ...], [1, 2.5], "here") == (1.0, 2.5)
    with pytest.raises(ConfigError, match=r"^here: \[1\]: must be a number, not nothing\.$"):
        converted(tuple[float, ...], [1, None], "here")
