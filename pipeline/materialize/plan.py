"""The plan: which range of shuffle keys makes which curated shard."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec
import numpy as np
import numpy.typing as npt

from thresher.pipeline.materialize import KEY_SPACE, CuratedSettings, validation_low

BINS = 4096
"""Equal ranges of the training keys that a histogram counts; one more counts validation."""

_ROWS_PER_CUT = 64
"""A bin is cut inside only into pieces that hold about so many rows, so that none is empty."""

_CELLS_PER_SHARD = 16
"""Cells are this much smaller than a shard, so that shards are equal within some 6%."""


class Histogram(msgspec.Struct, frozen=True):
    """Rows and bytes of text by range of shuffle keys."""

    rows: list[int]
    """Rows in each of the training bins, then rows of the validation split."""
    bytes: list[int]
    """Bytes of UTF-8 text, likewise."""


class KeyRange(msgspec.Struct, frozen=True):
    """The documents of one curated shard: those whose key lies in [low, high]."""

    split: Literal["train", "validation"]
    low: int
    high: int
    """Inclusive, so that the last key fits in 64 bits."""


def histogram(
    keys: npt.NDArray[np.uint64], sizes: npt.NDArray[np.int64], settings: CuratedSettings
) -> Histogram:
    """Count rows and their bytes by key range."""
    low = validation_low(settings)
    starts = np.array([low * i // BINS for i in range(BINS)], np.uint64)
    place = np.searchsorted(starts, keys, side="right") - 1
    if low < KEY_SPACE:
        place[keys >= np.uint64(low)] = BINS
    rows = np.bincount(place, minlength=BINS + 1)
    total = np.zeros(BINS + 1, np.int64)
    np.add.at(total, place, sizes)
    return Histogram(rows.tolist(), total.tolist())


def add(histograms: Iterable[Histogram]) -> Histogram:
    """The histogram of all parts together."""
    rows, total = np.zeros((2, BINS + 1), np.int64)
    for one in histograms:
        rows += np.array(one.rows)
        total += np.array(one.bytes)
    return Histogram(rows.tolist(), total.tolist())


def plan_shards(histograms: Iterable[Histogram], settings: CuratedSettings) -> list[KeyRange]:
    """Cut the key space into shards of about equal size, validation last.

    A split without documents has no shard, so a run may have no validation file: a trainer that
    takes the last file for validation must be told (the dataset card does). Every range that
    comes back holds documents.
    """
    summed = add(histograms)
    end = validation_low(settings)
    total = sum(summed.bytes[:BINS])
    shards = max(1, round(total / settings.shard_bytes))
    lows: list[int] = []
    current, before = -1, 0
    for low, size in _cells(summed, settings):
        shard = (2 * before + size) * shards // (2 * total)  # where the cell's middle falls
        if shard != current:
            lows.append(low if lows else 0)
            current = shard
        before += size
    ranges = [KeyRange("train", low, high - 1) for low, high in itertools.pairwise([*lows, end])]
    if summed.rows[BINS]:
        ranges.append(KeyRange("validation", end, KEY_SPACE - 1))
    return ranges


def _cells(summed: Histogram, settings: CuratedSettings) -> Iterator[tuple[int, int]]:
    """Start and bytes of the smallest ranges a shard is made of: bins, or equal parts of one.

    The keys are uniform, so an equal part of a bin holds an equal part of its bytes.
    """
    end = validation_low(settings)
    cell_bytes = max(1, settings.shard_bytes // _CELLS_PER_SHARD)
    for i, (rows, size) in enumerate(zip(summed.rows[:BINS], summed.bytes[:BINS], strict=True)):
        if not rows:
            continue
        low, high = end * i // BINS, end * (i + 1) // BINS
        pieces = max(1, min(size // cell_bytes, rows // _ROWS_PER_CUT))
        for piece in range(pieces):
            start = low + (high - low) * piece // pieces
            yield start, size * (piece + 1) // pieces - size * piece // pieces
