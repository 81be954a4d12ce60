"""`thresher reasons`: the reference of reasons, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from thresher.filters.errors import ConfigError, did_you_mean
from thresher.jobs.cli.common import JsonFlag, output, print_json
from thresher.jobs.cli.tables import print_table

if TYPE_CHECKING:
    from thresher.jobs.docs.entries import Entry


def reasons(
    name: Annotated[
        str, typer.Argument(help="A reason; without one all are listed.", show_default=False)
    ] = "",
    as_json: JsonFlag = False,
) -> None:
    """What a reason measures, its exact test under every shipped policy, who published it, what
    has it and what narrowly has not. The same stands in docs/reasons.md and docs/junk.md.
    """  # noqa: D205 - typer shows the whole text
    from thresher.jobs.docs.entries import entries

    known = {each.reason: each for each in entries()}
    if name and name not in known:
        hint = did_you_mean(name, known) or "`thresher reasons` lists them."
        raise ConfigError(f"reason '{name}'", "is not one of Thresher's own.", hint)
    chosen = [known[name]] if name else list(known.values())
    if as_json:
        print_json(_facts(known[name]) if name else [_facts(each) for each in chosen])
    elif name:
        output.print("\n\n".join(_paragraphs(known[name])), markup=False, highlight=False)
    else:
        rows = [(each.reason, each.kind, each.meaning) for each in chosen]
        print_table("", ("reason", "kind", "meaning"), rows, framed=False)


def _paragraphs(each: Entry) -> Iterator[str]:
    from thresher.jobs.docs.blocks import Verbatim, markdown

    yield each.reason
    yield from map(markdown, each.blocks)
    if each.parts:
        yield "What stands in braces; it begins again where more of it is asked for than there is:"
    for name, text in each.parts.items():
        yield markdown(Verbatim(f"{name}: {text.strip()}"))
    if each.related:
        yield f"Related: {', '.join(each.related)}."


def _facts(each: Entry) -> dict[str, object]:
    from thresher.jobs.docs.blocks import markdown
    from thresher.pipeline.inspect.reasons import reference

    return {
        "reason": each.reason,
        "kind": each.kind,
        "meaning": each.meaning,
        "policies": each.policies,
        "asks": [markdown(block) for block in each.asks],
        "told": each.told,
        "shown": [markdown(block) for block in each.shown],
        "parts": dict(each.parts),
        "related": each.related,
        "reference": reference(each.reason),
    }
