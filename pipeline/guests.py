"""Guests: datatrove's filters and formatters at work in a run, named in the recipe.

    [[guests]]
    filter = "datatrove.C4BadWordsFilter"
    arguments = { keep_fraction = 0.1 }

A filter only measures here: its verdict is the signal `guests.c4_bad_words`, `passed` or the
reason why it would drop the document, for a policy to judge by. What changes text is a transform:
`curated.transforms = ["clean_lines", { formatter = "datatrove.FTFYFormatter" }]`.

A guest's `seed` is 0 unless it is stated, and every shard has a guest of its own, so that a run
can be repeated. Files and lists that a guest fetches are datatrove's matter and are not hashed.
"""

from __future__ import annotations

import copy
import importlib
import inspect
import re
import typing
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any, Literal

import msgspec
import pyarrow as pa

from thresher.filters.config import canonical_json, converted
from thresher.filters.errors import ConfigError, did_you_mean, shortened
from thresher.filters.transforms.registry import Transform
from thresher.pipeline.guest_packages import failed, try_tokenizer
from thresher.pipeline.read.names import redact

COLUMN = "guests"
PASSED = "passed"
DROPPED = "dropped"
"""The verdict of a guest that drops a document and gives no reason."""

_PACKAGE = "datatrove."
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_LONGEST_VERDICT = 100
_LONGEST_PROBLEM = 500
_HIDDEN = ("self", "exclusion_writer", "batch_size")
"""Parameters that make no sense here: nothing is written, and documents come one by one."""

_REWRITERS = {
    "C4QualityFilter": (
        "Name the transform 'c4_lines' or 'c4_lines_any_end' in curated.transforms and judge by "
        "the signals c4.*, as the policy 'c4' does."
    ),
}
_NOT_OF_DATA = frozenset({"LambdaFilter"})
"""Classes whose arguments no recipe can write."""
_SENTENCES = (
    "The old mill stands by the river, where it was built in the spring of 1850 to grind the wheat "
    "that the farmers of the valley brought to it. It has two floors and a wheel of oak. People "
    "come to see it in summer, and the keeper tells them how the stones were cut.\n"
)
_PAGE = f"Home\n{_SENTENCES}Next to it is a barn [1]. {_SENTENCES}{_SENTENCES}Read more\n"
"""Plain prose with what line rules remove, to find out before a run what a guest does."""


class GuestSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A filter of datatrove whose verdict becomes a signal."""

    filter: str
    """`datatrove.` and the name of a class in `datatrove.pipeline.filters`."""
    name: str = ""
    """Name of its signal, after `guests.`; by default the class's without `Filter`, in
    snake_case."""
    arguments: dict[str, Any] = {}
    """Arguments of its constructor."""

    @property
    def signal(self) -> str:
        """Name of its signal within `guests`."""
        return self.name or _snake_case(self.filter.removeprefix(_PACKAGE).removesuffix("Filter"))


class FormatterSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A formatter of datatrove as a transform."""

    formatter: str
    """`datatrove.` and the name of a class in `datatrove.pipeline.formatters`."""
    arguments: dict[str, Any] = {}
    """Arguments of its constructor."""


class GuestDocument(msgspec.Struct, frozen=True):
    """What a guest is shown of a document."""

    id: str
    text: str
    metadata: dict[str, Any]


class Guests:
    """The guests of a recipe, at work on one shard.

    Args:
        settings: of each guest, in the recipe's order.
    """

    def __init__(self, settings: Sequence[GuestSettings]) -> None:
        self._filters = {each.signal: _filter(each, each.signal) for each in settings}
        self._failed: Counter[str] = Counter()
        self._first: dict[str, str] = {}

    def verdicts(self, documents: Sequence[GuestDocument]) -> pa.StructArray:
        """The verdict of every guest on every document; NULL where it failed.

        Raises:
            ConfigError: if a guest rewrites the text.
        """
        columns = [
            pa.array([self._verdict(name, guest, each) for each in documents], pa.string())
            for name, guest in self._filters.items()
        ]
        return pa.StructArray.from_arrays(columns, fields=list(guests_type(self._filters)))

    def _verdict(self, name: str, guest: Any, document: GuestDocument) -> str | None:
        try:
            return _judged(guest, document, f"guests.{name}")
        except ConfigError:
            raise
        except Exception as error:  # noqa: BLE001 - a stranger's code: one page must not end the run
            self._failed[name] += 1
            said = shortened(redact(f"{type(error).__name__}: {error}"), _LONGEST_PROBLEM)
            self._first.setdefault(name, f"{document.id}: {said}")
            return None

    def facts(self) -> dict[str, Any]:
        """What failed, for the manifest: per guest how often, and the first time."""
        return {
            name: {"failed": count, "first": self._first[name]}
            for name, count in sorted(self._failed.items())
        }


def guests_type(names: typing.Iterable[str]) -> pa.StructType:
    """The Arrow type of the column `guests`."""
    return pa.struct([pa.field(name, pa.string()) for name in names])


def guests_identity(settings: Sequence[GuestSettings]) -> list[object]:
    """What a fingerprint depends on: nothing where there are no guests."""
    return [version("datatrove"), list(settings)] if settings else []


