"""Makes `pipeline/extract/lines_model.json`, the line model of the profile `balanced`.

    python tests/benchmarks/extraction_train.py --data DATA --work WORK [--check]

A line of a page with known main text is good where most of its sequences of three words are in that
text, a short one where it is a line of it; a line of a page with known snippets is good or bad
where it holds one. Every page weighs the same.

Main texts and snippets are those of WCXB (CC BY 4.0) and trafilatura's evaluation (Apache-2.0).
dragnet's are for research only, so of its pages, which are older, the model learns what trafilatura
finds, where readability agrees: `extraction.py` leaves both answers in the work folder.

The shipped model learns from all of these pages, so on WCXB and trafilatura's pages `extraction.py`
flatters it; `--check` learns from each half of the pages and scores the other, which does not.
"""

import json

import common
import extraction
import numpy as np
from boosting import Boosting, boost
from resiliparse.parse.html import HTMLTree

from thresher.filters.kernels.text.trees import parse_trees
from thresher.pipeline.extract import kernels as k
from thresher.pipeline.extract.balanced import balanced, view
from thresher.pipeline.read.charset import decode_html

OURS = ("lines learned from", "wcxb", "trafilatura", "dragnet")
SHIPPED = common.ROOT / "pipeline" / "extract" / "lines_model.json"
HOW = Boosting(trees=120, depth=5, rate=0.15, damping=20.0)
PAGE_WEIGHT, SNIPPET_WEIGHT, MOST_WORDS, WORD_POWER = 400.0, 6.0, 80, 0.7
SURE_BYTES = 25
RESEARCH_ONLY, TEACHER, WITNESS = "dragnet", "trafilatura precision", "readability-lxml"
LEAST_AGREEMENT, TAUGHT_WEIGHT = 0.85, 0.7


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


def taught(teacher, witness):
    """What the teacher calls main text, as a row; None where the witness doubts it."""
    agreement = extraction.f1(extraction.words(teacher), extraction.words(witness))
    return {"main_content": teacher} if agreement >= LEAST_AGREEMENT else None


def examples(pages, options, halves):
    """Features of lines, whether each is main text, and its weight, of pages of some halves."""
    teacher = extraction.run_peer(TEACHER, options)[1]
    witness = extraction.run_peer(options.witness, options)[1]
    matrices, goods, weights = [], [], []
    for (page, row), said, seconded in zip(pages, teacher, witness, strict=True):
        of_teacher = row["set"] == RESEARCH_ONLY
        lesson = taught(said["text"], seconded["text"]) if of_teacher else row
        decoded = decode_html(page.content, page.charset)
        if extraction.half(row) not in halves or lesson is None or decoded is None:
            continue
        seen = view(HTMLTree.parse(decoded.text), decoded.text)
        if seen is None:
            continue
        good, weight = labels(lesson, seen.lines)
        weight *= TAUGHT_WEIGHT if of_teacher else 1.0
        known = weight > 0
        matrices.append(seen.features[known])
        goods.append(good[known])
        weights.append(weight[known])
    return np.concatenate(matrices), np.concatenate(goods), np.concatenate(weights)


def learned(pages, options, halves):
    matrix, good, weight = examples(pages, options, halves)
    facts = f"{matrix.shape[1]} features, {good.mean():.3f} are main text"
    print(f"lines learned from: {len(good)}, {facts}")
    return boost(matrix, good, weight, HOW)


def check(pages, options):
    """Score each half of the pages by a model that learned from the other."""
    models = [parse_trees(learned(pages, options, [1 - half])) for half in (0, 1)]
    answers = []
    for page, row in pages:
        decoded = decode_html(page.content, page.charset)
        text = ""
        if decoded is not None:
            tree = HTMLTree.parse(decoded.text)
            text, _ = balanced(tree, decoded.text, models[extraction.half(row)])
        answers.append({"text": text})
    for group, figures in extraction.table(pages, answers).items():
        print(f"{group:24}", "  ".join(f"{name} {value}" for name, value in figures.items()))


def main():
    parser = common.parser(__doc__)
    parser.add_argument("--witness", default=WITNESS, choices=extraction.PEERS)
    parser.add_argument("--pages", type=int, help="only so many, spread over all of them")
    parser.add_argument("--check", action="store_true", help="score pages not learned from")
    with common.options(parser, check=True, witness="trafilatura fast") as options:
        pages = extraction.prepare(options)
        if options.check:
            check(pages, options)
        if options.smoke or not options.check:
            made = json.dumps(learned(pages, options, [0, 1])) + "\n"
            common.written_to(options, SHIPPED).write_text(made)


if __name__ == "__main__":
    main()
