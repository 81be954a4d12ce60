"""Who survives, against a slow and obvious reading over small random lakes.

Names, shards, dates and scores are drawn apart from each other, so that no two orders agree by
chance.
"""

from __future__ import annotations

import random
from collections import Counter

import pytest
from judge_lake import COUNTED, Lake

KINDS = ("identical", "exact", "near", "url")
SOURCES = ("wiki", "news", "crawl", "forum")
RECEIPT = ("matched_id", "similarity", "verified", "bands_shared")


def drawn_documents(rng):
    """Documents whose groups nest as deduplication has them: same bytes, same text, cluster."""
    names = [f"{n:02x}" for n in rng.sample(range(256), 48)]
    documents = [
        {
            "id": name,
            "shard": rng.choice("abc"),
            "words": rng.choice((10, 90, 90, 90)),
            "score": rng.choice((None, 0.25, 0.5, 0.5, 0.75)),
            "date": rng.choice((None, "2020", "2021", "2021", "2022")),
            "source": f"https://{rng.choice(SOURCES)}.org/{name}",
        }
        for name in names
    ]
    free = list(documents)
    while len(free) > 8:
        cluster, free = free[: rng.randrange(2, 7)], free[6:]
        nested(rng, cluster, ("cluster_id", "exact_id", "raw_id"))
        if rng.random() < 0.3:
            kind = rng.choice(KINDS[:3])
            for each in cluster:
                earlier = {"earlier_id": "earlier", "earlier_run": "june", "earlier_kind": kind}
                each.update(earlier)
        for each in cluster:
            each.update(zip(RECEIPT, ("m" + each["id"], 0.9, "signature", 3), strict=True))
    shuffled = rng.sample(documents, 36)
    while shuffled:
        page, shuffled = shuffled[: rng.randrange(2, 6)], shuffled[5:]
        for each in page:
            each["url_id"] = min(member["id"] for member in page)
            if rng.random() < 0.1:
                each.update(url_earlier_id="page", url_earlier_run="may")
    return documents


def nested(rng, group, levels):
    for each in group:
        each[levels[0]] = min(member["id"] for member in group)
    if levels[1:] and len(group) > 2:
        nested(rng, rng.sample(group, rng.randrange(2, len(group))), levels[1:])


def level_of(drop):
    for kind, level in (("near", "cluster_id"), ("exact", "exact_id"), ("identical", "raw_id")):
        if kind in drop:
            return level
    return "cluster_id"


def known_of(document, drop):
    """The kind of copy, id and run of what an earlier run kept, where the policy drops that."""
    kind = document.get("earlier_kind")
    if kind == "identical" and kind not in drop and "exact" in drop:
        kind = "exact"
    if kind in drop:
        return kind, document["earlier_id"], document["earlier_run"]
    if "url_earlier_id" in document and "url" in drop:
        return "url", document["url_earlier_id"], document["url_earlier_run"]
    return None


def best_of(members, passing, trusted, prefer, page_order=None):
    """The first that passes: by trust, then by what is preferred, then by name."""

    def place(document):
        ranks = [n for n, name in enumerate(trusted) if name in document["source"]]
        score = document["score"] if prefer else None
        by_date = page_order(document) if page_order else 0
        trust = min(ranks, default=len(trusted))
        return by_date, trust, score is None, -(score or 0), document["id"]

    able = [each for each in members if each["id"] in passing]
    return min(able, key=place) if able else None


def groups_of(documents, level):
    groups = {}
    for each in documents:
        if each.get(level):
            groups.setdefault(each[level], []).append(each)
    return groups


