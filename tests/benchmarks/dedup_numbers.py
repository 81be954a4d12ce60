"""What numbers are to near-duplicate search: `minhash.numbers = "keep"` beside `"fold"`.

    python tests/benchmarks/dedup_numbers.py --data DATA [--cases FILE ...] [--show 3]

Pairs of pages, and whether the two are called duplicates: an exact Jaccard similarity over word
5-grams of at least .8, which is what verification decides by.

Other pages: the same page with other figures. Quotes of companies (`market/`: one company with the
figures of another, as on another day), weather, fixtures, each as bare lines and with 100 and with
400 words of a real article around it; and real pages whose every number is drawn again, by the
share of their words that are numbers.

Mirrors: a real text, by length, twice in a little or much of the furniture of a site, with another
date and other counters; and the labelled plagiarised articles.

Last the two readings on whole collections, as the stages cluster them: Reuters' reports of figures
and its other news, main texts of real pages, web texts. Shown is in how many pairs of the same
cluster they differ, and `--show` of these; and what they make of test cases, JSON Lines whose ids
begin with the name of a case.
"""

import json
import random
import re
import tempfile
from collections import defaultdict
from itertools import combinations, pairwise
from pathlib import Path

import common
import numpy as np
import pyarrow as pa
from dedup_stages import ROWS, Stages, write_shard

from thresher.filters.measure import MinHashSettings, shingle_sets, warm_up
from thresher.jobs.stages.dedup import find_duplicates
from thresher.manifests.shards import read_table
from thresher.manifests.store import Store
from thresher.pipeline.dedup import DedupSettings

OURS = ("other pages: quotes", "other pages: redrawn", "mirrors", "collection")
READINGS = ("fold", "keep")
THRESHOLD = DedupSettings().threshold
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
DIGIT = re.compile(r"\d")
AROUND = (0, 100, 400)
"""Words of an article around a page of figures."""
SHARES = (0, 0.01, 0.02, 0.04, 0.08, 0.16, 1)
LENGTHS = (50, 100, 150, 250, 500, 1000, 4000)
CITIES = ("Ghent", "Lyon", "Turin", "Cork", "Graz", "Leeds", "Porto", "Split", "Brno", "Tartu")
CITIES += ("Vigo", "Bergen", "Basel", "Malmo")
SKIES = ("sunny", "cloudy", "light rain", "clear", "showers")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = ("January", "February", "March", "April", "May", "June", "August", "October")


def clipped(text, words):
    return " ".join(text.split()[:words])


def quote(company, figures):
    """A page of a company with figures that may be those of another day."""
    return (
        f"{company['name']} ({company['symbol']}) stock quote, price and news\n"
        f"Sector: {company['sector']}\n"
        f"Last {figures['lastsale']} Change {figures['netchange']} ({figures['pctchange']})\n"
        f"Volume {int(float(figures['volume'])):,} Market cap {figures['marketCap']}\n"
        f"{company['symbol']} opened at {figures['lastsale']} and was last seen "
        f"{figures['pctchange']} from its close. Shares of {company['name']} traded "
        f"{int(float(figures['volume'])):,} times. Quotes are delayed by fifteen minutes."
    )


def quotes(data, count, rng):
    path = data / "market" / "US-Stock-Symbols__nasdaq_full_tickers.json"
    companies = rng.sample(json.loads(path.read_text()), min(400, count))
    return [(quote(one, one), quote(one, rng.choice(companies))) for one in companies]


def weather(rng):
    """Two days' forecasts of a place, with the same skies."""
    city, skies = rng.choice(CITIES), [rng.choice(SKIES) for _ in range(7)]

    def page():
        lines = [f"Weather in {city} for the next 7 days"]
        for day, sky in zip(DAYS, skies, strict=True):
            lines.append(
                f"{day} high {rng.randint(-5, 35)}°C low {rng.randint(-12, 18)}°C {sky}, wind "
                f"{rng.randint(2, 60)} km/h, rain {rng.randint(0, 100)}%, humidity "
                f"{rng.randint(30, 99)}%"
            )
        return "\n".join(lines)

    return page(), page()


