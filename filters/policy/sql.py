"""The one judge: a policy compiled to SQL expressions over the signal columns, for DuckDB.

Every family is a STRUCT column, so a signal is `"length"."words"`. All rules are evaluated, in
policy order, and NULL stays NULL until the rule's `missing` decides; nothing here runs a query.
"""

from __future__ import annotations

import dataclasses
from typing import cast

from thresher.filters.policy.types import Bound, Condition, MedianBound, Policy, Rule
from thresher.filters.signals import signal


@dataclasses.dataclass(frozen=True)
class RuleText:
    """A rule taken apart for display; the tuples run in parallel over its bounds."""

    reason: str
    meaning: str
    signals: tuple[str, ...]
    operators: tuple[str, ...]
    thresholds: tuple[Bound | str, ...]
    missing: str


def compile_rules(policy: Policy) -> str:
    """The select list that judges a row of measurements.

    Returns:
        Three expressions, without SELECT: `reasons` (VARCHAR[], those that drop the row, in policy
        order), `unknown` (VARCHAR[], rules with missing = "unknown" whose signal is undefined) and
        `fired` (STRUCT of BOOLEAN by reason; NULL where undefined), which explains.

    Raises:
        ValueError: if a `keep_top` or `below_median` is unresolved.
    """
    predicates = {rule.reason: _predicate(rule) for rule in policy.rules}
    reasons, unknown, fired = [], [], []
    for rule in policy.rules:
        predicate, reason = predicates[rule.reason], _string(rule.reason)
        drops = f"coalesce({predicate}, {'TRUE' if rule.missing == 'drop' else 'FALSE'})"
        reasons.append(f"CASE WHEN {drops} THEN {reason} END")
        if rule.missing == "unknown":
            unknown.append(f"CASE WHEN {predicate} IS NULL THEN {reason} END")
        fired.append(f"{_identifier(rule.reason)} := {predicate}")
    columns = [
        f"{_stated(reasons)} AS reasons",
        f"{_stated(unknown)} AS unknown",
        f"{'struct_pack(' + ', '.join(fired) + ')' if fired else 'NULL'} AS fired",
    ]
    return ",\n".join(columns)


def explain_rows(policy: Policy, language: str | None = None) -> tuple[RuleText, ...]:
    """Every rule with the signals, operators and thresholds that apply, in policy order.

    Args:
        policy: resolved or not.
        language: of the document that is explained; None gives the general bounds.
    """
    rows = []
    for rule in policy.rules:
        parts: list[tuple[str, str, Bound | str]] = []
        for condition in rule.conditions:
            bounds = condition.bounds_for(language)
            if bounds is None:
                parts.append((condition.signal, "is not looked at in", str(language)))
            else:
                parts += _parts(condition.signal, bounds)
        if rule.signal is not None and rule.keep_top is not None:
            parts.append((rule.signal, "keep_top", rule.keep_top))
        if rule.signal is not None and rule.below_median is not None:
            parts.append((rule.signal, "<", _median(rule.below_median)))
        rows.append(
            RuleText(
                reason=rule.reason,
                meaning=rule.meaning,
                signals=tuple(name for name, _, _ in parts),
                operators=tuple(operator for _, operator, _ in parts),
                thresholds=tuple(threshold for _, _, threshold in parts),
                missing=rule.missing,
            )
        )
    return tuple(rows)


def bounds_of(rule: Rule, language: str | None = None) -> tuple[tuple[str, str], ...]:
    """What a resolved rule asks of each of its signals, in order: (signal, `< 3 or > 10`).

    Args:
        rule: without a bound that a run has yet to give.
        language: of the document; None gives the general bounds.
    """
    found = []
    for condition in rule.conditions:
        stated = condition.bounds_for(language) or {}
        asked = (bound_text(_OPERATORS[kind], bound) for kind, bound in stated.items())
        found.append((condition.signal, " or ".join(asked)))
    return tuple(found)


