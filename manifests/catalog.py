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
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import msgspec

from thresher.filters.errors import StoreError
from thresher.filters.signals import RUN_FAMILIES, Family
from thresher.manifests.manifest import Manifest, load_all
from thresher.manifests.run import RunRecord, find_run, load_runs, no_run
from thresher.manifests.store import Store

PATH = "catalog.duckdb"

_TABLES = """
CREATE TABLE runs (run_id VARCHAR PRIMARY KEY, name VARCHAR, status VARCHAR, version VARCHAR,
  started VARCHAR, finished VARCHAR, recipe JSON, fingerprints JSON, curated VARCHAR);
CREATE TABLE policies (run_id VARCHAR, name VARCHAR, version BIGINT, fingerprint VARCHAR,
  policy JSON);
CREATE TABLE models (run_id VARCHAR, role VARCHAR, url VARCHAR, sha256 VARCHAR);
CREATE TABLE failures (run_id VARCHAR, stage VARCHAR, key VARCHAR, error VARCHAR);
CREATE TABLE input_shards (run_id VARCHAR, key VARCHAR, uri VARCHAR, format VARCHAR, bytes BIGINT,
  checksum VARCHAR, status VARCHAR, attempts BIGINT, seconds DOUBLE, records BIGINT,
  documents BIGINT, gated BIGINT, failed BIGINT, lost_records BIGINT, lost_bytes BIGINT,
  unverified BIGINT, error VARCHAR);
CREATE TABLE shard_counts (run_id VARCHAR, key VARCHAR, documents BIGINT, kept BIGINT,
  dropped BIGINT, emptied BIGINT);
CREATE TABLE shard_reasons (run_id VARCHAR, key VARCHAR, outcome VARCHAR, reason VARCHAR,
  records BIGINT, records_any BIGINT);
CREATE TABLE output_shards (run_id VARCHAR, path VARCHAR, split VARCHAR, rows BIGINT, bytes BIGINT,
  sha256 VARCHAR, seconds DOUBLE);
CREATE TABLE dedup_facts (run_id VARCHAR, stage VARCHAR, fact VARCHAR, value BIGINT);
CREATE TABLE lineage (run_id VARCHAR, output_path VARCHAR, input_key VARCHAR);
"""

_COMMENTS = {
    "shard_reasons.records": "records whose primary reason this is",
    "shard_reasons.records_any": "records that have this reason at all; NULL if only one is known",
    "shard_counts.emptied": "kept documents of which the transforms left nothing",
    "dedup_facts.fact": "unsigned: too short for a shingle, so only equals are duplicates; "
    "beyond_cap: longer than max_shingles, so compared by their beginning; "
    "unchecked: not compared with all of a huge bucket",
    "input_shards.status": "complete; damaged: records inside were lost; truncated: it ends early; "
    "unreadable: no record is left; failed: the task ended in an error; pending: not read yet",
    "input_shards.lost_records": "records that damage cost, estimated by the bytes that were lost",
    "input_shards.unverified": "pages out of compressed members that failed their checks",
    "input_shards.error": "why the shard was not read whole",
    "input_shards.checksum": "sha256 of the file; until it is read, the store's own tag",
}

_PER_INPUT = frozenset({"documents", "bands", "decisions", "parts", "line_keys", "site_parts"})
"""Stages whose manifests are keyed by input shard; other runs of the lake may have added some."""

SIGNAL_STAGES: tuple[str, ...] = ("model_scores", "repeated_lines", "site_signals")
"""Stages that measure run-wide signals, keyed by input shard. Each gives a view of its name, with
`shard` and `row` as in `documents` and a struct column per family."""


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
            database.execute(_TABLES)
            for target, comment in _COMMENTS.items():
                database.execute(f"COMMENT ON COLUMN {target} IS {_quoted(comment)}")
            facts = [_Facts(store, run) for run in runs]
            for each in facts:
                _fill(database, each)
            _create_views(database, facts[-1])
        with file.open("rb") as source, store.writer(PATH) as target_file:
            while block := source.read(2**20):
                target_file.write(block)


