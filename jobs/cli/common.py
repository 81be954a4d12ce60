"""What the commands share: consoles, exit codes, options and safe rendering."""

from __future__ import annotations

import json
import os
import sys
from typing import Annotated

import typer
from rich.console import Console

from thresher.filters.errors import ConfigError
from thresher.jobs.show import as_text, shown

__all__ = [
    "EXIT_BUSY",
    "EXIT_CODES",
    "EXIT_COMPLETE",
    "EXIT_INCOMPLETE",
    "EXIT_USAGE",
    "as_typed",
    "errors",
    "output",
    "print_json",
    "shown",
]

EXIT_COMPLETE = 0
EXIT_USAGE = 2
EXIT_INCOMPLETE = 3
EXIT_BUSY = 4

EXIT_CODES = (
    "Exit codes: 0 complete, 2 wrong usage, recipe or input, or a lake that cannot be reached "
    "(nothing was started), 3 incomplete (what is done stays done, and `thresher status` says what "
    "is missing), 4 busy (someone holds the catalog for writing), 130 and 143 stopped by Ctrl-C "
    "and by SIGTERM (the same command goes on)."
)
"""As the help and the reference pages have them."""

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


def as_typed(text: str) -> str:
    """An argument as it was typed: in a locale without UTF-8 Python hands it on in surrogates.

    Raises:
        ConfigError: if it is no text in UTF-8 either.
    """
    try:
        return os.fsencode(text).decode("utf-8")
    except UnicodeDecodeError as error:
        problem = "an argument is not UTF-8 text."
        raise ConfigError(repr(text), problem, "LC_ALL=C.UTF-8 may help.") from error
    except UnicodeEncodeError:
        return text


def print_json(value: object) -> None:
    """Print a value as JSON: dates and bytes as text; in ASCII where the output is no UTF-8."""
    plain = not (sys.stdout.encoding or "").lower().startswith("utf")
    text = json.dumps(value, indent=1, ensure_ascii=plain, default=as_text)
    sys.stdout.write(text + "\n")
