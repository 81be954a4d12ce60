"""Every column of the duplicates files, against a slow and obvious reading of random texts.

Copies lie in this run and in two earlier ones, in several shards; ids are hashes of numbers, so
their order agrees with no other.
"""

from __future__ import annotations

import hashlib
import itertools
import random

import numpy as np
import pyarrow as pa
import pytest
from dedup_lake import Stages, write_documents

from thresher.filters.measure import MinHashSettings, content_hash, measure
from thresher.jobs.earlier import EarlierRun
from thresher.jobs.stages.dedup import find_duplicates
from thresher.manifests.shards import ShardWriter, read_table
from thresher.manifests.store import Store
from thresher.pipeline.dedup import DedupSettings
from thresher.pipeline.dedup.urls import canonical_url
from thresher.pipeline.shards import ShardRef

BANDS, ROWS = 28, 4
THRESHOLD = 0.8


def drawn_texts(rng):
    """Families of texts: an original, copies with some other words, other case, other spaces."""
    words = [f"{a}{b}{c}" for a in "bcdfgklm" for b in "aeiou" for c in "nprst"]
    for _ in range(14):
        base = rng.choices(words, k=rng.randint(60, 160))
        family = [" ".join(base)]
        for _ in range(rng.randrange(6)):
            share = rng.choice((0.0, 0.0, 0.01, 0.02, 0.03))
            copy = [rng.choice(words) if rng.random() < share else word for word in base]
            text = " ".join(copy)
            family.append(rng.choice((text, text, text.upper(), text.replace(" ", "  ", 1))))
        family += rng.choices(family, k=rng.randrange(4))
        yield from family
    yield from ("too short", "Too  short", "too short", "shorter still")


def drawn_documents(rng):
    """Documents with a home: (run, shard), of runs the new one is 0."""
    texts = list(drawn_texts(rng))
    rng.shuffle(texts)
    column = pa.array(texts)
    hashes = content_hash(column).to_pylist()
    signatures = measure(column, MinHashSettings(permutations=BANDS * ROWS))["minhash"].to_pylist()
    return [
        {
            "id": hashlib.md5(f"{rng.random()}".encode()).hexdigest(),
            "text": text,
            "content": hashes[n],
            "signature": signatures[n],
            "url": rng.choice((None, f"http://e.org/{rng.randrange(25)}?utm_source={n}")),
            "home": (rng.choice((0, 0, 0, 1, 2)), rng.randrange(3)),
            "kept": rng.random() < 0.7,
        }
        for n, text in enumerate(texts)
    ]


def found_rows(folder, documents, memory):
    """The rows of the duplicates files of the new run by id, and what the stages counted."""
    stores = [Store(str(folder / name)) for name in ("new", "june", "july")]
    refs = {}
    for home in itertools.product(range(3), range(3)):
        run, shard = home
        mine = [each for each in documents if each["home"] == home]
        path = f"documents/f/s{shard}.parquet"
        fields = ("id", "content", "signature", "text")
        write_documents(
            stores[run],
            path,
            [tuple(each[name] for name in fields) for each in mine],
            [each["url"] for each in mine],
        )
        verdict = pa.table(
            {"verdict": pa.array(["kept" if e["kept"] else "dropped" for e in mine], pa.string())}
        )
        with ShardWriter(stores[run], "decisions/f/" + path[12:], verdict.schema) as writer:
            writer.write(verdict)
        earlier = (f"run-{run}", stores[run].url(), "decisions/f/" + path[12:]) if run else ()
        refs.setdefault(run, []).append(ShardRef(f"s{shard}", path, *earlier))
    settings = DedupSettings(
        threshold=THRESHOLD, verify="exact", bands=BANDS, rows=ROWS, memory_mb=memory
    )
    minhash = MinHashSettings(permutations=settings.signature_values)
    run = Stages(stores[0])
    earlier = [EarlierRun(f"run-{n}", f"e{n}", f"e{n}", tuple(refs[n])) for n in (1, 2)]
    found = find_duplicates(run, refs[0], earlier, "f", settings, minhash)
    rows = {}
    for ref in refs[0]:
        ids = read_table(stores[0], ref.texts, ["id"])["id"].to_pylist()
        if ref.key in found.paths:
            for row in read_table(stores[0], found.paths[ref.key]).to_pylist():
                assert ids[row.pop("row")] == row["id"]
                rows[row.pop("id")] = row
    return rows, run.facts


def shingles(text):
    words = text.lower().split()
    return {tuple(words[i : i + 5]) for i in range(len(words) - 4)}


def similarity(one, other):
    a, b = shingles(one["text"]), shingles(other["text"])
    return len(a & b) / len(a | b) if a | b else 0.0


