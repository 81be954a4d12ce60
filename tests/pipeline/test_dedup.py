"""Deduplication against a brute-force reference, over partitions and shard layouts."""

from __future__ import annotations

import hashlib
import random

import numpy as np
import pyarrow as pa
import pytest

from manifests.shards import ShardWriter, read_table
from manifests.store import Store
from pipeline.dedup import DedupSettings, ShardRef
from pipeline.dedup.bands import bands
from pipeline.dedup.clusters import clusters, shard_path
from pipeline.dedup.edges import edges, partition_count

PERMUTATIONS = 112
SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("content_hash", pa.binary(16)),
        ("minhash", pa.binary(4 * PERMUTATIONS)),
    ]
)


def document(name, content, signature):
    """(id, content hash, signature or None)."""
    minhash = None if signature is None else np.asarray(signature, np.uint32).tobytes()
    return (
        hashlib.md5(name.encode()).hexdigest(),
        hashlib.md5(content.encode()).digest(),
        minhash,
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


def expected_clusters(documents, min_similarity=0.7):
    """Connected components of all pairs that are equal or similar, by brute force."""
    parent = list(range(len(documents)))

    def find(i):
        while parent[i] != i:
            i = parent[i]
        return i

    for i, (_, content, signature) in enumerate(documents):
        for j in range(i):
            alike = documents[j][1] == content
            if not alike and signature and documents[j][2]:
                a, b = (np.frombuffer(s, np.uint32) for s in (signature, documents[j][2]))
                alike = (a == b).mean() >= min_similarity
            if alike:
                parent[find(i)] = find(j)
    groups = {}
    for i, (name, _, _) in enumerate(documents):
        groups.setdefault(find(i), set()).add(name)
    return {frozenset(group) for group in groups.values() if len(group) > 1}


def deduplicate(tmp_path, documents, shard_count, **settings):
    settings = DedupSettings(**settings)
    store = Store(str(tmp_path))
    refs = []
    for number in range(shard_count):
        mine = documents[number::shard_count]
        table = pa.table(
            [pa.array(c, f.type) for c, f in zip(zip(*mine, strict=True), SCHEMA, strict=True)],
            schema=SCHEMA,
        )
        path = f"documents/f/shard{number:02d}.parquet"
        with ShardWriter(store, path, SCHEMA) as writer:
            writer.write(table, 16)
        refs.append(ShardRef(f"shard{number:02d}", path))
    band = [bands(store, ref, settings, "f") for ref in refs]
    parts = partition_count(sum(m.facts["entries"] for m in band), settings)
    paths = [m.output().path for m in band]
    edge = [edges(store, refs, paths, p, parts, settings, "f") for p in range(parts)]
    manifest = clusters(store, refs, [m.output().path for m in edge], "f")
    found = [shard_path(manifest, ref.key) for ref in refs]
    return manifest, parts, [read_table(store, path) for path in found if path]


def groups_of(tables, column="cluster_id"):
    groups = {}
    for row in (row for table in tables for row in table.to_pylist()):
        if row[column] is not None:
            groups.setdefault(row[column], set()).add(row["id"])
    return groups


def test_clusters_equal_brute_force(tmp_path):
    documents = corpus()
    manifest, _, tables = deduplicate(tmp_path, documents, 3)
    groups = groups_of(tables)
    assert {frozenset(g) for g in groups.values()} == expected_clusters(documents)
    assert all(name == min(group) for name, group in groups.items())
    assert manifest.facts["clusters"] == len(groups)
    for row in (row for table in tables for row in table.to_pylist()):
        assert row["cluster_size"] == len(groups[row["cluster_id"]])
        assert row["matched_id"] in groups[row["cluster_id"]] - {row["id"]}
        assert 0.7 <= row["similarity"] <= 1.0


def test_exact_clusters_are_told_apart(tmp_path):
    documents = corpus()
    _, _, tables = deduplicate(tmp_path, documents, 2)
    assert {frozenset(g) for g in groups_of(tables, "exact_id").values()} == expected_clusters(
        [(name, content, None) for name, content, _ in documents]
    )


def test_near_can_be_switched_off(tmp_path):
    documents = corpus()
    _, _, tables = deduplicate(tmp_path, documents, 2, near=False)
    assert {frozenset(g) for g in groups_of(tables).values()} == expected_clusters(
        [(name, content, None) for name, content, _ in documents]
    )


@pytest.mark.parametrize("shards", [1, 4])
def test_same_clusters_whatever_the_layout(tmp_path, shards):
    documents = corpus()
    _, _, before = deduplicate(tmp_path / "a", documents, 2)
    random.Random(1).shuffle(documents)
    _, parts, after = deduplicate(tmp_path / "b", documents * 1, shards, partition_entries=100)
    assert parts > 1
    rows = [
        sorted(
            ({k: v for k, v in row.items() if k != "row"} for t in tables for row in t.to_pylist()),
            key=lambda row: row["id"],
        )
        for tables in (before, after)
    ]
    assert rows[0] == rows[1]


def test_a_huge_bucket_costs_star_edges(tmp_path):
    signature = np.arange(PERMUTATIONS)
    documents = [document(f"d{n}", "same", signature) for n in range(5_000)]
    manifest, _, tables = deduplicate(tmp_path, documents, 2)
    assert manifest.facts["largest_cluster"] == 5_000
    assert manifest.facts["edges"] < 5_000 * 2
    assert sum(t.num_rows for t in tables) == 5_000


def test_no_documents_and_no_duplicates(tmp_path):
    documents = [document(f"d{n}", f"text {n}", None) for n in range(3)]
    manifest, _, tables = deduplicate(tmp_path, documents, 1)
    assert tables == []
    assert manifest.facts["clusters"] == 0
