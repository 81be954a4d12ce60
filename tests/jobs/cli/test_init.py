"""`thresher init` writes a recipe that runs at once, and overwrites nothing."""

from __future__ import annotations

import gzip
import json
import os
import shlex
import tomllib

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from calling import invoke, run_main

from thresher.jobs.recipe import read_recipe


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def stated(path):
    return tomllib.loads(path.read_text("utf-8"))


def test_the_recipe_runs_at_once_and_what_it_says_next_can_be_typed(here):
    said = invoke("init", "my job")
    assert said.exit_code == 0, said.output
    assert (here / "my job" / "recipe.toml").exists()
    steps = [line.removeprefix("next").strip() for line in said.output.splitlines()[2:]]
    commands = [shlex.split(step.partition("  # ")[0]) for step in steps]
    assert [command[:2] for command in commands] == [
        ["thresher", "plan"],
        ["thresher", "run"],
        ["thresher", "status"],
    ]
    outputs = []
    for _, name, recipe in commands:
        more = ["--in-process", "--quiet"] if name == "run" else []
        result = invoke(name, recipe, *more)
        assert result.exit_code == 0, result.output
        outputs.append(result.output)
    assert "5 shards, 5 to measure; policy web-en" in outputs[0]
    assert "my-job-" in outputs[1]
    assert ": complete" in outputs[1]
    # The run as it is has both splits.
    assert len(list((here / "my job" / "lake" / "curated").glob("*/shard_*.parquet"))) == 2


def test_the_folder_is_the_current_one_unless_it_is_named(here):
    assert invoke("init").exit_code == 0
    recipe = read_recipe(here / "recipe.toml")
    assert recipe.name == here.name
    assert recipe.lake == str(here / "lake")
    assert "sample/crawl" in recipe.input.urls[0]
    assert invoke("plan", "recipe.toml").exit_code == 0
    assert not (here / "lake").exists()


def test_rows_get_their_fields(here):
    row = {"meta": {"link": "https://a.example", "n": 1}, "body": "long " * 20, "uuid": "u"}
    (here / "data").mkdir()
    (here / "data" / "a.jsonl.gz").write_bytes(gzip.compress(json.dumps(row).encode()))
    said = invoke("init", "mine", "--input", "data/*.jsonl.gz", "--policy", "c4", "--name", "n1")
    assert said.exit_code == 0, said.output
    assert (
        "reads   a.jsonl.gz, jsonl; text in 'body', id in 'uuid', url in 'meta.link', no date"
        in said.output
    )
    assert stated(here / "mine" / "recipe.toml") == {
        "name": "n1",
        "lake": "lake",
        "input": {
            "urls": ["../data/*.jsonl.gz"],
            "text_field": "body",
            "id_field": "uuid",
            "url_field": "meta.link",
        },
        "judge": {"policy": "c4"},
    } | {name: {} for name in TABLES}
    assert "a.jsonl.gz has `meta.link`, `meta.n`, `body`, `uuid`." in " ".join(
        (here / "mine" / "recipe.toml").read_text().replace("\n#", "").split()
    )
    assert "1 shards, 1 to measure; policy c4" in invoke("plan", "mine/recipe.toml").output


TABLES = (
    *("gates", "extract", "minhash", "quality", "machine_text", "dedup", "lines", "sites"),
    *("curated", "run"),
)


def test_parquet_gets_its_columns(here):
    table = pa.table({"id": ["1"], "n": [1], "story": ["x" * 900], "title": ["x"]})
    pq.write_table(table, here / "x.parquet")
    said = invoke("init", "p.toml", "-i", "x.parquet", "-i", "x.par*")
    assert said.exit_code == 0, said.output
    assert "reads   x.parquet, parquet; text in 'story', id in 'id', no url, no date" in said.output
    found = stated(here / "p.toml")
    assert (found["name"], found["lake"]) == ("p", "lake")
    assert found["input"] == {"urls": ["x.parquet", "x.par*"], "text_field": "story"}


