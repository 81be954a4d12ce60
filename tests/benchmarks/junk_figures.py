"""Writes above each junk rule of the shipped policies what it drops and what that costs.

    python tests/benchmarks/junk_figures.py --data DATA            # prints them
    python tests/benchmarks/junk_figures.py --data DATA --write    # into filters/policies/*.toml

For each rule: judged pages without doubt that it drops and how many of these are junk, in each half
of `tests/junk_labels`; texts that it drops of filtered web text, and of edited texts. What the junk
model says of the half `tune` flatters it, since it learned from that half.
"""

import re
import textwrap
from collections import Counter

import common
import pyarrow as pa
from common import ROOT, texts_of
from junk import HALVES, labelled, measured_part
from junk_false_positives import documents
from junk_reasons import reason_categories
from verdicts import judge

from thresher.filters.measure import measure
from thresher.filters.mended_text import mended_texts
from thresher.filters.policy import shipped_policy

SUMMARY = re.compile(r"# The junk rules together.*?again\.\n", re.DOTALL)
OURS = POLICIES = ("web-en", "junk-gentle", "junk-strict")
BATCH = 2000
APART = ("misc.forsale", "newsgroups")
"""Human, but small ads and posts: not edited."""


def measured(texts):
    for start in range(0, len(texts), BATCH):
        batch = pa.array(texts[start : start + BATCH], pa.large_string())
        yield measure(mended_texts(batch), None)


def drops(policy, batches):
    """The junk reasons for each text, of rules that a text alone can be judged by."""
    found = []
    for batch in batches:
        part, _ = measured_part(policy, set(batch.schema.names))
        known = reason_categories(part)
        found.extend(known.keys() & set(reasons) for reasons in judge(batch, part))
    return found


def sentence(reason, judged, web, edited):
    """The comment of a rule."""
    parts = []
    for half, name in zip(HALVES, ("Tuning half", "other half"), strict=True):
        mine = [row for row, reasons in judged if row["half"] == half and reason in reasons]
        junk = sum("good" not in row["labels"] for row in mine)
        parts.append(f"{name} {len(mine)}, junk {junk}")
    parts.append(f"web text {sum(reason in each for each in web):,}")
    parts.append(f"edited {sum(reason in each for each in edited):,}")
    return f"# {'; '.join(parts)}."


def summary(judged, web, edited):
    """The lines on all junk rules together."""
    halves = []
    for half in HALVES:
        mine = [(row, bool(reasons)) for row, reasons in judged if row["half"] == half]
        junk = [gone for row, gone in mine if "good" not in row["labels"]]
        good = [gone for row, gone in mine if "good" in row["labels"]]
        halves.append(f"{sum(junk)} of {len(junk)} junk and {sum(good)} of {len(good)} good pages")
    text = (
        "The junk rules together, pages judged without doubt: in the half that bounds were set and "
        f"the junk model learned on (which flatters it) {halves[0]} are dropped, in the other "
        f"half {halves[1]}; of filtered web text {sum(map(bool, web)):,} of {len(web):,}, of "
        f"edited texts that it has not seen {sum(map(bool, edited)):,} of {len(edited):,}. Above "
        "each rule: the judged pages that it drops in each half, how many of them are junk, and "
        "what it drops of these texts. `tests/benchmarks/junk_figures.py --write` takes them again."
    )
    return "".join(f"# {line}\n" for line in textwrap.wrap(text, 98))


def main():
    parser = common.parser(__doc__)
    parser.add_argument("--write", action="store_true", help="write the comments")
    with common.options(parser, write=False) as options:
        report(options)


def report(options):
    rows, texts = zip(*labelled(options, False)[0], strict=True)
    edited_texts = [text for source, _, text in documents(options.data) if source not in APART]
    kinds = [
        list(measured(each))
        for each in (texts, texts_of(options.data, "text/weborganizer"), edited_texts)
    ]
    for name in POLICIES:
        policy = shipped_policy(name)
        found, web, edited = (drops(policy, batches) for batches in kinds)
        judged = list(zip(rows, found, strict=True))
        together = summary(judged, web, edited)
        print(f"{name}: {len(judged)} judged pages\n{together}")
        counts = Counter(reason for _, reasons in judged for reason in reasons)
        path = ROOT / "filters" / "policies" / f"{name}.toml"
        blocks = path.read_text(encoding="utf-8").split("\n\n")
        for place, block in enumerate(blocks):
            reason = re.search(r'^reason = "([^"]+)"', block, re.MULTILINE)
            if reason and block.startswith(("# Tuning half", "# Figures follow")):
                line = sentence(reason[1], judged, web, edited)
                print(f"  {reason[1]:20} {counts[reason[1]]:>5} {line[2:]}")
                blocks[place] = line + "\n" + block.partition("\n")[2]
        if options.write:
            path.write_text(SUMMARY.sub(together, "\n\n".join(blocks)), encoding="utf-8")


if __name__ == "__main__":
    main()
