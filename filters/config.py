"""Closed, typed configuration: TOML to frozen msgspec structs.

An unknown key fails with its path and a suggestion; so does a value of the wrong type. All
configuration of the project (recipes and policies) passes through `load_toml`.
"""

from __future__ import annotations

import tomllib
import typing
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any, TypeVar

import msgspec

from thresher.filters.errors import ConfigError, did_you_mean
from thresher.filters.type_words import is_missing, is_struct, is_union, must_be

T = TypeVar("T", bound=msgspec.Struct)


def load_toml(kind: type[T], text: str, where: str) -> T:
    """Parse TOML text into a struct of type `kind`.

    Args:
        kind: a frozen `msgspec.Struct`.
        text: the TOML document.
        where: name of the document, used in errors.

    Raises:
        ConfigError: on malformed TOML, an unknown key or a value of the wrong type.
    """
    try:
        mapping = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(where, f"is not valid TOML: {error}.") from error
    return load(kind, mapping, where)


def load(kind: type[T], mapping: Mapping[str, Any], where: str) -> T:
    """Convert a parsed mapping into a struct of type `kind`; see `load_toml`."""
    _reject_unknown_keys(kind, mapping, where, "")
    return typing.cast(T, converted(kind, mapping, where))


def converted(hint: Any, value: Any, where: str) -> Any:
    """A value of plain data as a type.

    Raises:
        ConfigError: where it does not fit, with the place in it and what it must be, in words.
        TypeError: for a type that plain data never have.
    """
    try:
        return msgspec.convert(value, hint)
    except msgspec.ValidationError as error:
        path, problem = _unfit(hint, value, "")
        raise ConfigError(_join(where, path), problem) from error


def _unfit(hint: Any, value: Any, path: str) -> tuple[str, str]:
    """The innermost part of a value that does not fit its type: its path, and what is wrong."""
    for part, inner, here in _parts(hint, value, path):
        if part is msgspec.UNSET:
            return here, is_missing(inner)
        try:
            msgspec.convert(part, inner)
        except msgspec.ValidationError:
            return _unfit(inner, part, here)
    return path, must_be(hint, value)


def _parts(hint: Any, value: Any, path: str) -> Iterator[tuple[Any, Any, str]]:
    """What a value holds, with the type and path of each; of a missing field, `UNSET`."""
    hint = typing.get_args(hint)[0] if typing.get_origin(hint) is typing.Annotated else hint
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if is_union(hint):
        for kind in arguments:
            yield from _parts(kind, value, path)
    elif origin in (list, tuple) and isinstance(value, list | tuple):
        varying = origin is list or arguments[-1] is ...
        kinds = arguments[:1] * len(value) if varying else arguments
        for i, (item, kind) in enumerate(zip(value, kinds, strict=False)):
            yield item, kind, f"{path}[{i}]"
    elif origin is dict and isinstance(value, Mapping):
        for key, item in value.items():
            yield item, arguments[1], _below(path, key)
    elif is_struct(hint) and isinstance(value, Mapping):
        hints = typing.get_type_hints(hint, include_extras=True)
        for field in msgspec.structs.fields(hint):
            name = field.encode_name
            if name in value or field.required:
                yield value.get(name, msgspec.UNSET), hints[field.name], _below(path, name)


def plain(value: object, where: str, expected: str) -> dict[str, Any]:
    """A mapping or struct that was made in Python as TOML would give it.

    Args:
        value: anything; paths in it become strings.
        where: its name, used in errors.
        expected: what may be given, in words.

    Raises:
        ConfigError: for what is neither a mapping nor a struct, or holds something else than data.
    """
    problem = f"is of type {type(value).__name__}."
    if not isinstance(value, Mapping | msgspec.Struct):
        raise ConfigError(where, problem, expected)
    try:
        found: dict[str, Any] = msgspec.to_builtins(value, enc_hook=_path_text, str_keys=True)
    except (TypeError, NotImplementedError) as error:
        raise ConfigError(where, f"holds what is no data: {error}.") from error
    return found


def _path_text(value: object) -> str:
    if isinstance(value, PurePath):
        return str(value)
    raise NotImplementedError(f"an object of type {type(value).__name__}")


def canonical_json(value: object) -> bytes:
    """Canonical JSON of a struct or builtin: sorted keys, no white space. Identity hashes this.

    Raises:
        TypeError: for a value that has no canonical form (a set, an object, NaN).
    """
    return msgspec.json.encode(_canonical(value), order="sorted")


def _canonical(value: object) -> object:
    if isinstance(value, msgspec.Struct):
        return {f: _canonical(getattr(value, f)) for f in value.__struct_fields__}
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise TypeError("canonical JSON needs string keys")
        return {key: _canonical(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_canonical(item) for item in value]
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        raise TypeError("canonical JSON has no NaN and no infinities")
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise TypeError(f"{type(value).__name__} has no canonical form")


def _join(where: str, path: str) -> str:
    return f"{where}: {path}" if path else where


def _below(path: str, name: object) -> str:
    return f"{path}.{name}".lstrip(".")


def _reject_unknown_keys(kind: Any, value: Any, where: str, path: str) -> None:
    """Walk struct types beside the data, so that a typo is named before types are checked."""
    origin = typing.get_origin(kind)
    if is_union(kind):
        structs = [k for k in typing.get_args(kind) if is_struct(k)]
        if len(structs) == 1:
            _reject_unknown_keys(structs[0], value, where, path)
        return
    if origin in (list, tuple) and isinstance(value, list):
        for i, item in enumerate(value):
            _reject_unknown_keys(typing.get_args(kind)[0], item, where, f"{path}[{i}]")
        return
    if origin is dict and isinstance(value, Mapping):
        for key, item in value.items():
            _reject_unknown_keys(typing.get_args(kind)[1], item, where, _below(path, key))
        return
    if origin is typing.Literal and isinstance(value, str):
        choices = typing.get_args(kind)
        if value not in choices:
            raise ConfigError(
                _join(where, path), f"no such value '{value}'.", did_you_mean(value, choices)
            )
        return
    if not is_struct(kind) or not isinstance(value, Mapping):
        return
    hints = typing.get_type_hints(kind)
    fields = {f.encode_name: hints[f.name] for f in msgspec.structs.fields(kind)}
    for key, item in value.items():
        here = _below(path, key)
        if key not in fields:
            raise ConfigError(_join(where, here), "unknown setting.", did_you_mean(key, fields))
        _reject_unknown_keys(fields[key], item, where, here)
