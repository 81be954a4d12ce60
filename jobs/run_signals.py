"""Stages that measure signals of the whole run, after deduplication and before judging."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from manifests.manifest import Manifest, fingerprint
from pipeline.dedup import ShardRef, clusters, edges
from pipeline.repeated_lines import LinesSettings, count, measure


class RunStage(Protocol):
    """Runs what is not done yet of a stage: its name, fingerprint, function and work by key."""

    def __call__(
        self, stage: str, mark: str, function: Any, work: dict[str, tuple[Any, ...]], /
    ) -> dict[str, Manifest]:
        """Manifests by key."""


def repeated_lines(
    run_stage: RunStage,
    shards: Sequence[ShardRef],
    documents: int,
    duplicates: Manifest,
    settings: LinesSettings,
) -> dict[str, Manifest]:
    """Measure the lines that documents have in common; a manifest for each shard.

    Args:
        run_stage: runs a stage.
        shards: of the run, in the order of their keys.
        documents: how many they hold.
        duplicates: of the stage that found copies.
        settings: which lines are frequent.
    """
    copies = {shard.key: clusters.shard_path(duplicates, shard.key) for shard in shards}
    buckets = settings.buckets(documents)
    keys = [shard.key for shard in shards]
    mark = fingerprint(count.KEYS, count.VERSION, duplicates.fingerprint, keys, buckets)
    made = run_stage(
        count.KEYS,
        mark,
        count.line_keys,
        {shard.key: (shard, copies[shard.key], buckets) for shard in shards},
    )
    paths = [made[key].output().path for key in keys]
    parts = count.partition_count(sum(made[key].facts["keys"] for key in keys), settings)
    asked = msgspec.structs.replace(settings, remove=())
    mark = fingerprint(count.COUNTS, count.VERSION, mark, asked)
    names = {edges.partition_key(part): part for part in range(parts)}
    counted = run_stage(
        count.COUNTS,
        mark,
        count.line_counts,
        {name: (paths, part, parts, settings, name) for name, part in names.items()},
    )
    counts = [counted[name].output().path for name in sorted(counted)]
    mark = fingerprint(measure.STAGE, measure.VERSION, mark, settings)
    return run_stage(
        measure.STAGE,
        mark,
        measure.measure_lines,
        {
            shard.key: (shard, number, copies[shard.key], counts, buckets, settings)
            for number, shard in enumerate(shards)
        },
    )
