"""Near-duplicate search against exact truth: ours, datasketch and rensa on the same texts.

    python tests/benchmarks/dedup_quality.py --data DATA --work WORK [--documents 65000]
        [--tools ours-band ours-exact ours-signature datasketch rensa]

The mix: copies of real texts with 1, 5 or 10% of the words replaced, with a paragraph of another
text inserted, or cut short. Truth: all pairs whose exact Jaccard similarity over the word 5-grams
of the normalised text is at least .8, by an inverted index over the shingles, in plain Python.
Normalised is what datatrove calls so (`minhash.numbers = "fold"`): lower case, no diacritics,
numbers all alike; the peers are given the words of the same normalisation. Every tool runs in a
process of its own, which gives the pairs it calls duplicates. It is timed from texts to clusters,
ours with all that the stages write, compiling left out. Memory is the peak of the process; of ours,
that of all processes together, looked at five times a second.

The first three figures compare clusters with the truth closed over chains, which is what clusters
can be equal to; `direct` counts how many true pairs share a cluster, and how many pairs in a
cluster are true without a chain. At the end, the planted pairs of labelled articles.
"""

import json
import multiprocessing
import os
import random
import sys
import tempfile
import time
from collections import Counter
from functools import partial
from pathlib import Path

import common
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from common import run_python
from dedup_stages import ROWS, Stages, write_shard
from peak_memory import watched
from peers.words import NGRAM, WORD, words_of
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from thresher.filters.measure import MinHashSettings, warm_up
from thresher.jobs.stages.dedup import find_duplicates
from thresher.manifests.shards import read_table
from thresher.manifests.store import Store
from thresher.pipeline.dedup import DedupSettings

OURS = ("ours-band", "ours-exact")
PEERS = ("datasketch", "rensa")
THRESHOLD = 0.8


