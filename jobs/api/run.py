"""`thresher.run`: a recipe in, a lake and the counts of the run out."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from rich.console import Console

from thresher.filters.errors import ConfigError
from thresher.filters.kernels.text.cache import telling
from thresher.filters.measure import warm_up
from thresher.jobs.api.result import RunResult, result_of
from thresher.jobs.executor import InProcess, OnRay
from thresher.jobs.plan import Plan, make_plan
from thresher.jobs.progress import Reporter, Silent, reporter_for
from thresher.jobs.recipe import Recipe, recipe_of
from thresher.jobs.run import execute
from thresher.manifests.run import RunRecord

COMPILING = "compiling the text kernels, once per machine: this may take a minute"


def run(recipe: str | Path | Mapping[str, Any] | Recipe, *, progress: bool = False) -> RunResult:
    """Run a recipe to its end, or continue it where it stopped; what is done is not done again.

    A Ray that this program has initialised already does the work, whatever `run.address` says, and
    goes on afterwards. Otherwise Ray is started or connected to as the recipe says and left at the
    end. `run.executor = "in-process"` does without it.

    Args:
        recipe: the path of its TOML file; the same as a mapping; or a `Recipe`. Relative paths in
            the latter two are relative to the current folder.
        progress: whether stderr says how far it is.

    Returns:
        How it ended: `status` is "complete" only if every input was read whole and every stage
        came to its end. The catalog of `lake` says what is missing.

    Raises:
        ConfigError: for a setting, policy or model that is wrong; nothing was started.
        InputError: for an input that is missing; nothing was started.
        StoreError: for a lake that cannot be reached.
        LedgerError: if counts do not balance.
    """
    where = str(recipe) if isinstance(recipe, str | Path) else "recipe"
    reporter = reporter_for(Console(stderr=True)) if progress else Silent()
    plan, record = run_recipe(recipe_of(recipe), reporter, where)
    return result_of(plan.store, record)


def run_recipe(recipe: Recipe, reporter: Reporter, where: str = "recipe") -> tuple[Plan, RunRecord]:
    """Plan a recipe and run it, with the executor that it asks for; see `run`.

    Args:
        recipe: what to run.
        reporter: told how far it is.
        where: what errors call the recipe.
    """
    with reporter, telling(functools.cache(lambda: reporter.say(COMPILING))):
        reporter.doing("checking the recipe")
        plan = make_plan(recipe, where)
        return plan, _run_plan(plan, reporter)


def _run_plan(plan: Plan, reporter: Reporter) -> RunRecord:
    how = plan.recipe.run
    if how.executor == "ray" and plan.store.url().startswith("memory:"):
        raise ConfigError(
            f"lake = '{plan.recipe.lake}'",
            "lives in one process only.",
            'Add --in-process, or set run.executor = "in-process".',
        )
    if how.executor == "in-process":
        return execute(plan, InProcess(), reporter)
    reporter.doing("joining Ray" if how.address else "starting Ray")
    gpus = None if any(scorer.resources.gpus for scorer in plan.recipe.scores) else 0
    compiled: Callable[[], object]
    if how.address:
        executor = OnRay(how.workers, how.address, gpus)  # a wrong address is told before all else
        compiled = warm_up
    else:
        # The kernels are compiled once here, while Ray starts; workers load them from the cache.
        with ThreadPoolExecutor(1) as pool:
            compiled = pool.submit(warm_up).result
            executor = OnRay(how.workers, how.address, gpus)
            reporter.doing("loading the text kernels")
    try:
        compiled()
        return execute(plan, executor, reporter)
    finally:
        executor.close()
