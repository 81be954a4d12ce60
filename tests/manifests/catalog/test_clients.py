"""DuckDB clients of the first version open the catalog and ask what the pages ask."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import venv
from pathlib import Path

import pytest

from thresher.jobs.executor import InProcess
from thresher.jobs.plan import make_plan
from thresher.jobs.progress import Silent
from thresher.jobs.recipe import read_recipe
from thresher.jobs.run import execute
from thresher.jobs.sample import write_sample
from thresher.manifests import catalog
from thresher.manifests.store import Store

ROOT = Path(__file__).resolve().parents[3]
PAGES = (ROOT / "README.md", ROOT / "docs" / "how-to" / "ask-sql.md")

CLIENT = """
import json, sys
import duckdb

line, questions = json.loads(sys.argv[2])
with duckdb.connect(sys.argv[1], read_only=True) as database:
    if line:
        database.execute(line)
    print(json.dumps([duckdb.__version__, [
        database.execute(sql).fetchall() for sql in questions]], default=str))
"""


def questions():
    """The SQL of the pages."""
    texts = [page.read_text(encoding="utf-8") for page in PAGES]
    asked = [sql for text in texts for sql in re.findall(r'thresher query "([^"]+)"', text)]
    assert len(asked) > 8
    return asked


@pytest.fixture(scope="module", params=["duckdb>=1.1,<1.2", "duckdb>=1.1,<2"])
def client(request, tmp_path_factory):
    """The Python of an environment with nothing but an earlier DuckDB."""
    folder = tmp_path_factory.mktemp("client")
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    command = [python, "-m", "pip", "install", "--quiet", "--only-binary", ":all:", request.param]
    made = subprocess.run(command, capture_output=True, text=True)
    if made.returncode:
        pytest.skip(f"no {request.param} from the package index: {made.stderr.strip()[-200:]}")
    return python


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """A finished run of the sample crawl."""
    folder = tmp_path_factory.mktemp("crawl")
    shards = ", ".join(f'"{shard}"' for shard in write_sample(folder / "sample").shards[:2])
    recipe = folder / "recipe.toml"
    recipe.write_text(f'name = "clients"\nlake = "lake"\n[input]\nurls = [{shards}]\n')
    plan = make_plan(read_recipe(recipe))
    execute(plan, InProcess(), Silent())
    return Path(plan.store.url())


def ask(client, lake, asked, line=""):
    arguments = [client, "-c", CLIENT, lake / "catalog.duckdb", json.dumps([line, asked])]
    found = subprocess.run(arguments, capture_output=True, text=True, cwd="/")
    assert found.returncode == 0, found.stderr
    version, rows = json.loads(found.stdout)
    assert version.startswith("1.")
    return rows


def own(lake, asked):
    with catalog.connect(Store(str(lake))) as database:
        rows = [database.execute(sql).fetchall() for sql in asked]
    return json.loads(json.dumps(rows, default=str))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_client_of_version_1_asks_the_catalog(client, lake, tmp_path):
    asked = sorted(f"FROM ({sql}) ORDER BY ALL" for sql in questions())
    asked += [
        "SELECT * FROM funnel",
        "SELECT * FROM reasons",
        "SELECT count(*) FROM measured WHERE length.words > 100",
        "SELECT shard, count(*) FROM curated GROUP BY 1 ORDER BY 1",
        "SELECT count(*) FROM curated JOIN output_shards ON shard = path",
        "SELECT recipe->>'name' FROM runs",
        "SHOW TABLES",
    ]
    views = [f"SELECT count(*) FROM {name}" for (name, *_) in own(lake, ["SHOW TABLES"])[0]]
    mine = own(lake, asked + views)
    assert all(mine)
    assert ask(client, lake, asked + views) == mine
    moved = tmp_path / "moved"
    shutil.copytree(lake, moved)
    # Without the line it would read the lake at its first place, which is still there.
    shutil.rmtree(moved / "curated")
    line = f"SET VARIABLE lake = '{moved}'"
    without = [sql for sql in asked + views if "curated" not in sql and "output" not in sql]
    assert ask(client, moved, without, line) == own(lake, without)
    gone = subprocess.run(
        [client, "-c", CLIENT, moved / "catalog.duckdb", json.dumps([line, ["FROM curated"]])],
        capture_output=True,
        text=True,
    )
    assert gone.returncode == 1
    assert str(moved) in gone.stderr


def test_the_catalog_is_written_for_every_client(tmp_path, make_lake):
    store = make_lake(tmp_path / "lake")
    # The storage format stands behind the checksum and the magic bytes; 64 is that of version 1.0.
    head = store.read_bytes(catalog.PATH)[:20]
    assert head[8:12] == b"DUCK"
    assert int.from_bytes(head[12:20], "little") == 64