def fixtures(rng):
    """The results of the same teams in two rounds."""
    teams = rng.sample(CITIES, 12)

    def page():
        lines = [f"Results of round {rng.randint(1, 38)}"]
        for home, away in zip(teams[::2], teams[1::2], strict=True):
            lines.append(
                f"{rng.randint(1, 30)}/{rng.randint(1, 12)} {rng.randint(12, 21)}:30 {home} "
                f"{rng.randint(0, 6)} - {rng.randint(0, 6)} {away} attendance "
                f"{rng.randint(900, 60000):,}"
            )
        return "\n".join(lines)

    return page(), page()


def redrawn(text, rng):
    """The text with other digits in every number, of the same form."""

    def other(found):
        while True:
            drawn = DIGIT.sub(lambda _: str(rng.randint(0, 9)), found[0])
            if drawn != found[0]:
                return drawn

    return NUMBER.sub(other, text)


def furnished(text, rng, much):
    """An article as a site shows it on some day: only the numbers of its furniture differ."""
    day = f"{rng.choice(MONTHS)} {rng.randint(1, 28)}, {rng.randint(2008, 2025)}"
    if not much:
        return f"{day}\n{text}\n{rng.randint(3, 90000):,} views"
    return (
        f"Posted on {day} at {rng.randint(0, 23)}:{rng.randint(10, 59)} | "
        f"{rng.randint(3, 90000):,} views | {rng.randint(2, 300)} comments\n{text}\n"
        f"Share {rng.randint(1, 900)} Tweet {rng.randint(1, 900)} | Last updated {day}"
    )


def similarities(pairs, numbers):
    """The exact similarity of each pair."""
    texts = pa.array([text for pair in pairs for text in pair])
    values, offsets = shingle_sets(texts, MinHashSettings(numbers=numbers))
    sets = np.split(values, offsets[1:-1])
    found = []
    for one, other in zip(sets[::2], sets[1::2], strict=True):
        both = len(np.intersect1d(one, other, assume_unique=True))
        found.append(both / max(1, len(one) + len(other) - both))
    return np.array(found)


def show(name, pairs):
    """Of so many pairs, how many each reading calls duplicates."""
    if not pairs:
        print(f"{name}: no pairs")
        return
    words = np.median([len(one.split()) for one, _ in pairs])
    line = f"{name}, {words:.0f} words: {len(pairs)} pairs;"
    for numbers in READINGS:
        found = similarities(pairs, numbers)
        line += (
            f" {numbers} calls {(found >= THRESHOLD).mean():7.2%} duplicates (median similarity "
            f"{np.median(found):.2f});"
        )
    print(line.rstrip(";"), flush=True)


def numeric_share(text):
    return sum(bool(DIGIT.search(word)) for word in text.split()) / max(1, len(text.split()))


def clusters(texts, numbers):
    """The pairs of texts that share a cluster, as the stages find them."""
    settings = DedupSettings(urls=False)
    minhash = MinHashSettings(permutations=settings.signature_values, numbers=numbers)
    batches = [(i, pa.array(texts[i : i + ROWS])) for i in range(0, len(texts), ROWS)]
    groups = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        store = Store(folder)
        shard, _ = write_shard(store, "s", batches, minhash)
        found = find_duplicates(Stages(store, OneByOne()), [shard], (), "f", settings, minhash)
        for path in found.paths.values():
            for row in read_table(store, path, ["id", "cluster_id"]).to_pylist():
                if row["cluster_id"] is not None:
                    groups[row["cluster_id"]].append(int(row["id"], 16))
    return {pair for group in groups.values() for pair in combinations(sorted(group), 2)}


class OneByOne:
    """A pool that is this process."""

    def starmap(self, function, tasks, _):
        return [function(*task) for task in tasks]


