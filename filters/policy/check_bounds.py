"""What makes the bounds of a signal valid: they fit its type and range, and can do something."""

from __future__ import annotations

import math
import sys
from typing import TypeVar

import msgspec

from thresher.filters.errors import ConfigError, did_you_mean
from thresher.filters.languages import LANGUAGES
from thresher.filters.policy.types import Bound, Bounds, LanguageBounds, MedianBound
from thresher.filters.signals import Signal, signal

_INT64 = (-(2**63), 2**63 - 1)

BOUNDS_OF_TYPE = {
    "int64": ("below", "above"),
    "double": ("below", "above"),
    "bool": ("is",),
    "string": ("in", "not_in"),
}
"""The kinds of bounds by the type of a signal."""


def threshold_number(name: str, value: int | float | None, where: str) -> int | float:
    """A measured threshold as a `below`; None gives one that no measured value lies below."""
    found = signal(name)
    whole = found.type == "int64"
    if value is not None:
        return _number(found, math.ceil(value) if whole else value, where)
    low = found.range[0] if found.range else None
    if low is not None:
        return _number(found, low, where)
    return _INT64[0] if whole else -sys.float_info.max


def check_median(bound: MedianBound, found: Signal, where: str) -> None:
    """Refuse a bound by the median that fits no value of a signal, or contradicts itself."""
    for field in ("least", "most"):
        limit = Bounds(below=getattr(bound, field))
        try:
            checked_bounds(limit, found, where)
        except ConfigError as error:
            raise ConfigError(f"{where}.{field}", error.problem, error.hint) from None
    if bound.least > bound.most:
        raise ConfigError(f"{where}.least", f"is above most, {bound.most}.")
    if not 0 <= bound.deviations < math.inf:
        raise ConfigError(f"{where}.deviations", "must be 0 or more.")


def checked_languages(
    general: dict[str, Bound], by_language: dict[str, LanguageBounds], found: Signal, where: str
) -> dict[str, LanguageBounds]:
    """The bounds of languages of their own, alone and beside the general ones."""
    checked = {}
    for code, own in by_language.items():
        here = f"{where}.by_language.{code}"
        if code not in LANGUAGES:
            raise ConfigError(here, "no such language.", did_you_mean(code, LANGUAGES))
        if own.off and own.stated:
            raise ConfigError(f"{here}.off", f"excludes '{next(iter(own.stated))}'.")
        if not own.off and not own.stated:
            hint = f"State {usable(found)}, or off = true."
            raise ConfigError(here, "says nothing about the language.", hint)
        checked[code] = checked_bounds(own, found, here)
        _check_together(general | checked[code].stated, here)
    return checked


_B = TypeVar("_B", bound=Bounds)


def checked_bounds(bounds: _B, found: Signal, where: str) -> _B:
    """The bounds with numbers in the type of the signal."""
    if bounds.ties_above is not None:
        _check_words((bounds.ties_above,), f"{where}.ties_above")
        if bounds.below is None:
            raise ConfigError(f"{where}.ties_above", "needs 'below': ties are values equal to it.")
    for kind in bounds.stated:
        if kind != "ties_above" and kind not in BOUNDS_OF_TYPE[found.type]:
            problem = f"does not apply: '{found.name}' is {found.type}."
            raise ConfigError(f"{where}.{kind}", problem, f"Use {usable(found)}.")
    for kind, words in (("in", bounds.in_), ("not_in", bounds.not_in)):
        if words is not None:
            _check_words(words, f"{where}.{kind}")
    below, above = bounds.below, bounds.above
    low, high = found.range or (None, None)
    if below is not None:
        below = _number(found, below, f"{where}.below")
        if low is not None and below < low:
            raise ConfigError(f"{where}.below", f"never true: the signal starts at {low}.")
        if high is not None and below > high:
            raise ConfigError(f"{where}.below", f"always true: the signal ends at {high}.")
    if above is not None:
        above = _number(found, above, f"{where}.above")
        if high is not None and above > high:
            raise ConfigError(f"{where}.above", f"never true: the signal ends at {high}.")
        if low is not None and above < low:
            raise ConfigError(f"{where}.above", f"always true: the signal starts at {low}.")
    checked = msgspec.structs.replace(bounds, below=below, above=above)
    _check_together(checked.stated, where)
    return checked


def _check_together(stated: dict[str, Bound], where: str) -> None:
    """Refuse bounds that contradict each other."""
    if "in" in stated and "not_in" in stated:
        raise ConfigError(f"{where}.not_in", "excludes 'in' in the same rule.")
    below, above = stated.get("below"), stated.get("above")
    if isinstance(below, int | float) and isinstance(above, int | float) and below > above:
        raise ConfigError(where, f"below {below} or above {above} is every value there is.")


def usable(found: Signal) -> str:
    """The kinds of bounds that a signal can have, for a hint."""
    return " or ".join(f"'{kind}'" for kind in BOUNDS_OF_TYPE[found.type])


def _number(found: Signal, value: int | float, where: str) -> int | float:
    """A bound in the type of its signal, exactly."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(where, "must be a finite number.")
    if found.type == "double":
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if number != value:
            raise ConfigError(where, "is not exact as a 64-bit float.")
        return number + 0.0  # -0.0 becomes 0.0: one meaning, one spelling
    whole = int(value)
    if whole != value:
        raise ConfigError(
            where, f"'{found.name}' is counted in whole numbers.", f"Try {round(value)}."
        )
    if not _INT64[0] <= whole <= _INT64[1]:
        raise ConfigError(where, "does not fit in 64 bits.")
    return whole


def _check_words(words: tuple[str, ...], where: str) -> None:
    if not words:
        raise ConfigError(where, "names no value.")
    if len(set(words)) != len(words):
        raise ConfigError(where, "names a value twice.")
    if not all(word.isprintable() and word for word in words):
        raise ConfigError(where, "holds an empty or unprintable value.")
