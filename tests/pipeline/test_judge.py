"""Judging over small, hand-made facts: survivors, receipts, resolved shares."""

from __future__ import annotations

import pyarrow as pa
import pytest

from filters.policy import parse_policy, resolve, shipped_policies, shipped_policy
from filters.signals import FAMILIES, family_type
from manifests.shards import ShardWriter, read_table
from manifests.store import Store
from pipeline.dedup import ShardRef
from pipeline.dedup.clusters import SCHEMA as DUPLICATES
from pipeline.judge.decide import decide
from pipeline.judge.survivors import candidates, survivors
from pipeline.judge.thresholds import thresholds

POLICY = """
name = "test"
version = 1
[[rules]]
reason = "too_few_words"
signal = "length.words"
below = 50
[[rules]]
reason = "low_quality"
signal = "quality.score"
keep_top = 0.5
[duplicates]
drop = {drop}
prefer = "quality.score"
"""

DOCUMENT_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("source", pa.string()),
        *((family.name, family_type(family.name)) for family in FAMILIES),
    ]
)


def struct(family, **values):
    names = [field.name for field in family_type(family.name)]
    return {name: values.get(name) for name in names}


class Lake:
    """Shards of (id, words, score) with clusters by id, judged."""

    def __init__(
        self, path, shards, clusters=None, exact=None, drop='["exact", "near"]', receipts=None
    ):
        self.store = Store(str(path))
        self.policy = parse_policy(POLICY.replace("{drop}", drop), "test.toml")
        families = {family.name: family for family in FAMILIES}
        self.shards, copies = [], {}
        for key, documents in shards.items():
            rows = [
                {
                    "id": name,
                    "source": f"https://{name}.org/shard.warc.gz",
                    "length": struct(families["length"], words=words),
                    "quality": struct(families["quality"], score=score),
                }
                for name, words, score in documents
            ]
            ref = ShardRef(key, f"documents/f/{key}.parquet")
            self._write(ref.documents, pa.Table.from_pylist(rows, DOCUMENT_SCHEMA))
            self.shards.append(ref)
            members = [
                {
                    "row": row,
                    "id": name,
                    "cluster_id": (clusters or {}).get(name),
                    "exact_id": (exact or {}).get(name),
                    "cluster_size": 2,
                    "similarity": 1.0,
                    "matched_id": "x",
                    **(receipts or {}).get(name, {}),
                }
                for row, (name, _, _) in enumerate(documents)
                if name in {**(clusters or {}), **(receipts or {})}
            ]
            if members:
                copies[key] = f"duplicates/f/{key}.parquet"
                self._write(copies[key], pa.Table.from_pylist(members, DUPLICATES))
        found = thresholds(self.store, self.shards, self.policy, "f")
        self.policy = resolve(self.policy, found.facts)
        members = {
            ref.key: candidates(self.store, ref, copies[ref.key], self.policy, "f").output().path
            for ref in self.shards
            if ref.key in copies
        }
        chosen = {o.path: o for o in survivors(self.store, members, self.policy, "f").outputs}
        self.decisions = {}
        self.manifests = {}
        for ref in self.shards:
            path = f"survivors/f/{ref.key}.parquet"
            manifest = decide(self.store, ref, path if path in chosen else None, self.policy, "f")
            self.manifests[ref.key] = manifest
            for row in read_table(self.store, manifest.output().path).to_pylist():
                self.decisions[row["id"]] = row

    def _write(self, path, table):
        with ShardWriter(self.store, path, table.schema) as writer:
            writer.write(table)

    def reasons(self):
        return {name: row["reasons"] for name, row in self.decisions.items()}


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
    lake = Lake(tmp_path, {"a": [("1", 1, 0.9), ("2", 2, 0.9)]}, clusters={"1": "1", "2": "1"})
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
    both = Lake(tmp_path / "both", shards, clusters, exact).reasons()
    assert both == {"1": [], "2": ["exact_duplicate"], "3": ["near_duplicate"]}
    only = Lake(tmp_path / "only", shards, clusters, exact, drop='["exact"]').reasons()
    assert only == {"1": [], "2": ["exact_duplicate"], "3": []}
    none = Lake(tmp_path / "none", shards, clusters, exact, drop="[]").reasons()
    assert none == {"1": [], "2": [], "3": []}


def test_what_an_earlier_run_kept_wins_over_all_members(tmp_path):
    shards = {"a": [("1", 99, 0.5), ("2", 99, 0.5), ("3", 99, 0.5)]}
    known = {"earlier_id": "0", "earlier_run": "june", "earlier_exact": False}
    earlier = {"1": known | {"earlier_exact": True}, "2": known, "3": known}
    clusters, exact = dict.fromkeys("123", "0"), {"1": "0"}
    lake = Lake(tmp_path / "both", shards, clusters, exact, receipts=earlier)
    assert lake.reasons() == {
        "1": ["exact_duplicate"],
        "2": ["near_duplicate"],
        "3": ["near_duplicate"],
    }
    assert {row["survivor_id"] for row in lake.decisions.values()} == {"0"}
    assert {row["survivor_run"] for row in lake.decisions.values()} == {"june"}
    only = Lake(tmp_path / "only", shards, clusters, exact, drop='["exact"]', receipts=earlier)
    assert only.reasons() == {"1": ["exact_duplicate"], "2": [], "3": []}


