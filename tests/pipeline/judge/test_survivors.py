"""Who survives, held against a slow and obvious account of it.

Ids, rows, shards, dates and sources are drawn apart from each other, so that none of them is right
by coincidence.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from judge_lake import Lake

WITHOUT_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)
"""A case is a lake: shrinking one takes minutes, and tells little more."""

KINDS = ("identical", "exact", "near", "url")
REASONS = {kind: f"{kind}_duplicate" for kind in KINDS}
COLUMNS = (
    "verdict",
    "reason",
    "reasons",
    "survivor_id",
    "survivor_run",
    "cluster_id",
    "cluster_size",
    "matched_id",
)


@dataclass(frozen=True)
class Document:
    """What judging knows of a document."""

    name: str
    shard: str
    words: int
    score: float | None
    date: str | None
    source: str
    groups: dict


@dataclass(frozen=True)
class Wanted:
    """What a policy says of duplicates."""

    drop: tuple
    priority: tuple
    newest: bool
    prefer: bool


@st.composite
def documents(draw):
    """Documents in clusters of equal bytes within equal texts within near ones, and on pages."""
    count = draw(st.integers(1, 30))
    names = draw(st.permutations([f"{n:02d}" for n in range(count)]))
    found = []
    near_of, exact_of = {}, {}
    for name in names:
        near = draw(st.sampled_from([None, "n1", "n2", "n4"]))
        exact = draw(st.sampled_from([None, "e1", "e2", "e3"]))
        raw = draw(st.sampled_from([None, "r1", "r2"])) if exact else None
        if exact:  # equal texts are near ones as well, and equal bytes are equal texts
            near = near_of.setdefault(exact, near or "n3")
            raw = raw and exact_of.setdefault((raw, exact), f"{raw}-{exact}")
        groups = {
            "cluster_id": near,
            "exact_id": exact,
            "raw_id": raw,
            "url_id": draw(st.sampled_from([None, None, "u1", "u2", "u3", "u4"])),
            "matched_id": f"match-of-{name}",
            "verified": "signature",
        }
        if draw(st.integers(0, 5)) == 0:
            kind = draw(st.sampled_from(KINDS[:3]))
            groups |= {"earlier_id": f"old-{name}", "earlier_run": "june", "earlier_kind": kind}
        if groups["url_id"] and draw(st.integers(0, 5)) == 0:
            groups |= {"url_earlier_id": f"page-{name}", "url_earlier_run": "may"}
        found.append(
            Document(
                name=name,
                shard=draw(st.sampled_from("abc")),
                words=draw(st.sampled_from([9, 99])),
                score=draw(st.sampled_from([None, 0.1, 0.5, 0.9])),
                date=draw(st.sampled_from([None, "2020-01-02", "2021-01-01", "2021-06-01"])),
                source=draw(st.sampled_from(["https://wiki/1", "s3://news/2", "https://crawl/3"])),
                groups=groups,
            )
        )
    return found


wanted = st.builds(
    Wanted,
    drop=st.lists(st.sampled_from(KINDS), unique=True).map(tuple),
    priority=st.sampled_from([(), ("wiki",), ("news", "crawl"), ("crawl", "wiki", "news")]),
    newest=st.booleans(),
    prefer=st.booleans(),
)


def account(documents, wanted):
    """Verdicts by name, as a person would work them out."""
    drop = wanted.drop
    rules = {d.name: ["too_few_words"] if d.words < 50 else [] for d in documents}
    known = {d.name: known_as(d, drop) for d in documents}
    able = {d.name: not rules[d.name] and known[d.name] is None for d in documents}

    def trust(document):
        for place, listed in enumerate(wanted.priority):
            if listed in document.source:
                return place
        return len(wanted.priority)

    def preference(document):
        if not wanted.prefer:
            return 0
        return math.inf if document.score is None else -document.score

    def by_date(document):
        number = int((document.date or "0").replace("-", ""))
        return (document.date is None, -number if wanted.newest else number)

    first_of_page = {}
    if "url" in drop:
        for members in grouped(documents, "url_id").values():
            passing = [d for d in members if able[d.name]]
            if passing:
                best = min(passing, key=lambda d: (by_date(d), trust(d), preference(d), d.name))
                first_of_page |= {d.name: best.name for d in members if d is not best}

    level = next(
        (
            column
            for kind, column in (("near", "cluster_id"), ("exact", "exact_id"))
            if kind in drop
        ),
        "raw_id" if "identical" in drop else "cluster_id",
    )
    clusters = grouped(documents, level)
    survivor_of = {}
    for members in clusters.values():
        passing = [d for d in members if able[d.name] and d.name not in first_of_page]
        if passing:
            best = min(passing, key=lambda d: (trust(d), preference(d), d.name))
            survivor_of |= {d.name: best for d in members if d is not best}

    decisions = {}
    for document in documents:
        name, groups = document.name, document.groups
        kind = survivor = run = None
        if known[name]:
            kind, survivor, run = known[name]
        elif name in first_of_page:
            kind, survivor = "url", first_of_page[name]
        elif name in survivor_of:
            best = survivor_of[name]
            found = likeness(groups, best.groups, drop)
            if found in drop:
                kind, survivor = found, best.name
        cluster = groups[level]
        told = cluster is not None or known[name] or name in first_of_page
        reasons = rules[name] + ([REASONS[kind]] if kind else [])
        decisions[name] = {
            "verdict": "dropped" if reasons else "kept",
            "reason": reasons[0] if reasons else None,
            "reasons": reasons,
            "survivor_id": survivor,
            "survivor_run": run,
            "cluster_id": cluster if told else None,
            "cluster_size": (len(clusters[cluster]) if cluster else 1) if told else None,
            "matched_id": groups["matched_id"] if told else None,
        }
    return decisions


def known_as(document, drop):
    """What an earlier run kept in its place: kind, id, run."""
    groups = document.groups
    earlier = groups.get("earlier_kind")
    if earlier in drop:
        return earlier, groups["earlier_id"], groups["earlier_run"]
    if earlier == "identical" and "exact" in drop:
        return "exact", groups["earlier_id"], groups["earlier_run"]
    if "url_earlier_id" in groups and "url" in drop:
        return "url", groups["url_earlier_id"], groups["url_earlier_run"]
    return None


def likeness(groups, best, drop):
    if groups["raw_id"] and groups["raw_id"] == best["raw_id"] and "identical" in drop:
        return "identical"
    if groups["exact_id"] and groups["exact_id"] == best["exact_id"]:
        return "exact"
    return "near"


def grouped(documents, column):
    groups = defaultdict(list)
    for document in documents:
        if document.groups[column] is not None:
            groups[document.groups[column]].append(document)
    return groups


def judged(path, documents, wanted, memory):
    shards = {key: [] for key in "abc"}
    for document in documents:
        shards[document.shard].append((document.name, document.words, document.score))
    drop = str(list(wanted.drop)).replace("'", '"')
    listed = str(list(wanted.priority)).replace("'", '"')
    extra = f"\npriority = {listed}" if wanted.priority else ""
    extra += f"\nnewest = {str(wanted.newest).lower()}"
    lake = Lake(
        path,
        shards,
        drop=drop + extra,
        receipts={d.name: d.groups for d in documents if has_group(d)},
        share=0.999,
        dates={d.name: d.date for d in documents},
        sources={d.name: d.source for d in documents},
        prefer="quality.score" if wanted.prefer else None,
        memory=memory,
    )
    return {name: {c: row[c] for c in COLUMNS} for name, row in lake.decisions.items()}


def has_group(document):
    return any(
        document.groups.get(column)
        for column in ("cluster_id", "exact_id", "raw_id", "url_id", "earlier_id")
    )


def holds(tmp_path_factory, documents, wanted, memory):
    found = judged(tmp_path_factory.mktemp("lake"), documents, wanted, memory)
    assert found == account(documents, wanted)


@settings(max_examples=15, deadline=None, phases=WITHOUT_SHRINKING)
@given(documents=documents(), wanted=wanted, memory=st.sampled_from([2**30, 9_000]))
def test_survivors_are_those_that_a_person_would_name(tmp_path_factory, documents, wanted, memory):
    holds(tmp_path_factory, documents, wanted, memory)


@pytest.mark.slow
@settings(max_examples=150, deadline=None, phases=WITHOUT_SHRINKING)
@given(documents=documents(), wanted=wanted, memory=st.sampled_from([2**30, 9_000, 3_000]))
def test_survivors_of_many_cases(tmp_path_factory, documents, wanted, memory):
    holds(tmp_path_factory, documents, wanted, memory)
