"""The examples do what their READMEs say, typed as it stands there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import thresher
from thresher.jobs.recipe import read_recipe

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
NAMES = sorted(path.parent.name for path in EXAMPLES.glob("*/recipe.toml"))
PLACE = re.compile(r"\]\((?!http)([^)#]+)\)")


@pytest.fixture
def example(tmp_path):
    """Copies an example to a folder of its own."""

    def copy(name):
        ignored = shutil.ignore_patterns("lake", "sample", "pages.*", "found.toml", "__pycache__")
        return Path(shutil.copytree(EXAMPLES / name, tmp_path / name, ignore=ignored))

    return copy


@pytest.fixture
def type_in(tmp_path):
    """Types what a README says into a shell, in its folder: what each block printed."""
    commands = tmp_path / "bin"
    commands.mkdir()
    for command, what in (("python", ""), ("thresher", "-m thresher.jobs.cli")):
        (commands / command).write_text(f'#!/bin/sh\nexec {sys.executable} {what} "$@"\n')
        (commands / command).chmod(0o755)

    def run(folder, **variables):
        environment = {
            **os.environ,
            "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            **variables,
        }
        blocks = re.findall(r"(?ms)^```sh\n(.*?)^```$", (folder / "README.md").read_text("utf-8"))
        assert blocks
        said = []
        for block in blocks:
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", block],
                cwd=folder,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
            said.append(done.stdout)
        return said

    return run


def test_there_are_four_and_each_is_linked_and_whole():
    assert len(NAMES) == 4
    listed = (EXAMPLES / "README.md").read_text("utf-8")
    for name in NAMES:
        assert f"]({name}/README.md)" in listed
        assert {"README.md", "recipe.toml"} < {path.name for path in (EXAMPLES / name).iterdir()}
        said = (EXAMPLES / name / "README.md").read_text("utf-8")
        for program in (EXAMPLES / name).glob("*.py"):
            assert program.name in said, f"{name}/README.md says nothing of {program.name}"
    for page in EXAMPLES.rglob("*.md"):
        for place in PLACE.findall(page.read_text("utf-8")):
            assert (page.parent / place).exists(), f"{page}: {place}"


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_names_nothing_outside_its_folder(name):
    text = (EXAMPLES / name / "recipe.toml").read_text("utf-8")
    stated = tomllib.loads(text)
    for path in (stated["lake"], *stated["input"]["urls"]):
        assert "://" in path or not path.startswith(("/", "~", ".."))
    read_recipe(EXAMPLES / name / "recipe.toml")


def test_rows(example, type_in):
    folder = example("jsonl")
    run, found, asked = type_in(folder)
    lake = thresher.Lake(folder / "lake")
    assert [state.status for state in lake.runs()] == ["complete"]
    tokens = dict(re.findall(r"(\w+): (\d+) texts", run))
    for split, texts in tokens.items():
        ((rows,),) = lake.query(
            "SELECT sum(rows) FROM output_shards WHERE split = $split", {"split": split}
        ).fetchall()
        assert int(texts) == rows > 0
    assert set(tokens) == {"train", "validation"}
    # The starter finds what the recipe names.
    recipe, starter = (
        tomllib.loads((folder / name).read_text("utf-8"))["input"]
        for name in ("recipe.toml", "found.toml")
    )
    assert starter == recipe
    assert "2 shards, 0 to measure" in found
    # The last question shows the row without a text, the first copies that are in both files.
    assert "row-without-text" in asked
    both = lake.query(
        "SELECT count(*) FROM dropped AS d JOIN documents AS s ON d.survivor_id = s.id "
        "WHERE d.source <> s.source AND d.reason = 'exact_duplicate'"
    )
    assert both.fetchall()[0][0] > 0


def test_own_policy_and_scorer(example, type_in):
    folder = example("own_policy_and_scorer")
    run, asked = type_in(folder)
    assert re.search(r"(?m)^kept: ", run)
    assert "quiz: scores.question_fraction > 0.5 (0.9" in run
    assert "short: length.words < 60 (3)" in run
    assert "not asked here: low_quality, exact_duplicate, near_duplicate" in run
    lake = thresher.Lake(folder / "lake")
    reasons = dict(
        lake.query("SELECT reason, count(*) FROM dropped GROUP BY 1 ORDER BY 1").fetchall()
    )
    assert reasons["quiz"] == 3
    assert reasons["short"] > 0
    assert re.search(r"(?m)^│ quiz-\d +│ 0\.9", asked)
    assert "DROPS │ quiz" in asked
    # A bound that is moved is judged anew, and nothing is measured again.
    policy = folder / "policy.toml"
    policy.write_text(policy.read_text("utf-8").replace("above = 0.5 }", "above = 0.9 }"))
    before = len(list((folder / "lake" / "documents").rglob("*.parquet")))
    with_new = thresher.run(folder / "recipe.toml")
    assert with_new.status == "complete"
    assert with_new.lake.query("SELECT * FROM dropped WHERE reason = 'quiz'").shape[0] == 2
    assert len(list((folder / "lake" / "documents").rglob("*.parquet"))) == before


@pytest.mark.slow
@pytest.mark.ray
@pytest.mark.timeout(600)
def test_a_web_crawl(example, type_in):
    folder = example("web_crawl")
    run, asked = type_in(folder)
    lake = thresher.Lake(folder / "lake")
    assert [state.status for state in lake.runs()] == ["complete"]
    for step, records in lake.query("SELECT step, records FROM funnel").fetchall():
        assert re.search(rf"(?m)^ *{records}  {step}$", run)
    assert f"in {', '.join(map(str, lake.curated()))}".replace(f"{folder}/", "") in run.replace(
        f"{folder}/", ""
    )
    assert (folder / "lake" / "report.html").exists()
    assert len(list((folder / "lake").glob("curated/*/README.md"))) == 1
    assert lake.curated(split="validation")
    assert "DROPS" in asked
    assert "Rows of figures with prices" in asked


@pytest.fixture
def bucket_place():
    """A server that speaks S3 on this machine: the variables by which it is found."""
    pytest.importorskip("s3fs")
    server = pytest.importorskip("moto.server").ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "example",
        "AWS_SECRET_ACCESS_KEY": "example",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    server.stop()


@pytest.mark.slow
@pytest.mark.ray
@pytest.mark.timeout(600)
def test_a_bucket_and_a_cluster(example, type_in, bucket_place, start_cluster):
    folder = example("s3_and_cluster")
    # As with the token that Ray keeps in the home of whoever starts the head.
    variables = bucket_place | {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "a" * 64}
    (said,) = type_in(folder, **variables, RAY_ADDRESS=start_cluster(variables, cpus=2))
    assert "5 shards, 5 to measure" in said
    assert re.search(r"bucket-[0-9a-f]{8}: complete", said)
    assert re.search(r"(?m)^bucket-[0-9a-f]{8} complete 5/5 shards$", said)
    assert re.search(r"(?m)^s3://thresher-example/lake/curated/\S+ \d+ texts", said)
    assert {path.name for path in folder.iterdir()} == {
        path.name for path in (EXAMPLES / "s3_and_cluster").iterdir()
    }
