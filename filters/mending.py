"""What a person can type where a library or the system only says that something is not there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

_COMMAND = re.compile(r"pip install ([\w.\[\]-]+(?: [\w.\[\]-]+)*)")
_NAMED = (
    re.compile(r"[Ii]nstall `?([A-Za-z][\w.-]*)`? to "),
    re.compile(r"requires [\"'`]([A-Za-z][\w.-]*)[\"'`]"),
)
_MOST_CAUSES = 10


def to_install(error: BaseException) -> str:
    """The command that installs what an import misses, by what the library says; "" where unknown.

    Args:
        error: anything; its causes are looked at as well.
    """
    for each in _causes(error):
        if not isinstance(each, ImportError):
            continue
        text = str(each)
        if found := _COMMAND.search(text):
            return f"pip install {found[1]}"
        for pattern in _NAMED:
            if found := pattern.search(text):
                return f"pip install {found[1]}"
    return ""


def needs_package(error: BaseException, place: str) -> str:
    """What to say of a place whose driver is missing, the remedy first; "" for another error."""
    command = to_install(error)
    return f"{command} first: {place} cannot be opened without it" if command else ""


def broken_link(path: str) -> str:
    """Where the link leads that a local path is, or passes, if nothing is there; else "".

    Args:
        path: of a file system of this machine; it may be a pattern.
    """
    try:
        for place in (Path(path), *Path(path).parents):
            if place.is_symlink() and not place.exists():
                return f"'{place}' is a link to '{place.readlink()}', which is not there"
    except (OSError, ValueError):
        return ""
    return ""


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    for _ in range(_MOST_CAUSES):
        if error is None:
            return
        yield error
        error = error.__cause__
