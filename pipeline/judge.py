"""Judging: measurements and a policy give decisions. Seconds, not hours; no text is read.

    thresholds  once        what a policy leaves to the run becomes literal: `keep_top`, medians
    candidates  per shard   the members of duplicate clusters: does each pass every rule?
    survivors   once        the best passing member of each cluster survives; receipts for the rest
    decisions   per shard   verdict and all reasons of every document

The survivor is chosen among members that pass every other rule, so a rule never kills the
canonical copy while its twins are dropped as duplicates. The policy is compiled to SQL by
`filters.judge_sql` and DuckDB runs it, here as in replay and `explain`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from filters.judge_sql import compile_rules, signal_sql, signals_of
from filters.policy import DUPLICATE_REASONS, MedianBound, Policy, unresolved
from manifests.manifest import Manifest, Output, commit
from manifests.schemas import DECISIONS
from manifests.shards import ShardWriter, read_table
from manifests.store import Store
from pipeline.dedup import ShardRef
from pipeline.measured import read_measured

THRESHOLDS, CANDIDATES, SURVIVORS, STAGE = "thresholds", "candidates", "survivors", "decisions"
VERSION = 2
KEY = "all"

_CANDIDATES = pa.schema(
    [
        ("row", pa.int64()),
        ("id", pa.string()),
        ("cluster_id", pa.string()),
        ("exact_id", pa.string()),
        ("passes", pa.bool_()),
        ("priority", pa.int64()),
        ("preference", pa.float64()),
        ("matched_id", pa.string()),
        ("similarity", pa.float64()),
        ("verified", pa.string()),
        ("bands_shared", pa.int32()),
        ("earlier_id", pa.string()),
        ("earlier_run", pa.string()),
        ("earlier_exact", pa.bool_()),
        ("url_id", pa.string()),
        ("date", pa.string()),
    ]
)

_SURVIVORS = pa.schema(
    [
        ("row", pa.int64()),
        ("cluster_id", pa.string()),
        ("cluster_size", pa.int64()),
        ("survivor_id", pa.string()),
        ("survivor_run", pa.string()),
        ("reason", pa.string()),
        ("matched_id", pa.string()),
        ("similarity", pa.float64()),
        ("verified", pa.string()),
        ("bands_shared", pa.int32()),
    ]
)
"""`survivor_id` and `reason` are NULL for the survivor, and where no member passes; the rest is
the receipt: the closest verified match, which joined the document to its cluster."""

_RECEIPT = "matched_id, similarity, verified, bands_shared"


def thresholds(
    store: Store, shards: Sequence[ShardRef], policy: Policy, fingerprint: str
) -> Manifest:
    """Find what the policy leaves to the run, over all its documents.

    The facts hold it by reason: for `keep_top` the smallest kept value, None where no document
    has the signal; for `below_median` the bound of each language.
    """
    began = time.perf_counter()
    found: dict[str, float | int | dict[str, float] | None] = {}
    for rule in unresolved(policy):
        assert rule.signal is not None
        values = _values(store, shards, rule.signal, with_language=rule.below_median is not None)
        if rule.below_median is not None:
            found[rule.reason] = _median_bounds(values, rule.below_median)
        else:
            assert rule.keep_top is not None
            found[rule.reason] = _smallest_kept(values["value"].to_numpy(), rule.keep_top)
    return commit(
        store,
        Manifest(
            stage=THRESHOLDS,
            fingerprint=fingerprint,
            key=KEY,
            inputs=[shard.documents for shard in shards],
            facts=found,
            seconds=time.perf_counter() - began,
        ),
    )


def _values(
    store: Store, shards: Sequence[ShardRef], name: str, *, with_language: bool
) -> pa.Table:
    """The defined values of a signal over the run, with the language of each if asked for."""
    family, field = name.split(".")
    parts = []
    for shard in shards:
        columns = [name, *(["language.code"] if with_language else [])]
        table = read_measured(store, shard, columns)
        kept = {"value": pc.struct_field(table[family], field)}
        if with_language:
            kept["language"] = pc.struct_field(table["language"], "code").dictionary_encode()
        parts.append(pa.table(kept).unify_dictionaries().drop_null())
    return pa.concat_tables(parts)


def _smallest_kept(values: npt.NDArray[Any], share: float) -> float | int | None:
    ordered = np.sort(values)
    kept = math.ceil(len(ordered) * share)
    return ordered[len(ordered) - max(kept, 1)].item() if len(ordered) else None


def _median_bounds(values: pa.Table, bound: MedianBound) -> dict[str, float]:
    """Each language's `median - deviations * sigma`, within the limits, to six decimals."""
    found = {}
    for code in sorted(pc.unique(values["language"].cast(pa.string())).to_pylist()):
        mine = values.filter(pc.equal(values["language"], code))["value"].to_numpy()
        ordered = np.sort(mine)  # so that the sums do not depend on the order of the shards
        low = float(np.median(ordered) - bound.deviations * np.std(ordered))
        found[code] = round(max(bound.least, min(bound.most, low)), 6)
    return found


