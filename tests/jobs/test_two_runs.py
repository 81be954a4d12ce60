"""Two runs on one lake: each screen, JSON and report speaks of the run that it is about."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import duckdb
import pytest
from calling import invoke

import thresher
from thresher.filters.errors import StoreError
from thresher.jobs.api.result import result_of
from thresher.jobs.executor import InProcess
from thresher.jobs.plan import make_plan
from thresher.jobs.progress import Silent
from thresher.jobs.recipe import recipe_of
from thresher.jobs.report import page as report
from thresher.jobs.run import execute
from thresher.manifests import catalog
from thresher.manifests.run import RunRecord, find_run, latest, load_runs
from thresher.manifests.store import Store


class Between(InProcess):
    """Does something else once, when tasks of a stage come."""

    def __init__(self, stage, act):
        self._stage, self._act = stage, act

    def run(self, tasks):
        tasks = list(tasks)
        if self._act and tasks and tasks[0].stage == self._stage:
            act, self._act = self._act, None
            act()
        yield from super().run(tasks)


def steps(page):
    """Counts by step of the funnel of a report."""
    plain = re.sub(r"</?abbr[^>]*>", "", page)
    rows = re.findall(r"<tr><td>([a-z ]+)</td><td class=n>([\d,]+)</td><td class=n>", plain)
    return {step: int(count.replace(",", "")) for step, count in rows}


@pytest.fixture(scope="module", params=["a", "b"])
def two(request, tmp_path_factory, sample):
    """Runs `a` and `b` of one lake, of different shards: the one starts first and ends last."""
    folder = tmp_path_factory.mktemp("two")
    first, second = request.param, "ab".replace(request.param, "")
    plans, done = {}, {}
    for name, shards, sites in (("a", sample.shards[:1], True), ("b", sample.shards[1:3], False)):
        recipe = {
            "name": name,
            "lake": str(folder / "lake"),
            "input": {"urls": [str(shard) for shard in shards]},
            "curated": {"validation_fraction": 0.1},
            "sites": {"measure": sites, "min_pages": 3},
            "run": {"executor": "in-process"},
        }
        plans[name] = make_plan(recipe_of(recipe))

    def go(name, executor):
        record = execute(plans[name], executor, Silent())
        done[name] = result_of(plans[name].store, record)

    go(first, Between("decisions", lambda: go(second, InProcess())))
    assert [run.name for run in load_runs(Store(str(folder / "lake")))] == [first, second]
    return folder / "lake", done, first, second


def alone(lake, run_id):
    """Counts of a run by its manifests."""
    store = Store(str(lake))
    record = next(run for run in load_runs(store) if run.run_id == run_id)
    total = {}
    for stage in ("text", "decisions"):
        for item in record.inputs:
            path = f"manifests/{stage}/{record.fingerprints[stage]}/{item.key}.json"
            for part, count in json.loads(store.read_bytes(path))["ledger"].items():
                total[stage, part] = total.get((stage, part), 0) + count
    return {
        "records read": total["text", "records"],
        "documents measured": total["text", "documents"],
        "kept": total["decisions", "kept"],
        "dropped": total["decisions", "dropped"],
    }


def test_each_run_has_its_own_counts_everywhere(two):
    lake, done, last, _ = two
    truths = {name: alone(lake, result.run_id) for name, result in done.items()}
    assert truths["a"] != truths["b"]
    for name, result in done.items():
        truth = truths[name]
        assert {step: result.counts[step] for step in truth} == truth
        page = Path(result.report).read_text(encoding="utf-8")
        assert f"<title>{name}: complete</title>" in page
        assert {step: steps(page)[step] for step in truth} == truth
        card = (Store(str(lake)).read_bytes(f"{result.curated[len(str(lake)) + 1 :]}/README.md"),)
        assert f"| kept | {truth['kept']:,} |" in card[0].decode()
        sql = "SELECT count(*) FROM kept"
        for run in (name, result.run_id):
            (row,) = json.loads(invoke("query", sql, "-l", lake, "--run", run, "--json").stdout)
            assert list(row.values()) == [truth["kept"]]
            assert thresher.Lake(lake).query(sql, run=run).fetchall() == [(truth["kept"],)]
        ids = "SELECT min(id), any_value((FROM shown_run)) FROM dropped"
        identity, run_id = thresher.Lake(lake).query(ids, run=name).fetchall()[0]
        assert run_id == result.run_id
        found = json.loads(invoke("explain", identity, "-l", lake, "--run", name, "--json").stdout)
        assert found["decision"]["verdict"] == "dropped"
        assert thresher.Lake(lake).explain(identity, run=name).decision["verdict"] == "dropped"
        made = json.loads(invoke("diversity", lake, "--run", name, "--json").stdout)
        assert made["measured"]["documents"] == truth["documents measured"]
        (state,) = json.loads(invoke("status", lake, "--run", name, "--json").stdout)
        assert state["run_id"] == result.run_id
    # Without a name all speak of the run that ended last.
    assert (lake / "report.html").read_bytes() == (
        lake / "reports" / f"{done[last].run_id}.html"
    ).read_bytes()
    assert find_run(Store(str(lake))).name == last
    with catalog.connect(Store(str(lake))) as database:
        assert database.execute("FROM shown_run").fetchall() == [(done[last].run_id,)]
        counts = dict(database.execute("SELECT step, records FROM funnel").fetchall())
        assert counts == done[last].counts
        funnels = "SELECT step, records FROM funnels WHERE run_id = $run ORDER BY place"
        for result in done.values():
            found = database.execute(funnels, {"run": result.run_id}).fetchall()
            assert found == list(result.counts.items())
        percents = "SELECT max(percent) FROM funnels GROUP BY run_id"
        assert database.execute(percents).fetchall() == [(100.0,), (100.0,)]


def test_a_run_has_no_views_of_another(two):
    lake, done, *_ = two
    store = Store(str(lake))
    shown = {name: thresher.Lake(lake).query("SHOW TABLES", run=name).fetchall() for name in done}
    assert ("site_signals",) in shown["a"]
    assert ("site_signals",) not in shown["b"]
    with catalog.connect(store, run="b") as database:
        assert "site_signals" not in catalog.views(database)
        with pytest.raises(duckdb.CatalogException):
            database.execute("FROM site_signals")
    with pytest.raises(StoreError, match="no run 'c'"):
        thresher.Lake(lake).query("SELECT 1", run="c")


def test_a_catalog_that_misses_a_run_does_not_speak_for_it(two, tmp_path):
    lake, done, last, other = two
    folder = tmp_path / "copy"
    shutil.copytree(lake, folder)
    store = Store(str(folder))
    record = folder / "runs" / f"{done[last].run_id}.json"
    held = record.read_bytes()
    record.unlink()
    catalog.build(store)  # as the other's driver might have left it
    record.write_bytes(held)
    with catalog.connect(store) as database:
        assert database.execute("FROM shown_run").fetchall() == [(done[other].run_id,)]
    with catalog.connect(store, run=last) as database:
        counts = dict(database.execute("SELECT step, records FROM funnel").fetchall())
        assert counts == done[last].counts


def test_a_run_that_ends_while_the_catalog_is_written_gets_into_it(two, tmp_path, monkeypatch):
    lake, done, last, _ = two
    folder = tmp_path / "copy"
    shutil.copytree(lake, folder)
    record = folder / "runs" / f"{done[last].run_id}.json"
    held = record.read_bytes()
    record.unlink()
    write = Store.writer

    def late(store, path):
        if path == catalog.PATH:
            record.write_bytes(held)
        return write(store, path)

    monkeypatch.setattr(Store, "writer", late)
    store = Store(str(folder))
    catalog.build(store)
    with catalog.connect(store) as database:
        assert database.execute("FROM shown_run").fetchall() == [(done[last].run_id,)]


def test_the_report_is_of_the_run_that_ended_last_whoever_writes_last(two, tmp_path, monkeypatch):
    lake, done, last, other = two
    folder = tmp_path / "copy"
    shutil.copytree(lake, folder)
    store = Store(str(folder))
    record, held = folder / "runs" / f"{done[last].run_id}.json", {}
    for path in (record, folder / "reports" / f"{done[last].run_id}.html"):
        held[path] = path.read_bytes()
        path.unlink()
    write = Store.write_bytes

    def late(self, path, data):
        if path == report.PATH:  # what the other driver does meanwhile
            for each, content in held.items():
                each.write_bytes(content)
        write(self, path, data)

    monkeypatch.setattr(Store, "write_bytes", late)
    report.write_report(store, find_run(store, other))
    pages = [folder / "reports" / f"{done[name].run_id}.html" for name in (last, other)]
    assert pages[0].read_bytes() != pages[1].read_bytes()
    assert (folder / "report.html").read_bytes() == pages[0].read_bytes()
    # Nor is it taken back by a run that ended before.
    report.write_report(store, find_run(store, other))
    again = pages[1].read_text(encoding="utf-8")
    assert {step: steps(again)[step] for step in ("kept", "dropped")} == {
        step: done[other].counts[step] for step in ("kept", "dropped")
    }
    assert result_of(store, find_run(store, other)).counts == done[other].counts
    assert (folder / "report.html").read_bytes() == pages[0].read_bytes()


def test_of_runs_that_ended_at_once_the_higher_id_is_the_latest():
    def made(run_id, status, started, finished=""):
        return RunRecord(
            run_id=run_id,
            name="n",
            status=status,
            version="0",
            started=started,
            finished=finished,
        )

    runs = [
        made("b", "complete", "1", "7"),
        made("c", "incomplete", "2", "7"),
        made("a", "complete", "3", "7"),
        made("d", "complete", "4", "6"),
        made("e", "running", "5"),
    ]
    assert latest(runs).run_id == "c"
    assert latest(runs[-1:]).run_id == "e"
