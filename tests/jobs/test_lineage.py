"""Every manifest names what its task read: itself, or through what it names."""

from __future__ import annotations

import json
import random
from collections import Counter

from thresher.jobs.executor import InProcess
from thresher.jobs.plan import make_plan
from thresher.jobs.progress import Silent
from thresher.jobs.recipe import read_recipe
from thresher.jobs.run import execute
from thresher.manifests.store import Store

EVERYTHING = """
[gates]
languages = []
[lines]
enabled = true
[curated]
validation_fraction = 0.05
"""


class Watching(InProcess):
    """Notes what each task reads of the lake."""

    def __init__(self, monkeypatch):
        super().__init__()
        self.read, self.found = set(), []
        opened = Store.open

        def open_and_note(store, path):
            self.read.add(path)
            return opened(store, path)

        monkeypatch.setattr(Store, "open", open_and_note)

    def run(self, tasks):
        for task in tasks:
            self.read.clear()
            for result in super().run([task]):
                self.found.append((result.manifest, frozenset(self.read)))
                yield result


def texts(number):
    """Sentences of their own, some of them again, and lines that all documents have."""
    rng = random.Random(number % 25)
    words = [f"{a}{b}{c}" for a in "bcdfgklm" for b in "aeiou" for c in "nprst"]
    lines = [" ".join(rng.choices(words, k=20)) + "." for _ in range(6)]
    return "Home and away\n" + "\n".join(lines)


def test_every_manifest_names_what_its_task_read(tmp_path, recipe_for, monkeypatch):
    urls = []
    for shard in range(2):
        path = tmp_path / f"{shard}.jsonl"
        rows = [
            {"id": f"{shard}-{n}", "text": texts(40 * shard + n), "url": f"http://e{n % 3}.org/{n}"}
            for n in range(40)
        ]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        urls.append(str(path))
    watching = Watching(monkeypatch)
    recipe = read_recipe(recipe_for(tmp_path / "lake", urls, EVERYTHING))
    execute(make_plan(recipe), watching, Silent())
    made_of, stages = {}, Counter()
    for manifest, read in watching.found:
        named = set(manifest.inputs)
        assert len(named) == len(manifest.inputs)
        before = set().union(named, *(made_of.get(path, ()) for path in named))
        if manifest.stage != "curated":  # which names the parts whose documents it holds
            assert read <= before, (manifest.stage, sorted(read - before))
        if manifest.stage not in ("text", "thresholds"):  # of a crawl, and of an open policy
            assert named <= read, (manifest.stage, sorted(named - read))
        made_of.update({output.path: before for output in manifest.outputs})
        stages[manifest.stage] += 1
    assert stages["decisions"] == stages["site_signals"] == stages["candidates"] == 2
    assert len(stages) > 18
