"""A recipe is run however it is given, and a Ray that is there is used and left alone."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

import thresher
from thresher.filters.kernels.text import cache
from thresher.jobs.api import run as module
from thresher.jobs.cli import app
from thresher.jobs.progress import Silent
from thresher.jobs.recipe import recipe_of
from thresher.manifests.run import load_runs
from thresher.manifests.store import Store


def hashes(result):
    return [hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in result.lake.curated()]


def toml_of(folder, recipe):
    urls = ", ".join(f'"{url}"' for url in recipe["input"]["urls"])
    path = folder / "recipe.toml"
    path.write_text(
        f'name = "{recipe["name"]}"\nlake = "lake"\n[input]\nurls = [{urls}]\n'
        "[gates]\nretain_fraction = 1.0\n[sites]\nmin_pages = 3\n"
        '[curated]\nvalidation_fraction = 0.1\n[run]\nexecutor = "in-process"\n'
    )
    return path


def test_the_result(finished):
    assert finished.status == "complete"
    assert finished.run_id.startswith("api-")
    counts = finished.counts
    assert next(iter(counts)) == "records read"
    assert counts["records read"] == (
        counts["gated"] + counts["failed"] + counts["documents measured"]
    )
    assert counts["documents measured"] == counts["kept"] + counts["dropped"]
    assert counts["curated"] == counts["kept"] > 0
    assert all(type(count) is int for count in counts.values())
    assert (finished.incomplete_shards, finished.failures) == ([], [])
    for path in (finished.catalog, finished.report, f"{finished.curated}/README.md"):
        assert Path(path).is_file()
    assert finished.lake.curated()[0].startswith(finished.curated)


def test_a_recipe_is_a_path_a_mapping_or_itself(recipe_mapping, finished, tmp_path, monkeypatch):
    path = toml_of(tmp_path, recipe_mapping())
    monkeypatch.chdir(tmp_path)
    for given in (path, "recipe.toml", recipe_of(path), recipe_of(recipe_mapping(lake="lake"))):
        result = thresher.run(given)
        assert result.lake.url == str(tmp_path / "lake")
        assert result.counts == finished.counts
        assert hashes(result) == hashes(finished)
        assert result.run_id == finished.run_id


def test_the_command_line_says_the_same(recipe_mapping, tmp_path):
    path = toml_of(tmp_path, recipe_mapping())
    result = thresher.run(path)
    said = json.loads(CliRunner().invoke(app, ["run", str(path), "-q", "--json"]).stdout)
    assert said == {
        "run_id": result.run_id,
        "status": result.status,
        "funnel": result.counts,
        "exceeded": [],
        "incomplete_shards": [],
        "failures": [],
        "notes": [],
        "curated": result.curated,
        "catalog": result.catalog,
        "report": result.report,
    }
    rows = json.loads(CliRunner().invoke(app, ["status", str(path), "--json"]).stdout)
    assert rows == msgspec.to_builtins(result.lake.runs())


def test_paths_of_a_mapping_start_in_the_current_folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    recipe = recipe_of({"name": "x", "lake": Path("lake"), "input": {"urls": [Path("a/*.gz")]}})
    assert recipe.lake == str(tmp_path / "lake")
    assert recipe.input.urls == [str(tmp_path / "a" / "*.gz")]
    assert recipe_of(recipe) == recipe
    remote = recipe_of({"name": "x", "lake": "s3://b/lake", "input": {"urls": ["s3://b/*"]}})
    assert (remote.lake, remote.input.urls) == ("s3://b/lake", ["s3://b/*"])


@pytest.mark.parametrize(
    ("changes", "kind", "message"),
    [
        ({"gate": {}}, thresher.ConfigError, "recipe: gate: unknown setting. Did you mean 'gates'"),
        ({"name": "a b"}, thresher.ConfigError, "recipe: name: must be letters"),
        ({"name": 5}, thresher.ConfigError, "recipe: name: must be text"),
        ({"lake": object()}, thresher.ConfigError, "recipe: holds what is no data"),
        ({"gates": {"language_score": 2.0}}, thresher.ConfigError, r"gates\.language_score"),
        ({"judge": {"policy": "web_en"}}, thresher.ConfigError, "Did you mean 'web-en'"),
        ({"input": {"urls": ["nowhere/*"]}}, thresher.InputError, r"input\.urls\[0\]"),
        ({"lake": "nope://x"}, thresher.StoreError, "no such place for a lake"),
        ({"lake": "memory://x", "run": {}}, thresher.ConfigError, "run.executor = .in-process"),
    ],
)
def test_what_is_wrong_is_named(recipe_mapping, changes, kind, message):
    with pytest.raises(kind, match=message):
        thresher.run(recipe_mapping(**changes))


def test_what_is_no_recipe():
    with pytest.raises(thresher.InputError, match=r"nowhere\.toml cannot be read"):
        thresher.run("nowhere.toml")
    for given in (5, None, ["recipe.toml"]):
        with pytest.raises(thresher.ConfigError, match=r"recipe: is of type .*\. Give a path"):
            thresher.run(given)


def test_a_recipe_made_in_python_is_checked(recipe_mapping):
    recipe = recipe_of(recipe_mapping())
    for wrong, message in (
        (msgspec.structs.replace(recipe, name="a b"), "name: must be letters"),
        (msgspec.structs.replace(recipe, lake=5), "lake: must be text"),
    ):
        with pytest.raises(thresher.ConfigError, match=message):
            thresher.run(wrong)


def test_an_incomplete_run_says_what_is_missing(recipe_mapping, sample):
    recipe = recipe_mapping(input={"urls": [sample.shards[0], sample.shards[-1]]})
    result = thresher.run(recipe)
    assert result.status == "incomplete"
    (shard,) = result.incomplete_shards
    assert (shard.uri, shard.status) == (sample.shards[-1].name, "truncated")
    tolerant = {**recipe["run"], "allow_truncated": True}
    assert thresher.run(recipe | {"run": tolerant}).status == "complete"


def test_progress_goes_to_stderr(recipe_mapping, sample, capsys):
    recipe = recipe_mapping(input={"urls": [sample.shards[0]]})
    thresher.run(recipe)
    assert capsys.readouterr() == ("", "")
    thresher.run(recipe | {"name": "again"}, progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "measure: 1/1 shards" in err


@pytest.mark.ray
def test_a_ray_that_is_there_does_the_work_and_goes_on(recipe_mapping, finished, monkeypatch):
    import ray

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    try:
        started = ray.get_runtime_context().get_job_id()
        kept = ray.put("mine")
        # Wherever the recipe would connect to.
        result = thresher.run(recipe_mapping(run={"address": "ray://nowhere:10001"}))
        assert hashes(result) == hashes(finished)
        assert ray.is_initialized()
        assert ray.get_runtime_context().get_job_id() == started
        assert ray.get(kept) == "mine"
        with monkeypatch.context() as patch:
            patch.setattr(module, "execute", lambda *_: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                thresher.run(recipe_mapping(run={}))
        assert ray.get(kept) == "mine"
    finally:
        ray.shutdown()


@pytest.mark.ray
def test_a_ray_that_was_started_here_ends(recipe_mapping, sample):
    import ray

    recipe = recipe_mapping(input={"urls": [sample.shards[0]]}, run={"workers": 2})
    assert thresher.run(recipe).status == "complete"
    assert not ray.is_initialized()


def test_whatever_happens_the_executor_is_closed(recipe_mapping, monkeypatch):
    closed = []

    class Stub:
        def __init__(self, *_):
            pass

        def close(self):
            closed.append(True)

    monkeypatch.setattr(module, "OnRay", Stub)
    for name in ("warm_up", "execute"):
        with monkeypatch.context() as patch:
            patch.setattr(module, "warm_up", lambda: None)
            patch.setattr(module, name, lambda *_: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                thresher.run(recipe_mapping(run={}))
    assert closed == [True, True]


def test_that_kernels_are_compiled_is_said_once(recipe_mapping, monkeypatch, tmp_path):
    said = []

    class Heard(Silent):
        def say(self, text):
            said.append(text)

    monkeypatch.setattr(cache, "folder", lambda: tmp_path)
    for name in ("make_plan", "_run_plan"):
        monkeypatch.setattr(module, name, lambda *_, n=name: cache.compile_once(n, lambda: None))
    for _ in range(2):  # the second time all is compiled
        module.run_recipe(recipe_of(recipe_mapping()), Heard())
    assert said == [module.COMPILING]


@pytest.mark.ray
def test_a_ray_without_cores_is_refused(recipe_mapping):
    import ray

    ray.init(num_cpus=0, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    try:
        recipe = recipe_mapping(run={})
        with pytest.raises(thresher.ConfigError, match="needs 1 CPU, and the cluster has 0"):
            thresher.run(recipe)
        assert [run.status for run in load_runs(Store(str(recipe["lake"])))] == ["running"]
    finally:
        ray.shutdown()
