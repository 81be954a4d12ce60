"""The stages that count repeated lines, between deduplication and judging.

line_keys -> line_counts -> repeated_lines
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from thresher.filters.signals.content import URL_PARTS
from thresher.filters.signals.lines import REPEATED_LINES
from thresher.jobs.stages.dedup import RunStage
from thresher.manifests.manifest import fingerprint
from thresher.pipeline.repeated_lines import LinesSettings, count, measure
from thresher.pipeline.shards import ShardRef
from thresher.pipeline.shuffle import partition_key


def with_line_signals(
    run: RunStage,
    shards: Sequence[ShardRef],
    documents: int,
    duplicates: Mapping[str, str],
    settings: LinesSettings,
    *upstream: str,
) -> list[ShardRef]:
    """Measure the lines that documents have in common; the shards with the files that say so.

    Args:
        run: runs a stage.
        shards: all shards of the run, in the order of their keys.
        documents: how many they hold.
        duplicates: path of each shard's duplicates file, where it has any.
        settings: which lines are frequent.
        upstream: fingerprints of what is counted.
    """
    if not settings.enabled:
        return list(shards)
    buckets = settings.buckets(documents)
    keys = [shard.key for shard in shards]
    versions = [REPEATED_LINES.version, URL_PARTS.version]
    mark = fingerprint(count.KEYS, count.VERSION, versions, *upstream, keys, buckets)
    work: dict[str, tuple[Any, ...]]
    work = {shard.key: (shard, duplicates.get(shard.key), buckets) for shard in shards}
    made = run(count.KEYS, mark, count.line_keys, work)
    paths = [made[key].output().path for key in keys]
    parts = count.partition_count(sum(made[key].facts["keys"] for key in keys), settings)
    how = msgspec.structs.replace(settings, remove=())
    mark = fingerprint(count.COUNTS, count.VERSION, mark, how)
    names = [partition_key(part) for part in range(parts)]
    work = {name: (paths, part, parts, settings) for part, name in enumerate(names)}
    counted = run(count.COUNTS, mark, count.line_counts, work)
    counts = [counted[name].output().path for name in names]
    mark = fingerprint(measure.STAGE, measure.VERSION, mark, settings)
    work = {
        shard.key: (shard, number, duplicates.get(shard.key), counts, buckets, settings)
        for number, shard in enumerate(shards)
    }
    written = run(measure.STAGE, mark, measure.measure_lines, work)
    return [shard.with_signals(written[shard.key].output().path) for shard in shards]