def bound_text(operator: str, bound: Bound) -> str:
    """A bound behind its operator, as a person reads it."""
    if isinstance(bound, tuple):
        return f"{operator} {', '.join(bound)}"
    return f"{operator} {value_text(bound)}" if isinstance(bound, bool) else f"{operator} {bound}"


def value_text(value: object) -> str:
    """A value beside its bound: enough digits to tell the two apart in all but odd cases."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def signals_of(policy: Policy) -> frozenset[str]:
    """The signals that the compiled policy reads."""
    read = {condition.signal for rule in policy.rules for condition in rule.conditions}
    if any(condition.by_language for rule in policy.rules for condition in rule.conditions):
        read.add(_LANGUAGE)
    if policy.duplicates.prefer:
        read.add(policy.duplicates.prefer)
    return frozenset(read)


def signal_sql(name: str) -> str:
    """The column expression of a signal."""
    return ".".join(_identifier(part) for part in name.split("."))


def _median(bound: MedianBound) -> str:
    """How a bound that the run has yet to give is shown."""
    deviations = "" if bound.deviations == 1 else f"{bound.deviations:g} "
    return f"max({bound.least:g}, min({bound.most:g}, median - {deviations}sigma)) by language"


def _stated(items: list[str]) -> str:
    """A list expression of those items that are not NULL."""
    if not items:
        return "CAST([] AS VARCHAR[])"
    listed = ",\n  ".join(items)
    return f"list_filter([\n  {listed}\n], lambda reason: reason IS NOT NULL)"


def _predicate(rule: Rule) -> str:
    """TRUE where the rule drops, NULL where that depends on an undefined signal."""
    if rule.keep_top is not None or rule.below_median is not None:
        unresolved = "below_median" if rule.below_median else "keep_top"
        raise ValueError(f"rule '{rule.reason}': resolve {unresolved} before compiling")
    return "(" + " AND ".join(_condition(condition) for condition in rule.conditions) + ")"


def _condition(condition: Condition) -> str:
    """The bounds as one expression: by language a CASE over the code, unknown codes in ELSE."""
    general = _tests(condition.signal, condition.bounds_for(None))
    if not condition.by_language:
        return general
    cases = [
        f"WHEN {_string(code)} THEN {_tests(condition.signal, condition.bounds_for(code))}"
        for code in condition.by_language
    ]
    return f"(CASE {signal_sql(_LANGUAGE)} {' '.join(cases)} ELSE {general} END)"


def _tests(name: str, bounds: dict[str, Bound] | None) -> str:
    column = signal_sql(name)
    tests = []
    for kind, threshold in (bounds or {}).items():
        operator = _OPERATORS[kind]
        if kind == "ties_above":
            value = _number(cast(float, (bounds or {})["below"]), signal(name).type)
            tests.append(f"({column} = {value} AND id > {_string(str(threshold))})")
        elif isinstance(threshold, tuple):
            words = ", ".join(_string(word) for word in threshold)
            tests.append(f"{column} {operator.upper()} ({words})")
        elif isinstance(threshold, bool):
            tests.append(f"{column} = {'TRUE' if threshold else 'FALSE'}")
        else:
            number = _number(cast(float, threshold), signal(name).type)
            tests.append(f"{column} {operator} {number}")
    return "(" + " OR ".join(tests) + ")" if tests else "FALSE"


_LANGUAGE = "language.code"
_OPERATORS = {
    "below": "<",
    "above": ">",
    "ties_above": "equals it, with an id >",
    "is": "is",
    "in": "in",
    "not_in": "not in",
}


def _parts(name: str, bounds: dict[str, Bound]) -> list[tuple[str, str, Bound]]:
    return [(name, _OPERATORS[kind], bound) for kind, bound in bounds.items()]


def _number(value: int | float, kind: str) -> str:
    """A literal of exactly this value: a bare 0.1 would be a DECIMAL in SQL."""
    if kind == "int64":
        return f"CAST('{int(value)}' AS BIGINT)"
    return f"CAST('{float(value)!r}' AS DOUBLE)"


def _string(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
