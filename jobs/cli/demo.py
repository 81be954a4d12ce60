"""`thresher demo`: the main job on a small crawl that the project writes itself."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import duckdb
import typer

from thresher.jobs.api.result import RunResult, result_of
from thresher.jobs.cli.asking import asked
from thresher.jobs.cli.common import EXIT_INCOMPLETE, errors, output
from thresher.jobs.cli.pasting import opening, pasted, thresher_command
from thresher.jobs.cli.run import print_result, with_run_options
from thresher.jobs.cli.tables import print_table
from thresher.jobs.progress import reporter_for
from thresher.jobs.sample import SampleCrawl, write_sample
from thresher.manifests.store import Store

_RECIPE = """\
# Written by `thresher demo`. Change it and run: {run}
name = "demo"
lake = "lake"

[input]
urls = ["crawl/*.warc.gz", "crawl/*.wet.gz", "crawl/*.jsonl.gz"]

[gates]
retain_fraction = 1.0  # keep every record that is turned away for a look; 0.01 is the default

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
        "Which records were no documents, and turned away before anything was measured?",
        "SELECT reason, count(*) AS records, min(left(url, 60)) AS example\n"
        "FROM quarantine GROUP BY reason ORDER BY records DESC, reason LIMIT 8",
    ),
    (
        "Which pages were copied most often, and which copy stayed?",
        "SELECT cluster_id, count(*) AS copies, count(*) FILTER (verdict = 'kept') AS kept,\n"
        "  any_value(url) FILTER (verdict = 'kept') AS survivor\n"
        "FROM documents JOIN decisions USING (shard, row)\n"
        "WHERE cluster_id IS NOT NULL GROUP BY cluster_id ORDER BY copies DESC, cluster_id LIMIT 5",
    ),
    (
        "Which sites are a model's or a template's, as no single page of them shows?",
        "SELECT name AS site, any_value(pages) AS pages,\n"
        "  count(*) FILTER (verdict = 'kept') AS kept,\n"
        "  count(*) FILTER ('machine_site' IN reasons) AS machine_site,\n"
        "  count(*) FILTER ('template_site' IN reasons) AS template_site,\n"
        "  count(*) FILTER (reasons IN (['machine_site'], ['template_site'])) AS for_it_alone\n"
        "FROM sites JOIN documents ON name = url_parts.registered_domain\n"
        "JOIN decisions USING (shard, row) GROUP BY name ORDER BY name",
    ),
    (
        "What would a stricter rule on length cost?",
        "SELECT words, count(*) FILTER (length.nonsymbol_words < words) AS would_drop\n"
        "FROM kept, (SELECT unnest([100, 200, 300, 400]) AS words) GROUP BY words ORDER BY words",
    ),
)

_SITE_RULES = (
    "SELECT why, name, any_value(pages), count(*), count(*) FILTER (len(reasons) = 1)\n"
    "FROM sites JOIN (SELECT url_parts.registered_domain AS name, reasons, unnest(reasons) AS why\n"
    "  FROM dropped) USING (name)\n"
    "WHERE why IN ('machine_site', 'template_site') GROUP BY why, name ORDER BY why, name"
)
_ALONE = (
    "SELECT reason, count(*) AS pages FROM dropped WHERE len(reasons) = 1 "
    "GROUP BY reason ORDER BY pages DESC"
)
_ONE_DROPPED = "SELECT url FROM dropped ORDER BY reasons <> ['machine_site'], id LIMIT 1"


def demo(
    folder: Annotated[Path, typer.Option(help="Where everything is written.")] = Path("demo"),
    workers: Annotated[int | None, typer.Option(help="Tasks at once.", min=1)] = None,
    in_process: Annotated[bool, typer.Option("--in-process", help="Without Ray.")] = False,
) -> None:
    """Write a small crawl, run the main job on it, look."""
    from thresher.classifiers.language import model_path
    from thresher.jobs.api.run import run_recipe
    from thresher.jobs.recipe import read_recipe

    model_path()  # if it is missing, that is said before anything is written
    crawl = write_sample(folder)
    _say(
        f"sample crawl: {len(crawl.truth)} records in {len(crawl.shards)} shards in "
        f"{crawl.shards[0].parent}, all of it invented"
    )
    recipe = folder / "recipe.toml"
    again = pasted("thresher", "run", recipe)
    recipe.write_text(_RECIPE.format(run=again), encoding="utf-8")
    wanted = with_run_options(read_recipe(recipe), workers, "", in_process)
    plan, record = run_recipe(wanted, reporter_for(errors), str(recipe))
    _ask(plan.store, record.run_id)
    _compare(plan.store, record.run_id, crawl)
    result = result_of(plan.store, record)
    print_result(result)
    _end(result, plan.store, recipe)
    if record.status != "complete":
        sys.exit(EXIT_INCOMPLETE)


def _say(line: str) -> None:
    output.print(line, markup=False, highlight=False)


def _answer(store: Store, run: str, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Names and rows."""

    def work(database: duckdb.DuckDBPyConnection) -> tuple[list[str], list[tuple[Any, ...]]]:
        result = database.execute(sql)
        return [column[0] for column in result.description or ()], result.fetchall()

    with asked(store, run=run) as ask:
        return ask(work)


def _ask(store: Store, run: str) -> None:
    """Some questions with their SQL and answers."""
    for question, sql in _QUESTIONS:
        names, found = _answer(store, run, sql)
        print_table(question, names, found, caption=sql)


def _compare(store: Store, run: str, crawl: SampleCrawl) -> None:
    """How the verdicts compare with what each page was written to be."""
    kept = {name for (name,) in _answer(store, run, "SELECT record_id FROM kept")[1]}
    copied = {t.copy_of for t in crawl.truth if t.fate == "duplicate" and t.record_id in kept}
    good = [truth for truth in crawl.truth if truth.fate == "kept"]
    found = sum(truth.record_id in kept or truth.url in copied for truth in good)
    junk = [truth for truth in crawl.truth if truth.fate == "dropped"]
    passed = sum(truth.record_id in kept for truth in junk)
    _say(
        f"against the truth: {found} of {len(good)} good pages kept (themselves or a copy), "
        f"{passed} of {len(junk)} junk pages kept"
    )
    for why, site, pages, dropped, alone in _answer(store, run, _SITE_RULES)[1]:
        _say(
            f"{why}: {dropped} of the {pages} pages of {site}, "
            f"{alone} of which no other rule would have dropped"
        )


def _end(result: RunResult, store: Store, recipe: Path) -> None:
    """Three commands that are worth typing, as they can be pasted."""
    _, rows = _answer(store, result.run_id, _ONE_DROPPED)
    url = rows[0][0] if rows else "URL"
    thresher, lake = thresher_command(), store.url()
    _say(f"recipe          {recipe.absolute()}, of which another run does only what changed")
    _say("\nNext: which reasons dropped a page alone, why one page was dropped, and the report.\n")
    _say(pasted(*thresher, "query", _ALONE, "--lake", lake))
    _say(pasted(*thresher, "explain", url, "--lake", lake))
    _say(opening(result.report))
