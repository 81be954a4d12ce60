"""Planted duplicates at growing sizes: recall, wrong merges, seconds and memory.

    python tests/benchmarks/dedup_scale.py [--documents 100000,300000,1000000] [--workers 2]

Documents of random words with known copies: equal ones, one word changed, a paragraph inserted,
templated pages that share 60% of their words (which must not be merged), and one cluster of a
fifth of all. Every stage runs as in a run, signatures included, without Ray. Wanted: every copy at
a similarity of .9 and more in the cluster of its original, and no two originals in one.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import re
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa

from filters.measure import MinHashSettings, content_hash, sign, warm_up
from manifests.shards import ShardWriter, read_table
from manifests.store import Store
from pipeline.dedup import DedupSettings, ShardRef, clusters, edges, verify
from pipeline.dedup.bands import bands

SHARD_DOCUMENTS = 25_000
KINDS = ("original", "equal", "word", "paragraph", "template", "crowd")
SHARES = (0.35, 0.1, 0.15, 0.1, 0.1, 0.2)
TEMPLATES = 50

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("text", pa.string()),
        ("url", pa.string()),
        ("date", pa.string()),
        ("content_hash", pa.binary(16)),
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


def write_shard(store: Store, count: int, start: int, key: str) -> ShardRef:
    """Texts, hashes and signatures of some of the documents."""
    kinds, groups = plan(count)
    many = vocabulary()
    path = f"documents/x/{key}.parquet"
    end = min(start + SHARD_DOCUMENTS, count)
    with ShardWriter(store, path, SCHEMA) as writer:
        for first in range(start, end, 1024):
            numbers = range(first, min(first + 1024, end))
            texts = pa.array(
                [make_document(n, KINDS[kinds[n]], int(groups[n]), many) for n in numbers]
            )
            nothing = pa.nulls(len(texts), pa.string())
            lengths = pa.array([{"nonsymbol_words": 1}] * len(texts))
            ids = pa.array([f"{n:032x}" for n in numbers])
            columns = [ids, texts, nothing, nothing, content_hash(texts)]
            columns += [sign(texts, MinHashSettings()), lengths]
            writer.write(pa.table(columns, schema=SCHEMA))
    return ShardRef(key, path)


def peak_mb() -> float:
    """Peak memory of this process."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024


def timed(function, task) -> tuple:
    """A task's result with the process and its peak memory."""
    return function(*task), os.getpid(), peak_mb()


def measure_size(count: int, workers: int, settings: DedupSettings) -> None:
    """Make the documents, run every stage, compare with what was planted."""
    minhash = MinHashSettings()
    steps: dict[str, float] = {}
    peaks: dict[int, float] = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        multiprocessing.get_context("fork").Pool(workers) as pool,
    ):
        store = Store(folder)

        def step(name, function, tasks):
            began = time.perf_counter()
            done = pool.starmap(timed, [(function, task) for task in tasks], 1)
            for _, process, peak in done:
                peaks[process] = max(peak, peaks.get(process, 0.0))
            steps[name] = time.perf_counter() - began
            return [result for result, _, _ in done]

        starts = range(0, count, SHARD_DOCUMENTS)
        shards = step(
            "make+sign", write_shard, [(store, count, start, f"s{start:08d}") for start in starts]
        )
        banded = step("bands", bands, [(store, s, settings, minhash, "f") for s in shards])
        parts = max(workers, edges.partition_count(count, settings))
        linked = step(
            "edges", edges.edges, [(store, banded, p, parts, settings, "f") for p in range(parts)]
        )
        checked = step(
            "verified",
            verify.verified,
            [(store, shards, linked, p, settings, minhash, "f") for p in range(parts)],
        )
        outputs = ((linked, 0), (checked, 0), (linked, 2))
        paths = [[m.output(n).path for m in stage] for stage, n in outputs]
        (manifest,) = step("clusters", clusters.clusters, [(store, shards, *paths, "f")])
        labels = np.arange(count)
        for output in manifest.outputs:
            for row in read_table(store, output.path, ["id", "cluster_id"]).to_pylist():
                labels[int(row["id"], 16)] = int(row["cluster_id"], 16)
        unchecked = sum(m.facts["unchecked"] for m in linked)
    kinds, groups = plan(count)
    compare(count, labels, kinds, groups)
    seconds = sum(steps.values())
    print(
        f"  {seconds:.0f} s, {seconds / count * 1e6:.0f} us a document; "
        + ", ".join(f"{name} {value:.1f}" for name, value in steps.items())
    )
    print(
        f"  {parts} partitions, peak of a worker {max(peaks.values()):.0f} MB, "
        f"of the {len(peaks)} together {sum(peaks.values()):.0f} MB, {unchecked} unchecked"
    )


def compare(count: int, labels: np.ndarray, kinds: np.ndarray, groups: np.ndarray) -> None:
    """Copies that are not with their original, and originals or templates that are merged."""
    templated = kinds == KINDS.index("template")
    print(f"{count} documents")
    for number, kind in enumerate(KINDS[1:], 1):
        mine = np.flatnonzero(kinds == number)
        if kind != "template":
            found = int((labels[mine] == labels[groups[mine]]).sum())
            print(f"  {kind:10} {found} of {len(mine)} found ({found / max(len(mine), 1):.5f})")
    group = np.where(templated, count + np.arange(count), groups)
    pairs = np.unique(np.stack([labels, group], axis=1), axis=0)
    merged = len(pairs) - len(np.unique(pairs[:, 0]))
    print(f"  unrelated documents merged: {merged}")


def main() -> None:
    """Run the sizes."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--documents", default="100000,300000,1000000")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--memory-mb", type=float, default=1024.0)
    arguments = parser.parse_args()
    warm_up()
    for size in arguments.documents.split(","):
        measure_size(int(size), arguments.workers, DedupSettings(memory_mb=arguments.memory_mb))


if __name__ == "__main__":
    main()
