"""Judge a table of measurements by itself: no run, no lake, and so no copies.

The table is all there is: `keep_top` and `below_median` are of its rows, and what takes a whole run
to measure counts as NULL where the table does not have it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from thresher.filters.errors import InputError
from thresher.filters.policy import DUPLICATE_REASONS, Duplicates, Policy, resolve
from thresher.filters.policy.sql import compile_rules, signals_of
from thresher.filters.signals import DOCUMENT_FAMILIES, signal_type
from thresher.manifests.schemas import DECISIONS
from thresher.pipeline.guests import COLUMN as GUESTS
from thresher.pipeline.judge.tables import VERDICT, database
from thresher.pipeline.judge.thresholds import find_thresholds
from thresher.pipeline.judge.why import LANGUAGE, WHY, behind

_DECIDED = ("verdict", "reason", "reasons", "unknown")
_OF_DOCUMENTS = frozenset(family.name for family in DOCUMENT_FAMILIES)


class Judged(NamedTuple):
    """What a policy says of a table."""

    decisions: pa.Table
    """A row for each of the table: its id, if it has one, verdict, reason, all reasons, and the
    rules that do not know."""
    policy: Policy
    """Resolved: with the bounds that it left to the documents."""
    not_asked: tuple[str, ...]
    """The reasons that the table cannot tell, in policy order: a signal of the rule is not there or
    is undefined in every row, or the reason is about copies."""


def judge_table(table: pa.Table, policy: Policy, *, why: bool = False) -> Judged:
    """Judge the rows of a table.

    Args:
        table: a struct column for each family that the policy looks at, as in the view `documents`;
            those that take more than the document (`site`, `scores`, ...) may be absent.
        policy: checked; resolved or not.
        why: whether the decisions have the column `why`, too (`thresher.pipeline.judge.why`).

    Raises:
        InputError: if the table lacks signals of documents, or ids where the policy needs them, or
            holds something else under their names.
    """
    columns, absent = _columns(table, _signals(policy))
    measured = _by_family(columns)
    if "id" in table.schema.names:
        measured = measured.append_column("id", _cast(_column(table, "id"), pa.string(), "id"))
    elif _needs_ids(policy):
        raise InputError(
            "the table has no column id, by which a policy that keeps a share of the "
            "documents settles ties"
        )

    def read(_names: Sequence[str]) -> Iterator[pa.Table]:
        yield measured

    resolved = resolve(policy, find_thresholds(read, policy))
    told = [
        rule.reason
        for rule in policy.rules
        if any(condition.signal in absent for condition in rule.conditions)
    ]
    told += [DUPLICATE_REASONS[kind] for kind in policy.duplicates.drop]
    decisions = _decided(measured, resolved)
    if why:
        found = behind(decisions["reasons"], columns, resolved)
        decisions = decisions.append_column(WHY, found)
    return Judged(decisions, resolved, tuple(told))


def _decided(measured: pa.Table, policy: Policy) -> pa.Table:
    """The decision of each row, by every rule."""
    names = [*(["id"] if "id" in measured.schema.names else []), *_DECIDED]
    rows = pa.array(np.arange(measured.num_rows, dtype=np.int64))
    with database() as connection:
        connection.register("documents", measured.append_column("row", rows))
        table = connection.sql(
            f"""
            WITH judged AS (SELECT *, {compile_rules(policy)} FROM documents)
            SELECT * FROM (SELECT *, {VERDICT} FROM judged) ORDER BY row
            """  # noqa: S608 - compiled from a checked policy
        ).to_arrow_table()
    fields = [pa.field("id", pa.string()) if n == "id" else DECISIONS.field(n) for n in names]
    return table.select(names).cast(pa.schema(fields))


def _signals(policy: Policy) -> dict[str, bool]:
    """The signals that are looked at, and whether the policy cannot do without each."""
    needed = signals_of(msgspec.structs.replace(policy, duplicates=Duplicates()))
    languages = any(r.below_median or r.keep_top_of == "language" for r in policy.rules)
    return {LANGUAGE: languages} | dict.fromkeys(sorted(needed), True)


def _needs_ids(policy: Policy) -> bool:
    bounds = [
        each
        for rule in policy.rules
        for condition in rule.conditions
        for each in (condition, *condition.by_language.values())
    ]
    return any(rule.keep_top is not None for rule in policy.rules) or any(
        bound.ties_above is not None for bound in bounds
    )


def _columns(
    table: pa.Table, signals: Mapping[str, bool]
) -> tuple[dict[str, pa.ChunkedArray], set[str]]:
    """The column of each signal, and the names of those that have no value in any row."""
    found, absent, lacking = {}, set(), []
    for name, needed in signals.items():
        family, field = name.split(".")
        column = _field(table, family, field)
        kind = pa.string() if family == GUESTS else signal_type(name)
        if column is not None:
            found[name] = _cast(column, kind, name)
            if 0 < table.num_rows == found[name].null_count:
                absent.add(name)
            continue
        if family in _OF_DOCUMENTS and needed:
            lacking.append(name if family in table.schema.names else family)
        found[name] = pa.chunked_array([pa.nulls(table.num_rows, kind)])
        absent.add(name)
    if lacking:
        different = list(dict.fromkeys(lacking))
        more = f" and {len(different) - 5} more" if different[5:] else ""
        raise InputError(
            f"the table lacks what the policy looks at: {', '.join(different[:5])}{more}. Judge "
            "what thresher.measure gives, or the view `measured` of a lake"
        )
    return found, absent


def _field(table: pa.Table, family: str, field: str) -> pa.ChunkedArray | None:
    """A signal of the column of its family; None where there is none."""
    if family not in table.schema.names:
        return None
    column = _column(table, family)
    if not pa.types.is_struct(column.type):
        raise InputError(f"the column {family} is {column.type}, and no struct of signals")
    if column.type.get_field_index(field) < 0:
        return None
    return pc.struct_field(column, field)


def _column(table: pa.Table, name: str) -> pa.ChunkedArray:
    if len(table.schema.get_all_field_indices(name)) > 1:
        raise InputError(f"the table has several columns {name}")
    return table[name]


def _cast(column: pa.ChunkedArray, kind: pa.DataType, name: str) -> pa.ChunkedArray:
    try:
        return column.cast(kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise InputError(f"the column {name} is {column.type}, and no {kind}: {error}") from error


def _by_family(columns: Mapping[str, pa.ChunkedArray]) -> pa.Table:
    """A struct column per family."""
    families: dict[str, dict[str, pa.Array]] = {}
    for name, column in columns.items():
        family, field = name.split(".")
        families.setdefault(family, {})[field] = column.combine_chunks()
    return pa.table(
        {
            family: pa.StructArray.from_arrays(list(fields.values()), names=list(fields))
            for family, fields in families.items()
        }
    )
