"""Judging over small, hand-made facts: survivors, receipts, resolved shares."""

from __future__ import annotations

import random

import numpy as np
import pyarrow as pa
import pytest
from judge_lake import DOCUMENT_SCHEMA, POLICY, Lake

from thresher.filters.policy import parse_policy, resolve, shipped_policies, shipped_policy
from thresher.manifests.shards import ShardWriter, read_table
from thresher.manifests.store import Store
from thresher.pipeline.judge.candidates import CANDIDATES_SCHEMA
from thresher.pipeline.judge.decide import decide
from thresher.pipeline.judge.survivors import survivors
from thresher.pipeline.judge.thresholds import thresholds
from thresher.pipeline.shards import ShardRef
from thresher.pipeline.shuffle import write_sorted


def test_the_survivor_is_chosen_among_members_that_pass(tmp_path):
    lake = Lake(
        tmp_path,
        {
            "a": [("1", 10, 0.9), ("2", 100, 0.6)],
            "b": [("3", 100, 0.7), ("4", 100, 0.1), ("5", 100, 0.5)],
        },
        clusters={"1": "1", "2": "1", "3": "1"},
    )
    assert lake.reasons() == {
        "1": ["too_few_words", "near_duplicate"],
        "2": ["near_duplicate"],
        "3": [],
        "4": ["low_quality"],
        "5": ["low_quality"],
    }
    assert lake.decisions["2"]["survivor_id"] == "3"
    assert lake.decisions["2"]["cluster_size"] == 3
    assert lake.decisions["3"]["survivor_id"] is None
    assert lake.decisions["1"]["reason"] == "too_few_words"
    assert lake.manifests["a"].ledger == {"records": 2, "kept": 0, "dropped": 2}
    assert lake.manifests["a"].reasons == {"dropped/near_duplicate": 1, "dropped/too_few_words": 1}
    assert lake.manifests["a"].facts["all_reasons"] == {"near_duplicate": 2, "too_few_words": 1}


def test_where_no_member_passes_nothing_is_called_a_duplicate(tmp_path):
    lake = Lake(
        tmp_path, {"a": [("1", 1, 0.9), ("2", 2, 0.9)]}, clusters={"1": "1", "2": "1"}, share=0.99
    )
    assert lake.reasons() == {"1": ["too_few_words"], "2": ["too_few_words"]}
    assert lake.decisions["1"]["cluster_id"] == "1"


def test_ties_go_to_the_smallest_id_and_null_scores_lose(tmp_path):
    lake = Lake(
        tmp_path,
        {"a": [("3", 99, 0.5), ("2", 99, 0.5), ("1", 99, None)]},
        clusters={"1": "1", "2": "1", "3": "1"},
    )
    assert [name for name, reasons in lake.reasons().items() if not reasons] == ["2"]


def test_exact_copies_have_their_own_reason(tmp_path):
    shards = {"a": [("1", 99, 0.5), ("2", 99, 0.5), ("3", 99, 0.5)]}
    clusters = {"1": "1", "2": "1", "3": "1"}
    exact = {"1": "1", "2": "1"}
    both = Lake(tmp_path / "both", shards, clusters, exact, share=0.99).reasons()
    assert both == {"1": [], "2": ["exact_duplicate"], "3": ["near_duplicate"]}
    only = Lake(tmp_path / "only", shards, clusters, exact, drop='["exact"]', share=0.99).reasons()
    assert only == {"1": [], "2": ["exact_duplicate"], "3": []}
    none = Lake(tmp_path / "none", shards, clusters, exact, drop="[]", share=0.99).reasons()
    assert none == {"1": [], "2": [], "3": []}


def test_what_an_earlier_run_kept_wins_over_all_members(tmp_path):
    shards = {"a": [("1", 99, 0.5), ("2", 99, 0.5), ("3", 99, 0.5)]}
    known = {"earlier_id": "0", "earlier_run": "june", "earlier_kind": "near"}
    earlier = {"1": known | {"earlier_kind": "identical"}, "2": known, "3": known}
    clusters, exact = dict.fromkeys("123", "0"), {"1": "0"}
    lake = Lake(tmp_path / "both", shards, clusters, exact, receipts=earlier, share=0.99)
    assert lake.reasons() == {
        "1": ["exact_duplicate"],
        "2": ["near_duplicate"],
        "3": ["near_duplicate"],
    }
    assert {row["survivor_id"] for row in lake.decisions.values()} == {"0"}
    assert {row["survivor_run"] for row in lake.decisions.values()} == {"june"}
    only = Lake(
        tmp_path / "only", shards, clusters, exact, drop='["exact"]', receipts=earlier, share=0.99
    )
    assert only.reasons() == {"1": ["exact_duplicate"], "2": [], "3": []}


