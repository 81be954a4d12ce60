"""The tables of the catalog: shard-level facts of every run, from its record and manifests."""

from __future__ import annotations

from collections import Counter
from typing import Any

import duckdb
import msgspec

from thresher.manifests.manifest import Manifest, load_all
from thresher.manifests.run import RunRecord
from thresher.manifests.store import Store

TABLES = """
CREATE TABLE runs (run_id VARCHAR PRIMARY KEY, name VARCHAR, status VARCHAR, version VARCHAR,
  started VARCHAR, finished VARCHAR, recipe JSON, fingerprints JSON, curated VARCHAR);
CREATE TABLE policies (run_id VARCHAR, name VARCHAR, version BIGINT, fingerprint VARCHAR,
  policy JSON);
CREATE TABLE models (run_id VARCHAR, role VARCHAR, url VARCHAR, sha256 VARCHAR);
CREATE TABLE failures (run_id VARCHAR, stage VARCHAR, key VARCHAR, error VARCHAR);
CREATE TABLE input_shards (run_id VARCHAR, key VARCHAR, uri VARCHAR, format VARCHAR, bytes BIGINT,
  checksum VARCHAR, status VARCHAR, attempts BIGINT, seconds DOUBLE, records BIGINT,
  documents BIGINT, gated BIGINT, failed BIGINT, error VARCHAR);
CREATE TABLE shard_counts (run_id VARCHAR, key VARCHAR, documents BIGINT, kept BIGINT,
  dropped BIGINT, emptied BIGINT);
CREATE TABLE shard_reasons (run_id VARCHAR, key VARCHAR, outcome VARCHAR, reason VARCHAR,
  records BIGINT, records_any BIGINT);
CREATE TABLE output_shards (run_id VARCHAR, path VARCHAR, split VARCHAR, rows BIGINT, bytes BIGINT,
  sha256 VARCHAR, seconds DOUBLE);
CREATE TABLE dedup_facts (run_id VARCHAR, stage VARCHAR, fact VARCHAR, value BIGINT);
CREATE TABLE lineage (run_id VARCHAR, output_path VARCHAR, input_key VARCHAR);
"""

COMMENTS = {
    "shard_reasons.records": "records whose primary reason this is",
    "shard_reasons.records_any": "records that have this reason at all; NULL if only one is known",
    "shard_counts.emptied": "kept documents of which the transforms left nothing",
    "dedup_facts.fact": "unsigned: too short for a shingle, so only equals are duplicates; "
    "beyond_cap: longer than max_shingles, so compared by their beginning; "
    "unchecked: not compared with all of a huge bucket",
    "input_shards.checksum": "sha256 of the file; until it is read, the store's own tag",
}

_PER_INPUT = frozenset({"documents", "bands", "decisions", "parts", "line_keys", "site_parts"})
"""Stages whose manifests are keyed by input shard; other runs of the lake may have added some."""

SIGNAL_STAGES: tuple[str, ...] = ("model_scores", "repeated_lines", "site_signals")
"""Stages that measure run-wide signals, keyed by input shard. Each gives a view of its name, with
`shard` and `row` as in `documents` and a struct column per family."""


class RunFacts:
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


def fill(database: duckdb.DuckDBPyConnection, facts: RunFacts) -> None:
    """Add a run to the tables."""
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
            counts: list[Any] = [item.etag, status, attempts, None, None, None, None, None]
        else:
            ledger = manifest.ledger
            counts = [
                manifest.facts["sha256"],
                manifest.facts["status"],
                attempts,
                manifest.seconds,
                *(ledger[part] for part in ("records", "documents", "gated", "failed")),
            ]
        insert.rows(
            "input_shards",
            [[item.key, item.uri, item.format, item.bytes, *counts, errors.get(item.key)]],
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


def _dedup_facts(facts: RunFacts) -> list[list[Any]]:
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


def quoted(text: str) -> str:
    """A text as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"


def _json(value: object) -> str:
    return msgspec.json.encode(value, order="sorted").decode()
