from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thresher.classifiers.evaluation import average_precision, evaluate, roc_auc

few_scores = st.lists(st.sampled_from([0.0, 0.1, 0.2, 0.5, 1.0]), min_size=1, max_size=12)


def joined(positives, negatives):
    scores = np.array([*positives, *negatives])
    return scores, np.arange(scores.size) < len(positives)


@given(few_scores, few_scores)
def test_roc_auc_is_the_share_of_pairs_in_order(positives, negatives):
    pairs = [(p > n) + (p == n) / 2 for p, n in itertools.product(positives, negatives)]
    assert roc_auc(*joined(positives, negatives)) == pytest.approx(sum(pairs) / len(pairs))


@given(few_scores, few_scores)
def test_average_precision_is_the_mean_precision_at_each_positive(positives, negatives):
    everything = [*positives, *negatives]
    precisions = [
        sum(p >= at for p in positives) / sum(s >= at for s in everything) for at in positives
    ]
    expected = sum(precisions) / len(precisions)
    assert average_precision(*joined(positives, negatives)) == pytest.approx(expected)


def test_both_classes_are_needed():
    with pytest.raises(ValueError, match="both classes"):
        roc_auc(*joined([0.5], []))
    with pytest.raises(ValueError, match="a positive"):
        average_precision(*joined([], [0.5]))


def test_evaluate_by_hand():
    result = evaluate([0.9, 0.6], [0.6, 0.1])
    assert result.roc_auc == 0.875
    row = next(row for row in result.thresholds if row.threshold == 0.5)
    assert (row.precision, row.recall, row.f1, row.negatives_kept) == (2 / 3, 1.0, 0.8, 0.5)
    assert result.thresholds[-1].precision is None
    assert result.positive_quantiles["0.5"] == 0.75
    assert result.negative_quantiles["1"] == 0.6
