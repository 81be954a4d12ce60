"""What the rules about sites drop of composed sites: of language models, of people, of a template.

    python tests/benchmarks/site_rules.py --data DATA [--policy web-en] [--pages 20]
    python tests/benchmarks/site_rules.py --data DATA --leave-out   # minutes

A site is so many pages drawn from one kind of text: one generator, one newsgroup, one book, one
format and topic of web text. Texts that `filters/junk/model_phrases.txt` was counted from are left
out, and so are judged pages of half `test`. `--leave-out` counts the table again without a
generator and scores that generator with it; the trained model behind `machine_text.score` stays the
shipped one, and `model` says whether it was trained on texts of that generator (`seen`) or not
(`new`).
"""

import re
from collections import defaultdict
from dataclasses import dataclass
from fnmatch import fnmatch

import common
import msgspec
import numpy as np
import pyarrow as pa
from common import rows_of
from junk import load_policy
from junk_pages import read_pages
from slop_table import BROKEN, OWN_WORDS, counted, groups, make_table
from verdicts import judge

from thresher.classifiers.quality import QualityModel
from thresher.filters import shape
from thresher.filters.junk import families as junk
from thresher.filters.junk import phrases
from thresher.filters.measure import measure
from thresher.filters.policy.sql import signals_of
from thresher.filters.shape import measure_shapes
from thresher.filters.signals import family_type
from thresher.filters.signals.site import MEANS
from thresher.pipeline.sites.figures import figures, read_shapes

OURS = ("models: outfox", "models: detectrl ChatGPT", "people: machine_site", "left out")
MODEL = "machine-text-en@1"
NEW_TO_MODEL = (
    *("Claude-instant", "outfox", "*claude*", "kimi*", "*gpt*", "o3", "openrouter*", "*istral*"),
)
FEWEST, FEWEST_OF_SITE = 8, 5
"""Texts that a kind needs, or a real site."""
BATCH = 1000


@dataclass(frozen=True)
class Text:
    """A page to draw."""

    side: str
    kind: str
    text: str


def texts(options):
    """Every text that may be drawn."""
    data = options.data
    judged = common.read_jsonl(options.labels)
    hidden = {row["id"] for row in judged if row["half"] == "test"}

    def visible(source, key):
        return f"{source}/{key.partition('-')[2]}" not in hidden

    for row in rows_of(data, "slop/detectrl"):
        if counted(row["id"]) or not visible("detectrl", row["id"]):
            continue
        if row["label"] == "llm":
            damage = next((word for word in BROKEN if word in row["domain"]), "")
            kind = f"{row['model'] or 'other models'}{', damaged' if damage else ''}"
            yield Text("models", f"detectrl {kind}", row["text"])
        elif row["domain"] in OWN_WORDS:
            yield Text("people", f"detectrl {row['domain']}", row["text"])
    for row in rows_of(data, "slop/outfox"):
        if not counted(row["id"]) and visible("outfox", row["id"]):
            yield Text("models" if row["label"] == "llm" else "people", "outfox", row["text"])
    for row in rows_of(data, "slop/slop_score"):
        if not counted(row["id"]):
            yield Text("models", f"stories {row['model']}", row["text"])
    for row in rows_of(data, "text/reference"):
        source = row["source"]
        if not (source.startswith(("brown-c", "book:")) and counted(row["id"])):
            yield Text("people", source, row["text"])
    for row in rows_of(data, "text/newsgroups"):
        if visible("newsgroups", row["id"]):
            yield Text("people", row["group"], row["text"])
    for row in rows_of(data, "text/reuters"):
        yield Text("people", f"reuters {(row['topics'] or ['no topic'])[0]}", row["text"])
    for row in rows_of(data, "text/openstax"):
        yield Text("people", row["source"], row["text"])
    for row in rows_of(data, "text/scitldr"):
        yield Text("people", "scitldr", row["text"])
    for page in read_pages(data, "weborganizer"):
        if page.half == "tune":
            yield Text("people", f"web: {page.hint}", page.text)
            yield Text("sites", page.site, page.text)
    yield from templates(data)


def templates(data):
    """Pages that one frame and some words of a real text make, by the share of the frame."""
    rows = rows_of(data, "text/reuters")[:4000]
    for own in (5, 20, 40, 80):
        for row in rows[own::40]:
            if len(row["text"].split()) > own + 5:
                page = common.directory_page(row["text"], own)
                yield Text("templates", f"{own} words of its own", page)


