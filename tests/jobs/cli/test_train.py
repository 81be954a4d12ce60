"""`thresher train`: files, a config with relative paths, and a lake by SQL."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path

import duckdb
import pytest
from calling import invoke

from thresher.classifiers.settings import InputSettings
from thresher.filters.errors import ConfigError
from thresher.jobs.lake_texts import lake_texts

SMALL = "dim = 8\nbucket = 5000\nepoch = 5\nlr = 0.5\ntuning_fraction = 0.3\n"


@pytest.fixture(scope="module")
def lake(sample, tmp_path_factory):
    folder = tmp_path_factory.mktemp("lake")
    recipe = folder / "recipe.toml"
    recipe.write_text(
        f'name = "test"\nlake = "lake"\n[input]\nurls = ["{sample.shards[3]}"]\n'
        '[quality]\nmodel = ""\n[machine_text]\nmodel = ""\n'
    )
    result = invoke("run", recipe, "--in-process", "--quiet")
    assert result.exit_code == 0, result.output
    return folder / "lake"


def test_a_config_with_relative_paths(sample, tmp_path):
    config = tmp_path / "small.toml"
    config.write_text(
        f'{SMALL}[[positives]]\nfiles = ["positives.jsonl"]\n'
        '[[negatives]]\nfiles = ["negatives.jsonl"]\n'
    )
    out = tmp_path / "model"
    root = sample.positives.parent
    result = invoke("train", "small", "--config", config, "--root", root, "--out", out)
    assert result.exit_code == 0, result.output
    assert "ROC-AUC" in result.output
    card = json.loads((out / "card.json").read_text())
    assert [source["url"] for source in card["positives"]["sources"]] == ["positives.jsonl"]
    assert str(root) not in (out / "CARD.md").read_text()
    assert card["command"].startswith("thresher train small --config")
    assert "--root DATA" in card["command"]


def test_files_by_option_and_json(sample, tmp_path):
    result = invoke(
        *("train", "quick", "--positives", sample.positives, "--negatives", sample.negatives),
        *("--out", tmp_path / "m", "--config", write(tmp_path, SMALL), "--json"),
    )
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["name"] == "quick"


def test_a_trained_folder_is_used_as_it_was_told(sample, tmp_path, monkeypatch):
    """What `thresher train` prints at its end can be typed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("THRESHER_MODELS", str(tmp_path / "registry"))
    folder = tmp_path / "good"
    folder.mkdir()
    good = sample.positives.read_bytes()
    (folder / "a.jsonl.gz").write_bytes(gzip.compress(good + b'{"text": "a\\u0000b"}\n'))
    result = invoke(
        *("train", "own-taste", "--positives", folder, "--negatives", sample.negatives),
        *("--config", write(tmp_path, SMALL), "--role", "taste"),
    )
    assert result.exit_code == 0, result.output
    file = "good/a.jsonl.gz"
    count = good.count(b"\n") + 1
    told = f"unusable and left out: 1 in {file}, the first: {file}:{count}: 'text' holds a NUL."
    assert told in result.output
    used = result.output.strip().splitlines()[-1]
    assert used == (
        f'use    model = "{Path.cwd()}/models/own-taste" under [[scores]] in a recipe, or: '
        f"thresher models add {Path.cwd()}/models/own-taste"
    )
    added = invoke(*used.partition("thresher ")[2].split(), "--json")
    assert added.exit_code == 0, added.output
    facts = json.loads(added.stdout)
    assert (facts["name"], facts["role"]) == ("own-taste@1", "taste")
    assert json.loads(invoke("models", "show", "models/own-taste", "--json").stdout)["role"] == (
        "taste"
    )
    listed = json.loads(invoke("models", "list", "--json").stdout)
    assert {each["name"]: each["role"] for each in listed}["own-taste@1"] == "taste"
    assert "taste" in invoke("models", "list").output
    recipe = tmp_path / "recipe.toml"
    setting = used.removeprefix("use    ").partition(" under")[0]
    recipe.write_text(
        f'name = "x"\nlake = "lake"\n[input]\nurls = ["{sample.shards[3]}"]\n[quality]\n{setting}\n'
        f'[[scores]]\nname = "taste"\nmeaning = "Taste."\n{setting}\n'
    )
    monkeypatch.chdir("/")
    planned = invoke("plan", recipe, "--json")
    assert planned.exit_code == 0, planned.output
    models = {each["role"]: each for each in json.loads(planned.stdout)["models"]}
    assert models["quality"]["sha256"] == models["scores.taste"]["sha256"] == facts["sha256"]


def write(folder, text):
    path = folder / "some.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[[positives]]\nfiles = ["a"]\n', "one class only: negatives are missing"),
        ("lr = ", "is not valid TOML"),
        (
            '[[positives]]\nfiles = ["a"]\nlabel = 1\n[[negatives]]\nfiles = ["a"]\n',
            "positives[0].label: unknown setting",
        ),
    ],
)
def test_a_wrong_config_says_where(tmp_path, text, said):
    result = invoke("train", "quality", "--config", write(tmp_path, text))
    assert isinstance(result.exception, ConfigError)
    assert said in str(result.exception)


def test_a_lake_gives_a_fraction_of_what_was_measured(lake):
    def ids(fraction, sql="SELECT id, text, url FROM documents"):
        settings = InputSettings(lake=str(lake), sql=sql, fraction=fraction)
        return [row["id"] for row in lake_texts(settings, "negatives[0]")]

    every = ids(1.0)
    assert every == sorted(every)
    half = ids(0.5)
    assert 0 < len(half) < len(every)
    bound = 2**63
    expected = [
        each
        for each in every
        if int.from_bytes(hashlib.md5(each.encode()).digest()[:8], "little") <= bound
    ]
    assert half == expected
    assert set(ids(0.2)) <= set(half)
    assert ids(1.0, "SELECT id, text FROM dropped") != every


def test_a_lake_as_negatives(lake, sample, tmp_path):
    config = write(
        tmp_path,
        f'{SMALL}held_out_fraction = 0.3\n[calibration]\nmethod = "none"\n'
        f'[[positives]]\nfiles = ["{sample.positives}"]\n'
        f'[[negatives]]\nlake = "{lake}"\nsql = "SELECT id, text, url FROM documents"\n',
    )
    result = invoke("train", "own", "--config", config, "--out", tmp_path / "m")
    assert result.exit_code == 0, result.output
    card = json.loads((tmp_path / "m" / "card.json").read_text())
    assert "SELECT id, text, url FROM documents" in card["negatives"]["sources"][0]["url"]


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT text FROM documents", "must give a column id"),
        ("SELECT txet FROM documents", "txet"),
        ("DROP TABLE runs", "sql"),
    ],
)
def test_sql_that_cannot_be(lake, sql, said):
    with pytest.raises(ConfigError, match=said):
        list(lake_texts(InputSettings(lake=str(lake), sql=sql), "negatives[0]"))


def test_md5_is_the_same_in_the_database_and_here():
    found = duckdb.execute("SELECT md5_number_upper('an id')").fetchone()[0]
    here = hashlib.md5(b"an id").digest()
    assert found == int.from_bytes(here[:8], "little")
