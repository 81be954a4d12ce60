"""Running and dead runs are told apart, and counted while they are at work."""

from __future__ import annotations

import json
import os
import threading
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from thresher.jobs.api.state import state_of
from thresher.jobs.cli import app
from thresher.jobs.executor import InProcess
from thresher.jobs.plan import make_plan
from thresher.jobs.progress import Silent
from thresher.jobs.recipe import read_recipe
from thresher.jobs.run import execute
from thresher.manifests import heartbeat
from thresher.manifests.heartbeat import Beat, Heartbeat
from thresher.manifests.run import InputRecord, RunRecord, load_runs, save_run
from thresher.manifests.store import Store

DEAD = timedelta(seconds=30)
"""Three beats of ten seconds."""


@pytest.fixture
def clock(monkeypatch):
    """Says what time it is."""
    moment = [datetime.now(UTC)]
    monkeypatch.setattr(heartbeat, "now", lambda: moment[0])
    return moment


def begun(store, **changes):
    record = RunRecord(
        run_id="r-1", name="r", status="running", version="0", started="2026-01-01", **changes
    )
    save_run(store, record)
    return record


def beat(store, **changes):
    """One beat, as a driver that was killed leaves it."""
    changes = {"at": "2000-01-01T00:00:00+00:00", "stage": "text"} | changes
    Heartbeat(store, "r-1", lambda: Beat(**changes))._write()
    return heartbeat.last_beat(store, "r-1")[1]


def test_a_driver_that_misses_beats_is_dead_by_the_clock_of_the_store(store, clock):
    record = begun(store)
    at = beat(store, done=1, shards=4)
    assert at.year > 2000  # not what a wrong clock says
    moment = timedelta(microseconds=1)
    for age, status in ((-moment, "running"), (DEAD - moment, "running"), (DEAD, "stopped")):
        clock[0] = at + age
        found = state_of(store, record)
        assert found.status == status, age
        assert (found.stage, found.stage_done, found.stage_shards) == ("text", 1, 4)
        assert found.last_beat == at.isoformat(timespec="seconds")


@pytest.mark.parametrize("zone", ["+00:00", ""])
def test_where_a_store_keeps_no_times_the_driver_says_it(tmp_path, clock, monkeypatch, zone):
    store = Store(str(tmp_path))
    record = begun(store)
    monkeypatch.setattr(store.filesystem, "modified", lambda _: 1 / 0)
    at = beat(store, at=f"2026-05-01T12:00:00{zone}")
    assert at == datetime(2026, 5, 1, 12, tzinfo=UTC)
    clock[0] = at + timedelta(seconds=5)
    assert state_of(store, record).status == "running"


def test_without_a_beat_a_run_is_dead_unless_it_has_just_ended(store):
    record = begun(store)
    assert state_of(store, record).status == "stopped"
    store.write_bytes("runs/r-1.beat", b"\xff not a beat")
    assert state_of(store, record).status == "stopped"
    ended = RunRecord(
        **{f: getattr(record, f) for f in record.__struct_fields__}
        | {"status": "complete", "finished": "2026-01-02"}
    )
    save_run(store, ended)
    assert state_of(store, record).status == "complete"


def test_a_thread_beats_until_the_end(store):
    came = threading.Semaphore(0)

    def made():
        came.release()
        return Beat(at="2026-01-01T00:00:00+00:00")

    with Heartbeat(store, "r-1", made, seconds=0.001):
        for _ in range(4):
            assert came.acquire(timeout=60)
        assert heartbeat.last_beat(store, "r-1") is not None
    assert store.sizes("runs") == {}
    threads = threading.active_count()
    with pytest.raises(ZeroDivisionError), Heartbeat(store, "r-1", made):
        raise ZeroDivisionError
    assert threading.active_count() == threads
    assert heartbeat.last_beat(store, "r-1")[0].over


