"""Learns the trees of `thresher.filters.kernels.text.trees` by second-order boosting.

The same rows give the same trees: what is drawn is drawn by a fixed seed.
"""

from dataclasses import dataclass

import numba
import numpy as np

from thresher.filters.kernels.text.trees import UNIT


@dataclass(frozen=True)
class Boosting:
    """How trees are grown."""

    trees: int
    depth: int
    rate: float
    damping: float
    bins: int = 48
    feature_share: float = 0.5
    row_share: float = 0.7
    seed: int = 0


@numba.njit
def fill(bins, leaf, gradient, curvature, gradients, curvatures):
    for i in range(len(leaf)):
        for feature in range(bins.shape[1]):
            gradients[feature, leaf[i], bins[i, feature]] += gradient[i]
            curvatures[feature, leaf[i], bins[i, feature]] += curvature[i]


def best_question(gradients, curvatures, allowed, damping):
    """The feature and bin that part all leaves of a level best."""
    left, above = np.cumsum(gradients, 2), np.cumsum(curvatures, 2)
    total, mass = left[:, :, -1:], above[:, :, -1:]
    gain = left**2 / (above + damping) + (total - left) ** 2 / (mass - above + damping)
    gain = gain.sum(1)
    gain[~allowed] = -1
    return np.unravel_index(int(np.argmax(gain[:, :-1])), gain[:, :-1].shape)


def boost(matrix, good, weight, how):
    """Trees that say how likely a row is good, as what `parse_trees` reads."""
    random = np.random.default_rng(how.seed)
    parts = np.linspace(0, 1, how.bins + 1)[1:-1]
    edges = [np.unique(np.quantile(column, parts, method="lower")) for column in matrix.T]
    bins = np.stack([np.searchsorted(e, c) for e, c in zip(edges, matrix.T, strict=True)], 1)
    bins = bins.astype(np.uint8)
    base = float(np.log((weight * good).sum() / (weight * (1 - good)).sum()))
    scores = np.full(len(good), base)
    questions, leaves = [], []
    for _ in range(how.trees):
        chance = 1 / (1 + np.exp(-scores))
        gradient, curvature = weight * (good - chance), weight * chance * (1 - chance)
        rows = random.random(len(good)) < how.row_share
        allowed = random.random(matrix.shape[1]) < how.feature_share
        leaf = np.zeros(len(good), np.int64)
        for level in range(how.depth):
            sums = np.zeros((2, matrix.shape[1], 1 << level, how.bins))
            fill(bins[rows], leaf[rows], gradient[rows], curvature[rows], sums[0], sums[1])
            feature, edge = best_question(sums[0], sums[1], allowed, how.damping)
            edge = min(int(edge), len(edges[feature]) - 1)
            questions.append((int(feature), float(edges[feature][edge])))
            leaf = 2 * leaf + (bins[:, feature] > edge)
        tops = np.bincount(leaf, gradient, 1 << how.depth)
        mass = np.bincount(leaf, curvature, 1 << how.depth)
        values = how.rate * tops / (mass + how.damping)
        scores += values[leaf]
        leaves.append([round(UNIT * value) for value in values])
    return {
        "base": round(UNIT * base),
        "features": [feature for feature, _ in questions],
        "thresholds": [threshold for _, threshold in questions],
        "leaves": leaves,
    }
