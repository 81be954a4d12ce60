"""Boosted oblivious trees: in each, one question for all nodes of a level.

Trees compare and add integers only, so every machine comes to the same decision. A value that is
undefined (NaN) is not above any threshold.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from thresher.filters.kernels import kernel

UNIT = 1000
"""Scores are log-odds in thousandths."""
CERTAIN = 1 << 16
"""Probabilities are in units of 1 / CERTAIN."""

_STEP = 10
_ODDS = np.array(
    [round(CERTAIN / (1 + math.exp(-i * _STEP / UNIT))) for i in range(-800, 801)], np.int64
)


class Trees(NamedTuple):
    """Trees of equal depth."""

    base: int
    """The score before any tree."""
    features: npt.NDArray[np.int64]
    """Column of each question, tree by tree from the root."""
    thresholds: npt.NDArray[np.float64]
    leaves: npt.NDArray[np.int64]
    """Score of each leaf; one row for each tree."""


def parse_trees(found: Mapping[str, Any]) -> Trees:
    """Trees from their JSON, read."""
    return Trees(
        found["base"],
        np.array(found["features"], np.int64),
        np.array(found["thresholds"], np.float64),
        np.array(found["leaves"], np.int64),
    )


def probabilities(rows: npt.NDArray[np.float64], trees: Trees) -> npt.NDArray[np.int64]:
    """How likely each row is what the trees look for, in units of 1 / CERTAIN."""
    scores = np.full(len(rows), trees.base, np.int64)
    add_trees(rows, trees.features, trees.thresholds, trees.leaves, scores)
    steps = np.clip(scores // _STEP, -800, 800)
    found: npt.NDArray[np.int64] = _ODDS[steps + 800]
    return found


@kernel
def add_trees(
    rows: npt.NDArray[np.float64],
    features: npt.NDArray[np.int64],
    thresholds: npt.NDArray[np.float64],
    leaves: npt.NDArray[np.int64],
    scores: npt.NDArray[np.int64],
) -> None:
    """Add to each row's score the leaves it falls into."""
    trees = len(leaves)
    depth = len(features) // trees
    for i in range(len(rows)):
        for tree in range(trees):
            leaf = 0
            for level in range(depth):
                question = tree * depth + level
                leaf = 2 * leaf + (rows[i, features[question]] > thresholds[question])
            scores[i] += leaves[tree, leaf]
