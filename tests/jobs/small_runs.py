"""Small crawls from a seed, recipes that ask for every stage, and executors that look on."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from thresher.jobs.executor import InProcess, Result, Task
from thresher.jobs.plan import make_plan
from thresher.jobs.progress import Silent
from thresher.jobs.recipe import recipe_of
from thresher.jobs.run import execute
from thresher.jobs.sample.page import text_of
from thresher.manifests import catalog
from thresher.manifests.manifest import Manifest, load_all
from thresher.manifests.run import RunRecord
from thresher.manifests.store import Store

SCORERS = Path(__file__).parent / "stages" / "scorer_heads.py"

POLICY = """
name = "small"
version = 1
[[rules]]
reason = "few_words"
signal = "length.words"
below = 60
[[rules]]
reason = "low_score"
signal = "scores.thousands"
keep_top = 0.9
[[rules]]
reason = "never_first"
signal = "length.words"
below = 50
[duplicates]
drop = ["exact", "near", "url"]
prefer = "quality.score"
"""

_KINDS = ("town", "person", "news", "story", "essay", "science", "howto")
_QUESTION = (
    "How many grains of barley lie on the last square of the miller's board when each square "
    "holds twice as many as the one before it and the first holds three"
)
_FOOTER = "All the pages of this paper are printed at the old mill by the bridge."
_GERMAN = (
    "Die alte Mühle steht seit vielen Jahren am Fluss, und die Leute aus dem Tal bringen ihren "
    "Weizen noch immer dorthin. Im Sommer kommen auch Gäste aus der Stadt, um sie anzusehen."
)


def write_crawl(folder: Path, seed: int, shards: int = 3, pages: int = 8) -> list[Path]:
    """Shards of JSON Lines: pages, copies of every kind across shards, and what is no document."""
    rng = random.Random(seed)
    texts = [text_of(rng.choice(_KINDS), seed, "small", index=n) for n in range(shards * pages)]
    rows: list[dict[str, str] | str] = []
    for n, text in enumerate(texts):
        body = f"{text.body}\n{_FOOTER}" if n % 2 else text.body
        if n % 9 == 4:
            body += f"\n{_QUESTION}?"
        rows.append(_row(f"page{n}", f"https://site{n % 3}.example/{n}", n, body))
    for n, text in enumerate(rng.sample(texts, 6)):
        mirror = f"https://mirror.example/{n}"
        later = f"https://site{n % 2}.example/{n % 2}"
        rows += [
            _row(f"copy{n}", f"{later}?copy={n}", n, f"  {text.body.replace(' ', '  ')}"),
            _row(f"near{n}", f"https://other.example/{n}", n, f"{text.body} The end, at last."),
            _row(f"twin{n}", mirror, n, text.body),
            _row(f"late{n}", later, 40 + n, f"{text.body}\n{texts[-1 - n].body}"),
        ]
    rows += [_row(f"short{n}", "https://site1.example/short", n, "Too short.") for n in range(3)]
    rows += [
        _row(f"brief{n}", f"https://site2.example/brief{n}", n, text.body[: 120 + 20 * n])
        for n, text in enumerate(rng.sample(texts, 3))
    ]
    rows += [_row(f"german{n}", "https://site1.example/de", n, f"{_GERMAN} {n}") for n in range(2)]
    rows += ['{"id": "torn", "text": "', "[1, 2]"]
    rng.shuffle(rows)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number in range(shards):
        mine = (row if isinstance(row, str) else json.dumps(row) for row in rows[number::shards])
        paths.append(folder / f"shard{number}.jsonl")
        paths[-1].write_text("\n".join(mine) + "\n", encoding="utf-8")
    return paths


def _row(name: str, url: str, day: int, text: str) -> dict[str, str]:
    date = f"2024-0{1 + day // 28}-{1 + day % 28:02d}T00:00:00Z"
    return {"id": name, "url": url, "date": date, "text": text}


def full_recipe(folder: Path, urls: Sequence[Path]) -> dict[str, Any]:
    """A recipe that has every stage, over these shards; its files are written to the folder."""
    (folder / "small.toml").write_text(POLICY, encoding="utf-8")
    (folder / "questions.jsonl").write_text(json.dumps({"q": _QUESTION, "a": "Many of them"}))
    return {
        "name": "small",
        "lake": str(folder / "lake"),
        "input": {"urls": [str(url) for url in urls]},
        "scores": [
            {
                "name": "thousands",
                "callable": f"{SCORERS}:length",
                "meaning": "Characters, in thousands.",
            }
        ],
        "guests": [{"filter": "datatrove.RegexFilter", "arguments": {"regex_exp": "wheat"}}],
        "decontaminate": [
            {"name": "barley", "path": str(folder / "questions.jsonl"), "fields": ["q"]}
        ],
        "lines": {"enabled": True, "least_documents": 4, "site_least_documents": 4},
        "sites": {"min_pages": 3},
        "judge": {"policy": str(folder / "small.toml")},
        "curated": {
            "validation_fraction": 0.2,
            "shard_bytes": 20_000,
            "transforms": ["repeated_lines", "cut_contamination", "clean_lines"],
        },
        "run": {"executor": "in-process"},
    }


def changed(recipe: Mapping[str, Any], **sections: Mapping[str, Any]) -> dict[str, Any]:
    """A recipe with other settings in some sections."""
    return {**recipe, **{name: {**recipe.get(name, {}), **s} for name, s in sections.items()}}


def run(recipe: Mapping[str, Any], executor: Any = None) -> tuple[Store, RunRecord]:
    """Plan and run a recipe in this process."""
    plan = make_plan(recipe_of(recipe))
    return plan.store, execute(plan, executor or InProcess(), Silent())


class Counting(InProcess):
    """Remembers the stage and key of every task, and waits for nothing."""

    def __init__(self) -> None:
        super().__init__(sleep=lambda _: None)
        self.tasks: list[tuple[str, str]] = []

    def run(self, tasks: Iterable[Task]) -> Iterator[Result]:
        """See `Executor.run`."""
        for task in tasks:
            self.tasks.append((task.stage, task.key))
            yield from super().run([task])


class Shuffled(Counting):
    """Any number of workers as the driver sees them: tasks end in any order but their own."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._random = random.Random(seed)

    def run(self, tasks: Iterable[Task]) -> Iterator[Result]:
        """See `Executor.run`."""
        given = list(tasks)
        waiting = list(given)
        while waiting == given and len(given) > 1:
            self._random.shuffle(waiting)
        yield from super().run(waiting)


