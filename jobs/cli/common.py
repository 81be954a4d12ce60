"""What the commands share: consoles, exit codes, options and safe rendering."""

from __future__ import annotations

import json
import sys
import unicodedata
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from jobs.recipe import read_recipe
from manifests.store import Store

EXIT_USAGE = 2
EXIT_INCOMPLETE = 3

output = Console(soft_wrap=True)
errors = Console(stderr=True)

JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON.")]
LakeOption = Annotated[
    str,
    typer.Option(
        "--lake", "-l", envvar="THRESHER_LAKE", help="Folder or URL of the lake, or a recipe."
    ),
]


def lake_of(where: str) -> Store:
    """The lake at a path or URL, or the one a recipe names."""
    if where.endswith(".toml"):
        return Store(read_recipe(Path(where)).lake)
    return Store(where)


def print_json(value: object) -> None:
    """Print a value as JSON; what JSON lacks (dates, bytes) as text."""
    sys.stdout.write(json.dumps(value, indent=1, ensure_ascii=False, default=_as_text) + "\n")


def shown(value: object, width: int = 200) -> str:
    """A value from the web as one safe line: no control or bidirectional characters, bounded."""
    if isinstance(value, float):
        return f"{value:.6g}"
    text = _as_text(value) if isinstance(value, bytes) else "" if value is None else str(value)
    cut = text if len(text) <= width else text[: width - 1] + "…"
    return "".join(
        character if unicodedata.category(character)[0] != "C" else " " for character in cut
    )


def _as_text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
