"""Draw the pages that are judged, show them for reading, and write down what the reader said.

    python tests/junk_labels/sample.py draw --data DATA            # how many of each search
    python tests/junk_labels/sample.py show --data DATA 1 20       # pages 1 to 20, for reading
    python tests/junk_labels/sample.py record --data DATA said.txt # judgements into labels.jsonl
    python tests/junk_labels/sample.py tally                       # how many judgements of each

The draw is the same each time: pages come in the order of a hash of their id. A part is drawn at
random from every source, so that the natural mix is known; the rest by cheap searches, so that rare
categories have members. A search finds pages to read and never labels one.

A judgement is a line `7 navigation product_grid`, with `?` at the end where the reader is in doubt.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE)]

from junk_pages import SOURCES, TEXTS, JunkPage, read_pages, source_of  # noqa: E402 - after the path

from thresher.classifiers.language import LanguageIdentifier  # noqa: E402

LABELS = HERE / "labels.jsonl"
SECOND = HERE / "second_reading.jsonl"
CATEGORIES = (
    "market_table",
    "number_table",
    "product_grid",
    "coupon_or_listing",
    "seo_spam",
    "consent_notice",
    "access_notice",
    "error_page",
    "navigation",
    "forum_chrome",
    "boilerplate_only",
    "code_or_data",
    "mojibake",
    "machine_slop",
)
GOOD = "good"

RANDOM = {
    "weborganizer": 110,
    "wcxb#fast": 45,
    "wcxb#all_text": 35,
    "trafilatura#fast": 12,
    "trafilatura#all_text": 12,
    "dragnet#fast": 30,
    "dragnet#all_text": 30,
    "lines": 20,
}


def words(page: JunkPage) -> int:
    return len(page.text.split())


def count(pattern: str, page: JunkPage) -> int:
    return len(re.findall(pattern, page.text, re.IGNORECASE))


def per_word(pattern: str, page: JunkPage) -> float:
    return count(pattern, page) / max(words(page), 1)


def share(pattern: str, page: JunkPage) -> float:
    return count(pattern, page) / max(len(page.text), 1)


def short_lines(page: JunkPage) -> float:
    lines = [line.strip() for line in page.text.splitlines() if line.strip()]
    short = [line for line in lines if len(line) < 40 and not line.endswith((".", "!", "?"))]
    return len(short) / max(len(lines), 1)


def top_pair(page: JunkPage) -> float:
    found = re.findall(r"[a-z]{4,}", page.text.lower())
    pairs = Counter(pairwise(found))
    return pairs.most_common(1)[0][1] / len(found) if len(found) > 60 else 0.0


MONTH = r"\b(January|February|March|April|May|June|July|August|September|October|November|December)"
MARKET = (
    r"NYSE|NASDAQ|market cap|\bvolume\b|52.week|stock quote|\bbid\b|\bUSD\b|exchange rate|bitcoin"
)
NUMBERS = (
    r"\bodds\b|\bscore|lottery|jackpot|forecast|humidity|departs?\b|arrival|standings|\bstats\b"
)
SHOP = (
    r"add to (cart|bag|basket)|out of stock|in stock|wish ?list|checkout|quick view|free shipping"
)
LISTING = r"\bbedrooms?\b|sq\.? ?ft|for sale|apply now|job (id|type)|classifieds?|salary|per month"
COUPON = r"coupon|promo code|voucher|discount code|% off"
ACCESS = r"log ?in|sign (in|up)|javascript|subscribers?|captcha|your browser|password|register"
ERROR = (
    r"\b404\b|not found|error|forbidden|denied|no longer available|nothing found|no results|oops"
)
FORUM = r"posts?:|joined:|repl(y|ies)\b|\bquote\b|\btopics?\b|phpbb|vbulletin|\bthread|moderator"
SLOP = (
    r"fast-paced|ever-evolving|delve|\bunlock|elevate|seamless|game.changer|in conclusion"
    r"|landscape of|testament to|look no further|harness|robust|crucial role|as an AI|\u2014"
)
SEO = (
    r"\bcheap|\bbest\b|buy .{0,20}online|\bonline casino|payday|essay writing"
    r"|call (us )?today|seo\b"
)

Search = tuple[str, int, Callable[[JunkPage], bool]]

SEARCHES: tuple[Search, ...] = (
    ("lorem", 8, lambda p: count("lorem ipsum|dolor sit", p) > 0),
    ("mojibake", 30, lambda p: count("Ã.|â€|\ufffd|Â.|ï»¿", p) > 2),
    ("market", 40, lambda p: per_word(MARKET, p) > 0.004 and share(r"\d", p) > 0.04),
    ("digits", 50, lambda p: share(r"\d", p) > 0.14),
    ("numbers", 35, lambda p: per_word(NUMBERS, p) > 0.008 and share(r"\d", p) > 0.05),
    ("prices", 35, lambda p: per_word(r"[$£€]\s?\d", p) > 0.03),
    ("code", 40, lambda p: share(r"[{};=<>\\|]", p) > 0.02 or count(r"[A-Za-z0-9+/=]{70,}", p) > 0),
    ("cookie", 30, lambda p: per_word("cookie|gdpr|consent", p) > 0.015),
    ("error", 35, lambda p: words(p) < 200 and count(ERROR, p) > 0),
    ("access", 35, lambda p: words(p) < 250 and count(ACCESS, p) > 1),
    ("copyright", 20, lambda p: words(p) < 90 and count("rights reserved|©|copyright", p) > 0),
    ("short", 60, lambda p: words(p) < 70),
    ("shop", 35, lambda p: count(SHOP, p) > 2 and per_word(SHOP, p) > 0.008),
    ("coupon", 25, lambda p: per_word(COUPON, p) > 0.008),
    ("listing", 35, lambda p: per_word(LISTING, p) > 0.008),
    ("forum", 40, lambda p: count(FORUM, p) > 6 and per_word(FORUM, p) > 0.015),
    ("calendar", 25, lambda p: count(MONTH, p) > 12 and per_word(MONTH, p) > 0.04),
    ("menus", 40, lambda p: words(p) > 60 and short_lines(p) > 0.85 and share(r"\d", p) < 0.08),
    ("stuffing", 35, lambda p: top_pair(p) > 0.03),
    ("seo", 30, lambda p: per_word(SEO, p) > 0.02),
    ("slop", 50, lambda p: words(p) > 150 and per_word(SLOP, p) > 0.009),
    ("format_spam", 45, lambda p: p.hint.startswith("Spam / Ads")),
    ("format_listing", 30, lambda p: p.hint.startswith("Content Listing")),
    ("format_structured", 40, lambda p: p.hint.startswith("Structured Data")),
    ("format_product", 25, lambda p: p.hint.startswith("Product Page")),
)


LEFTOVER = (
    r"as an AI|language model|I cannot (fulfil|provide|assist)|I hope this helps|\[Your |\[Insert"
    r"|^(Certainly|Sure)[!,]|^Here('s| is) (a|my) (revised|rewritten|polished|possible)|^Title:"
)
GONE = (
    r"\b40[34]\b|page not found|no longer available|(can)?not be found|error occurred|forbidden"
    r"|access denied|has expired|been removed|doesn't exist|nothing found|went wrong"
)
QUOTES = (
    r"NYSE|NASDAQ|P/E|\bEPS\b|52.?w(ee)?k|market cap|open interest|\bbid\b|prev(ious)? close"
    r"|\bDow\b|S&P|FTSE|\bUSD\b|\bEUR\b"
)
DAMAGED = "Ã.|â€|\ufffd|Â[ \u00a0-\u00bf]|ï»¿|[\u0080-\u009f]"

PAGES_AGAIN: tuple[Search, ...] = (
    ("deep_error", 20, lambda p: words(p) < 160 and count(GONE, p) > 0),
    ("deep_access", 40, lambda p: words(p) < 130 and count(ACCESS, p) > 2),
    ("deep_cookie", 10, lambda p: per_word(r"\bcookies?\b", p) > 0.02),
    ("deep_market", 10, lambda p: per_word(QUOTES, p) > 0.01 and share(r"\d", p) > 0.06),
    ("deep_quotes", 60, lambda p: p.hint == "Structured Data, Finance & Business"),
    ("deep_structured", 70, lambda p: p.hint.startswith("Structured Data")),
    ("deep_digits", 15, lambda p: share(r"\d", p) > 0.12),
    ("deep_code", 10, lambda p: share(r"[{};=<>\\|]", p) > 0.035),
    ("deep_shop", 15, lambda p: count(SHOP, p) > 1),
    ("deep_tiny", 15, lambda p: words(p) < 35),
)
"""Once more over the pages, for what the first draw had too little of."""

REST: tuple[Search, ...] = (
    ("rest_random", 30, lambda p: words(p) > 0),
    ("rest_cookie", 30, lambda p: count(r"\bcookies?\b", p) > 2),
    ("rest_market", 20, lambda p: count(QUOTES, p) > 2 and share(r"\d", p) > 0.05),
    ("rest_digits", 20, lambda p: share(r"\d", p) > 0.12),
    ("rest_access", 15, lambda p: per_word(ACCESS, p) > 0.04),
    ("rest_shop", 12, lambda p: count(SHOP, p) > 1),
    ("rest_code", 15, lambda p: share(r"[{};=<>\\|]", p) > 0.03),
    ("rest_listing", 10, lambda p: per_word(LISTING, p) > 0.02),
)

OTHER_TEXTS: tuple[Search, ...] = (
    ("damaged", 20, lambda p: share(DAMAGED, p) > 0.002 and source_of(p.id) == "trafilatura"),
    ("assistant", 45, lambda p: p.hint == "llm" and count(LEFTOVER, p) > 0),
    ("symbols", 25, lambda p: not p.hint and share(r"[{};=<>\\|]", p) > 0.06),
    ("figures", 40, lambda p: source_of(p.id) == "newsgroups" and share(r"\d", p) > 0.09),
    ("encoded", 12, lambda p: count(r"\b[A-Za-z0-9+/=]{60,}\s|\nM[ -`]{60}\n", p) > 5),
    ("markup", 15, lambda p: p.hint in ("spam", "ham") and share("<[a-zA-Z/]", p) > 0.01),
)

RANDOM_AGAIN = {
    "weborganizer": 400,
    "wcxb#fast": 60,
    "wcxb#all_text": 60,
    "trafilatura#fast": 40,
    "trafilatura#all_text": 40,
    "dragnet#fast": 60,
    "dragnet#all_text": 60,
    "lines": 30,
}
FORMATS = {
    "Spam / Ads": 240,
    "Content Listing": 180,
    "Truncated": 180,
    "Structured Data": 150,
    "Product Page": 160,
    "About (Pers.)": 140,
    "About (Org.)": 100,
    "Comment Section": 80,
    "Support": 80,
    "Listicle": 80,
    "User Review": 60,
    "Legal": 60,
    "News (Org.)": 50,
    "FAQ": 40,
    "Tutorial": 40,
    "Q&A": 40,
    "Personal Blog": 40,
}
THIRD_PAGES: tuple[Search, ...] = (
    ("again_market", 40, lambda p: per_word(QUOTES, p) > 0.006 and share(r"\d", p) > 0.04),
    ("again_digits", 60, lambda p: share(r"\d", p) > 0.1),
    ("again_prices", 30, lambda p: per_word(r"[$£€]\s?\d", p) > 0.02),
    ("again_shop", 40, lambda p: count(SHOP, p) > 1),
    ("again_listing", 30, lambda p: per_word(LISTING, p) > 0.008),
    ("again_coupon", 20, lambda p: per_word(COUPON, p) > 0.005),
    ("again_error", 40, lambda p: words(p) < 250 and count(GONE, p) > 0),
    ("again_access", 50, lambda p: words(p) < 250 and count(ACCESS, p) > 1),
    ("again_cookie", 30, lambda p: per_word(r"\bcookies?\b", p) > 0.01),
    ("again_forum", 40, lambda p: count(FORUM, p) > 5 and per_word(FORUM, p) > 0.012),
    ("again_code", 30, lambda p: share(r"[{};=<>\\|]", p) > 0.02),
    ("again_short", 40, lambda p: words(p) < 60),
)
THIRD_REST: tuple[Search, ...] = (
    ("again_rest_market", 40, lambda p: count(QUOTES, p) > 1 and share(r"\d", p) > 0.04),
    ("again_rest_digits", 50, lambda p: share(r"\d", p) > 0.09),
    ("again_rest_shop", 40, lambda p: count(SHOP, p) > 0),
    ("again_rest_listing", 30, lambda p: per_word(LISTING, p) > 0.012),
    ("again_rest_access", 40, lambda p: per_word(ACCESS, p) > 0.03),
    ("again_rest_forum", 30, lambda p: count(FORUM, p) > 4),
    ("again_rest_error", 20, lambda p: count(GONE, p) > 0),
    ("again_rest_cookie", 20, lambda p: count(r"\bcookies?\b", p) > 1),
    ("again_rest", 150, lambda p: words(p) > 60),
)
THIRD_TEXTS: tuple[Search, ...] = (
    ("again_assistant", 60, lambda p: p.hint == "llm" and count(LEFTOVER, p) > 0),
    ("again_damaged", 20, lambda p: share(DAMAGED, p) > 0.002 and "#" in p.id),
    ("again_figures", 30, lambda p: source_of(p.id) == "newsgroups" and share(r"\d", p) > 0.06),
)
"""The third draw, larger than the others together: rules were never set or tried on its half
`test` before they were measured there."""

FOURTH = {"weborganizer": 2200, "wcxb": 250, "dragnet": 250, "trafilatura": 100, "real": 100}
FOURTH_REST = 300
"""The fourth draw is of half `tune` alone: what is left there, without any search."""


def order(page: JunkPage) -> bytes:
    return hashlib.sha256(f"junk sample {page.id}".encode()).digest()


def english(pages: list[JunkPage]) -> list[JunkPage]:
    """Without those that are surely in another language, which the recipe's gate stops."""
    found = LanguageIdentifier().identify(pa.array([page.text for page in pages], pa.string()))
    return [
        page
        for page, language in zip(pages, found.to_pylist(), strict=True)
        if language is None or language["code"] == "en" or language["score"] < 0.4
    ]


