"""The view `documents`: texts and their signals, which lie in files of their own, side by side."""

from __future__ import annotations

import pyarrow as pa
import pytest

from thresher.filters.signals import DOCUMENT_FAMILIES, family_type
from thresher.manifests import catalog
from thresher.manifests.manifest import Manifest, commit
from thresher.manifests.run import InputRecord, RunRecord, save_run
from thresher.manifests.shards import ShardWriter

SHARDS = {f"{number:016x}": rows for number, rows in enumerate((5000, 1, 0, 3001))}
LENGTH, QUALITY = family_type("length"), family_type("quality")


def write(store, stage, key, table, group):
    with ShardWriter(store, f"{stage}/f/{key}.parquet", table.schema) as writer:
        writer.write(table, group)
    ledger = {"records": table.num_rows, "documents": table.num_rows, "gated": 0, "failed": 0}
    commit(
        store,
        Manifest(
            stage=stage,
            fingerprint="f",
            key=key,
            outputs=[writer.output],
            ledger=ledger if stage == "text" else {},
            facts={"sha256": key, "status": "complete"},
        ),
    )


def texts(key, rows):
    return pa.table(
        {
            "id": [f"{key}-{n}" for n in range(rows)],
            "text": pa.array(["word " * (n % 7) for n in range(rows)], pa.string()),
        }
    )


@pytest.fixture
def lake(store):
    """Shards whose files have other row groups; of the second quality is missing as yet."""
    for place, (key, rows) in enumerate(SHARDS.items()):
        write(store, "text", key, texts(key, rows), 1024)
        numbers = range(place * 10_000, place * 10_000 + rows)
        lengths = pa.array([{"words": n} for n in numbers], LENGTH)
        write(store, "signals/rules", key, pa.table({"length": lengths}), 100_000)
        scores = pa.array([{"score": n / 100_000} for n in numbers], QUALITY)
        if place != 1:
            write(store, "signals/quality", key, pa.table({"quality": scores}), 777)
    inputs = [InputRecord(key, key, 1, "", "parquet") for key in SHARDS]
    record = RunRecord(
        run_id="r1",
        name="run",
        status="complete",
        version="0",
        started="2026-01-01",
        inputs=inputs,
        fingerprints={"text": "f", "signals/rules": "f", "signals/quality": "f"},
    )
    save_run(store, record)
    catalog.build(store)
    return store


def ask(store, query):
    with catalog.connect(store) as database:
        return database.execute(query).fetchall()


def test_each_text_has_the_signals_of_its_row(lake):
    shift = "((('0x' || shard)::BIGINT) * 10000 + row)"
    wrong = f"length.words <> {shift} OR abs(quality.score - {shift} / 100000.0) > 1e-9"
    wrong += " OR id <> shard || '-' || row"
    assert ask(lake, f"SELECT count(*), count(length.words) FROM documents WHERE {wrong}") == [
        (0, 0)
    ]
    assert ask(lake, "SELECT shard, count(*) FROM documents GROUP BY 1 ORDER BY 1") == [
        (key, rows) for key, rows in SHARDS.items() if rows > 1
    ]


@pytest.mark.parametrize("bound", [0, 4999, 30_000, 33_000])
def test_what_is_asked_of_one_file_finds_the_rows_of_the_others(lake, bound):
    found = ask(lake, f"SELECT id, quality.score FROM documents WHERE length.words = {bound}")
    place, row = divmod(bound, 10_000)
    assert found == [(f"{place:016x}-{row}", bound / 100_000)]
    found = ask(lake, f"SELECT length.words FROM documents WHERE id = '{place:016x}-{row}'")
    assert found == [(bound,)]


def test_what_a_run_did_not_measure_is_null_and_has_its_columns(lake):
    columns = {name for name, *_ in ask(lake, "DESCRIBE documents")}
    asked = {f.name for f in DOCUMENT_FAMILIES} - {"language", "extract", "metadata", "reading"}
    # Of groups that a run has, the files say which columns there are.
    assert {"shard", "row", "id", "text", "length", "quality", "contamination"} <= columns
    assert {"machine_text", "junk"} <= columns & asked
    assert ask(lake, "SELECT count(*) FROM documents WHERE junk IS NOT NULL") == [(0,)]
    assert ask(lake, "SELECT machine_text.score FROM documents LIMIT 1") == [(None,)]


def test_documents_are_joined_to_decisions_by_shard_and_row(lake):
    """As the views of verdicts do, in whatever order the rows come."""
    pairs = "FROM documents AS a JOIN documents AS b USING (shard, row)"
    assert ask(lake, f"SELECT count(*) {pairs} WHERE a.length.words <> b.length.words") == [(0,)]
    assert ask(lake, f"SELECT count(*) {pairs}") == [(8001,)]


def test_a_row_has_one_key(lake):
    keys = ask(lake, "SELECT row_id FROM documents ORDER BY shard, row")
    assert keys[:2] == [("0000000000000000:0000000000",), ("0000000000000000:0000000001",)]
    assert keys == sorted(set(keys))
