"""Makes the junk model (`filters/junk/terms.txt`, `filters/junk/model.json`) from judged pages.

    python tests/benchmarks/junk_train.py --data DATA --check   # what it is worth on unseen sites
    python tests/benchmarks/junk_train.py --data DATA           # make it

It learns from the pages of `tests/junk_labels` of half `tune`, those in doubt at half the weight,
from composed quote pages of that half, and, as good, from half of the edited texts and posts (by a
hash of their id) but those that a reader found to be tables or advertisements. Machine text is left
out: its rules need no model. `--check` learns from four fifths of the sites and scores the last,
five times.

Terms are words and pairs that stand in `FEWEST` texts or more. A logistic regression for each
target weighs them; those with the largest weights stay and are weighed again. Trees see the term
scores of pages that the regression did not learn from.
"""

import hashlib
import json
from dataclasses import dataclass, replace
from itertools import pairwise

import common
import numpy as np
import pyarrow as pa
from boosting import Boosting, boost
from common import ROOT, rows_of
from junk import composed, labelled, learned_from
from junk_false_positives import READ_AS_TABLES
from junk_reasons import FAMILIES
from reference_junk import term_words
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from thresher.filters.junk import model as junk_model
from thresher.filters.kernels.junk.terms import SCALE
from thresher.filters.kernels.text.trees import CERTAIN, parse_trees, probabilities
from thresher.filters.measure import measure
from thresher.filters.mended_text import mended_texts
from thresher.filters.signals.junk import TARGETS

OURS = ("any", "pages to learn from", "terms written")
KINDS = {name: FAMILIES[name] for name in TARGETS if name != "any"}
EDITED = {
    "openstax": 600,
    "reference": 1500,
    "scitldr": 300,
    "reuters": 2500,
    "instruct": 1500,
    "newsgroups": 800,
}
DOUBT, TEMPLATE, EDITED_WEIGHT = 0.5, 0.2, 0.5
FEWEST, MOST_TERMS, STRENGTH = 4, 12000, 0.1
LOOKED_AT = 20_000
"""Characters; reading words in Python is slow, and 1000 words end before."""
LENGTH = 10
"""Of a text's vector."""
MADE = ROOT / "filters" / "junk"
HOW = {
    "any": Boosting(trees=300, depth=6, rate=0.05, damping=3.0, feature_share=0.3),
    "kind": Boosting(trees=120, depth=4, rate=0.1, damping=4.0, feature_share=0.3),
}
UNKNOWN = -1e9
"""Stands for NaN while learning: below every threshold, as NaN is not above any."""


@dataclass
class Examples:
    """Pages to learn from."""

    texts: list
    sites: np.ndarray
    targets: dict
    """By name: whether each page is one."""
    weight: np.ndarray
    scored: np.ndarray
    """Judged without doubt, and drawn by the same searches as the half that is kept aside."""


def edited(data):
    """Edited texts and posts of the half that is learned from, in an order of their own."""
    tables = set(READ_AS_TABLES.read_text(encoding="utf-8").split())
    for name, most in EDITED.items():
        rows = [
            row
            for row in rows_of(data, f"text/{name}")
            if learned_from(row["id"])
            and row["id"] not in tables
            and row.get("group") != "misc.forsale"
        ]
        rows.sort(key=lambda row: hashlib.sha256(row["id"].encode()).digest())
        yield from rows[:most]


def read_examples(options):
    found = [
        (row, text)
        for row, text in labelled(options, True)[0]
        if row["half"] == "tune" and row["labels"] != ["machine_slop"]
    ]
    made = [(row, text) for row, text in composed(options.data) if row["half"] == "tune"]
    prose = [
        ({"id": row["id"], "labels": ["good"], "drawn": "edited"}, row["text"])
        for row in edited(options.data)
    ]
    rows, texts = zip(*found, *made, *prose, strict=True)
    labels = [set(row["labels"]) for row in rows]
    targets = {
        name: np.array([bool(set(kinds) & each) for each in labels])
        for name, kinds in KINDS.items()
    }
    targets["any"] = np.array(["good" not in each for each in labels])
    sure = np.array([row.get("sure", True) for row in rows])
    weight = np.where(sure, 1.0, DOUBT)
    weight[len(found) : len(found) + len(made)] = TEMPLATE
    weight[len(found) + len(made) :] = EDITED_WEIGHT
    drawn = np.array([not row["drawn"].startswith(("tune", "composed", "edited")) for row in rows])
    sites = np.array([row.get("site", row["id"]) for row in rows])
    return Examples(list(texts), sites, targets, weight, sure & drawn)


def grams(text):
    """The distinct terms of a text, as the kernel sees them."""
    words = term_words(text[:LOOKED_AT])
    return sorted({*words, *(f"{a} {b}" for a, b in pairwise(words))})


class TermModel:
    """Terms and their weights."""

    def __init__(self, matrix, names):
        self.matrix, self.names = matrix, names

    def vectors(self, columns, frequency):
        scaled = self.matrix[:, columns] @ sparse.diags(frequency)
        length = np.sqrt(scaled.multiply(scaled).sum(1)).A1
        return sparse.diags(LENGTH / np.maximum(length, 1.0)) @ scaled

    def fit(self, rows, targets, weight):
        """Columns, their inverse document frequencies, and weights and constant by target."""
        texts = np.maximum(self.matrix[rows].sum(0).A1, 1)
        columns = np.flatnonzero(texts >= FEWEST)
        best = np.zeros(len(columns))
        for last in (False, True):
            frequency = np.log(len(rows) / texts[columns])
            vectors = self.vectors(columns, frequency)[rows]
            fitted = {
                name: LogisticRegression(
                    C=STRENGTH, class_weight="balanced", max_iter=200, tol=1e-3
                ).fit(vectors, known[rows], weight[rows])
                for name, known in targets.items()
            }
            if last or len(columns) <= MOST_TERMS:
                return columns, frequency, {name: each.coef_[0] for name, each in fitted.items()}
            for each in fitted.values():
                best = np.maximum(best, np.abs(each.coef_[0]) * np.sqrt(texts[columns]))
            columns = columns[np.sort(np.argsort(-best, kind="stable")[:MOST_TERMS])]
        raise AssertionError

    def scores(self, fitted, rows):
        columns, frequency, weights = fitted
        vectors = self.vectors(columns, frequency)[rows]
        return np.stack([vectors @ weights[target] for target in TARGETS], 1)


