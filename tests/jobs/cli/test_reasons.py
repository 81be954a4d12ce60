"""`thresher reasons` prints what the reference pages say, without pages, a lake or a run."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from thresher.filters.errors import ConfigError
from thresher.filters.policy import DUPLICATE_REASONS, shipped_policies, shipped_policy
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


POLICY = """
name = "mine"
version = 1
[[rules]]
reason = "too_few_words"
signal = "length.nonsymbol_words"
below = 77
[rules.by_language]
de = { below = 60 }
[[rules]]
reason = "my_own"
meaning = "Mine, [bold] alone."
all = [
  { signal = "scores.helpful", below = 0.2 },
  { signal = "guests.regex", in = ["a", "b"] },
]
missing = "drop"
[duplicates]
drop = ["near"]
"""


@pytest.fixture
def mine(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(POLICY)
    return str(path)


def test_a_policy_lists_its_reasons_in_order_with_its_bounds(mine, monkeypatch):
    monkeypatch.setattr("thresher.jobs.cli.reasons.output._width", 300)
    lines = invoke("--policy", mine).output.splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["too_few_words", "my_own", "near_duplicate"]
    assert "length.nonsymbol_words < 77; de: below 60" in lines[1]
    assert "Mine, [bold] alone." in lines[2]
    assert "scores.helpful < 0.2 and guests.regex in a, b" in lines[2]
    for name in shipped_policies():
        policy = shipped_policy(name)
        found = [row["reason"] for row in json.loads(invoke("--policy", name, "--json").output)]
        copies = [DUPLICATE_REASONS[kind] for kind in policy.duplicates.drop]
        assert found == [*(rule.reason for rule in policy.rules), *copies]


def test_a_reason_has_the_bounds_of_the_policy_and_no_others(mine):
    found = invoke("too_few_words", "--policy", mine).output
    assert "| signal | what it measures | mine |" in found
    assert "| < 77 |" in found
    assert "By language, mine: de: below 60." in found
    assert "< 50" not in found
    assert "Fewer words than a document needs." in found
    # Examples are of the shipped bound, which is another.
    assert "at 49" not in found
    assert "examples are of theirs" in found
    found = invoke("too_few_words", "--policy", "gopher").output
    assert "| signal | what it measures | gopher |" in found
    assert "at 49" in found
    assert "examples are of theirs" not in found


def test_a_reason_of_ones_own_is_explained_as_far_as_the_policy_does(mine):
    found = invoke("my_own", "--policy", mine).output
    assert "Mine, [bold] alone." in found
    assert "| `scores.helpful` | The score of a model or callable of the recipe. | < 0.2 |" in found
    assert "Where it is undefined, mine: drop." in found
    facts = json.loads(invoke("my_own", "--policy", mine, "--json").output)
    assert (facts["kind"], facts["policies"], facts["reference"]) == ("rule", ["mine"], "")


def test_what_a_policy_does_not_give_is_said(mine):
    assert "is not one of the policy 'c4'" in str(invoke("my_own", "--policy", "c4").exception)
    found = str(invoke("x", "--policy", mine).exception)
    assert "Valid: my_own, near_duplicate, too_few_words." in found
    assert "Did you mean 'gopher'?" in str(invoke("--policy", "gophr").exception)
    assert "cannot be read" in str(invoke("--policy", "none.toml").exception)
