"""What rules ask, for people: their tests as a sentence, and their bounds policy by policy."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from thresher.filters.policy import Policy, Rule, shipped_policies, shipped_policy
from thresher.filters.policy.check import GUEST_PREFIX
from thresher.filters.policy.sql import RuleText, explain_rows
from thresher.filters.signals import signal
from thresher.jobs.docs.blocks import Table

AskedBy = Mapping[str, tuple[Rule, RuleText]]
"""The rules that give one reason, by the policy that has them."""


@functools.cache
def shipped_rules() -> Mapping[str, AskedBy]:
    """The rules of all shipped policies, by reason and policy."""
    found: dict[str, dict[str, tuple[Rule, RuleText]]] = {}
    for name in shipped_policies():
        for reason, rule in rules_of(shipped_policy(name)).items():
            found.setdefault(reason, {})[name] = rule
    return found


def rules_of(policy: Policy) -> Mapping[str, tuple[Rule, RuleText]]:
    """The rules of one policy by their reason."""
    texts = explain_rows(policy)
    return {text.reason: (rule, text) for rule, text in zip(policy.rules, texts, strict=True)}


def sentence(row: RuleText) -> str:
    """All tests of a rule, joined by `and`."""
    tests = zip(row.signals, row.operators, row.thresholds, strict=True)
    return " and ".join(f"`{name}` {sign} {number(value)}" for name, sign, value in tests)


def by_language(rule: Rule) -> str:
    """The bounds of a rule that differ by language."""
    parts = []
    for condition in rule.conditions:
        for code, own in sorted(condition.by_language.items()):
            bounds = ", ".join(f"{kind} {number(value)}" for kind, value in own.stated.items())
            parts.append(f"{code}: {'off' if own.off else bounds}")
    return "; ".join(parts)


def bounds_table(asked: AskedBy) -> Table:
    """A row for each signal, with what it measures; a column for policies that ask the same."""
    columns: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for name, (_, row) in asked.items():
        columns.setdefault(_tests(row), []).append(name)
    signals = dict.fromkeys(name for tests in columns for name, _ in tests)
    header = ["signal", "what it measures", *(", ".join(names) for names in columns.values())]
    rows = [
        (f"`{name}`", _meaning(name), *(dict(tests).get(name, "") for tests in columns))
        for name in signals
    ]
    return Table(tuple(header), tuple(rows))


def number(value: object) -> str:
    """A bound as it is shown."""
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:,}" if isinstance(value, int | float) else str(value)


def _tests(row: RuleText) -> tuple[tuple[str, str], ...]:
    """The tests of each signal, in order."""
    tests: dict[str, list[str]] = {}
    for name, sign, value in zip(row.signals, row.operators, row.thresholds, strict=True):
        shown = "not in the top" if sign == "keep_top" else sign
        tests.setdefault(name, []).append(f"{shown} {number(value)}")
    return tuple((name, " or ".join(stated)) for name, stated in tests.items())


def _meaning(name: str) -> str:
    if name.startswith(GUEST_PREFIX):
        return "What a guest of the recipe says."
    return signal(name).meaning
