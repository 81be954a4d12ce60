"""Where a model is good and where it is not: by source, by length, by site, and its worst mistakes.

A figure over everything hides the source that is always taken for the other class. Each part is
held against all held-out texts of the other class, at thresholds that are those of the whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import msgspec
import numpy as np

from thresher.classifiers.evaluation import RATES, Flags, Floats, roc_auc, threshold_at

LENGTHS = (0, 500, 2_000, 8_000)
"""Least bytes of each class of lengths."""
SITE_PAGES = 20
"""Texts of one source that make a site."""
MIN_SITES = 5
"""Fewest sites of a class for which the figures by site are told."""
SAMPLE_CHARACTERS = 240
"""How much of a mistake is shown."""


class Judged(msgspec.Struct, frozen=True):
    """A held-out text with its score."""

    key: bytes
    """Its content's hash."""
    line: bytes
    """What the model saw."""
    source: str
    """Where it comes from."""
    unseen: bool
    """Whether its source was kept from training as a whole."""
    positive: bool
    """Its class."""
    score: float
    """Its probability."""


class BySource(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The held-out texts of one source."""

    positive: bool
    """Its class."""
    source: str
    """Its name."""
    unseen: bool
    """Whether it was kept from training as a whole."""
    texts: int
    """How many."""
    roc_auc: float
    """Against all held-out texts of the other class."""
    mean_probability: float
    """Mean of their probabilities."""
    kept: tuple[float, ...]
    """Share kept at each false-positive rate of `RATES`, at the thresholds of the whole."""


class ByLength(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The held-out texts of one class of lengths."""

    least_bytes: int
    """From this length on."""
    positives: int
    """Positives among them."""
    negatives: int
    """Negatives among them."""
    roc_auc: float | None
    """Of these alone; null where a class is missing."""
    recall: tuple[float, ...]
    """Share of positives kept, as in `BySource.kept`; empty without positives."""
    false_positives: tuple[float, ...]
    """Share of negatives kept, likewise."""


class BySite(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Means over the texts of a site, made of texts of one source."""

    pages: int
    """Texts of a site."""
    positives: int
    """Sites of positives."""
    negatives: int
    """Sites of negatives."""
    roc_auc: float
    """Of the means."""
    recall: tuple[float, ...]
    """Share of positive sites kept at each rate of `RATES`."""


class Mistake(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A held-out text that the model is sure of, and wrong about."""

    positive: bool
    """Its true class."""
    source: str
    """Where it comes from."""
    score: float
    """Its probability."""
    text: str
    """Its beginning."""


class Breakdown(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All of it."""

    sources: tuple[BySource, ...]
    """By source, positives first."""
    lengths: tuple[ByLength, ...]
    """By length."""
    sites: BySite | None
    """By site; null where there are too few."""
    mistakes: tuple[Mistake, ...]
    """The worst ones, positives first."""


def break_down(judged: Sequence[Judged], reported: Sequence[Judged], mistakes: int) -> Breakdown:
    """Break the results down.

    Args:
        judged: all held-out texts.
        reported: those that the overall figures are of; thresholds come from them.
        mistakes: how many mistakes of each class to show.
    """
    negatives = _scores([each for each in reported if not each.positive])
    thresholds = [threshold_at(negatives, rate) for rate in RATES]
    return Breakdown(
        sources=_by_source(judged, reported, thresholds),
        lengths=_by_length(reported, thresholds),
        sites=_by_site(reported),
        mistakes=_worst(reported, mistakes),
    )


def _by_source(
    judged: Sequence[Judged], reported: Sequence[Judged], thresholds: list[float]
) -> tuple[BySource, ...]:
    others = {side: _scores([e for e in reported if e.positive != side]) for side in (True, False)}
    rows: list[BySource] = []
    ordered = sorted(judged, key=lambda each: (not each.positive, each.source, not each.unseen))
    for (negative, source, seen), group in groupby(
        ordered, key=lambda each: (not each.positive, each.source, not each.unseen)
    ):
        own = _scores(list(group))
        other = others[not negative]
        area = roc_auc(np.concatenate((own, other)), _flags(own, other))
        rows.append(
            BySource(
                positive=not negative,
                source=source,
                unseen=not seen,
                texts=own.size,
                roc_auc=1 - area if negative else area,
                mean_probability=float(own.mean()),
                kept=_kept(own, thresholds),
            )
        )
    return tuple(rows)


def _by_length(reported: Sequence[Judged], thresholds: list[float]) -> tuple[ByLength, ...]:
    rows: list[ByLength] = []
    for low, high in zip(LENGTHS, (*LENGTHS[1:], 1 << 62), strict=True):
        inside = [each for each in reported if low <= len(each.line) < high]
        positives = _scores([each for each in inside if each.positive])
        negatives = _scores([each for each in inside if not each.positive])
        both = positives.size and negatives.size
        scores = np.concatenate((positives, negatives))
        rows.append(
            ByLength(
                least_bytes=low,
                positives=positives.size,
                negatives=negatives.size,
                roc_auc=roc_auc(scores, _flags(positives, negatives)) if both else None,
                recall=_kept(positives, thresholds) if positives.size else (),
                false_positives=_kept(negatives, thresholds) if negatives.size else (),
            )
        )
    return tuple(rows)


def _by_site(reported: Sequence[Judged]) -> BySite | None:
    sides: list[Floats] = []
    for side in (True, False):
        own = sorted(
            (each for each in reported if each.positive == side), key=lambda e: (e.source, e.key)
        )
        means: list[float] = []
        for _, group in groupby(own, key=lambda each: each.source):
            scores = _scores(list(group))
            whole = scores[: scores.size // SITE_PAGES * SITE_PAGES].reshape(-1, SITE_PAGES)
            means += whole.mean(axis=1).tolist()
        sides.append(np.array(means))
    positives, negatives = sides
    if min(positives.size, negatives.size) < MIN_SITES:
        return None
    return BySite(
        pages=SITE_PAGES,
        positives=positives.size,
        negatives=negatives.size,
        roc_auc=roc_auc(np.concatenate(sides), _flags(positives, negatives)),
        recall=_kept(positives, [threshold_at(negatives, rate) for rate in RATES]),
    )


def _worst(reported: Sequence[Judged], count: int) -> tuple[Mistake, ...]:
    found: list[Mistake] = []
    for side in (True, False):
        own = [each for each in reported if each.positive == side and (each.score < 0.5) == side]
        own.sort(key=lambda each: (each.score if side else -each.score, each.key))
        for each in own[:count]:
            text = each.line.decode("utf-8", "replace")[:SAMPLE_CHARACTERS]
            found.append(Mistake(side, each.source, each.score, " ".join(text.split())))
    return tuple(found)


def _scores(judged: Sequence[Judged]) -> Floats:
    return np.array([each.score for each in judged], np.float64)


def _flags(positives: Floats, negatives: Floats) -> Flags:
    return np.arange(positives.size + negatives.size) < positives.size


def _kept(scores: Floats, thresholds: list[float]) -> tuple[float, ...]:
    return tuple(float((scores >= threshold).mean()) for threshold in thresholds)
