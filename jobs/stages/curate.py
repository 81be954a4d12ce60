"""The stages of writing what is kept in their order, and the dataset card beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from thresher.filters.policy import Policy
from thresher.jobs.plan import Plan
from thresher.jobs.shortfall import shortfalls
from thresher.jobs.stages.dedup import RunStage
from thresher.manifests.manifest import Manifest, fingerprint
from thresher.pipeline.materialize import curated, parts
from thresher.pipeline.materialize.card import dataset_card
from thresher.pipeline.materialize.plan import plan_shards
from thresher.pipeline.shards import ShardRef


def curate(
    run: RunStage,
    plan: Plan,
    policy: Policy,
    judged: str,
    measured: Mapping[str, Manifest],
    shards: Sequence[ShardRef],
    decisions: Mapping[str, Manifest],
) -> str:
    """Write the curated shards of a run.

    Args:
        run: runs a stage.
        plan: of the run.
        policy: as it was judged by.
        judged: fingerprint of the decisions.
        measured: what measuring wrote, by shard.
        shards: the measured shards, in key order.
        decisions: by shard.

    Returns:
        Their folder in the lake.
    """
    settings = plan.recipe.curated
    mark = fingerprint(parts.STAGE, parts.VERSION, judged, settings.identity)
    made = run(
        parts.STAGE,
        mark,
        parts.part,
        {s.key: (s, decisions[s.key].output().path, settings) for s in shards},
    )
    ranges = plan_shards((parts.histogram_of(m) for m in made.values()), settings)
    paths = [manifest.output().path for manifest in made.values()]
    mark = fingerprint(curated.STAGE, curated.VERSION, mark, settings.identity)
    written = run(
        curated.STAGE,
        mark,
        curated.curated_shard,
        {
            curated.shard_key(index): (paths, keys, index, settings)
            for index, keys in enumerate(ranges)
        },
    )
    card = dataset_card(
        plan.recipe.name,
        written.values(),
        policy=policy,
        policy_fingerprint=judged,
        curated_fingerprint=mark,
        settings=settings,
        funnel=_funnel(measured, decisions, written),
        reasons=_dropped(decisions),
        inputs=[shard.name for shard in plan.inputs if shard.key in measured],
        shortfalls=[(s.uri, s.status, s.why) for s in shortfalls(measured.values())],
    )
    folder = f"{curated.STAGE}/{mark}"
    plan.store.write_bytes(f"{folder}/README.md", card.encode())
    return folder


def _funnel(
    measured: Mapping[str, Manifest],
    decisions: Mapping[str, Manifest],
    written: Mapping[str, Manifest],
) -> list[tuple[str, int]]:
    def total(manifests: Mapping[str, Manifest], part: str) -> int:
        return sum(manifest.ledger[part] for manifest in manifests.values())

    return [
        ("records read", total(measured, "records")),
        ("gated", total(measured, "gated")),
        ("failed", total(measured, "failed")),
        ("documents measured", total(measured, "documents")),
        ("dropped", total(decisions, "dropped")),
        ("kept", total(decisions, "kept")),
        ("curated", sum(manifest.facts["rows"] for manifest in written.values())),
    ]


def _dropped(decisions: Mapping[str, Manifest]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for manifest in decisions.values():
        for name, count in manifest.reasons.items():
            counts[name.removeprefix("dropped/")] += count
    return dict(counts)
