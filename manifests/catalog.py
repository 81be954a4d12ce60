"""The catalog: a DuckDB file over the manifests. Disposable: `build` makes it again at any time.

Tables hold shard-level facts of every run; views reach the documents of the latest run in their
Parquet files. Only the driver writes it: open, write, close, then rename into place. For a lake
that is not on a local file system the catalog is built locally and uploaded, and read from a
local copy whose views go through fsspec.

Tables: runs, policies, models, failures, input_shards, shard_counts, shard_reasons, output_shards,
lineage, dedup_facts. Views: documents, measured (documents with the signals of the whole run),
decisions, kept, dropped, quarantine, duplicates, curated, funnel, reasons, sites (a row per site),
diversity (of shards, months and the most notable sites, with what is flagged).
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

import duckdb

from thresher.filters.errors import StoreError
from thresher.manifests.catalog_tables import COMMENTS, TABLES, RunFacts, fill, quoted
from thresher.manifests.catalog_views import create_views
from thresher.manifests.run import find_run, load_runs, no_run
from thresher.manifests.store import Store

PATH = "catalog.duckdb"


def build(store: Store) -> None:
    """Write the catalog of a lake from its run records and manifests.

    Raises:
        StoreError: if the lake holds no run.
    """
    runs = load_runs(store)
    if not runs:
        raise no_run(store)
    with tempfile.TemporaryDirectory(prefix="thresher-") as folder:
        file = Path(folder) / "catalog.duckdb"
        with duckdb.connect(str(file)) as database:
            _open_lake(database, store)
            database.execute(TABLES)
            for target, comment in COMMENTS.items():
                database.execute(f"COMMENT ON COLUMN {target} IS {quoted(comment)}")
            facts = [RunFacts(store, run) for run in runs]
            for each in facts:
                fill(database, each)
            create_views(database, facts[-1])
        with file.open("rb") as source, store.writer(PATH) as target_file:
            while block := source.read(2**20):
                target_file.write(block)


@contextlib.contextmanager
def connect(store: Store) -> Iterator[duckdb.DuckDBPyConnection]:
    """A read-only connection to the catalog of a lake.

    Nothing can be written through it, and SQL reaches no file outside the lake.

    Raises:
        StoreError: if the lake has no catalog, or a query asks for a file outside it.
    """
    if not store.exists(PATH):
        find_run(store)
        raise StoreError(
            f"{store.url(PATH)} does not exist: `thresher catalog rebuild {store.url()}` makes it"
        )
    with contextlib.ExitStack() as stack:
        if store.is_local:
            file = store.url(PATH)
        else:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="thresher-"))
            file = str(Path(folder) / "catalog.duckdb")
            Path(file).write_bytes(store.read_bytes(PATH))
        database = stack.enter_context(duckdb.connect(file, read_only=True))
        _open_lake(database, store)
        if store.is_local:
            database.execute("SET allowed_directories = [$lake]", {"lake": store.url()})
            database.execute("SET enable_external_access = false")
        # Under `python -m` DuckDB takes stdout, where results go, for a person's screen.
        database.execute("SET enable_progress_bar = false")
        database.execute("SET lock_configuration = true")
        try:
            yield database
        except (duckdb.PermissionException, duckdb.IOException) as error:
            raise StoreError(
                f"{store.url(PATH)}: {error}. SQL reaches files of the lake only; if the lake was "
                f"moved, `thresher catalog rebuild {store.url()}` writes its paths again"
            ) from error


def not_read_whole(
    database: duckdb.DuckDBPyConnection, run_id: str
) -> list[tuple[str, str, str | None]]:
    """URI, status and error of the run's input shards that are not complete, by URI."""
    return database.execute(
        "SELECT uri, status, error FROM input_shards "
        "WHERE run_id = $run AND status <> 'complete' ORDER BY uri",
        {"run": run_id},
    ).fetchall()


def _open_lake(database: duckdb.DuckDBPyConnection, store: Store) -> None:
    """Let DuckDB read the lake where it has no driver of its own for it."""
    if not store.is_local:
        database.register_filesystem(store.filesystem)
