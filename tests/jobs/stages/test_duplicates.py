"""What a run hands on about duplicates: cluster sizes for the trainer, counts for the catalog."""

from __future__ import annotations

import json
import random

import pyarrow.parquet as pq

from thresher.jobs.executor import InProcess
from thresher.jobs.plan import make_plan
from thresher.jobs.progress import Silent
from thresher.jobs.recipe import read_recipe
from thresher.jobs.run import execute
from thresher.manifests import catalog

POLICY = """
name = "mine"
version = 1
[duplicates]
drop = ["exact", "near"]
prefer = "length.words"
"""


def test_cluster_sizes_reach_the_curated_shards_and_odd_sizes_the_catalog(tmp_path):
    rng = random.Random(1)
    words = [f"{a}{b}{c}" for a in "bdfgklm" for b in "aeiou" for c in "nrst"]
    texts = {n: " ".join(rng.choices(words, k=300)) for n in range(3)}
    longer = f"{texts[0]} and then some"
    short = "Four words are few."
    mega = " ".join(rng.choices(words, k=140_000))
    listed = [texts[0], longer, texts[0], texts[0].upper(), texts[1], short, short, texts[2], mega]
    with (tmp_path / "texts.jsonl").open("w") as file:
        for number, text in enumerate(listed):
            file.write(json.dumps({"id": str(number), "text": text}) + "\n")
    (tmp_path / "mine.toml").write_text(POLICY)
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(
        'name = "sizes"\nlake = "lake"\n[input]\nurls = ["texts.jsonl"]\n'
        '[gates]\nlanguages = []\nmin_characters = 1\n[judge]\npolicy = "mine.toml"\n'
    )
    plan = make_plan(read_recipe(recipe))
    record = execute(plan, InProcess(), Silent())
    assert record.status == "complete", record.failures
    with catalog.connect(plan.store) as database:
        paths = [path for (path,) in database.execute("SELECT path FROM output_shards").fetchall()]
        facts = dict(database.execute("SELECT fact, value FROM dedup_facts").fetchall())
    rows = [row for path in paths for row in pq.read_table(path).to_pylist()]
    sizes = {row["text"]: row["duplicates"] for row in rows}
    assert sizes == {longer: 4, texts[1]: 1, short: 2, texts[2]: 1, mega: 1}
    assert (facts["unsigned"], facts["beyond_cap"]) == (2, 1)
    assert (facts["clusters"], facts["largest_cluster"]) == (2, 4)
