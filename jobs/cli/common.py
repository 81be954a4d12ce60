"""What the commands share: consoles, exit codes, options and safe rendering."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer
from rich.console import Console

from thresher.jobs.show import as_text, shown

__all__ = ["EXIT_INCOMPLETE", "EXIT_USAGE", "errors", "output", "print_json", "shown"]

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
RunOption = Annotated[
    str,
    typer.Option(
        "--run", help="Name or id of the run that is shown; default: the latest that has ended."
    ),
]


def print_json(value: object) -> None:
    """Print a value as JSON; what JSON lacks (dates, bytes) as text."""
    sys.stdout.write(json.dumps(value, indent=1, ensure_ascii=False, default=as_text) + "\n")
