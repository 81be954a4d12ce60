"""A run says of which shards a technical reason stopped most records."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from thresher.jobs.cli import app
from thresher.jobs.technical import Stopped, mostly_stopped, technical_notes
from thresher.manifests.manifest import Manifest


def manifest(uri, documents, **reasons):
    stopped = {name.replace("__", "/"): count for name, count in reasons.items()}
    ledger = {"records": documents + sum(stopped.values()), "documents": documents}
    return Manifest(
        stage="text",
        fingerprint="f",
        key=uri,
        ledger=ledger,
        reasons=stopped,
        facts={"uri": uri},
    )


def test_most_is_more_than_half_of_what_could_be_pages():
    found = mostly_stopped(
        [
            manifest("b", 4, gated__not_html=5),
            manifest("a", 1, gated__not_a_response=50, gated__oversize=2),
            manifest("half", 5, gated__not_html=5),
            manifest("many", 5, gated__not_html=4, gated__http_status=4),
            manifest("usual", 100, gated__not_a_response=900),
            manifest("text", 1, gated__wrong_language=90, gated__too_small=90),
            manifest("fields", 0, failed__missing_text=3, gated__empty=2),
            manifest("none", 0),
            manifest("only", 0, gated__not_a_response=9),
        ]
    )
    assert found == [
        Stopped("a", "oversize", 2, 3),
        Stopped("b", "not_html", 5, 9),
        Stopped("fields", "missing_text", 3, 5),
    ]


def test_one_sentence_for_each_reason():
    notes = technical_notes(
        [
            manifest("a", 1, gated__not_html=2),
            manifest("b", 1, gated__not_html=1999),
            manifest("c", 9, gated__not_html=1),
            manifest("d", 0, gated__empty=1),
        ]
    )
    assert [note.partition(". ")[0] for note in notes] == [
        "'not_html' stopped most records in 2 of 4 shards, as 1,999 of 2,000 in b",
        "'empty' stopped most records in 1 of 4 shards, as 1 of 1 in d",
    ]
    assert technical_notes([]) == []


@pytest.fixture
def recipe(tmp_path):
    rows = [{"id": i, "body": "x" * 40} for i in range(6)] + [{"id": 9, "text": "A text. " * 30}]
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    path = tmp_path / "recipe.toml"
    path.write_text('name = "n"\nlake = "lake"\n[input]\nurls = ["**/*.jsonl", "**/*.parquet"]\n')
    return path


def test_a_run_ends_with_them_and_its_lake_is_not_read_again(recipe, tmp_path):
    path = recipe.with_name("first.toml")
    path.write_text(recipe.read_text().replace(', "**/*.parquet"', ""))
    ran = CliRunner().invoke(app, ["run", str(path), "--in-process", "--quiet"])
    assert ran.exit_code == 0, ran.output
    expected = "'missing_text' stopped most records in 1 of 1 shards, as 6 of 7 in in/a.jsonl"
    assert f"note: {expected}" in ran.output
    ran = CliRunner().invoke(app, ["run", str(path), "--in-process", "--quiet", "--json"])
    assert json.loads(ran.stdout)["notes"][0].startswith(expected)
    query = json.loads(ran.stdout)["notes"][0].split('"')[1]
    ran = CliRunner().invoke(app, ["query", query, "--lake", str(tmp_path / "lake")])
    assert "'text' is null or absent" in ran.output
    again = CliRunner().invoke(app, ["plan", str(recipe)])
    assert again.exit_code != 0
    assert "input.urls[1]: " in str(again.exception)
    assert "which is inside the lake" in str(again.exception)
