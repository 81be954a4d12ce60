"""Count what language models over-use, and how far a page's score goes by itself.

    python tests/benchmarks/slop_table.py --data DATA          # figures of the table
    python tests/benchmarks/slop_table.py --data DATA --write  # count and write it first

The table (`filters/junk/model_phrases.txt`) holds n-grams of one to three words, and for each
hundredths of the natural logarithm of how many more of the models' texts hold it than of people's.
People and models wrote on the same prompts (DetectRL, OUTFOX); stories by models stand beside
books. Texts are halved by a hash of their id: one half is counted, the other gives the figures,
among people's texts also those of sources that were not counted at all.
"""

import hashlib
import math
import re
from collections import Counter, defaultdict

import common
import pyarrow as pa
from common import ROOT, rows_of

from thresher.filters.junk.families import FUNCTION_WORDS
from thresher.filters.measure import measure

OURS = ("a page is machine text above", "llm     detectrl ChatGPT", "human   openstax")
TABLE = ROOT / "filters" / "junk" / "model_phrases.txt"
LONGEST = 3
FEWEST_TEXTS = 25
LEAST = 0.6
"""Smallest natural logarithm of the ratio that is worth an entry."""
ENTRIES = {1: 2200, 2: 1500, 3: 900}
MOST = 3.0
FALSE_POSITIVES = 0.01
BROKEN = ("adversarial_", "back_translation", "dipper")
"""Kinds of DetectRL's texts that were damaged on purpose: not counted, but scored."""
OWN_WORDS = ("story", "content", "abstract", "document")
"""DetectRL's texts of people that no model has touched; the others are left out."""

WORDS = re.compile(r"[^\W_]+")


def counted(key):
    """Whether a text is of the half that is counted."""
    return hashlib.sha256(f"slop table {key}".encode()).digest()[0] & 1 == 0


def groups(data):
    """Group, side, kind and text of everything, with its id."""
    for row in rows_of(data, "slop/detectrl"):
        if row["label"] == "human" and row["domain"] not in OWN_WORDS:
            continue
        kind = row["model"] or row["domain"]
        broken = any(word in row["domain"] for word in BROKEN)
        group = "" if broken else "detectrl"
        yield row["id"], group, row["label"], f"detectrl {kind}", row["text"]
    for row in rows_of(data, "slop/outfox"):
        yield row["id"], "outfox", row["label"], f"outfox {row['label']}", row["text"]
    for row in rows_of(data, "slop/slop_score"):
        yield row["id"], "stories", "llm", f"stories {row['model']}", row["text"]
    for row in rows_of(data, "text/reference"):
        if row["source"].startswith(("brown-c", "book:")):
            yield row["id"], "stories", "human", "books and Brown", row["text"][:6000]
    for name in ("openstax", "newsgroups", "reuters", "scitldr"):
        for row in rows_of(data, f"text/{name}"):
            yield row["id"], "", "human", name, row["text"]


def grams(text):
    words = WORDS.findall(text.lower().replace("'", "").replace("\u2019", ""))
    found = set()
    for size in range(1, LONGEST + 1):
        found.update(" ".join(words[i : i + size]) for i in range(len(words) - size + 1))
    return found


def make_table(rows):
    """Weights by n-gram, from texts of the counted half."""
    texts = Counter()
    holding = {side: defaultdict(Counter) for side in ("human", "llm")}
    for key, group, side, _, text in rows:
        if group and counted(key):
            texts[group, side] += 1
            holding[side][group].update(grams(text))
    every = Counter()
    for side in holding.values():
        for found in side.values():
            every.update(found)
    weights = {}
    for gram, total in every.items():
        if total < FEWEST_TEXTS or not re.fullmatch(r"[a-z]+( [a-z]+)*", gram):
            continue
        if len(gram) < 3 or all(word in FUNCTION_WORDS and " " in gram for word in gram.split()):
            continue
        known, ratio = 0, 0.0
        for group in ("detectrl", "outfox", "stories"):
            llm, human = (holding[side][group][gram] for side in ("llm", "human"))
            if llm + human < 8:
                continue
            llm_share = (llm + 1) / (texts[group, "llm"] + 2)
            human_share = (human + 1) / (texts[group, "human"] + 2)
            ratio += (llm + human) * math.log(llm_share / human_share)
            known += llm + human
        if known and abs(ratio / known) >= LEAST:
            weights[gram] = (max(-MOST, min(MOST, ratio / known)), total)
    chosen = {}
    for size, most in ENTRIES.items():
        mine = [gram for gram in weights if gram.count(" ") == size - 1]
        mine.sort(key=lambda gram: (-abs(weights[gram][0]) * math.sqrt(weights[gram][1]), gram))
        chosen |= {gram: weights[gram][0] for gram in mine[:most]}
    return chosen, texts


def write_table(chosen, texts, path):
    header = [
        "N-grams that language models use more often than people (above 0) or less often (below).",
        "Hundredths of the natural logarithm of the ratio of the shares of texts that hold them.",
        "Counted by tests/benchmarks/slop_table.py --write, from one half of these texts:",
        *(
            f"  {group}: {texts[group, 'llm']} of models, {texts[group, 'human']} of people"
            for group in ("detectrl", "outfox", "stories")
        ),
        "detectrl: DetectRL without damaged texts. outfox: OUTFOX essays. stories: fiction",
        "of 22 models (slop-score) beside Brown and public-domain books.",
    ]
    lines = [f"# {line}" for line in header]
    lines += [f"{round(100 * weight)}\t{gram}" for gram, weight in sorted(chosen.items())]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{path.name}: {len(chosen)} n-grams, {path.stat().st_size} bytes")


def show_figures(rows):
    rest = [row for row in rows if not counted(row[0])]
    scores = []
    for start in range(0, len(rest), 1000):
        batch = measure(pa.array([row[4] for row in rest[start : start + 1000]]), None)
        scores += [row["model_phrase_score"] for row in batch.column("slop").to_pylist()]
    found = defaultdict(list)
    for (_, _, side, kind, _), score in zip(rest, scores, strict=True):
        if score is not None:
            found[side, kind].append(score)
    pooled = sorted(score for (side, _), each in found.items() if side == "human" for score in each)
    bound = pooled[int(len(pooled) * (1 - FALSE_POSITIVES))]
    print(f"a page is machine text above {bound:.4f}: {FALSE_POSITIVES:.0%} of people's pages are")
    print(f"{'':8}{'texts':40}{'number':>8}{'above':>8}{'mean':>9}")
    for (side, kind), each in sorted(found.items()):
        above = sum(score > bound for score in each) / len(each)
        print(f"{side:8}{kind:40}{len(each):>8}{above:>8.1%}{sum(each) / len(each):>9.4f}")


def main():
    parser = common.parser(__doc__)
    parser.add_argument("--write", action="store_true", help="count and write the table first")
    with common.options(parser, write=True) as options:
        rows = list(groups(options.data))
        if options.write:
            chosen, texts = make_table(rows)
            write_table(chosen, texts, common.written_to(options, TABLE))
        show_figures(rows)


if __name__ == "__main__":
    main()