def draw(data: Path) -> list[tuple[str, JunkPage]]:
    """The pages to judge and how each was drawn: the first draw, then what it had too little of."""
    pages = sorted((p for source in SOURCES for p in read_pages(data, source)), key=order)
    whole = english([page for page in pages if "#rest" not in page.id])
    rest = english([page for page in pages if "#rest" in page.id])
    others = sorted((p for source in TEXTS for p in read_pages(data, source)), key=order)
    taken: set[str] = set()

    def document(page: JunkPage) -> str:
        return page.id.partition("#")[0]

    first = [pair for search in _random(RANDOM) for pair in _take(search, whole, taken, document)]
    first += [pair for search in SEARCHES for pair in _take(search, whole, taken, document)]
    first.sort(key=lambda pair: order(pair[1])[::-1])
    more = [pair for search in PAGES_AGAIN for pair in _take(search, whole, taken, document)]
    more += [
        pair for search in OTHER_TEXTS for pair in _take(search, pages + others, taken, document)
    ]
    sites: set[str] = set()
    more += [pair for search in REST for pair in _take(search, rest, sites, _origin)]
    more.sort(key=lambda pair: order(pair[1])[::-1])
    formats = ((f"again_{name}", limit, partial(_hinted, name)) for name, limit in FORMATS.items())
    third = [
        pair
        for search in (*_random(RANDOM_AGAIN, "again_random"), *THIRD_PAGES, *formats)
        for pair in _take(search, whole, taken, document)
    ]
    third += [
        pair for search in THIRD_TEXTS for pair in _take(search, pages + others, taken, document)
    ]
    runs: set[str] = {page.id for _, page in more}
    third += [pair for search in THIRD_REST for pair in _take(search, rest, runs, _run)]
    third.sort(key=lambda pair: order(pair[1])[::-1])
    last = [
        pair
        for name, limit in FOURTH.items()
        for pair in _take(("tune", limit, partial(_tune, name)), whole, taken, document)
    ]
    last += _take(("tune_rest", FOURTH_REST, partial(_tune, "")), rest, runs, _run)
    last.sort(key=lambda pair: order(pair[1])[::-1])
    return first + more + third + last


