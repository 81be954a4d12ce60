"""The runs that a recipe is deduplicated against: found by name, id or lake, and whole."""

from __future__ import annotations

import msgspec
import pytest
from small_runs import changed

from thresher.filters.errors import ConfigError, StoreError
from thresher.jobs.earlier import find_earlier
from thresher.jobs.recipe import recipe_of
from thresher.manifests.manifest import manifest_path
from thresher.manifests.run import Failure, save_run
from thresher.manifests.store import Store
from thresher.pipeline.measured import file_of


@pytest.fixture
def lake(small, tmp_path):
    """A copy of a lake with three runs of the same facts, of which the second ended last."""
    store = Store(small.copy(tmp_path)["lake"])
    for run_id, name, finished in (
        ("a-1", "a", "9001"),
        ("a-2", "a", "9003"),
        ("b-1", "b", "9002"),
    ):
        changes = {"run_id": run_id, "name": name, "finished": finished}
        save_run(store, msgspec.structs.replace(small.record, **changes))
    return store


def found(small, *against, lake="/nowhere"):
    recipe = changed(small.recipe, dedup={"against": list(against)})
    return find_earlier(recipe_of({**recipe, "lake": lake}))


@pytest.mark.parametrize(
    ("name", "run_id"),
    [
        ("{lake}", "a-2"),
        ("{lake}#", "a-2"),
        ("{lake}#a", "a-2"),
        ("{lake}#a-1", "a-1"),
        ("{lake}#b", "b-1"),
    ],
)
def test_a_run_of_another_lake(small, lake, name, run_id):
    (run,) = found(small, name.format(lake=lake.url()))
    assert run.run_id == run_id
    assert {shard.lake for shard in run.shards} == {lake.url()}


@pytest.mark.parametrize(("name", "run_id"), [("a", "a-2"), ("a-1", "a-1"), ("b", "b-1")])
def test_a_run_of_the_same_lake(small, lake, name, run_id):
    (run,) = found(small, name, lake=lake.url())
    assert run.run_id == run_id


def test_what_is_known_of_an_earlier_run(small, lake):
    runs = found(small, f"{lake.url()}#b", f"{lake.url()}#a-1")
    assert [run.run_id for run in runs] == ["b-1", "a-1"]
    marks = small.record.fingerprints
    for run in runs:
        assert (run.signed, run.decisions) == (marks["signals/signature"], marks["decisions"])
        assert run.identity == [run.run_id, run.signed, run.decisions]
        assert [shard.key for shard in run.shards] == list(small.stages["text"])
        for shard in run.shards:
            assert shard.run == run.run_id
            assert shard.texts == small.stages["text"][shard.key].output().path
            assert shard.decisions == small.stages["decisions"][shard.key].output().path
            assert file_of(shard, "minhash").startswith(f"signals/signature/{run.signed}/")
    assert found(small) == ()


@pytest.mark.parametrize("stage", ["text", "decisions"])
@pytest.mark.parametrize("lost", ["manifest", "file"])
def test_an_earlier_run_that_lost_a_shard_does_not_go_for_a_smaller_one(small, lake, stage, lost):
    key, manifest = list(small.stages[stage].items())[1]
    place = manifest_path(stage, manifest.fingerprint, key)
    lake.remove(place if lost == "manifest" else manifest.output().path)
    said = "lacks documents or decisions of 1 of 3 shards of run a-2; its recipe makes them again"
    with pytest.raises(StoreError, match=said):
        found(small, lake.url())
    # One that failed to measure it never had it.
    failures = [Failure("text", key, "ValueError: no")]
    save_run(lake, msgspec.structs.replace(small.record, run_id="c-1", failures=failures))
    (run,) = found(small, f"{lake.url()}#c-1")
    assert key not in [shard.key for shard in run.shards]
    assert len(run.shards) == 2


@pytest.mark.parametrize("stage", ["text", "decisions"])
def test_a_run_without_decisions_keeps_nothing(small, lake, stage):
    marks = {s: mark for s, mark in small.record.fingerprints.items() if s != stage}
    save_run(lake, msgspec.structs.replace(small.record, run_id="c-1", fingerprints=marks))
    with pytest.raises(ConfigError, match=r"^dedup\.against: run c-1 has not judged its documents"):
        found(small, f"{lake.url()}#c-1")


def test_a_run_that_signed_otherwise_is_refused(small, lake):
    for section, setting in (
        ("minhash", {"ngram": 7}),
        ("minhash", {"numbers": "fold"}),
        ("dedup", {"permutations": 64}),
    ):
        recipe = changed(small.recipe, dedup={"against": [lake.url()]})
        with pytest.raises(
            ConfigError, match=r"^dedup\.against: run a-2 signed its documents with"
        ):
            find_earlier(
                recipe_of(changed(recipe, **{section: {**recipe.get(section, {}), **setting}}))
            )
    strange = {**small.record.recipe, "no_such_section": {}}
    save_run(lake, msgspec.structs.replace(small.record, run_id="c-1", recipe=strange))
    with pytest.raises(ConfigError, match="run c-1 has a recipe of another version"):
        found(small, f"{lake.url()}#c-1")


def test_a_run_from_before_numbers_could_be_kept_has_folded_them(small, lake):
    minhash = {k: v for k, v in small.record.recipe["minhash"].items() if k != "numbers"}
    for written in ({**small.record.recipe, "minhash": minhash}, {**small.record.recipe}):
        if written["minhash"] == small.record.recipe["minhash"]:
            del written["minhash"]
        save_run(lake, msgspec.structs.replace(small.record, run_id="c-1", recipe=written))
        with pytest.raises(ConfigError, match=r"with .*numbers='fold'.* with .*numbers='keep'"):
            found(small, f"{lake.url()}#c-1")
        folds = changed(small.recipe, minhash={"numbers": "fold"})
        folds = changed(folds, dedup={"against": [f"{lake.url()}#c-1"]})
        (run,) = find_earlier(recipe_of({**folds, "lake": "/nowhere"}))
        assert run.run_id == "c-1"
