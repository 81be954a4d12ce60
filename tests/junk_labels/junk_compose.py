"""Pages of quotes composed from the real quote tables, labelled by construction.

Real quote pages are rare in the samples, so these stand beside the pages that were read, and apart
from them: `composed/<kind>/<seed>` always gives the same page. Figures that the tables lack
(ranges, histories, option prices) follow from the last price by a seeded walk.
"""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path

from junk_pages import JunkPage

GOOD = "good"
SEEDS = range(12)

Row = dict[str, str]
_EXCHANGES = {"nasdaq": "NASDAQ", "nyse": "NYSE", "amex": "NYSE American"}
_SEPARATORS = ("\t", " | ", "  ", ",", "\n")


def compose(data: Path) -> Iterator[tuple[JunkPage, str]]:
    """Every composed page and its label."""
    quotes = _read_quotes(data)
    articles = _read_articles(data)
    for kind, (label, make) in KINDS.items():
        for seed in SEEDS:
            key = f"composed/{kind}/{seed}"
            text = make(random.Random(key), quotes, articles)
            yield JunkPage(key, key, text), label


def _read_quotes(data: Path) -> list[Row]:
    rows: list[Row] = []
    for name, exchange in _EXCHANGES.items():
        path = data / "market" / f"US-Stock-Symbols__{name}_full_tickers.json"
        found = json.loads(path.read_text(encoding="utf-8"))
        rows += [{**row, "exchange": exchange} for row in found if row["lastsale"] != "NA"]
    return rows


