"""The whole job on the sample crawl: verdicts, ledger, resume, determinism, broken input."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from thresher.jobs.executor import InProcess, OnRay
from thresher.jobs.plan import make_plan
from thresher.jobs.progress import Silent
from thresher.jobs.recipe import read_recipe
from thresher.jobs.run import execute
from thresher.manifests import catalog
from thresher.manifests.run import load_runs
from thresher.manifests.store import Store

CURATED = "[curated]\nvalidation_fraction = 0.05\n"
ROOT = Path(__file__).resolve().parents[2]


def run(recipe, executor=None):
    plan = make_plan(read_recipe(recipe))
    return plan.store, execute(plan, executor or InProcess(), Silent())


def rows(store, sql):
    with catalog.connect(store) as database:
        return database.execute(sql).fetchall()


def curated_hashes(store):
    """sha256 of every curated shard by its name."""
    files = [path for path in store.sizes("curated") if path.endswith(".parquet")]
    return {Path(f).name: hashlib.sha256(store.read_bytes(f)).hexdigest() for f in files}


@pytest.fixture(scope="module")
def finished(tmp_path_factory, sample):
    """One uninterrupted in-process run that several tests look at."""
    folder = tmp_path_factory.mktemp("finished")
    recipe = folder / "recipe.toml"
    listed = ", ".join(f'"{shard}"' for shard in sample.shards)
    recipe.write_text(f'name = "test"\nlake = "lake"\n[input]\nurls = [{listed}]\n{CURATED}')
    store, record = run(recipe)
    return recipe, store, record


def test_the_ledger_balances_on_every_shard(finished, sample):
    _, store, record = finished
    assert record.failures == []
    shards = rows(
        store,
        "SELECT i.records, i.documents, i.gated, i.failed, c.kept, c.dropped "
        "FROM input_shards i JOIN shard_counts c USING (run_id, key)",
    )
    assert len(shards) == len(sample.shards)
    for records, documents, gated, failed, kept, dropped in shards:
        assert records == kept + dropped + gated + failed
        assert documents == kept + dropped
    ((total,),) = rows(store, "SELECT sum(records) FROM reasons WHERE outcome <> 'dropped'")
    assert total == sum(gated + failed for _, _, gated, failed, _, _ in shards)


def test_the_sample_is_judged_as_it_was_written(finished, sample):
    _, store, _ = finished
    verdicts = dict(
        rows(store, "SELECT record_id, verdict FROM documents JOIN decisions USING (shard, row)")
    )
    kept = {name for name, verdict in verdicts.items() if verdict == "kept"}
    good = [truth for truth in sample.truth if truth.fate == "kept"]
    copied = {t.copy_of for t in sample.truth if t.fate == "duplicate" and t.record_id in kept}
    lost = [t.kind for t in good if t.record_id not in kept and t.url not in copied]
    assert len(lost) <= 0.03 * len(good), lost
    by_rules = [t for t in sample.truth if t.fate == "dropped" and t.reason == "rules"]
    let_in = [t.kind for t in by_rules if t.record_id in kept]
    assert len(let_in) <= 0.05 * len(by_rules), let_in
    gated = {truth.record_id for truth in sample.truth if truth.fate == "gated"}
    assert not gated & set(verdicts)
    stopped = Counter(t.reason for t in sample.truth if t.fate in ("gated", "failed"))
    counted = dict(rows(store, "SELECT reason, records FROM reasons WHERE outcome <> 'dropped'"))
    # Junk that the rules would drop may be stopped before it: a wall of ten words, a table of
    # figures that is in no language.
    for reason in ("too_small", "wrong_language"):
        assert counted.pop(reason, 0) >= stopped.pop(reason, 0)
    assert counted == stopped


def test_sites_of_a_model_and_of_a_template_are_dropped_and_people_on_them_are_not(
    finished, sample
):
    _, store, _ = finished
    found = dict(
        rows(store, "SELECT record_id, reasons FROM documents JOIN decisions USING (shard, row)")
    )
    why = {"machine_guide": "machine_site", "directory": "template_site"}
    for truth in sample.truth:
        if truth.reason == "site":
            assert found[truth.record_id] == [why[truth.kind]]
        elif truth.kind == "machine_slop":
            assert "machine_site" in found[truth.record_id]
        elif truth.record_id in found:
            assert not set(why.values()) & set(found[truth.record_id])


def test_each_copied_text_is_kept_once(finished, sample):
    _, store, _ = finished
    kept = {name for (name,) in rows(store, "SELECT url FROM kept")}
    groups = {}
    for truth in sample.truth:
        if truth.fate == "duplicate":
            groups.setdefault(truth.copy_of, {truth.copy_of}).add(truth.url)
    counts = {origin: len(urls & kept) for origin, urls in groups.items()}
    assert set(counts.values()) == {1}, counts


def test_every_duplicate_names_a_survivor_that_is_kept(finished):
    _, store, _ = finished
    orphans = rows(
        store,
        "SELECT id FROM decisions WHERE survivor_id NOT IN (SELECT id FROM kept) "
        "AND list_has_any(reasons, ['exact_duplicate', 'near_duplicate'])",
    )
    assert orphans == []


def test_curated_shards_hold_the_kept_documents(finished):
    _, store, record = finished
    kept = {name for (name,) in rows(store, "SELECT id FROM kept")}
    found = []
    for (path,) in rows(store, "SELECT path FROM output_shards ORDER BY path"):
        file = pq.ParquetFile(path)
        assert file.schema_arrow.names[0] == "text"
        found += file.read(["id"])["id"].to_pylist()
    assert len(found) == len(set(found))
    assert set(found) == kept
    splits = rows(store, "SELECT split FROM output_shards ORDER BY path")
    assert splits[-1] == ("validation",)
    names = {Path(path).name for path in store.sizes(record.curated)}
    assert "README.md" in names


def test_the_card_says_what_the_catalog_says(finished):
    _, store, record = finished
    text = store.read_bytes(f"{record.curated}/README.md").decode()
    for step, records in rows(store, "SELECT step, records FROM funnel"):
        assert f"| {step} | {int(records):,} |" in text
    for outcome, reason, records in rows(
        store, "SELECT outcome, reason, records FROM reasons WHERE records > 0"
    ):
        led = "" if outcome == "dropped" else f"{outcome} | "
        assert f"| {led}`{reason}` | {records:,} | " in text
    assert "|  |" not in text  # a reason without a meaning


def test_catalog_is_disposable(finished):
    _, store, _ = finished
    tables = ("runs", "input_shards", "shard_counts", "shard_reasons", "output_shards", "lineage")
    before = {table: rows(store, f"SELECT * FROM {table} ORDER BY ALL") for table in tables}
    store.remove(catalog.PATH)
    catalog.build(store)
    assert {table: rows(store, f"SELECT * FROM {table} ORDER BY ALL") for table in tables} == before


def test_catalog_is_read_only_and_kept_in_the_lake(finished, tmp_path):
    _, store, _ = finished
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    with catalog.connect(store) as database:
        for sql in (
            "DROP TABLE runs",
            f"SELECT * FROM read_csv('{secret}')",
            f"COPY (SELECT 1) TO '{tmp_path / 'out.csv'}'",
            "SET enable_external_access = true",
        ):
            with pytest.raises(duckdb.Error):
                database.execute(sql)


def test_the_catalog_holds_the_checksum_of_every_input(finished, sample):
    _, store, _ = finished
    found = dict(rows(store, "SELECT uri, checksum FROM input_shards"))
    assert found == {
        shard.name: hashlib.sha256(shard.read_bytes()).hexdigest() for shard in sample.shards
    }


def test_lineage_reaches_back_to_the_inputs(finished, sample):
    _, store, _ = finished
    reached = rows(
        store, "SELECT DISTINCT uri FROM lineage JOIN input_shards ON input_key = key ORDER BY 1"
    )
    assert len(reached) == len(sample.shards)


def test_a_second_run_does_nothing_again(finished):
    recipe, store, record = finished
    before = store.sizes("manifests")
    hashes = curated_hashes(store)
    again = make_plan(read_recipe(recipe))
    assert set(again.measured()) == {item.key for item in record.inputs}

    class Refuses:
        def run(self, tasks):
            assert list(tasks) == []
            return iter(())

    repeated = execute(again, Refuses(), Silent())
    assert store.sizes("manifests") == before
    assert curated_hashes(store) == hashes
    assert repeated.earlier == [*record.earlier, record.attempt]
    assert repeated.started > record.finished
    found = rows(store, "SELECT number, started, finished, status FROM attempts ORDER BY 1")
    assert found[-2:] == [
        (len(found) - 1, record.started, record.finished, record.status),
        (len(found), repeated.started, repeated.finished, repeated.status),
    ]


def test_same_bytes_on_another_file_system_in_another_order(finished, sample, recipe_for):
    shards = [str(shard) for shard in sample.shards]
    random.Random(3).shuffle(shards)
    store, record = run(recipe_for(f"memory://{uuid.uuid4().hex}", shards))
    assert not record.failures
    assert curated_hashes(store) == curated_hashes(finished[1])
    count = "SELECT count(*) FROM kept"
    assert rows(store, count) == rows(finished[1], count)


def test_a_lost_output_is_made_again(finished, recipe_for, tmp_path):
    store, _ = run(recipe_for(tmp_path / "lake"))
    for stage in ("decisions", "curated"):
        store.remove(next(path for path in store.sizes(stage) if path.endswith(".parquet")))
    run(recipe_for(tmp_path / "lake"))
    assert curated_hashes(store) == curated_hashes(finished[1])


def test_a_corrupt_shard_leaves_the_rest_and_is_reported(recipe_for, sample, tmp_path):
    broken = tmp_path / "broken.warc.gz"
    broken.write_bytes(b"this is no archive" * 100)
    store, record = run(recipe_for(tmp_path / "lake", [str(sample.shards[0]), str(broken)]))
    assert record.status == "incomplete"
    found = dict(rows(store, "SELECT uri, status FROM input_shards"))
    assert found[f"2//{broken.name}"] != "complete"
    assert found[sample.shards[0].name] == "complete"
    assert rows(store, "SELECT count(*) > 0 FROM kept") == [(True,)]


def test_a_task_that_fails_is_recorded(recipe_for, sample, tmp_path, monkeypatch):
    import thresher.pipeline.documents.measure as measuring

    original = measuring.read_shard

    def breaks(shard, *arguments):
        if shard.uri == sample.shards[0].as_uri():
            raise PermissionError("no access")
        return original(shard, *arguments)

    monkeypatch.setattr(measuring, "read_shard", breaks)
    store, record = run(recipe_for(tmp_path / "lake", [str(s) for s in sample.shards[:2]]))
    assert record.status == "incomplete"
    assert [failure.stage for failure in record.failures] == ["text"]
    assert "no access" in record.failures[0].error
    statuses = dict(rows(store, "SELECT uri, status FROM input_shards"))
    assert statuses[sample.shards[0].name] == "failed"
    card = store.read_bytes(f"{record.curated}/README.md").decode()
    assert "Not read whole: 1 of 2 input shards (1 failed)." in card
    assert f"| `{sample.shards[0].name}` | failed | PermissionError: no access" in card
    monkeypatch.undo()
    store, record = run(recipe_for(tmp_path / "lake", [str(s) for s in sample.shards[:2]]))
    assert record.status == "complete"


def test_a_run_without_any_document_ends_well(recipe_for, tmp_path):
    empty = tmp_path / "empty.jsonl.gz"
    empty.write_bytes(gzip.compress(json.dumps({"id": "1", "text": "Too short."}).encode() + b"\n"))
    store, record = run(recipe_for(tmp_path / "lake", [str(empty)]))
    assert record.status == "complete"
    assert rows(store, "SELECT count(*) FROM kept") == [(0,)]


@pytest.mark.ray
def test_ray_gives_the_same_bytes(finished, recipe_for, tmp_path):
    executor = OnRay(workers=2)
    try:
        store, record = run(recipe_for(tmp_path / "lake"), executor)
    finally:
        executor.close()
    assert not record.failures
    assert curated_hashes(store) == curated_hashes(finished[1])


@pytest.mark.ray
@pytest.mark.chaos
@pytest.mark.parametrize("workers", [1, 2])
def test_kill_9_in_the_middle_changes_nothing(finished, recipe_for, tmp_path, workers):
    recipe = recipe_for(tmp_path / "lake")
    command = [
        sys.executable,
        "-m",
        "thresher.jobs.cli",
        "run",
        str(recipe),
        "--workers",
        str(workers),
    ]
    environment = dict(os.environ)
    store = Store(str(tmp_path / "lake"))
    for stage in ("text", "decisions"):
        process = subprocess.Popen(
            command, env=environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 120
        while not store.sizes(f"manifests/{stage}") and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert load_runs(store)[-1].status == "running"
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 3, done.stderr  # the sample's last shard is truncated on purpose
    assert curated_hashes(store) == curated_hashes(finished[1])