def make_texts(originals, count, seed=5):
    """The mix: one in ten documents is an original, the rest are copies of some kind."""
    rng = random.Random(seed)
    rng.shuffle(originals)
    vocabulary = sorted({word for text in originals[:500] for word in WORD.findall(text.lower())})
    originals = originals[: max(1, count // 9)]
    texts = list(originals)
    while len(texts) < count:
        text = rng.choice(originals)
        kind = rng.choice(["1%", "1%", "5%", "10%", "insert", "cut", "cut"])
        if kind.endswith("%"):
            text = replace_words(text, int(kind[:-1]) / 100, vocabulary, rng)
        elif kind == "insert":
            text = insert_paragraph(text, rng.choice(originals), rng)
        else:
            words = text.split(" ")
            text = " ".join(words[: int(len(words) * rng.uniform(0.6, 0.99))])
        texts.append(text)
    rng.shuffle(texts)
    return texts


def replace_words(text, share, vocabulary, rng):
    """The text with a share of its words, at least one, replaced."""
    words = text.split(" ")
    for place in rng.sample(range(len(words)), min(len(words), max(1, round(share * len(words))))):
        words[place] = rng.choice(vocabulary)
    return " ".join(words)


def insert_paragraph(text, other, rng):
    """The text with up to 60 words of another one put in somewhere."""
    words, foreign = text.split(" "), other.split(" ")
    start = rng.randrange(max(1, len(foreign) - 60))
    place = rng.randrange(len(words) + 1)
    return " ".join([*words[:place], *foreign[start : start + rng.randint(10, 60)], *words[place:]])


def gram_sets(texts):
    """The word 5-grams of each text, as sorted numbers, and how many texts have each."""
    words = {}
    sets = []
    for text in texts:
        found = np.array([words.setdefault(w, len(words)) for w in words_of(text)], np.uint64)
        grams = np.zeros(max(0, len(found) - NGRAM + 1), np.uint64)
        for i in range(NGRAM):
            grams = (grams ^ found[i : i + len(grams)]) * np.uint64(0x9E3779B97F4A7C15)
            grams ^= grams >> np.uint64(29)
        sets.append(np.unique(grams))
    inverse, counts = np.unique(np.concatenate(sets), return_inverse=True, return_counts=True)[1:]
    ends = np.cumsum([len(s) for s in sets])[:-1]
    return np.split(inverse.astype(np.int32), ends), counts.astype(np.int32)


def true_pairs(texts):
    """All pairs at least `THRESHOLD` alike, by counting shared shingles (prefix-filtered)."""
    sets, frequency = gram_sets(texts)
    # Of two sets at least t alike, the (1 - t) n + 1 rarest of each share one (Bayardo 2007).
    ordered = [s[np.lexsort((s, frequency[s]))] for s in sets]
    index = {}
    pairs = set()
    for b, grams in enumerate(ordered):
        if not len(grams):
            continue
        prefix = grams[: int(len(grams) - np.ceil(THRESHOLD * len(grams)) + 1)].tolist()
        candidates = Counter(a for gram in prefix for a in index.get(gram, ()))
        for a in candidates:
            if min(len(grams), len(sets[a])) < THRESHOLD * max(len(grams), len(sets[a])):
                continue
            both = len(np.intersect1d(sets[a], sets[b], assume_unique=True))
            if both / (len(grams) + len(sets[a]) - both) >= THRESHOLD:
                pairs.add((a, b))
        for gram in prefix:
            index.setdefault(gram, []).append(b)
    by_text = {}
    for place, text in enumerate(texts):
        by_text.setdefault(" ".join(words_of(text)), []).append(place)
    for same in by_text.values():
        pairs.update((a, b) for i, b in enumerate(same) for a in same[:i])
    return pairs


def closed(count, pairs):
    """The pairs, and those that chains of pairs make."""
    ends = np.array(sorted(pairs), np.int64).reshape(-1, 2)
    graph = coo_matrix((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(count, count))
    groups = {}
    for place, label in enumerate(connected_components(graph, directed=False)[1].tolist()):
        groups.setdefault(label, []).append(place)
    return {(a, b) for g in groups.values() for i, b in enumerate(g) for a in g[:i]}


def score(found, truth):
    """Precision, recall and F1."""
    both = len(found & truth)
    precision, recall = both / max(len(found), 1), both / max(len(truth), 1)
    return precision, recall, 2 * precision * recall / max(precision + recall, 1e-9)


def batches_of(texts_path, start, end):
    """The texts from one place to another, batch by batch."""
    row = 0
    for batch in pq.ParquetFile(texts_path).iter_batches(ROWS):
        first, last = max(row, start), min(row + batch.num_rows, end)
        if first < last:
            yield first, batch["text"].slice(first - row, last - first)
        row += batch.num_rows


def signed(store, texts_path, start, end, key, minhash):
    shard, _ = write_shard(store, key, batches_of(texts_path, start, end), minhash)
    return shard


def run_ours(texts_path, verify):
    """Signatures and all stages, on as many processes as there are cores."""
    settings = DedupSettings(threshold=THRESHOLD, verify=verify)
    minhash = MinHashSettings(settings.signature_values, ngram=NGRAM, numbers="fold")
    warm_up()
    workers = os.cpu_count() or 1
    count = pq.ParquetFile(texts_path).metadata.num_rows
    with tempfile.TemporaryDirectory() as folder:
        store = Store(folder)
        context = multiprocessing.get_context("fork")
        with watched() as peak, context.Pool(workers) as pool:
            warm = signed(store, texts_path, 0, 50, "warm", minhash)
            find_duplicates(Stages(store, pool), [warm], (), "w", settings, minhash)
            run = Stages(store, pool)
            size = -(-count // (4 * workers))
            jobs = [
                (store, texts_path, i, min(i + size, count), f"s{i:07d}", minhash)
                for i in range(0, count, size)
            ]
            peak.mb = 0.0
            began = time.perf_counter()
            shards = pool.starmap(signed, jobs, 1)
            run.seconds["sign"] = time.perf_counter() - began
            found = find_duplicates(run, shards, (), "f", settings, minhash)
            seconds = time.perf_counter() - began
        groups = {}
        for path in found.paths.values():
            for row in read_table(store, path, ["id", "cluster_id"]).to_pylist():
                groups.setdefault(row["cluster_id"], []).append(int(row["id"], 16))
    star = [(g[0], other) for g in groups.values() for other in g[1:]]
    facts = {
        f"{name}.{key}": value
        for name in ("edges", "verified")
        for key, value in run.facts.get(name, {}).items()
    }
    more = {**run.seconds, **facts}
    return {"pairs": star, "seconds": seconds, "peak_mb": peak.mb, "more": more}


def run_tool(options, tool, texts_path):
    """What a tool finds, in a process of its own."""
    out = texts_path.with_name(f"{tool}.json")
    if tool.startswith("ours"):
        command = (__file__, "--data", options.data, "--child", tool, texts_path, out)
        run_python(sys.executable, *command)
    else:
        python = common.peer_python(options, tool, tool)
        script = common.PEERS / "dedup_quality.py"
        run_python(python, script, tool, texts_path.with_suffix(".json"), out)
    return json.loads(out.read_text())


def write_texts(texts, path):
    pq.write_table(pa.table({"text": texts}), path, row_group_size=ROWS)


def labelled(folder):
    """The planted pairs of the labelled articles: how many share a cluster, and what else does."""
    for train in sorted(folder.glob("*.train")):
        lines = [line.split(" ", 1) for line in train.read_text().splitlines() if line]
        place = {name: number for number, (name, _) in enumerate(lines)}
        pairs = train.with_suffix(".truth").read_text().split()
        pairs = [(place[a], place[b]) for a, b in zip(pairs[::2], pairs[1::2], strict=True)]
        with tempfile.TemporaryDirectory() as scratch:
            texts_path = Path(scratch) / "texts.parquet"
            write_texts([text for _, text in lines], texts_path)
            found = run_ours(texts_path, "band")["pairs"]
        same = {tuple(sorted(pair)) for pair in found}
        truth = {tuple(sorted(pair)) for pair in pairs}
        wrong = len(closed(len(lines), same) - truth)
        print(f"{train.name}: {len(same & truth)} of {len(truth)} pairs, {wrong} others")


def report(options):
    texts = make_texts(common.texts_of(options.data, "text/weborganizer"), options.documents)
    began = time.perf_counter()
    truth = true_pairs(texts)
    chained = closed(len(texts), truth)
    print(
        f"{len(texts)} texts, {sum(map(len, texts)) / 1e6:.0f} MB, {len(truth)} true pairs, "
        f"{len(chained)} with chains; truth took {time.perf_counter() - began:.0f} s"
    )
    header = ("tool", "P", "R", "F1", "direct P", "R", "F1", "seconds", "peak MB")
    print("{:15} {:>7} {:>7} {:>7} {:>9} {:>7} {:>7} {:>8} {:>8}".format(*header))
    texts_path = options.work / "texts.parquet"
    write_texts(texts, texts_path)
    texts_path.with_suffix(".json").write_text(json.dumps(texts))
    facts = {"documents": len(texts), "tools": {}}
    for tool in options.tools:
        result = common.attempt(tool, partial(run_tool, options, tool, texts_path))
        if result is None:
            continue
        found = closed(len(texts), {tuple(sorted(pair)) for pair in result["pairs"]})
        figures = [*score(found, chained), *score(found, truth)]
        facts["tools"][tool] = {"precision": figures[0], "recall": figures[1]}
        print(
            f"{tool:15} {figures[0]:7.4f} {figures[1]:7.4f} {figures[2]:7.4f} "
            f"{figures[3]:9.4f} {figures[4]:7.4f} {figures[5]:7.4f} {result['seconds']:8.1f} "
            f"{result['peak_mb']:8.0f}",
            flush=True,
        )
        if result["more"]:
            print("    " + ", ".join(f"{k} {v:.4g}" for k, v in result["more"].items()))
    labelled(options.data / "duplicates")
    if options.json:
        options.json.write_text(json.dumps(facts, indent=1) + "\n")


def main():
    parser = common.parser(__doc__)
    parser.add_argument("--documents", type=int, default=65_000)
    parser.add_argument("--tools", nargs="+", default=[*OURS, *PEERS])
    parser.add_argument("--json", type=Path, help="write precision and recall here")
    parser.add_argument("--child", nargs=3, help="one of ours: tool, texts, output")
    with common.options(parser, documents=300) as options:
        if options.child:
            tool, texts_path, out = options.child
            Path(out).write_text(json.dumps(run_ours(texts_path, tool.partition("-")[2])))
            return
        report(options)


if __name__ == "__main__":
    main()