@contextlib.contextmanager
def connect(store: Store) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to the catalog of a lake that ends with the block; see `open_catalog`.

    Raises:
        StoreError: if the lake has no catalog, or a query asks for a file outside it.
    """
    with explained(store), open_catalog(store) as database:
        yield database


def open_catalog(store: Store) -> duckdb.DuckDBPyConnection:
    """A connection to the catalog of a lake as it is now, for the caller to close.

    Tables and views cannot be changed through it, and SQL reaches no file outside the lake. Each
    connection is a database of its own with the catalog attached, so that several stand beside
    each other, and beside those of an earlier state of the catalog, in one process.

    Raises:
        StoreError: if the lake has no catalog.
        duckdb.IOException: if that is not one.
    """
    if not store.exists(PATH):
        find_run(store)
        raise StoreError(
            f"{store.url(PATH)} does not exist: `thresher catalog rebuild {store.url()}` makes it"
        )
    # DuckDB makes the folder where a query needs more than the memory, and removes it at the end.
    spill = f"{tempfile.gettempdir()}/thresher-{uuid.uuid4().hex}"
    database = duckdb.connect(":memory:", config={"temp_directory": spill})
    try:
        with contextlib.ExitStack() as stack:
            if store.is_local:
                file = store.url(PATH)
            else:
                # Once attached it is open, and needs its name no longer.
                folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="thresher-"))
                file = str(Path(folder) / "catalog.duckdb")
                Path(file).write_bytes(store.read_bytes(PATH))
            database.execute(f"ATTACH {_quoted(file)} AS lake (READ_ONLY)")
        database.execute("USE lake")
        _open_lake(database, store)
        if store.is_local:
            database.execute("SET allowed_directories = [$lake]", {"lake": store.url()})
            database.execute("SET enable_external_access = false")
        # Under `python -m` DuckDB takes stdout, where results go, for a person's screen.
        database.execute("SET enable_progress_bar = false")
        database.execute("SET lock_configuration = true")
    except BaseException:
        database.close()
        raise
    return database


@contextlib.contextmanager
def explained(store: Store) -> Iterator[None]:
    """What DuckDB says about files, as a `StoreError` that says what to do."""
    try:
        yield
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


class _Facts:
    """The manifests of a run, those of each stage read once."""

    def __init__(self, store: Store, run: RunRecord) -> None:
        self.store, self.run = store, run
        self._stages: dict[str, dict[str, Manifest]] = {}

    def of(self, stage: str) -> dict[str, Manifest]:
        """Manifests of a stage by key: of a per-shard stage, those of the run's own inputs."""
        if stage not in self.run.fingerprints:
            return {}
        if stage not in self._stages:
            keys = (
                [item.key for item in self.run.inputs]
                if stage in {*_PER_INPUT, *SIGNAL_STAGES}
                else None
            )
            self._stages[stage] = load_all(self.store, stage, self.run.fingerprints[stage], keys)
        return self._stages[stage]

    def paths(self, stage: str, output: int | None = None) -> list[str]:
        """URLs of what a stage wrote: one output of each manifest, or all."""
        chosen = slice(None) if output is None else slice(output, output + 1)
        return [self.store.url(o.path) for m in self.of(stage).values() for o in m.outputs[chosen]]


