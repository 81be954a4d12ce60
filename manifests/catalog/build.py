"""Writing the catalog: its tables are filled from run records and manifests.

It is written to a local file, which is then renamed or uploaded to its place, and in DuckDB's
storage format of version 1, which every later client opens.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import msgspec

from thresher.manifests.catalog.facts import Facts
from thresher.manifests.catalog.files import PROTOCOL, LakeFiles
from thresher.manifests.catalog.views import NAME_OF_FILES, create_views, quoted
from thresher.manifests.layout import SIGNALS, text_stage
from thresher.manifests.manifest import Manifest
from thresher.manifests.run import RunRecord, latest, load_runs, no_run
from thresher.manifests.store import Store

PATH = "catalog.duckdb"

_MOST_BUILDS = 10
"""A run that ends after the last of them builds the catalog itself."""

_TABLES = """
CREATE TABLE runs (run_id VARCHAR PRIMARY KEY, name VARCHAR, status VARCHAR, version VARCHAR,
  started VARCHAR, finished VARCHAR, recipe JSON, fingerprints JSON, curated VARCHAR);
CREATE TABLE attempts (run_id VARCHAR, number BIGINT, started VARCHAR, finished VARCHAR,
  status VARCHAR, version VARCHAR, failures BIGINT);
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
    "runs.started": "when its latest attempt began; `attempts` has all of them",
    "attempts.status": "running: it died without a word, or goes on",
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


def build(store: Store) -> None:
    """Write the catalog of a lake from its run records and manifests.

    Several drivers may do so at once, and the last to rename wins: each looks for runs that began
    or ended meanwhile, and begins again.

    Raises:
        StoreError: if the lake holds no run.
    """
    for _ in range(_MOST_BUILDS):
        with tempfile.TemporaryDirectory(prefix="thresher-") as folder:
            file = Path(folder) / PATH
            runs = build_file(store, file)
            with file.open("rb") as source, store.writer(PATH) as target:
                shutil.copyfileobj(source, target, 2**20)
        if _states(load_runs(store)) == _states(runs):
            return


def _states(runs: Sequence[RunRecord]) -> list[tuple[str, ...]]:
    return [(run.run_id, run.status, run.started, run.finished) for run in runs]


def build_file(store: Store, file: Path, shown: str = "") -> list[RunRecord]:
    """Write the catalog of a lake to a local file and return the runs that it holds.

    Args:
        store: the lake.
        file: where to.
        shown: id of the run whose documents its views show; the latest by default.

    Raises:
        StoreError: if the lake holds no run.
    """
    runs = load_runs(store)
    if not runs:
        raise no_run(store)
    shown = shown or latest(runs).run_id
    with duckdb.connect(":memory:") as database:
        database.register_filesystem(LakeFiles(store))
        database.execute(f"ATTACH {quoted(str(file))} AS catalog (STORAGE_VERSION 'v1.0.0')")
        database.execute("USE catalog")
        database.execute(f"SET VARIABLE {NAME_OF_FILES} = '{PROTOCOL}:/'")
        database.execute(_TABLES)
        for target, comment in _COMMENTS.items():
            database.execute(f"COMMENT ON COLUMN {target} IS {quoted(comment)}")
        for each in [Facts(store, run) for run in runs]:
            _fill(database, each)
            if each.run.run_id == shown:
                views = each
        create_views(database, views)
    return runs


def _fill(database: duckdb.DuckDBPyConnection, facts: Facts) -> None:
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
    insert.rows(
        "attempts",
        [
            [number, each.started, each.finished, each.status, each.version, each.failures]
            for number, each in enumerate([*run.earlier, run.attempt], 1)
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
    decisions, parts = facts.of("decisions"), facts.of("parts")
    texts = text_stage(run.fingerprints)
    errors = {f.key: f.error for f in run.failures if f.stage in (texts, SIGNALS)}
    # Of a shard whose signals could not be measured, nothing is in the run.
    documents = {key: made for key, made in facts.texts().items() if key not in errors}
    for item in run.inputs:
        manifest = documents.get(item.key)
        attempts = run.attempts.get(f"{texts}/{item.key}", 1)
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


def _dedup_facts(facts: Facts) -> list[list[Any]]:
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


def _json(value: object) -> str:
    return msgspec.json.encode(value, order="sorted").decode()
