"""Stages that measure signals of the whole run, after deduplication and before judging."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from jobs.dedup_stages import Duplicates, RunStage
from manifests.manifest import fingerprint
from pipeline.dedup import ShardRef, edges
from pipeline.repeated_lines import LinesSettings, count, measure


def with_repeated_lines(
    run: RunStage,
    shards: Sequence[ShardRef],
    documents: int,
    duplicates: Duplicates,
    settings: LinesSettings,
) -> list[ShardRef]:
    """Measure the lines that documents have in common; the shards with the files that hold them.

    Args:
        run: runs a stage.
        shards: of the run, in the order of their keys.
        documents: how many they hold.
        duplicates: what deduplication found.
        settings: which lines are frequent.
    """
    if not settings.enabled:
        return list(shards)
    copies = {shard.key: duplicates.paths.get(shard.key) for shard in shards}
    buckets = settings.buckets(documents)
    keys = [shard.key for shard in shards]
    mark = fingerprint(count.KEYS, count.VERSION, duplicates.fingerprint, keys, buckets)
    made = run(
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
    counted = run(
        count.COUNTS,
        mark,
        count.line_counts,
        {name: (paths, part, parts, settings, name) for name, part in names.items()},
    )
    counts = [counted[name].output().path for name in sorted(counted)]
    mark = fingerprint(measure.STAGE, measure.VERSION, mark, settings)
    measured = run(
        measure.STAGE,
        mark,
        measure.measure_lines,
        {
            shard.key: (shard, number, copies[shard.key], counts, buckets, settings)
            for number, shard in enumerate(shards)
        },
    )
    return [shard.with_signals(measured[shard.key].output().path) for shard in shards]
