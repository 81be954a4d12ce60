"""`thresher query`, `explain` and `catalog rebuild`."""

from __future__ import annotations

import csv
import sys
from typing import Annotated

import duckdb
import msgspec
import typer
from rich.table import Table

from filters.errors import ConfigError
from filters.policy import policy_from_mapping
from jobs.cli.common import JsonFlag, LakeOption, lake_of, output, print_json, shown
from manifests import catalog
from manifests.run import find_run
from pipeline.difference import Difference
from pipeline.explain import Explanation
from pipeline.explain import explain as explain_document


def query(
    sql: Annotated[
        str, typer.Argument(help="SQL over the catalog; read-only.", show_default=False)
    ],
    lake: LakeOption = "lake",
    as_json: JsonFlag = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    limit: Annotated[int, typer.Option(help="Most rows a table shows; 0 shows all.", min=0)] = 50,
) -> None:
    """Ask the catalog. Views: documents, kept, dropped, decisions, duplicates, quarantine, funnel,
    reasons, measured (with the signals of the whole run), sites, diversity; a signal is
    family.name, as in length.words.
    """  # noqa: D205 - typer shows the whole text
    with catalog.connect(lake_of(lake)) as database:
        try:
            result = database.execute(sql)
            names = [column[0] for column in result.description or ()]
            if as_csv:
                writer = csv.writer(sys.stdout)
                writer.writerow(names)
                while rows := result.fetchmany(1000):
                    writer.writerows(rows)
                return
            rows = result.fetchall() if as_json or not limit else result.fetchmany(limit + 1)
        except duckdb.Error as error:
            raise ConfigError(
                "query",
                str(error).strip(),
                'Tables and columns: thresher query "SELECT table_name, column_name '
                'FROM information_schema.columns"',
            ) from error
    if as_json:
        print_json([dict(zip(names, row, strict=True)) for row in rows])
        return
    table = Table()
    for name in names:
        table.add_column(name, overflow="fold")
    cut = bool(limit) and len(rows) > limit
    for row in rows[:limit] if limit else rows:
        table.add_row(*(_cell(value) for value in row))
    output.print(table)
    if cut:
        output.print(f"... more than {limit} rows; --limit 0 shows all", highlight=False)


def explain(
    document: Annotated[str, typer.Argument(help="Its id, record id or URL.", show_default=False)],
    lake: LakeOption = "lake",
    as_json: JsonFlag = False,
) -> None:
    """Why a document was kept or dropped: every signal, rule, threshold and reason."""
    store = lake_of(lake)
    policy = policy_from_mapping(find_run(store).policy, "the run's policy")
    with catalog.connect(store) as database:
        found = explain_document(database, document, policy)
    if as_json:
        print_json(msgspec.to_builtins(found))
    elif found.quarantine:
        _print_facts("not a document", found.quarantine)
        _print_text(found.text)
    else:
        _print_explanation(found)


def rebuild(
    lake: Annotated[str, typer.Argument(help="Folder or URL of the lake, or a recipe.")] = "lake",
) -> None:
    """Make the catalog again from the manifests; nothing else is read or changed."""
    store = lake_of(lake)
    catalog.build(store)
    output.print(f"catalog  {store.url(catalog.PATH)}", markup=False, highlight=False)


def _print_explanation(found: Explanation) -> None:
    _print_facts("document", found.provenance)
    _print_facts("decision", found.decision)
    rules = Table(title="rules, in order", title_justify="left")
    for name in ("drops", "reason", "drop if (value)", "if undefined"):
        rules.add_column(name, overflow="fold")
    for rule in found.rules:
        verdict = {True: "DROPS", False: "passes", None: "undefined"}[rule.drops]
        rules.add_row(verdict, rule.reason, _cell(" and ".join(rule.tests)), rule.missing)
    output.print(rules)
    _print_facts("signals", found.signals)
    if found.duplicates:
        table = Table(title="others of its cluster", title_justify="left")
        for name in found.duplicates[0]:
            table.add_column(name, overflow="fold")
        for member in found.duplicates:
            table.add_row(*(_cell(value) for value in member.values()))
        output.print(table)
    if found.matched:
        _print_facts("longest text in common with an evaluation set", found.matched)
    if found.difference:
        _print_difference(found.difference)
    _print_text(found.text)


def _print_difference(found: Difference) -> None:
    title = f"differences from {found.id}, in {found.compared_words} words"
    if not found.changes:
        output.print(f"{title}: none", markup=False, highlight=False)
        return
    table = Table(title=_cell(title), title_justify="left")
    for name in ("after", "this document has", "the other has"):
        table.add_column(name, overflow="fold")
    for change in found.changes:
        table.add_row(*(_cell(text) for text in (change.after, change.mine, change.theirs)))
    output.print(table)
    if found.further:
        output.print(f"... and {found.further} more", highlight=False)


def _print_facts(title: str, facts: dict[str, object]) -> None:
    table = Table(title=title, title_justify="left", show_header=False)
    for _ in range(2):
        table.add_column(overflow="fold")
    for name, value in facts.items():
        table.add_row(name, "NULL" if value is None else _cell(value))
    output.print(table)


def _print_text(text: str) -> None:
    output.print("text:", highlight=False)
    for line in text.splitlines():
        output.print("  " + shown(line, 1000), markup=False, highlight=False)


def _cell(value: object) -> str:
    """A value for a table: safe to show, its square brackets not taken for markup."""
    return shown(value).replace("[", "\\[")