def _fill(database: duckdb.DuckDBPyConnection, facts: _Facts) -> None:
    store, run = facts.store, facts.run
    insert = _Inserter(database, run.run_id)
    insert.rows(
        "runs",
        [
            [
                run.name,
                run.status,
                run.version,
                run.started,
                run.finished,
                _json(run.recipe),
                _json(run.fingerprints),
                store.url(run.curated) if run.curated else None,
            ]
        ],
    )
    if run.policy:
        fingerprint = run.fingerprints.get("decisions", "")
        insert.rows(
            "policies",
            [[run.policy["name"], run.policy["version"], fingerprint, _json(run.policy)]],
        )
    insert.rows("models", [[m.role, m.url, m.sha256] for m in run.models])
    insert.rows("failures", [[f.stage, f.key, f.error] for f in run.failures])
    documents, decisions, parts = facts.of("documents"), facts.of("decisions"), facts.of("parts")
    errors = {f.key: f.error for f in run.failures if f.stage == "documents"}
    for item in run.inputs:
        manifest = documents.get(item.key)
        attempts = run.attempts.get(f"documents/{item.key}", 1)
        if manifest is None:
            status = "failed" if item.key in errors else "pending"
            counts: list[Any] = [item.etag, status, attempts, *[None] * 8]
            why = errors.get(item.key)
        else:
            ledger = manifest.ledger
            counts = [
                manifest.facts["sha256"],
                manifest.facts["status"],
                attempts,
                manifest.seconds,
                *(ledger[part] for part in ("records", "documents", "gated", "failed")),
                *(manifest.facts.get(f, 0) for f in ("lost_records", "lost_bytes", "unverified")),
            ]
            why = manifest.facts.get("why") or None
        insert.rows(
            "input_shards",
            [[item.key, item.uri, item.format, item.bytes, *counts, why]],
        )
    for key, manifest in decisions.items():
        ledger = manifest.ledger
        emptied = parts[key].ledger["dropped"] if key in parts else None
        counts = [ledger["records"], ledger["kept"], ledger["dropped"], emptied]
        insert.rows("shard_counts", [[key, *counts]])
    insert.rows("shard_reasons", _reasons(documents) + _reasons(decisions))
    insert.rows("dedup_facts", _dedup_facts(facts))
    for manifest in facts.of("curated").values():
        for output in manifest.outputs:
            split = manifest.facts.get("split")
            path = store.url(output.path)
            insert.rows(
                "output_shards",
                [[path, split, output.rows, output.bytes, output.sha256, manifest.seconds]],
            )
            insert.rows(
                "lineage",
                [
                    [path, part.rsplit("/", 1)[-1].removesuffix(".parquet")]
                    for part in manifest.inputs
                ],
            )


class _Inserter:
    def __init__(self, database: duckdb.DuckDBPyConnection, run_id: str) -> None:
        self._database, self._run_id = database, run_id

    def rows(self, table: str, rows: list[list[Any]]) -> None:
        """Append rows, each led by the run's id."""
        if rows:
            places = ", ".join("?" * (len(rows[0]) + 1))
            self._database.executemany(
                f"INSERT INTO {table} VALUES ({places})",  # noqa: S608 - names of this module
                [[self._run_id, *row] for row in rows],
            )


def _dedup_facts(facts: _Facts) -> list[list[Any]]:
    """What the stages of deduplication counted, summed over their manifests (the largest: once)."""
    rows: list[list[Any]] = []
    for stage in ("bands", "edges", "verified", "names", "duplicates"):
        total: Counter[str] = Counter()
        for manifest in facts.of(stage).values():
            counted = dict(manifest.facts)
            largest = counted.pop("largest_cluster", 0)
            total.update(counted)
            if stage == "names":
                total["largest_cluster"] = max(total["largest_cluster"], largest)
        rows += [[stage, fact, value] for fact, value in sorted(total.items())]
    return rows


def _reasons(manifests: dict[str, Manifest]) -> list[list[Any]]:
    rows: list[list[Any]] = []
    for key, manifest in manifests.items():
        every = manifest.facts.get("all_reasons", {})
        primary = {tuple(name.split("/", 1)): count for name, count in manifest.reasons.items()}
        primary |= {("dropped", r): 0 for r in every if ("dropped", r) not in primary}
        rows += [
            [key, outcome, reason, count, every.get(reason)]
            for (outcome, reason), count in sorted(primary.items())
        ]
    return rows


