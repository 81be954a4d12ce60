"""How well a policy's junk rules agree with pages judged by a reader, kind by kind.

    python tests/benchmarks/junk.py --data DATA                        # web-en, both halves
    python tests/benchmarks/junk.py --data DATA --policy mine.toml --half tune --errors 40

The pages and judgements are those of `tests/junk_labels`, read from DATA and measured here. For
each kind: of the pages of that kind, the share that a rule for it drops (recall), that any junk
rule drops, and that any rule of the policy drops; of the pages that a rule for it drops, the share
of that kind (precision), and the share that is junk of any kind. Pages in doubt are left out
(`--doubts` takes them in). Thresholds are set on the half `tune`; the half `test` says what they
are worth. Composed quote pages, and pages drawn at random, stand apart at the end.
"""

import hashlib
import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

import common
import msgspec
import pyarrow as pa
from junk_compose import compose
from junk_pages import read_pages, source_of
from junk_reasons import ANY_KIND, GROUPS, reason_categories
from sample import CATEGORIES, GOOD
from verdicts import judge

from thresher.filters.measure import measure
from thresher.filters.mended_text import mended_texts
from thresher.filters.policy import parse_policy, shipped_policies, shipped_policy

OURS = ("any junk", "market_table", "good pages")
HALVES = ("tune", "test")


@dataclass(frozen=True)
class Judged:
    """A page with what the reader says and what the policy does."""

    id: str
    half: str
    drawn: str
    labels: frozenset
    reasons: tuple
    """All reasons of the policy."""
    kinds: frozenset
    """The categories that the junk rules among them stand for, but for the one of no kind."""
    precise: dict
    """By junk reason: its categories."""

    @property
    def junk(self):
        return GOOD not in self.labels


def load_policy(name):
    if name in shipped_policies():
        return shipped_policy(name)
    return parse_policy(Path(name).read_text(encoding="utf-8"), name)


def measured_part(policy, columns):
    """The rules over signals that a page alone has, and the reasons of the others."""

    def known(rule):
        return all(condition.signal.split(".")[0] in columns for condition in rule.conditions)

    rules = tuple(rule for rule in policy.rules if known(rule))
    left_out = [rule.reason for rule in policy.rules if not known(rule)]
    return msgspec.structs.replace(policy, rules=rules), left_out


def learned_from(key):
    """Whether the junk model may learn from an edited text; the others are for measuring."""
    return hashlib.sha256(f"junk negatives {key}".encode()).digest()[0] & 1 == 0


def labelled(options, doubts):
    """The judged pages as (row, text), those whose text changed, and those not found."""
    rows = {row["id"]: row for row in common.read_jsonl(options.labels)}
    wanted = {key for key, row in rows.items() if doubts or row.get("sure", True)}
    found, changed = [], []
    for source in sorted({source_of(key) for key in wanted}):
        for page in read_pages(options.data, source):
            if page.id in wanted:
                wanted.discard(page.id)
                if page.fingerprint == rows[page.id]["text"]:
                    found.append(({**rows[page.id], "site": page.site}, page.text))
                else:
                    changed.append(page.id)
    return found, changed, sorted(wanted)


def composed(data):
    for page, label in compose(data):
        row = {"id": page.id, "labels": [label], "half": page.half, "drawn": "composed"}
        yield row, page.text


def judge_pages(found, policy):
    """Every page judged, and the reasons of rules that one page cannot be judged by."""
    texts = mended_texts(pa.array([text for _, text in found], pa.large_string()))
    batch = measure(texts, None)
    part, left_out = measured_part(policy, set(batch.schema.names))
    known = reason_categories(part)
    pages = []
    for (row, _), reasons in zip(found, judge(batch, part), strict=True):
        named = [reason for reason in reasons if reason != ANY_KIND]
        kinds = {kind for reason in named for kind in known.get(reason, ())}
        precise = {reason: known[reason] for reason in reasons if reason in known}
        labels = frozenset(row["labels"])
        facts = (row["id"], row["half"], row["drawn"], labels, tuple(reasons))
        pages.append(Judged(*facts, frozenset(kinds), precise))
    return pages, left_out


def share(part, whole):
    return round(len(part) / len(whole), 4) if whole else None


def hits(pages, group):
    """Pages that a rule for one of some kinds drops, and the right ones among them.

    A rule may stand for several kinds; a page counts for the kinds that its labels and the rule
    share, and as wrong for each of the rule's kinds where they share none.
    """
    caught = [page for page in pages if group & page.kinds]
    right = [page for page in caught if group & page.labels]
    other = [
        page
        for page in caught
        if not group & page.labels
        and all(
            set(kinds) & page.labels
            for reason, kinds in page.precise.items()
            if group & set(kinds) and reason != ANY_KIND
        )
    ]
    return [page for page in caught if page not in other], right


