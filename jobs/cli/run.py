"""`thresher run`, `plan` and `status`."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer
from rich.table import Table

from thresher.filters.errors import ConfigError
from thresher.jobs.cli.common import (
    EXIT_INCOMPLETE,
    JsonFlag,
    LakeArgument,
    errors,
    lake_of,
    output,
    print_json,
    shown,
)
from thresher.jobs.cli.streams import ReaderGone
from thresher.jobs.progress import Reporter, Silent, reporter_for
from thresher.jobs.report import page as report
from thresher.manifests import catalog
from thresher.manifests.manifest import load_all
from thresher.manifests.run import RunRecord, load_runs, no_run
from thresher.manifests.store import Store

if TYPE_CHECKING:
    from thresher.jobs.plan import Plan
    from thresher.jobs.recipe import Recipe

RecipeArgument = Annotated[
    Path, typer.Argument(help="The recipe, a TOML file.", show_default=False)
]


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
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Run a recipe: crawl in, curated shards and catalog out; continues what was begun."""
    from thresher.jobs.plan import make_plan
    from thresher.jobs.recipe import read_recipe

    plan = make_plan(with_run_options(read_recipe(recipe), workers, address, in_process))
    record = run_plan(plan, Silent() if quiet else reporter_for(errors))
    with contextlib.suppress(ReaderGone):  # the run's own end counts
        if as_json:
            print_json(summary(plan.store, record))
        else:
            print_result(plan.store, record)
    if record.status != "complete":
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


def run_plan(plan: Plan, reporter: Reporter) -> RunRecord:
    """Run a plan with the executor its recipe asks for."""
    from thresher.filters.measure import warm_up
    from thresher.jobs.executor import InProcess, OnRay
    from thresher.jobs.run import execute

    how = plan.recipe.run
    if how.executor == "ray" and plan.store.url().startswith("memory:"):
        raise ConfigError(
            f"lake = '{plan.recipe.lake}'", "lives in one process only.", "Add --in-process."
        )
    if how.executor == "in-process":
        return execute(plan, InProcess(), reporter)
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
    try:
        compiled()
        return execute(plan, executor, reporter)
    finally:
        executor.close()


def plan(recipe: RecipeArgument, as_json: JsonFlag = False) -> None:
    """Check a recipe and show what would run, and what is done already. Writes nothing."""
    from thresher.jobs.plan import make_plan
    from thresher.jobs.recipe import read_recipe

    made = make_plan(read_recipe(recipe))
    measured = made.measured()
    shards = [
        {
            "uri": shard.uri,
            "format": shard.format,
            "bytes": shard.bytes,
            "done": shard.key in measured,
        }
        for shard in made.inputs
    ]
    if as_json:
        print_json(
            {
                "run_id": made.run_id,
                "lake": made.store.url(),
                "policy": made.policy.name,
                "documents_fingerprint": made.documents_fingerprint,
                "models": [msgspec.to_builtins(model) for model in made.models],
                "shards": shards,
            }
        )
        return
    table = Table(title=f"{made.run_id} -> {made.store.url()}", title_justify="left")
    for name in ("input shard", "format", "bytes", "measured"):
        table.add_column(name, justify="right" if name == "bytes" else "left", overflow="fold")
    for row in shards:
        done = "yes" if row["done"] else "to do"
        table.add_row(shown(row["uri"], 400), str(row["format"]), f"{row['bytes']:,}", done)
    output.print(table)
    left = sum(not row["done"] for row in shards)
    output.print(
        f"{len(shards)} shards, {left} to measure; policy {made.policy.name} "
        f"v{made.policy.version} with {len(made.policy.rules)} rules.",
        highlight=False,
    )


def status(lake: LakeArgument = "lake", as_json: JsonFlag = False) -> None:
    """The runs of a lake, how far each is and what failed."""
    store = lake_of(lake)
    records = load_runs(store)
    if not records:
        raise no_run(store)
    rows = [_progress_of(store, record) for record in records]
    if as_json:
        print_json(rows)
        return
    table = Table(title=store.url(), title_justify="left")
    for name in ("run", "status", "started", "finished", "measured", "judged", "failures"):
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(
            row["run_id"],
            row["status"],
            _time(row["started"]),
            _time(row["finished"]),
            f"{row['measured']}/{row['shards']}",
            f"{row['judged']}/{row['shards']}",
            str(len(row["failures"])),
        )
    output.print(table)
    for row in rows:
        for failure in row["failures"]:
            text = f"{row['run_id']}: {failure['stage']}/{failure['key']}: {failure['error']}"
            output.print(shown(text, 600), markup=False, highlight=False)


def _time(moment: str) -> str:
    """A time of a run record as a person reads it."""
    return moment[:19].replace("T", " ")


def _progress_of(store: Store, record: RunRecord) -> dict[str, Any]:
    keys = [item.key for item in record.inputs]
    done = {
        stage: len(load_all(store, stage, record.fingerprints[stage], keys))
        if stage in record.fingerprints
        else 0
        for stage in ("documents", "decisions")
    }
    return {
        "run_id": record.run_id,
        "status": record.status,
        "started": record.started,
        "finished": record.finished,
        "shards": len(keys),
        "measured": done["documents"],
        "judged": done["decisions"],
        "failures": [msgspec.to_builtins(failure) for failure in record.failures],
    }


def summary(store: Store, record: RunRecord) -> dict[str, Any]:
    """A run in numbers, from its catalog."""
    with catalog.connect(store) as database:
        funnel = dict(database.execute("SELECT step, records FROM funnel").fetchall())
        shards = catalog.not_read_whole(database, record.run_id)
    return {
        "run_id": record.run_id,
        "status": record.status,
        "funnel": funnel,
        "incomplete_shards": [{"uri": u, "status": s, "error": e} for u, s, e in shards],
        "failures": [msgspec.to_builtins(failure) for failure in record.failures],
        "curated": store.url(record.curated) if record.curated else None,
        "catalog": store.url(catalog.PATH),
        "report": store.url(report.PATH),
    }


def print_result(store: Store, record: RunRecord) -> None:
    """The end of a run: funnel, what is missing, where things are."""
    made = summary(store, record)
    table = Table(title=f"{record.run_id}: {record.status}", title_justify="left")
    table.add_column("step")
    table.add_column("records", justify="right")
    for step, records in made["funnel"].items():
        table.add_row(step, "-" if records is None else f"{int(records):,}")
    output.print(table)
    for shard in made["incomplete_shards"]:
        text = f"{shard['status']}: {shard['uri']} {shard['error'] or ''}"
        output.print(shown(text, 600), markup=False, highlight=False)
    for failure in record.failures:
        if failure.stage != "documents":
            text = f"failed: {failure.stage}/{failure.key}: {failure.error}"
            output.print(shown(text, 600), markup=False, highlight=False)
    output.print(f"curated shards  {made['curated'] or 'none'}", markup=False, highlight=False)
    output.print(f"catalog         {made['catalog']}", markup=False, highlight=False)
    output.print(f"report          {made['report']}", markup=False, highlight=False)
