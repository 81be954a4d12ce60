"""The command line: `thresher COMMAND`. Progress goes to stderr, results to stdout.

Exit codes: see `thresher.jobs.cli.common`; `thresher.jobs.cli.failures` says what gives which.

The modules of the commands import what they run inside the functions: Ray, numba and the models
take two seconds that `thresher query` and `--help` need not pay.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from thresher.jobs.cli import (
    demo,
    diversity,
    init,
    inspect,
    models,
    plan,
    policies,
    reasons,
    run,
    train,
)
from thresher.jobs.cli.common import EXIT_CODES, output
from thresher.jobs.cli.failures import run_to_code
from thresher.jobs.version import thresher_version

__all__ = ["app", "main"]

app = typer.Typer(
    name="thresher",
    help="Curate web crawls into pretraining data: measure once, judge many, prove every drop.\n\n"
    + EXIT_CODES,
    epilog="Start with: thresher demo",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)

app.command("init", epilog="Example: thresher init mine --input 'data/*.jsonl.gz'")(init.init)
app.command("run", epilog="Example: thresher run recipe.toml --workers 8")(run.run)
app.command("plan", epilog="Example: thresher plan recipe.toml --files")(plan.plan)
app.command("status", epilog="Example: thresher status recipe.toml")(run.status)
app.command(
    "query",
    epilog='Example: thresher query "SELECT reason, count(*) FROM dropped GROUP BY 1" -l out/lake',
)(inspect.query)
app.command("explain", epilog="Example: thresher explain https://example.com/page --lake out/lake")(
    inspect.explain
)
app.command("reasons", epilog="Example: thresher reasons too_few_words")(reasons.reasons)
app.command("diversity", epilog="Example: thresher diversity out/lake --json")(diversity.diversity)
app.command("demo", epilog="Example: thresher demo --folder demo")(demo.demo)

_catalog = typer.Typer(help="The DuckDB catalog of a lake.", no_args_is_help=True)
_catalog.command("rebuild", epilog="Example: thresher catalog rebuild out/lake")(inspect.rebuild)
app.add_typer(_catalog, name="catalog")

app.command("train", epilog="Example: thresher train quality --config quality.toml")(train.command)

_policies = typer.Typer(help="Policies that come with Thresher.", no_args_is_help=True)
_policies.command("list", epilog="Example: thresher policies list")(policies.list_policies)
_policies.command("show", epilog="Example: thresher policies show web-en > mine.toml")(
    policies.show
)
app.add_typer(_policies, name="policies")

_models = typer.Typer(help="Models by name: shipped, your own, published.", no_args_is_help=True)
_models.command("list", epilog="Example: thresher models list")(models.list_models)
_models.command("show", epilog="Example: thresher models show oh-eli5@1")(models.show)
_models.command("fetch", epilog="Example: thresher models fetch glotlid@3")(models.fetch)
_models.command(
    "add", epilog="Example: thresher models add models/quality.bin --name my-quality@1"
)(models.add)
app.add_typer(_models, name="models")


def _version(wanted: bool) -> None:
    if wanted:
        output.print(f"thresher {thresher_version()}", highlight=False)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """What comes before a command."""


def main() -> None:
    """Entry point: errors a person can mend become one message and a documented exit code."""
    sys.exit(run_to_code(app))
