"""Deduplication against a brute-force reference, over partitions and shard layouts."""

from __future__ import annotations

import functools
import random

import numpy as np
import pytest
from dedup_lake import (
    PERMUTATIONS,
    SIGNATURES,
    against_earlier,
    corpus,
    deduplicate,
    document,
    expected_clusters,
    groups_of,
    text_documents,
    texts_mix,
)

from thresher.filters.errors import ConfigError
from thresher.pipeline.dedup import DedupSettings
from thresher.pipeline.dedup.edges import sketch_bounds


def test_all_new_documents_that_match_an_earlier_one_in_one_band_are_found(tmp_path):
    rng = np.random.default_rng(4)
    base = rng.integers(0, 2**32, PERMUTATIONS, dtype=np.uint32)
    new = []
    for n in range(3):
        near = rng.integers(0, 2**32, PERMUTATIONS, dtype=np.uint32)
        near[:96] = base[:96]
        for band in range(1, 14):
            near[band * 8] = n  # one band is left in common, the estimate is .74
        new.append(document(f"new-{n}", f"new {n}", near))
    old = [document("old", "old", base), document("unrelated", "unrelated", None)]
    facts, rows = against_earlier(tmp_path, old, new, **SIGNATURES)
    assert set(rows) == {name for name, *_ in new}
    for row in rows.values():
        assert row["bands_shared"] >= 1
        assert (row["earlier_id"], row["earlier_run"]) == (old[0][0], "old-1")
        assert row["earlier_kind"] == "near"
    assert facts["duplicates"]["earlier"] == facts["duplicates"]["documents"] == 3


def test_equal_texts_of_an_earlier_run_are_exact_and_only_the_kept_count(tmp_path):
    old = [document(f"old-{n}", f"text {n}", None) for n in range(3)]
    new = [document(f"new-{n}", f"text {n}", None) for n in range(4)]
    new.append(document("again", "text 3", None))
    _, rows = against_earlier(tmp_path, old, new, ["kept", "dropped", "kept"])
    known = {new[n][0]: old[n][0] for n in (0, 2)}
    twice = {new[n][0]: None for n in (3, 4)}
    assert {name: row["earlier_id"] for name, row in rows.items()} == known | twice
    assert {row["earlier_kind"] for name, row in rows.items() if name in known} == {"identical"}


def test_clusters_equal_brute_force(tmp_path):
    documents = corpus()
    facts, tables = deduplicate(tmp_path, documents, 3, **SIGNATURES)
    groups = groups_of(tables)
    assert {frozenset(g) for g in groups.values()} == expected_clusters(documents)
    assert all(name == min(group) for name, group in groups.items())
    assert facts["names"]["clusters"] == len(groups)
    for row in (row for table in tables for row in table.to_pylist()):
        assert row["cluster_size"] == len(groups[row["cluster_id"]])
        assert row["matched_id"] in groups[row["cluster_id"]] - {row["id"]}
        assert 0.7 <= row["similarity"] <= 1.0


def test_exact_clusters_are_told_apart(tmp_path):
    documents = corpus()
    _, tables = deduplicate(tmp_path, documents, 2, **SIGNATURES)
    assert {frozenset(g) for g in groups_of(tables, "exact_id").values()} == expected_clusters(
        [(name, content, None, "") for name, content, _, _ in documents]
    )


def test_near_can_be_switched_off(tmp_path):
    documents = corpus()
    _, tables = deduplicate(tmp_path, documents, 2, near=False)
    assert {frozenset(g) for g in groups_of(tables).values()} == expected_clusters(
        [(name, content, None, "") for name, content, _, _ in documents]
    )


@pytest.mark.parametrize("shards", [1, 4])
def test_same_clusters_whatever_the_layout(tmp_path, shards):
    documents = corpus()
    _, before = deduplicate(tmp_path / "a", documents, 2, **SIGNATURES)
    random.Random(1).shuffle(documents)
    few = SIGNATURES | {"memory_mb": 0.1}
    facts, after = deduplicate(tmp_path / "b", documents, shards, **few)
    assert facts["edges"]["tasks"] > 1
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
    facts, tables = deduplicate(tmp_path, documents, 2, **SIGNATURES)
    assert facts["names"]["largest_cluster"] == 5_000
    assert facts["verified"]["links"] < 5_000 * 2
    assert sum(t.num_rows for t in tables) == 5_000


def test_no_documents_and_no_duplicates(tmp_path):
    documents = [document(f"d{n}", f"text {n}", None) for n in range(3)]
    facts, tables = deduplicate(tmp_path, documents, 1)
    assert tables == []
    assert facts["names"]["clusters"] == 0


@functools.cache
def shingles_of(text):
    words = text.lower().split()
    return {tuple(words[i : i + 5]) for i in range(len(words) - 4)}


