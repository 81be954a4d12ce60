"""`thresher init`: a first recipe, with every setting in it."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from thresher.filters.errors import InputError
from thresher.jobs.cli.common import as_typed, output, shown

if TYPE_CHECKING:
    from thresher.pipeline.read.inputs import InputShard
    from thresher.pipeline.read.look import Look

RECIPE = "recipe.toml"
SAMPLE = "sample"
"""Folder that the sample crawl is written to."""
_WHOLE_SHARDS = f"{SAMPLE}/crawl/sample-0000[0-4].*"
"""The last one is cut short on purpose, and would leave a run incomplete."""
_FIELDS_SHOWN = 20


def init(
    place: Annotated[
        str,
        typer.Argument(help=f"Folder to write {RECIPE} into, or the file itself, as in mine.toml."),
    ] = ".",
    inputs: Annotated[
        list[str] | None,
        typer.Option(
            "--input",
            "-i",
            help="Files to read: a path, a URL or, in quotes, a pattern. It may be given again. "
            "Without any, a small sample crawl is written and read.",
        ),
    ] = None,
    lake: Annotated[
        str,
        typer.Option("--lake", "-l", help="Where to write, a folder or URL; default: lake."),
    ] = "",
    name: Annotated[
        str, typer.Option(help="Name of the run; default: that of the folder or file.")
    ] = "",
    policy: Annotated[
        str, typer.Option(help="What to judge by: a shipped policy, or your own TOML file.")
    ] = "web-en",
) -> None:
    """Write a recipe that runs, with every setting, its default and what it means. It looks at the
    first of the input files, or the first of rows, and names its fields. Nothing is overwritten.
    """  # noqa: D205 - typer shows the whole text
    from thresher.filters.policy import shipped_policies
    from thresher.jobs.policy import find_policy
    from thresher.jobs.recipe import recipe_of, resolve_path
    from thresher.jobs.starter import starter_text

    here = Path.cwd()
    path = Path(as_typed(place)).expanduser()
    if path.suffix != ".toml":
        path /= RECIPE
    folder = here / path.parent
    _refuse(path)
    own = policy not in shipped_policies()
    find_policy(resolve_path(policy, here) if own else policy, "--policy", None, None)
    typed = [as_typed(each) for each in inputs or ()]
    wanted = as_typed(lake) or str(path.parent / "lake")
    stated: dict[str, Any] = {
        "name": as_typed(name) or _usual_name(path),
        "lake": _beside(wanted, folder),
        "input": {"urls": [_beside(each, folder) for each in typed] or [_WHOLE_SHARDS]},
        "judge": {"policy": _beside(policy, folder) if own else policy},
    }
    notes = {"judge.policy": f"Shipped are {', '.join(shipped_policies())}."}
    if typed:
        read = _look([resolve_path(each, here) for each in typed], wanted, stated, notes)
    else:
        read = "the sample crawl, as there is no --input"
        notes["input.urls"] = "The last shard of the sample is cut short, and left out here."
        notes["curated.validation_fraction"] = "A small run has none of it with the default, 0.01."
        stated["curated"] = {"validation_fraction": 0.05}
    # What is wrong is found before anything is written.
    recipe_of(stated | {"lake": wanted})
    text = starter_text(stated, notes)
    if not typed:
        _write_sample(folder / SAMPLE)
    folder.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8") as file:
        file.write(text)
    _print_end(path, read)


def _refuse(path: Path) -> None:
    if path.exists() or path.is_symlink():
        raise InputError(
            f"{path} is there already, and nothing is overwritten: name another folder, or the "
            "file itself, as in `thresher init mine.toml`"
        )


def _usual_name(path: Path) -> str:
    """The name of the file or, where that says nothing, of its folder, as a run may be called."""
    said = path.stem if path.name != RECIPE else path.absolute().parent.resolve().name
    name = "".join(c if c.isalnum() or c in "-_." else "-" for c in said).strip("-.")
    return name or "run"


def _beside(typed: str, folder: Path) -> str:
    """What is typed, which starts in the current folder, as a recipe in another has it."""
    if not typed or "://" in typed or "::" in typed or typed.startswith(("/", "~")):
        return typed
    return os.path.relpath(Path.cwd() / typed, folder.resolve())


def _look(urls: list[str], lake: str, stated: dict[str, Any], notes: dict[str, str]) -> str:
    """Look at the first file, and state what its rows need; what to say of the input."""
    from thresher.jobs.inputs import ROWS, inputs_of
    from thresher.jobs.recipe import resolve_path
    from thresher.jobs.starter import row_settings
    from thresher.pipeline.read.inputs import InputSettings
    from thresher.pipeline.read.look import look_at

    settings = InputSettings(urls=urls)
    shards = inputs_of(settings, resolve_path(lake, Path.cwd()))
    # Rows have fields to name; beside archives they are what needs a look.
    first = next((shard for shard in shards if shard.format in ROWS), shards[0])
    look = look_at(first, settings)
    read = f"{shown(first.name)}, {look.format}"
    if more := len(shards) - 1:
        read += f", and {more:,} more file{'s' * (more > 1)}"
    if not look.fields:
        return read
    found = row_settings(look, first.name)
    stated["input"] |= {
        setting: field for setting, field in found.items() if field != getattr(settings, setting)
    }
    notes["input.text_field"] = _fields_note(first, look)
    for setting in ("id_field", "url_field", "date_field"):
        if setting not in found:
            notes[f"input.{setting}"] = "The first file seems to have none."
    return f"{read}; {_said(found)}"


def _fields_note(shard: InputShard, look: Look) -> str:
    names = ", ".join(f"`{shown(field.name, 60)}`" for field in look.fields[:_FIELDS_SHOWN])
    more = len(look.fields) - _FIELDS_SHOWN
    return f"{shown(shard.name)} has {names}{f' and {more} more' if more > 0 else ''}."


def _said(found: Mapping[str, str]) -> str:
    return ", ".join(
        f"{setting.removesuffix('_field')} in '{shown(found[setting], 60)}'"
        if setting in found
        else f"no {setting.removesuffix('_field')}"
        for setting in ("text_field", "id_field", "url_field", "date_field")
    )


def _write_sample(folder: Path) -> None:
    from thresher.jobs.sample import write_sample

    if folder.exists():
        raise InputError(
            f"{folder} is there already, and nothing is overwritten: name another folder, or your "
            "own files by --input"
        )
    write_sample(folder)


def _print_end(path: Path, read: str) -> None:
    typed = shlex.quote(str(path))
    steps = {
        f"thresher plan {typed}": "what it would do",
        f"thresher run {typed}": "do it; the end says where all is",
        f"thresher status {typed}": "how far it is",
    }
    width = max(map(len, steps))
    lines = [f"recipe  {path}", f"reads   {read}"]
    for step, what in steps.items():
        lines.append(f"{'' if lines[2:] else 'next':<8}{step:<{width}}  # {what}")
    output.print("\n".join(lines), markup=False, highlight=False)
