"""Sites in a whole run: a policy that uses them, the views, the command and the report."""

from __future__ import annotations

import gzip
import json

import duckdb
import pytest
from typer.testing import CliRunner

from thresher.filters.errors import StoreError
from thresher.jobs.cli import app
from thresher.jobs.executor import InProcess
from thresher.jobs.plan import make_plan
from thresher.jobs.progress import Silent
from thresher.jobs.recipe import read_recipe
from thresher.jobs.report.diversity import _flagged
from thresher.jobs.report.page import PATH, _table
from thresher.jobs.run import execute
from thresher.jobs.sample.page import text_of
from thresher.manifests import catalog
from thresher.pipeline.inspect.diversity import compare

POLICY = """
name = "by-site"
version = 1

[[rules]]
reason = "template_site"
meaning = "One template explains most of the site."
signal = "site.template_fraction"
above = 0.5

[[rules]]
reason = "about_towns"
meaning = "Only there to see a rule that takes a whole kind of text away."
signal = "url_parts.path_depth"
above = 1

[[rules]]
reason = "collapsed_shard"
meaning = "The shard is far less diverse than the others of the run."
signal = "collapse.shard_deviation"
below = -1000.0

[duplicates]
drop = ["exact"]
"""


def pages():
    """Two sites of articles, one of a template, one page alone on its site."""
    rows = []
    for k in range(24):
        kind, place = ("town", "/towns") if k % 3 == 0 else ("science", "")
        text = text_of(kind, 1, index=k).body
        rows.append({"url": f"https://www.good{k % 2}.com{place}/page-{k}", "text": text})
    fixed = text_of("essay", 2, index=1).body
    rows += [
        {"url": f"https://doorway.com/p-{k}", "text": f"{fixed}\nPage {k * 37} of the list."}
        for k in range(10)
    ]
    rows.append({"url": "https://alone.com/p-1", "text": f"{fixed}\nAnother one."})
    for k, row in enumerate(rows):
        row |= {"id": str(k), "date": f"2024-0{1 + k % 2}-03"}
    return rows


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sites")
    rows = pages()
    for number in range(3):
        with gzip.open(folder / f"{number}.jsonl.gz", "wt") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows[number::3])
    (folder / "policy.toml").write_text(POLICY)
    recipe = folder / "recipe.toml"
    recipe.write_text(
        'name = "sites"\nlake = "lake"\n[input]\nurls = ["*.jsonl.gz"]\n'
        '[dedup]\nnear = false\n[judge]\npolicy = "policy.toml"\n'
    )
    plan = make_plan(read_recipe(recipe))
    record = execute(plan, InProcess(), Silent())
    assert (record.status, record.failures) == ("complete", [])
    return plan.store, record, recipe


def test_a_policy_drops_a_site_of_one_template_and_keeps_the_page_that_is_alone(finished):
    store, _, _ = finished
    with catalog.connect(store) as database:
        rows = database.execute(
            "SELECT url, reasons FROM documents JOIN decisions USING (shard, row)"
        ).fetchall()
        (counted,) = database.execute(
            "SELECT pages FROM sites WHERE name = 'doorway.com'"
        ).fetchall()
        explained = database.execute(
            "SELECT min(site.page_template_fraction) FROM measured WHERE url LIKE '%doorway%'"
        ).fetchone()
    reasons = {url: tuple(why) for url, why in rows}
    doorway = {why for url, why in reasons.items() if "doorway" in url}
    assert doorway == {("template_site",)}
    assert reasons["https://alone.com/p-1"] == ()
    assert {why for url, why in reasons.items() if "good" in url} == {(), ("about_towns",)}
    assert counted == (10,)
    assert explained[0] > 0.5


def test_nothing_is_done_twice(finished):
    store, record, recipe = finished
    files = set(store.sizes(""))
    again = execute(make_plan(read_recipe(recipe)), InProcess(), Silent())
    assert again.fingerprints == record.fingerprints
    assert set(store.sizes("")) == files


def test_diversity_shows_which_rule_reduces_it(finished):
    store, _, _ = finished
    with catalog.connect(store) as database:
        found = compare(database, 20_000)
    rules = {rule.reason: rule for rule in found.rules}
    assert set(rules) == {"template_site", "about_towns"}
    assert rules["template_site"].alone == 10
    assert rules["template_site"].effect > 0
    growth = "growth_exponent"
    assert rules["template_site"].dropped.figures[growth] < found.kept.figures[growth]
    assert rules["about_towns"].change[growth] < 0
    assert found.rules[0].reason == "about_towns"
    assert found.measured.documents == found.measured.compared == 35
    assert [before.name for before, _ in found.months] == ["2024-01", "2024-02"]
    assert sum(before.documents for before, _ in found.months) == 35
    assert sum(after.documents for _, after in found.months) == found.kept.documents


def test_a_sample_of_the_documents_is_enough(finished):
    store, _, _ = finished
    with catalog.connect(store) as database:
        found = compare(database, 16)
    assert found.measured.documents == 35
    assert 4 < found.measured.compared < 30


def test_the_command_prints_tables_and_json(finished):
    store, _, _ = finished
    shown = CliRunner().invoke(app, ["diversity", store.url()])
    assert shown.exit_code == 0
    assert "about_towns" in shown.stdout
    printed = CliRunner().invoke(app, ["diversity", store.url(), "--json"])
    found = json.loads(printed.stdout)
    assert found["kept"]["documents"] + 18 == found["measured"]["documents"]


def test_the_view_and_the_report(finished):
    store, _, _ = finished
    with catalog.connect(store) as database:
        rows = database.execute("SELECT level, count(*) FROM diversity GROUP BY 1").fetchall()
        sites = database.execute("SELECT name FROM sites").fetchall()
        domains = database.execute(
            "SELECT DISTINCT url_parts.registered_domain FROM documents"
        ).fetchall()
    assert dict(rows) == {"site": 3, "shard": 3, "month": 2}
    assert sites
    assert set(sites) <= set(domains)  # neither shards nor months
    report = store.read_bytes(PATH).decode()
    assert ">Diversity</abbr></h2>" in report
    assert "<td>about_towns</td>" in report


def test_what_a_report_shows_is_escaped():
    with duckdb.connect() as database:
        database.execute(
            "CREATE TABLE diversity AS SELECT 'site' AS level, '<script>x</script>' AS name, "
            "9 AS pages, -9.0 AS deviation, 'growth_exponent' AS figure, true AS flagged"
        )
        section = _flagged(database, _table)
    assert "&lt;script&gt;" in section
    assert "<script>" not in section


def test_a_lake_without_decisions_says_what_to_do():
    with duckdb.connect() as database, pytest.raises(StoreError, match="thresher run"):
        compare(database, 100)
