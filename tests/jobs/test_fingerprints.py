"""What is stale after a change: every setting, version and file, by `fingerprint_table.py`.

A finished run with every stage is planned again with one thing changed. Its tasks are not run: old
manifests answer for them, and their stages, keys and fingerprints are compared.
"""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
import shutil
import types
import typing

import msgspec
import pytest
from fingerprint_table import (
    AFTER,
    BESIDES,
    CHANGES,
    COUNTED,
    MODEL_FIELDS,
    RUN_FAMILIES,
    VERSIONS,
    stale,
)
from stale_facts import Finished, only_planned, swap

import thresher.pipeline
from thresher.classifiers.calibration import Platt
from thresher.classifiers.language import LanguageIdentifier
from thresher.classifiers.registry import Model
from thresher.filters.policy import Policy
from thresher.filters.policy.types import (
    Condition,
    Duplicates,
    LanguageBounds,
    MedianBound,
    Rule,
)
from thresher.filters.signals import DOCUMENT_FAMILIES, FAMILIES
from thresher.filters.transforms.cuts import CUTS
from thresher.filters.transforms.registry import TRANSFORMS
from thresher.jobs import plan as planning
from thresher.jobs.earlier import EarlierRun
from thresher.jobs.recipe import Recipe, recipe_of
from thresher.jobs.staleness import ENTERS
from thresher.manifests.layout import stage_of
from thresher.pipeline import guests
from thresher.pipeline.extract import PROFILE_VERSIONS
from thresher.pipeline.read import inputs


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    made = Finished(tmp_path_factory.mktemp("finished"))
    with only_planned():
        yield made


def fields(kind, path=""):
    """Paths of all settings of a struct: its own, and those of the structs in them."""
    hints = typing.get_type_hints(kind)
    for field in msgspec.structs.fields(kind):
        name = f"{path}{field.encode_name}"
        found = list(structs(hints[field.name]))
        listed = typing.get_origin(hints[field.name]) is tuple
        if listed or not found:
            yield name
        for each in found:
            yield from fields(each, f"{name}{'[]' * listed}.")


def structs(hint):
    """The structs that a type speaks of."""
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        yield hint
    elif typing.get_origin(hint) in (tuple, list, dict, typing.Union, types.UnionType):
        for each in typing.get_args(hint):
            yield from structs(each)


def test_every_setting_is_in_the_table():
    assert sorted(fields(Recipe)) == sorted({change.setting for change in CHANGES})


def test_what_plan_says_of_settings_is_the_table():
    entered: dict[str, set[str]] = {}
    for change in CHANGES:
        entered.setdefault(change.setting, set()).update(change.enters.split())
    assert entered.keys() == ENTERS.keys()
    for setting, stages in ENTERS.items():
        # Whether these enter the judging too depends on what the policy looks at.
        if setting not in ("decontaminate", "guests", "scores"):
            assert entered[setting] - {"thresholds"} == {*stages} - {"thresholds"}, setting


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.setting)
def test_a_setting_makes_stale_what_it_enters(finished, change):
    base = finished.changed(change.base)
    before, named = finished.facts(base) if change.base else finished.before
    facts, run_id = finished.facts(finished.changed({change.setting: change.value}, base))
    assert {stage for stage, _, _ in facts - before} == stale(*change.enters.split()) - (
        AFTER.keys() - {stage for stage, _, _ in facts}
    )
    assert (run_id != named) == (bool(change.enters) if change.named is None else change.named)


def test_nothing_is_stale_where_nothing_changed(finished):
    assert finished.stale() == ({}, False)
    facts, _ = finished.before
    assert {stage for stage, _, _ in facts} == set(AFTER)


def test_the_order_of_inputs_is_nothing(finished):
    urls = [str(path) for path in finished.shards]
    for order in (urls[::-1], [*urls, urls[1]], [str(finished.shards[0].parent / "*.jsonl")]):
        assert finished.stale(finished.changed({"input.urls": order})) == ({}, False)


def modules_with_versions():
    """The modules of `thresher.pipeline` that have a version, by their names in it."""
    found = {}
    for each in pkgutil.walk_packages(thresher.pipeline.__path__, "thresher.pipeline."):
        module = importlib.import_module(each.name)
        if isinstance(vars(module).get("VERSION"), int):
            found[each.name.removeprefix("thresher.pipeline.")] = module
    return found


def test_every_version_of_a_stage_is_in_the_table():
    assert sorted(modules_with_versions()) == sorted(VERSIONS)
    entered = {stage for enters in VERSIONS.values() for stage in enters.split()}
    # These have the version of the stage before or after them in their module.
    assert set(AFTER) - entered == {
        *("names", "line_counts", "candidates", "pages", "survivors", "decisions")
    }


