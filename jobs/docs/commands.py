"""What the command line says about itself: commands with their arguments, options and texts."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import typer
from typer.models import ArgumentInfo, CommandInfo, OptionInfo

from thresher.filters.type_words import type_text
from thresher.jobs.docs.settings import toml


@dataclass(frozen=True)
class Parameter:
    """An argument (in capitals) or option of a command."""

    name: str
    kind: str
    """Its type in words; `flag` for an option without a value."""
    default: str
    text: str


@dataclass(frozen=True)
class CommandText:
    """A command as the reference shows it."""

    name: str
    """All of it, `thresher` first."""
    text: str
    example: str
    parameters: tuple[Parameter, ...]


def commands() -> tuple[CommandText, ...]:
    """All commands, groups last."""
    from thresher.jobs.cli import app

    return tuple(_commands_of(app, "thresher"))


def _commands_of(app: typer.Typer, name: str) -> Iterator[CommandText]:
    for info in app.registered_commands:
        yield _command(info, f"{name} {info.name}")
    for group in app.registered_groups:
        assert group.typer_instance is not None
        yield from _commands_of(group.typer_instance, f"{name} {group.name}")


def _command(info: CommandInfo, name: str) -> CommandText:
    assert info.callback is not None
    hints = typing.get_type_hints(info.callback, include_extras=True)
    defaults = inspect.signature(info.callback).parameters
    return CommandText(
        name=name,
        text=" ".join((info.callback.__doc__ or "").split()),
        example=(info.epilog or "").removeprefix("Example: "),
        parameters=tuple(
            _parameter(key, hints[key], parameter.default) for key, parameter in defaults.items()
        ),
    )


def _parameter(name: str, hint: Any, default: Any) -> Parameter:
    kind, info = typing.get_args(hint)
    assert isinstance(info, ArgumentInfo | OptionInfo)
    is_option = isinstance(info, OptionInfo)
    # In an annotation typer takes the first name of an option for its default.
    stated = (info.default, *(info.param_decls or ()))
    names = [each for each in stated if isinstance(each, str) and each.startswith("-")]
    names = names or [f"--{name.replace('_', '-')}"]
    shown = [] if default in (None, "", False, inspect.Parameter.empty) else [f"`{toml(default)}`"]
    if default is inspect.Parameter.empty:
        shown.append("required")
    if info.envvar:
        shown.append(f"or `${info.envvar}`")
    return Parameter(
        name=", ".join(names) if is_option else name.upper(),
        kind="flag" if is_option and kind is bool else type_text(kind, "`"),
        default=" ".join(shown),
        text=info.help or "",
    )
