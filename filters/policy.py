"""Policies: ordered rules over signals, as typed, closed data.

A policy is read from TOML, checked against the signal registry before any work starts, and compiled
to SQL by `filters.judge_sql`. A rule says which documents to *drop* and the reason it gives:

    [[rules]]
    reason = "too_few_words"
    signal = "length.nonsymbol_words"
    below = 50

Every stated bound is a reason to drop, so `below = 3, above = 10` drops what lies outside [3, 10].
`all = [...]` drops where every condition holds. `keep_top = 0.5` is a share of the run; `resolve`
replaces it by a literal `below` once the run's scores are known, and the resolved policy is the
one that is fingerprinted, stored and judged by.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from typing import Any, cast

import msgspec

from filters.config import load, load_toml
from filters.errors import ConfigError, did_you_mean
from filters.policy_check import check_policy, threshold_number
from filters.policy_types import (
    DUPLICATE_REASONS,
    RESERVED_REASONS,
    Bounds,
    Condition,
    Duplicates,
    Policy,
    Rule,
)

__all__ = [
    "DUPLICATE_REASONS",
    "RESERVED_REASONS",
    "Bounds",
    "Condition",
    "Duplicates",
    "Policy",
    "Rule",
    "parse_policy",
    "policy_from_mapping",
    "policy_to_mapping",
    "resolve",
    "shipped_policies",
    "shipped_policy",
    "unresolved",
]


def shipped_policies() -> tuple[str, ...]:
    """Names of the policies that come with Thresher."""
    files = (entry.name for entry in resources.files("filters.policies").iterdir())
    return tuple(sorted(n.removesuffix(".toml") for n in files if n.endswith(".toml")))


def shipped_policy(name: str) -> Policy:
    """Load a policy that comes with Thresher.

    Raises:
        ConfigError: if there is none of that name.
    """
    known = shipped_policies()
    if name not in known:
        raise ConfigError(f"policy '{name}'", "no such policy.", did_you_mean(name, known))
    file = f"{name}.toml"
    text = resources.files("filters.policies").joinpath(file).read_text(encoding="utf-8")
    return parse_policy(text, file)


def parse_policy(text: str, where: str) -> Policy:
    """Read a policy from TOML and check it against the signal registry.

    Args:
        text: the TOML document.
        where: its name, used in errors.

    Raises:
        ConfigError: naming the path of the setting and, for a name, the nearest valid one.
    """
    return check_policy(load_toml(Policy, text, where), where)


def policy_to_mapping(policy: Policy) -> dict[str, Any]:
    """The policy as plain builtins under its TOML names, without what is unset."""
    return cast("dict[str, Any]", msgspec.to_builtins(policy))


def policy_from_mapping(mapping: Mapping[str, Any], where: str) -> Policy:
    """Read back what `policy_to_mapping` gave; checked like TOML."""
    return check_policy(load(Policy, mapping, where), where)


def unresolved(policy: Policy) -> tuple[Rule, ...]:
    """The rules whose `keep_top` still needs a literal threshold."""
    return tuple(rule for rule in policy.rules if rule.keep_top is not None)


def resolve(policy: Policy, thresholds: Mapping[str, int | float | None]) -> Policy:
    """Replace every `keep_top` by a literal `below`.

    Args:
        policy: the policy as written.
        thresholds: by reason, the smallest value that is kept; None where no document of the run
            has the signal, so that nothing can lie below it.

    Raises:
        KeyError: if a rule with `keep_top` has no threshold.
    """
    rules = []
    for rule in policy.rules:
        if rule.keep_top is not None and rule.signal is not None:
            value = thresholds[rule.reason]
            where = f"{policy.name}: threshold of {rule.reason}"
            below = threshold_number(rule.signal, value, where)
            rules.append(msgspec.structs.replace(rule, keep_top=None, below=below))
        else:
            rules.append(rule)
    return msgspec.structs.replace(policy, rules=tuple(rules))
