"""Evaluation examples planted in real pages, changed in several ways: how many are found.

    python tests/benchmarks/decontamination.py --data DATA

`DATA/eval_sets` are published sets. Of each, some examples are planted; the pages without a plant
show what else matches, each with the set and the start of the text in common, to be judged by eye:
pages that quote the source of an example (an article, the constitution) are no false alarms.
"""

import gzip
import json
import random
import re
import string
from collections import defaultdict

import common
import pyarrow as pa
from common import cpu_seconds, megabytes

from thresher.filters.decontamination import measure_overlap
from thresher.manifests.store import Store
from thresher.pipeline.decontamination import (
    EvaluationSettings,
    evaluation_index,
    field_value,
    find_sets,
    index_of,
    load_index,
)

OURS = ("index", "verbatim", "weborganizer")
SETS = {
    "gsm8k": ("grade-school-math__data__test", ("question", "answer")),
    "humaneval": ("human-eval__data__HumanEval", ("prompt", "canonical_solution")),
    "math": ("llm-foundry__symbolic_problem_solving__math.", ("context", "chain_of_thought")),
    "mathqa": ("llm-foundry__symbolic_problem_solving__math_qa", ("query",)),
    "svamp": ("SVAMP__SVAMP", ("Body", "Question")),
    "arc_easy": ("llm-foundry__world_knowledge__arc_easy", ("query", "choices")),
    "arc_challenge": ("llm-foundry__world_knowledge__arc_challenge", ("query", "choices")),
    "piqa": ("llm-foundry__commonsense_reasoning__piqa", ("query", "choices")),
    "winogrande": (
        "llm-foundry__language_understanding__winogrande",
        ("context_options", "continuation"),
    ),
    "lambada": ("llm-foundry__language_understanding__lambada_openai.", ("context",)),
    "boolq": ("llm-foundry__reading_comprehension__boolq", ("query",)),
    "agieval_sat_math": ("AGIEval__v1__sat-math", ("question", "options")),
}
SOURCES = ("weborganizer", "reference", "openstax")
COVERAGES = (0.0, 0.1, 0.2, 0.3, 0.5, 0.8)


def changed_case(text, rng):
    marks = str.maketrans(dict.fromkeys(string.punctuation, " "))
    return text.translate(marks).upper() if rng.random() < 0.5 else text.title()


def wrapped(text, _):
    words = text.split()
    return "\n".join(" ".join(words[i : i + 9]) for i in range(0, len(words), 9))


def replaced(every):
    def change(text, rng):
        words = text.split(" ")
        for i in range(rng.randrange(every), len(words), every):
            words[i] = rng.choice(["instead", "another", "however", "their", "quite"])
        return " ".join(words)

    return change


def other_numbers(text, rng):
    return re.sub(r"\d+", lambda m: str(int(m[0]) + rng.randrange(1, 9)), text)


