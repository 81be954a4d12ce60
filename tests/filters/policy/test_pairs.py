"""Which pair of texts shows a published rule at work, under which policy."""

from __future__ import annotations

import pytest

from thresher.filters.policy.published import Pair, PublishedRule, published


def test_a_pair_that_names_the_policy_goes_before_one_for_all():
    general, own, other = (
        Pair(values=(1, 2)),
        Pair(values=(3, 4), policies=("c4", "gopher")),
        Pair(values=(5, 6), policies=("dclm",)),
    )
    rule = PublishedRule(reason="too_short", pairs=(other, general, own))
    assert rule.pair_for("gopher") is own
    assert rule.pair_for("dclm") is other
    assert rule.pair_for("fineweb") is general


def test_a_policy_that_no_pair_is_for_is_named():
    rule = PublishedRule(reason="too_short", pairs=(Pair(values=(1, 2), policies=("c4",)),))
    with pytest.raises(LookupError, match="too_short has no pair for gopher"):
        rule.pair_for("gopher")


def test_what_is_shipped_is_read_whole():
    published.cache_clear()
    assert {"too_few_words", "repeated_10grams"} <= {
        rule.reason for group in published().groups for rule in group.rules
    }
