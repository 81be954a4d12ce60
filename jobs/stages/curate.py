"""The stages of writing what is kept in their order, and the dataset card beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from thresher.filters.policy import Policy
from thresher.jobs.card import Work, card_of
from thresher.jobs.ledger import check_curated, check_handed_on
from thresher.jobs.plan import Plan
from thresher.jobs.stages.dedup import RunStage
from thresher.manifests.manifest import Manifest, fingerprint
from thresher.manifests.run import Failure
from thresher.pipeline import judge
from thresher.pipeline.materialize import curated, parts
from thresher.pipeline.materialize.plan import plan_shards
from thresher.pipeline.measured import signal_folders
from thresher.pipeline.shards import ShardRef


def curate(
    run: RunStage,
    plan: Plan,
    policy: Policy,
    judged: str,
    measured: Mapping[str, Manifest],
    shards: Sequence[ShardRef],
    decisions: Mapping[str, Manifest],
    failures: Sequence[Failure],
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
        failures: of input shards, which could not be measured.

    Returns:
        Their folder in the lake.

    Raises:
        LedgerError: if counts do not balance.
    """
    settings = plan.recipe.curated
    beside = signal_folders(shards, parts.columns_of(settings))
    mark = fingerprint(parts.STAGE, parts.VERSION, judged, beside, settings.identity)
    made = run(
        parts.STAGE,
        mark,
        parts.part,
        {s.key: (s, decisions[s.key].output().path, settings) for s in shards},
    )
    check_handed_on(decisions, "kept", made)
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
    check_curated(made, written)
    marks = {judge.STAGE: judged, curated.STAGE: mark}
    card = card_of(plan, policy, marks, Work(measured, decisions, made, written), failures)
    folder = f"{curated.STAGE}/{mark}"
    plan.store.write_bytes(f"{folder}/README.md", card.encode())
    return folder
