"""How well scores separate positives from negatives. Small, rank-based, no scikit-learn."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt

THRESHOLDS = (0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98)
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
    """Precision and recall at several thresholds."""
    positive_quantiles: dict[str, float]
    """Quantiles of the positives' scores."""
    negative_quantiles: dict[str, float]
    """Quantiles of the negatives' scores."""


def evaluate(positives: Sequence[float], negatives: Sequence[float]) -> Evaluation:
    """All metrics of two non-empty sets of scores."""
    scores = np.array([*positives, *negatives], dtype=np.float64)
    is_positive = np.arange(scores.size) < len(positives)
    return Evaluation(
        positives=len(positives),
        negatives=len(negatives),
        roc_auc=roc_auc(scores, is_positive),
        average_precision=average_precision(scores, is_positive),
        thresholds=tuple(_at(scores, is_positive, threshold) for threshold in THRESHOLDS),
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
    )


def _quantiles(scores: Floats) -> dict[str, float]:
    values = np.quantile(scores, QUANTILES)
    return {f"{q:g}": float(value) for q, value in zip(QUANTILES, values, strict=True)}
