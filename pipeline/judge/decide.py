"""Stage `decisions`: the verdict and all reasons of every document of a shard."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pyarrow.compute as pc

from thresher.filters.policy import Policy
from thresher.filters.policy.sql import compile_rules
from thresher.manifests.manifest import Manifest, commit
from thresher.manifests.schemas import DECISIONS
from thresher.manifests.shards import ShardWriter
from thresher.manifests.store import Store
from thresher.pipeline.judge import STAGE
from thresher.pipeline.judge.survivors import SURVIVORS_SCHEMA
from thresher.pipeline.judge.tables import (
    RECEIPT,
    VERDICT,
    database,
    judged_columns,
    register_documents,
)
from thresher.pipeline.measured import files_of
from thresher.pipeline.shards import ShardRef
from thresher.pipeline.shuffle import rows_in_range


def decide(
    store: Store,
    shard: ShardRef,
    number: int,
    survivor_paths: Sequence[str],
    policy: Policy,
    fingerprint: str,
) -> Manifest:
    """Write the decision of every document of a shard, in its order.

    Args:
        store: the lake.
        shard: the measured shard.
        number: of the shard, in key order.
        survivor_paths: receipts of all shards; none where this one has no duplicates.
        policy: resolved.
        fingerprint: of the judging.
    """
    began = time.perf_counter()
    copies = rows_in_range(store, survivor_paths, number, number, SURVIVORS_SCHEMA)
    with database() as connection:
        register_documents(connection, store, shard, policy)
        connection.register("copies", copies)
        table = connection.sql(
            f"""
            WITH judged AS (SELECT row, id, {compile_rules(policy)} FROM documents),
            decided AS (
              SELECT judged.row, id, unknown, cluster_id, cluster_size, survivor_id,
                survivor_run, {RECEIPT},
                CASE WHEN copies.reason IS NULL THEN reasons
                  ELSE list_append(reasons, copies.reason) END AS reasons
              FROM judged LEFT JOIN copies ON judged.row = copies.row
            )
            SELECT row, id, {VERDICT}, reasons, unknown, cluster_id, cluster_size, survivor_id,
              survivor_run, {RECEIPT}
            FROM decided ORDER BY row
            """  # noqa: S608 - compiled from a checked policy
        ).to_arrow_table()
    path = f"{STAGE}/{fingerprint}/{shard.key}.parquet"
    with ShardWriter(store, path, DECISIONS) as writer:
        writer.write(table.cast(DECISIONS))
    counts = table.group_by("reason").aggregate([([], "count_all")]).to_pylist()
    primary = {row["reason"]: row["count_all"] for row in counts if row["reason"] is not None}
    every = pc.value_counts(table["reasons"].combine_chunks().flatten()).to_pylist()
    return commit(
        store,
        Manifest(
            stage=STAGE,
            fingerprint=fingerprint,
            key=shard.key,
            inputs=[*files_of(shard, judged_columns(policy)), *survivor_paths],
            outputs=[writer.output],
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
