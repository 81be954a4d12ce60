"""Why a document was kept or dropped: every signal, rule, threshold and reason of one document."""

from __future__ import annotations

from typing import Any

import duckdb
import msgspec

from thresher.filters.errors import StoreError
from thresher.filters.policy import Policy
from thresher.filters.policy.check import GUEST_PREFIX
from thresher.filters.policy.sql import (
    bound_text,
    compile_rules,
    explain_rows,
    value_text,
)
from thresher.filters.signals import FAMILIES, SCORE_PREFIX
from thresher.pipeline.inspect.difference import Difference, difference
from thresher.pipeline.inspect.explanation_text import headline, text_of
from thresher.pipeline.inspect.reasons import reference

_PROVENANCE = (
    *("id", "record_id", "url", "source", "date", "date_utc", "title", "charset"),
    *("charset_source", "origin", "extra"),
)
_DECISION = (
    *("verdict", "reason", "reasons", "unknown", "cluster_id", "cluster_size", "survivor_id"),
    *("survivor_run", "matched_id", "similarity", "verified", "bands_shared"),
)
_RECIPES_OWN = (GUEST_PREFIX.removesuffix("."), SCORE_PREFIX.removesuffix("."))
"""Columns of the signals that a recipe brings along."""
_TEXT_CHARACTERS = 600
_REASONS_IN_REPR = 3


class RuleResult(msgspec.Struct, frozen=True):
    """What one rule said."""

    reason: str
    meaning: str
    tests: list[str]
    """Each bound as `signal operator threshold (value)`."""
    drops: bool | None
    """None where the signal is undefined; `missing` says what that means."""
    missing: str


class Explanation(msgspec.Struct, frozen=True):
    """All that is known of one document; `print` shows it as a person reads it."""

    provenance: dict[str, Any]
    decision: dict[str, Any]
    """Empty where the run did not judge the document."""
    rules: list[RuleResult]
    signals: dict[str, Any]
    duplicates: list[dict[str, Any]]
    """The other members of its cluster, at most 20."""
    text: str
    """The start of the text."""
    difference: Difference | None = None
    """From the survivor of its cluster, or else the closest match; None where it has neither."""
    matched: dict[str, Any] = {}
    """Where it shares text with an evaluation set: the set, the example, the longest such text."""
    quarantine: dict[str, Any] = {}
    """Filled instead of all else but `references` where the record is not a document."""
    references: dict[str, str] = {}
    """Where the reference pages explain each reason that it has, as `PAGE#ANCHOR`; a reason of
    one's own policy has no place there."""

    def __str__(self) -> str:
        return text_of(self)

    def __repr__(self) -> str:
        return f"<Explanation of {headline(self, _REASONS_IN_REPR)}; print it for all of it>"


def explain(database: duckdb.DuckDBPyConnection, name: str, policy: Policy) -> Explanation:
    """Explain a document.

    Args:
        database: a connection to the catalog.
        name: its id, record id or URL.
        policy: the resolved policy of the run.

    Raises:
        StoreError: if no document and no quarantined record has that name.
    """
    # An earlier version measured fewer families.
    held = {name for name, *_ in database.execute("DESCRIBE measured").fetchall()}
    own = [name for name in _RECIPES_OWN if name in held]
    known = [name for name in _PROVENANCE if name in held]
    families = [*(family.name for family in FAMILIES if family.name in held), *own]
    match = "id = $name OR record_id = $name OR url = $name"
    found = _one(
        database,
        f"""
        SELECT {", ".join(known)}, shard, row, left(text, {_TEXT_CHARACTERS}) AS text,
          substr(text, 1 + contamination."start", contamination."end" - contamination."start")
            AS matched,
          {", ".join(f'"{family}"' for family in families)}, {compile_rules(policy)}
        FROM measured WHERE {match} ORDER BY id, shard, row LIMIT 1
        """,  # noqa: S608 - registry names and a compiled policy; the value is a parameter
        {"name": name},
    )
    if found is None:
        return _quarantined(database, name, match)
    fired = found["fired"] or {}
    signals = {
        signal.name: (found.get(family.name) or {}).get(signal.name.split(".")[1])
        for family in FAMILIES
        for signal in family.signals
    }
    for column in own:
        signals |= {f"{column}.{name}": value for name, value in (found[column] or {}).items()}
    rules = [
        RuleResult(
            reason=rule.reason,
            meaning=rule.meaning,
            tests=[
                f"{signal} {bound_text(operator, threshold)} ({value_text(signals.get(signal))})"
                for signal, operator, threshold in zip(
                    rule.signals, rule.operators, rule.thresholds, strict=True
                )
            ],
            drops=fired.get(rule.reason),
            missing=rule.missing,
        )
        for rule in explain_rows(policy, signals["language.code"])
    ]
    decision: dict[str, Any] = {}
    if _has_view(database, "decisions"):
        query = f"SELECT {', '.join(_DECISION)} FROM decisions WHERE shard = $shard AND row = $row"  # noqa: S608
        decision = _one(database, query, {"shard": found["shard"], "row": found["row"]}) or {}
    return Explanation(
        provenance={name: found[name] for name in known},
        decision=decision,
        rules=rules,
        signals=signals,
        duplicates=_cluster(database, found["shard"], found["row"]),
        text=found["text"],
        difference=_difference(database, found, decision),
        matched={
            "set": signals["contamination.set"],
            "item": signals["contamination.item"],
            "text": found["matched"][:_TEXT_CHARACTERS],
        }
        if found["matched"]
        else {},
        references=_references(*decision["reasons"], *decision["unknown"]) if decision else {},
    )


