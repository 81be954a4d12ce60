"""Clusters, receipts and earlier runs, held against a slow and obvious account of them.

Ids are drawn apart from rows, shards and runs, and some documents are in several runs under one id.
"""

from __future__ import annotations

import hashlib
import itertools

import numpy as np
import pyarrow as pa
from dedup_lake import PERMUTATIONS, SIGNATURES, Stages, write_documents
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from thresher.filters.measure import MinHashSettings
from thresher.jobs.earlier import EarlierRun
from thresher.jobs.stages.dedup import find_duplicates
from thresher.manifests.shards import ShardWriter, read_table
from thresher.manifests.store import Store
from thresher.pipeline.dedup import DedupSettings
from thresher.pipeline.shards import ShardRef

URLS = (None, None, "http://a.org/x", "https://www.a.org/x/", "http://b.org", "http://b.org:80/#y")
PAGES = {url: url and url.split("/")[2].split(":")[0].removeprefix("www.") for url in URLS}
CONTENTS = ("a", "a", "b", "c", "d", "e", "f", "f")
KIN = {"a": 0, "b": 0, "c": 0, "d": 1, "e": 1, "f": None}
"""Contents of one number have one signature, so they are near; f is too short to have any."""
_RNG = np.random.default_rng(5)
VALUES = [_RNG.integers(0, 2**32, PERMUTATIONS, dtype=np.uint32).tobytes() for _ in range(2)]


def name(number):
    return hashlib.md5(str(number).encode()).hexdigest()


document = st.fixed_dictionaries(
    {
        "id": st.integers(0, 40).map(name),
        "content": st.sampled_from(CONTENTS),
        "raw": st.sampled_from("12"),
        "url": st.sampled_from(URLS),
        "kept": st.booleans(),
    }
)
shard = st.lists(document, max_size=9, unique_by=lambda each: each["id"])
own = st.lists(shard, min_size=1, max_size=2)
earlier = st.lists(shard, max_size=2)


def account(own, earlier):
    """The duplicates of the run's documents, by shard and row."""
    nodes = [
        {**each, "place": (number, row), "run": None}
        for number, rows in enumerate(own)
        for row, each in enumerate(rows)
    ]
    nodes += [
        {**each, "place": (len(own) + number, row), "run": f"run-{number}"}
        for number, rows in enumerate(earlier)
        for row, each in enumerate(rows)
        if each["kept"]
    ]
    nodes.sort(key=lambda node: (node["id"], node["place"]))

    def alike(one, other):
        kin = KIN[one["content"]]
        near = kin is not None and kin == KIN[other["content"]]
        return near or one["content"] == other["content"]

    rows = {}
    for node in nodes:
        if node["run"] is not None:
            continue
        cluster = reached(node, nodes, alike)
        texts = [n for n in cluster if n["content"] == node["content"]]
        octets = [n for n in texts if n["raw"] == node["raw"]]
        page = PAGES[node["url"]]
        captures = [n for n in nodes if page is not None and PAGES[n["url"]] == page]
        if len(cluster) < 2 and len(captures) < 2:
            continue
        others = [n["id"] for n in texts if n is not node]
        kinds = (("identical", octets), ("exact", texts), ("near", cluster))
        known = [(kind, old) for kind, group in kinds for old in group if old["run"]]
        kind, old = known[0] if known else (None, {"id": None, "run": None})
        old_page = next((n for n in captures if n["run"]), {"id": None, "run": None})
        rows[node["place"]] = {
            "id": node["id"],
            "cluster_id": cluster[0]["id"] if len(cluster) > 1 else None,
            "cluster_size": len(cluster),
            "exact_id": texts[0]["id"] if others else None,
            "raw_id": octets[0]["id"] if len(octets) > 1 else None,
            "matched": {others[0]} if others else near_matches(node, cluster),
            "earlier": (kind, old["id"], old["run"]),
            "url_id": captures[0]["id"] if len(captures) > 1 else None,
            "url_earlier": (old_page["id"], old_page["run"]),
        }
    return rows


