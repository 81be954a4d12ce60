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

import json
import multiprocessing
import sys
import tempfile
import time
from pathlib import Path

import common
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from dedup_stages import ROWS, Stages, write_shard
from peak_memory import watched

from thresher.filters.measure import MinHashSettings, warm_up
from thresher.jobs.stages.dedup import find_duplicates
from thresher.manifests.shards import read_table
from thresher.manifests.store import Store
from thresher.pipeline.dedup import DedupSettings
from thresher.pipeline.shuffle import pack_ids

OURS = ("equal", "word", "paragraph", "crowd")
SHARD_DOCUMENTS = 25_000
KINDS = ("original", "equal", "word", "paragraph", "template", "crowd")
SHARES = (0.35, 0.1, 0.15, 0.1, 0.1, 0.2)
TEMPLATES = 50


def vocabulary():
    """8,000 made-up words."""
    parts = ["".join((a, b)) for a in "bcdfghjklmnprstvwz" for b in "aeiou"]
    rng = np.random.default_rng(0)
    return np.array(["".join(rng.choice(parts, 3)) for _ in range(8_000)])


def words_of(seed, word_count, many):
    """A text of its own for each seed: frequent words occur as in prose."""
    rng = np.random.default_rng(seed)
    places = (len(many) * rng.random(word_count) ** 2.5).astype(np.int64)
    return many[places]


def make_document(number, kind, group, many):
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


def plan(count):
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


def signed(store, count, start, key, minhash):
    """A shard of made documents; seconds to make them, and to sign them."""
    making = -time.perf_counter()
    kinds, groups = plan(count)
    many = vocabulary()
    making += time.perf_counter()
    end = min(start + SHARD_DOCUMENTS, count)

    def batches():
        nonlocal making
        for first in range(start, end, ROWS):
            began = time.perf_counter()
            numbers = range(first, min(first + ROWS, end))
            texts = pa.array(
                [make_document(n, KINDS[kinds[n]], int(groups[n]), many) for n in numbers]
            )
            making += time.perf_counter() - began
            yield first, texts

    shard, signing = write_shard(store, key, batches(), minhash)
    return shard, making, signing


def measure_size(count, workers, settings, folder):
    """Make the documents, run every stage, compare with what was planted."""
    warm_up()
    minhash = MinHashSettings()
    store = Store(str(folder))
    starts = range(0, count, SHARD_DOCUMENTS)
    with watched() as peak:
        began = time.perf_counter()
        with multiprocessing.get_context("fork").Pool(workers) as pool:
            tasks = [(store, count, start, f"s{start:08d}", minhash) for start in starts]
            made = pool.starmap(signed, tasks, 1)
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


def shard_bytes(store, shard):
    """Bytes of text of a shard."""
    texts = read_table(store, shard.texts, ["text"])["text"]
    return pc.sum(pc.binary_length(texts)).as_py()


def compare(labels, kinds, groups):
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


def show(result):
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


def report(options):
    """Run the sizes that have no result yet, each in a process of its own, and print all."""
    for size in map(int, options.documents.split(",")):
        path = result_path(options.work, size)
        if options.again or not path.exists():
            command = (__file__, "--child", size, "--work", options.work)
            how = ("--workers", options.workers, "--memory-mb", options.memory_mb)
            common.run_python(sys.executable, *command, *how)
        show(json.loads(path.read_text()))


def result_path(work, count):
    """Where the figures of a size are kept."""
    return work / f"dedup-scale-{count}.json"


def main():
    parser = common.parser(__doc__, data=False)
    parser.add_argument("--documents", default="100000,300000,1000000")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--memory-mb", type=float, default=768.0)
    parser.add_argument("--again", action="store_true", help="measure sizes that have a result too")
    parser.add_argument("--child", type=int, help="one size, in this process")
    with common.options(parser, documents="2000") as options:
        if options.child:
            settings = DedupSettings(memory_mb=options.memory_mb)
            with tempfile.TemporaryDirectory(dir=options.work) as folder:
                result = measure_size(options.child, options.workers, settings, Path(folder))
            result_path(options.work, options.child).write_text(json.dumps(result))
            return
        report(options)


if __name__ == "__main__":
    main()
