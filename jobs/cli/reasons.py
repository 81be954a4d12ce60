"""`thresher reasons`: the reference of reasons, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from thresher.filters.errors import ConfigError, did_you_mean
from thresher.jobs.cli.common import JsonFlag, as_typed, output, print_json
from thresher.jobs.cli.tables import print_table

if TYPE_CHECKING:
    from thresher.filters.policy import Policy
    from thresher.jobs.docs.entries import Entry


def reasons(
    name: Annotated[
        str, typer.Argument(help="A reason; without one all are listed.", show_default=False)
    ] = "",
    policy: Annotated[
        str,
        typer.Option(
            help="Only of this policy, with its bounds: a shipped one, or your own TOML file."
        ),
    ] = "",
    as_json: JsonFlag = False,
) -> None:
    """What a reason measures, its exact test under every shipped policy, who published it, what
    has it and what narrowly has not. The same stands in docs/reasons.md and docs/junk.md. With a
    policy, the reasons that it gives, in its order.
    """  # noqa: D205 - typer shows the whole text
    from thresher.jobs.docs.entries import entries, policy_entries
    from thresher.jobs.policy import find_policy

    policy = as_typed(policy)
    asked = find_policy(policy, "--policy", None, None) if policy else None
    known = {each.reason: each for each in (policy_entries(asked) if asked else entries())}
    if name and name not in known:
        own = f"of the policy '{policy}'" if policy else "of Thresher's own"
        all_of_them = f"`thresher reasons{f' --policy {policy}' if policy else ''}` lists them."
        hint = did_you_mean(name, known) or all_of_them
        raise ConfigError(f"reason '{name}'", f"is not one {own}.", hint)
    chosen = [known[name]] if name else list(known.values())
    if as_json:
        print_json(_facts(known[name]) if name else [_facts(each) for each in chosen])
    elif name:
        output.print("\n\n".join(_paragraphs(known[name])), markup=False, highlight=False)
    else:
        asks = _asks(asked) if asked else {}
        headings = ("reason", "kind", "meaning", *(["drops if"] if asked else []))
        rows = [
            (each.reason, each.kind, each.meaning, *([asks.get(each.reason, "")] if asked else []))
            for each in chosen
        ]
        print_table("", headings, rows, framed=False)


def _asks(policy: Policy) -> dict[str, str]:
    """What each rule of a policy asks, in one line."""
    from thresher.jobs.docs.bounds import by_language, rules_of, sentence

    return {
        reason: "; ".join(filter(None, [sentence(text).replace("`", ""), by_language(rule)]))
        for reason, (rule, text) in rules_of(policy).items()
    }


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