def _tune(source: str, page: JunkPage) -> bool:
    return page.half == "tune" and source in ("", source_of(page.id))


def _run(page: JunkPage) -> str:
    return page.id


def _hinted(name: str, page: JunkPage) -> bool:
    return page.hint.startswith(f"{name}, ")


def _origin(page: JunkPage) -> str:
    """One run of lines per site; `dragnet` keeps no address, so there one per page."""
    return page.id.partition("#")[0] if source_of(page.id) == "dragnet" else page.site


def _random(limits: dict[str, int], drawn: str = "random") -> Iterator[Search]:
    for name, limit in limits.items():
        source, _, variant = name.partition("#")
        yield drawn, limit, partial(_of, source, variant)


def _of(source: str, variant: str, page: JunkPage) -> bool:
    return source_of(page.id) == source and page.id.endswith(variant)


def _take(
    search: Search, pages: list[JunkPage], taken: set[str], key: Callable[[JunkPage], str]
) -> Iterator[tuple[str, JunkPage]]:
    """Pages that a search finds, at most its limit, and none whose key is taken."""
    name, limit, wanted = search
    for page in pages:
        if limit and key(page) not in taken and wanted(page):
            taken.add(key(page))
            limit -= 1
            yield name, page


FIRST_PAGES = 1492
"""Pages of the first two draws ..."""
VIEW = (1250, 600, 300, 200)
"""... were shown whole up to so many characters, else so many of the start, middle and end ..."""
LATER_VIEW = (1450, 800, 350, 250)
"""... and those of the later draws so many."""