def _difference(
    database: duckdb.DuckDBPyConnection, document: dict[str, Any], decision: dict[str, Any]
) -> Difference | None:
    names = ("matched_id",) if decision.get("survivor_run") else ("survivor_id", "matched_id")
    other = next((decision[name] for name in names if decision.get(name)), None)
    query = "SELECT text FROM documents WHERE id = $id LIMIT 1"
    theirs = _one(database, query, {"id": other}) if other else None
    mine = _one(
        database,
        "SELECT text FROM documents WHERE shard = $shard AND row = $row",
        {"shard": document["shard"], "row": document["row"]},
    )
    return difference(other, mine["text"], theirs["text"]) if other and mine and theirs else None


def _cluster(database: duckdb.DuckDBPyConnection, shard: str, row: int) -> list[dict[str, Any]]:
    if not (_has_view(database, "duplicates") and _has_view(database, "decisions")):
        return []
    return _all(
        database,
        """
        SELECT p.id, p.similarity, p.verified, p.matched_id, d.url, x.verdict, x.reason
        FROM duplicates AS p
        JOIN documents AS d ON p.shard = d.shard AND p.row = d.row
        JOIN decisions AS x ON p.shard = x.shard AND p.row = x.row
        WHERE (p.shard, p.row) <> ($shard, $row) AND p.cluster_id =
          (SELECT cluster_id FROM duplicates WHERE shard = $shard AND row = $row)
        ORDER BY x.verdict DESC, p.id, p.shard, p.row LIMIT 20
        """,
        {"shard": shard, "row": row},
    )


def _quarantined(database: duckdb.DuckDBPyConnection, name: str, match: str) -> Explanation:
    row = _one(
        database,
        "SELECT id, record_id, url, source, outcome, reason, detail, sample "  # noqa: S608
        f"FROM quarantine WHERE {match} ORDER BY id LIMIT 1",
        {"name": name},
    )
    if row is None:
        raise StoreError(
            f"no document has the id, record id or URL '{name}' in the latest run. "
            "Gated records are kept as a sample only. `thresher query` finds ids by URL, as in "
            "... FROM documents WHERE url LIKE '%example%'"
        )
    sample = bytes(row.pop("sample") or b"")[:_TEXT_CHARACTERS].decode("utf-8", "replace")
    return Explanation(
        provenance={},
        decision={},
        rules=[],
        signals={},
        duplicates=[],
        text=sample,
        quarantine=row,
        references=_references(row["reason"]),
    )


def _references(*reasons: str) -> dict[str, str]:
    return {reason: where for reason in reasons if (where := reference(reason))}


def _has_view(database: duckdb.DuckDBPyConnection, name: str) -> bool:
    query = (
        "SELECT 1 FROM duckdb_views() "
        "WHERE view_name = $name AND database_name = current_database()"
    )
    return bool(database.execute(query, {"name": name}).fetchall())


def _one(
    database: duckdb.DuckDBPyConnection, query: str, parameters: dict[str, Any]
) -> dict[str, Any] | None:
    rows = _all(database, query, parameters)
    return rows[0] if rows else None


def _all(
    database: duckdb.DuckDBPyConnection, query: str, parameters: dict[str, Any]
) -> list[dict[str, Any]]:
    result = database.execute(query, parameters)
    names = [column[0] for column in result.description or ()]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]