def test_an_archive_needs_nothing(here, sample):
    said = invoke("init", "--input", sample.shards[0].parent / "*.warc.gz")
    assert "reads   sample-00000.warc.gz, warc, and 3 more files\n" in said.output
    assert stated(here / "recipe.toml")["input"] == {
        "urls": [str(sample.shards[0].parent / "*.warc.gz")]
    }


def test_paths_are_those_that_were_typed_wherever_the_recipe_is(here):
    (here / "x.jsonl").write_text('{"text": "x"}')
    (here / "mine.toml").write_text(
        'name = "mine"\nversion = 1\n'
        '[[rules]]\nreason = "short"\nsignal = "length.words"\nbelow = 9'
    )
    (here / "else" / "where").mkdir(parents=True)
    (here / "link").symlink_to(here / "else" / "where")
    for folder in ("a/b", "link", "."):
        said = invoke(
            *("init", f"{folder}/r.toml", "-i", "x.jsonl", "--lake", "out", "--policy", "mine.toml")
        )
        assert said.exit_code == 0, said.output
        recipe = read_recipe(here / folder / "r.toml")
        assert [os.path.realpath(p) for p in (recipe.lake, *recipe.input.urls)] == [
            str(here / "out"),
            str(here / "x.jsonl"),
        ]
        assert os.path.realpath(recipe.judge.policy) == str(here / "mine.toml")
    said = invoke("init", "far.toml", "-i", "x.jsonl", "--lake", "s3://bucket/lake")
    assert stated(here / "far.toml")["lake"] == "s3://bucket/lake"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["old"], "old/recipe.toml is there already"),
        (["old/recipe.toml"], "old/recipe.toml is there already"),
        (["sampled"], "sample is there already"),
        (["dangling"], "dangling/recipe.toml is there already"),
        (["--input", "nowhere/*"], "'nowhere/*' matches no file"),
        (["--input", "page.html"], "of no known format"),
        (["--input", "array.json"], "jq -c '.[]' FILE"),
        (["--input", "x.jsonl", "--policy", "web_en"], "Did you mean 'web-en'?"),
        (["--input", "x.jsonl", "--policy", "none.toml"], "none.toml cannot be read"),
        (["--input", "x.jsonl", "--name", "a b"], "name: must be letters"),
        (["--input", "lake/x.jsonl"], "inside the lake"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(
    here, arguments, problem, monkeypatch, capsys
):
    for folder in ("old", "sampled/sample", "dangling", "lake"):
        (here / folder).mkdir(parents=True)
    (here / "old" / "recipe.toml").write_text("mine")
    (here / "dangling" / "recipe.toml").symlink_to("nowhere")
    (here / "page.html").write_text("<html>")
    (here / "array.json").write_text('[{"text": "x"}]')
    for name in ("x.jsonl", "lake/x.jsonl"):
        (here / name).write_text('{"text": "x"}')
    before = sorted(here.rglob("*"))
    code, message = run_main(monkeypatch, capsys, "init", *arguments)
    assert code == 2
    assert problem in message.replace(f"{here}/", "")
    assert sorted(here.rglob("*")) == before
    assert (here / "old" / "recipe.toml").read_text() == "mine"


def test_what_a_file_says_of_itself_cannot_become_settings(here):
    key = 'x"\n[run]\nallow_truncated = true\n#'
    (here / "x.jsonl").write_text(json.dumps({key: "y" * 99, "text": "x", "\x1b[31mred": 1}))
    assert invoke("init", "r.toml", "--input", "x.jsonl").exit_code == 0
    text = (here / "r.toml").read_text("utf-8")
    assert not {character for character in text if ord(character) < 32} - {"\n"}
    recipe = read_recipe(here / "r.toml")
    assert recipe.input.text_field == "text"
    assert not recipe.run.allow_truncated
