from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

import pytest

from thresher.filters.policy import shipped_policies, shipped_policy

HERE = Path(__file__).resolve().parent
if str(HERE) not in sys.path:
    sys.path.insert(0, str(HERE))

from junk_compose import GOOD, KINDS, SEEDS, compose  # noqa: E402 - after the path
from junk_pages import JunkPage, read_pages, source_of  # noqa: E402
from junk_reasons import FAMILIES, REASONS, reason_categories  # noqa: E402
from sample import CATEGORIES, LABELS, show  # noqa: E402

ROWS = [json.loads(line) for line in LABELS.read_text(encoding="utf-8").splitlines()]
QUICK = ("weborganizer", "lines")
"""Sources that need no extraction."""


def check_source(data: Path, source: str) -> None:
    rows = {row["id"]: row for row in ROWS if source_of(row["id"]) == source}
    found = {page.id: page for page in read_pages(data, source) if page.id in rows}
    assert rows.keys() == found.keys()
    assert {key: page.half for key, page in found.items()} == {
        k: r["half"] for k, r in rows.items()
    }
    changed = [key for key, page in found.items() if page.fingerprint != rows[key]["text"]]
    assert not changed, f"other texts than those that were judged: {changed[:5]}"


def test_labels_are_well_formed():
    assert len(ROWS) >= 600
    assert not [key for key, count in Counter(row["id"] for row in ROWS).items() if count > 1]
    for row in ROWS:
        assert row.keys() - {"sure"} == {"id", "labels", "half", "drawn", "text"}
        assert row.get("sure") in (None, False)
        assert row["labels"] == [GOOD] or (row["labels"] and set(row["labels"]) <= set(CATEGORIES))


def test_each_half_has_every_category():
    for half in ("tune", "test"):
        known = {label for row in ROWS if row["half"] == half for label in row["labels"]}
        assert known == {*CATEGORIES, GOOD}


@pytest.mark.parametrize("source", QUICK)
def test_ids_resolve_to_the_texts_that_were_judged(real_data, source):
    check_source(real_data, source)


@pytest.mark.slow
@pytest.mark.parametrize("source", sorted({source_of(row["id"]) for row in ROWS} - {*QUICK}))
def test_ids_of_archives_resolve_to_the_texts_that_were_judged(real_data, source):
    check_source(real_data, source)


def test_composed_pages_are_the_same_each_time(real_data):
    first, second = list(compose(real_data)), list(compose(real_data))
    assert first == second
    assert len({page.text for page, _ in first}) == len(KINDS) * len(SEEDS)
    assert {label for _, label in first} == {"market_table", GOOD}


def test_reasons_stand_for_known_categories():
    for categories in (*REASONS.values(), *FAMILIES.values()):
        assert categories
        assert set(categories) <= set(CATEGORIES)
    for name in shipped_policies():
        policy = shipped_policy(name)
        families = {
            rule.reason: {condition.signal.split(".")[0] for condition in rule.conditions}
            for rule in policy.rules
        }
        junk = {reason for reason, used in families.items() if used & FAMILIES.keys()}
        assert junk <= reason_categories(policy).keys()


def test_a_page_is_shown_by_its_start_middle_and_end():
    text = "a" * 700 + "b" * 600 + "c" * 700
    (shown,) = show([("random", JunkPage("x/1", "x", text))], 1, 5)
    assert shown.splitlines()[1] == f"{'a' * 600} [...] {'b' * 300} [...] {'c' * 200}"
    (short,) = show([("random", JunkPage("x/2", "x", "one\n\n two"))], 1, 1)
    assert short.splitlines()[1] == "one / two"


def test_posts_of_a_sender_are_in_the_same_half(real_data):
    halves = {}
    for page in read_pages(real_data, "newsgroups"):
        halves.setdefault(page.site, set()).add(page.half)
    assert len(halves) > 1000
    assert all(len(found) == 1 for found in halves.values())


def test_all_pages_of_a_site_are_in_the_same_half():
    halves = {JunkPage(f"x/{key}", "example.org", str(key)).half for key in range(20)}
    assert len(halves) == 1
    assert {JunkPage("x/1", f"site{key}", "").half for key in range(50)} == {"tune", "test"}
