"""`thresher run` and `status`."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from thresher.jobs.api.lake import store_of
from thresher.jobs.api.result import RunResult, result_of
from thresher.jobs.api.state import RunState, states_of
from thresher.jobs.cli.common import (
    EXIT_INCOMPLETE,
    JsonFlag,
    LakeArgument,
    errors,
    output,
    print_json,
    shown,
)
from thresher.jobs.cli.streams import ReaderGone
from thresher.jobs.cli.tables import print_table
from thresher.jobs.own_code import code_of
from thresher.jobs.progress import Silent, reporter_for
from thresher.manifests.layout import TEXT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from thresher.jobs.recipe import Recipe
    from thresher.manifests.run import Attempt

RecipeArgument = Annotated[
    Path, typer.Argument(help="The recipe, a TOML file.", show_default=False)
]

LONGEST = 3_000
"""Characters of a line that tells an error: whole, unless a library wrote a page."""


def run(
    recipe: RecipeArgument,
    workers: Annotated[
        int | None, typer.Option(help="Tasks at once; default all cores.", min=1)
    ] = None,
    address: Annotated[
        str,
        typer.Option(
            help="A running Ray cluster (auto, ray://host:10001); default: start Ray here."
        ),
    ] = "",
    in_process: Annotated[
        bool, typer.Option("--in-process", help="Without Ray, one task after the other.")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No progress; --json has none either.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Run a recipe: crawl in, curated shards and catalog out; continues what was begun."""
    from thresher.jobs.api.run import run_recipe
    from thresher.jobs.recipe import read_recipe

    wanted = with_run_options(read_recipe(recipe), workers, address, in_process)
    say_code(wanted)
    reporter = Silent() if quiet or as_json else reporter_for(errors)
    plan, record = run_recipe(wanted, reporter, str(recipe))
    result = result_of(plan.store, record)
    with contextlib.suppress(ReaderGone):  # the run's own end counts
        if as_json:
            print_json(summary(result))
        else:
            print_result(result)
    if result.status != "complete":
        sys.exit(EXIT_INCOMPLETE)


def with_run_options(recipe: Recipe, workers: int | None, address: str, in_process: bool) -> Recipe:
    """The recipe with what the command line says about how to run it."""
    how = recipe.run
    return msgspec.structs.replace(
        recipe,
        run=msgspec.structs.replace(
            how,
            workers=workers or how.workers,
            address=address or how.address,
            executor="in-process" if in_process else how.executor,
        ),
    )


def say_code(recipe: Recipe) -> None:
    """Say what code of its own a recipe runs, before any of it is imported."""
    for reference in code_of(recipe):
        errors.print(
            f"this recipe runs code: {shown(reference, 400)}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )


def status(
    lake: LakeArgument = "lake",
    run: Annotated[str, typer.Option("--run", help="Only this run, by its name or id.")] = "",
    as_json: JsonFlag = False,
) -> None:
    """The runs of a lake: which are at work and in what, how far each is, what was not read.

    Exit code 3 if the run, or the latest begun, is incomplete or was stopped.
    """
    store = store_of(lake)
    runs = states_of(store, run)
    if as_json:
        print_json(msgspec.to_builtins(runs))
    else:
        _print_states(store.url(), lake, runs)
    if runs[-1].status not in ("complete", "running"):
        sys.exit(EXIT_INCOMPLETE)


def _print_states(url: str, asked: str, runs: list[RunState]) -> None:
    names = ("run", "status", "started", "finished", "measured", "judged", "failures")
    rows = [
        (
            run.run_id,
            run.status,
            _time(run.started),
            _time(run.finished),
            f"{run.measured}/{run.shards}",
            f"{run.judged}/{run.shards}",
            len(run.failures),
        )
        for run in runs
    ]
    print_table(url, names, rows, upright=True)
    for run in runs:
        lines = [f"{shard.status}: {shard.uri}: {shard.why}" for shard in run.not_read_whole]
        lines += [f"{failed.stage}/{failed.key}: {failed.error}" for failed in run.failures]
        lines += [f"incomplete: {sentence}." for sentence in run.exceeded]
        lines += [f"note: {note}" for note in run.notes]
        if run.status in ("running", "stopped"):
            lines.append(_where(run, asked))
        if run.earlier:
            lines.append(_before(run.earlier))
        for line in lines:
            output.print(shown(f"{run.run_id}: {line}", LONGEST), markup=False, highlight=False)


def _before(earlier: Sequence[Attempt]) -> str:
    """How often a run was begun before, and what became of it the first time."""
    first = earlier[0]
    until = f" to {_time(first.finished)}" if first.finished else ""
    ended = "died" if first.status == "running" else first.status
    return (
        f"begun {len(earlier)} time{'s' * (len(earlier) > 1)} before, first from "
        f"{_time(first.started)}{until} ({ended})"
    )


def _where(run: RunState, asked: str) -> str:
    """What a run is doing, or was when it was stopped, and how it goes on."""
    stage = f"{run.stage}, {run.stage_done}/{run.stage_shards} shards done" if run.stage else ""
    if run.status == "running":
        return f"running: {stage or 'begins'}"
    beat = f"its last sign of life came at {_time(run.last_beat)} UTC"
    if not run.last_beat:
        beat = "it left no sign of life"
    at = f" in {stage}" if stage else ""
    recipe = asked if asked.endswith(".toml") else f"RECIPE.toml, the recipe named '{run.name}',"
    return f"stopped{at}; {beat}. The same command goes on: thresher run {recipe}"


def _time(moment: str) -> str:
    """A time of a run record as a person reads it."""
    return moment[:19].replace("T", " ")


def summary(result: RunResult) -> dict[str, Any]:
    """A run in numbers, as JSON has it."""
    return {
        "run_id": result.run_id,
        "status": result.status,
        "funnel": result.counts,
        "exceeded": result.exceeded,
        "incomplete_shards": msgspec.to_builtins(result.incomplete_shards),
        "failures": msgspec.to_builtins(result.failures),
        "notes": result.notes,
        "curated": result.curated,
        "catalog": result.catalog,
        "report": result.report,
    }


def print_result(result: RunResult) -> None:
    """The end of a run: funnel, what is missing, where things are."""
    rows = [
        (step, "-" if records is None else f"{records:,}")
        for step, records in result.counts.items()
    ]
    print_table(f"{result.run_id}: {result.status}", ("step", "records"), rows, right=["records"])
    for shard in result.incomplete_shards:
        text = f"{shard.status}: {shard.uri}: {shard.error or 'not read yet'}"
        output.print(shown(text, LONGEST), markup=False, highlight=False)
    for failure in result.failures:
        if failure.stage != TEXT:
            text = f"failed: {failure.stage}/{failure.key}: {failure.error}"
            output.print(shown(text, LONGEST), markup=False, highlight=False)
    for sentence in result.exceeded:
        output.print(f"incomplete: {sentence}.", markup=False, highlight=False)
    for note in result.notes:
        text = shown(f"note: {note}", LONGEST)
        output.print(text, markup=False, highlight=False, soft_wrap=True)
    output.print(f"curated shards  {result.curated or 'none'}", markup=False, highlight=False)
    output.print(f"catalog         {result.catalog}", markup=False, highlight=False)
    output.print(f"report          {result.report}", markup=False, highlight=False)
