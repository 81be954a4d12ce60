"""The part of a report that shows diversity: before and after, by rule, and what is flagged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import duckdb

from thresher.filters.signals.site import FIGURES
from thresher.jobs.docs.words import explained
from thresher.manifests import catalog
from thresher.pipeline.inspect.diversity import Population, RuleEffect, compare

MakeTable = Callable[[tuple[str, ...], list[Any]], str]
"""Escapes what it shows."""

_DOCUMENTS = 5_000
_MOST_ROWS = 20
_NAMES = tuple(figure.name.replace("_", " ") for figure in FIGURES)


def diversity_section(database: duckdb.DuckDBPyConnection, table: MakeTable) -> str:
    """The section, empty where the run measured no sites or judged nothing."""
    if not catalog.views(database) >= {"diversity", "decisions"}:
        return ""
    found = compare(database, _DOCUMENTS)
    parts = [
        f"<h2>{explained('Diversity')}</h2><p class=note>Growth of the vocabulary and entropies "
        "fall, the other figures rise as documents grow alike; docs/signals.md defines them.</p>",
        table(("", "documents", *_NAMES), [_row(found.measured), _row(found.kept)]),
    ]
    if found.rules:
        parts.append(_rules(found.rules, table))
    if found.months:
        rows = [
            (population.name, which, *_row(population)[1:])
            for pair in found.months
            for population, which in zip(pair, ("measured", "kept"), strict=True)
        ]
        parts.append(
            "<p>By month of the crawl.</p>" + table(("month", "", "documents", *_NAMES), rows)
        )
    return "".join([*parts, _flagged(database, table)])


def _rules(rules: list[RuleEffect], table: MakeTable) -> str:
    """The rules that something depends on; the others in one sentence."""
    decisive = [rule for rule in rules if rule.alone]
    others = len(rules) - len(decisive)
    if not decisive:
        return "<p>No rule drops what no other drops, so none alone changes what is kept.</p>"
    shared = f" {others} more drop only what others drop too." if others else ""
    return (
        "<p>What each rule does to what is kept: an effect below 0 makes it more alike."
        f"{shared}</p>"
    ) + table(
        ("reason", "dropped", "for it alone", "effect", *_NAMES),
        [
            (
                rule.reason,
                rule.dropped.documents,
                rule.alone,
                rule.effect,
                *(rule.change[figure.name] for figure in FIGURES),
            )
            for rule in decisive
        ],
    )


def _flagged(database: duckdb.DuckDBPyConnection, table: MakeTable) -> str:
    """Sites, shards and months far below the others of the run."""
    rows = database.execute(
        "SELECT level, name, pages, deviation, figure FROM diversity WHERE flagged "
        "ORDER BY deviation, level, name LIMIT $most",
        {"most": _MOST_ROWS},
    ).fetchall()
    if not rows:
        return "<p>No site, shard or month is far less diverse than the others of the run.</p>"
    return (
        "<p>Far less diverse than the others of the run, in robust standard deviations:</p>"
        + table(("level", "name", "documents", "deviation", "figure"), rows)
    )


def _row(population: Population) -> tuple[Any, ...]:
    figures = (population.figures[figure.name] for figure in FIGURES)
    return population.name, population.documents, *figures
