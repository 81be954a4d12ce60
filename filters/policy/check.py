"""What makes a policy valid: every name exists, every bound fits its signal and can do something.

A rule that can never fire is the quiet mistake of this trade (a limit misspelt, a percentage where
a fraction was meant), so it is refused here, before any work starts, with the path of the setting.
"""

from __future__ import annotations

import contextlib
import math
import re
import sys
from collections.abc import Collection, Sequence
from typing import TypeVar

import msgspec

from thresher.filters.errors import ConfigError, did_you_mean
from thresher.filters.languages import LANGUAGES
from thresher.filters.policy.types import (
    RESERVED_MEANINGS,
    Bound,
    Bounds,
    Condition,
    LanguageBounds,
    MedianBound,
    Policy,
    Rule,
)
from thresher.filters.signals import SCORE_PREFIX, Signal, names, signal

GUEST_PREFIX = "guests."
"""Of the signals that hold the verdicts of a recipe's guests."""

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_REASON = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_INT64 = (-(2**63), 2**63 - 1)
_KINDS = {
    "int64": ("below", "above"),
    "double": ("below", "above"),
    "bool": ("is",),
    "string": ("in", "not_in"),
}


def check_policy(
    policy: Policy,
    where: str,
    guests: Collection[str] | None = (),
    scores: Collection[str] | None = (),
) -> Policy:
    """Check a policy as parsed; its numbers come back in the type of their signal.

    Args:
        policy: as parsed.
        where: its name, used in errors.
        guests: names of the guests whose verdicts it may use; None allows any.
        scores: names of the recipe's scorers; None allows any.

    Raises:
        ConfigError: at the first thing that is wrong.
    """
    if not _NAME.fullmatch(policy.name):
        raise ConfigError(f"{where}: name", "must be lower case words joined by hyphens.")
    if policy.version < 1:
        raise ConfigError(f"{where}: version", "counts from 1.")
    if not policy.rules and not policy.duplicates.drop:
        raise ConfigError(f"{where}: rules", "an empty policy drops nothing.", "State a rule.")
    _check_reasons(policy.rules, where)
    signals = _Signals(guests, scores)
    rules = tuple(
        _checked_rule(rule, signals, f"{where}: rules[{i}]") for i, rule in enumerate(policy.rules)
    )
    _check_duplicates(policy, signals, where)
    return msgspec.structs.replace(policy, rules=rules)


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


def _check_reasons(rules: Sequence[Rule], where: str) -> None:
    first: dict[str, int] = {}
    for i, rule in enumerate(rules):
        here = f"{where}: rules[{i}].reason"
        if not _REASON.fullmatch(rule.reason):
            raise ConfigError(here, "must be lower case words joined by underscores.")
        if rule.reason in RESERVED_MEANINGS:
            raise ConfigError(here, f"'{rule.reason}' is given by the pipeline itself.")
        if rule.reason in first:
            other = first[rule.reason]
            raise ConfigError(here, f"'{rule.reason}' is already the reason of rules[{other}].")
        first[rule.reason] = i


class _Signals:
    """The signals a policy may name: the registry's, those of the recipe's guests and scorers."""

    def __init__(self, guests: Collection[str] | None, scores: Collection[str] | None) -> None:
        self._guests = guests
        self._scores = scores

    def find(self, name: str, where: str) -> Signal:
        """The signal of a name, or a `ConfigError` with the nearest one."""
        guest = name.removeprefix(GUEST_PREFIX)
        if guest != name and (self._guests is None or guest in self._guests):
            return _verdict_of(guest)
        scorer = name.removeprefix(SCORE_PREFIX)
        if scorer == name or self._scores is None or scorer in self._scores:
            with contextlib.suppress(KeyError):
                return signal(name)
        known = [
            *names(),
            *(GUEST_PREFIX + each for each in self._guests or ()),
            *(SCORE_PREFIX + each for each in self._scores or ()),
        ]
        hint = did_you_mean(name, known)
        if scorer != name:
            hint = f"{hint} A score of your own needs [[scores]] in the recipe.".strip()
        if guest != name:
            hint = f"{hint} A guest's verdict needs [[guests]] in the recipe.".strip()
        raise ConfigError(where, f"no signal '{name}'.", hint)


def _verdict_of(guest: str) -> Signal:
    return Signal(
        name=GUEST_PREFIX + guest,
        type="string",
        unit="verdict",
        meaning="`passed`, or the reason why the guest would drop the document.",
        null_when="the guest failed on the document",
        source="datatrove",
        range=None,
    )


