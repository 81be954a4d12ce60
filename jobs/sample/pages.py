"""The pages of the sample crawl, each with what ought to become of it."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from thresher.jobs.sample import broken, html
from thresher.jobs.sample.grammar import Text, bank, generator, grammar
from thresher.jobs.sample.junk import MAKERS
from thresher.jobs.sample.page import Page, Site, text_of, web_page

# kind, file of the text bank, pages
ARTICLES = (
    ("encyclopaedia", "town", 14),
    ("encyclopaedia", "person", 12),
    ("news", "news", 18),
    ("science", "science", 10),
    ("how_to", "howto", 9),
    ("story", "story", 14),
    ("essay", "essay", 8),
    ("question", "questions", 8),
    ("finance", "finance", 4),
)
JUNK = (
    ("ticker_table", 30),
    ("price_table", 14),
    ("product_grid", 16),
    ("navigation", 16),
    ("cookie_wall", 14),
    ("access_page", 18),
    ("seo_doorway", 28),
    ("machine_slop", 30),
    ("machine_guide", 16),
    ("directory", 24),
)
# What sees a kind of junk if it is not the rules about one page.
_SEEN_BY = {"machine_slop": "model", "machine_guide": "site", "directory": "site"}
# Kinds that share a site. These names are reserved (RFC 2606), so that they are nobody's, and are
# registered domains all the same, which names under .example are not: to a rule about sites each
# is one site with all its hosts. One is of a model, with some letters of people; one is a template
# filled in; one is of people.
HOSTS = {
    "machine_slop": "tips.example.com",
    "machine_guide": "guides.example.com",
    "essay": "letters.example.com",
    "directory": "www.example.net",
    "encyclopaedia": "atlas.example.org",
}
EXACT_COPIES = 16
NEAR_COPIES = 16
MIRRORS = 12
CONTACTS = 6
# A word of datatrove's list of words that block a URL, and a mild one.
BLOCKED_WORD = "viagra"
BLOCKED = 5
_CHANGES = {
    "small": "little",
    "large": "big",
    "almost": "nearly",
    "because": "since",
    "years": "seasons",
    "house": "cottage",
    "began": "started",
    "found": "discovered",
    "often": "frequently",
    "until": "till",
    "while": "whilst",
    "said": "remarked",
    "every": "each",
    "always": "invariably",
    "most": "many",
    "which": "that",
}


def documents(seed: int) -> list[Page]:
    """All documents, in the order of their making."""
    site = Site(seed)
    pages = _articles(site, seed)
    pages = _copied(site, seed, pages)
    pages += _contacts(site, seed)
    pages += broken.broken(site, seed)
    pages += _mirrors(site, seed)
    pages += broken.english_charsets(site, seed)
    pages += broken.foreign(site, seed)
    pages += _blocked(site, seed)
    pages += broken.empty(site)
    pages += _junk(site, seed)
    return pages


def _articles(site: Site, seed: int) -> list[Page]:
    return [
        web_page(
            kind,
            site,
            text_of(name, seed, index=index),
            generator(seed, "page", name, index),
            HOSTS.get(kind, ""),
        )
        for kind, name, count in ARTICLES
        for index in range(count)
    ]


def _copied(site: Site, seed: int, articles: Sequence[Page]) -> list[Page]:
    """The articles, followed by copies of some of them.

    Exact copies keep the very bytes of the page, so both ends of such a pair stay in WARC shards,
    where the same extraction is sure to give the same text.
    """
    rng = generator(seed, "copies")
    chosen = rng.sample(range(len(articles)), EXACT_COPIES + NEAR_COPIES)
    pages = list(articles)
    for index in chosen[:EXACT_COPIES]:
        original = replace(articles[index], html_only=True)
        pages[index] = original
        pages.append(_copy(original, "exact_copy", site))
    for index in chosen[EXACT_COPIES:]:
        original = articles[index]
        text = Text(original.title, _reworded(original.lines, rng))
        markup = html.page(text.title, html.article(text), rng)
        copy = _copy(original, "near_copy", site)
        pages.append(replace(copy, lines=text.paragraphs, html=markup))
    return pages


def _copy(original: Page, kind: str, site: Site) -> Page:
    url = site.url(original.title, "mirror.copies.example")
    return replace(
        original, kind=kind, url=url, fate="duplicate", reason="copy", copy_of=original.url
    )


def _reworded(paragraphs: Sequence[str], rng: random.Random) -> tuple[str, ...]:
    """The paragraphs with two words exchanged: about nine in ten 5-grams stay the same."""
    places = [
        (index, match)
        for index, paragraph in enumerate(paragraphs)
        for match in re.finditer(r"\b[a-z]+\b", paragraph)
        if match[0] in _CHANGES
    ]
    changed = list(paragraphs)
    # From the end, so that the earlier positions stay true.
    for index, match in sorted(
        rng.sample(places, min(2, len(places))), key=lambda place: (place[0], -place[1].start())
    ):
        text = changed[index]
        changed[index] = text[: match.start()] + _CHANGES[match[0]] + text[match.end() :]
    return tuple(changed)


def _contacts(site: Site, seed: int) -> Iterator[Page]:
    """Articles with an address, a telephone number and an IP address in them."""
    for index in range(CONTACTS):
        rng = generator(seed, "contact", index)
        text = text_of("news", seed, "contact", index=index)
        name = f"{rng.choice(('clara', 'edwin', 'hanna'))}.{rng.choice(('hale', 'dray', 'vance'))}"
        # The addresses of root name servers: public ones, as a redactor spares private ranges.
        host = rng.choice(("198.41.0.4", "199.9.14.201", "192.33.4.12", "199.7.91.13"))
        extra = (
            f"Letters about the plan may be sent to {name}{index}@courier-post.com, and the clerk "
            f"can be reached by telephone on (202) 555-01{rng.randint(10, 99)} in the mornings. "
            f"The drawings were copied from the machine at {host} before it was turned off."
        )
        yield web_page("contact", site, Text(text.title, (*text.paragraphs, extra)), rng)


def _mirrors(site: Site, seed: int) -> Iterator[Page]:
    """One page under many town names: the first is as good as any other, and one is enough."""
    first = ""
    towns = generator(seed, "mirrors").sample(bank("names")["towns"], MIRRORS)
    for index, town in enumerate(towns):
        template = replace(grammar("mirror")[0], facts={"town": [town]})
        rng = generator(seed, "mirror", index)
        page = web_page("mirror", site, template.write(rng), rng)
        yield replace(page, fate="duplicate", reason="copy", copy_of=first) if first else page
        first = first or page.url


def _blocked(site: Site, seed: int) -> Iterator[Page]:
    """Ordinary text at an address that the block list turns away."""
    for index in range(BLOCKED):
        rng = generator(seed, "blocked", index)
        page = web_page("blocked_url", site, text_of("news", seed, "blocked", index=index), rng)
        url = f"https://pharmacy.example/buy/{BLOCKED_WORD}/online-{index}"
        yield replace(page, url=url, fate="gated", reason="blocked_url")


def _junk(site: Site, seed: int) -> Iterator[Page]:
    for kind, count in JUNK:
        for index in range(count):
            rng = generator(seed, kind, index)
            junk = MAKERS[kind](rng)
            markup = html.page(junk.title, junk.body, rng)
            reason = _SEEN_BY.get(kind, "rules")
            url = site.url(junk.title, HOSTS.get(kind, ""))
            yield Page(kind, url, junk.title, junk.lines, markup, "dropped", reason)
