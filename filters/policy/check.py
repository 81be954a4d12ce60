"""What makes a policy valid: every name exists, every bound fits its signal and can do something.

A rule that can never fire is the quiet mistake of this trade (a limit misspelt, a percentage where
a fraction was meant), so it is refused here, before any work starts, with the path of the setting.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Collection, Sequence

import msgspec

from thresher.filters.errors import ConfigError, did_you_mean
from thresher.filters.policy.check_bounds import (
    BOUNDS_OF_TYPE,
    check_median,
    checked_bounds,
    checked_languages,
    usable,
)
from thresher.filters.policy.types import RESERVED_MEANINGS, Condition, Policy, Rule
from thresher.filters.signals import SCORE_PREFIX, Signal, names, signal

GUEST_PREFIX = "guests."
"""Of the signals that hold the verdicts of a recipe's guests."""

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_REASON = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


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
    if "below" not in BOUNDS_OF_TYPE[found.type]:
        raise ConfigError(f"{where}.{kind}", f"needs numbers, '{name}' is {found.type}.")
    if rule.below_median:
        check_median(rule.below_median, found, f"{where}.below_median")
        own = checked_languages({}, rule.by_language, found, where)
        return msgspec.structs.replace(rule, by_language=own)
    if rule.by_language:
        raise ConfigError(f"{where}.keep_top", "excludes 'by_language': it is one share of all.")
    assert rule.keep_top is not None
    if not 0 < rule.keep_top < 1:
        raise ConfigError(f"{where}.keep_top", "must lie between 0 and 1, exclusively.")
    return rule


def _checked_condition(condition: Condition, signals: _Signals, where: str) -> Condition:
    found = signals.find(condition.signal, f"{where}.signal")
    if not condition.stated and not condition.by_language:
        raise ConfigError(where, f"says nothing about '{found.name}'.", f"State {usable(found)}.")
    checked = checked_bounds(condition, found, where)
    own = checked_languages(checked.stated, condition.by_language, found, where)
    return msgspec.structs.replace(
        condition, below=checked.below, above=checked.above, by_language=own
    )


def _check_duplicates(policy: Policy, signals: _Signals, where: str) -> None:
    if len(set(policy.duplicates.drop)) != len(policy.duplicates.drop):
        raise ConfigError(f"{where}: duplicates.drop", "names a kind twice.")
    prefer = policy.duplicates.prefer
    if prefer is not None:
        here = f"{where}: duplicates.prefer"
        if "below" not in BOUNDS_OF_TYPE[signals.find(prefer, here).type]:
            raise ConfigError(here, f"needs a signal of numbers, '{prefer}' is not one.")
