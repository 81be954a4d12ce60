"""One page of the sample crawl, and the address it gets."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from typing import Literal

from thresher.jobs.sample import html
from thresher.jobs.sample.grammar import Text, bank, generator, grammar

Fate = Literal["kept", "duplicate", "dropped", "gated", "failed"]


@dataclass(frozen=True)
class Page:
    """One document of the crawl before it is written into an archive."""

    kind: str
    url: str
    title: str
    lines: tuple[str, ...]
    html: str
    fate: Fate = "kept"
    reason: str = ""
    copy_of: str = ""
    language: str = "en"
    codec: str = "utf-8"
    declared: str = "utf-8"
    html_only: bool = False


class Site:
    """Gives out URLs, each of them once."""

    def __init__(self, seed: int) -> None:
        self._rng = generator(seed, "urls")
        self._count = 0

    def url(self, title: str, host: str = "") -> str:
        """An address for a page of this title, on an invented host unless one is named."""
        self._count += 1
        if not host:
            host = f"www.{_slug(self._rng.choice(bank('names')['towns']))}.example"
        return f"https://{host}/{self._rng.randint(2009, 2024)}/{_slug(title)}-{self._count}"


def _slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:60] or "page"


def text_of(name: str, *seed: object, index: int = 0, training: bool = False) -> Text:
    """The text number `index` of a file of the bank; topics are used in turn."""
    grammars = grammar(name, training=training)
    rng = generator(*seed, name, index)
    return grammars[index % len(grammars)].write(rng)


def web_page(kind: str, site: Site, text: Text, rng: random.Random, host: str = "") -> Page:
    """An article in the furniture of a site."""
    markup = html.page(text.title, html.article(text), rng)
    return Page(kind, site.url(text.title, host), text.title, text.paragraphs, markup)
