"""Policies: ordered rules over signals, as typed, closed data.

A policy is read from TOML, checked against the signal registry before any work starts, and compiled
to SQL by `thresher.filters.policy.sql`. A rule says which documents to *drop* and the reason it
gives:

    [[rules]]
    reason = "too_few_words"
    signal = "length.nonsymbol_words"
    below = 50

Every stated bound is a reason to drop, so `below = 3, above = 10` drops what lies outside [3, 10].
`all = [...]` drops where every condition holds. Bounds can differ by language:

    [rules.by_language]
    de = { above = 12.0 }
    ja = { off = true }

`keep_top = 0.5` is a share of the run or, with `keep_top_of = "language"`, of each language, and
`below_median = { least = 0.3, most = 0.9 }` a bound from the run's scores in each language;
`resolve` replaces both by a literal `below` once the run's values are known, and the resolved
policy is the one that is fingerprinted, stored and judged by.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from importlib import resources
from typing import Any, cast

import msgspec

from thresher.filters.config import load, load_toml
from thresher.filters.errors import ConfigError, did_you_mean
from thresher.filters.policy.check import check_policy
from thresher.filters.policy.check_bounds import threshold_number
from thresher.filters.policy.types import LanguageBounds, MedianBound, Policy, Rule

Threshold = Mapping[str, Any]
"""What the run's documents say about a rule, by language or (empty) for all others."""


def shipped_policies() -> tuple[str, ...]:
    """Names of the policies that come with Thresher."""
    files = (entry.name for entry in resources.files("thresher.filters.policies").iterdir())
    return tuple(sorted(n.removesuffix(".toml") for n in files if n.endswith(".toml")))


def shipped_policy(name: str) -> Policy:
    """Load a policy that comes with Thresher.

    Raises:
        ConfigError: if there is none of that name.
    """
    return parse_policy(shipped_policy_text(name), f"{name}.toml")


def shipped_policy_text(name: str) -> str:
    """The file of a policy that comes with Thresher, with its comments.

    Raises:
        ConfigError: if there is none of that name.
    """
    known = shipped_policies()
    if name not in known:
        raise ConfigError(f"policy '{name}'", "no such policy.", did_you_mean(name, known))
    file = resources.files("thresher.filters.policies").joinpath(f"{name}.toml")
    return file.read_text(encoding="utf-8")


def parse_policy(
    text: str,
    where: str,
    guests: Collection[str] | None = (),
    scores: Collection[str] | None = (),
) -> Policy:
    """Read a policy from TOML and check it against the signal registry.

    Args:
        text: the TOML document.
        where: its name, used in errors.
        guests: names of the recipe's guests, whose verdicts are signals too; None allows any.
        scores: names of the recipe's scorers; None allows any.

    Raises:
        ConfigError: naming the path of the setting and, for a name, the nearest valid one.
    """
    return check_policy(load_toml(Policy, text, where), where, guests, scores)


def policy_to_mapping(policy: Policy) -> dict[str, Any]:
    """The policy as plain builtins under its TOML names, without what is unset."""
    return cast("dict[str, Any]", msgspec.to_builtins(policy))


def policy_from_mapping(mapping: Mapping[str, Any], where: str) -> Policy:
    """Read back what `policy_to_mapping` gave; checked like TOML, but of guests any name."""
    return check_policy(load(Policy, mapping, where), where, None, None)


def unresolved(policy: Policy) -> tuple[Rule, ...]:
    """The rules that still need literal bounds: those with `keep_top` or `below_median`."""
    return tuple(rule for rule in policy.rules if rule.keep_top is not None or rule.below_median)


def resolve(policy: Policy, thresholds: Mapping[str, Threshold]) -> Policy:
    """Replace every `keep_top` and `below_median` by literal bounds.

    Args:
        policy: the policy as written.
        thresholds: by reason. For `keep_top` the `value` and `id` of the last document that is
            kept, of each language or (empty) of the run; without one nothing can lie below it.
            For `below_median` the bound of each language the run has.

    Raises:
        KeyError: if a rule that needs it has no threshold.
    """
    rules = []
    for rule in policy.rules:
        where = f"{policy.name}: threshold of {rule.reason}"
        if rule.signal is None or (rule.keep_top is None and rule.below_median is None):
            rules.append(rule)
        elif rule.below_median:
            found = thresholds[rule.reason]
            rules.append(_with_medians(rule, rule.signal, rule.below_median, found, where))
        else:
            rules.append(_with_cuts(rule, rule.signal, thresholds[rule.reason], where))
    return msgspec.structs.replace(policy, rules=tuple(rules))


def _with_cuts(rule: Rule, name: str, found: Threshold, where: str) -> Rule:
    """The rule with the last kept document as a literal bound, of each language or of the run."""
    cut = found.get("")
    own = {
        code: LanguageBounds(
            below=threshold_number(name, found[code]["value"], where), ties_above=found[code]["id"]
        )
        for code in sorted(found)
        if code
    }
    return msgspec.structs.replace(
        rule,
        keep_top=None,
        keep_top_of="run",
        below=threshold_number(name, cut["value"] if cut else None, where),
        ties_above=cut["id"] if cut else None,
        by_language=own,
    )


def _with_medians(
    rule: Rule, name: str, bound: MedianBound, found: Mapping[str, int | float], where: str
) -> Rule:
    """The rule with a literal bound for each language; what it states itself for one stays."""
    measured = {
        code: LanguageBounds(below=threshold_number(name, found[code], where))
        for code in sorted(found)
    }
    return msgspec.structs.replace(
        rule,
        below_median=None,
        below=threshold_number(name, bound.least, where),
        by_language=measured | rule.by_language,
    )
