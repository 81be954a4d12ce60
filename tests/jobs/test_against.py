"""A run against an earlier one: nothing that it kept is kept again, and it is left alone."""

from __future__ import annotations

import pytest

from thresher.filters.errors import ConfigError, StoreError
from thresher.jobs.executor import InProcess
from thresher.jobs.plan import make_plan
from thresher.jobs.progress import Silent
from thresher.jobs.recipe import read_recipe
from thresher.jobs.run import execute
from thresher.manifests import catalog


def run(folder, urls, extra=""):
    folder.mkdir()
    recipe = folder / "recipe.toml"
    listed = ", ".join(f'"{url}"' for url in urls)
    recipe.write_text(f'name = "{folder.name}"\nlake = "lake"\n[input]\nurls = [{listed}]\n{extra}')
    plan = make_plan(read_recipe(recipe))
    return plan.store, execute(plan, InProcess(), Silent())


def rows(store, sql):
    with catalog.connect(store) as database:
        return database.execute(sql).fetchall()


def test_what_an_earlier_run_kept_is_not_kept_again(tmp_path, sample):
    shards = [str(shard) for shard in sample.shards][:3]
    old, record = run(tmp_path / "old", shards[:2])
    before = {path: old.read_bytes(path) for path in old.sizes("decisions")}
    kept = {row[0] for row in rows(old, "SELECT id FROM kept")}

    new, _ = run(tmp_path / "new", shards, '[dedup]\nagainst = ["../old/lake"]')
    found = rows(new, "SELECT id, verdict, survivor_run, reasons FROM decisions")
    known = [row for row in found if row[0] in kept]
    assert {row[0] for row in known} == kept
    assert all(row[1] == "dropped" and row[2] == record.run_id for row in known)
    assert all("exact_duplicate" in row[3] for row in known)
    assert any(row[1] == "kept" for row in found)
    assert {path: old.read_bytes(path) for path in old.sizes("decisions")} == before

    with pytest.raises(ConfigError, match="signed its documents"):
        run(tmp_path / "other", shards, '[dedup]\nagainst = ["../old/lake"]\n[minhash]\nngram = 7')
    with pytest.raises(StoreError, match="holds no run"):
        run(tmp_path / "none", shards, '[dedup]\nagainst = ["nothing"]')
