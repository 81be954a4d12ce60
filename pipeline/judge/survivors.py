"""Stages `candidates` and `survivors`: which member of each duplicate cluster is kept."""

from __future__ import annotations

import time

import pyarrow as pa
import pyarrow.compute as pc

from filters.judge_sql import compile_rules, signal_sql
from filters.policy import DUPLICATE_REASONS, Policy
from manifests.manifest import Manifest, commit
from manifests.shards import read_table
from manifests.store import Store
from pipeline.dedup import ShardRef
from pipeline.judge import CANDIDATES, KEY, SURVIVORS
from pipeline.judge.tables import RECEIPT, database, register_documents, write

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

SURVIVORS_SCHEMA = pa.schema(
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
    with database() as connection:
        register_documents(connection, store, shard, policy)
        connection.register("duplicates", read_table(store, duplicates))
        table = connection.sql(
            f"""
            WITH judged AS (
              SELECT row, id, {priority} AS priority, {preference} AS preference,
                {compile_rules(policy)}
              FROM documents WHERE row IN (SELECT row FROM duplicates)
            )
            SELECT row, id, cluster_id, exact_id, len(reasons) = 0 AS passes, priority,
              preference,
              {RECEIPT}, earlier_id, earlier_run, earlier_exact,
              url_id, date
            FROM judged JOIN duplicates USING (row, id) ORDER BY row
            """,  # noqa: S608 - compiled from a checked policy
            params={"trusted": list(trusted)} if trusted else {},
        ).to_arrow_table()
    output = write(store, CANDIDATES, fingerprint, shard.key, table, _CANDIDATES)
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
    with database() as connection:
        connection.register("members", pa.concat_tables(members))
        table = connection.sql(
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
              {RECEIPT}
            FROM named ORDER BY shard, row
            """,  # noqa: S608 - a column name and an order of two
            params={"drop": list(drop), "by_url": "url" in drop, **DUPLICATE_REASONS},
        ).to_arrow_table()
    outputs = []
    for key in sorted(candidate_paths):
        mine = table.filter(pc.equal(table["shard"], key)).drop_columns(["shard"])
        outputs.append(write(store, SURVIVORS, fingerprint, key, mine, SURVIVORS_SCHEMA))
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


def _named(table: pa.Table, shard: str) -> pa.Table:
    return table.append_column("shard", pa.array([shard] * table.num_rows, pa.string()))
