"""The tables of the catalog: what manifests and run records say, run by run."""

from __future__ import annotations

from collections import Counter

import duckdb
import pyarrow as pa
import pytest

from thresher.filters.errors import StoreError
from thresher.manifests import catalog
from thresher.manifests.catalog.facts import Facts
from thresher.manifests.layout import RUN_WIDE
from thresher.manifests.manifest import Manifest, Output, commit
from thresher.manifests.run import Failure, InputRecord, ModelRecord, RunRecord, save_run
from thresher.manifests.shards import ShardWriter
from thresher.manifests.store import Store

KEYS = {name: name * 16 for name in "abcd"}
SIZES = {"a": 10, "b": 20, "c": 40}


def write(store, stage, key, rows=1, mark="f", outputs=1, **changes):
    """A manifest and its files, of so many rows."""
    made = []
    columns = {"id": [f"{key[0]}{n}" for n in range(rows)]}
    if stage == "decisions":
        columns |= {"row": list(range(rows)), "verdict": ["kept"] * rows}
    table = pa.table(columns)
    for number in range(outputs):
        path = f"{stage}/{mark}/{'aside/' if number else ''}{key}.parquet"
        with ShardWriter(store, path, table.schema) as writer:
            writer.write(table)
        made.append(writer.output)
    manifest = Manifest(stage=stage, fingerprint=mark, key=key, outputs=made, **changes)
    return commit(store, manifest)


def measured(store, name, mark="f", status="complete", **facts):
    """A measured and judged shard."""
    key, records = KEYS[name], SIZES[name]
    write(
        store,
        "documents",
        key,
        records - 3,
        mark,
        outputs=2,
        ledger={"records": records, "documents": records - 3, "gated": 2, "failed": 1},
        reasons={"gated/empty": 2, "failed/oversize": 1},
        facts={"sha256": f"hash of {name}", "status": status, **facts},
        seconds=0.5,
    )
    every = {"first": 4, "second": 5, "never_first": 3}
    write(
        store,
        "decisions",
        key,
        records - 3,
        mark,
        ledger={"records": records - 3, "kept": records - 9, "dropped": 6},
        reasons={"dropped/first": 4, "dropped/second": 2},
        facts={"all_reasons": every},
    )
    write(
        store,
        "parts",
        key,
        records - 10,
        mark,
        ledger={"records": records - 9, "kept": records - 10, "dropped": 1},
        reasons={"dropped/empty_after_transforms": 1},
    )


def record(run_id, names, finished, mark="f", stages=("documents", "decisions", "parts"), **more):
    inputs = [InputRecord(KEYS[n], f"{n}.warc", 7, f"tag of {n}", "warc") for n in names]
    return RunRecord(
        run_id=run_id,
        name=run_id,
        status="complete",
        version="0",
        started="0",
        finished=finished,
        inputs=inputs,
        fingerprints=dict.fromkeys(stages, mark),
        **more,
    )


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path / "lake"))


def ask(store, sql, run=""):
    with catalog.connect(store, run=run) as database:
        return database.execute(sql).fetchall()


def test_runs_that_share_shards_count_their_own_only(store):
    for name in "abc":
        measured(store, name)
    save_run(store, record("one", "ab", "2"))
    save_run(store, record("two", "bc", "1"))
    catalog.build(store)
    for run_id, names in (("one", "ab"), ("two", "bc")):
        keys = sorted(KEYS[name] for name in names)
        total = sum(SIZES[name] for name in names)
        for table in ("input_shards", "shard_counts"):
            query = f"SELECT key FROM {table} WHERE run_id = '{run_id}' ORDER BY key"
            assert ask(store, query) == [(key,) for key in keys]
        query = f"SELECT DISTINCT key FROM shard_reasons WHERE run_id = '{run_id}' ORDER BY key"
        assert ask(store, query) == [(key,) for key in keys]
        funnel = f"SELECT step, records FROM funnels WHERE run_id = '{run_id}'"
        counts = {
            "records read": total,
            "gated": 4,
            "failed": 2,
            "documents measured": total - 6,
            "dropped": 12,
            "kept": total - 18,
            "emptied by transforms": 2,
            "curated": None,
        }
        assert dict(ask(store, funnel)) == counts
        assert dict(ask(store, "SELECT step, records FROM funnel", run_id)) == counts
        query = "SELECT DISTINCT shard FROM {} ORDER BY 1"
        for view in ("documents", "decisions", "quarantine"):
            assert ask(store, query.format(view), run_id) == [(key,) for key in keys], view
    # Without a name the views are of the run that ended last.
    assert ask(store, "FROM shown_run") == [("one",)]


