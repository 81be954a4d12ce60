"""A recipe's own scorers: signals that policies judge by, and what they may not do."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from thresher.filters.errors import ConfigError
from thresher.filters.policy import policy_from_mapping
from thresher.jobs.executor import InProcess, OnRay
from thresher.jobs.plan import make_plan
from thresher.jobs.progress import Silent
from thresher.jobs.recipe import read_recipe
from thresher.jobs.run import execute
from thresher.manifests import catalog
from thresher.pipeline.inspect.explain import explain

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
        name: pytest.approx(len(text) / 1000) for name, text in TEXTS.items()
    }
    assert asked(plan, "SELECT record_id, reason FROM dropped") == [("4", "too_much")]
    with catalog.connect(plan.store) as database:
        explained = explain(database, "4", _policy(record))
    assert explained.signals["scores.thousands"] == 1.5
    roles = {model.role: model for model in record.models}
    assert len(roles["scores.helpful"].sha256) == 64


def _policy(record):
    return policy_from_mapping(record.policy, "run")


def test_a_new_scorer_does_not_read_the_crawl_again(tmp_path):
    first, _ = run(recipe(tmp_path, LENGTH))
    path = recipe(tmp_path, LENGTH + HEAD, 'signal = "scores.helpful"\nkeep_top = 0.5')
    second, record = run(path)
    assert first.documents_fingerprint == second.documents_fingerprint
    query = "FROM measured JOIN kept USING (shard, row) WHERE measured.scores.helpful > 0"
    ((kept,),) = asked(second, f"SELECT count(*) {query}")
    assert kept == 2
    again, _ = run(recipe(tmp_path, LENGTH + HEAD.replace("seed = 3", "seed = 4")))
    assert again.run_id != record.run_id


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("length", "broken"), "gave nan for document 0. Return None"),
        (("length", "too_few"), "gave 1 scores for 2 texts"),
        (("length", "words"), "gave a str for document 0, which is no number"),
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


def test_a_scorer_that_fails_on_a_document_names_it(tmp_path):
    scores = LENGTH.replace('"Characters', '"Short."\nrange = [0, 1]\n#')
    plan, record = run(recipe(tmp_path, scores))
    (failure,) = record.failures
    assert (failure.stage, record.status) == ("model_scores", "incomplete")
    assert "gave 1.5 for document" in failure.error
    ((name,),) = asked_documents(plan)
    assert name in failure.error


def asked_documents(plan):
    (path,) = [p for p in plan.store.sizes("documents") if "quarantine" not in p]
    with plan.store.open(path) as file:
        table = pq.ParquetFile(file).read(columns=["id", "record_id"])
    return [(row["id"],) for row in table.to_pylist() if row["record_id"] == "4"]


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