def measured(rows, model):
    """Signals of texts as a table, with the shape of each and the score of the trained model."""
    batches = []
    for start in range(0, len(rows), BATCH):
        column = pa.array([row.text for row in rows[start : start + BATCH]], pa.string())
        batch = pa.table(measure(column, None))
        scores = pa.StructArray.from_arrays([model.score(column)], names=["score"])
        batch = batch.append_column("machine_text", scores)
        batches.append(batch.append_column(shape.COLUMN, measure_shapes(column)))
    return pa.concat_tables(batches).combine_chunks()


def mean_of(table, name):
    family, field = name.split(".")
    if family not in table.column_names:
        return np.full(table.num_rows, np.nan)
    column = table[family].combine_chunks().field(field).cast(pa.float64())
    return column.to_numpy(zero_copy_only=False)


def with_sites(table, owner, count, pages):
    """The pages of drawn sites, one after the other, with the family `site`.

    A site of a kind with too few texts is judged as if it had so many pages.
    """
    columns = {"pages": np.full(len(owner), pages), "near_duplicate_fraction": np.zeros(len(owner))}
    for each in MEANS:
        values = mean_of(table, each.source)
        there = ~np.isnan(values)
        total = np.bincount(owner[there], values[there], count)
        having = np.bincount(owner[there], minlength=count)
        columns[each.name] = np.divide(total, having, np.full(count, np.nan), where=having > 0)[
            owner
        ]
    found, template = figures(
        read_shapes(table[shape.COLUMN].combine_chunks()), owner.astype(np.int64), count
    )
    columns["template_fraction"] = found["template_fraction"][owner]
    columns["page_template_fraction"] = template.share
    kind = family_type("site")
    arrays = [pa.array(columns[field.name], field.type, from_pandas=True) for field in kind]
    return table.append_column("site", pa.StructArray.from_arrays(arrays, fields=list(kind)))


def site_part(policy):
    """The rules of a policy that name a site."""
    rules = tuple(
        rule for rule in policy.rules if any("site." in each.signal for each in rule.conditions)
    )
    duplicates = msgspec.structs.replace(policy.duplicates, prefer=None)
    return msgspec.structs.replace(policy, rules=rules, duplicates=duplicates)


def drawn(rng, rows, pages, most):
    """Sites of so many pages: one cut of the texts after the other, each in a new order."""
    if len(rows) < pages:
        return [rng.permutation(rows)]
    sites = []
    while len(sites) < most:
        order = rng.permutation(rows)
        sites += [order[k : k + pages] for k in range(0, len(order) - pages + 1, pages)]
    return sites[:most]


def caught(table, rows, policy, rng, pages, most):
    """Sites drawn, sites of which a rule drops a page, pages it drops by reason, means."""
    sites = drawn(rng, rows, pages, most)
    owner = np.repeat(np.arange(len(sites)), [len(site) for site in sites])
    families = {name.split(".")[0] for name in signals_of(policy)} | {"length", "prose", "slop"}
    families |= {each.source.split(".")[0] for each in MEANS} | {shape.COLUMN}
    wanted = [name for name in table.column_names if name in families]
    taken = table.select(wanted).take(pa.array(np.concatenate(sites)))
    chosen = with_sites(taken, owner, len(sites), pages)
    reasons = judge(chosen, policy)
    by_reason = {}
    for rule in policy.rules:
        hit = np.array([rule.reason in each for each in reasons])
        by_reason[rule.reason] = (len(np.unique(owner[hit])) / len(sites), hit.mean())
    facts = chosen["site"].combine_chunks()
    means = {
        name: np.nan_to_num(facts.field(name).to_numpy(zero_copy_only=False))
        for name in ("machine_text_mean", "slop_mean", "template_fraction")
    }
    return len(sites), by_reason, means


def show(kind, count, texts_, found, means, note=""):
    shares = "  ".join(f"{sites:7.1%} {pages:7.1%}" for sites, pages in found.values())
    spread = "  ".join(
        f"{np.percentile(values, 1):6.2f} {np.percentile(values, 99):5.2f}"
        for values in means.values()
    )
    print(f"{kind[:44]:44}{texts_:>7,}{count:>6}  {shares}   {spread}  {note}")


def header(policy):
    print(
        f"\n{policy.name}, version {policy.version}; sites and pages dropped by each rule, then 1%"
    )
    print("and 99% of the sites' machine_text_mean, slop_mean and template_fraction")
    shown = "  ".join(f"{rule.reason:>15}" for rule in policy.rules)
    print(f"{'kind':44}{'texts':>7}{'sites':>6}  {shown}")


