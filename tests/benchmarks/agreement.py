"""Verdicts beside datatrove's own filters, on real and composed documents, and why any differ.

    python tests/benchmarks/agreement.py --data DATA --work WORK

Thresher measures every document and judges it by the shipped policies; datatrove's filters run in
an environment of their own, made in WORK where it is missing, shortest documents first. Their
verdicts are kept in WORK/verdicts.jsonl, so that only the first run is slow (half an hour). Prints
the agreement per filter and every difference with its cause: the words or sentences that the two
count differently. Ends with 1 where a filter differs in more than 0.5% of the documents.

    --check 300      also run datatrove without the kept cache of words, on so many documents
    --pack           write the verdicts for `tests/filters/test_agreement.py`
"""

import hashlib
import json
import random
import sys
from collections import Counter

import common
import pyarrow as pa
from common import ROOT, read_jsonl, write_jsonl
from verdicts import COMPOSED, FILTERS, REASONS, SOURCES, judge, pack, read, rules

from thresher.filters.kernels.rules.exceptions import exceptions
from thresher.filters.kernels.text.tables import SCRIPT, tables
from thresher.filters.measure import measure, warm_up
from thresher.filters.transforms.registry import TRANSFORMS

OURS = ("repetition", "quality", "c4", "c4_any_end", "fineweb")
PEERS = ("datatrove",)
PEER = common.PEERS / "agreement.py"
PACKED = ROOT / "tests" / "filters" / "datatrove_verdicts.json"
CLEANED = {"c4": "c4_lines", "c4_any_end": "c4_lines_any_end"}
"""The transform that leaves C4's text, by filter."""


class Peer:
    """datatrove in its own environment."""

    def __init__(self, options):
        self.python, self.work = common.peer_python(options, "datatrove"), options.work

    def __call__(self, name, rows, *switches, anew=True):
        """Its results, by id, and its versions; unless `anew`, those that are kept stay."""
        documents, results = self.work / f"{name}-documents.jsonl", self.work / f"{name}.jsonl"
        write_jsonl(documents, rows)
        if anew:
            results.unlink(missing_ok=True)
        said = common.run_python(self.python, PEER, documents, results, *switches)
        found = {row["id"]: row for row in read_jsonl(results)}
        return found, json.loads(said.strip().splitlines()[-1])


def check_cache(peer, rows, verdicts, count):
    """That the kept cache of words changes no verdict."""
    chosen = random.Random(1).sample(rows, min(count, len(rows)))
    exact, _ = peer("check-verdicts", chosen, "--exact")
    different = [name for name, row in exact.items() if row != verdicts[name]]
    print(f"datatrove without the kept cache of words: {len(exact)} documents, ", end="")
    print(f"{len(different)} verdicts differ {different[:5] or ''}\n")