def digests(store: Store, *stages: str) -> dict[str, str]:
    """sha256 of the files that some stages (by default all) wrote, manifests aside."""
    paths = [path for stage in stages or [""] for path in store.sizes(stage)]
    facts = [path for path in paths if path.endswith((".parquet", ".npy", "README.md"))]
    return {path: hashlib.sha256(store.read_bytes(path)).hexdigest() for path in facts}


class Lake:
    """A finished run with every stage, on a small crawl."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.shards = folder, write_crawl(folder / "crawl", seed)
        # So that the quarantine holds every record that is not a document.
        self.recipe = changed(full_recipe(folder, self.shards), gates={"retain_fraction": 1.0})
        self.store, self.record = run(self.recipe)
        self.stages: dict[str, dict[str, Manifest]] = {
            stage: load_all(self.store, stage, mark)
            for stage, mark in self.record.fingerprints.items()
        }

    def rows(self, stage: str, key: str, output: int = 0) -> list[dict[str, Any]]:
        """The rows of a file of the lake."""
        path = self.stages[stage][key].output(output).path
        found: list[dict[str, Any]] = pq.read_table(self.folder / "lake" / path).to_pylist()
        return found

    def ask(self, sql: str) -> list[Any]:
        """What the catalog says."""
        with catalog.connect(self.store) as database:
            return database.execute(sql).fetchall()

    def copy(self, folder: Path, without: Iterable[str] = ()) -> dict[str, Any]:
        """The recipe, on a copy of the lake that lacks what some stages wrote."""
        lake = folder / "lake"
        shutil.copytree(self.folder / "lake", lake)
        for stage in without:
            shutil.rmtree(lake / stage, ignore_errors=True)
            shutil.rmtree(lake / "manifests" / stage)
        return {**self.recipe, "lake": str(lake)}