def new_to_model(kind):
    name = kind.removeprefix("detectrl ").removeprefix("stories ").removesuffix(", damaged")
    return "model: new" if any(fnmatch(name, each) for each in NEW_TO_MODEL) else "model: seen"


def all_kinds(options, policy, model):
    rng = np.random.default_rng(1)
    rows = list(texts(options))
    table = measured(rows, model)
    by_kind = defaultdict(list)
    for place, row in enumerate(rows):
        by_kind[row.side, row.kind].append(place)
    header(policy)
    totals, highest = defaultdict(lambda: [0, 0.0, 0]), defaultdict(list)
    for (side, kind), mine in sorted(by_kind.items()):
        if len(mine) < (FEWEST_OF_SITE if side == "sites" else FEWEST):
            continue
        count, found, means = caught(table, mine, policy, rng, options.pages, options.sites)
        note = new_to_model(kind) if side == "models" else ""
        dropped = any(pages for _, pages in found.values())
        if side in ("models", "templates") or dropped or options.every:
            show(f"{side}: {kind}", count, len(mine), found, means, note)
        for name, values in means.items():
            highest[side, name].append((values.max(), kind))
        for reason, (sites, _) in found.items():
            totals[side, reason][0] += count
            totals[side, reason][1] += sites * count
            totals[side, reason][2] += 1
    for (side, reason), (count, hits, kinds) in sorted(totals.items()):
        print(f"{side}: {reason} drops pages of {hits:,.0f} of {count:,} sites, {kinds} kinds")
    for (side, name), values in sorted(highest.items()):
        if side in ("people", "sites"):
            shown = ", ".join(f"{value:.2f} {kind}" for value, kind in sorted(values)[:-6:-1])
            print(f"{side}: highest {name}: {shown}")


def leave_out(options, policy, model):
    """Each generator by a table that was counted without it."""
    everything = list(groups(options.data))
    own = [row for row in texts(options) if row.side == "models" and "damaged" not in row.kind]
    kinds = sorted({row.kind for row in own if not row.kind.startswith("stories")})
    stories = sorted({row.kind for row in own if row.kind.startswith("stories")})
    folds = [[kind] for kind in kinds] + [stories[k::3] for k in range(min(3, len(stories)))]
    header(policy)
    for fold in folds:
        left = {"outfox llm" if kind == "outfox" else kind for kind in fold}
        rest = [row for row in everything if not is_of(row, left)]
        chosen, _ = make_table(rest)
        table_of = {gram: round(100 * weight) for gram, weight in chosen.items()}
        phrases.model_phrases = lambda weights=table_of: weights
        junk.junk_lookup.cache_clear()
        rows = [row for row in own if row.kind in fold]
        table = measured(rows, model)
        for kind in fold:
            mine = [k for k, row in enumerate(rows) if row.kind == kind]
            if len(mine) >= FEWEST:
                rng = np.random.default_rng(1)
                found = caught(table, mine, policy, rng, options.pages, options.sites)
                count, shares, means = found
                show(f"left out: {kind}", count, len(mine), shares, means, new_to_model(kind))


def is_of(row, left):
    """Whether a row of `slop_table.groups` is of a generator that is left out."""
    _, _, side, kind, _ = row
    if side != "llm":
        return False
    unnamed = kind.startswith("detectrl") and not re.match(
        r"detectrl (ChatGPT|Claude|Google|Llama)", kind
    )
    return kind in left or (unnamed and "detectrl other models" in left)


def main():
    parser = common.parser(__doc__)
    parser.add_argument("--policy", default="web-en", help="a shipped policy, or a file")
    parser.add_argument("--pages", type=int, default=20, help="pages of a site")
    parser.add_argument("--sites", type=int, default=200, help="sites drawn of each kind")
    parser.add_argument("--every", action="store_true", help="also kinds that lose nothing")
    parser.add_argument("--leave-out", action="store_true", help="tables without each generator")
    with common.options(parser, sites=3) as options:
        policy = site_part(load_policy(options.policy))
        model = QualityModel(MODEL)
        if options.smoke or not options.leave_out:
            all_kinds(options, policy, model)
        if options.smoke or options.leave_out:
            leave_out(options, policy, model)


if __name__ == "__main__":
    main()
