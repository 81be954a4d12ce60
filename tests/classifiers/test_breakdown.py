from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thresher.classifiers.breakdown import Judged, break_down
from thresher.classifiers.evaluation import RATES, evaluate, threshold_at


def judged(positive, source, scores, length=600):
    return [
        Judged(b"%d" % i, b"word " * (length // 5), source, False, positive, score)
        for i, score in enumerate(scores)
    ]


def test_by_source_finds_the_source_that_is_always_wrong():
    good = judged(True, "fine", [0.9, 0.8]) + judged(True, "wrong", [0.01, 0.02])
    bad = judged(False, "web", [0.1, 0.2, 0.3])
    found = break_down([*good, *bad], [*good, *bad], 1)
    rows = {row.source: row for row in found.sources}
    assert [row.source for row in found.sources] == ["fine", "wrong", "web"]
    assert (rows["fine"].roc_auc, rows["wrong"].roc_auc, rows["web"].roc_auc) == (1.0, 0.0, 0.5)
    assert rows["fine"].kept == (1.0,) * len(RATES)
    assert [(m.positive, m.score) for m in found.mistakes] == [(True, 0.01)]
    assert found.sites is None


def test_by_length():
    short = judged(True, "s", [0.1], 100) + judged(False, "n", [0.2], 100)
    long = judged(True, "s", [0.9], 9000)
    rows = break_down([*short, *long], [*short, *long], 0).lengths
    assert [(row.positives, row.negatives) for row in rows] == [(1, 1), (0, 0), (0, 0), (1, 0)]
    assert [row.roc_auc for row in rows] == [0.0, None, None, None]
    assert rows[1].recall == rows[1].false_positives == ()


def test_the_mean_of_a_site_is_surer_than_a_page():
    draw = np.random.default_rng(1)
    good = judged(True, "good", draw.uniform(0.3, 1, 400).tolist())
    bad = judged(False, "bad", draw.uniform(0, 0.7, 400).tolist())
    found = break_down([*good, *bad], [*good, *bad], 0)
    pages = evaluate([e.score for e in good], [e.score for e in bad])
    assert (found.sites.positives, found.sites.negatives) == (20, 20)
    assert found.sites.roc_auc > 0.99 > pages.roc_auc


@given(
    st.lists(st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0]), min_size=1, max_size=30),
    st.sampled_from(RATES),
)
def test_a_threshold_keeps_no_more_than_its_rate_and_no_less_than_it_can(scores, rate):
    negatives = np.array(scores)
    threshold = threshold_at(negatives, rate)
    assert (negatives >= threshold).mean() <= rate + 1e-9
    lower = negatives[negatives < threshold]
    if lower.size:
        assert (negatives >= lower.max()).mean() > rate


def test_calibration_table_by_hand():
    result = evaluate([0.95, 0.95, 0.15], [0.15, 0.05, 0.05])
    rows = {row.least: row for row in result.calibration}
    assert rows[0.9].positive_share == 1.0
    assert rows[0.9].mean_probability == pytest.approx(0.95)
    assert (rows[0.1].texts, rows[0.1].positive_share) == (2, 0.5)
    assert rows[0.5].positive_share is None
    error = (2 * 0.05 + 2 * 0.35 + 2 * 0.05) / 6
    assert result.calibration_error == pytest.approx(error)
    half = next(row for row in result.thresholds if row.threshold == 0.5)
    confusion = (half.true_positives, half.false_positives, half.true_negatives)
    assert (*confusion, half.false_negatives) == (2, 0, 3, 1)
