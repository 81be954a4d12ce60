"""A finished run that is planned again with something changed: which facts would be others."""

from __future__ import annotations

import contextlib
import copy
import functools
import hashlib
import shutil
import sys
from pathlib import Path

import msgspec
import pytest
from small_runs import full_recipe, run, write_crawl

from thresher.classifiers.quality import QualityModel
from thresher.jobs import plan as planning
from thresher.jobs import run as driving
from thresher.jobs.executor import Result
from thresher.jobs.plan import make_plan
from thresher.jobs.progress import Silent
from thresher.jobs.recipe import recipe_of
from thresher.jobs.stages import curate
from thresher.jobs.stages import measure as measuring
from thresher.manifests.manifest import load_all
from thresher.manifests.store import Store

MODELS = Path(__file__).parents[2] / "classifiers" / "models"
SCORERS = """
def length(texts):
    return [len(text) / 1000 for text in texts]

def other(texts):
    return length(texts)

def make_head(seed):
    return length

def make_other(seed):
    return length

def page(html):
    return html

def other_page(html):
    return html
"""
POLICY = """
name = "small"
version = 1
[[rules]]
reason = "few_words"
signal = "length.words"
below = 60
[[rules]]
reason = "low_score"
signal = "quality.score"
keep_top = 0.9
[duplicates]
drop = ["exact", "near", "url"]
prefer = "quality.score"
"""
for _reason, _signal, _above in (
    ("many_phrases", "slop.phrases_per_1000_words", 1000000),
    ("machine_text", "machine_text.score", 0.999999),
    ("seen", "contamination.coverage", 0.999999),
    ("furniture", "repeated_lines.run_line_fraction", 0.999999),
    ("large_site", "site.pages", 1000000),
):
    POLICY += f'[[rules]]\nreason = "{_reason}"\nsignal = "{_signal}"\nabove = {_above}\n'
ASKING = """
[[rules]]
reason = "chosen"
signal = "guests.regex"
in = ["never"]
[[rules]]
reason = "long"
signal = "scores.thousands"
above = 1000000
"""


class Asked:
    """Answers tasks by the manifests of a finished run, and remembers them: stage, key, mark."""

    def __init__(self, known):
        self._known, self.tasks = known, set()

    def run(self, tasks):
        for task in tasks:
            last = task.args[-1]
            marks = last if isinstance(last, dict) else {task.stage: last}
            self.tasks |= {(stage, task.key, mark) for stage, mark in marks.items()}
            yield Result(task, tuple(self._made(task.key, *each) for each in marks.items()), 1)

    def _made(self, key, stage, mark):
        made = self._known[stage]
        manifest = made.get(key, next(iter(made.values())))
        outputs = [
            msgspec.structs.replace(each, path=each.path.replace(manifest.fingerprint, mark))
            for each in manifest.outputs
        ]
        return msgspec.structs.replace(manifest, key=key, outputs=outputs)

    def cancel(self):
        """Nothing runs."""


