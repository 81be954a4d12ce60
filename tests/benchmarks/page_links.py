"""What the links of a page and the words of its title say, on real pages and judged ones.

    python tests/benchmarks/page_links.py --data DATA               # the half for tuning
    python tests/benchmarks/page_links.py --data DATA --half test

`junk.py` judges texts alone and so leaves out the rules that need the page. Here each page of the
archives is extracted by `balanced`. By threshold of `extract.link_fraction`: how many texts exceed
it, and, with the same share taken over the parser's main content, what the judgements of that text
(`#fast`) say. Then the quantiles of the share of title words.
"""

import hashlib
from collections import Counter

import common
import numpy as np
import pyarrow as pa
from junk_pages import JunkPage, linked_site, responses, sites_of
from resiliparse.parse.html import HTMLTree
from sample import GOOD

from thresher.filters.junk.titles import title_word_fractions
from thresher.pipeline.extract import ExtractSettings
from thresher.pipeline.extract.balanced import link_share, view
from thresher.pipeline.extract.profiles import load_profile
from thresher.pipeline.read.charset import decode_html

KNOWN = ("wcxb", "trafilatura", "dragnet")
"""Sources whose pages have a known main text; nearly all are articles."""
OURS = ("half tune", "title words", "links > 0.25")
THRESHOLDS = (0.25, 0.3, 0.35, 0.4, 0.5, 0.6)


def verdict(row):
    """What a judgement comes to."""
    name = GOOD if GOOD in row["labels"] else "junk"
    return name if row.get("sure", True) else f"{name} in doubt"


def extracted(data, half):
    """Key, source, outcome and link share of the main content of each page of a half, once."""
    balanced = load_profile(ExtractSettings())
    seen = set()
    for source in (*KNOWN, "real"):
        for page in responses(data, source):
            key = hashlib.sha256(f"{page.url} {page.date}".encode()).hexdigest()[:8]
            decoded = None
            if isinstance(page.content, bytes) and (source, key) not in seen:
                decoded = decode_html(page.content, page.charset)
            if decoded is None:
                continue
            seen.add((source, key))
            site = linked_site(page) if source == "dragnet" else sites_of([page.url])[0]
            if JunkPage(key, site, "").half != half:
                continue
            found = view(HTMLTree.parse(decoded.text), decoded.text)
            share = link_share(found.lines, found.within[0]) if found else None
            yield f"{source}/{key}", source, balanced(decoded, page.content), share


def main():
    parser = common.parser(__doc__)
    parser.add_argument("--half", choices=("tune", "test"), default="tune")
    with common.options(parser) as options:
        report(options)


def report(options):
    rows = common.read_jsonl(options.labels)
    judged = {row["id"]: verdict(row) for row in rows if row["half"] == options.half}
    pages = list(extracted(options.data, options.half))
    known = [page for page in pages if page[1] in KNOWN]
    print(f"half {options.half}: {len(pages)} pages, of them {len(known)} with known main text")
    for threshold in THRESHOLDS:
        over = [key for key, _, found, _ in known if (found.facts.link_fraction or 0) > threshold]
        main = [judged.get(f"{key}#fast") for key, _, _, share in pages if (share or 0) > threshold]
        counts = Counter(name for name in main if name)
        said = ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
        print(f"  links > {threshold}: {len(over):>3} texts; judged main contents: {said}")
        if 0 < len(over) <= 10:
            print(f"    {' '.join(over)}")
    texts = pa.array([found.text for _, _, found, _ in known], pa.large_string())
    titles = pa.array([found.title for _, _, found, _ in known], pa.string())
    shares = title_word_fractions(texts, titles).drop_null().to_numpy()
    quantiles = zip((50, 90, 99, 100), np.percentile(shares, (50, 90, 99, 100)), strict=True)
    print(f"title words in {len(shares)} texts: ", end="")
    print(", ".join(f"{percent}% {value:.3f}" for percent, value in quantiles))


if __name__ == "__main__":
    main()
