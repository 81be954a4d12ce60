"""What `web-en` keeps of real pages and texts, before they became normal and mended and after.

    python tests/benchmarks/line_ends.py --data DATA

*Before* is the text as read, with FineWeb's reading of how a line ends in the rule
`few_punctuated_lines`; *after* is the text that a run stores, with the rule as it is. Main texts of
pages by their type, texts by their kind; then texts that are kept as they are, with something
behind each of their lines. Rules that need more than the text are left out.
"""

from collections import defaultdict

import common
import msgspec
import numpy as np
import pyarrow as pa
from common import rows_of
from junk import measured_part
from junk_pages import responses
from verdicts import judge

from thresher.filters.measure import measure
from thresher.filters.mended_text import changes, mended_texts
from thresher.filters.policy import shipped_policy
from thresher.pipeline.extract import Extracted, Extractor, ExtractSettings

OURS = ("pages, article", "texts, all", "behind lines: CR LF", "changed: line ends")
RULE, PUBLISHED = "few_punctuated_lines", "fineweb.terminal_mark_line_fraction"
BATCH = 2000
BEHIND = {
    "nothing": "{}",
    "CR LF": "{}\r",
    "a space": "{} ",
    "a no-break space": "{}\u00a0",
    "a blank line of a space": "{}\n ",
    "a citation": "{}[{n}]",
    "a raised number": "{}{n}",
    "quotes around": "“{}”",
    "an emoji": "{} 😀",
}
CHANGES = ("line ends", "mojibake", "replacement characters", "soft hyphens", "broken words")


def policies():
    """`web-en` as it read lines before, and as it is."""
    own = shipped_policy("web-en")
    change = msgspec.structs.replace
    rules = [change(r, signal=PUBLISHED) if r.reason == RULE else r for r in own.rules]
    return change(own, rules=tuple(rules)), own


def kept(texts, policy):
    """Whether each text passes."""
    found = []
    for start in range(0, len(texts), BATCH):
        batch = measure(texts.slice(start, BATCH), None)
        part, _ = measured_part(policy, set(batch.schema.names))
        found += [not reasons for reasons in judge(batch, part)]
    return np.array(found)


def both(texts):
    """Whether each of some texts is kept before and after, and what was changed in it."""
    before, after = policies()
    read = pa.array(texts, pa.large_string())
    return kept(read, before), kept(mended_texts(read), after), changes(read).counts


def show(title, before, after):
    was, now = before.mean(), after.mean()
    lost = int((before & ~after).sum())
    print(
        f"{title:34} {len(before):>6,}  {was:7.2%}  {now:7.2%}  no longer kept {lost}", flush=True
    )


def pages(data):
    """Main texts of pages of known type, and the types."""
    types = {
        row["url"]: row["page_type"] for row in rows_of(data, "crawl/gold") if row["set"] == "wcxb"
    }
    found = [page for page in responses(data, "wcxb") if page.url in types]
    with Extractor(ExtractSettings()) as extractor:
        for item in extractor.extract(found):
            if isinstance(item, Extracted):
                yield item.text, types[item.page.url]


def groups(title, texts, kinds):
    """Show a set by its kinds; gives the texts that are kept either way, and what was changed."""
    before, after, counts = both(texts)
    rows = defaultdict(list)
    for place, kind in enumerate(kinds):
        rows[kind].append(place)
    for kind, places in sorted(rows.items()):
        show(f"{title}, {kind}", before[places], after[places])
    show(f"{title}, all", before, after)
    return [text for text, good in zip(texts, before & after, strict=True) if good], counts


def with_behind(text, pattern):
    lines = [line for line in text.split("\n") if line.strip()]
    return "\n".join(pattern.format(line.rstrip(), n=k + 1) for k, line in enumerate(lines))


def main():
    parser = common.parser(__doc__)
    parser.add_argument("--texts", type=int, default=2000, help="that get something behind lines")
    with common.options(parser, texts=20) as options:
        report(options)


def report(options):
    print(f"{'':34} {'texts':>6}   before    after")
    found = list(pages(options.data))
    groups("pages", *zip(*found, strict=True))
    rows = rows_of(options.data, "text/weborganizer")
    good, counts = groups("texts", [row["text"] for row in rows], [row["format"] for row in rows])
    for place, name in enumerate(CHANGES):
        print(f"changed: {name}, in {np.count_nonzero(counts[:, place]):,} texts of {len(rows):,}")
    # Lines that already end like sentences, so that all the difference is what stands behind them.
    for name, pattern in BEHIND.items():
        before, after, _ = both([with_behind(text, pattern) for text in good[: options.texts]])
        show(f"behind lines: {name}", before, after)


if __name__ == "__main__":
    main()