def show(pages: list[tuple[str, JunkPage]], first: int, last: int) -> Iterator[str]:
    """The start, the middle and the end of pages, with line breaks as slashes."""
    for number in range(first, min(last, len(pages)) + 1):
        page = pages[number - 1][1]
        text = re.sub(r"[ \t]+", " ", re.sub(r"\s*\n\s*", " / ", page.text.strip()))
        whole, start, inside, end = VIEW if number <= FIRST_PAGES else LATER_VIEW
        if len(text) > whole:
            middle = len(text) // 2
            text = f"{text[:start]} [...] {text[middle : middle + inside]} [...] {text[-end:]}"
        yield f"=={number} {page.id} {page.site[:40]} {words(page)}w\n{text}"


def record(pages: list[tuple[str, JunkPage]], lines: list[str]) -> None:
    """Add judgements to the labels; a page judged again gets the new ones."""
    rows = {row["id"]: row for row in map(json.loads, LABELS.read_text().splitlines())}
    for line in filter(str.strip, lines):
        number, *labels = line.split("#")[0].split()
        sure = labels[-1] != "?"
        labels = [label for label in labels if label != "?"]
        unknown = set(labels) - {*CATEGORIES, GOOD}
        if unknown or not labels or (GOOD in labels and len(labels) > 1):
            raise SystemExit(f"line '{line}': write categories, or good alone ({unknown})")
        name, page = pages[int(number) - 1]
        row = {"id": page.id, "labels": labels, "half": page.half, "drawn": name}
        rows[page.id] = {**row, "text": page.fingerprint, **({} if sure else {"sure": False})}
    content = [json.dumps(rows[key]) + "\n" for key in sorted(rows)]
    LABELS.write_text("".join(content))


