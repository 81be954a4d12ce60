"""Behind each reason of a decision: the signals that its rule looks at, their values and bounds."""

from __future__ import annotations

import functools
from collections.abc import Mapping

import pyarrow as pa

from thresher.filters.policy import Policy
from thresher.filters.policy.sql import bounds_of, value_text

__all__ = ["LANGUAGE", "WHY", "behind"]

WHY = "why"
"""Name of the column."""
LANGUAGE = "language.code"

_KIND = pa.list_(
    pa.struct([(name, pa.string()) for name in ("reason", "signal", "value", "bound")])
)


def behind(
    reasons: pa.ChunkedArray, signals: Mapping[str, pa.ChunkedArray], policy: Policy
) -> pa.Array:
    """For each row a list of (reason, signal, value, bound), in policy order.

    Args:
        reasons: all reasons of each row.
        signals: the values of each signal of the policy, and of the language, row by row.
        policy: resolved; it gave the reasons.
    """
    rules = {rule.reason: rule for rule in policy.rules}
    bounds = functools.cache(lambda reason, code: bounds_of(rules[reason], code))
    values = {name: column.combine_chunks() for name, column in signals.items()}
    codes = values[LANGUAGE]
    rows = []
    for row, listed in enumerate(reasons.to_pylist()):
        code = codes[row].as_py() if listed else None
        rows.append(
            [
                (reason, signal, value_text(values[signal][row].as_py()), bound)
                for reason in listed
                for signal, bound in bounds(reason, code)
            ]
        )
    return pa.array(rows, _KIND)
