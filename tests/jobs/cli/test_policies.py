"""`thresher policies` gives the shipped policies, as files to start from."""

from __future__ import annotations

import json

import pytest
from calling import invoke

import thresher
from thresher.filters.errors import ConfigError
from thresher.filters.policy import (
    parse_policy,
    policy_to_mapping,
    shipped_policies,
    shipped_policy,
)


def test_all_are_listed():
    listed = [line.split()[:3] for line in invoke("policies", "list").output.splitlines()[1:]]
    found = [shipped_policy(name) for name in shipped_policies()]
    expected = [[each.name, str(each.version), str(len(each.rules))] for each in found]
    assert [row for row in listed if row[0] in shipped_policies()] == expected
    rows = json.loads(invoke("policies", "list", "--json").output)
    assert [row["name"] for row in rows] == list(shipped_policies())
    assert all(row["source"] for row in rows)


@pytest.mark.parametrize("name", shipped_policies())
def test_what_is_shown_is_the_policy(name):
    text = invoke("policies", "show", name).stdout
    assert parse_policy(text, "shown") == shipped_policy(name)
    assert text.startswith("#"), "the comments are left out"
    shown = json.loads(invoke("policies", "show", name, "--json").stdout)
    assert shown == json.loads(json.dumps(policy_to_mapping(shipped_policy(name))))


def test_a_bound_is_changed_in_a_file_of_ones_own(tmp_path):
    text = invoke("policies", "show", "gopher").stdout
    rule = 'reason = "too_few_words"'
    head, found, tail = text.partition(rule)
    assert found
    mine = tmp_path / "mine.toml"
    mine.write_text(head + found + tail.replace("below = 50", "below = 5", 1), "utf-8")
    measured = thresher.measure(["The old bridge fell into the river that was below it."])
    (shipped,) = thresher.judge(measured, "gopher")["reasons"].to_pylist()
    (changed,) = thresher.judge(measured, mine)["reasons"].to_pylist()
    assert "too_few_words" in shipped
    assert changed == [reason for reason in shipped if reason != "too_few_words"]


def test_an_unknown_policy_names_the_nearest():
    found = invoke("policies", "show", "web_en").exception
    assert isinstance(found, ConfigError)
    assert "Did you mean 'web-en'?" in str(found)
