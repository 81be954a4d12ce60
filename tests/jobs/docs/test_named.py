"""Each thing that a person can name says what it is, and stands on its page."""

from __future__ import annotations

import pytest

from thresher.filters.junk.examples import examples
from thresher.filters.policy import RESERVED_MEANINGS, shipped_policies, shipped_policy
from thresher.filters.policy.published import published
from thresher.filters.signals import names
from thresher.jobs.docs.named import named
from thresher.jobs.docs.pages import pages
from thresher.pipeline.inspect.reasons import stage_reasons
from thresher.pipeline.read import REASONS

THINGS = tuple(named())


@pytest.fixture(scope="module")
def written():
    return pages()


@pytest.mark.parametrize("thing", THINGS, ids=lambda thing: f"{thing.kind} {thing.name}")
def test_it_has_its_texts_and_its_place(thing, written):
    assert thing.missing == [], f"{thing.kind} {thing.name} has no text for this"
    page = written[thing.page]
    if thing.section:
        page = page.partition(f"\n## {thing.section}\n")[2].partition("\n## ")[0]
    assert thing.listed in page, f"{thing.page} does not list it"


def test_a_part_has_one_meaning_in_all_files_of_examples():
    parts = [*published().parts, *stage_reasons().parts, *examples().parts]
    assert len(parts) == len(set(parts))


def test_the_registries_are_named_whole():
    found = {}
    for thing in THINGS:
        found.setdefault(thing.kind, []).append(thing.name)
    for kind, listed in found.items():
        assert len(listed) == len(set(listed)), kind
    assert found["signal"] == list(names())
    assert found["policy"] == list(shipped_policies())
    rules = {rule.reason for name in shipped_policies() for rule in shipped_policy(name).rules}
    assert set(found["reason"]) == rules | {*REASONS, *RESERVED_MEANINGS}
    for command in ("run", "explain", "reasons", "catalog rebuild", "train"):
        assert f"thresher {command}" in found["command"]
    assert "thresher explain --lake, -l" in found["option"]
    for setting in ("input.urls", "curated.transforms", "guests[].name", "run.workers"):
        assert setting in found["setting of recipe"]