def test_the_survivor_is_of_the_most_trusted_source_that_has_one(tmp_path):
    shards = {"a": [("wiki", 9, 0.1), ("crawl", 99, 0.9), ("news", 99, 0.9), ("blog", 99, 0.9)]}
    clusters = dict.fromkeys(("wiki", "crawl", "news", "blog"), "blog")
    listed = '["near"]\npriority = ["wiki", "news.org", "crawl"]'
    lake = Lake(tmp_path, shards, clusters, drop=listed)
    assert lake.decisions["news"]["reasons"] == []
    assert lake.decisions["crawl"]["survivor_id"] == lake.decisions["blog"]["survivor_id"] == "news"


def test_pages_of_one_address(tmp_path):
    shards = {"a": [("1", 99, 0.5), ("2", 9, 0.5), ("3", 99, 0.5), ("4", 99, 0.5), ("5", 99, 0.5)]}
    dates = {"1": "2020", "2": "2023", "3": "2021", "4": None}
    pages = {name: {"url_id": "1", "date": date} for name, date in dates.items()}
    clusters = {"3": "3", "5": "3"}
    both = Lake(tmp_path / "a", shards, clusters, drop='["url", "near"]', receipts=pages)
    assert both.reasons() == {
        "1": ["url_duplicate"],
        "2": ["too_few_words", "url_duplicate"],
        "3": [],
        "4": ["url_duplicate"],
        "5": ["near_duplicate"],
    }
    assert {both.decisions[name]["survivor_id"] for name in "1245"} == {"3"}
    first = Lake(
        tmp_path / "b", shards, clusters, drop='["url", "near"]\nnewest = false', receipts=pages
    )
    assert first.reasons() == {
        "1": [],
        "2": ["too_few_words", "url_duplicate"],
        "3": ["url_duplicate"],
        "4": ["url_duplicate"],
        "5": [],
    }
    none = Lake(tmp_path / "c", shards, clusters, drop='["near"]', receipts=pages)
    assert [name for name, reasons in none.reasons().items() if reasons] == ["2", "5"]


@pytest.mark.parametrize("count", [1, 2, 7, 100])
def test_keep_top_becomes_a_literal_over_the_whole_run(tmp_path, count):
    documents = [(f"{n:03d}", 99, n / count) for n in range(count)]
    lake = Lake(
        tmp_path, {"a": documents[::2], "b": documents[1::2]} if count > 1 else {"a": documents}
    )
    kept = [name for name, reasons in lake.reasons().items() if not reasons]
    assert len(kept) == -(-count // 2)
    assert sorted(kept) == [name for name, _, _ in documents][-len(kept) :]


def test_keep_top_without_any_score_keeps_all(tmp_path):
    lake = Lake(tmp_path, {"a": [("1", 99, None), ("2", 99, None)]})
    assert lake.reasons() == {"1": [], "2": []}


def test_an_empty_shard_is_judged(tmp_path):
    lake = Lake(tmp_path, {"a": [], "b": [("1", 99, 0.5)]})
    assert lake.manifests["a"].ledger == {"records": 0, "kept": 0, "dropped": 0}


MEDIANS = """
name = "test"
version = 1
[[rules]]
reason = "uncertain_language"
signal = "language.score"
below_median = { least = 0.3, most = 0.9 }
"""


def test_medians_become_literals_by_language(tmp_path):
    store = Store(str(tmp_path))
    scores = {
        "de": [0.5, 0.6, 0.7, 0.8, 1.0],
        "fr": [0.99, 0.98, 1.0],
        "it": [0.01, 0.4],
        None: [None],
    }
    rows = [
        {"id": f"{code}{n}", "language": {"code": code, "score": score}}
        for code, listed in scores.items()
        for n, score in enumerate(listed)
    ]
    policy = parse_policy(MEDIANS, "m")
    found = []
    for order in (rows, rows[::-1]):
        refs = []
        for key, mine in (("a", order[::2]), ("b", order[1::2]), ("c", [])):
            refs.append(ShardRef(key, f"documents/{len(found)}/{key}.parquet"))
            with ShardWriter(store, refs[-1].documents, DOCUMENT_SCHEMA) as writer:
                writer.write(pa.Table.from_pylist(mine, DOCUMENT_SCHEMA))
        found.append(thresholds(store, refs, policy, f"f{len(found)}").facts)
    assert found[0] == found[1] == {"uncertain_language": {"de": 0.527953, "fr": 0.9, "it": 0.3}}
    solved = resolve(policy, found[0])
    decisions = decide(store, refs[0], None, solved, "f").output().path
    more = decide(store, refs[1], None, solved, "f").output().path
    dropped = {
        row["id"]
        for path in (decisions, more)
        for row in read_table(store, path).to_pylist()
        if row["verdict"] == "dropped"
    }
    assert dropped == {"de0", "it0"}


@pytest.mark.parametrize("name", shipped_policies())
def test_shipped_policies_judge_what_is_stored(tmp_path, name):
    store = Store(str(tmp_path))
    ref = ShardRef("a", "documents/a.parquet")
    row = {"id": "1", "language": {"code": "en", "score": 0.9}}
    with ShardWriter(store, ref.documents, DOCUMENT_SCHEMA) as writer:
        writer.write(pa.Table.from_pylist([row], DOCUMENT_SCHEMA))
    policy = shipped_policy(name)
    policy = resolve(policy, thresholds(store, [ref], policy, "f").facts)
    [decision] = read_table(store, decide(store, ref, None, policy, "f").output().path).to_pylist()
    assert decision["verdict"] == "kept", "what is not measured is no reason"
