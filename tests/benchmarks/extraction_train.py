"""Makes `pipeline/extract/lines_model.json`, the line model of the profile `balanced`.

    python tests/benchmarks/extraction_train.py --data FOLDER [--out FILE] [--halves 0]

Learns from half of the pages that `extraction.py` scores (see there what a half is), so that the
other half stays a fair test. A line of a page with known main text is good where most of its
sequences of three words are in that text, a short one where it is a line of it; a line of a page
with known snippets is good or bad where it holds one. Every page weighs the same.
"""

import argparse
import json
from pathlib import Path

import extraction
import numba
import numpy as np
from resiliparse.parse.html import HTMLTree

from pipeline.extract import kernels as k
from pipeline.extract.balanced import view
from pipeline.extract.model import UNIT
from pipeline.read.charset import decode_html

TREES, DEPTH, RATE, DAMPING, BINS = 120, 5, 0.15, 20.0, 48
FEATURE_SHARE, ROW_SHARE, SEED = 0.5, 0.7, 0
PAGE_WEIGHT, SNIPPET_WEIGHT, MOST_WORDS, WORD_POWER = 400.0, 6.0, 80, 0.7
SURE_BYTES = 25


def labels(row, lines):
    """Whether each line is main text, and how much that matters (0: unknown)."""
    texts = [lines.text[a:b].decode("utf-8", "replace") for a, b in lines.table[:, : k.TAG]]
    good, weight = np.zeros(len(texts)), np.zeros(len(texts))
    if "main_content" not in row:
        for snippets, value in ((row["with"], 1), (row["without"], 0)):
            for snippet in map(extraction.squeeze, snippets):
                for i, text in enumerate(map(extraction.squeeze, texts)):
                    if snippet in text or (len(text) > SURE_BYTES and text in snippet):
                        good[i], weight[i] = value, SNIPPET_WEIGHT
        return good, weight
    gold = extraction.words(row["main_content"])
    threes = set(zip(gold, gold[1:], gold[2:], strict=False))
    whole = {tuple(extraction.words(line)) for line in row["main_content"].split("\n")}
    for i, text in enumerate(texts):
        found = extraction.words(text)
        if found:
            of_three = list(zip(found, found[1:], found[2:], strict=False))
            share = sum(three in threes for three in of_three) / max(1, len(of_three))
            least = 0.5 if len(found) >= 6 else 0.99
            good[i] = tuple(found) in whole or share > least
            weight[i] = min(len(found), MOST_WORDS) ** WORD_POWER
    return good, weight * PAGE_WEIGHT / max(1.0, weight.sum())


def examples(data, halves):
    matrices, goods, weights = [], [], []
    for page, row in extraction.load(data):
        decoded = decode_html(page.content, page.charset)
        if extraction.half(row) not in halves or decoded is None:
            continue
        seen = view(HTMLTree.parse(decoded.text), decoded.text)
        if seen is None:
            continue
        good, weight = labels(row, seen.lines)
        known = weight > 0
        matrices.append(seen.features[known])
        goods.append(good[known])
        weights.append(weight[known])
    return np.concatenate(matrices), np.concatenate(goods), np.concatenate(weights)


@numba.njit
def fill(bins, leaf, gradient, curvature, gradients, curvatures):
    for i in range(len(leaf)):
        for feature in range(bins.shape[1]):
            gradients[feature, leaf[i], bins[i, feature]] += gradient[i]
            curvatures[feature, leaf[i], bins[i, feature]] += curvature[i]


def best_question(gradients, curvatures, allowed):
    """The feature and bin that part all leaves of a level best."""
    left, above = np.cumsum(gradients, 2), np.cumsum(curvatures, 2)
    total, mass = left[:, :, -1:], above[:, :, -1:]
    gain = left**2 / (above + DAMPING) + (total - left) ** 2 / (mass - above + DAMPING)
    gain = gain.sum(1)
    gain[~allowed] = -1
    return np.unravel_index(int(np.argmax(gain[:, :-1])), gain[:, :-1].shape)


def boost(matrix, good, weight):
    random = np.random.default_rng(SEED)
    parts = np.linspace(0, 1, BINS + 1)[1:-1]
    edges = [np.unique(np.quantile(column, parts, method="lower")) for column in matrix.T]
    bins = np.stack([np.searchsorted(e, c) for e, c in zip(edges, matrix.T, strict=True)], 1)
    bins = bins.astype(np.uint8)
    base = float(np.log((weight * good).sum() / (weight * (1 - good)).sum()))
    scores = np.full(len(good), base)
    questions, leaves = [], []
    for _ in range(TREES):
        chance = 1 / (1 + np.exp(-scores))
        gradient, curvature = weight * (good - chance), weight * chance * (1 - chance)
        rows = random.random(len(good)) < ROW_SHARE
        allowed = random.random(matrix.shape[1]) < FEATURE_SHARE
        leaf = np.zeros(len(good), np.int64)
        for level in range(DEPTH):
            sums = np.zeros((2, matrix.shape[1], 1 << level, BINS))
            fill(bins[rows], leaf[rows], gradient[rows], curvature[rows], sums[0], sums[1])
            feature, edge = best_question(sums[0], sums[1], allowed)
            edge = min(int(edge), len(edges[feature]) - 1)
            questions.append((int(feature), float(edges[feature][edge])))
            leaf = 2 * leaf + (bins[:, feature] > edge)
        tops = np.bincount(leaf, gradient, 1 << DEPTH)
        values = RATE * tops / (np.bincount(leaf, curvature, 1 << DEPTH) + DAMPING)
        scores += values[leaf]
        leaves.append([round(UNIT * value) for value in values])
    return {
        "base": round(UNIT * base),
        "features": [feature for feature, _ in questions],
        "thresholds": [threshold for _, threshold in questions],
        "leaves": leaves,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    shipped = Path(__file__).parents[2] / "pipeline" / "extract" / "lines_model.json"
    parser.add_argument("--out", type=Path, default=shipped)
    parser.add_argument("--halves", type=int, nargs="*", default=[0])
    arguments = parser.parse_args()
    matrix, good, weight = examples(arguments.data, arguments.halves)
    print(f"{len(good)} lines, {matrix.shape[1]} features, {good.mean():.3f} are main text")
    arguments.out.write_text(json.dumps(boost(matrix, good, weight)) + "\n")


if __name__ == "__main__":
    main()
