"""Stages `pages` and `survivors`: of each page and each cluster, which document is kept.

Both see a range of hashes of the pages or clusters, gathered from all shards, so that none of them
holds more than the memory of the settings; DuckDB spills what one large cluster takes beyond it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

import pyarrow as pa

from thresher.filters.policy import DUPLICATE_REASONS, Policy
from thresher.manifests.manifest import Manifest, commit
from thresher.manifests.store import Store
from thresher.pipeline.judge import PAGES, SURVIVORS
from thresher.pipeline.judge.candidates import CANDIDATES_SCHEMA, PAGES_SCHEMA
from thresher.pipeline.judge.tables import RECEIPT, spilling_database
from thresher.pipeline.shuffle import partition_key, partition_range, rows_in_range, write_sorted

MOVED_SCHEMA = pa.schema(
    [
        ("bucket", pa.uint64()),
        ("shard", pa.int64()),
        ("row", pa.int64()),
        ("url_first", pa.string()),
    ]
)
"""Captures that lose to another of their page, and its id."""

SURVIVORS_SCHEMA = pa.schema(
    [
        ("shard", pa.int64()),
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

_MEMBER_BYTES = 1_500
"""Peak of a task per member: read, registered, sorted, written."""


def survivor_partitions(members: int, memory: int) -> int:
    """Tasks needed so that each stays within so many bytes."""
    return max(1, math.ceil(members * _MEMBER_BYTES / memory))


def pages(
    store: Store,
    page_paths: Sequence[str],
    partition: int,
    partitions: int,
    policy: Policy,
    memory: int,
    fingerprint: str,
) -> Manifest:
    """Find the captures that lose to another one of their page.

    Args:
        store: the lake.
        page_paths: captures of all shards.
        partition: which of `partitions` equal ranges of the hashes.
        partitions: number of ranges.
        policy: resolved; says whether the newest or the first survives.
        memory: bytes to stay within.
        fingerprint: of the judging.
    """
    began = time.perf_counter()
    age = "DESC" if policy.duplicates.newest else "ASC"
    captures = rows_in_range(
        store, page_paths, *partition_range(partition, partitions), PAGES_SCHEMA
    )
    with spilling_database(memory) as connection:
        connection.register("captures", captures)
        table = connection.sql(
            f"""
            SELECT bucket, shard, row, url_first FROM (
              SELECT *, first_value(id) OVER best AS url_first,
                first_value(passes) OVER best AND row_number() OVER best > 1 AS moved
              FROM captures
              WINDOW best AS (
                PARTITION BY url_id ORDER BY passes DESC, date_utc {age} NULLS LAST,
                  priority, preference DESC NULLS LAST, id, shard, row
              )
            ) WHERE moved ORDER BY bucket, shard, row
            """  # noqa: S608 - an order of two
        ).to_arrow_table()
    key = partition_key(partition)
    output = write_sorted(store, f"{PAGES}/{fingerprint}/{key}.parquet", table.cast(MOVED_SCHEMA))
    return commit(
        store,
        Manifest(
            stage=PAGES,
            fingerprint=fingerprint,
            key=key,
            inputs=list(page_paths),
            outputs=[output],
            facts={"moved": table.num_rows},
            seconds=time.perf_counter() - began,
        ),
    )


def survivors(
    store: Store,
    candidate_paths: Sequence[str],
    moved_paths: Sequence[str],
    partition: int,
    partitions: int,
    policy: Policy,
    memory: int,
    fingerprint: str,
) -> Manifest:
    """Choose each cluster's survivor: where an earlier run kept a member, none of this run.

    Args:
        store: the lake.
        candidate_paths: candidates of all shards.
        moved_paths: captures that lost to another of their page.
        partition: which of `partitions` equal ranges of the hashes.
        partitions: number of ranges.
        policy: resolved; says which kinds of copies are dropped and which member is preferred.
        memory: bytes to stay within.
        fingerprint: of the judging.
    """
    began = time.perf_counter()
    low, high = partition_range(partition, partitions)
    drop = policy.duplicates.drop
    reasons = " ".join(f"WHEN '{kind}' THEN ${kind}" for kind in DUPLICATE_REASONS)
    with spilling_database(memory) as connection:
        for name, paths, schema in (
            ("members", candidate_paths, CANDIDATES_SCHEMA),
            ("moved", moved_paths, MOVED_SCHEMA),
        ):
            connection.register(name, rows_in_range(store, paths, low, high, schema))
        table = connection.sql(
            f"""
            WITH addressed AS (
              SELECT members.* REPLACE (passes AND url_first IS NULL AS passes), url_first
              FROM members LEFT JOIN moved USING (shard, row)
            ), ranked AS (
              SELECT *, row_number() OVER best AS place,
                first_value(id) OVER best AS first_id,
                first_value(exact_id) OVER best AS first_exact_id,
                first_value(raw_id) OVER best AS first_raw_id,
                first_value(passes) OVER best AS found,
                count(*) OVER (PARTITION BY cluster_id) AS cluster_size
              FROM addressed WHERE cluster_id IS NOT NULL
              WINDOW best AS (
                PARTITION BY cluster_id
                ORDER BY passes DESC, priority, preference DESC NULLS LAST, id, shard, row
              )
              UNION ALL BY NAME
              SELECT *, FALSE AS found, 1 AS cluster_size FROM addressed
              WHERE cluster_id IS NULL AND (url_first IS NOT NULL OR known_kind IS NOT NULL)
            ), named AS (
              SELECT *, CASE WHEN known_kind IS NOT NULL THEN known_kind
                  WHEN url_first IS NOT NULL THEN 'url' WHEN NOT found OR place = 1 THEN NULL
                  WHEN raw_id = first_raw_id AND list_contains($drop, 'identical')
                    THEN 'identical'
                  WHEN exact_id = first_exact_id THEN 'exact' ELSE 'near' END AS kind
              FROM ranked
            ), lost AS (
              SELECT * REPLACE (CASE WHEN list_contains($drop, kind) THEN kind END AS kind)
              FROM named
            )
            SELECT shard, row, cluster_id, cluster_size,
              CASE WHEN known_kind IS NOT NULL THEN known_id WHEN kind = 'url' THEN url_first
                WHEN kind IS NOT NULL THEN first_id END AS survivor_id,
              known_run AS survivor_run,
              CASE kind {reasons} END AS reason,
              {RECEIPT}
            FROM lost ORDER BY shard, row
            """,  # noqa: S608 - names of columns
            params={"drop": list(drop), **DUPLICATE_REASONS},
        ).to_arrow_table()
    key = partition_key(partition)
    output = write_sorted(
        store, f"{SURVIVORS}/{fingerprint}/{key}.parquet", table.cast(SURVIVORS_SCHEMA)
    )
    return commit(
        store,
        Manifest(
            stage=SURVIVORS,
            fingerprint=fingerprint,
            key=key,
            inputs=[*candidate_paths, *moved_paths],
            outputs=[output],
            facts={"lost": table.num_rows - table["reason"].null_count},
            seconds=time.perf_counter() - began,
        ),
    )
