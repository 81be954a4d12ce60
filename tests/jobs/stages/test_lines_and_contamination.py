"""Repeated lines and contamination in a whole job: measured, judged by, removed, explained."""

from __future__ import annotations

import json

import pytest

from thresher.filters.errors import ConfigError
from thresher.filters.policy import policy_from_mapping
from thresher.jobs.executor import InProcess
from thresher.jobs.plan import make_plan
from thresher.jobs.progress import Silent
from thresher.jobs.recipe import read_recipe
from thresher.jobs.run import execute
from thresher.manifests import catalog
from thresher.manifests.layout import CONTAMINATION
from thresher.manifests.manifest import load_all
from thresher.manifests.run import load_runs
from thresher.pipeline.inspect.explain import explain

POLICY = """
name = "lines"
version = 1

[[rules]]
reason = "mostly_furniture"
signal = "repeated_lines.run_word_fraction"
above = 0.9
missing = "keep"
meaning = "Nearly all of it is in many other documents."
"""


def write_recipe(tmp_path, extra: str, pages: int = 20):
    """A site with a header on every page, and one page of nothing else."""
    rows = [
        {
            "id": str(n),
            "url": f"https://www.site.com/{n}",
            "text": f"Our menu\n\nPage {chr(97 + n)} has a text of its own.\n\nAll rights reserved",
        }
        for n in range(pages)
    ]
    rows.append({"id": "x", "url": "https://www.site.com/x", "text": "Our menu"})
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / "pages.jsonl").write_text(lines)
    (tmp_path / "policy.toml").write_text(POLICY)
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(
        f"""name = "t"\nlake = "lake"\n[input]\nurls = ["pages.jsonl"]
        [gates]\nlanguages = []\nmin_characters = 0\n[judge]\npolicy = "policy.toml"\n{extra}"""
    )
    return recipe


def run(recipe):
    plan = make_plan(read_recipe(recipe))
    assert execute(plan, InProcess(), Silent()).status == "complete"
    return plan.store


def test_headers_go_and_a_page_of_headers_is_dropped(tmp_path):
    extra = '[lines]\nenabled = true\n[curated]\ntransforms = ["repeated_lines"]\n'
    store = run(write_recipe(tmp_path, extra))
    with catalog.connect(store) as database:
        query = "SELECT reason, count(*) FROM decisions GROUP BY 1 ORDER BY 2"
        assert database.execute(query).fetchall() == [("mostly_furniture", 1), (None, 20)]
        query = "SELECT text, lines_removed FROM curated ORDER BY id LIMIT 100"
        texts = database.execute(query).fetchall()
        assert {removed for _, removed in texts} == {4}
        assert all(t.startswith("Page") and t.endswith("of its own.") for t, _ in texts)
        query = (
            "SELECT repeated_lines.site_line_fraction, text FROM measured WHERE text LIKE '% a %'"
        )
        assert database.execute(query).fetchone()[0] == pytest.approx(2 / 3)


def test_without_them_their_signals_are_null(tmp_path):
    store = run(write_recipe(tmp_path, ""))
    with catalog.connect(store) as database:
        query = "SELECT count(*), count(repeated_lines.head_lines) FROM measured"
        assert database.execute(query).fetchone() == (21, 0)


def test_the_transform_needs_the_measuring(tmp_path):
    recipe = write_recipe(tmp_path, '[curated]\ntransforms = ["repeated_lines"]\n')
    with pytest.raises(ConfigError, match=r"'repeated_lines' needs `lines.enabled = true`"):
        read_recipe(recipe)


EVALUATION = """
[[decontaminate]]
name = "riddles"
path = "riddles.jsonl"
fields = ["question"]
[curated]
transforms = ["cut_contamination"]
"""
RIDDLE = (
    "A farmer has seventeen sheep, and all but nine of them run away in the night. How many of "
    "the sheep does the farmer have left in the morning?"
)


def test_contamination_is_measured_cut_and_explained(tmp_path):
    recipe = write_recipe(tmp_path, EVALUATION, pages=1)
    (tmp_path / "riddles.jsonl").write_text(json.dumps({"question": RIDDLE}))
    prose = "It was a long walk home. " * 20
    page = {"id": "r", "url": "https://a.com/r", "text": f"{prose}\n{RIDDLE.upper()}\n{prose}"}
    with (tmp_path / "pages.jsonl").open("a") as file:
        file.write(json.dumps(page))
    store = run(recipe)
    with catalog.connect(store) as database:
        query = "SELECT contamination.set, contamination.coverage FROM documents ORDER BY url"
        rows = database.execute(query).fetchall()
        assert rows == [("riddles", 1.0), (None, 0.0), (None, 0.0)]
        text = database.execute("SELECT text FROM curated WHERE url LIKE '%/r'").fetchone()[0]
        assert text.startswith("It was a long walk home.")
        assert "SHEEP" not in text
        assert text.count("\n\n") == 1
        policy = policy_from_mapping(load_runs(store)[-1].policy, "x")
        found = explain(database, "https://a.com/r", policy)
        assert found.matched == {"set": "riddles", "item": 0, "text": RIDDLE.upper()[:-1]}
    recipe.write_text(recipe.read_text().replace("policy.toml", "web-en"))
    with catalog.connect(run(recipe)) as database:
        query = "SELECT url FROM dropped WHERE list_contains(reasons, 'contaminated')"
        assert database.execute(query).fetchall() == [("https://a.com/r",)]
    (tmp_path / "riddles.jsonl").write_text(json.dumps({"question": RIDDLE + " Why?"}))
    other = make_plan(read_recipe(recipe))
    assert other.measured() != {}
    assert load_all(store, CONTAMINATION, other.marks[CONTAMINATION]) == {}


def test_the_cut_needs_an_evaluation_set(tmp_path):
    recipe = write_recipe(tmp_path, '[curated]\ntransforms = ["cut_contamination"]\n')
    with pytest.raises(ConfigError, match=r"'cut_contamination' needs a `\[\[decontaminate\]\]`"):
        read_recipe(recipe)
