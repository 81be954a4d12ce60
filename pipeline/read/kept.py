"""Further fields of rows that go along with their documents: the setting `input.keep`.

They become one JSON object per document, of names to values: a struct would have another type in
every shard, and a map loses what is a number and is read by few trainers. The object is canonical:
its names are dotted paths in their order, it holds no NULL and no blank between its parts, and its
texts are cleaned as all others are. What is more than `MOST_BYTES` of a document is left out and
counted, value by value, never cut: half a value is a wrong one.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from thresher.filters.errors import ConfigError
from thresher.pipeline.read.records import clean_text
from thresher.pipeline.read.rows import field_value, prefixes

__all__ = ["MOST_BYTES", "Keep", "check_keep", "is_kept", "keeps_all_of"]

MOST_BYTES = 1 << 16
"""Bytes of a document's object at most."""

_ALL = ".*"
_DEEPEST = 32


def check_keep(names: Sequence[str], text: str, where: str) -> None:
    """Raise `ConfigError` for a name that can keep nothing.

    Args:
        names: as the setting has them.
        text: name of the field of the text, which every document has anyway.
        where: what errors call the setting.
    """
    for i, name in enumerate(names):
        bare = name.removesuffix(_ALL)
        problem = ""
        if not all(bare.split(".")) or "*" in bare:
            problem = (
                f"'{name}' names no field: give one, as 'licence', the dotted name of one in an "
                "object, as 'meta.licence', or all fields of an object, as 'meta.*'."
            )
        elif name == text:
            problem = f"'{name}' is the text, which every document has; take it out."
        if problem:
            raise ConfigError(f"{where}[{i}]", problem)


def keeps_all_of(name: str) -> str:
    """The object all of whose fields a name keeps, with its dot; "" of a name that keeps one."""
    return name.removesuffix("*") if name.endswith(_ALL) else ""


def is_kept(field: str, names: Sequence[str]) -> bool:
    """Whether the setting keeps a field, by its dotted name."""
    return any(
        field == name or field.startswith(keeps_all_of(name) or f"{name}.") for name in names
    )


class Keep:
    """What is kept of rows.

    Args:
        names: as the setting has them.
        text: name of the field of the text, which is never kept besides.
    """

    def __init__(self, names: Sequence[str] = (), text: str = "") -> None:
        self.fields = [name for name in names if not keeps_all_of(name)]
        self.objects = [found for name in names if (found := keeps_all_of(name))]
        self._text = text
        self.left_out = 0
        """Values that were left out so far."""

    def __bool__(self) -> bool:
        return bool(self.fields or self.objects)

    def roots(self) -> list[str]:
        """Top-level names that may hold the fields; those of all fields of an object are more."""
        return [prefix for name in self.fields for prefix in prefixes(name)]

    def of_row(self, values: Mapping[str, Any]) -> str:
        """The object of a row, by its top-level values; "" where it is empty."""
        found: dict[str, Any] = {}
        for name in self.fields:
            found |= self._leaves(field_value(values, name), name, 0)
        for before in self.objects:
            for name, value in self._leaves_below(values, before):
                found.setdefault(name, value)
        return self.of_fields(found)

    def of_fields(self, found: Mapping[str, Any]) -> str:
        """The object of fields by their dotted names; "" where none has a value."""
        parts: dict[str, str] = {}
        size = 1
        for name, raw in sorted((clean_text(name), name) for name in found):
            if raw == self._text or found[raw] is None:
                continue
            if name in parts or _is_deeper(found[raw], _DEEPEST):
                self.left_out += 1
                continue
            value = _storable(found[raw])
            if value is None:
                continue
            part = f"{_json(name)}:{_json(value)}"
            more = len(part.encode()) + 1
            if size + more > MOST_BYTES:
                self.left_out += 1
                continue
            parts[name] = part
            size += more
        return f"{{{','.join(parts.values())}}}" if parts else ""

    def _leaves_below(self, values: Mapping[str, Any], before: str) -> Iterator[tuple[str, Any]]:
        """The fields whose names begin so; of a flattened row, keys that do go first."""
        for key in _dotted_first(values):
            if key.startswith(before):
                yield from self._leaves(values[key], key, 0).items()
        yield from self._leaves(
            field_value(values, before[:-1]), before[:-1], 0, bare=False
        ).items()

    def _leaves(self, value: Any, name: str, depth: int, *, bare: bool = True) -> dict[str, Any]:
        """A value by its name, or all that an object holds by theirs."""
        if not isinstance(value, Mapping):
            return {name: value} if bare else {}
        if depth == _DEEPEST:
            self.left_out += 1
            return {}
        found: dict[str, Any] = {}
        for key in _dotted_first(value):
            for path, leaf in self._leaves(value[key], f"{name}.{key}", depth + 1).items():
                found.setdefault(path, leaf)
        return found


def _dotted_first(values: Mapping[str, Any]) -> list[str]:
    """The keys of an object, those before others that may begin like them: a key goes first."""
    return sorted(values, key=len, reverse=True)


def _is_deeper(value: Any, most: int) -> bool:
    """Whether lists and objects lie within each other more than so many deep."""
    if not isinstance(value, list | Mapping):
        return False
    inner = value if isinstance(value, list) else value.values()
    return most == 0 or any(_is_deeper(each, most - 1) for each in inner)


def _storable(value: Any) -> Any:
    """A value with clean texts, without NaN and infinities."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, bytes):
        return value.hex()  # a string that is not UTF-8
    if isinstance(value, list):
        return [_storable(each) for each in value]
    if isinstance(value, Mapping):
        return {clean_text(key): _storable(each) for key, each in value.items()}
    return value


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
