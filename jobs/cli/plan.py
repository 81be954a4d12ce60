"""`thresher plan`: what a recipe would read and run, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from thresher.jobs.cli.common import JsonFlag, output, print_json, shown
from thresher.jobs.cli.run import LONGEST, RecipeArgument, say_code
from thresher.jobs.cli.tables import cell, print_table
from thresher.jobs.own_code import code_of
from thresher.jobs.own_failures import failure_notes

if TYPE_CHECKING:
    from thresher.jobs.look_ahead import StageAhead
    from thresher.pipeline.read.inputs import InputShard

__all__ = ["plan"]

_UNIT = 1000


def plan(
    recipe: RecipeArgument,
    files: Annotated[
        bool, typer.Option("--files", help="List the input files, which are done and which not.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Check a recipe and show what it would read and run, and why. Writes nothing.

    What is done already stays done; a stage that runs again says what changed since the recipe's
    latest run in this lake.
    """
    from thresher.jobs.look_ahead import look_ahead
    from thresher.jobs.recipe import read_recipe

    wanted = read_recipe(recipe)
    say_code(wanted)
    found = look_ahead(wanted, str(recipe))
    made = found.plan
    seen = [*found.measured.values(), *made.seen_by_guests().values()]
    notes = failure_notes(seen, made.scored_shards().values())
    formats = list(_formats(made.inputs, found.measured))
    if as_json:
        print_json(
            {
                "run_id": made.run_id,
                "lake": made.store.url(),
                "policy": made.policy.name,
                "fingerprints": dict(made.marks),
                "code": code_of(wanted),
                "models": [msgspec.to_builtins(model) for model in made.models],
                "compared_with": found.compared_with,
                "formats": formats,
                "stages": msgspec.to_builtins(found.stages),
                "files_to_read": sum(each["to_measure"] for each in formats),
                "bytes_to_read": sum(each["bytes_to_read"] for each in formats),
                "shards": [
                    {
                        "uri": shard.name,
                        "format": shard.format,
                        "bytes": shard.bytes,
                        "done": shard.key in found.measured,
                    }
                    for shard in made.inputs
                ],
                "notes": notes,
            }
        )
        return
    title = f"{made.run_id} -> {made.store.url()}"
    if files:
        names = ("input shard", "format", "bytes", "measured")
        rows = [
            (
                cell(shard.name, 400),
                shard.format,
                _bytes(shard.bytes),
                "yes" if shard.key in found.measured else "to do",
            )
            for shard in made.inputs
        ]
        print_table(title, names, rows, right=["bytes"])
        title = ""
    _print_formats(title, formats)
    _print_stages(found.stages, found.compared_with)
    left = sum(each["to_measure"] for each in formats)
    for note in notes:
        output.print(shown(f"note: {note}", LONGEST), markup=False, highlight=False)
    output.print(
        f"{len(made.inputs):,} shards, {left:,} to measure; policy {made.policy.name} "
        f"v{made.policy.version} with {len(made.policy.rules)} rules.",
        highlight=False,
    )


def _formats(
    shards: Sequence[InputShard], measured: Mapping[str, object]
) -> Iterator[dict[str, Any]]:
    """The files of each format: how many and how large, and what of them is to be read."""
    for kind in sorted({shard.format for shard in shards}):
        mine = [shard for shard in shards if shard.format == kind]
        left = [shard for shard in mine if shard.key not in measured]
        sizes = [shard.bytes for shard in mine if shard.bytes >= 0]
        yield {
            "format": kind,
            "files": len(mine),
            "bytes": sum(sizes),
            "largest": max(sizes, default=0),
            "unknown_sizes": len(mine) - len(sizes),
            "to_measure": len(left),
            "bytes_to_read": sum(max(0, shard.bytes) for shard in left),
        }


def _print_formats(title: str, formats: Sequence[Mapping[str, Any]]) -> None:
    names = ("format", "files", "bytes", "largest", "to measure", "bytes to read")
    numbers = ("files", "bytes", "largest", "to_measure", "bytes_to_read", "unknown_sizes")
    sums = {name: sum(each[name] for each in formats) for name in numbers}
    total = {"format": "all", **sums, "largest": max(each["largest"] for each in formats)}
    rows = [
        (
            each["format"],
            f"{each['files']:,}",
            _bytes(each["bytes"]),
            _bytes(each["largest"]),
            f"{each['to_measure']:,}",
            _bytes(each["bytes_to_read"]),
        )
        for each in [*formats, *([total] if len(formats) > 1 else [])]
    ]
    print_table(title, names, rows, right=names[1:])
    if sums["unknown_sizes"]:
        output.print(f"Files of unknown size: {sums['unknown_sizes']:,}.", highlight=False)


def _print_stages(stages: Sequence[StageAhead], compared_with: str) -> None:
    """What runs and why, and in a line each what only follows and what is done."""
    rows, follow = [], []
    for each in stages:
        if each.to_do == 0:
            continue
        if each.follows:
            follow.append(each.stage)
            continue
        left = "all" if each.to_do is None else f"{each.to_do:,}"
        rows.append((each.stage, f"{each.done:,}", left, "; ".join(each.why)))
    if not rows:
        output.print("Nothing is left to do.", highlight=False)
        return
    against = f"compared with run {compared_with}" if compared_with else ""
    print_table(against, ("stage", "done", "to do", "why"), rows, right=["done", "to do"])
    done = [each.stage for each in stages if each.to_do == 0]
    for head, names in (("then, since they follow", follow), ("done", done)):
        if names:
            output.print(f"{head}: {', '.join(names)}", markup=False, highlight=False)


def _bytes(count: int) -> str:
    """A size as a person reads it, to three digits."""
    if count < 0:
        return "unknown"
    if count < _UNIT:
        return f"{count} B"
    size, unit = count / _UNIT, "kB"
    for larger in ("MB", "GB", "TB", "PB"):
        if size < _UNIT:
            break
        size, unit = size / _UNIT, larger
    return f"{size:.3g} {unit}"