def test_a_reason_that_is_first_of_no_record_is_counted(store):
    for name in "ab":
        measured(store, name)
    save_run(store, record("one", "ab", "1"))
    catalog.build(store)
    found = {row[:2]: row[2:] for row in ask(store, "FROM reasons")}
    assert found == {
        ("dropped", "first"): (8, 8),
        ("dropped", "second"): (4, 10),
        ("dropped", "never_first"): (0, 6),
        ("failed", "oversize"): (2, None),
        ("gated", "empty"): (4, None),
    }
    # The most frequent come first within each outcome.
    reasons = [reason for _, reason, *_ in ask(store, "FROM reasons")]
    assert reasons == ["first", "second", "never_first", "oversize", "empty"]


def test_an_input_that_was_not_measured_says_why(store):
    measured(store, "a", lost_records=3, lost_bytes=9, unverified=2, why="bad: a byte")
    failures = [
        Failure("documents", KEYS["b"], "ValueError: no"),
        Failure("decisions", KEYS["c"], "ValueError: of another stage"),
    ]
    attempts = {f"documents/{KEYS['a']}": 2, f"documents/{KEYS['b']}": 3, "bands/x": 3}
    save_run(store, record("one", "abc", "1", failures=failures, attempts=attempts))
    catalog.build(store)
    columns = (
        "uri, format, bytes, checksum, status, attempts, seconds, records, documents, gated, "
        "failed, lost_records, lost_bytes, unverified, error"
    )
    nothing = (None,) * 8
    assert ask(store, f"SELECT {columns} FROM input_shards ORDER BY uri") == [
        ("a.warc", "warc", 7, "hash of a", "complete", 2, 0.5, 10, 7, 2, 1, 3, 9, 2, "bad: a byte"),
        ("b.warc", "warc", 7, "tag of b", "failed", 3, *nothing, "ValueError: no"),
        ("c.warc", "warc", 7, "tag of c", "pending", 1, *nothing, None),
    ]
    assert ask(store, "SELECT stage, key, error FROM failures ORDER BY stage DESC") == [
        (f.stage, f.key, f.error) for f in failures
    ]


def test_a_run_is_told_as_it_is_recorded(store):
    measured(store, "a")
    policy = {"name": "p", "version": 3, "rules": []}
    models = [ModelRecord("quality", "m@1", "abc")]
    one = record("one", "a", "1", policy=policy, models=models, recipe={"name": "one", "b": [1]})
    save_run(store, one)
    catalog.build(store)
    columns = "run_id, name, status, version, started, finished, recipe->>'name', curated"
    row = ("one", "one", "complete", "0", "0", "1", "one", None)
    assert ask(store, f"SELECT {columns} FROM runs") == [row]
    assert ask(store, "SELECT fingerprints->>'decisions' FROM runs") == [("f",)]
    columns = "name, version, fingerprint, policy->>'name'"
    assert ask(store, f"SELECT {columns} FROM policies") == [("p", 3, "f", "p")]
    assert ask(store, "SELECT role, url, sha256 FROM models") == [("quality", "m@1", "abc")]


