"""What a crawl is mostly made of: tables, walls, menus, shops, doorways."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from thresher.jobs.sample import html
from thresher.jobs.sample.grammar import Text, bank, grammar


@dataclass(frozen=True)
class Junk:
    """A page worth dropping: its title, its main HTML and its lines as plain text."""

    title: str
    body: str
    lines: tuple[str, ...]


def ticker_table(rng: random.Random) -> Junk:
    """A quote page: symbols, prices, changes, volumes."""
    rows: list[tuple[str, ...]] = [
        ("Symbol", "Company", "Last", "Change", "% Chg", "Volume", "Mkt Cap")
    ]
    for _ in range(rng.randint(25, 60)):
        price, change = rng.randint(120, 90000) / 100, rng.randint(-400, 400) / 100
        rows.append(
            (
                "".join(rng.choices("ABCDEFGHIKLMNOPRSTUVW", k=rng.randint(2, 4))),
                f"{rng.choice(bank('names')['surnames'])} {rng.choice(('Inc', 'Corp', 'Plc'))}",
                f"{price:.2f}",
                f"{change:+.2f}",
                f"{100 * change / price:+.2f}%",
                f"{rng.randint(10, 9000) / 10:.1f}M",
                f"{rng.randint(10, 900)}.{rng.randint(1, 9)}B",
            )
        )
    return _table(rng, rng.choice(("Market movers", "Stock quotes", "Most active shares")), rows)


def price_table(rng: random.Random) -> Junk:
    """A price list or exchange rates by the day."""
    rows: list[tuple[str, ...]] = [("Date", "Open", "High", "Low", "Close", "Change")]
    value = rng.randint(4000, 90000)
    for day in range(rng.randint(25, 28), 0, -1):
        low, high = value - rng.randint(0, 300), value + rng.randint(0, 300)
        numbers = [f"{number / 100:.2f}" for number in (value, high, low, rng.randint(low, high))]
        rows.append(
            (f"2024-0{1 + day % 9}-{day:02}", *numbers, f"{rng.randint(-99, 99) / 50:+.2f}%")
        )
        value = low
    return _table(rng, rng.choice(("Historical prices", "Exchange rates", "Fuel prices")), rows)


def _table(rng: random.Random, title: str, rows: list[tuple[str, ...]]) -> Junk:
    lines = tuple(" ".join(row) for row in rows)
    return _explained(rng, "disclaimer", Junk(title, html.table(rows), lines))


def _explained(rng: random.Random, name: str, junk: Junk) -> Junk:
    """Two pages in three come with a few real sentences, so that they pass for English."""
    if rng.random() < 1 / 3:
        return junk
    sentences = rng.sample(bank("walls")[name], rng.randint(3, 5))
    note = " ".join(sentences)
    return Junk(junk.title, f"{junk.body}<p>{note}</p>", (*junk.lines, note))


def product_grid(rng: random.Random) -> Junk:
    """A page of a shop: names, prices, buttons."""
    walls = bank("walls")
    lines: list[str] = []
    cards: list[str] = []
    for _ in range(rng.randint(18, 40)):
        first, second = rng.choice(walls["product_first"]), rng.choice(walls["product_second"])
        card = (
            f"{first} {second}",
            f"${rng.randint(5, 250)}.99",
            f"{rng.randint(1, 5)}.0 ({rng.randint(2, 900)})",
            "Add to cart",
        )
        lines += card
        cards.append('<div class="card">' + "".join(f"<span>{x}</span>" for x in card) + "</div>")
    title = f"{rng.choice(walls['product_second'])} - results"
    grid = f'<div class="grid">{"".join(cards)}</div>'
    return _explained(rng, "delivery", Junk(title, grid, tuple(lines)))


def navigation(rng: random.Random) -> Junk:
    """A page that is nothing but links to other pages."""
    words, towns = bank("walls")["menu"], bank("names")["towns"]
    labels = rng.sample(words, rng.randint(25, 45)) + rng.sample(towns, rng.randint(5, 20))
    rng.shuffle(labels)
    return Junk("Site map", f"<ul>{html.links(labels)}</ul>", tuple(labels))


def cookie_wall(rng: random.Random) -> Junk:
    """A consent dialog where the page should be."""
    walls = bank("walls")
    lines = rng.sample(walls["cookie"], rng.randint(3, 5))
    buttons = rng.sample(walls["cookie_buttons"], 4)
    return _lines("Before you continue", [*lines, *buttons])


def access(rng: random.Random) -> Junk:
    """A log-in form, an error page served with status 200, a script or pay wall."""
    kind = rng.choice(("login", "missing", "script", "paywall"))
    lines = list(bank("walls")[kind])
    lines[-1] = f"{lines[-1]} {rng.randint(100, 999)}"
    return _lines(lines[0], [*lines, *rng.sample(bank("walls")["menu"], 5)])


def _lines(title: str, lines: list[str]) -> Junk:
    return Junk(title, "".join(f"<div>{line}</div>" for line in lines), tuple(lines))


def prose(name: str, rng: random.Random) -> Junk:
    """Junk that is written in sentences: ``seo``, ``slop``, ``guide`` or ``directory``."""
    text: Text = grammar(name)[0].write(rng)
    return Junk(text.title, html.article(text), text.paragraphs)


MAKERS: dict[str, Callable[[random.Random], Junk]] = {
    "ticker_table": ticker_table,
    "price_table": price_table,
    "product_grid": product_grid,
    "navigation": navigation,
    "cookie_wall": cookie_wall,
    "access_page": access,
    "seo_doorway": lambda rng: prose("seo", rng),
    "machine_slop": lambda rng: prose("slop", rng),
    "machine_guide": lambda rng: prose("guide", rng),
    "directory": lambda rng: prose("directory", rng),
}
