"""Near-duplicate search against exact truth: ours, datasketch and rensa on the same texts.

    python tests/benchmarks/dedup_quality.py TEXTS.jsonl.gz [--documents 65000]
        [--tools ours-band,ours-exact,ours-signature,datasketch,rensa] [--python rensa=PYTHON]
        [--labelled FOLDER]

The mix: copies of real texts with 1, 5 or 10% of the words replaced, with a paragraph of another
text inserted, or cut short. Truth: all pairs whose exact Jaccard similarity over the word 5-grams
of the normalised text is at least .8, by an inverted index over the shingles, in plain Python.
Normalised is what Thresher and datatrove call so: lower case, no diacritics, numbers all alike;
the peers are given the words of the same normalisation. Every tool runs in a process of its own,
which prints the pairs it calls duplicates. It is timed from texts to clusters, ours with all that
the stages write, compiling left out. Memory is the peak of the process; of ours, that of all
processes together, looked at five times a second.

`pairs` compares clusters with the truth closed over chains, which is what clusters can be equal
to; `direct` counts how many true pairs share a cluster, and how many pairs in a cluster are true
without a chain.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
import unicodedata
from collections import Counter
from pathlib import Path

import numpy as np

THRESHOLD = 0.8
NGRAM = 5
WORD = re.compile(r"[^\W_]+")
NUMBER = re.compile(r"\d+([.,]\d+)*")


def words_of(text: str) -> list[str]:
    """Normalised words."""
    plain = unicodedata.normalize("NFD", text.lower())
    if not plain.isascii():
        plain = "".join(c for c in plain if unicodedata.category(c) != "Mn")
    return WORD.findall(NUMBER.sub("0", plain))


def make_texts(source: Path, count: int, seed: int = 5) -> list[str]:
    """The mix: one in ten documents is an original, the rest are copies of some kind."""
    rng = random.Random(seed)
    with gzip.open(source, "rt", encoding="utf-8") as file:
        originals = [json.loads(line)["text"] for line in file]
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


def replace_words(text: str, share: float, vocabulary: list[str], rng: random.Random) -> str:
    """The text with a share of its words, at least one, replaced."""
    words = text.split(" ")
    for place in rng.sample(range(len(words)), min(len(words), max(1, round(share * len(words))))):
        words[place] = rng.choice(vocabulary)
    return " ".join(words)


def insert_paragraph(text: str, other: str, rng: random.Random) -> str:
    """The text with up to 60 words of another one put in somewhere."""
    words, foreign = text.split(" "), other.split(" ")
    start = rng.randrange(max(1, len(foreign) - 60))
    place = rng.randrange(len(words) + 1)
    return " ".join([*words[:place], *foreign[start : start + rng.randint(10, 60)], *words[place:]])


def true_pairs(texts: list[str]) -> set[tuple[int, int]]:
    """All pairs at least `THRESHOLD` alike, by counting shared shingles (prefix-filtered)."""
    words: dict[str, int] = {}
    sets = []
    for text in texts:
        found = np.array([words.setdefault(w, len(words)) for w in words_of(text)], np.uint64)
        grams = np.zeros(max(0, len(found) - NGRAM + 1), np.uint64)
        for i in range(NGRAM):
            grams = (grams ^ found[i : i + len(grams)]) * np.uint64(0x9E3779B97F4A7C15)
            grams ^= grams >> np.uint64(29)
        sets.append(np.unique(grams))
    del words
    inverse, counts = np.unique(np.concatenate(sets), return_inverse=True, return_counts=True)[1:]
    frequency = counts.astype(np.int32)
    sets = np.split(inverse.astype(np.int32), np.cumsum([len(s) for s in sets])[:-1])
    del inverse
    # Of two sets at least t alike, the (1 - t) n + 1 rarest of each share one (Bayardo 2007).
    ordered = [s[np.lexsort((s, frequency[s]))] for s in sets]
    index: dict[int, list[int]] = {}
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
    by_text: dict[str, list[int]] = {}
    for place, text in enumerate(texts):
        by_text.setdefault(" ".join(words_of(text)), []).append(place)
    for same in by_text.values():
        pairs.update((a, b) for i, b in enumerate(same) for a in same[:i])
    return pairs


def closure(count: int, pairs: set[tuple[int, int]]) -> np.ndarray:
    """The component of each document."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    ends = np.array(sorted(pairs), np.int64).reshape(-1, 2)
    graph = coo_matrix((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1])


def pairs_of(labels: np.ndarray) -> set[tuple[int, int]]:
    """All pairs that share a label."""
    groups: dict[int, list[int]] = {}
    for place, label in enumerate(labels.tolist()):
        groups.setdefault(label, []).append(place)
    return {(a, b) for g in groups.values() for i, b in enumerate(g) for a in g[:i]}


def score(found: set[tuple[int, int]], truth: set[tuple[int, int]]) -> tuple[float, float, float]:
    """Precision, recall and F1."""
    both = len(found & truth)
    precision, recall = both / max(len(found), 1), both / max(len(truth), 1)
    return precision, recall, 2 * precision * recall / max(precision + recall, 1e-9)


