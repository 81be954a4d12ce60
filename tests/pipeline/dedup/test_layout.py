"""The same bytes for any number of tasks, in any order, whatever is killed in between."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import random
import signal
from pathlib import Path

import numpy as np
import pytest
from dedup_lake import (
    PERMUTATIONS,
    DedupSettings,
    ShardRef,
    deduplicate,
    document,
    text_documents,
    texts_mix,
    write_documents,
)

import thresher.jobs.stages.dedup as stages
from thresher.filters.measure import MinHashSettings
from thresher.jobs.stages.dedup import edges, find_duplicates, verify
from thresher.manifests.manifest import load_all
from thresher.manifests.store import Store
from thresher.pipeline.dedup.nodes import Slice

SHARDS = 8


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """Documents in eight shards: random texts, their copies, texts that only differ in case."""
    store = Store(str(tmp_path_factory.mktemp("layout")))
    documents = text_documents(texts_mix(seed=8, originals=40))
    random.Random(2).shuffle(documents)
    refs = [ShardRef(f"s{n}", f"documents/f/s{n}.parquet") for n in range(SHARDS)]
    for number, ref in enumerate(refs):
        write_documents(store, ref.texts, documents[number::SHARDS])
    return store, refs


def in_tasks(monkeypatch, count):
    """Cut every stage over ranges into so many tasks."""
    bounds = [SHARDS * n // count for n in range(count + 1)]
    slices = tuple(Slice(n, *pair) for n, pair in enumerate(itertools.pairwise(bounds)))
    monkeypatch.setattr(edges, "partition_count", lambda *_: count)
    monkeypatch.setattr(verify, "pair_partitions", lambda *_: max(1, count - 1))
    monkeypatch.setattr(stages, "cut", lambda *_: slices)


def duplicates(lake, mark, run=None):
    """The bytes of each shard's duplicates file."""
    store, refs = lake

    def one_by_one(_stage, mark, function, work):
        rest = random.Random(len(work)).sample(sorted(work.items()), len(work))
        return {key: function(store, *arguments, mark) for key, arguments in rest}

    settings = DedupSettings()
    found = find_duplicates(run or one_by_one, refs, (), mark, settings, MinHashSettings())
    return {key: store.read_bytes(path) for key, path in found.paths.items()}


@pytest.mark.parametrize("count", [2, 8])
def test_the_same_bytes_for_any_number_of_tasks(lake, monkeypatch, count):
    in_tasks(monkeypatch, 1)
    whole = duplicates(lake, "1")
    assert len(whole) == SHARDS
    in_tasks(monkeypatch, count)
    assert duplicates(lake, f"{count}") == whole


@pytest.mark.parametrize("count", [1, 2, 3, 8])
@pytest.mark.parametrize("shards", [1, SHARDS])
def test_of_texts_equally_alike_a_receipt_names_the_first_by_hash(
    tmp_path, monkeypatch, count, shards
):
    alike = []
    for n in range(7):  # each differs from each other one in 16 of 112 values
        signature = np.arange(PERMUTATIONS, dtype=np.uint32)
        signature[8 * n : 8 * n + 8] += 1
        alike.append(document(f"name {n}", f"text {n}", signature))
    in_tasks(monkeypatch, count)
    if shards == 1:
        monkeypatch.setattr(stages, "cut", lambda *_: (Slice(0, 0, 1),))
    settings = {"threshold": 0.8, "verify": "signature", "bands": 14, "rows": 8}
    facts, tables = deduplicate(tmp_path, alike, shards, **settings)
    assert facts["verified"]["tasks"] == max(1, count - 1)
    first, second = sorted(alike, key=lambda each: int.from_bytes(each[1][:8], "little"))[:2]
    found = {row["id"]: row for table in tables for row in table.to_pylist()}
    assert {name: row["matched_id"] for name, row in found.items()} == {
        each[0]: second[0] if each is first else first[0] for each in alike
    }


def run_until_killed(lake, mark, writes):
    """Do what is not done yet of all stages, and die in the middle of a write."""
    store, _ = lake
    local = Store.writer
    left = [writes]

    def dying(self, path):
        left[0] -= 1
        if left[0] < 0:
            half = Path(self.url(path)).with_name(".tmp-half")
            half.parent.mkdir(parents=True, exist_ok=True)
            half.write_bytes(b"PAR1")
            os.kill(os.getpid(), signal.SIGKILL)
        return local(self, path)

    def resuming(stage, mark, function, work):
        done = load_all(store, stage, mark, list(work))
        rest = random.Random(writes).sample(sorted(work.items()), len(work))
        new = {k: function(store, *args, mark) for k, args in rest if k not in done}
        return done | new

    Store.writer = dying
    try:
        return duplicates(lake, mark, resuming)
    finally:
        Store.writer = local


@pytest.mark.chaos
@pytest.mark.parametrize("count", [1, 2, 8])
def test_kill_9_in_the_middle_of_any_stage_changes_nothing(lake, monkeypatch, count):
    in_tasks(monkeypatch, count)
    whole = duplicates(lake, f"whole-{count}")
    rng = random.Random(count)
    context = multiprocessing.get_context("fork")
    kills = 0
    while True:
        mark = f"killed-{count}"
        child = context.Process(target=run_until_killed, args=(lake, mark, rng.randint(0, 9)))
        child.start()
        child.join()
        if child.exitcode == 0:
            break
        assert child.exitcode == -signal.SIGKILL
        kills += 1
    assert kills >= 3
    assert run_until_killed(lake, mark, 10**9) == whole
