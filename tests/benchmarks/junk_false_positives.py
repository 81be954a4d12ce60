"""What the junk rules drop of edited and human text: share of each source, and by rule.

    python tests/benchmarks/junk_false_positives.py --data DATA
    python tests/benchmarks/junk_false_positives.py --data DATA --policy junk-strict --ids

Sources are those that should lose next to nothing (at most 0.5%). Documents that a reader found to
be tables, lists or advertisements (`tests/junk_labels/read_as_tables.txt`) are counted in a column
of their own. Reuters' topic `earn` is reports of a few figures each, and the group misc.forsale is
small ads: both stand apart. Of DetectRL only what no model has touched counts as human. Texts of
the half that the junk model learned from (`junk_train.py`) are left out.
"""

from collections import Counter, defaultdict

import common
import pyarrow as pa
from common import rows_of
from junk import learned_from, load_policy, measured_part
from junk_reasons import reason_categories
from slop_table import OWN_WORDS
from verdicts import judge

from thresher.filters.measure import measure
from thresher.filters.mended_text import mended_texts

OURS = ("openstax", "reuters, other topics", "detectrl, people")
READ_AS_TABLES = common.JUNK_LABELS / "read_as_tables.txt"
BATCH = 1000


def source_of(name, row):
    """The source that a document is counted under, or None where it is not human text."""
    if name == "slop/detectrl":
        own = row["label"] == "human" and row["domain"] in OWN_WORDS
        return "detectrl, people" if own else None
    if name == "slop/outfox":
        return "outfox, people" if row["label"] == "human" else None
    if name == "text/reference":
        return "reference " + row["source"].partition(":")[0].partition("-c")[0]
    if name == "text/reuters":
        return "reuters earn" if "earn" in row["topics"] else "reuters, other topics"
    if name == "text/newsgroups":
        return "misc.forsale" if row["group"] == "misc.forsale" else "newsgroups"
    return name.partition("/")[2]


NAMES = (
    *("text/openstax", "text/reference", "text/scitldr", "text/instruct", "text/reuters"),
    "text/newsgroups",
    *("slop/detectrl", "slop/outfox"),
)


def documents(data):
    """Texts that the junk model has not learned from, with their source and id."""
    for name in NAMES:
        for row in rows_of(data, name):
            source = source_of(name, row)
            learned = name.startswith("text/") and learned_from(row["id"])
            if source is not None and not learned:
                yield source, row["id"], row["text"]


def junk_part(policy):
    """The rules that are about junk, of those that a text alone can be judged by."""
    reasons = reason_categories(policy)
    rules = tuple(rule for rule in policy.rules if rule.reason in reasons)
    return type(policy)(name=policy.name, version=policy.version, rules=rules)


def main():
    parser = common.parser(__doc__)
    parser.add_argument("--policy", default="web-en", help="a shipped policy or a file")
    parser.add_argument("--ids", action="store_true", help="print what is dropped and not read")
    with common.options(parser) as options:
        report(options)


def report(options):
    policy = junk_part(load_policy(options.policy))
    read = set(READ_AS_TABLES.read_text().split())
    rows = list(documents(options.data))
    seen, dropped, tables = Counter(), Counter(), Counter()
    rules, left = defaultdict(Counter), []
    for start in range(0, len(rows), BATCH):
        batch = rows[start : start + BATCH]
        texts = mended_texts(pa.array([text for _, _, text in batch], pa.large_string()))
        measured = measure(texts, None)
        part, _ = measured_part(policy, set(measured.schema.names))
        for (source, key, _), reasons in zip(batch, judge(measured, part), strict=True):
            seen[source] += 1
            if not reasons:
                continue
            dropped[source] += 1
            tables[source] += key in read
            rules[source].update(reasons)
            if key not in read:
                left.append((source, key, reasons))
    print(f"{policy.name}, version {policy.version}")
    print(f"{'source':28}{'documents':>10}{'dropped':>9}{'':>8}{'tables':>8}{'others':>8}")
    for source, count in seen.items():
        share, others = dropped[source] / count, (dropped[source] - tables[source]) / count
        print(
            f"{source:28}{count:>10,}{dropped[source]:>9,}{share:>8.2%}{tables[source]:>8,}"
            f"{others:>8.2%}  {dict(rules[source].most_common(4))}"
        )
    if options.ids:
        for source, key, reasons in left:
            print(f"{source}  {key}  {' '.join(reasons)}")


if __name__ == "__main__":
    main()
