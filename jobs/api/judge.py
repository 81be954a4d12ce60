"""`thresher.judge`: a table of measurements and a policy in, a decision for each row out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from thresher.filters.config import canonical_json
from thresher.filters.errors import InputError
from thresher.filters.policy import Policy, policy_to_mapping
from thresher.jobs.policy import policy_of
from thresher.pipeline.judge.in_memory import judge_table

_NOT_ASKED = b"thresher.not_asked"
_POLICY = b"thresher.policy"


class ArrowStream(Protocol):
    """A table of another library: a DuckDB relation, a polars or pandas data frame."""

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any: ...


def judge(
    table: pa.Table | pa.RecordBatch | ArrowStream,
    policy: str | Path | Mapping[str, Any] | Policy,
    *,
    why: bool = False,
) -> pa.Table:
    """Judge measured documents by a policy; nothing is dropped, only decided.

    All there is to know is the table. `keep_top` and `below_median` are of its rows. Families that
    take a whole run to measure (`site`, `collapse`, `repeated_lines`, `scores`, `guests`) count as
    NULL where they are absent, and copies are not looked for; `not_asked` says which reasons no row
    could have for it.

    Args:
        table: what `thresher.measure` gives, or rows of the view `measured` of a lake.
        policy: the name of a shipped policy, the path or URL of a TOML file, the same as a mapping,
            or a `Policy`.
        why: whether to say what is behind each reason, in one more column.

    Returns:
        A row for each of the table, in its order: `id` if the table has it, `verdict` (`kept` or
        `dropped`), `reason` (the first), `reasons` (all of them), `unknown` (rules with
        `missing = "unknown"` whose signal is undefined). With `why`, a list of that name, too: for
        each reason every signal of its rule, with value and bound as `explain` shows them, such as
        `{reason: short, signal: length.words, value: 38, bound: < 50}`, all of it text. The
        metadata of the schema hold, as JSON, the policy with the bounds that it left to the rows
        (`thresher.policy`) and what `not_asked` gives (`thresher.not_asked`).

    Raises:
        ConfigError: if the policy does not exist or is wrong.
        InputError: if the table lacks signals that the policy looks at.
    """
    found = judge_table(_table(table), policy_of(policy), why=why)
    return found.decisions.replace_schema_metadata(
        {
            _POLICY: canonical_json(policy_to_mapping(found.policy)),
            _NOT_ASKED: canonical_json(found.not_asked),
        }
    )


def not_asked(decisions: pa.Table) -> list[str]:
    """The reasons that could not be found out, in policy order.

    A rule could not be asked where a signal of it is absent or undefined in every row; whether a
    document is a copy, only a run finds out.

    Args:
        decisions: what `thresher.judge` gave.

    Raises:
        InputError: if it is something else.
    """
    metadata = (decisions.schema.metadata or {}) if isinstance(decisions, pa.Table) else {}
    if _NOT_ASKED not in metadata:
        raise InputError("this is no table of thresher.judge: its schema has lost the metadata")
    listed: list[str] = json.loads(metadata[_NOT_ASKED])
    return listed


def _table(table: Any) -> pa.Table:
    if isinstance(table, pa.Table):
        return table
    if isinstance(table, pa.RecordBatch):
        return pa.Table.from_batches([table])
    if hasattr(table, "__arrow_c_stream__"):
        return pa.table(table)
    raise InputError(
        f"a table is needed, not {type(table).__name__}: thresher.measure makes one of texts"
    )