def _read_articles(data: Path) -> list[str]:
    """Edited news that is no report of figures, long enough that a box of quotes is an aside."""
    with gzip.open(data / "text" / "reuters.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    plain = (row for row in rows if "earn" not in row["topics"])
    texts = (" ".join(row["text"].split()) for row in plain)
    return [text for text in texts if len(text.split()) >= 300]


def _line(row: Row, separator: str) -> str:
    volume = f"{int(row['volume'] or 0):,}"
    cells = (
        row["symbol"],
        row["name"],
        row["lastsale"],
        row["netchange"],
        row["pctchange"],
        volume,
        _capital(row),
    )
    return separator.join(cells)


def _capital(row: Row) -> str:
    value = float(row["marketCap"] or 0)
    for size, letter in ((1e12, "T"), (1e9, "B"), (1e6, "M")):
        if value >= size:
            return f"{value / size:.2f}{letter}"
    return f"{value:.0f}"


def _price(row: Row) -> float:
    return float(row["lastsale"].replace("$", "").replace(",", ""))


def _header(separator: str) -> str:
    return separator.join(("Symbol", "Name", "Last", "Change", "% Change", "Volume", "Market Cap"))


def _quote_rows(pick: random.Random, quotes: list[Row], _: list[str]) -> str:
    separator = pick.choice(_SEPARATORS)
    rows = pick.sample(quotes, pick.randint(15, 60))
    return "\n".join([_header(separator), *(_line(row, separator) for row in rows)])


def _quote_page(pick: random.Random, quotes: list[Row], _: list[str]) -> str:
    row = pick.choice(quotes)
    last = _price(row)
    low, high = last * pick.uniform(0.4, 0.95), last * pick.uniform(1.05, 2.0)
    facts = {
        "Previous Close": f"{last - float(row['netchange'] or 0):.2f}",
        "Open": f"{last * pick.uniform(0.98, 1.02):.2f}",
        "Bid": f"{last * 0.999:.2f} x {pick.randint(1, 40) * 100}",
        "Ask": f"{last * 1.001:.2f} x {pick.randint(1, 40) * 100}",
        "Day's Range": f"{last * 0.98:.2f} - {last * 1.02:.2f}",
        "52 Week Range": f"{low:.2f} - {high:.2f}",
        "Volume": f"{int(row['volume'] or 0):,}",
        "Market Cap": _capital(row),
        "P/E Ratio (TTM)": f"{pick.uniform(5, 60):.2f}",
        "EPS (TTM)": f"{last / pick.uniform(5, 60):.2f}",
        "Dividend & Yield": "N/A (N/A)",
    }
    separator = pick.choice(("\t", ": ", " ", "\n"))
    others = pick.sample(quotes, 8)
    return "\n".join(
        [
            f"{row['name']} ({row['exchange']}: {row['symbol']})",
            f"{row['lastsale']} {row['netchange']} ({row['pctchange']})",
            "At close: 4:00PM EST. Quotes delayed at least 15 minutes.",
            *(f"{name}{separator}{value}" for name, value in facts.items()),
            "People also watch",
            *(_line(other, " ") for other in others),
        ]
    )


def _history(pick: random.Random, quotes: list[Row], _: list[str]) -> str:
    row = pick.choice(quotes)
    separator = pick.choice(_SEPARATORS[:4])
    price = _price(row)
    lines = [
        f"{row['symbol']} Historical Prices",
        separator.join(("Date", "Open", "High", "Low", "Close", "Adj Close", "Volume")),
    ]
    for day in range(pick.randint(25, 90)):
        start, price = price, price * pick.uniform(0.96, 1.04)
        top, bottom = max(start, price) * 1.01, min(start, price) * 0.99
        cells = [f"{value:.2f}" for value in (start, top, bottom, price, price)]
        date = f"{2026 - day // 336}-{12 - day // 28 % 12:02}-{28 - day % 28:02}"
        lines.append(separator.join([date, *cells, f"{pick.randint(10_000, 9_000_000):,}"]))
    return "\n".join(lines)


def _options(pick: random.Random, quotes: list[Row], _: list[str]) -> str:
    row = pick.choice(quotes)
    separator = pick.choice(_SEPARATORS[:3])
    price = _price(row)
    names = ("Contract", "Strike", "Last", "Bid", "Ask", "Change", "Volume", "Open Interest")
    lines = [f"{row['name']} options expiring January 15", "Calls", separator.join(names)]
    for step in range(pick.randint(15, 40)):
        strike = price * (0.6 + 0.02 * step)
        last = max(price - strike, 0) + pick.uniform(0.05, 2)
        code = f"{row['symbol']}270115C{int(strike * 1000):08}"
        cells = [f"{value:.2f}" for value in (strike, last, last * 0.98, last * 1.02)]
        counts = [str(pick.randint(0, 900)), str(pick.randint(0, 9000))]
        lines.append(separator.join([code, *cells, f"{pick.uniform(-1, 1):+.2f}", *counts]))
    return "\n".join(lines)


def _tickers(pick: random.Random, quotes: list[Row], _: list[str]) -> str:
    lines = []
    for sector in pick.sample(sorted({row["sector"] for row in quotes if row["sector"]}), 4):
        known = [row for row in quotes if row["sector"] == sector]
        named = pick.sample(known, min(12, len(known)))
        listed = (f"{row['name']} ({row['exchange']}: {row['symbol']})" for row in named)
        lines += [f"{sector} stocks", *([", ".join(listed)] if pick.random() < 0.5 else listed)]
    return "\n".join(lines)


def _movers(pick: random.Random, quotes: list[Row], _: list[str]) -> str:
    parts = ["Markets", "US", "Europe", "Asia", "Crypto", "Watchlist"]
    for title in ("Top Gainers", "Top Losers", "Most Active", "52-Week Highs"):
        rows = pick.sample(quotes, 10)
        parts += [title, *(f"{r['symbol']} {r['lastsale']} {r['pctchange']}" for r in rows)]
    return "\n".join([*parts, "Data delayed 15 minutes. See disclaimer."])


def _mostly_table(pick: random.Random, quotes: list[Row], articles: list[str]) -> str:
    opening = ". ".join(pick.choice(articles).split(". ")[:2]) + "."
    return f"{opening}\n{_quote_rows(pick, quotes, articles)}"


def _article_with_box(pick: random.Random, quotes: list[Row], articles: list[str]) -> str:
    sentences = pick.choice(articles).split(". ")
    rows = pick.sample(quotes, 3)
    for row in rows:
        mention = f"Shares of {row['name']} ({row['exchange']}: {row['symbol']}) closed at "
        where = pick.randrange(1, len(sentences))
        sentences.insert(where, f"{mention}{row['lastsale']}, a change of {row['pctchange']}")
    half = len(sentences) // 2
    box = "\n".join(_line(row, " ") for row in rows)
    return f"{'. '.join(sentences[:half])}.\n{box}\n{'. '.join(sentences[half:])}"


KINDS: dict[str, tuple[str, Callable[[random.Random, list[Row], list[str]], str]]] = {
    "quote_rows": ("market_table", _quote_rows),
    "quote_page": ("market_table", _quote_page),
    "history": ("market_table", _history),
    "options": ("market_table", _options),
    "tickers": ("market_table", _tickers),
    "movers": ("market_table", _movers),
    "mostly_table": ("market_table", _mostly_table),
    "article_with_box": (GOOD, _article_with_box),
}
"""By kind: its label, and what makes a page of it. The last is the near miss, which must stay."""