def values(document):
    return np.frombuffer(document["signature"], np.uint32).reshape(BANDS, ROWS)


def expected_rows(documents):
    """What is told of every new document that has a duplicate, by its id."""
    there = [each for each in documents if each["kept"] or each["home"][0] == 0]
    similar = {}
    for one, other in itertools.combinations(there, 2):
        if one["content"] != other["content"] and one["signature"] and other["signature"]:
            found = similarity(one, other)
            if found >= THRESHOLD:
                similar[one["id"], other["id"]] = similar[other["id"], one["id"]] = found
    clusters = components(there, similar)
    rows = {}
    for each in there:
        if each["home"][0]:
            continue
        equal = [o for o in there if o["content"] == each["content"]]
        bytes_ = [o for o in equal if o["text"] == each["text"]]
        page = [o for o in there if each["url"] and address(o) == address(each)]
        cluster = clusters[each["id"]]
        row = {
            "cluster_id": min(o["id"] for o in cluster) if cluster[1:] else None,
            "cluster_size": len(cluster),
            "exact_id": min(o["id"] for o in equal) if equal[1:] else None,
            "raw_id": min(o["id"] for o in bytes_) if bytes_[1:] else None,
            **receipt(each, equal, there, similar),
            **known_before(each, (("identical", bytes_), ("exact", equal), ("near", cluster))),
            "url_id": min(o["id"] for o in page) if page[1:] else None,
        }
        kept = known_before(each, (("", page),))
        row["url_earlier_id"], row["url_earlier_run"] = kept["earlier_id"], kept["earlier_run"]
        if row["cluster_id"] or row["url_id"]:
            rows[each["id"]] = row
    return rows


def address(document):
    return canonical_url(document["url"]) if document["url"] else None


def components(there, similar):
    """The members of each document's cluster, by its id."""
    groups = {each["id"]: [each] for each in there}
    for one, other in itertools.combinations(there, 2):
        joined = one["content"] == other["content"] or (one["id"], other["id"]) in similar
        if joined and groups[one["id"]] is not groups[other["id"]]:
            both = groups[one["id"]] + groups[other["id"]]
            groups.update((each["id"], both) for each in both)
    return groups


def receipt(document, equal, there, similar):
    """The smallest other document of equal text, else the text of the closest signature."""
    names = [each["id"] for each in equal if each is not document]
    if names:
        return {
            "matched_id": min(names), "similarity": 1.0, "verified": "text", "bands_shared": None,
        }  # fmt: skip
    near = [each for each in there if (document["id"], each["id"]) in similar]
    if not near:
        return dict.fromkeys(("matched_id", "similarity", "verified", "bands_shared"))

    def place(each):
        alike = (values(each) == values(document)).sum()
        return -alike, int.from_bytes(each["content"][:8], "little"), each["id"]

    best = min(near, key=place)
    return {
        "matched_id": best["id"],
        "similarity": pytest.approx(similar[document["id"], best["id"]]),
        "verified": "shingles",
        "bands_shared": (values(best) == values(document)).all(axis=1).sum(),
    }


def known_before(document, kinds):
    """The smallest id that an earlier run kept, of the nearest kind that has one, and its run."""
    for kind, group in kinds:
        old = [each for each in group if each["home"][0] and each is not document]
        if old:
            first = min(old, key=lambda each: each["id"])
            run = f"run-{first['home'][0]}"
            return {"earlier_id": first["id"], "earlier_run": run, "earlier_kind": kind}
    return dict.fromkeys(("earlier_id", "earlier_run", "earlier_kind"))


@pytest.mark.parametrize(("seed", "memory"), [(0, 1024), (1, 1024), (2, 0.05), (3, 0.02)])
def test_duplicates_are_what_a_plain_reading_says(tmp_path, seed, memory):
    documents = drawn_documents(random.Random(seed))
    rows, facts = found_rows(tmp_path, documents, memory)
    expected = expected_rows(documents)
    assert rows.keys() == expected.keys()
    for name, row in rows.items():
        assert row == expected[name], name
    kinds = {row["earlier_kind"] for row in rows.values()}
    assert kinds == {None, "identical", "exact", "near"}
    counted = facts["duplicates"]
    for fact, column in (
        ("documents", "cluster_id"),
        ("exact_documents", "exact_id"),
        ("raw_documents", "raw_id"),
        ("url_documents", "url_id"),
        ("earlier", "earlier_id"),
        ("url_earlier", "url_earlier_id"),
    ):
        assert counted[fact] == sum(row[column] is not None for row in rows.values()) > 0
    clusters = {row["cluster_id"] for row in rows.values()} - {None}
    assert facts["names"]["clusters"] == len(clusters)
    assert (facts["edges"]["tasks"] > 1) == (memory < 1)
