"""The one judge: a policy compiled to SQL expressions over the signal columns, for DuckDB.

Every family is a STRUCT column, so a signal is `"length"."words"`. All rules are evaluated, in
policy order, and NULL stays NULL until the rule's `missing` decides; nothing here runs a query.
"""

from __future__ import annotations

import dataclasses

from filters.policy_types import Condition, Policy, Rule
from filters.signals import signal


@dataclasses.dataclass(frozen=True)
class RuleText:
    """A rule taken apart for display; the tuples run in parallel over its bounds."""

    reason: str
    meaning: str
    signals: tuple[str, ...]
    operators: tuple[str, ...]
    thresholds: tuple[int | float | bool | tuple[str, ...], ...]
    missing: str


def compile_rules(policy: Policy) -> str:
    """The select list that judges a row of measurements.

    Returns:
        Three expressions, without SELECT: `reasons` (VARCHAR[], those that drop the row, in policy
        order), `unknown` (VARCHAR[], rules with missing = "unknown" whose signal is undefined) and
        `fired` (STRUCT of BOOLEAN by reason; NULL where undefined), which explains.

    Raises:
        ValueError: if a `keep_top` is unresolved.
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


def explain_rows(policy: Policy) -> tuple[RuleText, ...]:
    """Every rule with its signals, operators and thresholds, in policy order."""
    rows = []
    for rule in policy.rules:
        parts = [part for condition in rule.conditions for part in _parts(condition)]
        if rule.keep_top is not None and rule.signal is not None:
            parts.append((rule.signal, "keep_top", rule.keep_top))
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


def signal_sql(name: str) -> str:
    """The column expression of a signal."""
    return ".".join(_identifier(part) for part in name.split("."))


def _stated(items: list[str]) -> str:
    """A list expression of those items that are not NULL."""
    if not items:
        return "CAST([] AS VARCHAR[])"
    listed = ",\n  ".join(items)
    return f"list_filter([\n  {listed}\n], lambda reason: reason IS NOT NULL)"


def _predicate(rule: Rule) -> str:
    """TRUE where the rule drops, NULL where that depends on an undefined signal."""
    if rule.keep_top is not None:
        raise ValueError(f"rule '{rule.reason}': resolve keep_top before compiling")
    return "(" + " AND ".join(_condition(condition) for condition in rule.conditions) + ")"


def _condition(condition: Condition) -> str:
    column = signal_sql(condition.signal)
    tests = []
    for name, operator, threshold in _parts(condition):
        if isinstance(threshold, tuple):
            words = ", ".join(_string(word) for word in threshold)
            sql_operator = "IN" if operator == "in" else "NOT IN"
            tests.append(f"{column} {sql_operator} ({words})")
        elif isinstance(threshold, bool):
            tests.append(f"{column} = {'TRUE' if threshold else 'FALSE'}")
        else:
            tests.append(f"{column} {operator} {_number(threshold, signal(name).type)}")
    return "(" + " OR ".join(tests) + ")"


_Threshold = int | float | bool | tuple[str, ...]


def _parts(condition: Condition) -> list[tuple[str, str, _Threshold]]:
    stated: list[tuple[str, _Threshold | None]] = [
        ("<", condition.below),
        (">", condition.above),
        ("is", condition.is_),
        ("in", condition.in_),
        ("not in", condition.not_in),
    ]
    return [(condition.signal, operator, value) for operator, value in stated if value is not None]


def _number(value: int | float, kind: str) -> str:
    """A literal of exactly this value: a bare 0.1 would be a DECIMAL in SQL."""
    if kind == "int64":
        return f"CAST('{int(value)}' AS BIGINT)"
    return f"CAST('{float(value)!r}' AS DOUBLE)"


def _string(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