def table(pages):
    """Per kind and overall: counts, precision and recall."""
    out = {}
    groups = {kind: {kind} for kind in CATEGORIES} | {name: set(g) for name, g in GROUPS.items()}
    for kind, group in groups.items():
        mine = [page for page in pages if group & page.labels]
        caught, right = hits(pages, group)
        out[kind] = {
            "pages": len(mine),
            "recall": share([page for page in mine if group & page.kinds], mine),
            "recall_any_junk_rule": share([page for page in mine if page.precise], mine),
            "recall_any_rule": share([page for page in mine if page.reasons], mine),
            "dropped": len(caught),
            "precision": share(right, caught),
            "precision_as_junk": share([page for page in caught if page.junk], caught),
        }
    junk = [page for page in pages if page.junk]
    good = [page for page in pages if not page.junk]
    caught = [page for page in pages if page.precise]
    out["any junk"] = {
        "pages": len(junk),
        "recall": share([page for page in junk if page.precise], junk),
        "recall_any_junk_rule": share([page for page in junk if page.precise], junk),
        "recall_any_rule": share([page for page in junk if page.reasons], junk),
        "dropped": len(caught),
        "precision": share([page for page in caught if page.junk], caught),
        "precision_as_junk": share([page for page in caught if page.junk], caught),
    }
    out["good"] = {
        "pages": len(good),
        "dropped_by_junk_rule": len([page for page in good if page.precise]),
        "dropped_by_any_rule": len([page for page in good if page.reasons]),
    }
    return out


def errors(pages):
    """Good pages that a junk rule drops, and junk that every rule keeps, by kind."""
    wrong = {p.id: sorted(p.precise) for p in pages if not p.junk and p.precise}
    kept = defaultdict(list)
    for page in pages:
        if page.junk and not page.reasons:
            for kind in sorted(page.labels):
                kept[kind].append(page.id)
    return {"good_dropped": wrong, "junk_kept": dict(kept)}


def percent(value):
    return "      -" if value is None else f"{value:>7.1%}"


def show(title, figures, found, limit):
    print(f"\n{title}")
    print(f"{'':<20}{'pages':>7}  recall  by junk  by any    {'dropped':>9}  precision  as junk")
    for kind, row in figures.items():
        if kind != "good":
            names = ("recall", "recall_any_junk_rule", "recall_any_rule")
            left = "  ".join(percent(row[name]) for name in names)
            right = f"{percent(row['precision'])}    {percent(row['precision_as_junk'])}"
            print(f"{kind:<20}{row['pages']:>7} {left}  {row['dropped']:>9}    {right}")
    good = figures["good"]
    print(
        f"good pages: {good['pages']}, of them dropped by a junk rule "
        f"{good['dropped_by_junk_rule']}, by any rule {good['dropped_by_any_rule']}"
    )
    for page, reasons in list(found["good_dropped"].items())[:limit]:
        print(f"    good, dropped for {', '.join(reasons)}: {page}")
    for kind, ids in found["junk_kept"].items():
        if limit:
            print(f"    {kind}, kept by every rule ({len(ids)}): {' '.join(ids[:limit])}")


def main():
    parser = common.parser(__doc__)
    parser.add_argument("--policy", default="web-en", help="a shipped policy, or a file")
    parser.add_argument("--half", choices=HALVES, help="only one half")
    parser.add_argument("--doubts", action="store_true", help="also pages in doubt")
    parser.add_argument("--errors", type=int, default=8, metavar="N", help="ids shown of each kind")
    parser.add_argument("--json", type=Path, help="write everything here")
    with common.options(parser) as options:
        report(options)


def report(options):
    policy = load_policy(options.policy)
    found, changed, missing = labelled(options, options.doubts)
    pages, left_out = judge_pages(found, policy)
    quotes, _ = judge_pages(list(composed(options.data)), policy)
    halves = [options.half] if options.half else list(HALVES)
    pages = [page for page in pages if page.half in halves]
    groups = {half: [page for page in pages if page.half == half] for half in halves}
    for half in halves:
        chosen = [page for page in groups[half] if page.drawn == "random"]
        groups[f"{half}, drawn at random"] = chosen
    groups["composed quote pages"] = [page for page in quotes if page.half in halves]
    facts = {
        "policy": policy.name,
        "judged": len(pages),
        "text_changed": changed,
        "not_found": missing,
        "rules_left_out": left_out,
        "reasons_of_junk": Counter(reason for page in pages for reason in page.precise),
        "groups": {name: {"table": table(g), "errors": errors(g)} for name, g in groups.items()},
    }
    if options.json:
        options.json.write_text(json.dumps(facts, indent=1) + "\n")
    print(f"{policy.name}: {len(pages)} pages judged; {len(changed)} texts changed since they were")
    print(f"read and are left out, {len(missing)} not found: {' '.join((changed + missing)[:10])}")
    if left_out:
        print(f"rules that one page cannot be judged by, left out: {', '.join(left_out)}")
    for name, group in facts["groups"].items():
        show(name, group["table"], group["errors"], options.errors)


if __name__ == "__main__":
    main()
