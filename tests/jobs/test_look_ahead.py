"""What a plan says is done, is to do, and why: held to the table of what each setting enters."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import msgspec
import pytest
from fingerprint_table import CHANGES, Change, stale
from small_runs import changed, run, write_crawl
from stale_facts import Finished

from thresher.jobs.executor import InProcess
from thresher.jobs.look_ahead import look_ahead
from thresher.jobs.plan import make_plan
from thresher.jobs.progress import Silent
from thresher.jobs.recipe import recipe_of
from thresher.jobs.run import execute
from thresher.jobs.staleness import AFTER
from thresher.manifests.layout import CONTAMINATION, GROUPS, QUALITY
from thresher.manifests.manifest import manifest_path
from thresher.manifests.run import load_runs, save_run
from thresher.manifests.store import Store

SAID_OTHERWISE = {
    "input.urls": "1 input file gone",
    "judge.policy": "policy is another: small v1",
    "decontaminate[].path": "",
}
"""Settings that name what counts by what it holds."""
STATED_ONCE = [change for change in CHANGES if not change.base]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    return Finished(tmp_path_factory.mktemp("ahead"))


def ahead(recipe):
    found = look_ahead(recipe_of(recipe))
    return {stage.stage: stage for stage in found.stages}, found


def to_do(stages):
    return {name for name, stage in stages.items() if stage.to_do != 0}


@pytest.mark.parametrize("change", STATED_ONCE, ids=lambda change: change.setting)
def test_a_setting_is_the_reason_for_what_it_makes_stale(finished, change: Change):
    recipe = finished.changed({change.setting: change.value})
    if change.setting == "lake":
        assert to_do(ahead(recipe)[0]) == set(AFTER)
        return
    stages, found = ahead(recipe)
    expected = stale(*change.enters.split()) & stages.keys()
    assert to_do(stages) == expected
    assert found.compared_with
    roots = {name for name in expected if not stages[name].follows}
    assert roots <= {*change.enters.split()}
    wanted = SAID_OTHERWISE.get(change.setting, f"setting {change.setting} changed")
    for name in expected:
        stage = stages[name]
        if stage.follows:
            assert stage.follows in roots
            assert stage.why == (f"follows {stage.follows}",)
        else:
            assert wanted in [said.replace("[0]", "[]") for said in stage.why]
    for name in stages.keys() - expected:
        assert (stages[name].to_do, stages[name].why, stages[name].follows) == (0, (), "")


def test_two_branches_that_change_at_once_have_a_reason_each(finished):
    recipe = finished.changed({"lines.least_documents": 5, "sites.min_pages": 4})
    stages, _ = ahead(recipe)
    assert to_do(stages) == stale("line_counts", "sites")
    assert stages["line_counts"].why == ("setting lines.least_documents changed",)
    assert stages["sites"].why == ("setting sites.min_pages changed",)
    assert (stages["site_parts"].done, stages["site_parts"].to_do) == (3, 0)


def test_a_plan_has_the_stages_of_its_run(finished):
    (record,) = [each for each in load_runs(Store(finished.recipe["lake"])) if each.name == "small"]
    stages, found = ahead(finished.recipe)
    assert list(stages) == [stage for stage in AFTER if stage in record.fingerprints]
    assert to_do(stages) == set()
    assert found.compared_with == record.run_id
    least = {"scores": [], "decontaminate": [], "lines": {"enabled": False}}
    least |= {"sites": {"measure": False}, "judge": {"policy": "gopher"}}
    least |= {"curated": {"transforms": []}, "lake": str(finished.folder / "fresh")}
    recipe = {**finished.recipe, **least, "dedup": {}, "name": "least"}
    stages, found = ahead(recipe)
    assert to_do(stages) == set(stages)
    assert found.compared_with == ""
    assert [name for name, stage in stages.items() if stage.why == ("new",)] == ["text"]
    assert (stages["text"].done, stages["text"].to_do) == (0, 3)
    assert stages["curated"].to_do is None
    _, record = run(recipe)
    assert list(stages) == [stage for stage in AFTER if stage in record.fingerprints]


@pytest.fixture
def lake(small, tmp_path):
    """A copy of a finished lake: its recipe, its store."""
    recipe = small.copy(tmp_path)
    return recipe, Store(recipe["lake"])


def test_files_that_come_change_and_go_are_counted(small, lake, tmp_path):
    recipe, _ = lake
    new = [str(path) for path in write_crawl(tmp_path / "crawl", 5, 2)]
    urls = recipe["input"]["urls"]
    more = changed(recipe, input={"urls": [*urls, *new]})
    stages, _ = ahead(more)
    documents = stages["text"]
    assert (documents.done, documents.to_do, documents.why) == (3, 2, ("2 input files new",))
    for name in ("model_scores", "bands"):
        assert (stages[name].done, stages[name].to_do, stages[name].follows) == (3, 2, "text")
    assert (stages["edges"].done, stages["edges"].to_do) == (0, None)
    assert stages["edges"].follows == "text"
    # Where another run has measured them, what joins them is the first that has to run.
    run({**more, "name": "other", "dedup": {"urls": False}, "sites": {"measure": False}})
    renamed = changed(more, dedup={})
    stages, found = ahead(renamed)
    assert stages["text"].to_do == 0
    assert stages["bands"].follows == ""
    assert found.compared_with == small.record.run_id
    assert "2 input files new" in stages["edges"].why or stages["edges"].follows == "bands"


def test_a_file_of_another_size_is_another(lake, tmp_path):
    recipe, _ = lake
    copies = [shutil.copy(url, tmp_path) for url in recipe["input"]["urls"]]
    moved = changed(recipe, input={"urls": copies})
    execute(make_plan(recipe_of(moved)), InProcess(), Silent())
    with Path(copies[0]).open("a") as file:
        file.write("\n")
    stages, _ = ahead(moved)
    assert stages["text"].why == ("1 input file changed",)
    assert (stages["text"].done, stages["text"].to_do) == (2, 1)


def test_what_a_run_left_undone_is_not_finished_by_it(small, lake):
    recipe, store = lake
    key = next(iter(small.stages["model_scores"]))
    store.remove(manifest_path("model_scores", small.record.fingerprints["model_scores"], key))
    stages, _ = ahead(recipe)
    scores = stages["model_scores"]
    said = (f"not finished by run {small.record.run_id}",)
    assert (scores.done, scores.to_do, scores.why) == (2, 1, said)
    assert stages["duplicates"].to_do == 0
    assert stages["curated"].follows == "model_scores"
    key = next(iter(small.stages["text"]))
    store.remove(manifest_path("text", small.record.fingerprints["text"], key))
    stages, found = ahead(recipe)
    assert (stages["text"].done, stages["text"].to_do) == (2, 1)
    assert stages["text"].why == said
    assert (stages["bands"].done, stages["bands"].to_do) == (2, 1)
    assert stages["edges"].to_do is None
    assert key not in found.measured


def recorded(store, small, **changes):
    save_run(store, msgspec.structs.replace(small.record, **changes))


def test_another_model_version_or_unknown_cause_is_said(small, lake):
    recipe, store = lake
    marks = dict(small.record.fingerprints)
    for stage in ("text", QUALITY, CONTAMINATION):
        for each in small.stages[stage]:
            store.remove(manifest_path(stage, marks[stage], each))
        marks[stage] = "other"

    store.remove(f"runs/{small.record.run_id}.json")

    def why(stage="text", **changes):
        recorded(store, small, run_id="small-other", finished="9999", **changes)
        return ahead(recipe)[0][stage].why

    models = [
        msgspec.structs.replace(each, sha256="0") if each.role == "quality" else each
        for each in small.record.models
    ]
    assert why(QUALITY, models=models, fingerprints=marks) == ("model quality changed",)
    other_file = changed(small.record.recipe, quality={"model": "my.bin"})
    said = why(QUALITY, models=models, fingerprints=marks, recipe=other_file)
    assert said == ("model quality changed",)
    assert why(QUALITY, recipe=other_file, fingerprints=marks) == ("setting quality.model changed",)
    assert why(fingerprints=marks) == ("the code or a file that it is made with changed",)
    (older,) = why(fingerprints=marks, version="0.0.1")
    assert re.fullmatch(r"Thresher \S+ makes it, and 0\.0\.1 did", older)
    sets = {**marks, "evaluation_index": "other"}
    assert why(CONTAMINATION, fingerprints=sets) == ("evaluation sets hold other examples",)
    unset = {k: v for k, v in small.record.recipe["minhash"].items() if k != "numbers"}
    before = {**small.record.recipe, "minhash": unset}
    assert why(recipe=before, fingerprints=marks) == why(fingerprints=marks)


def test_the_run_itself_comes_before_others_of_its_name_and_those_before_others(small, lake):
    recipe, store = lake
    recorded(store, small, run_id="small-0", finished="9998")
    recorded(store, small, run_id="other-0", name="other", finished="9999")
    assert ahead(recipe)[1].compared_with == small.record.run_id
    store.remove(f"runs/{small.record.run_id}.json")
    assert ahead(recipe)[1].compared_with == "small-0"
    store.remove("runs/small-0.json")
    assert ahead(recipe)[1].compared_with == "other-0"


def test_looking_ahead_writes_nothing(lake, monkeypatch):
    recipe, store = lake
    before = store.sizes("")
    for method in ("write_bytes", "writer", "remove", "sweep"):
        monkeypatch.setattr(Store, method, lambda *_: pytest.fail("it writes"))
    ahead(recipe)
    ahead(changed(recipe, gates={"languages": []}))
    assert store.sizes("") == before


def test_of_a_lake_of_an_earlier_version_it_is_said_that_the_crawl_is_read_again(small, lake):
    recipe, store = lake
    for stage in ("text", *GROUPS):
        for each in small.stages[stage]:
            store.remove(manifest_path(stage, small.record.fingerprints[stage], each))
    marks = {s: m for s, m in small.record.fingerprints.items() if s not in ("text", *GROUPS)}
    recorded(store, small, fingerprints={**marks, "documents": "f"})
    stages, _ = ahead(recipe)
    (why,) = stages["text"].why
    assert "in one file; the crawl is read once more" in why
    assert small.record.run_id in why
    assert stages["text"].to_do == 3
    assert {stages[group].follows for group in GROUPS} == {"text"}
