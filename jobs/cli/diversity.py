"""`thresher diversity`: does a rule make what is kept more alike?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from thresher.filters.signals.site import FIGURES
from thresher.jobs.api.lake import store_of
from thresher.jobs.cli.asking import asked
from thresher.jobs.cli.common import JsonFlag, LakeArgument, RunOption, output, print_json
from thresher.jobs.cli.tables import print_table

if TYPE_CHECKING:
    from thresher.pipeline.inspect.diversity import Comparison, Population, RuleEffect

_COUNTS = ("dropped", "for it alone", "effect")
_SHORT = {
    "growth_exponent": "growth",
    "shared_ngram_fraction": "shared",
    "template_fraction": "templ.",
    "opening_entropy": "open",
    "ending_entropy": "end",
    "near_duplicate_fraction": "copies",
}


def diversity(
    lake: LakeArgument = "lake",
    run: RunOption = "",
    as_json: JsonFlag = False,
    documents: Annotated[
        int, typer.Option(help="Documents that are looked at, chosen by their ids.", min=16)
    ] = 20_000,
) -> None:
    """How diverse the documents are before and after judging, rule by rule and month by month.

    A rule whose effect is below 0 makes what is kept more alike. The figures are those of the view
    `diversity` (docs/signals.md, `collapse`); nothing is read but hashes kept at measuring.
    """
    from thresher.pipeline.inspect.diversity import compare

    with asked(store_of(lake), run=run) as ask:
        found = ask(lambda database: compare(database, documents))
    if as_json:
        print_json(msgspec.to_builtins(found))
    else:
        _print(found)


def _print(found: Comparison) -> None:
    title = "before and after"
    if found.measured.compared < found.measured.documents:
        title += f", by a sample of {found.measured.compared:,} documents"
    _print_populations(title, [found.measured, found.kept])
    if found.rules:
        decisive = [rule for rule in found.rules if rule.alone]
        title = "what each rule does to what is kept; below 0 makes it more alike"
        names = ("reason", *_COUNTS, "most of it in")
        print_table(title, names, map(_effect, decisive), right=_COUNTS, framed=False)
        output.print()
        if others := len(found.rules) - len(decisive):
            output.print(f"{others} more drop only what others drop too.\n", highlight=False)
        _print_populations("what each rule drops", [rule.dropped for rule in found.rules])
    months = [population for pair in found.months for population in pair]
    if months:
        _print_populations("by month of the crawl: measured, then kept", months)


def _print_populations(title: str, populations: list[Population]) -> None:
    names = ("", "documents", *_SHORT.values())
    rows = []
    for population in populations:
        figures = (population.figures[figure.name] for figure in FIGURES)
        numbers = ("" if value is None else f"{value:.4f}" for value in figures)
        rows.append((population.name, f"{population.documents:,}", *numbers))
    print_table(title, names, rows, right=names[1:], framed=False)
    output.print()


def _effect(rule: RuleEffect) -> tuple[str, ...]:
    effect = "" if rule.effect is None else f"{rule.effect:+.2f}"
    counts = (f"{rule.dropped.documents:,}", f"{rule.alone:,}")
    return (rule.reason, *counts, effect, _largest(rule))


def _largest(rule: RuleEffect) -> str:
    """The figures that make most of an effect."""
    changes = {figure.name: rule.change[figure.name] or 0.0 for figure in FIGURES}
    weight = {figure.name: abs(changes[figure.name]) / figure.floor for figure in FIGURES}
    first = sorted(weight, key=lambda name: (-weight[name], name))[:2]
    return ", ".join(f"{_SHORT[name]} {changes[name]:+.4f}" for name in first if weight[name] > 0)
