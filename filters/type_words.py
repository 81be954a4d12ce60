"""Types and values in words: what a setting may be, and what someone wrote instead.

The reference pages and the errors of configuration say it by the same function.
"""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

_PLAIN = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    Any: "anything",
    Path: "path",
}
_LIMITS = (("ge", "at least"), ("gt", "above"), ("le", "at most"), ("lt", "below"))
_COUNTED = ("whole number", "number", "list", "table", "path")
"""What takes an article."""
_LONGEST = 60


def type_text(hint: Any, mark: str = "") -> str:
    """A type in words.

    Args:
        hint: the annotation of a field.
        mark: stands around literal values, such as a backtick.
    """
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        limits = [each for meta in arguments[1:] for each in _limits(meta)]
        return ", ".join([type_text(arguments[0], mark), *limits])
    if origin is Literal:
        return " or ".join(f"{mark}{_json(value)}{mark}" for value in arguments)
    if is_union(hint):
        kinds = [each for each in arguments if each is not type(None)]
        if set(kinds) == {int, float}:
            return "number"
        return " or ".join(type_text(each, mark) for each in kinds)
    if origin in (list, tuple):
        items = {each: None for each in arguments if each is not ...}
        words = f"list of {' and '.join(type_text(each, mark) for each in items)}"
        varying = origin is list or ... in arguments
        return words if varying else f"{words}, exactly {len(arguments)}"
    if origin is dict:
        return f"table of {type_text(arguments[1], mark)} by name"
    return "table" if is_struct(hint) else _PLAIN.get(hint, getattr(hint, "__name__", str(hint)))


def must_be(hint: Any, value: object) -> str:
    """What is wrong with a value that does not fit a type, as a sentence without its subject."""
    return f"must be {_with_article(type_text(hint))}, not {value_text(value)}."


def is_missing(hint: Any) -> str:
    """What is wrong where a setting of a type is not there at all."""
    return f"is missing; it is {_with_article(type_text(hint))}."


def value_text(value: object) -> str:
    """A value as a person would name it, bounded in length."""
    if isinstance(value, str):
        cut = value if len(value) <= _LONGEST else value[: _LONGEST - 1] + "…"
        return f"the text {_json(cut)}"
    if isinstance(value, bool | int | float):
        return _json(value)[:_LONGEST]
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, list | tuple):
        return f"a list of {len(value):,}" if value else "an empty list"
    return "nothing" if value is None else f"a {type(value).__name__}"


def is_union(hint: Any) -> bool:
    """Whether a type is one of several."""
    return typing.get_origin(hint) in (typing.Union, types.UnionType)


def is_struct(hint: Any) -> bool:
    """Whether a type is a table with settings of its own."""
    return isinstance(hint, type) and issubclass(hint, msgspec.Struct)


def _limits(meta: Any) -> Iterator[str]:
    for name, words in _LIMITS:
        limit = getattr(meta, name, None)
        if limit is not None:
            yield f"{words} {limit:,}"
    if getattr(meta, "min_length", None):
        yield "not empty" if meta.min_length == 1 else f"no shorter than {meta.min_length:,}"
    if getattr(meta, "max_length", None) is not None:
        yield f"no longer than {meta.max_length:,}"
    if getattr(meta, "pattern", None):
        yield f"like {meta.pattern}"


def _with_article(words: str) -> str:
    return f"a {words}" if words.startswith(_COUNTED) else words


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