def candidates(
    store: Store, shard: ShardRef, duplicates: str, policy: Policy, fingerprint: str
) -> Manifest:
    """Judge the clustered documents of a shard by every rule but duplication.

    Args:
        store: the lake.
        shard: the measured shard.
        duplicates: path of its duplicates file.
        policy: resolved.
        fingerprint: of the judging.
    """
    began = time.perf_counter()
    prefer = policy.duplicates.prefer
    preference = f"CAST({signal_sql(prefer)} AS DOUBLE)" if prefer else "NULL"
    trusted = policy.duplicates.priority
    listed = "list_transform($trusted, lambda name: contains(source, name))"
    priority = f"coalesce(list_position({listed}, TRUE), {len(trusted) + 1})" if trusted else "0"
    with _database() as database:
        _register_documents(database, store, shard, policy)
        database.register("duplicates", read_table(store, duplicates))
        table = database.sql(
            f"""
            WITH judged AS (
              SELECT row, id, {priority} AS priority, {preference} AS preference,
                {compile_rules(policy)}
              FROM documents WHERE row IN (SELECT row FROM duplicates)
            )
            SELECT row, id, cluster_id, exact_id, len(reasons) = 0 AS passes, priority,
              preference,
              {_RECEIPT}, earlier_id, earlier_run, earlier_exact,
              url_id, date
            FROM judged JOIN duplicates USING (row, id) ORDER BY row
            """,  # noqa: S608 - compiled from a checked policy
            params={"trusted": list(trusted)} if trusted else {},
        ).to_arrow_table()
    output = _write(store, CANDIDATES, fingerprint, shard.key, table, _CANDIDATES)
    return commit(
        store,
        Manifest(
            stage=CANDIDATES,
            fingerprint=fingerprint,
            key=shard.key,
            inputs=[shard.documents, duplicates],
            outputs=[output],
            seconds=time.perf_counter() - began,
        ),
    )


def survivors(
    store: Store, candidate_paths: dict[str, str], policy: Policy, fingerprint: str
) -> Manifest:
    """Choose each cluster's survivor: where an earlier run kept a member, none of this run.

    Args:
        store: the lake.
        candidate_paths: candidates file by shard key.
        policy: resolved; says which kinds of copies are dropped and which member is preferred.
        fingerprint: of the judging.
    """
    began = time.perf_counter()
    drop = policy.duplicates.drop
    cluster = "exact_id" if "exact" in drop and "near" not in drop else "cluster_id"
    age = "DESC" if policy.duplicates.newest else "ASC"
    members = [_named(_CANDIDATES.empty_table(), "")]
    for key, path in sorted(candidate_paths.items()):
        members.append(_named(read_table(store, path), key))
    with _database() as database:
        database.register("members", pa.concat_tables(members))
        table = database.sql(
            f"""
            WITH addressed AS (
              SELECT * REPLACE (passes AND NOT moved AS passes) FROM (
                SELECT *, first_value(id) OVER page AS url_first,
                  $by_url AND url_id IS NOT NULL AND first_value(passes) OVER page
                    AND row_number() OVER page > 1 AS moved
                FROM members
                WINDOW page AS (
                  PARTITION BY url_id ORDER BY passes DESC, date {age} NULLS LAST,
                    priority, preference DESC NULLS LAST, id, shard, row
                )
              )
            ), ranked AS (
              SELECT *, {cluster} AS cluster,
                row_number() OVER best AS place,
                CASE WHEN {cluster} IS NULL THEN 1 ELSE count(*) OVER (PARTITION BY {cluster}) END
                  AS cluster_size,
                first_value(id) OVER best AS first_id,
                first_value(exact_id) OVER best AS first_exact_id,
                first_value(passes) OVER best AS found
              FROM addressed WHERE {cluster} IS NOT NULL OR moved
              WINDOW best AS (
                PARTITION BY {cluster}
                ORDER BY passes DESC, priority, preference DESC NULLS LAST, id, shard, row
              )
            ), matched AS (
              SELECT *, CASE WHEN earlier_exact THEN 'exact' WHEN earlier_id IS NOT NULL THEN 'near'
                  END AS earlier_kind,
                coalesce(list_contains($drop, earlier_kind), FALSE) AS known
              FROM ranked
            ), named AS (
              SELECT *, CASE WHEN known THEN earlier_kind WHEN moved THEN 'url'
                  WHEN cluster IS NULL OR NOT found OR place = 1 THEN NULL
                  WHEN exact_id = first_exact_id THEN 'exact' ELSE 'near' END AS kind
              FROM matched
            )
            SELECT shard, row, cluster AS cluster_id, cluster_size,
              CASE WHEN known THEN earlier_id WHEN coalesce(kind <> ALL($drop), TRUE) THEN NULL
                WHEN kind = 'url' THEN url_first ELSE first_id END AS survivor_id,
              CASE WHEN known THEN earlier_run END AS survivor_run,
              CASE WHEN coalesce(kind <> ALL($drop), TRUE) THEN NULL
                WHEN kind = 'exact' THEN $exact WHEN kind = 'url' THEN $url ELSE $near END
                AS reason,
              {_RECEIPT}
            FROM named ORDER BY shard, row
            """,  # noqa: S608 - a column name and an order of two
            params={"drop": list(drop), "by_url": "url" in drop, **DUPLICATE_REASONS},
        ).to_arrow_table()
    outputs = []
    for key in sorted(candidate_paths):
        mine = table.filter(pc.equal(table["shard"], key)).drop_columns(["shard"])
        outputs.append(_write(store, SURVIVORS, fingerprint, key, mine, _SURVIVORS))
    return commit(
        store,
        Manifest(
            stage=SURVIVORS,
            fingerprint=fingerprint,
            key=KEY,
            inputs=[candidate_paths[key] for key in sorted(candidate_paths)],
            outputs=outputs,
            facts={"lost": table["reason"].length() - table["reason"].null_count},
            seconds=time.perf_counter() - began,
        ),
    )