def folds(rows, sites, count):
    for learn, score in GroupKFold(count).split(rows, groups=sites[rows]):
        yield rows[learn], rows[score]


def learn(examples, model, signals, rows, options):
    """The term model of some rows, and trees by target over the signals with its scores."""
    fitted = model.fit(rows, examples.targets, examples.weight)
    unseen = np.zeros((len(examples.texts), len(TARGETS)))
    for part, rest in folds(rows, examples.sites, options.folds):
        unseen[rest] = model.scores(model.fit(part, examples.targets, examples.weight), rest)
    matrix = np.hstack([signals, unseen])[rows]
    trees = {}
    for name, known in examples.targets.items():
        how = HOW.get(name, HOW["kind"])
        how = replace(how, trees=min(how.trees, options.trees))
        trees[name] = boost(matrix, known[rows], examples.weight[rows], how)
    return fitted, trees


def check(examples, model, signals, options):
    every = np.arange(len(examples.texts))
    said = np.zeros((len(every), len(TARGETS)))
    for rows, rest in folds(every, examples.sites, options.folds):
        fitted, trees = learn(examples, model, signals, rows, options)
        matrix = np.hstack([signals[rest], model.scores(fitted, rest)])
        for k, name in enumerate(TARGETS):
            said[rest, k] = probabilities(matrix, parse_trees(trees[name])) / CERTAIN
    for k, name in enumerate(TARGETS):
        known, score = examples.targets[name][examples.scored], said[examples.scored, k]
        order = np.argsort(-score, kind="stable")
        precision = np.cumsum(known[order]) / np.arange(1, len(order) + 1)
        for least in (0.9, 0.95, 0.98):
            passing = np.flatnonzero(precision >= least)
            last = passing[-1] if len(passing) else -1
            bound = score[order[last]] if last >= 0 else 1
            recall = known[order[: last + 1]].sum() / known.sum()
            figures = f"precision {least} recall {recall:.3f} above {bound:.3f}"
            print(f"{name:10} {known.sum():>5} {figures}")


def write(fitted, trees, model, options):
    columns, frequency, weights = fitted
    lines = [
        "# Terms of the junk model: the square of the inverse document frequency, then a weight",
        f"# for {', '.join(TARGETS)}; all in hundredths. Counted and weighed by",
        "# tests/benchmarks/junk_train.py from judged pages (tests/junk_labels, half `tune`).",
    ]
    rows = []
    for k, column in enumerate(columns):
        by_target = [
            round(SCALE * LENGTH * float(weights[name][k] * frequency[k])) for name in TARGETS
        ]
        square = round(SCALE * float(frequency[k]) ** 2)
        rows.append((model.names[column], square, by_target))
    for name, square, by_target in sorted(rows):
        lines.append("\t".join(map(str, (square, *by_target, name))))
    terms = common.written_to(options, MADE / "terms.txt")
    made = common.written_to(options, MADE / "model.json")
    terms.write_text("\n".join(lines) + "\n", encoding="utf-8")
    named = {
        target: {**each, "features": [junk_model.FEATURES[at] for at in each["features"]]}
        for target, each in trees.items()
    }
    made.write_text(json.dumps(named) + "\n", encoding="utf-8")
    print(f"terms written: {len(rows)}")


def read_signals(texts):
    """The signals of each text but term scores, which depend on what is learned."""
    batch = measure(mended_texts(pa.array(texts, pa.large_string())), None)
    names = junk_model.FEATURES[: -len(TARGETS)]
    columns = []
    for name in names:
        family, _, field = name.partition(".")
        column = batch.column(family).field(field).cast(pa.float64())
        columns.append(column.to_numpy(zero_copy_only=False))
    return np.nan_to_num(junk_model.as_read(np.stack(columns, 1)), nan=UNKNOWN)


def main():
    parser = common.parser(__doc__)
    parser.add_argument("--check", action="store_true", help="score sites not learned from")
    parser.add_argument("--folds", type=int, default=5, help="parts of the sites, each unseen once")
    parser.add_argument("--trees", type=int, default=300, help="most of a target")
    with common.options(parser, check=True, folds=4, trees=5) as options:
        report(options)


def report(options):
    examples = read_examples(options)
    count = {name: int(each.sum()) for name, each in examples.targets.items()}
    print(f"pages to learn from: {len(examples.texts)}, {count}")
    vectorizer = CountVectorizer(analyzer=grams, min_df=FEWEST, binary=True)
    matrix = vectorizer.fit_transform(examples.texts).astype(float).tocsr()
    model = TermModel(matrix, vectorizer.get_feature_names_out())
    signals = read_signals(examples.texts)
    if options.check:
        check(examples, model, signals, options)
    if options.smoke or not options.check:
        every = np.arange(len(examples.texts))
        fitted, trees = learn(examples, model, signals, every, options)
        write(fitted, trees, model, options)


if __name__ == "__main__":
    main()