def test_curated_shards_lead_back_to_their_inputs(store):
    measured(store, "a")
    measured(store, "b")
    parts = [f"parts/f/{KEYS[name]}.parquet" for name in "ab"]
    write(store, "curated", "shard_00000", 4, inputs=parts, facts={"split": "train"}, seconds=2.0)
    write(store, "curated", "shard_00001", 2, inputs=parts[1:], facts={"split": "validation"})
    commit(store, Manifest(stage="curated", fingerprint="f", key="shard_00002", inputs=[]))
    stages = ("documents", "decisions", "parts", "curated")
    save_run(store, record("one", "ab", "1", stages=stages, curated="curated/f"))
    catalog.build(store)
    sizes = store.sizes("curated")
    rows = ask(store, "SELECT path, split, rows, bytes, seconds FROM output_shards ORDER BY path")
    assert rows == [
        (store.url(path), split, n, sizes[path], seconds)
        for path, split, n, seconds in (
            ("curated/f/shard_00000.parquet", "train", 4, 2.0),
            ("curated/f/shard_00001.parquet", "validation", 2, 0.0),
        )
    ]
    query = "SELECT parse_filename(output_path), input_key FROM lineage ORDER BY ALL"
    assert ask(store, query) == [
        ("shard_00000.parquet", KEYS["a"]),
        ("shard_00000.parquet", KEYS["b"]),
        ("shard_00001.parquet", KEYS["b"]),
    ]
    assert ask(store, "SELECT DISTINCT shard FROM curated ORDER BY 1") == [
        (store.url("curated/f/shard_00000.parquet"),),
        (store.url("curated/f/shard_00001.parquet"),),
    ]
    assert ask(store, "SELECT records FROM funnel WHERE step = 'curated'") == [(6,)]


def test_facts_of_deduplication_add_up_and_the_largest_cluster_is_one(store):
    measured(store, "a")
    for key, clusters, largest in (("p0", 2, 7), ("p1", 3, 4)):
        write(store, "names", key, facts={"clusters": clusters, "largest_cluster": largest})
        write(store, "edges", key, facts={"near": clusters})
    stages = ("documents", "names", "edges", "bands")
    save_run(store, record("one", "a", "1", stages=stages))
    catalog.build(store)
    assert ask(store, "SELECT stage, fact, value FROM dedup_facts ORDER BY ALL") == [
        ("edges", "near", 5),
        ("names", "clusters", 5),
        ("names", "largest_cluster", 7),
    ]


def test_every_comment_is_on_a_column(store):
    measured(store, "a")
    save_run(store, record("one", "a", "1"))
    catalog.build(store)
    query = (
        "SELECT table_name || '.' || column_name, comment FROM duckdb_columns() WHERE comment IS"
    )
    from thresher.manifests.catalog.build import _COMMENTS

    assert dict(ask(store, f"{query} NOT NULL")) == _COMMENTS


def test_a_lake_without_runs_has_no_catalog(store):
    with pytest.raises(StoreError, match="holds no run yet"):
        catalog.build(store)
    assert store.sizes("") == {}


def test_a_run_without_documents_has_tables_and_no_views_of_them(store):
    save_run(store, record("one", "a", "1", stages=()))
    catalog.build(store)
    assert ask(store, "SELECT key, status FROM input_shards") == [(KEYS["a"], "pending")]
    with catalog.connect(store) as database:
        assert not catalog.views(database) & {"documents", "kept", "decisions", "measured"}
        with pytest.raises(duckdb.CatalogException):
            database.execute("FROM documents")
    assert [row[0] for row in ask(store, "FROM reasons")] == []


def test_facts_are_those_of_the_runs_own_shards_and_read_once(store, monkeypatch):
    for name in "abc":
        measured(store, name)
    for key in ("part-00000", "part-00001"):
        write(store, "edges", key, outputs=2)
    for stage in RUN_WIDE:
        for name in "abc":
            write(store, stage, KEYS[name])
    run = record("one", "ac", "1", stages=("documents", "parts", "edges", *RUN_WIDE))
    facts, reads = Facts(store, run), Counter()
    read = Store.read_bytes

    def counted(self, path):
        reads[path] += 1
        return read(self, path)

    monkeypatch.setattr(Store, "read_bytes", counted)
    own = [KEYS["a"], KEYS["c"]]
    for _ in range(2):
        for stage in ("documents", "parts", *RUN_WIDE):
            assert list(facts.of(stage)) == own, stage
        assert list(facts.of("edges")) == ["part-00000", "part-00001"]
        assert facts.of("decisions") == {}  # another run's, in the same lake
        assert facts.of("no_such_stage") == {}
    assert set(reads.values()) == {1}
    assert facts.paths("documents", 0) == [f"documents/f/{key}.parquet" for key in own]
    assert facts.paths("documents", 1) == [f"documents/f/aside/{key}.parquet" for key in own]
    assert facts.paths("documents") == [
        f"documents/f/{folder}{key}.parquet" for key in own for folder in ("", "aside/")
    ]
    assert facts.paths("decisions") == []
    assert Output is type(facts.of("documents")[KEYS["a"]].output(1))