def decide(
    store: Store, shard: ShardRef, survivor_path: str | None, policy: Policy, fingerprint: str
) -> Manifest:
    """Write the decision of every document of a shard, in its order.

    Args:
        store: the lake.
        shard: the measured shard.
        survivor_path: its survivors file; None where it has no duplicates.
        policy: resolved.
        fingerprint: of the judging.
    """
    began = time.perf_counter()
    copies = read_table(store, survivor_path) if survivor_path else _SURVIVORS.empty_table()
    with _database() as database:
        _register_documents(database, store, shard, policy)
        database.register("copies", copies)
        table = database.sql(
            f"""
            WITH judged AS (SELECT row, id, {compile_rules(policy)} FROM documents),
            decided AS (
              SELECT judged.row, id, unknown, cluster_id, cluster_size, survivor_id,
                survivor_run, {_RECEIPT},
                CASE WHEN copies.reason IS NULL THEN reasons
                  ELSE list_append(reasons, copies.reason) END AS reasons
              FROM judged LEFT JOIN copies ON judged.row = copies.row
            )
            SELECT row, id, CASE WHEN len(reasons) = 0 THEN 'kept' ELSE 'dropped' END AS verdict,
              reasons[1] AS reason, reasons, unknown, cluster_id, cluster_size, survivor_id,
              survivor_run, {_RECEIPT}
            FROM decided ORDER BY row
            """  # noqa: S608 - compiled from a checked policy
        ).to_arrow_table()
    output = _write(store, STAGE, fingerprint, shard.key, table, DECISIONS)
    counts = table.group_by("reason").aggregate([([], "count_all")]).to_pylist()
    primary = {row["reason"]: row["count_all"] for row in counts if row["reason"] is not None}
    every = pc.value_counts(table["reasons"].combine_chunks().flatten()).to_pylist()
    return commit(
        store,
        Manifest(
            stage=STAGE,
            fingerprint=fingerprint,
            key=shard.key,
            inputs=[shard.documents, *([survivor_path] if survivor_path else [])],
            outputs=[output],
            ledger={
                "records": table.num_rows,
                "kept": table.num_rows - sum(primary.values()),
                "dropped": sum(primary.values()),
            },
            reasons={f"dropped/{reason}": primary[reason] for reason in sorted(primary)},
            facts={
                "all_reasons": {
                    row["values"]: row["counts"] for row in sorted(every, key=lambda r: r["values"])
                }
            },
            seconds=time.perf_counter() - began,
        ),
    )


def _database() -> duckdb.DuckDBPyConnection:
    """A private database of one thread: the executor decides how many tasks run at once."""
    return duckdb.connect(":memory:", config={"threads": 1})


def _register_documents(
    database: duckdb.DuckDBPyConnection, store: Store, shard: ShardRef, policy: Policy
) -> None:
    """The table `documents`: row, id and what the policy looks at."""
    families = sorted({name.split(".")[0] for name in signals_of(policy)})
    source = ["source"] if policy.duplicates.priority else []
    table = read_measured(store, shard, ["id", *source, *families])
    rows = pa.array(np.arange(table.num_rows, dtype=np.int64))
    database.register("documents", table.append_column("row", rows))


def _write(
    store: Store, stage: str, fingerprint: str, key: str, table: pa.Table, schema: pa.Schema
) -> Output:
    path = f"{stage}/{fingerprint}/{key}.parquet"
    with ShardWriter(store, path, schema) as writer:
        writer.write(table.cast(schema))
    return writer.output


def _named(table: pa.Table, shard: str) -> pa.Table:
    return table.append_column("shard", pa.array([shard] * table.num_rows, pa.string()))