class Finished:
    """A finished run, and what would run again with something changed."""

    def __init__(self, folder):
        self.folder = folder
        self.shards = write_crawl(folder / "crawl", 1)
        self.recipe = full_recipe(folder, self.shards)
        self.scorers = folder / "scorers.py"
        self.scorers.write_text(SCORERS)
        (folder / "small.toml").write_text(POLICY)
        (folder / "other.toml").write_text(POLICY.replace("60", "61"))
        (folder / "asking.toml").write_text(POLICY + ASKING)
        self.recipe["scores"][0]["callable"] = f"{self.scorers}:length"
        for number, name in enumerate(("old", "older")):
            run(
                {
                    "name": name,
                    "lake": self.recipe["lake"],
                    "input": {"urls": [str(write_crawl(folder / name, 2 + number, 1)[0])]},
                    "judge": {"policy": str(folder / "small.toml")},
                    "sites": {"measure": False},
                }
            )
        self.recipe["dedup"] = {"against": ["old"]}
        store, record = run(self.recipe)
        self._known = {
            stage: load_all(store, stage, mark) for stage, mark in record.fingerprints.items()
        }
        (folder / "copy").mkdir()
        shutil.copy(folder / "questions.jsonl", folder / "copy" / "renamed.jsonl")
        for name in ("quality-en", "machine-text-en"):
            shutil.copy(MODELS / f"{name}@1" / f"{name}.ftz", folder)
        names = [path.name for path in self.shards]
        for place, lines in (
            ("list.txt", names),
            ("copy/list.txt", ["# the same", "", *reversed(names)]),
            ("other.txt", names[:2]),
        ):
            (folder / place).write_text("\n".join(lines))
        self._words = {
            "$LIST": str(folder / "list.txt"),
            "$SAME_LIST": str(folder / "copy" / "list.txt"),
            "$OTHER_LIST": str(folder / "other.txt"),
            "$CRAWL": str(folder / "crawl"),
            "$QUALITY_FILE": str(folder / "quality-en.ftz"),
            "$MACHINE_TEXT_FILE": str(folder / "machine-text-en.ftz"),
            "$LAKE": str(folder / "another"),
            "$POLICY": str(folder / "other.toml"),
            "$ASKING": str(folder / "asking.toml"),
            "$COPY": str(folder / "copy" / "renamed.jsonl"),
            "$SCORERS": str(self.scorers),
            "$SCORER": hashlib.sha256(SCORERS.encode()).hexdigest(),
            "$QUALITY": QualityModel("quality-en@1").sha256,
            "$MACHINE_TEXT": QualityModel("machine-text-en@1").sha256,
            **{f"$SHARD{n}": str(path) for n, path in enumerate(self.shards)},
        }

    def changed(self, settings, recipe=None):
        """The recipe with other settings, by their paths."""
        found = copy.deepcopy(recipe or self.recipe)
        for setting, value in settings.items():
            *path, last = setting.replace("[]", ".[]").split(".")
            where = found
            for step in path:
                where = where[0] if step == "[]" else where.setdefault(step, {})
            where[last] = self._filled(value)
        return found

    def _filled(self, value):
        if isinstance(value, list):
            return [self._filled(each) for each in value]
        if isinstance(value, str):
            for word in sorted(self._words, key=len, reverse=True):
                value = value.replace(word, self._words[word])
        return value

    def facts(self, recipe=None):
        """All facts of a run, as stage, key and fingerprint; and its id."""
        asked = Asked(self._known)
        plan = make_plan(recipe_of(recipe or self.recipe))
        driving.execute(plan, asked, Silent())
        return asked.tasks, plan.run_id

    @functools.cached_property
    def before(self):
        """The facts of the run as it was."""
        return self.facts()

    def stale(self, recipe=None):
        """Keys by stage of what would be made again, and whether the run gets another id."""
        facts, run_id = self.facts(recipe)
        before, named = self.before
        found = {}
        for stage, key, _ in facts - before:
            found.setdefault(stage, set()).add(key)
        return found, run_id != named


@contextlib.contextmanager
def only_planned():
    """Of a lake only its runs are looked at, nothing is written, and models are loaded once."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("QualityModel", "LanguageIdentifier"):
            patch.setattr(planning, name, functools.cache(getattr(planning, name)))
        for name in ("write_bytes", "remove", "sweep"):
            patch.setattr(Store, name, lambda *_: None)
        patch.setattr(driving, "load_all", lambda *_: {})
        patch.setattr(measuring, "load_all", lambda *_: {})
        patch.setattr(driving.catalog, "build", lambda _: None)
        for module, name in (
            (driving, "write_report"),
            (driving, "check_handed_on"),
            (curate, "check_handed_on"),
            (curate, "check_curated"),
        ):
            patch.setattr(module, name, lambda *_: None)
        yield


def swap(patch, old, new):
    """Put another object in its place wherever a module or a tuple of one holds it."""
    for module in [m for name, m in sys.modules.items() if name.startswith("thresher.")]:
        for name, value in list(vars(module).items()):
            if value is old:
                patch.setattr(module, name, new)
            elif isinstance(value, tuple) and any(each is old for each in value):
                patch.setattr(module, name, tuple(new if each is old else each for each in value))
