"""A function of the user's own, by its reference: `package.module:function` or `file.py:function`.

Extractors and scorers are named so. The source of the module is hashed: what a function gives is a
fact of that source, and every worker must have the same one. Of what the module imports or reads,
the hash says nothing.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from thresher.filters.errors import ConfigError, did_you_mean

_EXAMPLE = "Write package.module:function or file.py:function."
_EVERYWHERE = "It must be there on every machine that works for the run."


def load_function(reference: str, where: str) -> tuple[Callable[..., Any], str]:
    """Import a function; the function and the sha256 of its module's source.

    The hash is empty for a module without a file.

    Args:
        reference: of the function; a relative path starts at the current folder.
        where: the setting that names it, used in errors.

    Raises:
        ConfigError: where the reference is none, or the module or its function is not there.
    """
    place, name = _parts(reference, where)
    module = _module(place, where)
    found = getattr(module, name, None)
    if not callable(found):
        names = [each for each, value in vars(module).items() if callable(value)]
        hint = did_you_mean(name, [each for each in names if not each.startswith("_")])
        raise ConfigError(where, f"{place} has no function '{name}'.", hint)
    source = Path(getattr(module, "__file__", None) or "")
    digest = hashlib.sha256(source.read_bytes()).hexdigest() if source.is_file() else ""
    return found, digest


def check_reference(reference: str, where: str) -> None:
    """Refuse what names no function, without importing anything.

    Raises:
        ConfigError: where it is so.
    """
    _parts(reference, where)


def in_file(reference: str) -> bool:
    """Whether a function is named by the file that holds it."""
    return reference.rpartition(":")[0].endswith(".py")


def without_folder(reference: str) -> str:
    """A reference as identities have it: of a file the name, and not the folder that it is in."""
    return reference.rsplit("/", 1)[-1]


def _parts(reference: str, where: str) -> tuple[str, str]:
    place, _, name = reference.rpartition(":")
    module = all(part.isidentifier() for part in place.split("."))
    if not name.isidentifier() or not (place.endswith(".py") or module):
        raise ConfigError(where, f"'{reference}' names no function.", _EXAMPLE)
    return place, name


def _module(place: str, where: str) -> ModuleType:
    try:
        if place.endswith(".py"):
            return _from_file(Path(place))
        return importlib.import_module(place)
    except FileNotFoundError as error:
        if not error.filename or Path(error.filename) != Path(place):
            raise ConfigError(where, _not_imported(place, error)) from error
        raise ConfigError(where, f"there is no file {place}.", _EVERYWHERE) from error
    except (Exception, SystemExit) as error:
        missing = isinstance(error, ModuleNotFoundError) and place.startswith(str(error.name))
        raise ConfigError(
            where, _not_imported(place, error), _EVERYWHERE if missing else ""
        ) from error


def _not_imported(place: str, error: BaseException) -> str:
    """What importing ended with, and in which of its lines."""
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if place.endswith(".py") and frame.filename == place
    ]
    line = f" (line {lines[-1]})" if lines else ""
    return f"{place} cannot be imported: {type(error).__name__}: {error}{line}."


def _from_file(path: Path) -> ModuleType:
    name = f"thresher_user_{hashlib.sha256(path.read_bytes()).hexdigest()[:16]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
