"""Does collapse show? Shards with growing shares of machine text, or of one template, beside clean.

    python tests/benchmarks/collapse.py --data DATA [--documents 200] [--seeds 3]

Clean shards and the human part of the mixed ones are web text; machine text is of four models on
human prompts, and human text of the same set is a control: another kind of text, not collapsed.
Also, at 1% false positives on human text: what share of machine text is found by page, and by site
of 20 pages, by the slop signals and by the figures of diversity; of texts that the table of phrases
was not counted from.
"""

import random

import common
import numpy as np
import pyarrow as pa
from common import best_of, directory_page, megabytes, rows_of, texts_of
from slop_table import counted

from thresher.filters.measure import MinHashSettings, measure
from thresher.filters.shape import measure_shapes
from thresher.filters.signals.site import FIGURES, MEANS
from thresher.pipeline.sites import SiteSettings
from thresher.pipeline.sites.deviation import deviations, robust
from thresher.pipeline.sites.figures import figures, read_shapes

OURS = ("human control", "one template", "ChatGPT", "Shapes")
SHARES = (0.0, 0.1, 0.25, 0.5, 0.75, 1.0)
CLEAN = 24
PAGES = 20


def of_groups(groups):
    """The figures of each group of texts."""
    texts = [text for group in groups for text in group]
    owner = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
    found, _ = figures(read_shapes(measure_shapes(pa.array(texts))), owner, len(groups))
    found["near_duplicate_fraction"] = np.zeros(len(groups))
    return pa.table({"pages": [len(g) for g in groups], **{f.name: found[f.name] for f in FIGURES}})


def by_share(web, kinds, documents, seeds):
    limit = SiteSettings().flag_below
    print(
        f"\nDeviation of a shard of {documents} documents (flagged below {limit:g}), "
        f"mean of {seeds} runs"
    )
    print(f"{'kind':16}" + "".join(f"{share:>9.0%}" for share in SHARES) + "   flagged from")
    found = {kind: [] for kind in kinds}
    lowest = []
    for seed in range(seeds):
        rng = random.Random(seed)
        pool = rng.sample(web, len(web))
        clean = of_groups([pool[k * documents : (k + 1) * documents] for k in range(CLEAN)])
        spread = {"shard": {f.name: robust(clean[f.name].to_numpy()) for f in FIGURES}}
        lowest.append(min(deviations(clean, spread, "shard")[0].to_pylist()))
        rest = pool[CLEAN * documents :]
        for kind, texts in kinds.items():
            mixed = [
                rng.sample(texts, int(documents * share))
                + rng.sample(rest, documents - int(documents * share))
                for share in SHARES
            ]
            found[kind].append(deviations(of_groups(mixed), spread, "shard")[0].to_pylist())
    for kind, runs in found.items():
        mean = np.mean(runs, axis=0)
        first = next((f"{s:.0%}" for s, v in zip(SHARES, mean, strict=True) if v < limit), "-")
        print(f"{kind:16}" + "".join(f"{value:9.1f}" for value in mean) + f"   {first}")
    print(f"clean shards: the lowest of {CLEAN * seeds} is {min(lowest):.1f}")


def by_site(human, machine, count):
    """What is found at 1% false positives, page by page and by site."""
    rng = random.Random(1)
    source = next(mean.source for mean in MEANS if mean.name == "slop_mean")
    family, field = source.split(".")

    def slop(texts):
        column = measure(pa.array(texts), MinHashSettings()).column(family).field(field)
        return np.nan_to_num(column.to_numpy(zero_copy_only=False))

    def drawn(texts):
        return [rng.sample(range(len(texts)), PAGES) for _ in range(count)]

    pages = slop(human)
    page_limit = np.quantile(pages, 0.99)
    sites = drawn(human)
    site_limit = np.quantile([pages[site].mean() for site in sites], 0.99)
    clean = of_groups([[human[k] for k in site] for site in sites])
    spread = {"site": {f.name: robust(clean[f.name].to_numpy()) for f in FIGURES}}
    likeness = np.array(deviations(clean, spread, "site")[0].to_pylist())
    likeness_limit = np.quantile(likeness, 0.01)
    print(
        f"\nFound at 1% false positives on human text of the same set; `{source}`, sites of {PAGES}"
    )
    print(f"{'model':16}{'by page':>10}{'by site':>10}{'by diversity of the site':>27}")
    for model, texts in machine.items():
        values = slop(texts)
        mine = drawn(texts)
        page = (values > page_limit).mean()
        site = np.mean([values[each].mean() > site_limit for each in mine])
        table = of_groups([[texts[k] for k in each] for each in mine])
        alike = np.mean(np.array(deviations(table, spread, "site")[0].to_pylist()) < likeness_limit)
        print(f"{model:16}{page:10.1%}{site:10.1%}{alike:27.1%}")


def cost(texts):
    batch = pa.array(texts)
    size = megabytes(texts)
    seconds = best_of(3, lambda: measure_shapes(batch))
    stored = measure_shapes(batch).nbytes / len(texts)
    print(
        f"Shapes of {len(texts):,} texts, {size:.1f} MB: {1000 * seconds / size:.2f} ms/MB, "
        f"{stored:.0f} bytes a document"
    )


def report(options):
    web = texts_of(options.data, "text/weborganizer")
    rows = rows_of(options.data, "slop/detectrl")
    human = [row["text"] for row in rows if row["label"] == "human"]
    machine = {}
    for row in rows:
        if row["label"] != "human" and row["model"]:
            machine.setdefault(row["model"], []).append(row["text"])
    machine = dict(sorted(machine.items()))
    kinds = {"human control": human, **machine}
    kinds["all models"] = [text for texts in machine.values() for text in texts]
    kinds["one template"] = [directory_page(text, 20) for text in web]
    cost(web[:4000])
    by_share(web, kinds, options.documents, options.seeds)
    unseen = [row for row in rows if not counted(row["id"])]
    by_site(
        [row["text"] for row in unseen if row["label"] == "human"],
        {
            model: [r["text"] for r in unseen if r["label"] != "human" and r["model"] == model]
            for model in machine
        },
        options.sites,
    )


def main():
    parser = common.parser(__doc__)
    parser.add_argument("--documents", type=int, default=200, help="of a shard")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--sites", type=int, default=300, help="sites drawn of each model")
    with common.options(parser, documents=8, seeds=1, sites=20) as options:
        report(options)


if __name__ == "__main__":
    main()
