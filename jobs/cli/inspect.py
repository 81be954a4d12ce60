"""`thresher query`, `explain` and `catalog rebuild`."""

from __future__ import annotations

import csv
import sys
from typing import Annotated, Any

import duckdb
import msgspec
import typer
from rich.text import Text

from thresher.filters.errors import ConfigError
from thresher.jobs.api.lake import TABLES_HINT, explained_document, store_of
from thresher.jobs.cli.asking import asked
from thresher.jobs.cli.common import (
    JsonFlag,
    LakeArgument,
    LakeOption,
    RunOption,
    as_typed,
    output,
    print_json,
    shown,
)
from thresher.jobs.cli.tables import cell, print_table
from thresher.manifests import catalog
from thresher.pipeline.inspect.difference import Difference
from thresher.pipeline.inspect.explain import Explanation, RuleResult


def query(
    sql: Annotated[
        str, typer.Argument(help="SQL over the catalog; read-only.", show_default=False)
    ],
    lake: LakeOption = "lake",
    run: RunOption = "",
    as_json: JsonFlag = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    limit: Annotated[int, typer.Option(help="Most rows a table shows; 0 shows all.", min=0)] = 50,
    timeout: Annotated[
        float, typer.Option(help="Seconds after which it is stopped; 0 sets no limit.", min=0)
    ] = 3600,
    memory: Annotated[
        str, typer.Option(help="Memory it may take before it goes to disk: 4GB, or 50% of all.")
    ] = "50%",
) -> None:
    """Ask the catalog. Views: documents, kept, dropped, decisions, duplicates, quarantine, funnel,
    reasons, measured (with the signals of the whole run), sites, diversity, funnels (of all runs);
    a signal is family.name, as in length.words. Nothing is changed and nothing outside the lake is
    read; its files are lake://PATH.
    """  # noqa: D205 - typer shows the whole text
    sql = as_typed(sql)
    if as_json and as_csv:
        raise ConfigError("query", "--json and --csv exclude each other.")
    most = 0 if as_json else limit
    with asked(store_of(lake), memory, run) as ask:
        names, rows = ask(lambda database: _answer(database, sql, as_csv, most), timeout)
    if as_csv:
        return
    if as_json:
        print_json([dict(zip(names, row, strict=True)) for row in rows])
        return
    print_table("", names, rows[:limit] if limit else rows, upright=True)
    if limit and len(rows) > limit:
        output.print(f"... more than {limit} rows; --limit 0 shows all", highlight=False)


def _answer(
    database: duckdb.DuckDBPyConnection, sql: str, as_csv: bool, limit: int
) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Names and rows of an answer, one row more than `limit` if there is one; CSV is printed."""
    try:
        catalog.check_question(database, sql)
        result = database.execute(sql)
        names = [column[0] for column in result.description or ()]
        if as_csv:
            writer = csv.writer(sys.stdout, lineterminator="\n")
            writer.writerow(names)
            while rows := result.fetchmany(1000):
                writer.writerows(rows)
            return names, []
        return names, result.fetchmany(limit + 1) if limit else result.fetchall()
    except (duckdb.PermissionException, duckdb.IOException, duckdb.InterruptException):
        raise
    except duckdb.OutOfMemoryException as error:
        problem = "needs more memory, or more disk to spill to, than it may take."
        raise ConfigError("query", problem, "--memory sets how much, such as 8GB.") from error
    except duckdb.Error as error:
        unknown = isinstance(error, duckdb.BinderException | duckdb.CatalogException)
        hint = f"\n{TABLES_HINT}" if unknown else ""
        raise ConfigError("query", catalog.plain(error), hint) from error


def explain(
    document: Annotated[str, typer.Argument(help="Its id, record id or URL.", show_default=False)],
    lake: LakeOption = "lake",
    run: RunOption = "",
    as_json: JsonFlag = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Show the rules that it passes and all signals, too.")
    ] = False,
) -> None:
    """Why a document was kept or dropped: the rules it meets, with thresholds and values, all
    reasons and the copies. JSON always has every rule and every signal.
    """  # noqa: D205 - typer shows the whole text
    document = as_typed(document)
    with asked(store_of(lake), run=run) as ask:
        found = ask(lambda database: explained_document(database, document))
    if as_json:
        print_json(msgspec.to_builtins(found))
    elif found.quarantine:
        _print_facts("not a document", found.quarantine)
        _print_references(found)
        _print_text(found.text)
    else:
        _print_explanation(found, everything)


def rebuild(
    lake: LakeArgument = "lake",
) -> None:
    """Make the catalog again from the manifests; nothing else is read or changed."""
    store = store_of(lake)
    catalog.build(store)
    output.print(f"catalog  {store.url(catalog.PATH)}", markup=False, highlight=False)


def _print_explanation(found: Explanation, everything: bool) -> None:
    _print_facts("document", found.provenance)
    decision = found.decision if everything else _stated(found.decision)
    _print_facts("decision", {name: _listed(value) for name, value in decision.items()})
    _print_rules(found.rules, everything)
    _print_references(found)
    if everything:
        _print_facts("signals", found.signals)
    if found.duplicates:
        members = [tuple(member.values()) for member in found.duplicates]
        print_table("others of its cluster", list(found.duplicates[0]), members, upright=True)
    if found.matched:
        _print_facts("longest text in common with an evaluation set", found.matched)
    if found.difference:
        _print_difference(found.difference)
    _print_text(found.text)


def _print_rules(rules: list[RuleResult], everything: bool) -> None:
    chosen = [rule for rule in rules if everything or rule.drops is not False]
    if chosen:
        verdict = {True: "DROPS", False: "passes", None: "undefined"}
        names = ("drops", "reason", "drop if (value)", "if undefined")
        rows = [
            (verdict[rule.drops], rule.reason, _lines(rule.tests), rule.missing) for rule in chosen
        ]
        print_table("rules, in order", names, rows)
    if hidden := len(rules) - len(chosen):
        others = f"{hidden} {'other ' if chosen else ''}rules"
        output.print(f"It passes {others}: --all shows them, and all signals.", highlight=False)


def _print_references(found: Explanation) -> None:
    if found.references:
        _print_facts("explained by `thresher reasons NAME`, and at", dict(found.references))


def _stated(facts: dict[str, object]) -> dict[str, object]:
    """Facts without those that are NULL or empty."""
    return {name: value for name, value in facts.items() if value not in (None, [])}


def _listed(value: object) -> object:
    return ", ".join(map(str, value)) if isinstance(value, list) else value


def _print_difference(found: Difference) -> None:
    title = f"differences from {found.id}, in {found.compared_words} words"
    if not found.changes:
        output.print(f"{title}: none", markup=False, highlight=False)
        return
    names = ("after", "this document has", "the other has")
    rows = [(change.after, change.mine, change.theirs) for change in found.changes]
    print_table(title, names, rows)
    if found.further:
        output.print(f"... and {found.further} more", highlight=False)


def _print_facts(title: str, facts: dict[str, object]) -> None:
    rows = [(name, "NULL" if value is None else value) for name, value in facts.items()]
    print_table(title, ("name", "value"), rows, header=False)


def _print_text(text: str) -> None:
    output.print("text:", highlight=False)
    for line in text.splitlines():
        output.print("  " + shown(line, 1000), markup=False, highlight=False)


def _lines(values: list[str]) -> Text:
    """Values for one cell, each in a line of its own."""
    return Text("\n").join(cell(value) for value in values)
