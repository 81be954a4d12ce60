"""The headings of a report: every word in them that is Thresher's own says what it means."""

from __future__ import annotations

import ast
import re
from html import unescape
from pathlib import Path

import pytest
from typer.testing import CliRunner

from thresher.filters.policy import shipped_policies
from thresher.jobs import report
from thresher.jobs.cli import app
from thresher.jobs.docs.words import explained, meanings

PLAIN = {
    *("", "why left", "why", "look", "files", "read", "meaning", "what", "rows", "bytes", "month"),
    *("name", "decided by", "default", "what it measures", "this"),
}
"""What needs no explaining, where the words of Thresher are taken out."""


@pytest.fixture(scope="module")
def page(tmp_path_factory, sample):
    folder = tmp_path_factory.mktemp("report")
    listed = ", ".join(f'"{shard}"' for shard in sample.shards)
    recipe = folder / "recipe.toml"
    recipe.write_text(
        f'name = "report"\nlake = "lake"\n[input]\nurls = [{listed}]\n'
        "[run]\nallow_truncated = true\n"
    )
    result = CliRunner().invoke(app, ["run", str(recipe), "--in-process", "--quiet"])
    assert result.exit_code == 0, result.output
    return (folder / "lake" / "report.html").read_text()


def headings(page):
    """Titles of sections and columns, and the steps of the funnel, as HTML."""
    return [
        *re.findall(r"<h2>(.*?)</h2>", page),
        *re.findall(r"<th[^>]*>(.*?)</th>", page),
        *re.findall(
            r"<tr><td>((?:(?!</td>).)*)</td><td class=n>[\d,]+</td><td class=n>[\d.]+%", page
        ),
    ]


def unexplained(heading):
    rest = re.sub(r"<abbr .*?</abbr>", " ", heading)
    words = re.sub(r"[\s,]+", " ", unescape(rest)).strip().lower()
    return "" if words in PLAIN else words


def test_every_word_is_explained(page):
    found = headings(page)
    assert len(set(found)) > 30
    policies = {*shipped_policies(), "this run"}
    strange = {
        rest
        for heading in found
        if not set(unescape(re.sub(r"<.*?>", "", heading)).split(", ")) <= policies
        and (rest := unexplained(heading))
    }
    assert strange == set()
    for step in ("gated", "emptied by transforms", "curated"):
        assert f'title="{meanings()[step]}">{step}</abbr></td>' in page


def stated():
    """The headings in the source, also of tables that this report has not."""
    for path in Path(report.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
                names = {"table": ast.Tuple, "_table": ast.Tuple, "explained": ast.Constant}
                if isinstance(node.args[0], names.get(node.func.id, ())):
                    parts = ast.walk(node.args[0])
                    yield from (part.value for part in parts if isinstance(part, ast.Constant))


def test_so_is_every_word_of_tables_that_this_report_has_not():
    found = set(stated())
    assert {"deviation", "for it alone", "curated shard", "Why records left"} <= found
    assert [heading for heading in found if unexplained(explained(heading))] == []


def test_the_keyboard_reaches_what_a_pointer_does(page):
    assert page.count("<abbr") == page.count('<abbr tabindex="0" title="') > 50
    assert "abbr:focus::after { content: attr(title);" in page


def test_texts_of_the_web_are_no_headings(page):
    """What pages say is shown as it is, and so is all of a sample."""
    quotes = re.findall(r"<blockquote>(.*?)</blockquote>", page, re.DOTALL)
    assert quotes
    assert not any("<abbr" in quote for quote in quotes)