def reached(node, nodes, alike):
    """Every node to which a chain of alike ones leads, in the order of ids."""
    found = [node]
    for each in found:
        found += [n for n in nodes if alike(each, n) and not any(n is f for f in found)]
    return [n for n in nodes if any(n is f for f in found)]


def near_matches(node, cluster):
    """What may be its closest match: the smallest id of any other text, all being equally close."""
    texts = {}
    for each in cluster:
        texts.setdefault(each["content"], each["id"])
    return {found for content, found in texts.items() if content != node["content"]} or {None}


def deduplicated(path, own, earlier, memory_mb):
    stores = [Store(str(path / "new"))]
    refs, runs = [], []
    for number, rows in enumerate(own):
        refs.append(ShardRef(f"s{number}", f"documents/f/s{number}.parquet"))
        write(stores[0], refs[-1].texts, rows)
    for number, rows in enumerate(earlier):
        store = Store(str(path / f"old{number}"))
        write(store, "documents/f/a.parquet", rows)
        verdicts = pa.table({"verdict": ["kept" if r["kept"] else "dropped" for r in rows]})
        with ShardWriter(
            store, "decisions/f/a.parquet", pa.schema([("verdict", pa.string())])
        ) as writer:
            writer.write(verdicts.cast(pa.schema([("verdict", pa.string())])))
        run = f"run-{number}"
        there = ShardRef("a", "documents/f/a.parquet", run, store.url(), "decisions/f/a.parquet")
        runs.append(EarlierRun(run, f"e{number}", "e", (there,)))
    wanted = DedupSettings(memory_mb=memory_mb, **SIGNATURES)
    minhash = MinHashSettings(permutations=wanted.signature_values)
    found = find_duplicates(Stages(stores[0]), refs, runs, "f", wanted, minhash)
    rows = {}
    for number, ref in enumerate(refs):
        if ref.key in found.paths:
            for row in read_table(stores[0], found.paths[ref.key]).to_pylist():
                rows[number, row["row"]] = row
    return rows


def write(store, path, rows):
    documents = [
        (
            each["id"],
            hashlib.md5(each["content"].encode()).digest(),
            None if KIN[each["content"]] is None else VALUES[KIN[each["content"]]],
            "",
        )
        for each in rows
    ]
    octets = [hashlib.md5((e["content"] + e["raw"]).encode()).digest() for e in rows]
    write_documents(store, path, documents, [e["url"] for e in rows], octets)


@settings(max_examples=20, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(own=own, earlier=earlier, memory_mb=st.sampled_from([1024.0, 0.001]))
def test_duplicates_are_those_that_a_person_would_name(tmp_path_factory, own, earlier, memory_mb):
    rows = deduplicated(tmp_path_factory.mktemp("lake"), own, earlier, memory_mb)
    expected = account(own, earlier)
    assert rows.keys() == expected.keys()
    for place, row in rows.items():
        wanted = expected[place]
        assert row["matched_id"] in wanted.pop("matched")
        found = {
            column: row[column]
            for column in ("id", "cluster_id", "cluster_size", "exact_id", "raw_id", "url_id")
        }
        found["earlier"] = (row["earlier_kind"], row["earlier_id"], row["earlier_run"])
        found["url_earlier"] = (row["url_earlier_id"], row["url_earlier_run"])
        assert found == wanted
        if row["cluster_id"] is None:
            assert row["verified"] is None
        else:
            assert row["verified"] == ("text" if row["exact_id"] else "signature")
            assert row["similarity"] == 1.0
            assert row["bands_shared"] == (None if row["exact_id"] else SIGNATURES["bands"])


def test_the_account_tells_what_is_near_from_what_is_equal():
    one, two, three = (
        {"id": i, "content": c, "raw": "1", "url": None, "kept": True}
        for i, c in zip("xyz", "abf", strict=True)
    )
    rows = account([[one, two, three]], [[{**three, "id": "w", "raw": "2"}]])
    near = [rows[0, n]["cluster_id"] for n in range(3)]
    assert near == ["x", "x", "w"]
    assert [rows[0, n]["earlier"][0] for n in range(3)] == [None, None, "exact"]
    assert list(itertools.chain(*(rows[0, n]["matched"] for n in range(3)))) == ["y", "x", "w"]