def test_the_survivor_is_of_the_most_trusted_source_that_has_one(tmp_path):
    shards = {"a": [("wiki", 9, 0.1), ("crawl", 99, 0.9), ("news", 99, 0.9), ("blog", 99, 0.9)]}
    clusters = dict.fromkeys(("wiki", "crawl", "news", "blog"), "blog")
    listed = '["near"]\npriority = ["wiki", "news.org", "crawl"]'
    lake = Lake(tmp_path, shards, clusters, drop=listed, share=0.99)
    assert lake.decisions["news"]["reasons"] == []
    assert lake.decisions["crawl"]["survivor_id"] == lake.decisions["blog"]["survivor_id"] == "news"


def test_pages_of_one_address(tmp_path):
    shards = {"a": [("1", 99, 0.5), ("2", 9, 0.5), ("3", 99, 0.5), ("4", 99, 0.5), ("5", 99, 0.5)]}
    dates = {"1": "2020", "2": "2023", "3": "2021", "4": None}
    pages = {name: {"url_id": "1"} for name in dates}
    clusters = {"3": "3", "5": "3"}
    facts = {"receipts": pages, "dates": dates, "share": 0.99}
    both = Lake(tmp_path / "a", shards, clusters, drop='["url", "near"]', **facts)
    assert both.reasons() == {
        "1": ["url_duplicate"],
        "2": ["too_few_words", "url_duplicate"],
        "3": [],
        "4": ["url_duplicate"],
        "5": ["near_duplicate"],
    }
    assert {both.decisions[name]["survivor_id"] for name in "1245"} == {"3"}
    first = Lake(tmp_path / "b", shards, clusters, drop='["url", "near"]\nnewest = false', **facts)
    assert first.reasons() == {
        "1": [],
        "2": ["too_few_words", "url_duplicate"],
        "3": ["url_duplicate"],
        "4": ["url_duplicate"],
        "5": [],
    }
    none = Lake(tmp_path / "c", shards, clusters, drop='["near"]', **facts)
    assert [name for name, reasons in none.reasons().items() if reasons] == ["2", "5"]


def test_a_page_of_which_no_capture_passes(tmp_path):
    shards = {"a": [("2", 9, 0.5), ("1", 9, 0.5)], "b": [("3", 99, 0.5), ("4", 9, 0.5)]}
    pages = {"1": {"url_id": "1"}, "2": {"url_id": "1"}, "3": {"url_id": "3"}, "4": {"url_id": "3"}}
    dates = {"1": "2020", "2": "2021", "3": "2020", "4": "2021"}
    lake = Lake(tmp_path, shards, drop='["url"]', receipts=pages, dates=dates, share=0.99)
    assert lake.reasons() == {
        "1": ["too_few_words"],
        "2": ["too_few_words"],
        "3": [],
        "4": ["too_few_words", "url_duplicate"],
    }
    assert [lake.decisions[name]["survivor_id"] for name in "1234"] == [None, None, None, "3"]


def test_identical_copies_can_be_dropped_alone(tmp_path):
    shards = {"a": [(name, 99, 0.5) for name in "1234"]}
    clusters, exact = dict.fromkeys("1234", "1"), dict.fromkeys("123", "1")
    raw = {name: {"raw_id": "1"} for name in "12"}

    def reasons(folder, drop):
        lake = Lake(tmp_path / folder, shards, clusters, exact, drop=drop, receipts=raw, share=0.99)
        return [found[0] if found else None for found in lake.reasons().values()]

    identical, equal, near = (f"{kind}_duplicate" for kind in ("identical", "exact", "near"))
    assert reasons("a", '["identical"]') == [None, identical, None, None]
    assert reasons("b", '["exact"]') == [None, equal, equal, None]
    assert reasons("c", '["identical", "exact", "near"]') == [None, identical, equal, near]