def exact_similarity(one, other):
    a, b = shingles_of(one), shingles_of(other)
    if not a and not b:
        return float(one.lower().split() == other.lower().split())
    return len(a & b) / max(len(a | b), 1)


@pytest.mark.parametrize("memory_mb", [1024.0, 0.2])
def test_exact_verification_equals_brute_force_over_texts(tmp_path, memory_mb):
    documents = text_documents(texts_mix())
    texts = {name: text for name, _, _, text in documents}
    _, tables = deduplicate(
        tmp_path, documents, 3, verify="exact", bands=28, rows=4, memory_mb=memory_mb
    )
    parent = {name: name for name in texts}

    def find(name):
        while parent[name] != name:
            name = parent[name]
        return name

    for one in texts:
        for other in texts:
            if one < other and exact_similarity(texts[one], texts[other]) >= 0.8:
                parent[find(one)] = find(other)
    groups = {}
    for name in texts:
        groups.setdefault(find(name), set()).add(name)
    expected = {frozenset(g) for g in groups.values() if len(g) > 1}
    assert {frozenset(g) for g in groups_of(tables).values()} == expected
    for row in (row for table in tables for row in table.to_pylist()):
        similarity = exact_similarity(texts[row["id"]], texts[row["matched_id"]])
        assert row["similarity"] == pytest.approx(similarity)
        assert row["similarity"] >= 0.8
        assert row["verified"] == ("shingles" if row["exact_id"] is None else "text")
        assert (row["bands_shared"] is None) == (row["exact_id"] is not None)


@pytest.mark.parametrize("shards", [1, 2, 8])
def test_the_same_receipts_of_texts_whatever_the_layout(tmp_path, shards):
    documents = text_documents(texts_mix())
    found = []
    for folder, count in (("a", 3), ("b", shards)):
        _, tables = deduplicate(tmp_path / folder, documents, count)
        rows = [row for table in tables for row in table.drop_columns(["row"]).to_pylist()]
        found.append(sorted(rows, key=lambda row: row["id"]))
        random.Random(shards).shuffle(documents)
    assert found[0] == found[1]


def test_only_doubtful_pairs_are_compared_by_their_shingles(tmp_path):
    documents = text_documents(texts_mix())
    _, tables = deduplicate(tmp_path, documents, 2)
    rows = [row for table in tables for row in table.to_pylist()]
    assert {row["verified"] for row in rows} == {"text", "signature", "shingles"}
    for row in rows:
        assert row["similarity"] >= (0.9 if row["verified"] == "signature" else 0.8)


def test_documents_compared_in_part_or_not_at_all_are_counted(tmp_path):
    texts = [*texts_mix(originals=2), "word " * 131_073]
    facts = deduplicate(tmp_path, text_documents(texts), 1)[0]["bands"]
    assert facts["documents"] == 18
    assert facts["unsigned"] == 3
    signed = {" ".join(text.casefold().split()) for text in texts if len(text.split()) >= 5}
    bands, _ = DedupSettings().layout()
    assert facts["entries"] == bands * len(signed)
    assert facts["beyond_cap"] == 1


def test_layouts_follow_from_the_threshold():
    assert DedupSettings().layout() == (16, 7)
    assert DedupSettings(threshold=0.5).layout()[1] < 7
    assert DedupSettings(bands=14, rows=8).layout() == (14, 8)
    assert DedupSettings(bands=20, rows=13).signature_values == 260


@pytest.mark.parametrize(
    ("where", "right", "wrong"),
    [
        ("threshold", ({"threshold": 0.001}, {"threshold": 1.0}), ({"threshold": 0.0},)),
        ("threshold", (), ({"threshold": 1.001}, {"threshold": -0.1})),
        ("margin", ({"margin": 0.0}, {"margin": 1.0}), ({"margin": -0.1}, {"margin": 1.1})),
        ("bands", ({"bands": 1, "rows": 1},), ({"bands": 3}, {"rows": 3})),
        ("bands", (), ({"bands": 0, "rows": 1}, {"bands": 1, "rows": 0})),
        (
            "permutations",
            ({"bands": 20, "rows": 13, "permutations": 260}, {"permutations": 1}),
            ({"bands": 20, "rows": 13, "permutations": 259}, {"permutations": 0}),
        ),
        ("memory_mb", ({"memory_mb": 64},), ({"memory_mb": 63.9},)),
    ],
)
def test_settings_are_refused_just_beyond_their_bounds(where, right, wrong):
    for each in right:
        DedupSettings(**each).check("dedup")
    for each in wrong:
        with pytest.raises(ConfigError, match=rf"dedup\.{where}"):
            DedupSettings(**each).check("dedup")


def test_what_settings_come_to():
    assert DedupSettings().signature_values == 112
    assert DedupSettings(permutations=64).signature_values == 64
    assert DedupSettings(bands=2, rows=3).signature_values == 6
    assert DedupSettings(memory_mb=1.5).memory == 3 << 19
    sizes = [DedupSettings(threshold=t).layout() for t in (0.6, 0.7, 0.8, 0.9)]
    assert sizes == [(28, 4), (22, 5), (16, 7), (10, 11)]