def check_guests(settings: Sequence[GuestSettings], where: str) -> None:
    """Make every guest and show it a plain page, before any work starts.

    Raises:
        ConfigError: for a guest that does not exist, cannot be made, fails on the page or
            rewrites it.
    """
    seen: dict[str, int] = {}
    for i, each in enumerate(settings):
        here = f"{where}[{i}]"
        if not _NAME.fullmatch(each.signal):
            raise ConfigError(f"{here}.name", "must be lower case words joined by underscores.")
        if each.signal in seen:
            problem = f"'{each.signal}' is already the name of {where}[{seen[each.signal]}]."
            raise ConfigError(f"{here}.name", problem, "Give one of them another name.")
        seen[each.signal] = i
        guest = _filter(each, here)
        metadata = {"url": "https://example.com/mill", "language": "en", "language_score": 0.99}
        try:
            try_tokenizer(guest)
            _judged(guest, GuestDocument("0", _PAGE, metadata), f"{here}.filter")
        except ConfigError:
            raise
        except Exception as error:
            kind = type(guest).__name__
            raise failed(error, kind, "fails on a plain page", f"{here}.filter") from error


def formatter_transform(settings: FormatterSettings, where: str) -> Transform:
    """A formatter as a transform; a copy of it formats each text, so that none leaves a trace.

    Raises:
        ConfigError: if it does not exist or cannot be made.
    """
    kind = _class(settings.formatter, "formatter", f"{where}.formatter")
    formatter = _made(kind, settings.arguments, where)

    def change(text: str) -> str:
        changed: str = copy.deepcopy(formatter).format(text)
        return changed

    return Transform(
        name=settings.formatter,
        version=version("datatrove"),
        meaning=f"datatrove's formatter {kind.__name__}.",
        candidates="",
        change=change,
        idempotent=False,
    )


def _judged(guest: Any, document: GuestDocument, where: str) -> str:
    from datatrove.data import Document
    from datatrove.pipeline.filters.base_filter import get_filter_result

    shown = Document(text=document.text, id=document.id, metadata=dict(document.metadata))
    passed, reason = get_filter_result(guest.filter(shown))
    if shown.text != document.text:
        problem = f"{type(guest).__name__} rewrites the text, and a guest only judges."
        hint = "Name what changes text in curated.transforms."
        raise ConfigError(where, problem, _REWRITERS.get(type(guest).__name__, hint))
    return PASSED if passed else str(reason or DROPPED)[:_LONGEST_VERDICT]


def _filter(settings: GuestSettings, where: str) -> Any:
    kind = _class(settings.filter, "filter", f"{where}.filter")
    if kind.__name__ in _REWRITERS:
        problem = f"{kind.__name__} rewrites the text, and a guest only judges."
        raise ConfigError(f"{where}.filter", problem, _REWRITERS[kind.__name__])
    return _made(kind, settings.arguments, where)


def guest_classes(what: Literal["filter", "formatter"]) -> dict[str, type[Any]]:
    """The classes of datatrove that a recipe may name, by the name that it writes."""
    return {
        _PACKAGE + name: kind
        for name, kind in sorted(_classes(what).items())
        if name not in {*_REWRITERS, *_NOT_OF_DATA}
    }


def _class(name: str, what: str, where: str) -> type[Any]:
    """The class of a guest's name; `what` is filter or formatter."""
    found = {key: _PACKAGE + key for key in _classes(what)}
    if name in found.values():
        return _classes(what)[name.removeprefix(_PACKAGE)]
    if name.removeprefix(_PACKAGE) in _classes("formatter" if what == "filter" else "filter"):
        hint = (
            f'It is a formatter: curated.transforms = [{{ formatter = "{name}" }}].'
            if what == "filter"
            else f'It is a filter: [[guests]] filter = "{name}".'
        )
    else:
        hint = did_you_mean(name, found.values())
    raise ConfigError(where, f"no {what} '{name}'.", hint)


def _classes(what: str) -> dict[str, type[Any]]:
    package = importlib.import_module(f"datatrove.pipeline.{what}s")
    base_module = "base_filter" if what == "filter" else "base"
    base = importlib.import_module(f"datatrove.pipeline.{what}s.{base_module}")
    parent: type[Any] = base.BaseFilter if what == "filter" else base.BaseFormatter
    return {
        name: each
        for name, each in vars(package).items()
        if isinstance(each, type) and issubclass(each, parent) and each is not parent
    }


def _made(kind: type[Any], arguments: dict[str, Any], where: str) -> Any:
    parameters = {
        name: parameter
        for name, parameter in inspect.signature(kind.__init__).parameters.items()
        if name not in _HIDDEN
    }
    for name in arguments:
        if name not in parameters:
            hint = did_you_mean(name, parameters) or "It has none."
            raise ConfigError(f"{where}.arguments.{name}", "no such argument.", hint)
    for name, parameter in parameters.items():
        if parameter.default is parameter.empty and name not in arguments:
            raise ConfigError(f"{where}.arguments", f"{kind.__name__} needs '{name}'.")
    given = {
        name: _converted(value, parameters[name].annotation, f"{where}.arguments.{name}")
        for name, value in arguments.items()
    }
    if "seed" in parameters:
        given.setdefault("seed", 0)
    try:
        return kind(**given)
    except Exception as error:
        raise failed(error, kind.__name__, "cannot be made", where) from error


def _converted(value: Any, annotation: Any, where: str) -> Any:
    """The value in the parameter's declared type, where that is one that TOML can express."""
    try:
        canonical_json(value)  # a date, for one, would have no identity
    except TypeError as error:
        raise ConfigError(where, f"{error}.") from error
    if annotation is inspect.Parameter.empty:
        return value
    try:
        return converted(annotation, value, where)
    except TypeError:  # the declaration is not one of plain data
        return value


def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
