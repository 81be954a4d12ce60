"""How well scores separate positives from negatives, and whether probabilities are true."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt

THRESHOLDS = (0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98)
RATES = (0.01, 0.05, 0.1, 0.4)
"""False-positive rates at which the recall is told."""
BINS = 10
"""Rows of the calibration table."""
QUANTILES = (0.0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0)

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


class AtThreshold(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What keeping `score >= threshold` does."""

    threshold: float
    """The least score that is kept."""
    precision: float | None
    """Share of positives among the kept; null where nothing is kept."""
    recall: float
    """Share of the positives that are kept."""
    f1: float
    """Harmonic mean of the two."""
    negatives_kept: float
    """Share of the negatives that are kept."""
    true_positives: int
    """Positives kept."""
    false_positives: int
    """Negatives kept."""
    true_negatives: int
    """Negatives dropped."""
    false_negatives: int
    """Positives dropped."""


class AtRate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a false-positive rate costs."""

    rate: float
    """Most of the negatives that may be kept, as a share."""
    threshold: float
    """The least threshold that keeps no more of them."""
    recall: float
    """Share of the positives that it keeps."""


class CalibrationBin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Texts of about one probability."""

    least: float
    """From this probability on."""
    texts: int
    """How many."""
    mean_probability: float | None
    """What was predicted; null for no text."""
    positive_share: float | None
    """What was true, the classes weighed as the calibration says; null for no text."""


class Evaluation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Held-out metrics of a binary classifier."""

    positives: int
    """Held-out positives."""
    negatives: int
    """Held-out negatives."""
    roc_auc: float
    """Chance that a positive outscores a negative, ties counted half."""
    average_precision: float
    """Precision averaged over the recall, ties taken as one step."""
    thresholds: tuple[AtThreshold, ...]
    """Confusion, precision and recall at several thresholds."""
    rates: tuple[AtRate, ...]
    """Threshold and recall at several false-positive rates."""
    calibration: tuple[CalibrationBin, ...]
    """Predicted against true, by probability."""
    calibration_error: float
    """Mean distance of the two, over all texts."""
    positive_quantiles: dict[str, float]
    """Quantiles of the positives' scores."""
    negative_quantiles: dict[str, float]
    """Quantiles of the negatives' scores."""


def evaluate(
    positives: Sequence[float], negatives: Sequence[float], positive_share: float = 0.5
) -> Evaluation:
    """All metrics of two non-empty sets of probabilities.

    Args:
        positives: of the positive class.
        negatives: of the negative class.
        positive_share: share of positives in the pool that the probabilities speak of.
    """
    scores = np.array([*positives, *negatives], dtype=np.float64)
    is_positive = np.arange(scores.size) < len(positives)
    bins, error = _calibration(scores, is_positive, positive_share)
    return Evaluation(
        positives=len(positives),
        negatives=len(negatives),
        roc_auc=roc_auc(scores, is_positive),
        average_precision=average_precision(scores, is_positive),
        thresholds=tuple(_at(scores, is_positive, threshold) for threshold in THRESHOLDS),
        rates=tuple(_at_rate(scores, is_positive, rate) for rate in RATES),
        calibration=bins,
        calibration_error=error,
        positive_quantiles=_quantiles(scores[is_positive]),
        negative_quantiles=_quantiles(scores[~is_positive]),
    )


def roc_auc(scores: Floats, is_positive: Flags) -> float:
    """Area under the ROC curve, from mid-ranks (Mann-Whitney).

    Raises:
        ValueError: where one of the classes is empty.
    """
    positives = int(is_positive.sum())
    negatives = is_positive.size - positives
    if not positives or not negatives:
        raise ValueError("the area under the curve needs both classes")
    _, group, sizes = np.unique(scores, return_inverse=True, return_counts=True)
    mid_ranks = np.cumsum(sizes) - (sizes - 1) / 2
    rank_sum = float(mid_ranks[group][is_positive].sum())
    return (rank_sum - positives * (positives + 1) / 2) / (positives * negatives)


def average_precision(scores: Floats, is_positive: Flags) -> float:
    """Sum of precision times the step in recall, over falling thresholds.

    Raises:
        ValueError: where there is no positive.
    """
    positives = int(is_positive.sum())
    if not positives:
        raise ValueError("average precision needs a positive")
    _, group = np.unique(-scores, return_inverse=True)
    hits = np.bincount(group, weights=is_positive)
    precision = np.cumsum(hits) / np.cumsum(np.bincount(group))
    return float((precision * hits).sum() / positives)


def _at(scores: Floats, is_positive: Flags, threshold: float) -> AtThreshold:
    kept = scores >= threshold
    hits = int((kept & is_positive).sum())
    total = int(kept.sum())
    positives = int(is_positive.sum())
    return AtThreshold(
        threshold=threshold,
        precision=hits / total if total else None,
        recall=hits / positives,
        f1=2 * hits / (total + positives),
        negatives_kept=(total - hits) / (scores.size - positives),
        true_positives=hits,
        false_positives=total - hits,
        true_negatives=scores.size - positives - (total - hits),
        false_negatives=positives - hits,
    )


def threshold_at(negatives: Floats, rate: float) -> float:
    """The least threshold at which at most a share `rate` of the negatives is kept."""
    falling = np.sort(negatives)[::-1]
    allowed = int(rate * falling.size + 1e-9)
    return 0.0 if allowed >= falling.size else float(np.nextafter(falling[allowed], np.inf))


def _at_rate(scores: Floats, is_positive: Flags, rate: float) -> AtRate:
    threshold = threshold_at(scores[~is_positive], rate)
    recall = float((scores[is_positive] >= threshold).mean())
    return AtRate(rate, threshold, recall)


def _calibration(
    scores: Floats, is_positive: Flags, positive_share: float
) -> tuple[tuple[CalibrationBin, ...], float]:
    count = int(is_positive.sum())
    each = (positive_share / count, (1 - positive_share) / (scores.size - count))
    weights = np.where(is_positive, *each)
    bins = np.minimum((scores * BINS).astype(int), BINS - 1)
    rows: list[CalibrationBin] = []
    error = 0.0
    for index in range(BINS):
        inside = bins == index
        mass = float(weights[inside].sum())
        if mass == 0:
            rows.append(CalibrationBin(index / BINS, 0, None, None))
            continue
        predicted = float((weights * scores)[inside].sum()) / mass
        true = float(weights[inside & is_positive].sum()) / mass
        rows.append(CalibrationBin(index / BINS, int(inside.sum()), predicted, true))
        error += mass * abs(predicted - true)
    return tuple(rows), error


def _quantiles(scores: Floats) -> dict[str, float]:
    values = np.quantile(scores, QUANTILES)
    return {f"{q:g}": float(value) for q, value in zip(QUANTILES, values, strict=True)}