def _create_views(database: duckdb.DuckDBPyConnection, facts: _Facts) -> None:
    shard = "parse_filename(filename, true) AS shard"
    files = {
        "documents": (facts.paths("documents", 0), shard, "file_row_number AS row"),
        **{s: (facts.paths(s), shard, "file_row_number AS row") for s in SIGNAL_STAGES},
        "quarantine": (facts.paths("documents", 1), shard, ""),
        "decisions": (facts.paths("decisions"), shard, ""),
        "duplicates": (facts.paths("duplicates"), shard, ""),
        "curated": (facts.paths("curated"), "filename AS shard", ""),
    }
    for name, (paths, *extra) in files.items():
        if paths:
            listed = ", ".join(_quoted(path) for path in paths)
            hidden = "filename, file_row_number" if extra[1] else "filename"
            database.execute(
                f"CREATE VIEW {name} AS SELECT {', '.join(filter(None, extra))}, "  # noqa: S608
                f"* EXCLUDE ({hidden}) FROM read_parquet([{listed}], filename = true"
                + (", file_row_number = true)" if extra[1] else ")")
            )
    _create_site_views(database, facts)
    if facts.of("documents"):
        _create_measured(database, [stage for stage in SIGNAL_STAGES if facts.of(stage)])
    if facts.of("documents") and facts.of("decisions"):
        for verdict in ("kept", "dropped"):
            database.execute(
                f"CREATE VIEW {verdict} AS SELECT d.*, x.* EXCLUDE (shard, row, id) "  # noqa: S608
                "FROM documents AS d JOIN decisions AS x ON d.shard = x.shard AND d.row = x.row "
                f"WHERE x.verdict = '{verdict}'"
            )
    current = _quoted(facts.run.run_id)
    database.execute(
        f"""
        CREATE VIEW funnel AS
        WITH shards AS (SELECT * FROM input_shards WHERE run_id = {current}),
        judged AS (SELECT * FROM shard_counts WHERE run_id = {current}),
        written AS (SELECT * FROM output_shards WHERE run_id = {current})
        SELECT step, records, round(100.0 * records / max(records) OVER (), 2) AS percent FROM (
          SELECT 1 AS place, 'records read' AS step, (SELECT sum(records) FROM shards) AS records
          UNION ALL SELECT 2, 'gated', (SELECT sum(gated) FROM shards)
          UNION ALL SELECT 3, 'failed', (SELECT sum(failed) FROM shards)
          UNION ALL SELECT 4, 'documents measured', (SELECT sum(documents) FROM shards)
          UNION ALL SELECT 5, 'dropped', (SELECT sum(dropped) FROM judged)
          UNION ALL SELECT 6, 'kept', (SELECT sum(kept) FROM judged)
          UNION ALL SELECT 7, 'emptied by transforms', (SELECT sum(emptied) FROM judged)
          UNION ALL SELECT 8, 'curated', (SELECT sum(rows) FROM written)
        ) ORDER BY place
        """  # noqa: S608 - a quoted literal
    )
    database.execute(
        f"""
        CREATE VIEW reasons AS
        SELECT outcome, reason, CAST(sum(records) AS BIGINT) AS records,
          CAST(sum(records_any) AS BIGINT) AS records_any
        FROM shard_reasons WHERE run_id = {current}
        GROUP BY ALL ORDER BY outcome, records DESC, reason
        """  # noqa: S608 - a quoted literal
    )


def _create_site_views(database: duckdb.DuckDBPyConnection, facts: _Facts) -> None:
    for view, columns, paths, where in (
        (
            "sites",
            '* EXCLUDE ("group", level, template)',
            facts.paths("sites", 0),
            "level = 'site'",
        ),
        ("diversity", "*", facts.paths("diversity"), "true"),
    ):
        if paths:
            listed = ", ".join(_quoted(path) for path in paths)
            database.execute(
                f"CREATE VIEW {view} AS SELECT {columns} "  # noqa: S608 - names of this module
                f"FROM read_parquet([{listed}]) WHERE {where}"
            )


def _create_measured(database: duckdb.DuckDBPyConnection, stages: Sequence[str]) -> None:
    """The view `measured`: documents with all families; NULL for those this run did not measure."""
    joins = "".join(f" LEFT JOIN {stage} USING (shard, row)" for stage in stages)
    held: set[str] = set()
    for stage in stages:
        held |= {column for column, *_ in database.execute(f"DESCRIBE {stage}").fetchall()}
    absent = [
        f', CAST(NULL AS {_struct(family)}) AS "{family.name}"'
        for family in RUN_FAMILIES
        if family.name not in held
    ]
    query = f"SELECT *{''.join(absent)} FROM documents{joins}"  # noqa: S608 - registry names
    database.execute(f"CREATE VIEW measured AS {query}")


def _struct(family: Family) -> str:
    """The type of a family's column in SQL."""
    kinds = {"int64": "BIGINT", "double": "DOUBLE", "bool": "BOOLEAN", "string": "VARCHAR"}
    fields = (f'"{s.name.split(".")[1]}" {kinds[s.type]}' for s in family.signals)
    return f"STRUCT({', '.join(fields)})"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _json(value: object) -> str:
    return msgspec.json.encode(value, order="sorted").decode()
