"""What the stages of judging share: the database, the documents it sees, the files it writes."""

from __future__ import annotations

import duckdb
import numpy as np
import pyarrow as pa

from filters.judge_sql import signals_of
from filters.policy import Policy
from manifests.manifest import Output
from manifests.shards import ShardWriter
from manifests.store import Store
from pipeline.dedup import ShardRef
from pipeline.measured import read_measured

RECEIPT = "matched_id, similarity, verified, bands_shared"
"""The closest verified match of a document, which joined it to its cluster."""


def database() -> duckdb.DuckDBPyConnection:
    """A private database of one thread: the executor decides how many tasks run at once."""
    return duckdb.connect(":memory:", config={"threads": 1})


def register_documents(
    connection: duckdb.DuckDBPyConnection, store: Store, shard: ShardRef, policy: Policy
) -> None:
    """The table `documents`: row, id and what the policy looks at."""
    families = sorted({name.split(".")[0] for name in signals_of(policy)})
    source = ["source"] if policy.duplicates.priority else []
    table = read_measured(store, shard, ["id", *source, *families])
    rows = pa.array(np.arange(table.num_rows, dtype=np.int64))
    connection.register("documents", table.append_column("row", rows))


def write(
    store: Store, stage: str, fingerprint: str, key: str, table: pa.Table, schema: pa.Schema
) -> Output:
    """Write the one file of a shard."""
    path = f"{stage}/{fingerprint}/{key}.parquet"
    with ShardWriter(store, path, schema) as writer:
        writer.write(table.cast(schema))
    return writer.output
