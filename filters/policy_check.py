"""What makes a policy valid: every name exists, every bound fits its signal and can do something.

A rule that can never fire is the quiet mistake of this trade (a limit misspelt, a percentage where
a fraction was meant), so it is refused here, before any work starts, with the path of the setting.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Sequence

import msgspec

from filters.errors import ConfigError, did_you_mean
from filters.policy_types import RESERVED_REASONS, Bounds, Condition, Policy, Rule
from filters.signals import Signal, names, signal

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_REASON = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_INT64 = (-(2**63), 2**63 - 1)
_KINDS = {
    "int64": ("below", "above"),
    "double": ("below", "above"),
    "bool": ("is",),
    "string": ("in", "not_in"),
}


def check_policy(policy: Policy, where: str) -> Policy:
    """Check a policy as parsed; its numbers come back in the type of their signal.

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
    rules = tuple(_checked_rule(r, f"{where}: rules[{i}]") for i, r in enumerate(policy.rules))
    _check_duplicates(policy, where)
    return msgspec.structs.replace(policy, rules=rules)


def threshold_number(name: str, value: int | float | None, where: str) -> int | float:
    """A measured threshold as a `below`; None gives one that no measured value lies below."""
    found = signal(name)
    whole = found.type == "int64"
    if value is not None:
        return _number(name, math.ceil(value) if whole else value, where)
    low = found.range[0] if found.range else None
    if low is not None:
        return _number(name, low, where)
    return _INT64[0] if whole else -sys.float_info.max


def _check_reasons(rules: Sequence[Rule], where: str) -> None:
    first: dict[str, int] = {}
    for i, rule in enumerate(rules):
        here = f"{where}: rules[{i}].reason"
        if not _REASON.fullmatch(rule.reason):
            raise ConfigError(here, "must be lower case words joined by underscores.")
        if rule.reason in RESERVED_REASONS:
            raise ConfigError(here, f"'{rule.reason}' is given by the pipeline itself.")
        if rule.reason in first:
            other = first[rule.reason]
            raise ConfigError(here, f"'{rule.reason}' is already the reason of rules[{other}].")
        first[rule.reason] = i


def _checked_rule(rule: Rule, where: str) -> Rule:
    if rule.all:
        if rule.signal is not None or rule.keep_top is not None or _stated(rule):
            raise ConfigError(where, "'all' stands alone: put signal and bounds into it.")
        conditions = tuple(
            _checked_condition(c, f"{where}.all[{i}]") for i, c in enumerate(rule.all)
        )
        return msgspec.structs.replace(rule, all=conditions)
    if rule.signal is None:
        raise ConfigError(where, "needs a 'signal' with a bound, or 'all'.")
    if rule.keep_top is None:
        checked = _checked_condition(rule.conditions[0], where)
        return msgspec.structs.replace(rule, below=checked.below, above=checked.above)
    if _stated(rule):
        raise ConfigError(f"{where}.keep_top", f"excludes '{_stated(rule)[0]}' in the same rule.")
    if not 0 < rule.keep_top < 1:
        raise ConfigError(f"{where}.keep_top", "must lie between 0 and 1, exclusively.")
    found = _known_signal(rule.signal, f"{where}.signal")
    if "below" not in _KINDS[found.type]:
        raise ConfigError(f"{where}.keep_top", f"needs numbers, '{rule.signal}' is {found.type}.")
    return rule


def _checked_condition(condition: Condition, where: str) -> Condition:
    name = condition.signal
    found = _known_signal(name, f"{where}.signal")
    stated = _stated(condition)
    if not stated:
        usable = " or ".join(f"'{kind}'" for kind in _KINDS[found.type])
        raise ConfigError(where, f"says nothing about '{name}'.", f"State {usable}.")
    for kind in stated:
        if kind not in _KINDS[found.type]:
            usable = " or ".join(f"'{k}'" for k in _KINDS[found.type])
            problem = f"does not apply: '{name}' is {found.type}."
            raise ConfigError(f"{where}.{kind}", problem, f"Use {usable}.")
    for kind in ("in", "not_in"):
        words = condition.in_ if kind == "in" else condition.not_in
        if words is not None:
            _check_words(words, f"{where}.{kind}")
    if condition.in_ is not None and condition.not_in is not None:
        raise ConfigError(f"{where}.not_in", "excludes 'in' in the same rule.")
    return _checked_bounds(condition, found, where)


def _checked_bounds(condition: Condition, found: Signal, where: str) -> Condition:
    below, above = condition.below, condition.above
    low, high = found.range or (None, None)
    if below is not None:
        below = _number(condition.signal, below, f"{where}.below")
        if low is not None and below < low:
            raise ConfigError(f"{where}.below", f"never true: the signal starts at {low}.")
        if high is not None and below > high:
            raise ConfigError(f"{where}.below", f"always true: the signal ends at {high}.")
    if above is not None:
        above = _number(condition.signal, above, f"{where}.above")
        if high is not None and above > high:
            raise ConfigError(f"{where}.above", f"never true: the signal ends at {high}.")
        if low is not None and above < low:
            raise ConfigError(f"{where}.above", f"always true: the signal starts at {low}.")
    if below is not None and above is not None and below > above:
        raise ConfigError(where, f"below {below} or above {above} is every value there is.")
    return msgspec.structs.replace(condition, below=below, above=above)


def _number(name: str, value: int | float, where: str) -> int | float:
    """A bound in the type of its signal, exactly."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(where, "must be a finite number.")
    if signal(name).type == "double":
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if number != value:
            raise ConfigError(where, "is not exact as a 64-bit float.")
        return number + 0.0  # -0.0 becomes 0.0: one meaning, one spelling
    whole = int(value)
    if whole != value:
        raise ConfigError(where, f"'{name}' is counted in whole numbers.", f"Try {round(value)}.")
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


def _check_duplicates(policy: Policy, where: str) -> None:
    if len(set(policy.duplicates.drop)) != len(policy.duplicates.drop):
        raise ConfigError(f"{where}: duplicates.drop", "names a kind twice.")
    prefer = policy.duplicates.prefer
    if prefer is not None:
        here = f"{where}: duplicates.prefer"
        if "below" not in _KINDS[_known_signal(prefer, here).type]:
            raise ConfigError(here, f"needs a signal of numbers, '{prefer}' is not one.")


def _known_signal(name: str, where: str) -> Signal:
    try:
        return signal(name)
    except KeyError:
        raise ConfigError(where, f"no signal '{name}'.", did_you_mean(name, names())) from None


def _stated(bounds: Bounds) -> list[str]:
    """The bounds that are set, under their names in TOML."""
    values = {
        "below": bounds.below,
        "above": bounds.above,
        "is": bounds.is_,
        "in": bounds.in_,
        "not_in": bounds.not_in,
    }
    return [kind for kind, value in values.items() if value is not None]
