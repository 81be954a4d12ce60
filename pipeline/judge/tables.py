"""What the stages of judging share: the database, the documents it sees."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator

import duckdb
import numpy as np
import pyarrow as pa

from thresher.filters.policy import Policy
from thresher.filters.policy.sql import signals_of
from thresher.manifests.store import Store
from thresher.pipeline.measured import read_measured
from thresher.pipeline.shards import ShardRef

RECEIPT = "matched_id, similarity, verified, bands_shared"
"""The closest verified match of a document, which joined it to its cluster."""

VERDICT = (
    "CASE WHEN len(reasons) = 0 THEN 'kept' ELSE 'dropped' END AS verdict, reasons[1] AS reason"
)
"""The decision that a list of reasons makes."""

_LEAST = 64 * 2**20
"""Memory without which DuckDB does not work well."""


def database() -> duckdb.DuckDBPyConnection:
    """A private database of one thread: the executor decides how many tasks run at once."""
    return duckdb.connect(":memory:", config={"threads": 1})


@contextlib.contextmanager
def spilling_database(memory: int) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database that goes on in a temporary folder where so many bytes do not suffice."""
    with tempfile.TemporaryDirectory(prefix="thresher-") as folder:
        config: dict[str, str | bool | int | float | list[str]] = {
            "threads": 1,
            "memory_limit": f"{max(memory, _LEAST) // 2**20}MiB",
            "temp_directory": folder,
        }
        with duckdb.connect(":memory:", config=config) as connection:
            yield connection


def judged_columns(policy: Policy) -> list[str]:
    """What judging by a policy reads of a document."""
    source = ["source"] if policy.duplicates.priority else []
    return ["id", "date_utc", *source, *sorted(signals_of(policy))]


def register_documents(
    connection: duckdb.DuckDBPyConnection, store: Store, shard: ShardRef, policy: Policy
) -> None:
    """The table `documents`: row, id and what the policy looks at."""
    table = read_measured(store, shard, judged_columns(policy))
    rows = pa.array(np.arange(table.num_rows, dtype=np.int64))
    connection.register("documents", table.append_column("row", rows))
