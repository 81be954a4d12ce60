"""The stages that measure sites, shards and months, between deduplication and judging.

site_parts -> sites -> diversity -> site_signals
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from thresher.filters.signals import site
from thresher.jobs.stages.dedup import RunStage
from thresher.manifests.manifest import fingerprint
from thresher.pipeline.shards import ShardRef
from thresher.pipeline.shuffle import partition_key
from thresher.pipeline.sites import SiteSettings, deviation, merge, parts, signals


def with_site_signals(
    run: RunStage,
    shards: Sequence[ShardRef],
    duplicates: Mapping[str, str],
    settings: SiteSettings,
    *upstream: str,
) -> list[ShardRef]:
    """Measure sites and collapse; the shards with the files that hold them.

    Args:
        run: runs a stage.
        shards: all shards of the run.
        duplicates: path of each shard's duplicates file, where it has any.
        settings: of this.
        upstream: fingerprints of what is summed up.
    """
    if not settings.measure:
        return list(shards)
    how = msgspec.structs.replace(settings, flag_below=-1.0)
    keys = [shard.key for shard in shards]
    families = [family.version for family in site.FAMILIES]
    mark = fingerprint(parts.STAGE, parts.VERSION, families, *upstream, how.sample_documents)
    made = run(
        parts.STAGE,
        mark,
        parts.site_parts,
        {shard.key: (shard, duplicates.get(shard.key), how) for shard in shards},
    )
    found = [made[key] for key in keys]
    mark = fingerprint(merge.STAGE, merge.VERSION, mark, keys, how)
    count = merge.partition_count(sum(part.facts["sampled"] for part in found), how)
    names = [partition_key(number) for number in range(count)]
    merged = run(
        merge.STAGE,
        mark,
        merge.sites,
        {name: (found, number, count, how) for number, name in enumerate(names)},
    )
    groups, spread = ([merged[name].output(k).path for name in names] for k in (0, 1))
    table = run(
        deviation.STAGE,
        fingerprint(deviation.STAGE, deviation.VERSION, mark, settings.flag_below),
        deviation.diversity,
        {deviation.KEY: (groups, settings)},
    )[deviation.KEY]
    mark = fingerprint(signals.STAGE, signals.VERSION, deviation.VERSION, mark)
    written = run(
        signals.STAGE,
        mark,
        signals.site_signals,
        {
            shard.key: (shard, number, spread, table.facts["spread"])
            for number, shard in enumerate(shards)
        },
    )
    return [shard.with_signals(written[shard.key].output().path) for shard in shards]