@pytest.mark.parametrize("name", VERSIONS)
def test_a_version_makes_stale_what_its_stage_writes(finished, monkeypatch, name):
    module = modules_with_versions()[name]
    monkeypatch.setattr(module, "VERSION", module.VERSION + 1)
    found, named = finished.stale()
    entered = VERSIONS[name].split()
    assert set(found) == stale(*entered)
    assert named == any(stage in ("text", "evaluation_index") or "/" in stage for stage in entered)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_family_makes_stale_what_measures_it(finished, monkeypatch, family):
    swap(monkeypatch, family, dataclasses.replace(family, version=family.version + 1))
    if family in DOCUMENT_FAMILIES:
        entered = [stage_of(family.name), *BESIDES.get(family.name, "").split()]
        # The junk model looks at all of the rules' signals.
        entered += ["signals/junk"] * (entered[0] == "signals/rules")
    else:
        entered = [RUN_FAMILIES[family.name]]
    assert set(finished.stale()[0]) == stale(*entered) | {*COUNTED.get(family.name, "").split()}


@pytest.mark.parametrize("transform", [*TRANSFORMS, *CUTS], ids=lambda each: each.name)
def test_a_transform_makes_stale_what_it_changed(finished, monkeypatch, transform):
    recipe = finished.changed({"curated.transforms": [transform.name]})
    before, _ = finished.facts(recipe)
    swap(monkeypatch, transform, dataclasses.replace(transform, version=transform.version + 1))
    facts, _ = finished.facts(recipe)
    assert {stage for stage, _, _ in facts - before} == {"parts", "curated"}


def test_another_datatrove_makes_stale_what_its_guests_did(finished, monkeypatch):
    formatter = {"curated.transforms": [{"formatter": "datatrove.PIIFormatter"}]}
    recipe = finished.changed({**formatter, "guests": []})
    before, _ = finished.facts(recipe)
    monkeypatch.setattr(guests, "version", lambda package: f"{package} of tomorrow")
    assert {stage for stage, _, _ in finished.facts(recipe)[0] - before} == {"parts", "curated"}
    assert set(finished.stale()[0]) == {"signals/guests"}


@pytest.mark.parametrize("profile", PROFILE_VERSIONS)
def test_a_profile_makes_stale_what_it_extracted(finished, monkeypatch, profile):
    monkeypatch.setitem(PROFILE_VERSIONS, profile, PROFILE_VERSIONS[profile] + 1)
    assert set(finished.stale()[0]) == (stale("text") if profile == "balanced" else set())


OTHER_MODEL = {
    "name": "other@1",
    "url": "file:///other.bin",
    "role": "language",
    "sha256": "0" * 64,
    "positive_label": "__label__other",
    "text": "letters",
    "max_characters": 5,
    "calibration": Platt(slope=2.0, intercept=0.5),
    "languages": ("en", "de"),
    "licence": "other",
    "source": "other",
    "summary": "other",
    "note": "other",
    "origin": "user",
}


def test_every_fact_of_a_model_is_in_the_table():
    assert list(Model.__struct_fields__) == list(MODEL_FIELDS) == list(OTHER_MODEL)


@pytest.mark.parametrize("role", ["quality", "machine_text", "scores"])
@pytest.mark.parametrize("field", MODEL_FIELDS)
def test_a_model_is_what_decides_its_scores(finished, monkeypatch, role, field):
    wanted = {"quality": "quality-en@1", "machine_text": "machine-text-en@1"}.get(role)
    scorer = {"scores[].callable": "", "scores[].model": "quality-en@1"}
    recipe = finished.recipe if wanted else finished.changed(scorer)
    before, _ = finished.before if wanted else finished.facts(recipe)

    def other(model):
        return msgspec.structs.replace(model, **{field: OTHER_MODEL[field]})

    if wanted:
        real = planning.QualityModel

        def found(name, *arguments):
            model = real(name, *arguments).model
            return types.SimpleNamespace(model=other(model) if name == wanted else model)

        monkeypatch.setattr(planning, "QualityModel", found)
    else:
        check = planning.check_scorers

        def checked(*arguments):
            return tuple(
                msgspec.structs.replace(each, model=other(each.model)) for each in check(*arguments)
            )

        monkeypatch.setattr(planning, "check_scorers", checked)
    facts, _ = finished.facts(recipe)
    entered = [f"signals/{role}" if wanted else "model_scores"] * MODEL_FIELDS[field]
    assert {stage for stage, _, _ in facts - before} == stale(*entered)


def test_the_language_model_is_one_of_them(finished, monkeypatch):
    real = planning.LanguageIdentifier()
    monkeypatch.setattr(planning, "LanguageIdentifier", lambda: types.SimpleNamespace(sha256="0"))
    assert real.sha256 == LanguageIdentifier().sha256 != "0"
    assert set(finished.stale()[0]) == stale("text")


def test_a_scorers_code_is_known_by_what_it_says(finished, tmp_path):
    before = finished.scorers.read_text()
    moved = tmp_path / finished.scorers.name
    moved.write_text(before)
    assert finished.stale(finished.changed({"scores[].callable": f"{moved}:length"})) == ({}, False)
    moved.write_text(before + "# another\n")
    found, named = finished.stale(finished.changed({"scores[].callable": f"{moved}:length"}))
    assert set(found) == stale("model_scores")
    assert named


