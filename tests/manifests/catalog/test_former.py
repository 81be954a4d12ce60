"""A lake of an earlier version, with texts and signals in one file, opens as any other."""

from __future__ import annotations

import pyarrow as pa

from thresher.filters.signals import family_type
from thresher.manifests import catalog
from thresher.manifests.manifest import Manifest, commit
from thresher.manifests.run import InputRecord, RunRecord, save_run
from thresher.manifests.schemas import DECISIONS
from thresher.manifests.shards import ShardWriter
from thresher.pipeline.judged import judged_shards, stream

KEY = f"{7:016x}"
IDS = ["a", "b", "c"]


def write(store, stage, table, **manifest):
    with ShardWriter(store, f"{stage}/f/{KEY}.parquet", table.schema) as writer:
        writer.write(table)
    commit(
        store,
        Manifest(stage=stage, fingerprint="f", key=KEY, outputs=[writer.output], **manifest),
    )


def former_lake(store):
    lengths = pa.array([{"words": n} for n in range(3)], family_type("length"))
    documents = pa.table({"id": IDS, "text": ["one", "two", "three"], "length": lengths})
    counts = {"records": 3, "documents": 3, "gated": 0, "failed": 0}
    facts = {"sha256": KEY, "status": "complete"}
    write(store, "documents", documents, ledger=counts, facts=facts)
    rows = [
        {"row": n, "id": name, "verdict": "dropped" if n else "kept", "reasons": ["r"] * bool(n)}
        | {"unknown": [], "reason": "r" if n else None}
        for n, name in enumerate(IDS)
    ]
    write(
        store,
        "decisions",
        pa.Table.from_pylist(rows, DECISIONS),
        ledger={"records": 3, "kept": 1, "dropped": 2},
        reasons={"dropped/r": 2},
        facts={"all_reasons": {"r": 2}},
    )
    record = RunRecord(
        run_id="r1",
        name="run",
        status="complete",
        version="0",
        started="2026-01-01",
        inputs=[InputRecord(KEY, "a.jsonl", 1, "", "jsonl")],
        fingerprints={"documents": "f", "decisions": "f"},
    )
    save_run(store, record)
    catalog.build(store)
    return record


def test_its_documents_are_found_by_sql(store):
    former_lake(store)
    with catalog.connect(store) as database:
        query = "SELECT id, length.words, row_id FROM documents ORDER BY row"
        assert database.execute(query).fetchall() == [
            (name, n, f"{KEY}:{n:010d}") for n, name in enumerate(IDS)
        ]
        assert database.execute("SELECT id, text FROM kept").fetchall() == [("a", "one")]
        assert database.execute("SELECT id FROM dropped ORDER BY row").fetchall() == [
            ("b",),
            ("c",),
        ]
        funnel = dict(database.execute("SELECT step, records FROM funnel").fetchall())
        assert (funnel["documents measured"], funnel["kept"]) == (3, 1)
        assert database.execute("SELECT status FROM input_shards").fetchall() == [("complete",)]


def test_its_documents_are_streamed(store):
    (shard,) = judged_shards(store, former_lake(store))
    assert shard.texts == f"documents/f/{KEY}.parquet"
    found = stream(store, [shard], ["id", "text", "length.words"], "dropped").read_all()
    assert found.to_pylist() == [
        {"id": "b", "text": "two", "length.words": 1},
        {"id": "c", "text": "three", "length.words": 2},
    ]