def compare(name, texts, shown):
    """Where the two readings differ on a collection."""
    fold, keep = (clusters(texts, numbers) for numbers in READINGS)
    alike = {pair for pair in fold - keep if len({NUMBER.sub("0", texts[i]) for i in pair}) == 1}
    print(
        f"collection {name}: {len(texts)} texts; pairs in clusters: fold {len(fold)}, keep "
        f"{len(keep)}; by fold alone {len(fold - keep)} ({len(alike)} differ in numbers alone), by "
        f"keep alone {len(keep - fold)}",
        flush=True,
    )
    for a, b in sorted(fold - keep)[:: max(1, len(fold - keep) // max(1, shown))][:shown]:
        print(f"    {texts[a][:300]!r}\n    {texts[b][:300]!r}\n")


def by_case(paths):
    """What each reading makes of cases: documents whose ids begin with the same letters."""
    rows = [json.loads(line) for path in paths for line in path.read_text().splitlines()]
    names = [re.match("[a-z]+", row["id"])[0] for row in rows]
    found = {numbers: clusters([row["text"] for row in rows], numbers) for numbers in READINGS}
    for name in sorted(set(names)):
        mine = [i for i, other in enumerate(names) if other == name]
        pairs = set(combinations(mine, 2))
        counts = ", ".join(f"{numbers} {len(found[numbers] & pairs)}" for numbers in READINGS)
        print(f"case {name}: {len(mine)} texts, {len(pairs)} pairs; in one cluster: {counts}")


def labelled(folder):
    for train in sorted(folder.glob("*.train")):
        texts = dict(line.split(" ", 1) for line in train.read_text().splitlines() if line)
        names = train.with_suffix(".truth").read_text().split()
        planted = zip(names[::2], names[1::2], strict=True)
        show(f"mirrors, {train.stem}", [(texts[a], texts[b]) for a, b in planted])


def report(options):
    warm_up()
    rng = random.Random(17)
    gold = common.rows_of(options.data, "crawl/gold")
    articles = [row["main_content"] for row in gold if row.get("main_content")]
    web = common.texts_of(options.data, "text/weborganizer")
    figures = {
        "quotes": quotes(options.data, options.pairs, rng),
        "weather": [weather(rng) for _ in range(options.pairs)],
        "fixtures": [fixtures(rng) for _ in range(options.pairs)],
    }
    long = [text for text in articles if len(text.split()) >= max(AROUND)] or articles
    for name, pairs in figures.items():
        for words in AROUND:
            around = [clipped(rng.choice(long), words) for _ in pairs]
            show(
                f"other pages: {name} with {words} words around",
                [(f"{a}\n{w}", f"{b}\n{w}") for (a, b), w in zip(pairs, around, strict=True)],
            )
    pages = [text for text in articles + web if len(text.split()) >= 30]
    for low, high in pairwise(SHARES):
        mine = [text for text in pages if low < numeric_share(text) <= high]
        pairs = [(text, redrawn(text, rng)) for text in mine]
        show(f"other pages: redrawn, {low:.0%} to {high:.0%} numbers", pairs)
    for low, high in pairwise(LENGTHS):
        texts = [clipped(text, rng.randint(low, high)) for text in articles + web]
        texts = [text for text in texts if low <= len(text.split())]
        for much in (False, True):
            pairs = [(furnished(text, rng, much), furnished(text, rng, much)) for text in texts]
            name = "date, views, comments and shares" if much else "date and views"
            show(f"mirrors, {low} to {high} words, other {name}", pairs)
    labelled(options.data / "duplicates")
    news = common.rows_of(options.data, "text/reuters")
    reports = [row["text"] for row in news if "earn" in row["topics"]]
    compare("Reuters, earn", reports, options.show)
    compare("Reuters, others", [r["text"] for r in news if "earn" not in r["topics"]], options.show)
    compare("articles of pages", articles, options.show)
    compare("web texts", web, options.show)
    by_case(options.cases)


def main():
    parser = common.parser(__doc__)
    parser.add_argument("--pairs", type=int, default=400, help="pairs of each composed kind")
    parser.add_argument("--show", type=int, default=0, help="pairs to show of each collection")
    parser.add_argument("--cases", type=Path, nargs="*", default=[], help="files of test cases")
    with common.options(parser, pairs=8) as options:
        report(options)


if __name__ == "__main__":
    main()
