"""What a run says of itself: while it goes on, of tasks that failed, and of the run before it."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import msgspec
import pytest
from ray import cloudpickle
from small_runs import Counting, digests, run

from thresher.jobs import run as driving
from thresher.jobs.executor import OnRay
from thresher.jobs.plan import make_plan
from thresher.jobs.progress import Silent
from thresher.jobs.recipe import recipe_of
from thresher.manifests import catalog
from thresher.manifests.heartbeat import last_beat
from thresher.manifests.manifest import manifest_path
from thresher.manifests.run import load_runs
from thresher.manifests.store import Store
from thresher.pipeline.dedup import edges
from thresher.pipeline.documents import measure
from thresher.pipeline.judge import decide


def ask(recipe, sql):
    with catalog.connect(Store(recipe["lake"])) as database:
        return database.execute(sql).fetchall()


def as_stored(record):
    return msgspec.json.encode(record, order="sorted")


class Looking(Counting):
    """Looks at the record and the heartbeat of the run when a stage has tasks."""

    def __init__(self, store):
        super().__init__()
        self._store, self.seen = store, {}

    def run(self, tasks):
        tasks = list(tasks)
        if tasks:
            runs = load_runs(self._store)
            self.seen[tasks[0].stage] = (runs, [last_beat(self._store, r.run_id) for r in runs])
        yield from super().run(tasks)


def test_a_run_is_on_record_from_its_start(small, tmp_path):
    recipe = small.copy(tmp_path, ["text", "curated"])
    store = Store(recipe["lake"])
    for path in store.sizes("runs"):
        store.remove(path)
    executor = Looking(store)
    _, ended = run(recipe, executor)
    assert executor.seen.keys() == {"text", "curated"}
    for stage, ((record,), ((beat, _),)) in executor.seen.items():
        assert beat.stage in ("plan", stage)
        assert (record.status, record.finished, record.curated) == ("running", "", "")
        assert record.started == ended.started <= ended.finished
        assert (record.run_id, record.name) == (small.record.run_id, "small")
        assert record.inputs == small.record.inputs
        assert record.models == small.record.models
    (record,) = load_runs(store)
    assert as_stored(record) == as_stored(ended)
    assert record.status == "incomplete"  # the crawl has lines that are no JSON
    assert record.exceeded
    assert record.fingerprints == small.record.fingerprints
    assert not last_beat(store, record.run_id)


def failing(monkeypatch, key, times, error):
    """Reading this shard fails so many times."""
    read, left = measure.read_shard, [times]

    def other(shard, *arguments):
        if shard.key == key and left[0]:
            left[0] -= 1
            raise error
        return read(shard, *arguments)

    monkeypatch.setattr(measure, "read_shard", other)


@pytest.mark.parametrize("times", [1, 2])
def test_a_lost_connection_is_tried_again_and_counted(small, tmp_path, monkeypatch, times):
    recipe = small.copy(tmp_path, ["text"])
    key = small.record.inputs[1].key
    failing(monkeypatch, key, times, ConnectionResetError("the line went dead"))
    store, record = run(recipe, Counting())
    assert record.failures == []
    assert record.attempts == {f"text/{key}": times + 1}
    assert load_runs(store)[0].attempts == record.attempts
    attempts = dict(ask(recipe, "SELECT key, attempts FROM input_shards"))
    assert attempts == {item.key: 1 + times * (item.key == key) for item in record.inputs}
    curated = store.sizes("curated")
    assert curated == small.store.sizes("curated")


@pytest.mark.parametrize(
    ("error", "attempts", "said"),
    [
        (ConnectionResetError("the line went dead"), 3, "ConnectionResetError: the line went dead"),
        (PermissionError(13, "Permission denied"), 1, "PermissionError: [Errno 13] Permission den"),
    ],
)
def test_a_shard_that_fails_for_good_is_left_out(
    small, tmp_path, monkeypatch, error, attempts, said
):
    recipe = small.copy(tmp_path, small.record.fingerprints)
    key = small.record.inputs[1].key
    failing(monkeypatch, key, 99, error)
    _, record = run(recipe, Counting())
    assert record.status == "incomplete"
    ((stage, failed, text),) = [(f.stage, f.key, f.error) for f in record.failures]
    assert (stage, failed) == ("text", key)
    assert text.startswith(said)
    assert "\n" not in text
    told = dict(ask(recipe, "SELECT key, (status, error, attempts) FROM input_shards"))
    assert told[key] == ("failed", text, attempts)
    others = {item.key for item in record.inputs} - {key}
    assert all(told[each][0] in ("complete", "damaged") for each in others)
    assert {name for (name,) in ask(recipe, "SELECT DISTINCT shard FROM kept")} == others
    assert ask(recipe, "SELECT count(*) > 0 FROM curated") == [(True,)]
    assert ask(recipe, "SELECT stage, key, error FROM failures") == [("text", key, text)]
    # The same command goes on with what is missing.
    monkeypatch.undo()
    executor = Counting()
    store, record = run(recipe, executor)
    assert [each for each in executor.tasks if each[0] == "text"] == [("text", key)]
    assert record.failures == []
    assert store.sizes("curated") == {**store.sizes("curated"), **small.store.sizes("curated")}


@pytest.mark.parametrize(
    ("module", "function", "stage"),
    [(edges, "equal_groups", "edges"), (decide, "register_documents", "decisions")],
)
def test_a_stage_that_all_else_needs_ends_the_run(
    small, tmp_path, monkeypatch, module, function, stage
):
    recipe = small.copy(tmp_path, [stage, "curated"])

    def breaks(*_):
        raise ValueError("no such thing")

    monkeypatch.setattr(module, function, breaks)
    executor = Counting()
    _, record = run(recipe, executor)
    assert record.status == "incomplete"
    assert {failure.stage for failure in record.failures} == {stage}
    assert {each for each, _ in executor.tasks} == {stage}
    assert all("ValueError: no such thing (breaks:" in f.error for f in record.failures)
    assert record.curated == ""
    assert ask(recipe, "SELECT DISTINCT stage FROM failures") == [(stage,)]
    monkeypatch.undo()
    _, record = run(recipe, Counting())
    assert record.failures == []
    assert record.curated == small.record.curated


def test_the_same_run_is_found_done(small, tmp_path):
    recipe = small.copy(tmp_path)
    executor = Counting()
    plan = make_plan(recipe_of(recipe))
    assert plan.run_id == small.record.run_id
    assert plan.measured() == small.stages["text"]
    record = driving.execute(plan, executor, Silent())
    assert executor.tasks == []
    assert record.fingerprints == small.record.fingerprints
    assert len(load_runs(plan.store)) == 1


def test_a_manifest_comes_after_all_that_it_names(small, tmp_path, monkeypatch):
    recipe = small.copy(tmp_path, small.record.fingerprints)
    store, renamed = Store(recipe["lake"]), []
    replace = Path.replace

    def told(path, target):
        renamed.append(str(target).removeprefix(f"{store.url()}/"))
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", told)
    run(recipe, Counting())
    place = {path: number for number, path in enumerate(renamed)}
    facts = [path for path in renamed if not path.startswith(("runs/", "report", "catalog"))]
    assert sorted(facts) == sorted(set(facts))  # none is written twice
    for stage, made in small.stages.items():
        for key, manifest in made.items():
            commit = place[manifest_path(stage, manifest.fingerprint, key)]
            assert all(place[output.path] < commit for output in manifest.outputs)
    assert all(path.startswith("runs/") for path in renamed[:2])


measured = measure.measure_shard


def measure_or_die(store, shard, *arguments):
    """The stage of documents, whose worker is killed at the first attempt of one shard."""
    mark = Path(store.url("killed"))
    if shard.name == "shard1.jsonl" and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return measured(store, shard, *arguments)


@pytest.mark.ray
@pytest.mark.slow
def test_a_worker_that_dies_is_replaced_and_counted(small, tmp_path, monkeypatch):
    recipe = small.copy(tmp_path, small.record.fingerprints)
    monkeypatch.setattr(measure, "measure_shard", measure_or_die)
    executor = OnRay(workers=2)
    # Workers cannot import what this module imports.
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    try:
        store, record = run(recipe, executor)
    finally:
        cloudpickle.unregister_pickle_by_value(sys.modules[__name__])
        executor.close()
    assert store.exists("killed")
    assert record.failures == []
    (key,) = (item.key for item in record.inputs if item.uri == "shard1.jsonl")
    assert record.attempts == {f"text/{key}": 2}
    assert digests(store) == digests(small.store)