def half(text, rng):
    words = text.split(" ")
    start = rng.randrange(len(words) // 2 + 1)
    return " ".join(words[start : start + (len(words) + 1) // 2])


CHANGES = {
    "verbatim": lambda text, _: text,
    "case and punctuation": changed_case,
    "lines of nine words": wrapped,
    "half of it": half,
    "every 25th word replaced": replaced(25),
    "every 10th word replaced": replaced(10),
    "every 6th word replaced": replaced(6),
    "other numbers": other_numbers,
}


def pages(data, source, rng, count):
    texts = common.texts_of(data, f"text/{source}")
    return rng.sample(texts, min(count, len(texts)))


def published(data):
    for name, (file, fields) in SETS.items():
        path = next((data / "eval_sets").glob(f"{file}*"))
        yield EvaluationSettings(name, str(path), fields)


def examples_of(settings):
    """Of each example the text that a page would quote: its longest field, or first choice."""
    with gzip.open(settings.path, "rt", encoding="utf-8") as file:
        text = file.read()
    rows = json.loads(text) if text.startswith("[") else map(json.loads, text.splitlines())
    for row in rows:
        found = []
        for name in settings.fields:
            value = field_value(row, name)
            found += [value] if isinstance(value, str) else value or []
        yield max(found, key=len)


def plants(sets, carriers, rng, each):
    """(kind, set, words, page) for examples planted in the middle of pages."""
    for settings in sets:
        found = [text for text in examples_of(settings) if len(text.split()) >= 8]
        for kind, change in CHANGES.items():
            for text in rng.sample(found, min(each, len(found))):
                page = rng.choice(carriers)
                at = page.find("\n", rng.randrange(len(page))) + 1
                planted = f"{page[:at]}\n{change(text, rng)}\n{page[at:]}"
                yield kind, settings.name, len(text.split()), planted


def main():
    parser = common.parser(__doc__)
    parser.add_argument("--pages", type=int, default=2000, help="pages of each source")
    parser.add_argument("--each", type=int, default=25, help="plants of a kind from each set")
    parser.add_argument("--show", type=int, default=12, help="matches without a plant to print")
    with common.options(parser, pages=30, each=3, show=3) as options:
        report(options)


def report(options):
    rng = random.Random(1)
    sets = list(published(options.data))
    store = Store(str(options.work / "lake"))
    seen = find_sets(sets)
    where = index_of(seen)
    manifest = evaluation_index(store, seen, where.fingerprint)
    size = sum(output.bytes for output in manifest.outputs) / 1e6
    print(f"index: {manifest.seconds:.1f} s, {size:.1f} MB, {manifest.facts}")
    index = load_index(store.url(), where.folder)
    clean = {source: pages(options.data, source, rng, options.pages) for source in SOURCES}
    _recall(index, where.names, sets, clean["weborganizer"], rng, options.each)
    _others(index, where.names, clean, options.show)


def _recall(index, names, sets, carriers, rng, each):
    planted = list(plants(sets, carriers, rng, each))
    family, _ = measure_overlap(pa.array([text for *_, text in planted]), index, names)
    found = family.to_pylist()
    by_kind = defaultdict(list)
    for (kind, name, words, _), row in zip(planted, found, strict=True):
        long = "13 words and more" if words >= 13 else "8 to 12 words"
        by_kind[long, kind].append(row["coverage"] if row["set"] == name else 0.0)
        if kind == "verbatim":
            by_kind["of each set, verbatim", name].append(by_kind[long, kind][-1])
    heads = "".join(f"{f'>= {c}' if c else 'any':>9}" for c in COVERAGES)
    group = ""
    for (title, kind), values in sorted(by_kind.items()):
        if title != group:
            print(f"\n{title + ': share found, by coverage':54}{'plants':>7}{heads}")
            group = title
        shares = [sum(v >= c and v > 0 for v in values) / len(values) for c in COVERAGES]
        print(f"  {kind:52}{len(values):7}" + "".join(f"{share:9.3f}" for share in shares))


def _others(index, names, clean, show):
    heads = "".join(f"{f'>= {c}' if c else 'any':>9}" for c in COVERAGES)
    print(f"\n{'pages without a plant that match':32}{'pages':>9}{'ms/MB':>9}{heads}")
    matched = []
    for source, texts in clean.items():
        array, found = pa.array(texts), []
        seconds = cpu_seconds(lambda: found.extend(measure_overlap(array, index, names)))  # noqa: B023 - runs at once
        rows = found[0].to_pylist()
        counts = [sum(r["coverage"] >= c and r["ngrams"] > 0 for r in rows) for c in COVERAGES]
        print(
            f"{source:32}{len(texts):9}{1000 * seconds / megabytes(texts):9.1f}"
            + "".join(f"{count:9}" for count in counts)
        )
        matched += [(row, text) for row, text in zip(rows, texts, strict=True) if row["ngrams"]]
    matched.sort(key=lambda pair: -pair[0]["coverage"])
    for row, text in matched[:show]:
        shown = " ".join(text[row["start"] : row["end"]].split())[:100]
        print(f"  {row['coverage']:.2f} {row['set']} {row['item']}: {shown}")


if __name__ == "__main__":
    main()