def test_equal_bytes_are_told_from_equal_texts(tmp_path):
    texts = ["One two three.", "one two three.", "One two three.", "one  two three.", "Else"]
    _, tables = deduplicate(tmp_path, text_documents(texts), 2)
    rows = {row["id"]: row for table in tables for row in table.to_pylist()}
    ids = [name for name, *_ in text_documents(texts)]
    assert set(rows) == set(ids[:4])
    assert {row["exact_id"] for row in rows.values()} == {min(ids[:4])}
    assert {name: row["raw_id"] for name, row in rows.items() if row["raw_id"]} == dict.fromkeys(
        (ids[0], ids[2]), min(ids[0], ids[2])
    )


def test_of_several_earlier_copies_the_one_of_the_same_bytes_is_named(tmp_path):
    old = text_documents(["One two", "one two", "one TWO", "three"])
    new = text_documents(["ONE two", "x", "One two", "three"])
    new = [(name[::-1], *rest) for name, *rest in new]
    _, rows = against_earlier(tmp_path, old, new)
    found = {name: (row["earlier_id"], row["earlier_kind"]) for name, row in rows.items()}
    assert min(name for name, *_ in old[:3]) == old[1][0]
    assert found == {
        new[0][0]: (old[1][0], "exact"),
        new[2][0]: (old[0][0], "identical"),
        new[3][0]: (old[3][0], "identical"),
    }


def test_pages_that_an_earlier_run_kept_are_known_by_their_address(tmp_path):
    old = [document(f"old-{n}", f"old {n}", None) for n in range(3)]
    new = [document(f"new-{n}", f"new {n}", None) for n in range(4)]
    urls = (
        ["https://www.a.org/x/", "http://b.org", "http://c.org", None],
        ["http://a.org/x", "http://b.org/#top", None],
    )
    facts, rows = against_earlier(tmp_path, old, new, ["kept", "dropped", "kept"], urls)
    assert set(rows) == {new[0][0]}
    row = rows[new[0][0]]
    assert (row["url_earlier_id"], row["url_earlier_run"]) == (old[0][0], "old-1")
    assert row["cluster_id"] is None
    assert facts["duplicates"]["url_earlier"] == 1


def test_documents_of_one_address_are_named_without_a_cluster(tmp_path):
    urls = ["http://www.a.org/x", "https://a.org/x/", "https://a.org/y", None, "http://a.org/x#1"]
    documents = [document(f"d{n}", f"text {n // 2}", None) for n in range(5)]
    facts, tables = deduplicate(tmp_path, documents, 2, urls_of=urls, **SIGNATURES)
    assert facts["edges"]["url"] == 3
    assert facts["edges"].keys() >= {"entries", "equal", "near", "unchecked"}
    rows = {row["id"]: row for table in tables for row in table.to_pylist()}
    ids = [name for name, *_ in documents]
    shared = {ids[n] for n in (0, 1, 4)}
    assert {name for name, row in rows.items() if row["url_id"] == min(shared)} == shared
    assert rows[ids[2]]["url_id"] is None
    alone = rows[ids[4]]
    assert [alone[name] for name in ("cluster_id", "matched_id", "similarity", "verified")] == (
        [None] * 4
    )
    assert groups_of(tables).keys() == {min(ids[0], ids[1]), min(ids[2], ids[3])}


def test_ids_that_are_alike_in_half_are_told_apart(tmp_path):
    names = [f"{'0' * 16}{(n * 7919 % 1000):016x}" for n in range(40)]
    texts = texts_mix(originals=4)
    documents = [
        (name, *rest) for name, (_, *rest) in zip(names, text_documents(texts), strict=False)
    ]
    _, tables = deduplicate(tmp_path, documents, 2)
    rows = [row for table in tables for row in table.to_pylist()]
    assert {row["id"] for row in rows} <= set(names)
    for level in ("cluster_id", "exact_id", "raw_id"):
        members = {}
        for row in rows:
            if row[level]:
                members.setdefault(row[level], set()).add(row["id"])
        assert members
        assert all(name == min(group) for name, group in members.items()), level


@pytest.mark.parametrize(
    ("values", "threshold", "bounds"),
    [(112, 0.8, (8, 29)), (112, 1.0, (0, 12)), (256, 0.7, (45, 76)), (16, 0.2, (6, 12))],
)
def test_a_sketch_is_sure_two_errors_above_and_possible_three_below(values, threshold, bounds):
    settings = DedupSettings(threshold=threshold, permutations=values, bands=4, rows=4)
    assert settings.signature_values == values
    # Unlike values agree once in four; the error is half of one by the root of their number.
    assert sketch_bounds(settings) == bounds
