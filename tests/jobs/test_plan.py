"""What is wrong with a recipe is said before anything is written."""

from __future__ import annotations

import json
import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from small_runs import changed

from thresher.classifiers.language import LanguageIdentifier
from thresher.classifiers.quality import QualityModel
from thresher.filters.errors import ConfigError, InputError, StoreError
from thresher.jobs.api.result import result_of
from thresher.jobs.executor import InProcess
from thresher.jobs.plan import make_plan
from thresher.jobs.progress import Silent
from thresher.jobs.recipe import read_recipe, recipe_of
from thresher.jobs.run import execute
from thresher.manifests.layout import GROUPS
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


def rows(folder, name, *records):
    path = folder / name
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return str(path)


def planned(recipe_for, tmp_path, urls, extra=""):
    return make_plan(read_recipe(recipe_for(tmp_path / "lake", urls, extra)), "some.toml")


def test_a_wrong_text_field_says_which_fields_there_are(recipe_for, tmp_path):
    lines = rows(tmp_path, "a.jsonl", *[{"id": i, "body": "x", "text_en": "y"} for i in range(300)])
    table = tmp_path / "b.parquet"
    pq.write_table(pa.table({"id": [1], "body": ["x"], "text_en": ["y"]}), table)
    for urls in ([lines], [str(table)], [lines, str(table)]):
        with pytest.raises(ConfigError) as caught:
            planned(recipe_for, tmp_path, urls)
        name = urls[0].rpartition("/")[2]
        assert str(caught.value) == (
            f"some.toml: input.text_field: {name} has no field 'text'; its fields are id, body, "
            "text_en. Did you mean 'text_en'?"
        )


def test_where_some_rows_may_have_the_text_the_run_will_tell(recipe_for, sample, tmp_path):
    none = {"body": "x"}
    lines = rows(tmp_path, "a.jsonl", *[none] * 99, {"text": "x"})
    null = rows(tmp_path, "b.jsonl", *[{"text": None, "body": "x"}] * 300)
    bad = rows(tmp_path, "c.jsonl", *[none] * 300)
    good = rows(tmp_path, "d.jsonl", *[{"text": "x"}] * 3)
    cut = tmp_path / "e.jsonl"
    cut.write_bytes(b"")
    for urls in ([lines], [null], [bad, good], [good, str(sample.shards[0])], [str(cut)]):
        planned(recipe_for, tmp_path, urls)
    with pytest.raises(ConfigError, match=r"c\.jsonl has no field 'text'; its fields are body"):
        planned(recipe_for, tmp_path, [str(sample.shards[0]), bad])


def test_a_shard_without_the_text_says_in_a_run_which_fields_it_has(recipe_for, tmp_path):
    bad = rows(tmp_path, "c.jsonl", *[{"body": "x"}] * 3)
    good = rows(tmp_path, "d.jsonl", *[{"text": "x"}] * 3)
    plan = planned(recipe_for, tmp_path, [bad, good])
    record = execute(plan, InProcess(), Silent())
    (missing,) = result_of(plan.store, record).incomplete_shards
    assert missing.error.startswith("missing_text: has no field 'text'; its fields are body.")


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ("[judge]\npolicy = 'web_en'", "judge.policy 'web_en': no such policy. Did you mean"),
        ("[judge]\npolicy = 'nowhere.toml'", "judge.policy: "),
        ("[quality]\nmodel = 'nowhere.bin'", "quality.model: "),
        (
            "[quality]\nmodel = 'machine-text-en@1'",
            "quality.model: machine-text-en@1: has the role",
        ),
        ("[machine_text]\nmodel = 'nothing@1'", "machine_text.model: nothing@1: no such model"),
        (
            "[[scores]]\nname = 'a'\nmeaning = 'A.'\nmodel = 'nothing@1'",
            "scores[0].model: nothing@1",
        ),
        ("[[guests]]\nfilter = 'datatrove.Nothing'", "guests[0].filter: no filter"),
        (
            "[[decontaminate]]\nname = 'a'\npath = 'no.jsonl'\nfields = ['q']",
            "decontaminate[0].path: ",
        ),
    ],
)
def test_what_is_wrong_carries_the_name_of_the_recipe(recipe_for, tmp_path, extra, said):
    with pytest.raises((ConfigError, InputError)) as caught:
        planned(recipe_for, tmp_path, None, extra)
    assert str(caught.value).startswith(f"some.toml: {said}")


