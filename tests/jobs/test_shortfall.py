"""What of a run's input was not read whole, who says so, and what a recipe tolerates."""

from __future__ import annotations

import gzip
import json
import random

import pytest
from typer.testing import CliRunner

from thresher.jobs.cli import app
from thresher.jobs.recipe import RunSettings
from thresher.jobs.shortfall import intolerable, shortfalls
from thresher.manifests.manifest import Manifest
from thresher.pipeline.materialize.inert import escape


def manifest(status="complete", records=1000, **facts):
    facts = {"uri": f"{status}-{records}", "status": status, **facts}
    return Manifest(stage="text", fingerprint="", key="", ledger={"records": records}, facts=facts)


def exceeded(manifests, inputs=None, **limits):
    found = intolerable(manifests, inputs or len(manifests), RunSettings(**limits))
    return [sentence.rpartition("run.")[2].split(" ")[0] for sentence in found]


def test_each_status_has_its_limit():
    whole = [manifest()] * 9
    assert exceeded(whole) == []
    assert exceeded([*whole, manifest("damaged", lost_records=5)]) == []
    assert exceeded([*whole, manifest("damaged", lost_records=500)]) == ["allow_damaged"]
    assert exceeded([*whole, manifest("damaged", lost_records=500)], allow_damaged=0.1) == []
    assert exceeded([*whole, manifest("damaged", lost_records=1)], allow_damaged=0) == [
        "allow_damaged"
    ]
    assert exceeded([*whole, manifest("truncated")]) == ["allow_truncated"]
    assert exceeded([*whole, manifest("truncated", 1)], allow_truncated=True) == []
    cut_too = manifest("truncated", lost_records=500)
    assert exceeded([*whole, cut_too], allow_truncated=True) == ["allow_damaged"]
    assert exceeded([*whole, manifest("unreadable", lost_records=900)]) == ["allow_unreadable"]
    assert exceeded([*whole, manifest("unreadable")], allow_unreadable=0.1) == []
    assert exceeded([*whole, manifest("unreadable")], allow_unreadable=0.09) == ["allow_unreadable"]
    assert exceeded([*whole, manifest("unreadable")], 100, allow_unreadable=0.01) == []


def test_manifests_of_earlier_versions_are_read():
    old = [manifest(), manifest("truncated")]
    assert [(each.status, each.why) for each in shortfalls(old)] == [("truncated", "")]
    assert exceeded(old) == ["allow_truncated"]


def rows(count):
    source = random.Random(1)
    words = ["river", "bridge", "village", "road", "boat", "winter", "letter"]
    return [
        json.dumps({"id": str(i), "text": " ".join(source.choices(words, k=80))}).encode() + b"\n"
        for i in range(count)
    ]


def damaged(lines):
    packed = gzip.compress(b"".join(lines), mtime=0)
    at = len(packed) // 3
    return packed[:at] + b"\xff\x00\xff\x00\xff\x00" + packed[at + 6 :]


FILES = {
    "complete": lambda: gzip.compress(b"".join(rows(100))),
    "damaged": lambda: damaged(rows(300)),
    "truncated": lambda: gzip.compress(b"".join(rows(300)))[:-5000],
    "unreadable": lambda: b"this is no archive of any kind " * 99,
}


@pytest.fixture
def run(tmp_path):
    """Run a recipe over one file of a kind: (result, folder of the lake)."""

    def run_one(kind, extra=""):
        (tmp_path / f"{kind}.jsonl.gz").write_bytes(FILES[kind]())
        lake = tmp_path / f"lake-{kind}-{len(extra)}"
        recipe = tmp_path / "recipe.toml"
        recipe.write_text(
            f'name = "x"\nlake = "{lake}"\n[input]\nurls = ["{kind}.jsonl.gz"]\n'
            '[quality]\nmodel = ""\n[machine_text]\nmodel = ""\n[judge]\npolicy = "gopher"\n'
            f"[gates]\nlanguages = []\n[run]\n{extra}\n"
        )
        result = CliRunner().invoke(app, ["run", str(recipe), "--in-process", "--quiet"])
        return result, lake

    return run_one


@pytest.mark.parametrize("kind", FILES)
def test_the_status_is_named_everywhere(run, kind):
    result, lake = run(kind)
    assert result.exit_code == (0 if kind == "complete" else 3), result.output
    invoke = CliRunner().invoke
    (state,) = json.loads(invoke(app, ["status", str(lake), "--json"]).stdout)
    query = "SELECT status, error, unverified, lost_records FROM input_shards"
    asked = invoke(app, ["query", query, "--lake", str(lake), "--json"])
    (shard,) = json.loads(asked.stdout)
    assert shard["status"] == kind
    if kind == "complete":
        assert state["not_read_whole"] == []
        assert shard["error"] is None
        return
    (missing,) = state["not_read_whole"]
    assert missing["status"] == kind
    assert "bytes" in missing["why"]
    assert shard["error"] == missing["why"]
    assert f"{kind}: " in result.output
    assert missing["why"] in result.output.replace("\n", " ")
    assert "incomplete: " in result.output
    assert kind in invoke(app, ["status", str(lake)]).output
    assert f"<td>{kind}</td>" in (lake / "report.html").read_text()
    if kind == "damaged":
        (card,) = (lake / "curated").glob("*/README.md")
        text = card.read_text()
        assert "Not read whole: 1 of 1 input shards (1 damaged)." in text
        assert f"Damage cost about {shard['lost_records']:,} records." in text
        assert f"| `damaged.jsonl.gz` | damaged | {escape(missing['why'])} |" in text
        assert "| failed | `malformed_record` | 1 | Bytes that do not parse" in text
        assert shard["unverified"] > 10
        assert shard["lost_records"] > 100


@pytest.mark.parametrize(
    ("kind", "extra"),
    [
        ("damaged", "allow_damaged = 0.9"),
        ("truncated", "allow_truncated = true"),
        ("unreadable", "allow_unreadable = 1.0"),
    ],
)
def test_what_is_tolerated_ends_well_and_is_named_still(run, kind, extra):
    result, _ = run(kind, extra)
    assert result.exit_code == 0, result.output
    assert f"{kind}: " in result.output


def test_unverified_is_a_signal(run):
    _, lake = run("damaged")
    query = "SELECT count(*) AS n FROM documents WHERE reading.unverified"
    asked = CliRunner().invoke(app, ["query", query, "--lake", str(lake), "--json"])
    assert json.loads(asked.stdout)[0]["n"] > 10
