"""`thresher demo`: the main job on a small crawl that the project writes itself."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import duckdb
import typer
from rich.table import Table

from thresher.jobs.api.result import result_of
from thresher.jobs.cli.asking import asked
from thresher.jobs.cli.common import EXIT_INCOMPLETE, errors, output, shown
from thresher.jobs.cli.run import print_result, with_run_options
from thresher.jobs.progress import reporter_for
from thresher.jobs.sample import SampleCrawl, write_sample
from thresher.manifests.store import Store

_RECIPE = """\
# Written by `thresher demo`. Change it and run: thresher run {file}
name = "demo"
lake = "lake"

[input]
urls = ["crawl/*.warc.gz", "crawl/*.wet.gz", "crawl/*.jsonl.gz"]

[curated]
validation_fraction = 0.05

[run]
allow_truncated = true  # the last shard is cut short on purpose
"""

_QUESTIONS = (
    (
        "Why were documents dropped?",
        "SELECT reason, count(*) AS documents, min(left(text, 60)) AS example\n"
        "FROM dropped GROUP BY reason ORDER BY documents DESC, reason LIMIT 8",
    ),
    (
        "Which pages were copied most often, and which copy stayed?",
        "SELECT cluster_id, count(*) AS copies, count(*) FILTER (verdict = 'kept') AS kept,\n"
        "  any_value(url) FILTER (verdict = 'kept') AS survivor\n"
        "FROM documents JOIN decisions USING (shard, row)\n"
        "WHERE cluster_id IS NOT NULL GROUP BY cluster_id ORDER BY copies DESC, cluster_id LIMIT 5",
    ),
    (
        "What would a stricter rule on length cost?",
        "SELECT words, count(*) FILTER (length.nonsymbol_words < words) AS would_drop\n"
        "FROM kept, (SELECT unnest([100, 200, 300, 400]) AS words) GROUP BY words ORDER BY words",
    ),
)


def demo(
    folder: Annotated[Path, typer.Option(help="Where everything is written.")] = Path("demo"),
    workers: Annotated[int | None, typer.Option(help="Tasks at once.", min=1)] = None,
    in_process: Annotated[bool, typer.Option("--in-process", help="Without Ray.")] = False,
) -> None:
    """Write a small crawl, run the main job on it, look."""
    from thresher.classifiers.language import model_path
    from thresher.jobs.api.run import run_plan
    from thresher.jobs.plan import make_plan
    from thresher.jobs.recipe import read_recipe

    model_path()  # if it is missing, that is said before anything is written
    crawl = write_sample(folder)
    output.print(
        f"sample crawl: {len(crawl.truth)} records in {len(crawl.shards)} shards in "
        f"{crawl.shards[0].parent}",
        markup=False,
        highlight=False,
    )
    recipe = folder / "recipe.toml"
    recipe.write_text(_RECIPE.format(file=recipe), encoding="utf-8")
    plan = make_plan(with_run_options(read_recipe(recipe), workers, "", in_process), str(recipe))
    record = run_plan(plan, reporter_for(errors))
    _ask(plan.store, record.run_id)
    _compare(plan.store, record.run_id, crawl)
    print_result(result_of(plan.store, record))
    example = "SELECT url, length.words, reasons FROM dropped LIMIT 5"
    output.print(
        f"\nNext: export THRESHER_LAKE={plan.store.url()}\n"
        f"      thresher explain {_an_id(plan.store, record.run_id)}\n"
        f'      thresher query "{example}"\n'
        f"      edit {recipe}, then: thresher run {recipe}  (only what changed is done)",
        markup=False,
        highlight=False,
    )
    if record.status != "complete":
        sys.exit(EXIT_INCOMPLETE)


def _an_id(store: Store, run: str) -> str:
    _, ((found,),) = _answer(store, run, "SELECT min(id) FROM dropped WHERE len(reasons) > 1")
    return str(found or "ID")


def _answer(store: Store, run: str, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Names and rows."""

    def work(database: duckdb.DuckDBPyConnection) -> tuple[list[str], list[tuple[Any, ...]]]:
        result = database.execute(sql)
        return [column[0] for column in result.description or ()], result.fetchall()

    with asked(store, run=run) as ask:
        return ask(work)


def _ask(store: Store, run: str) -> None:
    """Three questions with their SQL and answers."""
    for question, sql in _QUESTIONS:
        names, rows = _answer(store, run, sql)
        table = Table(title=question, title_justify="left", caption=sql, caption_justify="left")
        for name in names:
            table.add_column(name, overflow="fold")
        for row in rows:
            table.add_row(*(shown(value, 70).replace("[", "\\[") for value in row))
        output.print(table)


def _compare(store: Store, run: str, crawl: SampleCrawl) -> None:
    """How the verdicts compare with what each page was written to be."""
    kept = {name for (name,) in _answer(store, run, "SELECT record_id FROM kept")[1]}
    copied = {t.copy_of for t in crawl.truth if t.fate == "duplicate" and t.record_id in kept}
    good = [truth for truth in crawl.truth if truth.fate == "kept"]
    found = sum(truth.record_id in kept or truth.url in copied for truth in good)
    junk = [truth for truth in crawl.truth if truth.fate == "dropped"]
    passed = sum(truth.record_id in kept for truth in junk)
    output.print(
        f"against the truth: {found} of {len(good)} good pages kept (themselves or a copy), "
        f"{passed} of {len(junk)} junk pages kept",
        markup=False,
        highlight=False,
    )
