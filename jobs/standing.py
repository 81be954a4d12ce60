"""How far a plan is: each of its stages as the lake has it, found by going through them."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

from thresher.filters.policy.sql import signals_of
from thresher.jobs.plan import Plan
from thresher.jobs.reasons_to_run import Change, Facts, Standing
from thresher.jobs.run import StageFailedError, walk
from thresher.jobs.stages.scores import scores_mark
from thresher.jobs.staleness import AFTER, upstream
from thresher.manifests.layout import GROUPS, RUN_WIDE, TEXT, stage_of
from thresher.manifests.manifest import Manifest, load_all
from thresher.pipeline import decontamination, scores
from thresher.pipeline.materialize import curated, parts

__all__ = ["standing_of", "unread_of"]


def standing_of(
    plan: Plan, before: Facts | None = None, changed: Sequence[Change] = ()
) -> dict[str, Standing]:
    """Each stage that a plan has, in their order. Nothing is run or written.

    A stage over all documents has a fingerprint, and so a place to look at, once those before it
    are complete. One behind the first that is not is as an earlier run left it, where it follows
    from the same facts and nothing that enters it has changed, and else all to do.

    Args:
        plan: whose stages.
        before: the facts of an earlier run.
        changed: what is another now.
    """
    inputs = {shard.key for shard in plan.inputs}
    on_the_way = (decontamination.STAGE, TEXT, *GROUPS)
    found: dict[str, Standing] = {}
    missing: set[str] = set()

    def look(stage: str, mark: str, work: Mapping[str, tuple[Any, ...]]) -> dict[str, Manifest]:
        made = load_all(plan.store, stage, mark, list(work))
        before = found.get(stage, Standing(to_do=0))
        to_do = len(work) - len(made)
        if stage not in on_the_way:
            if missing and not work.keys() <= inputs:
                raise StageFailedError  # what follows is not known, or there is no more
            to_do += len(missing)
        elif work.keys() <= inputs:
            missing.update(work.keys() - made.keys())
        found[stage] = Standing(before.done + len(made), (before.to_do or 0) + to_do, mark)
        if stage == curated.STAGE or (len(made) < len(work) and stage not in on_the_way):
            raise StageFailedError  # what follows is not known, or there is no more
        return made

    with contextlib.suppress(StageFailedError):
        walk(plan, look)
    if plan.scorers and scores.STAGE not in found:
        made = len(plan.scored_shards())
        mark = scores_mark(plan.marks[TEXT], plan.scorers)
        found[scores.STAGE] = Standing(made, len(inputs) - made, mark)
    absent = _absent(plan)
    there = [s for s in AFTER if s not in absent and (s in found or curated.STAGE not in found)]
    entered = {stage for each in changed for stage in each.enters}
    unread = unread_of(plan)
    for stage in there:
        if stage not in found:
            parents = {each: found[each] for each in upstream(stage, there, unread)}
            same = before is not None and stage not in entered and _as_before(parents, before)
            mark = before.fingerprints.get(stage, "") if before and same else ""
            found[stage] = _left(plan, stage, mark, inputs) if mark else Standing()
    return {stage: found[stage] for stage in there}


def unread_of(plan: Plan) -> frozenset[str]:
    """The stages of signals that a plan neither judges by nor copies into curated shards."""
    read = {*signals_of(plan.policy), *parts.columns_of(plan.recipe.curated)}
    return frozenset({*GROUPS, *RUN_WIDE} - set(map(stage_of, read)))


def _as_before(parents: Mapping[str, Standing], before: Facts) -> bool:
    """Whether all that a stage follows from is complete, and the facts that it followed from."""
    return all(
        state.complete and state.fingerprint == before.fingerprints.get(stage)
        for stage, state in parents.items()
    )


def _left(plan: Plan, stage: str, mark: str, inputs: set[str]) -> Standing:
    """A stage as an earlier run left it."""
    keys = load_all(plan.store, stage, mark).keys()
    if not keys:
        return Standing(fingerprint=mark)
    return Standing(len(keys), len(inputs - keys) if keys <= inputs else 0, mark)


def _absent(plan: Plan) -> set[str]:
    """The stages that a plan has not."""
    recipe = plan.recipe
    return {
        *(() if plan.evaluation_sets else (decontamination.STAGE,)),
        *(group for group in GROUPS if group not in plan.marks),
        *(() if plan.scorers else (scores.STAGE,)),
        *(() if recipe.lines.enabled else ("line_keys", "line_counts", "repeated_lines")),
        *(() if recipe.sites.measure else ("site_parts", "sites", "diversity", "site_signals")),
    }
