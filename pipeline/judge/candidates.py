"""Stage `candidates`: the members of duplicate clusters, judged by every rule but duplication."""

from __future__ import annotations

import time

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from thresher.filters.dates import MOMENT
from thresher.filters.measure import keyed_hash
from thresher.filters.policy import Policy
from thresher.filters.policy.sql import compile_rules, signal_sql
from thresher.manifests.manifest import Manifest, commit
from thresher.manifests.shards import read_table
from thresher.manifests.store import Store
from thresher.pipeline.judge import CANDIDATES
from thresher.pipeline.judge.tables import RECEIPT, database, judged_columns, register_documents
from thresher.pipeline.measured import files_of
from thresher.pipeline.shards import ShardRef
from thresher.pipeline.shuffle import write_sorted

CANDIDATES_SCHEMA = pa.schema(
    [
        ("bucket", pa.uint64()),
        ("shard", pa.int64()),
        ("row", pa.int64()),
        ("id", pa.string()),
        ("cluster_id", pa.string()),
        ("exact_id", pa.string()),
        ("raw_id", pa.string()),
        ("passes", pa.bool_()),
        ("priority", pa.int64()),
        ("preference", pa.float64()),
        ("known_kind", pa.string()),
        ("known_id", pa.string()),
        ("known_run", pa.string()),
        ("matched_id", pa.string()),
        ("similarity", pa.float64()),
        ("verified", pa.string()),
        ("bands_shared", pa.int32()),
    ]
)
"""`bucket` is a hash of the cluster, at the level that the policy drops, whose name is
`cluster_id`; both follow from the document where it has none. The `known` columns name what an
earlier run kept, where the policy drops that kind of copy."""

PAGES_SCHEMA = pa.schema(
    [
        ("page", pa.uint64()),
        ("shard", pa.int64()),
        ("row", pa.int64()),
        ("id", pa.string()),
        ("url_id", pa.string()),
        ("passes", pa.bool_()),
        ("date_utc", MOMENT),
        ("priority", pa.int64()),
        ("preference", pa.float64()),
        ("bucket", pa.uint64()),
    ]
)
"""Captures of pages that the run has several of; `page` is a hash of `url_id`."""


def candidates(
    store: Store, shard: ShardRef, number: int, duplicates: str, policy: Policy, fingerprint: str
) -> Manifest:
    """Judge the clustered documents of a shard by every rule but duplication.

    A document passes if it fails no rule and no earlier run kept it: one that does not can be no
    survivor.

    Args:
        store: the lake.
        shard: the measured shard.
        number: of the shard, in key order.
        duplicates: path of its duplicates file.
        policy: resolved.
        fingerprint: of the judging.
    """
    began = time.perf_counter()
    table = _judged(store, shard, duplicates, policy)
    bucket = keyed_hash(pc.coalesce(table["cluster_id"], table["id"]), 0)
    table = table.append_column("bucket", bucket).append_column(
        "shard", pa.array(np.full(table.num_rows, number, np.int64))
    )
    pages = table.filter(pc.is_valid(table["url_id"]))
    if "url" not in policy.duplicates.drop:
        pages = pages.slice(0, 0)
    pages = pages.append_column("page", keyed_hash(pages["url_id"], 0))
    folder = f"{CANDIDATES}/{fingerprint}/{shard.key}"
    outputs = [
        write_sorted(
            store, f"{folder}.{name}.parquet", rows.select(schema.names).cast(schema).sort_by(order)
        )
        for name, rows, schema, order in (
            ("clusters", table, CANDIDATES_SCHEMA, [("bucket", "ascending"), ("row", "ascending")]),
            ("pages", pages, PAGES_SCHEMA, [("page", "ascending"), ("row", "ascending")]),
        )
    ]
    return commit(
        store,
        Manifest(
            stage=CANDIDATES,
            fingerprint=fingerprint,
            key=shard.key,
            inputs=[*files_of(shard, judged_columns(policy)), duplicates],
            outputs=outputs,
            facts={"members": table.num_rows, "captures": pages.num_rows},
            seconds=time.perf_counter() - began,
        ),
    )


def _judged(store: Store, shard: ShardRef, duplicates: str, policy: Policy) -> pa.Table:
    """Members in a cluster, on a page, or known of an earlier run."""
    drop = policy.duplicates.drop
    levels = {"near": "cluster_id", "exact": "exact_id", "identical": "raw_id"}
    cluster = next((level for kind, level in levels.items() if kind in drop), "cluster_id")
    prefer = policy.duplicates.prefer
    preference = f"CAST({signal_sql(prefer)} AS DOUBLE)" if prefer else "NULL"
    trusted = policy.duplicates.priority
    listed = "list_transform($trusted, lambda name: contains(source, name))"
    priority = f"coalesce(list_position({listed}, TRUE), {len(trusted) + 1})" if trusted else "0"
    parameters = {"drop": list(drop), **({"trusted": list(trusted)} if trusted else {})}
    with database() as connection:
        register_documents(connection, store, shard, policy)
        connection.register("duplicates", read_table(store, duplicates))
        return connection.sql(
            f"""
            WITH judged AS (
              SELECT row, id, date_utc, {priority} AS priority, {preference} AS preference,
                {compile_rules(policy)}
              FROM documents WHERE row IN (SELECT row FROM duplicates)
            ), known AS (
              SELECT *, CASE
                  WHEN list_contains($drop, earlier_kind) THEN earlier_kind
                  WHEN earlier_kind = 'identical' AND list_contains($drop, 'exact') THEN 'exact'
                  WHEN url_earlier_id IS NOT NULL AND list_contains($drop, 'url') THEN 'url'
                END AS known_kind
              FROM duplicates
            )
            SELECT row, id, {cluster} AS cluster_id, exact_id, raw_id, url_id, date_utc,
              len(reasons) = 0 AND known_kind IS NULL AS passes, priority, preference, known_kind,
              CASE WHEN known_kind = 'url' THEN url_earlier_id
                WHEN known_kind IS NOT NULL THEN earlier_id END AS known_id,
              CASE WHEN known_kind = 'url' THEN url_earlier_run
                WHEN known_kind IS NOT NULL THEN earlier_run END AS known_run,
              {RECEIPT}
            FROM judged JOIN known USING (row, id)
            WHERE {cluster} IS NOT NULL OR url_id IS NOT NULL OR known_kind IS NOT NULL
            ORDER BY row
            """,  # noqa: S608 - compiled from a checked policy
            params=parameters,
        ).to_arrow_table()