def test_what_an_earlier_run_kept_is_no_survivor_of_a_page(tmp_path):
    shards = {"a": [("1", 99, 0.5), ("2", 99, 0.5), ("3", 99, 0.5)]}
    known = {"earlier_id": "0", "earlier_run": "june", "earlier_kind": "identical"}
    page = {"url_earlier_id": "9", "url_earlier_run": "june", "url_id": "3"}
    receipts = {"1": {"url_id": "1"} | known, "2": {"url_id": "1"}, "3": page}
    facts = {"receipts": receipts, "dates": {"1": "2022", "2": "2021"}, "share": 0.99}
    lake = Lake(tmp_path, shards, drop='["url", "exact"]', **facts)
    assert lake.reasons() == {"1": ["exact_duplicate"], "2": [], "3": ["url_duplicate"]}
    survivors = {n: (r["survivor_id"], r["survivor_run"]) for n, r in lake.decisions.items()}
    assert survivors == {"1": ("0", "june"), "2": (None, None), "3": ("9", "june")}


@pytest.mark.parametrize("memory", [12_000])
def test_survivors_are_the_same_in_any_number_of_tasks(tmp_path, memory):
    rng = random.Random(1)
    names = [f"{n:03d}" for n in range(60)]
    shards = {
        key: [(n, rng.choice((10, 99)), rng.random()) for n in names[part::3]]
        for part, key in enumerate("abc")
    }
    clusters = {name: names[rng.randrange(12)] for name in names[:50]}
    exact = {name: cluster for name, cluster in clusters.items() if rng.random() < 0.4}
    pages = {name: {"url_id": str(rng.randrange(20))} for name in rng.sample(names, 40)}
    dates = {name: str(rng.randrange(2000, 2009)) for name in names[::2]}
    found = [
        Lake(
            tmp_path / str(size),
            shards,
            clusters,
            exact,
            drop='["exact", "near", "url"]',
            receipts=pages,
            dates=dates,
            memory=size,
        )
        for size in (2**30, memory)
    ]
    assert len(found[0].ran["survivors"]) == len(found[0].ran["pages"]) == 1
    assert len(found[1].ran["survivors"]) > 3
    assert len(found[1].ran["pages"]) > 2
    assert found[0].decisions == found[1].decisions
    kept = {name for name, row in found[0].decisions.items() if row["verdict"] == "kept"}
    for row in found[0].decisions.values():
        if row["survivor_id"] and row["reasons"][-1] != "url_duplicate":
            assert row["survivor_id"] in kept


def test_one_cluster_of_many_spills_to_disk(tmp_path):
    count = 200_000
    rows = pa.table(
        {
            "bucket": pa.array(np.full(count, 7, np.uint64)),
            "shard": np.arange(count) // 1_000,
            "row": np.arange(count) % 1_000,
            "id": [f"{n:032x}" for n in range(count, 0, -1)],
            "cluster_id": ["c"] * count,
            "passes": np.arange(count) < count - 5,
            "priority": np.zeros(count, np.int64),
        }
    )
    columns = [
        rows[f.name].cast(f.type) if f.name in rows.column_names else pa.nulls(count, f.type)
        for f in CANDIDATES_SCHEMA
    ]
    store = Store(str(tmp_path))
    path = write_sorted(store, "c.parquet", pa.table(columns, schema=CANDIDATES_SCHEMA)).path
    text = POLICY.replace("{drop}", '["near"]').replace("{share}", "0.5")
    policy = parse_policy(text, "test.toml")
    made = survivors(store, [path], [], 0, 1, policy, 64 * 2**20, "f")
    table = read_table(store, made.output().path)
    assert made.facts["lost"] == count - 1
    assert set(table["survivor_id"].to_pylist()) == {None, f"{6:032x}"}
    assert set(table["cluster_size"].to_pylist()) == {count}


def test_an_empty_shard_is_judged(tmp_path):
    lake = Lake(tmp_path, {"a": [], "b": [("1", 99, 0.5)]})
    assert lake.manifests["a"].ledger == {"records": 0, "kept": 0, "dropped": 0}


@pytest.mark.parametrize("name", shipped_policies())
def test_shipped_policies_judge_what_is_stored(tmp_path, name):
    store = Store(str(tmp_path))
    ref = ShardRef("a", "documents/a.parquet")
    row = {"id": "1", "language": {"code": "en", "score": 0.9}}
    with ShardWriter(store, ref.texts, DOCUMENT_SCHEMA) as writer:
        writer.write(pa.Table.from_pylist([row], DOCUMENT_SCHEMA))
    policy = shipped_policy(name)
    policy = resolve(policy, thresholds(store, [ref], policy, "f").facts)
    [decision] = read_table(store, decide(store, ref, 0, [], policy, "f").output().path).to_pylist()
    assert decision["verdict"] == "kept", "what is not measured is no reason"