def run_ours(texts_path: Path, verify: str) -> tuple[list[tuple[int, int]], float, dict]:
    """Signatures and all stages, on as many processes as there are cores."""
    import multiprocessing

    import pyarrow.parquet as pq
    from tree_memory import watched

    from thresher.filters.measure import MinHashSettings, warm_up
    from thresher.jobs.stages.dedup import find_duplicates
    from thresher.manifests.shards import read_table
    from thresher.manifests.store import Store
    from thresher.pipeline.dedup import DedupSettings
    from thresher.pipeline.shards import ShardRef

    settings = DedupSettings(threshold=THRESHOLD, verify=verify)
    minhash = MinHashSettings(permutations=settings.signature_values, ngram=NGRAM)
    warm_up()
    workers = os.cpu_count() or 1
    count = pq.ParquetFile(texts_path).metadata.num_rows
    steps: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        store = Store(folder)
        context = multiprocessing.get_context("fork")
        with watched() as peak, context.Pool(workers) as pool:

            def stage(name, mark, function, work):
                began = time.perf_counter()
                tasks = [(store, *rest, mark) for rest in work.values()]
                made = dict(zip(work, pool.starmap(function, tasks, 1), strict=True))
                steps[name] += time.perf_counter() - began
                for manifest in made.values():
                    if name in ("edges", "verified"):
                        steps.update({f"{name}.{k}": v for k, v in manifest.facts.items()})
                return made

            size = -(-count // (4 * workers))
            jobs = [
                (store, texts_path, i, min(i + size, count), f"s{i:07d}", minhash)
                for i in range(0, count, size)
            ]
            warm = ShardRef("warm", _write_shard(store, texts_path, 0, 50, "warm", minhash))
            find_duplicates(stage, [warm], (), "w", settings, minhash)
            steps.clear()
            peak.mb = 0.0
            began = time.perf_counter()
            paths = pool.starmap(_write_shard, jobs, 1)
            steps["sign"] = time.perf_counter() - began
            shards = [ShardRef(job[4], path) for job, path in zip(jobs, paths, strict=True)]
            found = find_duplicates(stage, shards, (), "f", settings, minhash)
            seconds = time.perf_counter() - began
        groups: dict[str, list[int]] = {}
        for path in found.paths.values():
            for row in read_table(store, path, ["id", "cluster_id"]).to_pylist():
                groups.setdefault(row["cluster_id"], []).append(int(row["id"], 16))
    star = [(g[0], other) for g in groups.values() for other in g[1:]]
    return star, seconds, {**steps, "peak_mb": peak.mb}


def peak_mb() -> float:
    """Peak memory of this process: unlike getrusage's, it does not outlive an exec."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024


def _write_shard(store, texts_path, start, end, key, minhash) -> str:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from thresher.filters.measure import content_hash, raw_hash, sign
    from thresher.manifests.shards import ShardWriter

    path = f"documents/x/{key}.parquet"
    schema = pa.schema(
        [
            ("id", pa.string()),
            ("text", pa.string()),
            ("url", pa.string()),
            ("content_hash", pa.binary(16)),
            ("raw_hash", pa.binary(16)),
            ("minhash", pa.binary(4 * minhash.permutations)),
            ("length", pa.struct([("nonsymbol_words", pa.int64())])),
        ]
    )
    with ShardWriter(store, path, schema) as writer:
        row = 0
        for batch in pq.ParquetFile(texts_path).iter_batches(1024):
            first, last = max(row, start), min(row + batch.num_rows, end)
            if first < last:
                part = batch["text"].slice(first - row, last - first)
                lengths = [{"nonsymbol_words": len(text) // 6} for text in part.to_pylist()]
                columns = [
                    pa.array([f"{i:032x}" for i in range(first, last)]),
                    *(part, pa.nulls(len(part), pa.string()), content_hash(part), raw_hash(part)),
                    *(sign(part, minhash), pa.array(lengths)),
                ]
                writer.write(pa.table(columns, schema=schema))
            row += batch.num_rows
    return path


def run_datasketch(texts: list[str]) -> tuple[list[tuple[int, int]], float, dict]:
    """datasketch's own LSH at the threshold, shingles given as strings."""
    from datasketch import MinHash, MinHashLSH

    began = time.perf_counter()
    lsh = MinHashLSH(threshold=THRESHOLD, num_perm=128)
    pairs = []
    for place, text in enumerate(texts):
        found = words_of(text)
        grams = {" ".join(found[i : i + NGRAM]) for i in range(max(1, len(found) - NGRAM + 1))}
        minhash = MinHash(num_perm=128)
        minhash.update_batch([gram.encode() for gram in grams])
        pairs += [(int(other), place) for other in lsh.query(minhash)]
        lsh.insert(str(place), minhash)
    return pairs, time.perf_counter() - began, {}


def run_rensa(texts: list[str]) -> tuple[list[tuple[int, int]], float, dict]:
    """rensa's R-MinHash and LSH, bands checked by its own estimate."""
    from rensa import RMinHash, RMinHashLSH

    began = time.perf_counter()
    lsh = RMinHashLSH(threshold=THRESHOLD, num_perm=128, num_bands=16)
    made, pairs = [], []
    for place, text in enumerate(texts):
        found = words_of(text)
        grams = {" ".join(found[i : i + NGRAM]) for i in range(max(1, len(found) - NGRAM + 1))}
        minhash = RMinHash(num_perm=128, seed=42)
        minhash.update(list(grams))
        pairs += [
            (other, place)
            for other in lsh.query(minhash)
            if made[other].jaccard(minhash) >= THRESHOLD
        ]
        lsh.insert(place, minhash)
        made.append(minhash)
    return pairs, time.perf_counter() - began, {}


def child(tool: str, texts_path: Path, out: Path) -> None:
    """One tool in this process: pairs to a file, seconds and peak memory too."""
    if tool.startswith("ours"):
        pairs, seconds, more = run_ours(texts_path, tool.split("-")[1])
    else:
        texts = json.loads(texts_path.with_suffix(".json").read_text())
        pairs, seconds, more = {"datasketch": run_datasketch, "rensa": run_rensa}[tool](texts)
    peak = more.pop("peak_mb", 0.0) or peak_mb()
    out.write_text(
        json.dumps(
            {
                "pairs": pairs,
                "seconds": seconds,
                "peak_mb": peak,
                "more": more,
            }
        )
    )


def labelled(folder: Path) -> None:
    """The planted pairs of the labelled articles: how many share a cluster, and what else does."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    for train in sorted(folder.glob("*.train")):
        lines = [line.split(" ", 1) for line in train.read_text().splitlines() if line]
        place = {name: number for number, (name, _) in enumerate(lines)}
        pairs = train.with_suffix(".truth").read_text().split()
        pairs = [(place[a], place[b]) for a, b in zip(pairs[::2], pairs[1::2], strict=True)]
        with tempfile.TemporaryDirectory() as scratch:
            texts_path = Path(scratch) / "texts.parquet"
            texts = [text for _, text in lines]
            pq.write_table(pa.table({"text": texts}), texts_path, row_group_size=1024)
            found, _, _ = run_ours(texts_path, "band")
        same = {tuple(sorted(pair)) for pair in found}
        truth = {tuple(sorted(pair)) for pair in pairs}
        wrong = len(pairs_of(closure(len(lines), same)) - truth)
        print(f"{train.name}: {len(same & truth)} of {len(truth)} pairs, {wrong} others")


def main() -> None:
    """Make the mix and its truth, run the tools, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("--documents", type=int, default=65_000)
    parser.add_argument("--tools", default="ours-band,ours-exact,datasketch,rensa")
    parser.add_argument("--python", action="append", default=[], help="TOOL=interpreter")
    parser.add_argument("--labelled", type=Path, help="folder of labelled articles")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        child(arguments.child[0], arguments.source, Path(arguments.child[1]))
        return
    if arguments.labelled:
        labelled(arguments.labelled)
    import pyarrow as pa
    import pyarrow.parquet as pq

    pythons = dict(item.split("=", 1) for item in arguments.python)
    texts = make_texts(arguments.source, arguments.documents)
    began = time.perf_counter()
    truth = true_pairs(texts)
    labels = closure(len(texts), truth)
    closed = pairs_of(labels)
    print(
        f"{len(texts)} texts, {sum(map(len, texts)) / 1e6:.0f} MB, {len(truth)} true pairs, "
        f"{len(closed)} with chains; truth took {time.perf_counter() - began:.0f} s"
    )
    header = ("tool", "P", "R", "F1", "direct P", "R", "F1", "seconds", "peak MB")
    print("{:15} {:>7} {:>7} {:>7} {:>9} {:>7} {:>7} {:>8} {:>8}".format(*header))
    with tempfile.TemporaryDirectory() as folder:
        texts_path = Path(folder) / "texts.parquet"
        pq.write_table(pa.table({"text": texts}), texts_path, row_group_size=1024)
        texts_path.with_suffix(".json").write_text(json.dumps(texts))
        for tool in arguments.tools.split(","):
            out = Path(folder) / f"{tool}.json"
            subprocess.run(
                [
                    *(pythons.get(tool.split("-")[0], sys.executable), __file__, str(texts_path)),
                    *("--child", tool, str(out)),
                ],
                check=True,
                env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
            )
            result = json.loads(out.read_text())
            found = pairs_of(closure(len(texts), {tuple(sorted(p)) for p in result["pairs"]}))
            figures = [*score(found, closed), *score(found, truth)]
            print(
                f"{tool:15} {figures[0]:7.4f} {figures[1]:7.4f} {figures[2]:7.4f} "
                f"{figures[3]:9.4f} {figures[4]:7.4f} {figures[5]:7.4f} {result['seconds']:8.1f} "
                f"{result['peak_mb']:8.0f}"
            )
            if result["more"]:
                print("    " + ", ".join(f"{k} {v:.4g}" for k, v in result["more"].items()))


if __name__ == "__main__":
    main()