def tally() -> Iterator[str]:
    """How many judgements there are of each category and half, and how many without doubt."""
    rows = [json.loads(line) for line in LABELS.read_text().splitlines()]
    yield f"{'':<20}{'tune':>7}{'sure':>7}{'test':>7}{'sure':>7}"
    for label in (*CATEGORIES, GOOD):
        mine = [row for row in rows if label in row["labels"]]
        halves = [[row for row in mine if row["half"] == half] for half in ("tune", "test")]
        pairs = [(len(half), sum(row.get("sure", True) for row in half)) for half in halves]
        yield f"{label:<20}" + "".join(f"{all_:>7}{sure:>7}" for all_, sure in pairs)
    drawn = sum(row["drawn"].endswith("random") for row in rows)
    sure = sum(row.get("sure", True) for row in rows)
    yield f"{len(rows)} pages, {sure} without doubt, {drawn} drawn at random"
    yield from agreement({row["id"]: row for row in rows})


def agreement(first: dict[str, dict[str, Any]]) -> Iterator[str]:
    """How often two readers who did not know of each other agree on junk or good."""
    pairs = [(first[row["id"]], row) for row in map(json.loads, SECOND.read_text().splitlines())]
    sure = [pair for pair in pairs if all(row.get("sure", True) for row in pair)]
    for name, each in (("read twice", pairs), ("without doubt twice", sure)):
        junk = [tuple(GOOD not in row["labels"] for row in pair) for pair in each]
        same = sum(a == b for a, b in junk)
        one, other = (sum(said) / len(junk) for said in zip(*junk, strict=True))
        chance = one * other + (1 - one) * (1 - other)
        kappa = (same / len(junk) - chance) / (1 - chance)
        yield f"{name}: {len(junk)} pages, {same} alike, kappa {kappa:.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("command", choices=("draw", "show", "record", "tally"))
    parser.add_argument("--data", type=Path, help="folder of the real samples")
    parser.add_argument("rest", nargs="*", help="first and last page, or the file of judgements")
    options = parser.parse_intermixed_args()
    if options.command == "tally":
        print("\n".join(tally()))
        return
    if options.data is None:
        parser.error("--data is missing: write the folder of the real samples")
    pages = draw(options.data)
    if options.command == "show":
        first, last = map(int, options.rest)
        print("\n".join(show(pages, first, last)))
    elif options.command == "record":
        record(pages, Path(options.rest[0]).read_text().splitlines())
    else:
        for key, number in Counter(name for name, _ in pages).items():
            print(f"{key:<20}{number:>6}")
        print(f"{'all':<20}{len(pages):>6}")


if __name__ == "__main__":
    main()
