"""What the commands share: consoles, exit codes, options and safe rendering."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from thresher.jobs.show import as_text, shown
from thresher.manifests.store import Store

__all__ = ["EXIT_INCOMPLETE", "EXIT_USAGE", "errors", "lake_of", "output", "print_json", "shown"]

EXIT_USAGE = 2
EXIT_INCOMPLETE = 3

output = Console(soft_wrap=True)
errors = Console(stderr=True)

LAKE_VARIABLE = "THRESHER_LAKE"

JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON.")]
LakeOption = Annotated[
    str,
    typer.Option(
        "--lake", "-l", envvar=LAKE_VARIABLE, help="Folder or URL of the lake, or a recipe."
    ),
]
LakeArgument = Annotated[
    str, typer.Argument(envvar=LAKE_VARIABLE, help="Folder or URL of the lake, or a recipe.")
]


def lake_of(where: str) -> Store:
    """The lake at a path or URL, or the one a recipe names.

    Raises:
        StoreError: if its place cannot be reached.
    """
    if where.endswith(".toml"):
        from thresher.jobs.recipe import read_recipe

        where = read_recipe(Path(where)).lake
    store = Store(where)
    store.check()
    return store


def print_json(value: object) -> None:
    """Print a value as JSON; what JSON lacks (dates, bytes) as text."""
    sys.stdout.write(json.dumps(value, indent=1, ensure_ascii=False, default=as_text) + "\n")