def _checked_rule(rule: Rule, signals: _Signals, where: str) -> Rule:
    if rule.keep_top is None and rule.keep_top_of != "run":
        raise ConfigError(f"{where}.keep_top_of", "needs 'keep_top' in the same rule.")
    if rule.all:
        if rule.signal is not None or _resolved_later(rule) or rule.stated or rule.by_language:
            raise ConfigError(where, "'all' stands alone: put signal and bounds into it.")
        conditions = tuple(
            _checked_condition(c, signals, f"{where}.all[{i}]") for i, c in enumerate(rule.all)
        )
        return msgspec.structs.replace(rule, all=conditions)
    if rule.signal is None:
        raise ConfigError(where, "needs a 'signal' with a bound, or 'all'.")
    if _resolved_later(rule):
        return _checked_later(rule, rule.signal, signals, where)
    checked = _checked_condition(rule.conditions[0], signals, where)
    return msgspec.structs.replace(
        rule, below=checked.below, above=checked.above, by_language=checked.by_language
    )


def _resolved_later(rule: Rule) -> list[str]:
    """The settings, under their names in TOML, that the run's documents turn into bounds."""
    settings = {"keep_top": rule.keep_top, "below_median": rule.below_median}
    return [name for name, setting in settings.items() if setting is not None]


def _checked_later(rule: Rule, name: str, signals: _Signals, where: str) -> Rule:
    kind, *others = _resolved_later(rule)
    others += rule.stated
    if others:
        raise ConfigError(f"{where}.{kind}", f"excludes '{others[0]}' in the same rule.")
    found = signals.find(name, f"{where}.signal")
    if "below" not in _KINDS[found.type]:
        raise ConfigError(f"{where}.{kind}", f"needs numbers, '{name}' is {found.type}.")
    if rule.below_median:
        _check_median(rule.below_median, found, f"{where}.below_median")
        own = _checked_languages({}, rule.by_language, found, where)
        return msgspec.structs.replace(rule, by_language=own)
    if rule.by_language:
        raise ConfigError(f"{where}.keep_top", "excludes 'by_language': it is one share of all.")
    assert rule.keep_top is not None
    if not 0 < rule.keep_top < 1:
        raise ConfigError(f"{where}.keep_top", "must lie between 0 and 1, exclusively.")
    return rule


def _check_median(bound: MedianBound, found: Signal, where: str) -> None:
    for field in ("least", "most"):
        limit = Bounds(below=getattr(bound, field))
        try:
            _checked_bounds(limit, found, where)
        except ConfigError as error:
            raise ConfigError(f"{where}.{field}", error.problem, error.hint) from None
    if bound.least > bound.most:
        raise ConfigError(f"{where}.least", f"is above most, {bound.most}.")
    if not 0 <= bound.deviations < math.inf:
        raise ConfigError(f"{where}.deviations", "must be 0 or more.")


def _checked_condition(condition: Condition, signals: _Signals, where: str) -> Condition:
    found = signals.find(condition.signal, f"{where}.signal")
    if not condition.stated and not condition.by_language:
        raise ConfigError(where, f"says nothing about '{found.name}'.", f"State {_usable(found)}.")
    checked = _checked_bounds(condition, found, where)
    own = _checked_languages(checked.stated, condition.by_language, found, where)
    return msgspec.structs.replace(
        condition, below=checked.below, above=checked.above, by_language=own
    )


def _checked_languages(
    general: dict[str, Bound], by_language: dict[str, LanguageBounds], found: Signal, where: str
) -> dict[str, LanguageBounds]:
    checked = {}
    for code, own in by_language.items():
        here = f"{where}.by_language.{code}"
        if code not in LANGUAGES:
            raise ConfigError(here, "no such language.", did_you_mean(code, LANGUAGES))
        if own.off and own.stated:
            raise ConfigError(f"{here}.off", f"excludes '{next(iter(own.stated))}'.")
        if not own.off and not own.stated:
            hint = f"State {_usable(found)}, or off = true."
            raise ConfigError(here, "says nothing about the language.", hint)
        checked[code] = _checked_bounds(own, found, here)
        _check_together(general | checked[code].stated, here)
    return checked


_B = TypeVar("_B", bound=Bounds)


def _checked_bounds(bounds: _B, found: Signal, where: str) -> _B:
    if bounds.ties_above is not None:
        _check_words((bounds.ties_above,), f"{where}.ties_above")
        if bounds.below is None:
            raise ConfigError(f"{where}.ties_above", "needs 'below': ties are values equal to it.")
    for kind in bounds.stated:
        if kind != "ties_above" and kind not in _KINDS[found.type]:
            problem = f"does not apply: '{found.name}' is {found.type}."
            raise ConfigError(f"{where}.{kind}", problem, f"Use {_usable(found)}.")
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


def _usable(found: Signal) -> str:
    return " or ".join(f"'{kind}'" for kind in _KINDS[found.type])


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


def _check_duplicates(policy: Policy, signals: _Signals, where: str) -> None:
    if len(set(policy.duplicates.drop)) != len(policy.duplicates.drop):
        raise ConfigError(f"{where}: duplicates.drop", "names a kind twice.")
    prefer = policy.duplicates.prefer
    if prefer is not None:
        here = f"{where}: duplicates.prefer"
        if "below" not in _KINDS[signals.find(prefer, here).type]:
            raise ConfigError(here, f"needs a signal of numbers, '{prefer}' is not one.")