def test_an_evaluation_set_is_known_by_what_it_says(finished, tmp_path):
    path = tmp_path / "questions.jsonl"
    shutil.copy(finished.folder / "questions.jsonl", path)
    assert finished.stale(finished.changed({"decontaminate[].path": str(path)})) == ({}, False)
    path.write_text(path.read_text() + "\n")
    found, named = finished.stale(finished.changed({"decontaminate[].path": str(path)}))
    assert set(found) == stale("evaluation_index")
    assert named


def test_a_policy_is_known_by_what_it_says(finished, tmp_path):
    path = tmp_path / "renamed.toml"
    shutil.copy(finished.folder / "small.toml", path)
    assert finished.stale(finished.changed({"judge.policy": str(path)})) == ({}, False)


OTHER_POLICY = {
    Policy: {
        "name": "other",
        "version": 2,
        "source": "other",
        "rules": (),
        "duplicates": Duplicates(),
    },
    Rule: {
        "reason": "other",
        "meaning": "other",
        "signal": "length.lines",
        "below": 61,
        "above": 10_000,
        "ties_above": "f",
        "is_": True,
        "in_": ("a",),
        "not_in": ("a",),
        "keep_top": 0.8,
        "keep_top_of": "language",
        "below_median": MedianBound(least=0.1, most=0.2),
        "by_language": {"en": LanguageBounds(below=3)},
        "all": (Condition(signal="length.lines", above=3),),
        "missing": "drop",
    },
    Duplicates: {
        "drop": ("exact",),
        "priority": ("wiki",),
        "newest": False,
        "prefer": "length.words",
    },
}


def test_the_whole_policy_is_in_the_table():
    for kind, fields_of in OTHER_POLICY.items():
        assert sorted(kind.__struct_fields__) == sorted(fields_of)


@pytest.fixture(scope="module")
def unresolved(finished):
    """The facts of the run where a policy is judged by as it stands, without old thresholds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("thresher.jobs.stages.judge.resolve", lambda policy, _: policy)
        yield finished.facts()


@pytest.mark.parametrize(
    ("kind", "field"), [(kind, field) for kind, found in OTHER_POLICY.items() for field in found]
)
def test_a_policy_makes_stale_what_it_judged(finished, unresolved, monkeypatch, kind, field):
    read = planning.read_policy

    def other(*wanted):
        policy = read(*wanted)
        changes = {field: OTHER_POLICY[kind][field]}
        if kind is Policy:
            return msgspec.structs.replace(policy, **changes)
        if kind is Duplicates:
            duplicates = msgspec.structs.replace(policy.duplicates, **changes)
            return msgspec.structs.replace(policy, duplicates=duplicates)
        first, *rest = policy.rules
        rules = (msgspec.structs.replace(first, **changes), *rest)
        return msgspec.structs.replace(policy, rules=rules)

    before, named = unresolved
    monkeypatch.setattr(planning, "read_policy", other)
    facts, run_id = finished.facts()
    assert {stage for stage, _, _ in facts - before} == stale("thresholds")
    assert run_id != named


EARLIER = {"run_id": "edges", "signed": "bands", "decisions": "bands", "shards": "edges"}


def test_every_fact_of_an_earlier_run_is_in_the_table():
    assert list(EarlierRun.__struct_fields__) == list(EARLIER)


@pytest.mark.parametrize("field", EARLIER)
def test_an_earlier_run_is_what_it_kept(finished, monkeypatch, field):
    find = planning.find_earlier

    def other(recipe):
        (old,) = find(recipe)
        return (msgspec.structs.replace(old, **{field: () if field == "shards" else "other"}),)

    monkeypatch.setattr(planning, "find_earlier", other)
    found, named = finished.stale()
    assert set(found) == stale(EARLIER[field])
    # Its decisions say which shards it had.
    assert named == (field != "shards")
    assert not found.get("bands", set()) & {shard.key for shard in listed(finished)}


def listed(finished):
    """The run's input shards, as they are now."""
    return inputs.list_inputs(recipe_of(finished.recipe).input, "")


def test_an_input_is_its_place_its_size_and_its_tag(finished, monkeypatch):
    look = inputs._infos
    first = str(finished.shards[0])
    (key,) = {shard.key for shard in listed(finished) if shard.uri.endswith(first)}
    for change in ({"size": 1}, {"ETag": "another"}, {"md5Hash": "another"}):

        def other(url, change=change):
            return [{**info, **change} if url == first else info for info in look(url)]

        monkeypatch.setattr(inputs, "_infos", other)
        found, named = finished.stale()
        (new,) = {shard.key for shard in listed(finished) if shard.uri.endswith(first)}
        assert new != key
        assert named
        assert set(found) == stale("text")
        for stage in ("text", "signals/rules", "signals/guests", "bands", "model_scores"):
            assert found[stage] == {new}
    monkeypatch.setattr(inputs, "_infos", look)
    shutil.copy2(first, finished.folder / "crawl" / "renamed.jsonl")
    urls = [str(finished.folder / "crawl" / "renamed.jsonl"), *map(str, finished.shards[1:])]
    found, named = finished.stale(finished.changed({"input.urls": urls}))
    assert named
    assert len(found["text"]) == 1
    assert found["text"] != {key}
    assert len(found["decisions"]) == 3
