"""A lake that lost a file, or holds another in its place, is mended at the next start."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from fingerprint_table import AFTER
from small_runs import Counting, digests, run

from thresher.jobs import run as driving
from thresher.jobs.plan import make_plan
from thresher.jobs.progress import Silent
from thresher.jobs.recipe import recipe_of
from thresher.manifests import catalog
from thresher.manifests.layout import GROUPS
from thresher.manifests.manifest import Manifest, load_all, manifest_path
from thresher.manifests.store import Store

DAMAGES = {
    "deleted": lambda _content, _other: None,
    "cut": lambda content, _other: content[:-1],
    "emptied": lambda _content, _other: b"",
    "grown": lambda content, _other: content + b"\0",
    "swapped": lambda _content, other: other,
}
"""What becomes of a file, by its content and that of another file of the lake. A file of the lake
is known by its size: one that has changed without changing that is believed."""

MANIFEST_DAMAGES = {
    **DAMAGES,
    "no JSON": lambda content, _other: b"x" + content[1:],
    "no text": lambda content, _other: content.replace(b'"key": "', b'"key": "\xff'),
    "no manifest": lambda _content, _other: b"[1, 2]",
    "of another format": lambda content, _other: content.replace(b'"key"', b'"name"'),
}


class Torn:
    """A copy of a lake in which one file after the other is damaged."""

    def __init__(self, lake, folder):
        self.recipe = lake.copy(folder)
        self.plan = make_plan(recipe_of(self.recipe))
        self.store, self.stages = self.plan.store, lake.stages
        self.sizes = {path: n for path, n in self.store.sizes("").items() if "/" in path}
        self.facts, self.manifests = digests(self.store), self.all_manifests()

    def all_manifests(self):
        """What every manifest says, but for the time it took."""
        return {
            path: msgspec.structs.replace(
                msgspec.json.decode(self.store.read_bytes(path), type=Manifest), seconds=0.0
            )
            for path in self.store.sizes("manifests")
        }

    def damage(self, name, change, other):
        """Damage a file by the content of another."""
        path = Path(self.store.url(name))
        after = change(path.read_bytes(), self.store.read_bytes(other))
        if after is None:
            path.unlink()
        else:
            path.write_bytes(after)

    def of_another_size(self, name):
        """A file of the lake that has another size than this one."""
        return next(path for path, size in self.sizes.items() if size != self.sizes[name])

    def damages(self, manifest):
        """Every damage to a manifest, and to each of its outputs: name of the file, and how."""
        place = manifest_path(manifest.stage, manifest.fingerprint, manifest.key)
        beside = [path for path in self.manifests if path != place]
        near = [path for path in beside if path.startswith(place.rpartition("/")[0])]
        for change in MANIFEST_DAMAGES.values():
            yield place, change, (near or beside)[-1]
        # Of another stage that knows the same shard, or of the same stage of another run.
        name = place.rpartition("/")[2]
        for other in [path for path in beside if path.endswith(f"/{name}")]:
            yield place, DAMAGES["swapped"], other
        for output in manifest.outputs:
            for change in DAMAGES.values():
                yield output.path, change, self.of_another_size(output.path)

    def assert_mended_by(self, *tasks):
        """The next start runs these tasks, and all is as it was."""
        executor = Counting()
        with pytest.MonkeyPatch.context() as patch:  # every run makes these, whatever is there
            patch.setattr(driving.catalog, "build", lambda _: None)
            patch.setattr(driving, "write_report", lambda *_: None)
            record = driving.execute(self.plan, executor, Silent())
        assert record.failures == []
        assert executor.tasks == list(tasks)
        assert digests(self.store) == self.facts
        assert self.all_manifests() == self.manifests


@pytest.fixture(scope="module")
def torn(small, tmp_path_factory):
    return Torn(small, tmp_path_factory.mktemp("torn"))


def test_the_lake_has_files_of_every_stage(torn):
    assert torn.stages.keys() == AFTER.keys()
    assert all(torn.stages.values())
    named = {
        output.path for made in torn.stages.values() for m in made.values() for output in m.outputs
    }
    facts = {path for path in torn.facts if not path.endswith("README.md")}
    # Of the rounds of components the record knows the last.
    assert named == {path for path in facts if path in named or not path.startswith("components/")}


@pytest.mark.parametrize("stage", AFTER)
def test_every_damage_to_every_file_is_noticed(torn, stage):
    made = torn.stages[stage]
    for key, manifest in made.items():
        for name, change, other in torn.damages(manifest):
            whole = torn.store.read_bytes(name)
            torn.damage(name, change, other)
            found = load_all(torn.store, stage, manifest.fingerprint)
            assert found.keys() == made.keys() - {key}, (name, other)
            assert load_all(torn.store, stage, manifest.fingerprint, [key]) == {}
            Path(torn.store.url(name)).write_bytes(whole)
    assert load_all(torn.store, stage, manifest.fingerprint) == made


@pytest.mark.parametrize("stage", AFTER)
def test_what_is_lost_is_made_again(torn, stage):
    key, manifest = list(torn.stages[stage].items())[-1]
    place = manifest_path(stage, manifest.fingerprint, key)
    lost = manifest.outputs[-1].path if manifest.outputs else place
    Path(torn.store.url(lost)).unlink()
    # Signals are measured on the texts that are there.
    torn.assert_mended_by(("signals" if stage in GROUPS else stage, key))


@pytest.mark.slow
@pytest.mark.parametrize("stage", AFTER)
def test_every_damage_is_mended(torn, stage):
    for key, manifest in torn.stages[stage].items():
        for damage in torn.damages(manifest):
            torn.damage(*damage)
            torn.assert_mended_by(("signals" if stage in GROUPS else stage, key))


def test_what_is_no_fact_is_written_by_every_run(small, tmp_path):
    recipe = small.copy(tmp_path)
    store = Store(recipe["lake"])
    card = f"{small.record.curated}/README.md"
    files = (card, catalog.PATH, "report.html", *store.sizes("runs"), *store.sizes("reports"))
    funnel = small.ask("FROM funnel")
    run(recipe)
    before = {name: store.read_bytes(name) for name in (card, "report.html")}
    assert before[card] == small.store.read_bytes(card)
    for lost in (True, False):
        for name in files:
            path = Path(store.url(name))
            if lost:
                path.unlink()
            else:
                path.write_bytes(path.read_bytes()[:-9])
        executor = Counting()
        run(recipe, executor)
        assert executor.tasks == []
        with catalog.connect(store) as database:
            assert database.execute("FROM funnel").fetchall() == funnel
        assert {name: store.read_bytes(name) for name in before} == before
        assert set(store.sizes("")) >= set(files)
