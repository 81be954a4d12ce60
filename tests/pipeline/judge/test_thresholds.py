"""What a policy leaves to the run becomes literal bounds."""

from __future__ import annotations

import pyarrow as pa
import pytest
from judge_lake import DOCUMENT_SCHEMA, Lake

from thresher.filters.policy import parse_policy, resolve
from thresher.manifests.shards import ShardWriter, read_table
from thresher.manifests.store import Store
from thresher.pipeline.judge.decide import decide
from thresher.pipeline.judge.thresholds import thresholds
from thresher.pipeline.shards import ShardRef


@pytest.mark.parametrize("count", [1, 2, 7, 100])
def test_keep_top_becomes_a_literal_over_the_whole_run(tmp_path, count):
    documents = [(f"{n:03d}", 99, n / count) for n in range(count)]
    lake = Lake(
        tmp_path, {"a": documents[::2], "b": documents[1::2]} if count > 1 else {"a": documents}
    )
    kept = [name for name, reasons in lake.reasons().items() if not reasons]
    assert len(kept) == -(-count // 2)
    assert sorted(kept) == [name for name, _, _ in documents][-len(kept) :]


def test_keep_top_is_exact_among_ties(tmp_path):
    documents = [(f"{n * 7919 % 1000:03d}", 99, 0.25 if n % 10 else 0.5) for n in range(1000)]
    lake = Lake(tmp_path, {"a": documents[:300], "b": documents[300:]})
    kept = sorted(name for name, reasons in lake.reasons().items() if not reasons)
    assert len(kept) == 500
    best = {name for name, _, score in documents if score == 0.5}
    tied = sorted(name for name, _, score in documents if score == 0.25)
    assert set(kept) == best | set(tied[:400])


def test_keep_top_without_any_score_keeps_all(tmp_path):
    lake = Lake(tmp_path, {"a": [("1", 99, None), ("2", 99, None)]})
    assert lake.reasons() == {"1": [], "2": []}


def test_stages_have_their_names_in_the_lake(tmp_path):
    clusters = {"1": "1", "2": "1"}
    lake = Lake(tmp_path, {"a": [("1", 99, 0.5), ("2", 99, 0.5)]}, clusters, clusters)
    assert list(lake.ran) == ["thresholds", "candidates", "pages", "survivors", "decisions"]
    (decided,) = lake.manifests.values()
    assert decided.output().path == f"decisions/{decided.fingerprint}/a.parquet"
    assert decided.stage == "decisions"
    folders = {path.split("/")[1] for path in lake.store.sizes("manifests")}
    assert folders == {"thresholds", "candidates", "survivors", "decisions"}


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
            with ShardWriter(store, refs[-1].texts, DOCUMENT_SCHEMA) as writer:
                writer.write(pa.Table.from_pylist(mine, DOCUMENT_SCHEMA))
        found.append(thresholds(store, refs, policy, f"f{len(found)}").facts)
    assert found[0] == found[1] == {"uncertain_language": {"de": 0.527953, "fr": 0.9, "it": 0.3}}
    assert [list(each["uncertain_language"]) for each in found] == [["de", "fr", "it"]] * 2
    solved = resolve(policy, found[0])
    decisions = decide(store, refs[0], 0, [], solved, "f").output().path
    more = decide(store, refs[1], 1, [], solved, "f").output().path
    dropped = {
        row["id"]
        for path in (decisions, more)
        for row in read_table(store, path).to_pylist()
        if row["verdict"] == "dropped"
    }
    assert dropped == {"de0", "it0"}
