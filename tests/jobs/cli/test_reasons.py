"""`thresher reasons` prints what the reference pages say, without pages, a lake or a run."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from thresher.filters.errors import ConfigError
from thresher.jobs.cli import app
from thresher.jobs.docs.blocks import markdown
from thresher.jobs.docs.entries import entries, entry
from thresher.jobs.docs.pages import pages


def invoke(*arguments):
    return CliRunner().invoke(app, ["reasons", *arguments])


def test_all_are_listed():
    output = invoke().output
    listed = {line.split()[0] for line in output.splitlines() if line and not line[0].isspace()}
    assert listed == {"reason", *(each.reason for each in entries())}
    assert [row["reason"] for row in json.loads(invoke("--json").output)] == [
        each.reason for each in entries()
    ]


@pytest.mark.parametrize(
    ("name", "page"),
    [
        ("too_few_words", "reasons.md"),
        ("truncated_archive", "reasons.md"),
        ("menu_page", "junk.md"),
    ],
)
def test_one_is_explained_as_on_its_page(name, page):
    output, written = invoke(name).output, pages()[page]
    for block in map(markdown, entry(name).blocks):
        assert block in output
        assert block in written
    assert all(reason in output for reason in entry(name).related)
    facts = json.loads(invoke(name, "--json").output)
    assert facts["reason"] == name
    assert facts["reference"] == f"docs/{page}#{name}"
    assert all(shown in output for shown in facts["shown"])


def test_what_stands_in_braces_is_printed_with_it():
    output = invoke("words_too_long").output
    assert "{long:49 words}" in output
    assert "long: industrialisation" in output
    assert "verse:" not in output


def test_an_unknown_reason_names_the_nearest():
    found = invoke("too_few_wrds").exception
    assert isinstance(found, ConfigError)
    assert "Did you mean 'too_few_words'?" in str(found)
    assert "`thresher reasons` lists them" in str(invoke("x").exception)
