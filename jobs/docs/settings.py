"""What a settings struct says about itself: its fields with types, defaults and docstrings.

The docstring under a field exists in the source only, so it is read from there.
"""

from __future__ import annotations

import ast
import inspect
import json
import sys
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from thresher.filters.type_words import is_struct, type_text


@dataclass(frozen=True)
class Setting:
    """One field of a settings struct."""

    name: str
    """As it is written in TOML."""
    kind: str
    """Its type in words."""
    default: str
    """As it is written in TOML; `required` or `unset` where there is none."""
    text: str
    """The docstring under it; empty where there is none."""
    structs: tuple[type[msgspec.Struct], ...]
    """The structs it holds, which have settings of their own."""
    many: bool
    """Whether it holds them as a list or under names."""


def settings_of(kind: type[msgspec.Struct]) -> tuple[Setting, ...]:
    """The fields of a struct, inherited ones first, in order."""
    texts = field_texts(kind)
    hints = typing.get_type_hints(kind, include_extras=True)
    return tuple(
        Setting(
            name=field.encode_name,
            kind=type_text(hints[field.name], "`"),
            default=_default_text(field),
            text=texts.get(field.name, ""),
            structs=tuple(_structs_in(hints[field.name])),
            many=_holds_many(hints[field.name]),
        )
        for field in msgspec.structs.fields(kind)
    )


def field_texts(kind: type[Any]) -> dict[str, str]:
    """The docstrings under the fields of a class and of those it inherits from, on one line."""
    texts: dict[str, str] = {}
    for each in reversed(kind.__mro__):
        for node in _classes(each.__module__).get(each.__qualname__, ()):
            texts |= node
    return texts


@cache
def _classes(module: str) -> dict[str, list[dict[str, str]]]:
    """By class of a module, the texts of its fields."""
    try:
        tree = ast.parse(inspect.getsource(sys.modules[module]))
    except (OSError, TypeError, KeyError):
        return {}  # of a compiled module
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            found[node.name] = [
                {field.target.id: " ".join(text.value.value.split())}
                for field, text in zip(node.body, node.body[1:], strict=False)
                if isinstance(field, ast.AnnAssign)
                and isinstance(field.target, ast.Name)
                and isinstance(text, ast.Expr)
                and isinstance(text.value, ast.Constant)
                and isinstance(text.value.value, str)
            ]
    return found


def _default_text(field: msgspec.structs.FieldInfo) -> str:
    value = field.default
    if field.default_factory is not msgspec.NODEFAULT:
        value = field.default_factory()
    if value is msgspec.NODEFAULT:
        return "required"
    if value is None:
        return "unset"
    return "" if isinstance(value, msgspec.Struct) else f"`{toml(value)}`"


def toml(value: Any) -> str:
    """Plain data as TOML writes it on one line; an empty table is the same as in JSON, and so are
    strings but for one character.
    """  # noqa: D205 - one sentence
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(toml(item) for item in value)}]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _structs_in(hint: Any) -> Iterator[type[msgspec.Struct]]:
    if is_struct(hint):
        yield hint
    for argument in typing.get_args(hint):
        yield from _structs_in(argument)


def _holds_many(hint: Any) -> bool:
    if typing.get_origin(hint) in (list, tuple, dict):
        return True
    return any(_holds_many(argument) for argument in typing.get_args(hint))
