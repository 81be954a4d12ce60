"""Rules as typed data: read from TOML, checked against the registry, compiled to SQL.

`types` says what a policy holds, `check` what is wrong with one, `load` reads it, and `sql` is the
one compiler. `published` knows who published the shipped rules, and texts on both sides of each.
"""

from __future__ import annotations

from thresher.filters.policy.load import (
    parse_policy,
    policy_from_mapping,
    policy_to_mapping,
    resolve,
    shipped_policies,
    shipped_policy,
    shipped_policy_text,
    unresolved,
)
from thresher.filters.policy.types import (
    DUPLICATE_REASONS,
    RESERVED_MEANINGS,
    Bounds,
    Condition,
    Duplicates,
    LanguageBounds,
    MedianBound,
    Policy,
    Rule,
)

__all__ = [
    "DUPLICATE_REASONS",
    "RESERVED_MEANINGS",
    "Bounds",
    "Condition",
    "Duplicates",
    "LanguageBounds",
    "MedianBound",
    "Policy",
    "Rule",
    "parse_policy",
    "policy_from_mapping",
    "policy_to_mapping",
    "resolve",
    "shipped_policies",
    "shipped_policy",
    "shipped_policy_text",
    "unresolved",
]