def expected(documents, drop, trusted, prefer, newest):
    """Reason, survivor, its run, cluster, its size and the receipt of every document that has any;
    and who gives way to another capture of its page."""
    known = {each["id"]: known_of(each, drop) for each in documents}
    passing = {each["id"] for each in documents if each["words"] >= 50 and not known[each["id"]]}

    def page_order(document):
        date = document["date"]
        return (date is None, (-int(date) if newest else int(date)) if date else 0)

    moved = {}
    for page in groups_of(documents, "url_id").values() if "url" in drop else ():
        best = best_of(page, passing, trusted, prefer, page_order)
        moved.update({each["id"]: best["id"] for each in page if best and each is not best})
    found = {}
    for each in documents:
        name = each["id"]
        if known[name] or name in moved:
            kind, survivor, run = known[name] or ("url", moved[name], None)
            receipt = tuple(each.get(field) for field in RECEIPT)
            found[name] = (kind, survivor, run, None, 1, *receipt)
    level = level_of(drop)
    for cluster, members in groups_of(documents, level).items():
        best = best_of(members, passing - moved.keys(), trusted, prefer)
        for each in members:
            kind = survivor = run = None
            if each["id"] in found:
                kind, survivor, run, *_ = found[each["id"]]
            elif best and each is not best:
                same = [at for at in ("raw_id", "exact_id") if each.get(at) == best.get(at) != None]  # noqa: E711
                kind = "exact" if same else "near"
                if "raw_id" in same and "identical" in drop:
                    kind = "identical"
                kind, survivor = (kind, best["id"]) if kind in drop else (None, None)
            receipt = tuple(each.get(field) for field in RECEIPT)
            found[each["id"]] = (kind, survivor, run, cluster, len(members), *receipt)
    return found, moved


DROPS = [
    *([kind] for kind in KINDS),
    ["exact", "identical"],
    ["near", "url"],
    ["exact", "near"],
    ["url", "exact", "identical"],
    *([*KINDS] for _ in range(4)),
]


@pytest.mark.parametrize(("seed", "drop"), list(enumerate(DROPS)))
def test_survivors_are_who_a_plain_reading_says(tmp_path, seed, drop):
    rng = random.Random(seed)
    documents = drawn_documents(rng)
    trusted = rng.choice(([], ["news", "wiki"], ["forum", "nowhere", "crawl"]))
    prefer, newest = rng.random() < 0.5, rng.random() < 0.5
    lake = lake_of(tmp_path, documents, drop, trusted, prefer, newest, rng.choice((2**30, 20_000)))
    plainly, moved = expected(documents, drop, trusted, prefer, newest)
    columns = ("survivor_id", "survivor_run", "cluster_id", "cluster_size", *RECEIPT)
    for each in documents:
        kind, *rest = plainly.get(each["id"], (None,) * 9)
        row = lake.decisions[each["id"]]
        reasons = ["too_few_words"] * (each["words"] < 50) + [f"{kind}_duplicate"] * bool(kind)
        assert row["reasons"] == reasons, (each, drop, trusted)
        assert [row[name] for name in columns] == rest, (each, drop, trusted)
    assert {stage: lake.facts[stage] for stage in COUNTED} == counted(
        documents, plainly, moved, drop
    )


def counted(documents, plainly, moved, drop):
    """The facts of the stages."""
    there = [
        each
        for each in documents
        if each.get(level_of(drop)) or "url_id" in each or known_of(each, drop)
    ]
    captures = sum("url_id" in each for each in there) if "url" in drop else 0
    kinds = [kind for kind, *_ in plainly.values()]
    return {
        "candidates": Counter(members=len(there), captures=captures),
        "pages": Counter(moved=len(moved)) if captures else Counter(),
        "survivors": Counter(lost=sum(kind is not None for kind in kinds)) if there else Counter(),
    }


def lake_of(folder, documents, drop, trusted, prefer, newest, memory):
    shards = {key: [] for key in "abc"}
    for each in documents:
        shards[each["shard"]].append((each["id"], each["words"], each["score"]))
    facts = {
        each["id"]: {
            name: value
            for name, value in each.items()
            if name not in ("id", "shard", "words", "score", "date", "source")
        }
        for each in documents
    }
    lines = f"{drop}\npriority = {trusted}\nnewest = {str(newest).lower()}".replace("'", '"')
    return Lake(
        folder,
        shards,
        drop=lines,
        receipts={name: fact for name, fact in facts.items() if fact},
        dates={each["id"]: each["date"] for each in documents},
        sources={each["id"]: each["source"] for each in documents},
        prefer=prefer,
        share=0.99,
        memory=memory,
    )
