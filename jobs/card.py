"""What the dataset card says of a run, gathered from the manifests of its stages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from thresher.filters.policy import Policy
from thresher.jobs.plan import Plan
from thresher.jobs.shortfall import shortfalls
from thresher.manifests.manifest import Manifest
from thresher.manifests.run import Failure
from thresher.pipeline import judge
from thresher.pipeline.materialize import curated
from thresher.pipeline.materialize.card import dataset_card

__all__ = ["Work", "card_of"]


@dataclass(frozen=True)
class Work:
    """The manifests of a run, by key, in the order of its stages."""

    measured: Mapping[str, Manifest]
    decisions: Mapping[str, Manifest]
    parts: Mapping[str, Manifest]
    curated: Mapping[str, Manifest]


def card_of(
    plan: Plan,
    policy: Policy,
    marks: Mapping[str, str],
    work: Work,
    failures: Sequence[Failure],
) -> str:
    """The card of a run that has written its curated shards.

    Args:
        plan: of the run.
        policy: resolved.
        marks: fingerprint by stage.
        work: what the stages made.
        failures: of input shards, which could not be measured.
    """
    recipe, measured = plan.recipe, work.measured.values()
    errors = {failure.key: failure.error for failure in failures}
    missing = [(s.name, "failed", errors[s.key]) for s in plan.inputs if s.key in errors]
    return dataset_card(
        recipe.name,
        work.curated.values(),
        policy=policy,
        policy_fingerprint=marks[judge.STAGE],
        curated_fingerprint=marks[curated.STAGE],
        settings=recipe.curated,
        languages=recipe.gates.languages,
        funnel=_funnel(work),
        reasons=_reasons(work),
        inputs=[shard.name for shard in plan.inputs],
        shortfalls=sorted([*((s.uri, s.status, s.why) for s in shortfalls(measured)), *missing]),
        lost_records=sum(m.facts.get("lost_records", 0) for m in measured),
    )


def _funnel(work: Work) -> list[tuple[str, int]]:
    def total(manifests: Mapping[str, Manifest], part: str) -> int:
        return sum(manifest.ledger[part] for manifest in manifests.values())

    return [
        ("records read", total(work.measured, "records")),
        ("gated", total(work.measured, "gated")),
        ("failed", total(work.measured, "failed")),
        ("documents measured", total(work.measured, "documents")),
        ("dropped", total(work.decisions, "dropped")),
        ("kept", total(work.decisions, "kept")),
        ("emptied by transforms", total(work.parts, "dropped")),
        ("curated", sum(manifest.facts["rows"] for manifest in work.curated.values())),
    ]


def _reasons(work: Work) -> dict[str, int]:
    """Records by the reason for which they left, as `outcome/reason`."""
    counts: Counter[str] = Counter()
    for manifests in (work.measured, work.decisions, work.parts):
        for manifest in manifests.values():
            counts.update(manifest.reasons)
    return dict(counts)
