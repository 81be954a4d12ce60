"""No secret of an input's URL, and no folder of it, is in anything that a run leaves or says."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import traceback
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from thresher.jobs.executor import InProcess, Task, TaskFailedError, _attempt

ROOT = Path(__file__).resolve().parents[2]
_spec = importlib.util.spec_from_file_location(
    "misbehaving", ROOT / "tests" / "pipeline" / "read" / "servers.py"
)
servers = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(servers)

USER, PASSWORD, SIGNATURE = "jane.doe", "pass%2Fword-5ecret", "516na7ure5ecret"
SECRETS = (USER, PASSWORD, "pass/word-5ecret", SIGNATURE)


def records(lake):
    return [json.loads(path.read_text()) for path in (lake / "runs").glob("*.json")]


def everything(lake):
    """All bytes of all files of a lake, those of Parquet and the catalog decoded too."""
    for path in sorted(lake.rglob("*")):
        if not path.is_file():
            continue
        yield path, path.read_bytes()
        if path.suffix == ".parquet":
            file = pq.ParquetFile(path)
            yield path, f"{file.schema_arrow.metadata} {file.read().to_pylist()}".encode()
        if path.suffix == ".duckdb":
            with duckdb.connect(str(path), read_only=True) as database:
                found = database.execute("SELECT view_name, sql FROM duckdb_views()").fetchall()
                yield path, repr(found).encode()
                for (name,) in database.execute(
                    "SELECT table_name FROM duckdb_tables()"
                ).fetchall():
                    rows = database.execute(f'SELECT * FROM "{name}"').fetchall()
                    yield path, repr(rows).encode()


def assert_tells_nothing(lake, said, secrets=SECRETS):
    places = [("output", said.encode()), *everything(lake)]
    assert len(places) > 1
    for secret in secrets:
        told = [str(place) for place, data in places if secret.encode() in data]
        assert not told, secret


def thresher(*arguments, code):
    done = subprocess.run(
        [sys.executable, "-m", "thresher.jobs.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "NO_COLOR": "1"},
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def recipe(folder, *urls, extra=""):
    path = folder / "recipe.toml"
    path.write_text(
        f'name = "private"\nlake = "{folder / "lake"}"\n[input]\nurls = {json.dumps(urls)}\n'
        '[quality]\nmodel = ""\n[machine_text]\nmodel = ""\n'
        "[gates]\nretain_fraction = 1.0\n"
        f'[run]\nexecutor = "in-process"\n{extra}'
    )
    return path


@pytest.fixture
def site():
    with servers.serving() as serving:
        yield serving


def signed(url, signature):
    query = f"X-Amz-Credential=me&X-Amz-Signature={signature}&X-Amz-Expires=60"
    return f"{url.replace('://', f'://{USER}:{PASSWORD}@')}?{query}"


def test_a_signed_url_stays_private_and_resumes_under_another_signature(tmp_path, site, sample):
    shard = sample.shards[0]
    url = site.url(shard.name, shard.read_bytes())
    path, lake = recipe(tmp_path, signed(url, SIGNATURE)), tmp_path / "lake"
    said = thresher("plan", path, code=0) + thresher("run", path, code=0)
    said += thresher("status", path, code=0) + thresher("plan", path, "--json", code=0)
    assert url in said
    assert_tells_nothing(lake, said)
    (record,) = records(lake)
    assert [item["uri"] for item in record["inputs"]] == record["recipe"]["input"]["urls"] == [url]
    (card,) = lake.glob("curated/*/README.md")
    assert shard.name.split(".")[0] in card.read_text()
    curated = [pq.read_table(file) for file in lake.glob("curated/*/*.parquet")]
    assert {row for table in curated for row in table["source"].to_pylist()} == {url}

    before = {f: f.read_bytes() for f in lake.rglob("*.parquet")}
    manifests = {f: f.stat().st_mtime_ns for f in (lake / "manifests").rglob("*.json")}
    asked = site.asked()
    path = recipe(tmp_path, signed(url, "another-" + SIGNATURE))
    assert "0 to measure" in thresher("plan", path, code=0)
    said = thresher("run", path, code=0)
    assert_tells_nothing(lake, said)
    assert {f: f.read_bytes() for f in lake.rglob("*.parquet")} == before
    assert {f: f.stat().st_mtime_ns for f in (lake / "manifests").rglob("*.json")} == manifests
    assert site.asked() == asked  # its HEAD alone


@pytest.mark.parametrize("code", [403, 404, 0])
def test_what_fails_does_not_tell_them(tmp_path, site, sample, code):
    """When a run is planned, and after that."""
    url = site.url("x.warc.gz", sample.shards[0].read_bytes()) if code else "http://127.0.0.1:1/x"
    path, lake = recipe(tmp_path, signed(url, SIGNATURE)), tmp_path / "lake"
    if code == 404:
        del site.files["/x.warc.gz"]
    if code in (0, 404):
        said = thresher("run", path, code=2)
        assert url in said
        assert not [secret for secret in SECRETS if secret in said]
    else:
        site.misbehave = servers.status(code)
        said = thresher("run", path, code=3) + thresher("status", path, code=3)
        assert "may not be read" in said
        assert_tells_nothing(lake, said)


def test_home_folders_are_not_published(tmp_path, sample):
    home = tmp_path / "home-of-jane" / "crawl"
    home.mkdir(parents=True)
    for shard in sample.shards[:2]:
        (home / shard.name).write_bytes(shard.read_bytes())
    policy = home / "own.toml"
    policy.write_bytes((ROOT / "filters" / "policies" / "web-en.toml").read_bytes())
    path = recipe(tmp_path, f"{home}/*.gz", extra=f'[judge]\npolicy = "{policy}"\n')
    said = thresher("run", path, code=0) + thresher("status", path, code=0)
    lake = tmp_path / "lake"
    assert_tells_nothing(lake, said, ["home-of-jane"])
    (record,) = records(lake)
    assert {i["uri"] for i in record["inputs"]} == {shard.name for shard in sample.shards[:2]}
    assert record["recipe"]["judge"]["policy"] == "own.toml"


def test_errors_of_tasks_are_told_without_them():
    url = signed("http://host/x", SIGNATURE)

    def fails(*_):
        try:
            raise ValueError(f"cannot open {url}")
        except ValueError as error:
            raise RuntimeError(f"{'x' * 470} {url}") from error

    (result,) = InProcess().run([Task("stage", "key", fails, (None, "mark"))])
    assert "RuntimeError" in result.error
    with pytest.raises(TaskFailedError) as caught:
        _attempt(fails, ())
    logged = "".join(traceback.format_exception(caught.value))
    for secret in SECRETS:
        assert secret not in result.error + logged
