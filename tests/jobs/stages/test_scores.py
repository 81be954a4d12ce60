"""A recipe's own scorers: signals that policies judge by, and what they may not do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from calling import invoke

from thresher.classifiers.scorers import Resources, Scorer, ScorerSettings
from thresher.filters.errors import ConfigError
from thresher.filters.policy import policy_from_mapping
from thresher.jobs.api.result import result_of
from thresher.jobs.api.state import state_of
from thresher.jobs.executor import InProcess, Needs, OnRay
from thresher.jobs.plan import make_plan
from thresher.jobs.progress import Silent
from thresher.jobs.recipe import read_recipe
from thresher.jobs.run import execute
from thresher.jobs.stages.scores import with_scores
from thresher.manifests import catalog
from thresher.manifests.manifest import Manifest, Output, load_all
from thresher.pipeline.inspect.explain import explain
from thresher.pipeline.shards import ShardRef

HEADS = Path(__file__).with_name("scorer_heads.py")
TEXTS = {
    "1": "The river carries silt where the valley widens.",
    "2": "Buy cheap pills now.",
    "3": "This is unknowable to the model.",
    "4": "word " * 300,
}
HEAD = f"""
[[scores]]
name = "helpful"
factory = "{HEADS}:make_head"
arguments = {{ seed = 3 }}
meaning = "Probability that the made-up head likes the text."
range = [0, 1]
batch_texts = 2
"""
LENGTH = f"""
[[scores]]
name = "thousands"
callable = "{HEADS}:length"
meaning = "Characters, in thousands."
"""


def recipe(folder: Path, scores: str, rule: str = 'signal = "scores.thousands"\nabove = 1') -> Path:
    folder.mkdir(exist_ok=True)
    lines = (json.dumps({"id": name, "text": text}) + "\n" for name, text in TEXTS.items())
    (folder / "texts.jsonl").write_text("".join(lines), encoding="utf-8")
    policy = f'name = "mine"\nversion = 1\n[[rules]]\nreason = "too_much"\n{rule}\n'
    (folder / "mine.toml").write_text(policy, encoding="utf-8")
    path = folder / "recipe.toml"
    path.write_text(
        'name = "scored"\nlake = "lake"\n[input]\nurls = ["texts.jsonl"]\n'
        "[gates]\nlanguages = []\nmin_characters = 1\nurl_blocklist = false\n"
        f'[judge]\npolicy = "mine.toml"\n{scores}',
        encoding="utf-8",
    )
    return path


def run(path: Path, executor=None):
    plan = make_plan(read_recipe(path))
    return plan, execute(plan, executor or InProcess(), Silent())


def asked(plan, sql):
    with catalog.connect(plan.store) as database:
        return database.execute(sql).fetchall()


def test_scores_are_signals(tmp_path):
    plan, record = run(recipe(tmp_path, HEAD + LENGTH))
    assert not record.failures
    assert record.status == "complete"
    query = "SELECT record_id, scores.helpful, scores.thousands FROM measured ORDER BY record_id"
    found = {name: scores for name, *scores in asked(plan, query)}
    assert found["3"][0] is None
    assert all(0 < found[name][0] < 1 for name in "124")
    assert {name: score for name, (_, score) in found.items()} == {
        name: pytest.approx(len(text.rstrip()) / 1000) for name, text in TEXTS.items()
    }
    assert asked(plan, "SELECT record_id, reason FROM dropped") == [("4", "too_much")]
    with catalog.connect(plan.store) as database:
        explained = explain(database, "4", _policy(record))
    assert explained.signals["scores.thousands"] == 1.499
    roles = {model.role: model for model in record.models}
    assert len(roles["scores.helpful"].sha256) == 64


def _policy(record):
    return policy_from_mapping(record.policy, "run")


def test_a_new_scorer_does_not_read_the_crawl_again(tmp_path):
    first, _ = run(recipe(tmp_path, LENGTH))
    path = recipe(tmp_path, LENGTH + HEAD, 'signal = "scores.helpful"\nkeep_top = 0.5')
    second, record = run(path)
    assert first.marks == second.marks
    query = "FROM measured JOIN kept USING (shard, row) WHERE measured.scores.helpful > 0"
    ((kept,),) = asked(second, f"SELECT count(*) {query}")
    assert kept == 2
    again, _ = run(recipe(tmp_path, LENGTH + HEAD.replace("seed = 3", "seed = 4")))
    assert again.run_id != record.run_id


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            ("length", "broken"),
            "fails on a batch of two plain texts: gave nan, which is no score",
        ),
        (("length", "too_few"), "gave 1 scores for 2 texts"),
        (("length", "words"), "gave a value of type str, which is no score"),
        (("length", "missing"), "has no function 'missing'"),
        ((":length", ""), "names no function"),
        ((str(HEADS), "no.such.module"), "cannot be imported: ModuleNotFoundError"),
        (('callable = "', 'model = "lid.176@1"\ncallable = "'), "exactly one of"),
        (("callable", "arguments = {a = 1}\ncallable"), "go with a factory"),
        (('"thousands"', '"Thousands"'), "lower case words"),
        (('"Characters, in thousands."', '"Short."\nrange = [0.9, 1]'), "outside [0.9, 1]"),
        (('"Characters, in thousands."', '"Short."\nrange = [1, 0]'), "must rise"),
        (('"Characters, in thousands."', f'"Short."\nsha256 = "{"0" * 64}"'), "the source of"),
        (('callable = "', 'model = "lid.176@1"\n#'), "is a language model"),
    ],
)
def test_what_a_scorer_may_not_do(tmp_path, change, said):
    with pytest.raises(ConfigError) as caught:
        make_plan(read_recipe(recipe(tmp_path, LENGTH.replace(*change))))
    assert said in str(caught.value)
    assert "scores" in str(caught.value) or "lid.176" in str(caught.value)


def bombed(folder, count, bombs, extra="", **files):
    """A run of so many texts, some of which the scorer fails on."""
    path = recipe(folder, LENGTH.replace(":length", ":bombed") + extra)
    lines = [
        json.dumps({"id": str(i), "text": f"Text {i} says this." + " bomb" * (i in bombs)})
        for i in range(count)
    ]
    (folder / "texts.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return run(path, **files)


def ids_of(plan, bombs):
    found = asked(plan, "SELECT record_id, id FROM documents")
    return {identity for name, identity in found if int(name) in bombs}


def test_a_text_that_a_scorer_fails_on_is_null_and_told(tmp_path):
    bombs = {7, 8, 150}
    plan, record = bombed(tmp_path, 300, bombs, "batch_texts = 4\n")
    assert (record.status, record.failures, record.exceeded) == ("complete", [], [])
    query = "SELECT record_id FROM measured WHERE scores.thousands IS NULL"
    assert {int(name) for (name,) in asked(plan, query)} == bombs
    (found,) = load_all(plan.store, "model_scores", record.fingerprints["model_scores"]).values()
    assert found.facts["asked"] == {"thousands": 300}
    assert found.facts["defined"] == {"thousands": 297}
    facts = found.facts["failed"]["thousands"]
    assert facts["texts"] == 3
    assert {each["id"] for each in facts["first"]} == ids_of(plan, bombs)
    problem = facts["first"][0]["problem"]
    assert problem.startswith("ValueError: refused https://host/x and ")
    assert "secret" not in problem
    assert len(problem) <= 300
    assert problem.endswith("words …")
    notes = result_of(plan.store, record).notes
    assert notes[0].startswith("scores.thousands is NULL where it failed on 3 of 300 texts: docum")
    assert all(each["id"] in notes[0] for each in facts["first"])
    assert state_of(plan.store, record).notes == notes
    assert "failed on 3 of 300 texts" in plan.store.read_bytes("report.html").decode()
    # The same again elsewhere.
    plan, record = bombed(tmp_path / "again", 300, bombs, "batch_texts = 4\n")
    (again,) = load_all(plan.store, "model_scores", record.fingerprints["model_scores"]).values()
    assert again.output().sha256 == found.output().sha256
    assert again.facts == found.facts
    for command in (["plan", "recipe.toml"], ["status", "lake"], ["run", "recipe.toml", "-q"]):
        extra = ["--in-process"] if command[0] == "run" else []
        shown = invoke(command[0], tmp_path / command[1], *command[2:], *extra)
        assert "scores.thousands is NULL where it failed on 3 of 300 texts" in shown.output


@pytest.mark.parametrize(
    ("bombs", "allowed", "status"),
    [
        ({3}, "", "complete"),
        ({3}, "allow_failures = 0\n", "incomplete"),
        ({3, 4}, "", "incomplete"),
        ({3, 4}, "allow_failures = 0.02\n", "complete"),
    ],
)
def test_how_many_failures_a_run_bears(tmp_path, bombs, allowed, status):
    _, record = bombed(tmp_path, 100, bombs, allowed)
    assert record.status == status
    if status == "incomplete":
        (sentence,) = record.exceeded
        assert f"scores.thousands failed on {len(bombs)} of 100 texts: document " in sentence
        assert "mend it, or raise that" in sentence
        assert "decisions" not in record.fingerprints, "nothing is judged by scores that are not"


def test_a_bound_that_is_raised_goes_on_from_there(tmp_path):
    _, first = bombed(tmp_path, 100, {3, 4})
    _, second = bombed(tmp_path, 100, {3, 4}, "allow_failures = 0.02\n")
    assert (first.status, second.status) == ("incomplete", "complete")
    assert first.run_id == second.run_id
    assert first.fingerprints["model_scores"] == second.fingerprints["model_scores"]


def test_a_scorer_that_only_fails_ends_its_shard_soon(tmp_path):
    _, record = bombed(tmp_path, 400, set(range(400)))
    (failure,) = record.failures
    assert (failure.stage, record.status) == ("model_scores", "incomplete")
    assert "fails on each of the first 100 texts of the shard, as on document" in failure.error
    plan, record = bombed(tmp_path, 400, set(range(400)), "allow_failures = 1\n")
    assert record.status == "complete"
    (manifest,) = load_all(plan.store, "model_scores", record.fingerprints["model_scores"]).values()
    assert manifest.facts["failed"]["thousands"]["texts"] == 400
    assert len(manifest.facts["failed"]["thousands"]["first"]) == 5


def test_a_line_that_broke_is_no_fault_of_a_text(tmp_path):
    waited = []
    path = recipe(tmp_path, LENGTH.replace(":length", ":unreachable"))
    _, record = run(path, InProcess(waited.append))
    (failure,) = record.failures
    assert "ConnectionError: no answer" in failure.error
    assert len(waited) == 2, "another attempt may help"


def test_a_policy_may_only_use_scores_of_the_recipe(tmp_path):
    path = recipe(tmp_path, LENGTH, 'signal = "scores.thousand"\nabove = 1')
    with pytest.raises(ConfigError, match=r"Did you mean 'scores\.thousands'"):
        make_plan(read_recipe(path))


@pytest.mark.ray
@pytest.mark.slow
def test_gpus_are_asked_of_ray(tmp_path):
    shared = LENGTH.replace(":length", ":gpus") + "resources = { gpus = 0.5 }\n"
    executor = OnRay(workers=2, gpus=1)
    try:
        plan, record = run(recipe(tmp_path, shared), executor)
        assert not record.failures
        assert set(asked(plan, "SELECT scores.thousands FROM measured")) == {(0.5,)}
        many = shared.replace("0.5", "2")
        with pytest.raises(ConfigError, match="a task needs 2 GPU, and the cluster has 1"):
            run(recipe(tmp_path / "more", many), executor)
    finally:
        executor.close()


def test_a_task_is_placed_where_all_its_scorers_fit():
    wanted = (Resources(cpus=2, memory_mb=100), Resources(cpus=1, gpus=0.5, memory_mb=50))
    scorers = [
        Scorer(ScorerSettings(f"s{n}", "A score.", callable="m:f", resources=each), None, "hash")
        for n, each in enumerate(wanted)
    ]
    told = []

    def run(stage, mark, _, work, *, needs):
        told.append((stage, list(work), needs))
        outputs = {key: [Output(f"{stage}/{key}.parquet", 1, 1, "")] for key in work}
        return {k: Manifest(stage=stage, fingerprint=mark, key=k, outputs=outputs[k]) for k in work}

    shards, problems = with_scores(run, [ShardRef("a", "documents/a.parquet")], "f", scorers)
    assert told == [("model_scores", ["a"], Needs(cpus=2, gpus=0.5, memory_mb=150))]
    assert [shard.signals for shard in shards] == [("model_scores/a.parquet",)]
    assert problems == []