def test_an_input_that_is_missing_carries_it_too(recipe_for, tmp_path):
    with pytest.raises(InputError, match=r"^some\.toml: input\.urls\[0\]: "):
        planned(recipe_for, tmp_path, ["nowhere/*.warc.gz"])
    mine = tmp_path / "mine.toml"
    mine.write_text('name = "mine"\nversion = "one"\n')
    with pytest.raises(ConfigError, match=r"^mine\.toml: version: must be a whole number, not the"):
        planned(recipe_for, tmp_path, None, f'[judge]\npolicy = "{mine}"')


def test_a_lake_that_is_a_file_is_said_before_any_work(recipe_for, tmp_path):
    (tmp_path / "lake").write_text("mine")
    with pytest.raises(StoreError, match="is a file, and a lake is a folder"):
        planned(recipe_for, tmp_path, None, "")
    assert (tmp_path / "lake").read_text() == "mine"


def test_a_plan_names_all_that_a_run_uses(small):
    plan = make_plan(recipe_of(small.recipe))
    assert [shard.name for shard in plan.inputs] == [path.name for path in small.shards]
    assert [(model.role, model.url, model.sha256) for model in plan.models] == [
        ("language", "lid.176.ftz", LanguageIdentifier().sha256),
        ("quality", "quality-en@1", QualityModel("quality-en@1").sha256),
        ("machine_text", "machine-text-en@1", QualityModel("machine-text-en@1").sha256),
        ("scores.thousands", "scorer_heads.py:length", plan.scorers[0].source),
    ]
    assert plan.signals.quality.name == "quality-en@1"
    assert plan.signals.machine_text.name == "machine-text-en@1"
    assert [scorer.settings.name for scorer in plan.scorers] == ["thousands"]
    assert [each.settings.name for each in plan.evaluation_sets] == ["barley"]
    assert plan.policy.name == "small"
    assert plan.earlier == ()
    assert re.fullmatch(r"small-[0-9a-f]{8}", plan.run_id)
    assert plan.run_id == small.record.run_id
    assert plan.marks.items() <= small.record.fingerprints.items()
    assert plan.marks.keys() == {"text", *GROUPS}


def test_a_model_that_is_not_wanted_is_not_loaded(small):
    recipe = changed(small.recipe, quality={"model": ""}, machine_text={"model": ""})
    plan = make_plan(recipe_of(recipe))
    assert [model.role for model in plan.models] == ["language", "scores.thousands"]
    assert plan.signals.quality is plan.signals.machine_text is None
    assert not plan.marks.keys() & {"signals/quality", "signals/machine_text"}


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
    assert plan.measured() == small.stages["text"]
    two = make_plan(recipe_of(changed(recipe, input={"urls": recipe["input"]["urls"][:2]})))
    keys = [shard.key for shard in two.inputs]
    assert list(two.measured()) == sorted(keys)
    assert len(keys) == 2
    plan.store.remove(manifest_path("text", plan.marks["text"], keys[0]))
    assert list(two.measured()) == keys[1:]


def test_what_a_run_wrote_is_not_what_it_reads(small, tmp_path):
    recipe = small.copy(tmp_path)
    (tmp_path / "lake" / "mine.jsonl").write_text(json.dumps({"text": "x"}))
    for urls in ([f"{tmp_path}/lake/*.jsonl"], [f"{tmp_path}/lake/../lake/mine.jsonl"]):
        with pytest.raises(InputError, match="inside the lake"):
            make_plan(recipe_of(changed(recipe, input={"urls": urls})))
