"""What a recipe would do: its plan, how far each stage is, and why the others run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from thresher.jobs.plan import Plan, make_plan
from thresher.jobs.reasons_to_run import changes, facts_of, reasons_to_run, recorded
from thresher.jobs.recipe import Recipe
from thresher.jobs.standing import standing_of, unread_of
from thresher.manifests.manifest import Manifest
from thresher.manifests.run import RunRecord, latest, load_runs

__all__ = ["Ahead", "StageAhead", "look_ahead"]


class StageAhead(msgspec.Struct, frozen=True):
    """A stage of a plan."""

    stage: str
    done: int
    """Tasks."""
    to_do: int | None
    """Tasks; None where only the stages before it will tell, and all of it is to do."""
    why: tuple[str, ...]
    """In sentences; none where nothing is to do."""
    follows: str
    """The stage that makes it run, where nothing of its own does."""


@dataclass(frozen=True)
class Ahead:
    """What a recipe would do."""

    plan: Plan
    measured: Mapping[str, Manifest]
    """Of the input shards that are measured already, by key."""
    stages: tuple[StageAhead, ...]
    """In their order."""
    compared_with: str
    """Id of the run that reasons speak of; "" where the lake has none."""


def look_ahead(recipe: Recipe, where: str = "recipe") -> Ahead:
    """Plan a recipe and find what is done of it. Nothing is written.

    Args:
        recipe: as it was read.
        where: what errors call it, such as the name of its file.

    Raises:
        ConfigError, InputError, StoreError: as of `make_plan`.
    """
    plan = make_plan(recipe, where)
    run = _compared(plan)
    now = facts_of(plan)
    before = recorded(run, plan) if run else None
    changed = changes(before, now) if before else []
    standing = standing_of(plan, before, changed)
    why = reasons_to_run(standing, changed, before, now, unread_of(plan))
    stages = tuple(
        StageAhead(stage, state.done, state.to_do, *why.get(stage, ((), "")))
        for stage, state in standing.items()
    )
    return Ahead(plan, plan.measured(), stages, run.run_id if run else "")


def _compared(plan: Plan) -> RunRecord | None:
    """The run that this plan is, or the latest of its name, or of the lake."""
    runs = load_runs(plan.store)
    for chosen in (
        [run for run in runs if run.run_id == plan.run_id],
        [run for run in runs if run.name == plan.recipe.name],
        runs,
    ):
        if chosen:
            return latest(chosen)
    return None
