"""Stages that measure signals of the whole run, after deduplication and before judging."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from classifiers.scorers import Resources, Scorer
from jobs.dedup_stages import Duplicates, RunStage
from jobs.executor import Needs
from manifests.manifest import fingerprint
from pipeline import scores
from pipeline.dedup import ShardRef, edges
from pipeline.repeated_lines import LinesSettings, count, measure
from pipeline.sites import SiteSettings, deviation, merge, parts, signals


def with_scores(
    run: RunStage, shards: Sequence[ShardRef], documents: str, scorers: Sequence[Scorer]
) -> list[ShardRef]:
    """Score the documents by the recipe's own models and callables.

    Args:
        run: runs a stage.
        shards: of the run.
        documents: fingerprint of their measuring.
        scorers: resolved.
    """
    if not scorers:
        return list(shards)
    mark = fingerprint(scores.STAGE, scores.VERSION, documents, [s.identity for s in scorers])
    work = {shard.key: (shard, tuple(scorers)) for shard in shards}
    needs = needs_of([scorer.settings.resources for scorer in scorers])
    made = run(scores.STAGE, mark, scores.score_shard, work, needs=needs)
    return [shard.with_signals(made[shard.key].output().path) for shard in shards]


def needs_of(resources: Sequence[Resources]) -> Needs:
    """What a task that loads all these scorers needs: the GPUs and memory add up, cores do not."""
    return Needs(
        cpus=max(each.cpus for each in resources),
        gpus=sum(each.gpus for each in resources),
        memory_mb=sum(each.memory_mb for each in resources),
    )


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
    mark = fingerprint(parts.STAGE, parts.VERSION, *upstream, how.sample_documents)
    made = run(
        parts.STAGE,
        mark,
        parts.site_parts,
        {shard.key: (shard, duplicates.get(shard.key), how) for shard in shards},
    )
    found = [made[key] for key in keys]
    mark = fingerprint(merge.STAGE, merge.VERSION, mark, keys, how)
    count = merge.partition_count(sum(part.facts["sampled"] for part in found), how)
    names = [merge.partition_key(number) for number in range(count)]
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
    mark = fingerprint(signals.STAGE, signals.VERSION, mark)
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