def test_a_store_that_takes_no_beat_does_not_end_the_run(tmp_path):
    (tmp_path / "runs").write_text("in the way of the folder")
    with Heartbeat(Store(str(tmp_path)), "r-1", lambda: Beat(at="")):
        pass


class Killed(BaseException):
    """What nothing heeds: the run has no last word."""


class Looking(InProcess):
    """Looks at the lake after each shard, and may die."""

    def __init__(self, look, deaths=()):
        self._look, self._deaths = look, deaths

    def run(self, tasks):
        tasks = list(tasks)
        for count, result in enumerate(super().run(tasks)):
            self._look(tasks[0].stage, count)
            if tasks[0].stage in self._deaths:
                raise Killed
            yield result


def test_status_counts_while_it_measures_and_names_what_is_dead(recipe_for, tmp_path):
    recipe = recipe_for(tmp_path / "lake")
    plan = make_plan(read_recipe(recipe))
    seen = []

    def look(stage, _):
        if stage == "text":
            driver._write()
            answer = CliRunner().invoke(app, ["status", str(recipe), "--json"])
            (state,) = json.loads(answer.stdout)
            told = (state["stage"], state["stage_done"], state["measured"])
            seen.append((answer.exit_code, state["status"], *told))

    def keep(*arguments, **_):
        nonlocal driver
        driver = Heartbeat(*arguments)
        return driver

    driver = None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("thresher.jobs.run.Heartbeat", keep)
        with pytest.raises(Killed):
            execute(plan, Looking(look, {"decisions"}), Silent())
    shards = len(plan.inputs)
    assert seen == [(0, "running", "text", n, n + 1) for n in range(shards)]

    answer = CliRunner().invoke(app, ["status", str(recipe)])
    assert answer.exit_code == 3
    text = " ".join(answer.stdout.split())
    assert f"stopped in decisions, 0/{shards} shards done" in text
    assert f"thresher run {recipe}" in text
    assert "truncated: " in text  # what was not read, and why
    (state,) = json.loads(CliRunner().invoke(app, ["status", str(recipe), "--json"]).stdout)
    assert (state["status"], state["measured"]) == ("stopped", shards)

    record = execute(plan, InProcess(), Silent())
    assert record.status == "incomplete"
    answer = CliRunner().invoke(app, ["status", str(tmp_path / "lake")])
    assert answer.exit_code == 3
    assert record.exceeded[0] in " ".join(answer.stdout.split())
    assert [path for path in plan.store.sizes("runs") if path.endswith(".beat")] == []


def test_the_exit_code_is_of_the_run_asked_for_or_of_the_latest(tmp_path):
    store = Store(str(tmp_path))
    for number, status in enumerate(("incomplete", "complete")):
        record = RunRecord(
            run_id=f"r-{number}",
            name=status,
            status=status,
            version="0",
            started=f"2026-01-0{number + 1}",
            finished=f"2026-01-0{number + 3}",
            inputs=[InputRecord("k", "u", 1, "", "warc")],
        )
        save_run(store, record)
    for arguments, code in (([], 0), (["--run", "incomplete"], 3), (["--run", "r-1"], 0)):
        for extra in ([], ["--json"]):
            found = CliRunner().invoke(app, ["status", str(tmp_path), *arguments, *extra])
            assert found.exit_code == code, (arguments, found.output)
    assert [run.name for run in load_runs(store)] == ["incomplete", "complete"]
    beaten = RunRecord(run_id="r-2", name="r", status="running", version="0", started="2026-02")
    save_run(store, beaten)
    assert CliRunner().invoke(app, ["status", str(tmp_path)]).exit_code == 3
    Heartbeat(store, "r-2", lambda: Beat(at="2026-02-01T00:00:00+00:00"))._write()
    assert CliRunner().invoke(app, ["status", str(tmp_path)]).exit_code == 0
    past = datetime.now(UTC).timestamp() - DEAD.total_seconds() - 1
    os.utime(tmp_path / "runs" / "r-2.beat", (past, past))
    assert CliRunner().invoke(app, ["status", str(tmp_path)]).exit_code == 3