def pieces(text):
    """What a difference can be narrowed down to: lines, then chunks between white space."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines, sorted({chunk for line in lines for chunk in line.split()})


def cause(chunk, theirs, ours):
    """Why two splitters count other words in a chunk: a group, and what tells it."""
    if any(tables().classes[ord(character)] & SCRIPT for character in chunk):
        return "a letter of a script without spaces is a word here, a chunk there"
    known = exceptions()
    joined = [word for word in theirs if word in known]
    if ours > len(theirs) and joined:
        return f"spaCy joins what it had cut into the exception {' '.join(sorted(set(joined)))}"
    return f"other words: {chunk!r} is {' | '.join(theirs)}, {ours} words here"


def causes(peer, rows):
    """By id: why the two count other words or sentences, the commonest cause first."""
    strings = sorted({part for row in rows for kind in pieces(row["text"]) for part in kind})
    if not strings:
        return {}
    theirs, _ = peer("words", [{"id": text, "text": text} for text in strings], "--split")
    length = measure(pa.array(strings), None).column("length")
    ours = dict(zip(strings, length.to_pylist(), strict=True))
    found = {}
    for row in rows:
        lines, chunks = pieces(row["text"])
        different = [c for c in chunks if len(theirs[c]["words"]) != ours[c]["words"]]
        groups = Counter(cause(c, theirs[c]["words"], ours[c]["words"]) for c in different)
        groups.update(
            f"other sentences: {line!r}"
            for line in lines
            if theirs[line]["sentences"] != ours[line]["sentences"]
            and not set(different) & set(line.split())
        )
        found[row["id"]] = [name for name, _ in groups.most_common()] or ["the rule itself"]
    return found


def compare(rows, measured, verdicts, name):
    """The line of a filter, and its differences as (id, datatrove's reason, our reasons)."""
    ours = judge(measured, rules(name))
    counts, different, other_reason = Counter(), [], 0
    for row, reasons in zip(rows, ours, strict=True):
        reason = verdicts[row["id"]][name]
        counts[bool(reasons), bool(reason)] += 1
        if bool(reasons) != bool(reason):
            different.append((row["id"], reason, reasons))
        elif reason and REASONS[reason] not in reasons:
            other_reason += 1
    share = 1 - len(different) / len(rows)
    print(
        f"{name:<12}{len(rows):>10}{counts[False, False]:>9}{counts[True, True]:>9}"
        f"{counts[True, False]:>11}{counts[False, True]:>11}{other_reason:>13}{share:>11.3%}"
    )
    return different


def compare_text(rows, verdicts, name):
    """How often C4's cleaned text is the same, of the documents that datatrove keeps."""
    known = {transform.name: transform for transform in TRANSFORMS}
    if CLEANED[name] not in known:
        print(f"{name}: no transform '{CLEANED[name]}', so the cleaned text is not compared")
        return
    kept = [row for row in rows if verdicts[row["id"]][name] == ""]
    texts = known[CLEANED[name]].apply(pa.array([row["text"] for row in kept], pa.large_string()))
    different = [
        row["id"]
        for row, text in zip(kept, texts.to_pylist(), strict=True)
        if hashlib.sha256(text.encode()).hexdigest() != verdicts[row["id"]][f"{name}_text"]
    ]
    share = 1 - len(different) / len(kept)
    print(f"{name}: cleaned text the same in {share:.3%} of {len(kept)}; not in {different[:20]}")


def show_ours(rows, measured):
    """Without the peer: what each filter drops."""
    for name in FILTERS:
        dropped = sum(map(bool, judge(measured, rules(name))))
        print(f"{name:<12}{len(rows):>10} documents, {dropped} dropped")


def report(options):
    """Print everything; whether a filter differs too much."""
    every = {source: list(read(options.data, source)) for source in SOURCES}
    every[COMPOSED] = list(read(None, COMPOSED))
    rows = [{"id": name, "text": text} for found in every.values() for name, text in found]
    rows.sort(key=lambda row: (len(row["text"]), row["id"]))
    rows = rows[: options.documents]
    print(f"{len(rows)} documents, {sum(len(row['text']) for row in rows) / 1e6:.1f} M characters")
    warm_up()
    measured = measure(pa.array([row["text"] for row in rows], pa.large_string()), None)
    peer = common.attempt("datatrove", lambda: Peer(options))
    if peer is None:
        show_ours(rows, measured)
        return False
    verdicts, versions = peer("verdicts", rows, anew=False)
    print(", ".join(f"{name} {found}" for name, found in versions.items()), "\n")
    if options.check:
        check_cache(peer, rows, verdicts, options.check)
    print(
        f"{'filter':<12}{'documents':>10}{'kept':>9}{'dropped':>9}"
        f"{'ours only':>11}{'peer only':>11}{'other reason':>13}{'agreement':>11}"
    )
    different = {name: compare(rows, measured, verdicts, name) for name in FILTERS}
    print()
    for name in CLEANED:
        compare_text(rows, verdicts, name)
    texts = {row["id"]: row for row in rows}
    ids = sorted({name for found in different.values() for name, _, _ in found})
    found = causes(peer, [texts[name] for name in ids])
    for name, each in different.items():
        groups = Counter(found[document][0] for document, _, _ in each)
        for group, count in groups.most_common():
            print(f"\n{name}: {count} for this cause: {group[:200]}")
            for document, reason, reasons in each:
                if found[document][0] == group:
                    also = f"; also {found[document][1][:90]}" if found[document][1:] else ""
                    other, our = reason or "keeps", ", ".join(reasons) or "keep"
                    print(f"    {document}: datatrove {other}, ours {our}{also}")
    if options.pack:
        PACKED.write_text(pack(every, verdicts, versions))
        print(f"\n{PACKED}")
    return any(len(each) > 0.005 * len(rows) for each in different.values())


def main():
    parser = common.parser(__doc__)
    parser.add_argument("--documents", type=int, help="only so many, the shortest")
    parser.add_argument("--check", type=int, default=0, metavar="COUNT")
    parser.add_argument("--pack", action="store_true")
    with common.options(parser, documents=100) as options:
        sys.exit(report(options))


if __name__ == "__main__":
    main()
