"""Documents, signatures and lakes for the tests of deduplication, and a driver of its stages."""

from __future__ import annotations

import hashlib
import random
from collections import Counter

import numpy as np
import pyarrow as pa

from thresher.filters.measure import MinHashSettings, content_hash, measure, raw_hash
from thresher.jobs.earlier import EarlierRun
from thresher.jobs.stages.dedup import find_duplicates
from thresher.manifests.shards import ShardWriter, read_table
from thresher.manifests.store import Store
from thresher.pipeline.dedup import DedupSettings
from thresher.pipeline.shards import ShardRef

PERMUTATIONS = 112
SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("content_hash", pa.binary(16)),
        ("raw_hash", pa.binary(16)),
        ("minhash", pa.binary(4 * PERMUTATIONS)),
        ("text", pa.string()),
        ("url", pa.string()),
        ("length", pa.struct([("characters", pa.int64()), ("nonsymbol_words", pa.int64())])),
    ]
)


def document(name, content, signature):
    """(id, content hash, signature or None, no text)."""
    minhash = None if signature is None else np.asarray(signature, np.uint32).tobytes()
    return (
        hashlib.md5(name.encode()).hexdigest(),
        hashlib.md5(content.encode()).digest(),
        minhash,
        "",
    )


def corpus(seed=7):
    """Documents with planted exact copies, near copies and short texts without a signature."""
    rng = np.random.default_rng(seed)
    documents = []
    for n in range(60):
        base = rng.integers(0, 2**32, PERMUTATIONS, dtype=np.uint32)
        documents.append(document(f"base-{n}", f"text {n}", base))
        if n % 3 == 0:
            documents.append(document(f"copy-{n}", f"text {n}", base))
        if n % 4 == 0:
            near = base.copy()
            near[rng.choice(PERMUTATIONS, 12, replace=False)] = 1  # estimate .89
            documents.append(document(f"near-{n}", f"near text {n}", near))
        if n % 5 == 0:
            band_only = rng.integers(0, 2**32, PERMUTATIONS, dtype=np.uint32)
            band_only[:8] = base[:8]  # shares one band, estimate .07
            documents.append(document(f"false-{n}", f"other {n}", band_only))
    documents += [document(f"short-{n}", f"short {n // 2}", None) for n in range(6)]
    return documents


def expected_clusters(documents, threshold=0.7):
    """Connected components of all pairs that are equal or similar, by brute force."""
    parent = list(range(len(documents)))

    def find(i):
        while parent[i] != i:
            i = parent[i]
        return i

    for i, (_, content, signature, _) in enumerate(documents):
        for j in range(i):
            alike = documents[j][1] == content
            if not alike and signature and documents[j][2]:
                a, b = (np.frombuffer(s, np.uint32) for s in (signature, documents[j][2]))
                alike = (a == b).mean() >= threshold
            if alike:
                parent[find(i)] = find(j)
    groups = {}
    for i, (name, _, _, _) in enumerate(documents):
        groups.setdefault(find(i), set()).add(name)
    return {frozenset(group) for group in groups.values() if len(group) > 1}


SIGNATURES = {"threshold": 0.7, "verify": "signature", "bands": 14, "rows": 8}


class Stages:
    """Runs stages one after the other and remembers what they counted."""

    def __init__(self, store):
        self.store, self.facts = store, {}

    def __call__(self, stage, mark, function, work):
        made = {key: function(self.store, *arguments, mark) for key, arguments in work.items()}
        counts = self.facts.setdefault(stage, Counter())
        for manifest in made.values():
            counts.update(manifest.facts)
        counts["tasks"] = len(made)
        return made


