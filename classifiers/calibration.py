"""Calibration: from a model's raw score to a probability.

`fit` uses scikit-learn and is needed in training only. What it finds is a few plain numbers, kept
in the model's card; `Isotonic.apply` and `Platt.apply` need numpy alone.

Both maps rise strictly between two different raw scores, so that no ranking is lost: `keep_top`
takes the same documents before and after. Both work on the log-odds of the raw score, whose ends a
model of high learning rate crowds. A probability is never 0 or 1, since no sample proves that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt

from thresher.classifiers.extras import INSTALL
from thresher.filters.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

Floats = npt.NDArray[np.float64]
Method: TypeAlias = Literal["isotonic", "platt", "none"]
Probability = Annotated[float, msgspec.Meta(ge=0, le=1)]

EPSILON = 1e-5
"""The least raw score that fastText gives; log-odds are cut there."""
MIN_PER_CLASS = 20
"""Fewest scores of a class that a calibration can be fitted on."""

# How far towards the next step a step rises: enough to keep the order, little enough to stay true.
_TILT = 0.01
_END = float(np.log((1 - EPSILON) / EPSILON))


class Isotonic(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="method", tag="isotonic"
):
    """Straight lines along the steps that isotonic regression found, each step slightly tilted."""

    log_odds: tuple[float, ...]
    """Log-odds of the raw score, strictly rising."""
    probability: tuple[Probability, ...]
    """The probability at each, strictly rising."""

    def __post_init__(self) -> None:
        if len(self.log_odds) != len(self.probability) or len(self.log_odds) < 2:
            raise ValueError("log_odds and probability need the same length of at least 2")
        for values in (self.log_odds, self.probability):
            if not np.isfinite(values).all() or (np.diff(values) <= 0).any():
                raise ValueError("log_odds and probability must be finite and rise strictly")

    def apply(self, raw: Floats) -> Floats:
        """The probability of each raw score; NaN stays NaN."""
        return np.interp(_log_odds(raw), self.log_odds, self.probability)


class Platt(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="method", tag="platt"
):
    """A logistic curve over the log-odds of the raw score."""

    slope: Annotated[float, msgspec.Meta(gt=0)]
    """Positive: a higher raw score is a higher probability."""
    intercept: float
    """Log-odds of the probability where those of the raw score are 0."""

    def __post_init__(self) -> None:
        if not np.isfinite((self.slope, self.intercept)).all():
            raise ValueError("slope and intercept must be finite")

    def apply(self, raw: Floats) -> Floats:
        """The probability of each raw score; NaN stays NaN."""
        return _logistic(self.slope * _log_odds(raw) + self.intercept)


Calibration: TypeAlias = Isotonic | Platt


def fit(
    positives: Sequence[float],
    negatives: Sequence[float],
    method: Method = "isotonic",
    positive_share: float = 0.5,
) -> Calibration | None:
    """Fit a calibration on raw scores of texts that training did not see.

    Args:
        positives: raw scores of the positive class.
        negatives: raw scores of the negative class.
        method: isotonic regression follows any rising curve; Platt's logistic curve needs fewer
            texts. "none" gives None.
        positive_share: share of positives in the pool that the probability speaks of.

    Raises:
        ConfigError: where scikit-learn is missing, the scores are too few, or they do not rise
            with the class.
    """
    if method == "none":
        return None
    where = "calibration"
    least = min(len(positives), len(negatives))
    if least < MIN_PER_CLASS:
        problem = f"a class has {least} scores, and {MIN_PER_CLASS} are needed."
        raise ConfigError(where, problem, 'Give more texts, or set method = "none".')
    scores = _log_odds(np.array([*positives, *negatives], np.float64))
    hits = (np.arange(scores.size) < len(positives)).astype(np.float64)
    weights = np.where(
        hits > 0, positive_share / len(positives), (1 - positive_share) / len(negatives)
    )
    weights *= scores.size
    try:
        found = (_isotonic if method == "isotonic" else _platt)(scores, hits, weights)
    except ImportError as error:
        problem = f"scikit-learn cannot be imported: {error}."
        hint = f'Install it: {INSTALL}, or set method = "none".'
        raise ConfigError(where, problem, hint) from error
    if found is None:
        problem = "the scores of positives are not higher than those of negatives."
        raise ConfigError(where, problem, "The model has learnt nothing: check the two classes.")
    return found


def _isotonic(scores: Floats, hits: Floats, weights: Floats) -> Isotonic | None:
    from sklearn.isotonic import IsotonicRegression

    order = np.argsort(scores, kind="stable")
    scores, hits, weights = scores[order], hits[order], weights[order]
    fitted = IsotonicRegression(y_min=0.0, y_max=1.0).fit(scores, hits, weights).predict(scores)
    steps, first = np.unique(np.round(fitted, 12), return_index=True)
    if len(steps) < 2:
        return None
    starts = scores[first]
    ends = scores[np.append(first[1:], len(scores)) - 1]
    # A step of nothing but one class is as sure as its weight lets it be, and no surer; but surer
    # than the step beside it.
    if steps[0] == 0:
        steps[0] = min(1 / (weights[: first[1]].sum() + 2), steps[1] / 2)
    if steps[-1] == 1:
        steps[-1] = max(1 - 1 / (weights[first[-1] :].sum() + 2), (1 + steps[-2]) / 2)
    below = np.concatenate(([steps[0] / 2], steps[:-1]))
    above = np.concatenate((steps[1:], [(1 + steps[-1]) / 2]))
    # A step at one score alone stays as it is.
    wide = ends > starts
    points = list(zip(starts, steps - wide * _TILT * (steps - below), strict=True))
    points += zip(ends, steps + wide * _TILT * (above - steps), strict=True)
    kept = [(-_END, float(below[0]))]
    for x, y in [*sorted(points), (_END, float(above[-1]))]:
        if x > kept[-1][0] and y > kept[-1][1]:
            kept.append((float(x), float(y)))
    return Isotonic(tuple(x for x, _ in kept), tuple(y for _, y in kept))


def _platt(scores: Floats, hits: Floats, weights: Floats) -> Platt | None:
    from sklearn.linear_model import LogisticRegression

    # The weak penalty keeps the slope finite where the classes do not overlap.
    curve = LogisticRegression(C=float(scores.size), max_iter=1000)
    curve.fit(scores[:, None], hits, weights)
    slope = float(curve.coef_[0, 0])
    return Platt(slope, float(curve.intercept_[0])) if slope > 0 else None


def _log_odds(raw: Floats) -> Floats:
    clipped = np.clip(raw, EPSILON, 1 - EPSILON)
    return np.log(clipped / (1 - clipped))


def _logistic(values: Floats) -> Floats:
    # exp of large negative numbers only, which cannot overflow.
    shrunk = np.exp(-np.abs(values))
    return np.where(values >= 0, 1 / (1 + shrunk), shrunk / (1 + shrunk))
