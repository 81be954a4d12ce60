"""What is wrong with a recipe is said before anything is written."""

from __future__ import annotations

import json
import re

import pytest
from small_runs import changed

from thresher.classifiers.language import LanguageIdentifier
from thresher.classifiers.quality import QualityModel
from thresher.filters.errors import ConfigError, InputError
from thresher.jobs.plan import make_plan
from thresher.jobs.recipe import read_recipe, recipe_of
from thresher.manifests.manifest import manifest_path


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ("[gates]\nlanguagess = ['en']", r"gates\.languagess: unknown setting.*'languages'"),
        ("[gates]\nlanguage_score = 2.0", r"gates\.language_score"),
        ("[judge]\npolicy = 'web_en'", r"web_en.*'web-en'"),
        ("[judge]\npolicy = 'nowhere.toml'", r"nowhere\.toml cannot be read"),
        ("[quality]\nmodel = 'nowhere.bin'", r"nowhere\.bin"),
        ("[dedup]\nbands = 0", r"dedup\.bands"),
        ("[run]\nworkers = 'two'", r"run\.workers"),
        ("[nonsense]", r"nonsense: unknown setting"),
    ],
)
def test_a_wrong_recipe_names_the_setting(recipe_for, tmp_path, extra, message):
    with pytest.raises(ConfigError, match=message):
        make_plan(read_recipe(recipe_for(tmp_path / "lake", extra=extra)))
    assert not (tmp_path / "lake").exists()


def test_missing_inputs_are_named(recipe_for, tmp_path):
    with pytest.raises(InputError, match=r"input\.urls\[0\]"):
        make_plan(read_recipe(recipe_for(tmp_path / "lake", ["nowhere/*.warc.gz"])))
    with pytest.raises(InputError, match=r"nowhere\.toml"):
        read_recipe(tmp_path / "nowhere.toml")


def test_a_policy_with_an_unknown_signal_is_refused(recipe_for, tmp_path):
    policy = tmp_path / "mine.toml"
    policy.write_text(
        'name = "mine"\nversion = 1\n'
        '[[rules]]\nreason = "short"\nsignal = "length.word"\nbelow = 5\n'
    )
    recipe = recipe_for(tmp_path / "lake", extra=f'[judge]\npolicy = "{policy}"')
    with pytest.raises(ConfigError, match=r"rules\[0\]\.signal.*length\.words"):
        make_plan(read_recipe(recipe))


def test_a_plan_names_all_that_a_run_uses(small):
    plan = make_plan(recipe_of(small.recipe))
    assert [shard.name for shard in plan.inputs] == [path.name for path in small.shards]
    assert [(model.role, model.url, model.sha256) for model in plan.models] == [
        ("language", "lid.176.ftz", LanguageIdentifier().sha256),
        ("quality", "quality-en@1", QualityModel("quality-en@1").sha256),
        ("machine_text", "machine-text-en@1", QualityModel("machine-text-en@1").sha256),
        ("scores.thousands", "scorer_heads.py:length", plan.scorers[0].source),
    ]
    assert {family: model.name for family, model in plan.scored.items()} == {
        "quality": "quality-en@1",
        "machine_text": "machine-text-en@1",
    }
    assert [scorer.settings.name for scorer in plan.scorers] == ["thousands"]
    assert [each.settings.name for each in plan.evaluation_sets] == ["barley"]
    assert plan.policy.name == "small"
    assert plan.earlier == ()
    assert re.fullmatch(r"small-[0-9a-f]{8}", plan.run_id)
    assert plan.run_id == small.record.run_id
    assert plan.documents_fingerprint == small.record.fingerprints["documents"]


def test_a_model_that_is_not_wanted_is_not_loaded(small):
    recipe = changed(small.recipe, quality={"model": ""}, machine_text={"model": ""})
    plan = make_plan(recipe_of(recipe))
    assert [model.role for model in plan.models] == ["language", "scores.thousands"]
    assert plan.scored == {"quality": None, "machine_text": None}


def test_a_plan_writes_nothing_and_is_the_same_for_any_lake(small, tmp_path):
    plans = [
        make_plan(recipe_of({**small.recipe, "lake": lake}))
        for lake in (str(tmp_path / "lake"), "memory://planned")
    ]
    assert {plan.run_id for plan in plans} == {small.record.run_id}
    assert list(tmp_path.iterdir()) == []
    assert [plan.measured() for plan in plans] == [{}, {}]


def test_what_is_measured_is_of_the_plans_own_inputs(small, tmp_path):
    recipe = small.copy(tmp_path)
    plan = make_plan(recipe_of(recipe))
    assert plan.measured() == small.stages["documents"]
    two = make_plan(recipe_of(changed(recipe, input={"urls": recipe["input"]["urls"][:2]})))
    keys = [shard.key for shard in two.inputs]
    assert list(two.measured()) == sorted(keys)
    assert len(keys) == 2
    plan.store.remove(manifest_path("documents", plan.documents_fingerprint, keys[0]))
    assert list(two.measured()) == keys[1:]


def test_what_a_run_wrote_is_not_what_it_reads(small, tmp_path):
    recipe = small.copy(tmp_path)
    (tmp_path / "lake" / "mine.jsonl").write_text(json.dumps({"text": "x"}))
    for urls in ([f"{tmp_path}/lake/*.jsonl"], [f"{tmp_path}/lake/../lake/mine.jsonl"]):
        with pytest.raises(InputError, match="inside the lake"):
            make_plan(recipe_of(changed(recipe, input={"urls": urls})))
