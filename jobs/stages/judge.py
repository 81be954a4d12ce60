"""The stages of judging in their order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from thresher.filters.policy import Policy, resolve
from thresher.filters.policy.sql import signals_of
from thresher.jobs.stages.dedup import Duplicates, RunStage
from thresher.manifests.manifest import Manifest, fingerprint
from thresher.pipeline import judge
from thresher.pipeline.judge.candidates import candidates
from thresher.pipeline.judge.decide import decide
from thresher.pipeline.judge.survivors import pages, survivor_partitions, survivors
from thresher.pipeline.judge.thresholds import thresholds
from thresher.pipeline.measured import signal_folders
from thresher.pipeline.shards import ShardRef
from thresher.pipeline.shuffle import partition_key


def judge_documents(
    run: RunStage, shards: Sequence[ShardRef], duplicates: Duplicates, policy: Policy, memory: int
) -> tuple[Policy, dict[str, Manifest]]:
    """Decide about every document of a run.

    Args:
        run: runs a stage.
        shards: the measured shards, in key order.
        duplicates: what deduplication found.
        policy: as written.
        memory: bytes that a task over many shards aims to stay within.

    Returns:
        The policy with what it left to the run made literal, and the decisions by shard.
    """
    upstream = [duplicates.fingerprint, *signal_folders(shards, signals_of(policy))]
    mark = fingerprint(judge.THRESHOLDS, judge.VERSION, *upstream, policy)
    literal = run(judge.THRESHOLDS, mark, thresholds, {judge.KEY: (shards, policy)})[judge.KEY]
    policy = resolve(policy, literal.facts)
    mark = fingerprint(judge.STAGE, judge.VERSION, *upstream, policy, memory)
    copied = {
        shard.key: (shard, number, duplicates.paths[shard.key], policy)
        for number, shard in enumerate(shards)
        if shard.key in duplicates.paths
    }
    members = run(judge.CANDIDATES, mark, candidates, copied)

    def over_ranges(fact: str) -> dict[str, tuple[int, int, Policy, int]]:
        count = sum(manifest.facts[fact] for manifest in members.values())
        parts = survivor_partitions(count, memory) if count else 0
        return {partition_key(part): (part, parts, policy, memory) for part in range(parts)}

    paths = {
        output: [members[key].output(output).path for key in sorted(members)] for output in (0, 1)
    }
    work: dict[str, tuple[Any, ...]]
    work = {key: (paths[1], *rest) for key, rest in over_ranges("captures").items()}
    moved = _paths(run(judge.PAGES, mark, pages, work))
    work = {key: (paths[0], moved, *rest) for key, rest in over_ranges("members").items()}
    receipts = _paths(run(judge.SURVIVORS, mark, survivors, work))
    work = {
        shard.key: (shard, number, receipts if shard.key in copied else [], policy)
        for number, shard in enumerate(shards)
    }
    return policy, run(judge.STAGE, mark, decide, work)


def _paths(manifests: dict[str, Manifest]) -> list[str]:
    return [manifests[key].output().path for key in sorted(manifests)]
