"""Planted duplicates at growing sizes: recall, wrong merges, seconds and memory.

    python tests/benchmarks/dedup_scale.py --work WORK [--documents 100000,300000,1000000]
        [--workers 2] [--memory-mb 768]

Documents of random words with known copies: equal ones, one word changed, a paragraph inserted,
templated pages that share 60% of their words (which must not be merged), and one cluster of a
fifth of all. Every stage runs as in a run, without Ray. Seconds are from texts to clusters,
hashes and signatures included, making the texts left out; memory is the peak of all processes
together. Wanted: every copy at a similarity of .9 and more in the cluster of its original, and no
two originals in one. A size that was measured before is only shown.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from tree_memory import watched

from thresher.filters.measure import MinHashSettings, content_hash, raw_hash, sign, warm_up
from thresher.jobs.stages.dedup import find_duplicates
from thresher.manifests.manifest import load_all
from thresher.manifests.shards import ShardWriter, read_table
from thresher.manifests.store import Store
from thresher.pipeline.dedup import DedupSettings
from thresher.pipeline.shards import ShardRef
from thresher.pipeline.shuffle import pack_ids

SHARD_DOCUMENTS = 25_000
KINDS = ("original", "equal", "word", "paragraph", "template", "crowd")
SHARES = (0.35, 0.1, 0.15, 0.1, 0.1, 0.2)
TEMPLATES = 50

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("text", pa.string()),
        ("url", pa.string()),
        ("content_hash", pa.binary(16)),
        ("raw_hash", pa.binary(16)),
        ("minhash", pa.binary(4 * 112)),
        ("length", pa.struct([("nonsymbol_words", pa.int64())])),
    ]
)


def vocabulary() -> np.ndarray:
    """8,000 made-up words."""
    parts = ["".join((a, b)) for a in "bcdfghjklmnprstvwz" for b in "aeiou"]
    rng = np.random.default_rng(0)
    return np.array(["".join(rng.choice(parts, 3)) for _ in range(8_000)])


def words_of(seed: int, word_count: int, many: np.ndarray) -> np.ndarray:
    """A text of its own for each seed: frequent words occur as in prose."""
    rng = np.random.default_rng(seed)
    places = (len(many) * rng.random(word_count) ** 2.5).astype(np.int64)
    return many[places]


def make_document(number: int, kind: str, group: int, many: np.ndarray) -> str:
    """The text of a document: a copy of its group's original, or something of its own."""
    rng = np.random.default_rng((number, 7))
    size = 150 + group % 300
    if kind == "template":
        own = words_of(10**9 + number, 200, many)
        return " ".join([*words_of(2 * 10**9 + group, 300, many), *own])
    words = words_of(3 * 10**9 + group, size, many)
    if kind in ("word", "crowd"):
        words = words.copy()
        words[rng.integers(len(words))] = f"x{number}"
    elif kind == "paragraph":
        place = int(rng.integers(len(words)))
        words = np.concatenate([words[:place], rng.choice(many, len(words) // 25), words[place:]])
    return " ".join(words)


def plan(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Kind and group of each document; a group is an original and its copies, or a template."""
    rng = np.random.default_rng(count)
    kinds = rng.choice(len(KINDS), count, p=SHARES)
    kinds[:2] = 0
    originals = np.flatnonzero(kinds == 0)
    groups = rng.choice(originals, count)
    groups[originals] = originals
    groups[kinds == KINDS.index("crowd")] = originals[0]
    templates = kinds == KINDS.index("template")
    groups[templates] = rng.integers(0, TEMPLATES, templates.sum())
    return kinds, groups


def write_shard(
    store: Store, count: int, start: int, key: str, minhash: MinHashSettings
) -> tuple[ShardRef, float, float]:
    """Texts, hashes and signatures of some documents; seconds to make them, and to sign them."""
    making = -time.perf_counter()
    kinds, groups = plan(count)
    many = vocabulary()
    making += time.perf_counter()
    signing = 0.0
    path = f"documents/x/{key}.parquet"
    end = min(start + SHARD_DOCUMENTS, count)
    with ShardWriter(store, path, SCHEMA) as writer:
        for first in range(start, end, 1024):
            began = time.perf_counter()
            numbers = range(first, min(first + 1024, end))
            texts = pa.array(
                [make_document(n, KINDS[kinds[n]], int(groups[n]), many) for n in numbers]
            )
            lengths = pa.array([{"nonsymbol_words": 1}] * len(texts))
            ids = pa.array([f"{n:032x}" for n in numbers])
            made = time.perf_counter()
            columns = [ids, texts, pa.nulls(len(texts), pa.string())]
            columns += [content_hash(texts), raw_hash(texts), sign(texts, minhash), lengths]
            making, signing = making + made - began, signing + time.perf_counter() - made
            writer.write(pa.table(columns, schema=SCHEMA))
    return ShardRef(key, path), making, signing


class Stages:
    """Runs stages on a pool of processes and remembers their time; done tasks are not repeated."""

    def __init__(self, store: Store, pool) -> None:
        self.store, self._pool = store, pool
        self.seconds: Counter[str] = Counter()
        self.facts: dict[str, Counter[str]] = {}
        self.rounds = 0

    def __call__(self, stage, mark, function, work):
        began = time.perf_counter()
        made = load_all(self.store, stage, mark, list(work))
        tasks = [(self.store, *rest, mark) for key, rest in work.items() if key not in made]
        for manifest in self._pool.starmap(function, tasks, 1):
            made[manifest.key] = manifest
        self.seconds[stage] += time.perf_counter() - began
        self.rounds += stage == "components"
        counts = self.facts.setdefault(stage, Counter())
        for manifest in made.values():
            counts.update(manifest.facts)
        counts["tasks"] = len(work)
        return made


def measure_size(count: int, workers: int, settings: DedupSettings, folder: Path) -> dict:
    """Make the documents, run every stage, compare with what was planted."""
    warm_up()
    minhash = MinHashSettings()
    store = Store(str(folder))
    starts = range(0, count, SHARD_DOCUMENTS)
    with watched() as peak:
        began = time.perf_counter()
        with multiprocessing.get_context("fork").Pool(workers) as pool:
            tasks = [(store, count, start, f"s{start:08d}", minhash) for start in starts]
            made = pool.starmap(write_shard, tasks, 1)
            run = Stages(store, pool)
            shards = [shard for shard, _, _ in made]
            found = find_duplicates(run, shards, (), "f", settings, minhash)
            seconds = time.perf_counter() - began
    making = sum(spent for _, spent, _ in made)
    signing = sum(spent for _, _, spent in made)
    labels = np.arange(count)
    for path in found.paths.values():
        table = read_table(store, path, ["id", "cluster_id"]).drop_null()
        ends = [pack_ids(table[name])[:, 1].astype(np.int64) for name in table.column_names]
        labels[ends[0]] = ends[1]
    kinds, groups = plan(count)
    return {
        "documents": count,
        "seconds": seconds,
        "seconds_without_making": seconds - making / workers,
        "text_mb": sum(shard_bytes(store, shard) for shard in shards) / 1e6,
        "peak_mb": peak.mb,
        "signing_cpu": signing,
        "stages": dict(run.seconds),
        "tasks": {stage: counts["tasks"] for stage, counts in run.facts.items()},
        "rounds": run.rounds,
        "unchecked": run.facts["edges"]["unchecked"],
        **compare(labels, kinds, groups),
    }


def shard_bytes(store: Store, shard: ShardRef) -> int:
    """Bytes of text of a shard."""
    texts = read_table(store, shard.documents, ["text"])["text"]
    return pc.sum(pc.binary_length(texts)).as_py()


def compare(labels: np.ndarray, kinds: np.ndarray, groups: np.ndarray) -> dict:
    """Copies that are with their original by kind, and unlike documents that are merged."""
    found = {}
    for number, kind in enumerate(KINDS[1:], 1):
        mine = np.flatnonzero(kinds == number)
        if kind != "template":
            found[kind] = (int((labels[mine] == labels[groups[mine]]).sum()), len(mine))
    templated = kinds == KINDS.index("template")
    group = np.where(templated, len(labels) + np.arange(len(labels)), groups)
    pairs = np.unique(np.stack([labels, group], axis=1), axis=0)
    return {"found": found, "merged": len(pairs) - len(np.unique(pairs[:, 0]))}


def show(result: dict) -> None:
    """A size's figures."""
    count, seconds = result["documents"], result["seconds_without_making"]
    print(
        f"{count:9,d} documents ({result['text_mb']:.0f} MB): {seconds:6.1f} s from texts to "
        f"clusters, {1e6 * seconds / count:.0f} us each; peak of all processes "
        f"{result['peak_mb']:.0f} MB; {result['seconds']:.1f} s with making the texts"
    )
    for kind, (right, all_of_them) in result["found"].items():
        print(f"    {kind:10} {right:,} of {all_of_them:,} ({right / max(1, all_of_them):.6f})")
    print(f"    unrelated documents merged: {result['merged']}; unchecked: {result['unchecked']}")
    stages = ", ".join(f"{name} {value:.1f}" for name, value in result["stages"].items())
    print(f"    signing {result['signing_cpu']:.1f} CPU s; {stages}")
    print(f"    tasks {result['tasks']}, {result['rounds']} rounds of components", flush=True)


def main() -> None:
    """Run the sizes that have no result yet, each in a process of its own, and print all."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--documents", default="100000,300000,1000000")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--memory-mb", type=float, default=768.0)
    parser.add_argument("--work", type=Path, required=True, help="folder for lakes and results")
    parser.add_argument("--again", action="store_true", help="measure sizes that have a result too")
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    settings = DedupSettings(memory_mb=arguments.memory_mb)
    arguments.work.mkdir(parents=True, exist_ok=True)
    if arguments.child:
        with tempfile.TemporaryDirectory(dir=arguments.work) as folder:
            result = measure_size(arguments.child, arguments.workers, settings, Path(folder))
        result_path(arguments.work, arguments.child).write_text(json.dumps(result))
        return
    for size in map(int, arguments.documents.split(",")):
        path = result_path(arguments.work, size)
        if arguments.again or not path.exists():
            command = [sys.executable, __file__, "--child", str(size), "--work", arguments.work]
            command += ["--workers", arguments.workers, "--memory-mb", arguments.memory_mb]
            subprocess.run([str(part) for part in command], check=True)
        show(json.loads(path.read_text()))


def result_path(work: Path, count: int) -> Path:
    """Where the figures of a size are kept."""
    return work / f"dedup-scale-{count}.json"


if __name__ == "__main__":
    main()