def write_documents(store, path, documents, urls=None, octets=None):
    rows = []
    nothing = [None] * len(documents)
    for (name, content, minhash, text), url, raw in zip(
        documents, urls or nothing, octets or nothing, strict=True
    ):
        sizes = {"characters": len(text), "nonsymbol_words": len(text.split())}
        raw = raw or (raw_hash(pa.array([text]))[0].as_py() if text else content)
        rows.append([name, content, raw, minhash, text, url, sizes])
    columns = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in SCHEMA]
    arrays = [pa.array(c, f.type) for c, f in zip(columns, SCHEMA, strict=True)]
    with ShardWriter(store, path, SCHEMA) as writer:
        writer.write(pa.table(arrays, schema=SCHEMA), 16)


def deduplicate(
    tmp_path, documents, shard_count, ngram=5, urls_of=None, numbers="keep", **settings
):
    """What every stage counted, and the duplicates files that there are, in shard order."""
    settings = DedupSettings(**settings)
    minhash = MinHashSettings(settings.signature_values, ngram=ngram, numbers=numbers)
    store = Store(str(tmp_path))
    refs = []
    for number in range(shard_count):
        refs.append(ShardRef(f"shard{number:02d}", f"documents/f/shard{number:02d}.parquet"))
        urls = urls_of[number::shard_count] if urls_of else None
        write_documents(store, refs[-1].texts, documents[number::shard_count], urls)
    run = Stages(store)
    found = find_duplicates(run, refs, (), "f", settings, minhash)
    return run.facts, [read_table(store, found.paths[key]) for key in sorted(found.paths)]


def against_earlier(tmp_path, old, new, verdicts=None, urls=(None, None), **settings):
    """Rows of the new documents' duplicates, the old ones being kept by an earlier run."""
    settings = DedupSettings(**settings)
    minhash = MinHashSettings(permutations=settings.signature_values)
    stores = [Store(str(tmp_path / name)) for name in ("new", "old")]
    for store, documents, addresses in zip(stores, (new, old), urls, strict=True):
        write_documents(store, "documents/f/a.parquet", documents, addresses)
    verdict = pa.table({"verdict": verdicts or ["kept"] * len(old)})
    with ShardWriter(stores[1], "decisions/f/a.parquet", verdict.schema) as writer:
        writer.write(verdict)
    mine = ShardRef("a", "documents/f/a.parquet")
    theirs = ShardRef(
        "a", "documents/f/a.parquet", "old-1", stores[1].url(), "decisions/f/a.parquet"
    )
    earlier = EarlierRun("old-1", "e", "e", (theirs,))
    run = Stages(stores[0])
    found = find_duplicates(run, [mine], [earlier], "f", settings, minhash)
    tables = [read_table(stores[0], path) for path in found.paths.values()]
    return run.facts, {row["id"]: row for table in tables for row in table.to_pylist()}


def groups_of(tables, column="cluster_id"):
    groups = {}
    for row in (row for table in tables for row in table.to_pylist()):
        if row[column] is not None:
            groups.setdefault(row[column], set()).add(row["id"])
    return groups


def texts_mix(seed=3, originals=25):
    """Random texts with copies in which a share of the words is replaced, some equal."""
    rng = random.Random(seed)
    words = [f"{a}{b}{c}" for a in "bcdfgklm" for b in "aeiou" for c in "nprst"]
    texts = []
    for _ in range(originals):
        base = rng.choices(words, k=rng.randint(60, 200))
        texts.append(" ".join(base))
        for share in (0.0, 0.01, 0.02, 0.03, 0.05, 0.2):
            copy = [rng.choice(words) if rng.random() < share else word for word in base]
            texts.append(" ".join(copy).upper() if share == 0.02 else " ".join(copy))
    return [*texts, "too short", "Too  short", "shorter still"]


def text_documents(texts):
    column = pa.array(texts)
    minhash = measure(column, MinHashSettings())["minhash"].to_pylist()
    ids = [hashlib.md5(str(n).encode()).hexdigest() for n in range(len(texts))]
    return list(zip(ids, content_hash(column).to_pylist(), minhash, texts, strict=True))
