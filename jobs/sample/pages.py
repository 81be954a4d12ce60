"""The pages of the sample crawl, each with what ought to become of it."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from jobs.sample import html
from jobs.sample.grammar import Text, bank, generator, grammar
from jobs.sample.junk import MAKERS

Fate = Literal["kept", "duplicate", "dropped", "gated", "failed", "skipped"]
By = Literal["", "url", "language", "empty", "rules", "model", "dedup", "reader"]

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
)
EXACT_COPIES = 16
NEAR_COPIES = 16
MIRRORS = 12
CONTACTS = 6
BROKEN: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("broken_unclosed", html.unclosed),
    ("broken_nesting", html.deeply_nested),
    ("broken_nul", html.with_nuls),
)
# codec, charset in the HTTP header, charset in a meta tag
ENGLISH_CHARSETS = (
    ("latin-1", "iso-8859-1", ""),
    ("latin-1", "", "iso-8859-1"),
    ("cp1252", "windows-1252", ""),
    ("cp1252", "", "windows-1252"),
    ("cp1252", "", ""),
    ("cp1252", "utf-8", "utf-8"),
    ("utf-8", "", ""),
    ("utf-8", "iso-8859-1", "utf-8"),
)
_UTF8 = ("utf-8", "utf-8", "utf-8")
FOREIGN_CHARSETS = {
    "de": (_UTF8,) * 5 + (("latin-1", "iso-8859-1", ""), ("latin-1", "", ""), ("cp1252", "", "")),
    "fr": (_UTF8,) * 5 + (("cp1252", "", "windows-1252"), ("latin-1", "utf-8", "")),
    "es": (_UTF8,) * 5 + (("latin-1", "iso-8859-1", "utf-8"), ("latin-1", "", "iso-8859-1")),
    "ja": (_UTF8,) * 4
    + (("shift_jis", "Shift_JIS", ""), ("shift_jis", "", "shift_jis"), ("shift_jis", "", "")),
    "ru": (_UTF8,) * 4 + (("koi8-r", "KOI8-R", ""), ("koi8-r", "", "koi8-r"), ("koi8-r", "", "")),
}
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
_ACCENTS = (
    "The café in the Rue Molière, which the Müller family has kept since 1952, was closed for the "
    "day, and its señora had put a bouquet of lilac in the window."
)


@dataclass(frozen=True)
class Page:
    """One document of the crawl before it is written into an archive."""

    kind: str
    url: str
    title: str
    lines: tuple[str, ...]
    html: str
    fate: Fate = "kept"
    by: By = ""
    copy_of: str = ""
    language: str = "en"
    codec: str = "utf-8"
    declared: str = "utf-8"
    html_only: bool = False


class _Site:
    """Gives out URLs, each of them once."""

    def __init__(self, seed: int) -> None:
        self._rng = generator(seed, "urls")
        self._count = 0

    def url(self, title: str, host: str = "") -> str:
        self._count += 1
        if not host:
            host = f"www.{_slug(self._rng.choice(bank('names')['towns']))}.example"
        return f"https://{host}/{self._rng.randint(2009, 2024)}/{_slug(title)}-{self._count}"


def _slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:60] or "page"


def documents(seed: int) -> list[Page]:
    """All documents, in the order of their making."""
    site = _Site(seed)
    pages = _articles(site, seed)
    pages = _copied(site, seed, pages)
    pages += _contacts(site, seed)
    pages += _broken(site, seed)
    pages += _mirrors(site, seed)
    pages += _english_charsets(site, seed)
    pages += _foreign(site, seed)
    pages += _blocked(site, seed)
    pages += _empty(site)
    pages += _junk(site, seed)
    return pages


def text_of(name: str, *seed: object, index: int = 0, training: bool = False) -> Text:
    """The text number `index` of a file of the bank; topics are used in turn."""
    grammars = grammar(name, training=training)
    rng = generator(*seed, name, index)
    return grammars[index % len(grammars)].write(rng)


def _page(kind: str, site: _Site, text: Text, rng: random.Random) -> Page:
    markup = html.page(text.title, html.article(text), rng)
    return Page(kind, site.url(text.title), text.title, text.paragraphs, markup)


def _articles(site: _Site, seed: int) -> list[Page]:
    return [
        _page(kind, site, text_of(name, seed, index=index), generator(seed, "page", name, index))
        for kind, name, count in ARTICLES
        for index in range(count)
    ]


def _copied(site: _Site, seed: int, articles: Sequence[Page]) -> list[Page]:
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


def _copy(original: Page, kind: str, site: _Site) -> Page:
    url = site.url(original.title, "mirror.copies.example")
    return replace(
        original, kind=kind, url=url, fate="duplicate", by="dedup", copy_of=original.url
    )


def _reworded(paragraphs: Sequence[str], rng: random.Random) -> tuple[str, ...]:
    """The paragraphs with two or three words exchanged, and the last one signed."""
    places = [
        (index, match)
        for index, paragraph in enumerate(paragraphs)
        for match in re.finditer(r"\b[a-z]+\b", paragraph)
        if match[0] in _CHANGES
    ]
    changed = list(paragraphs)
    # From the end, so that the earlier positions stay true.
    for index, match in sorted(
        rng.sample(places, min(3, len(places))), key=lambda place: (place[0], -place[1].start())
    ):
        text = changed[index]
        changed[index] = text[: match.start()] + _CHANGES[match[0]] + text[match.end() :]
    changed[-1] += " Reprinted with thanks."
    return tuple(changed)


def _contacts(site: _Site, seed: int) -> Iterator[Page]:
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
        yield _page("contact", site, Text(text.title, (*text.paragraphs, extra)), rng)


def _broken(site: _Site, seed: int) -> Iterator[Page]:
    for kind, spoil in BROKEN:
        for index in range(3):
            rng = generator(seed, kind, index)
            page = _page(kind, site, text_of("town", seed, kind, index=index), rng)
            yield replace(page, html=spoil(page.html), html_only=True)


def _mirrors(site: _Site, seed: int) -> Iterator[Page]:
    """One page under many town names: the first is as good as any other, and one is enough."""
    first = ""
    towns = generator(seed, "mirrors").sample(bank("names")["towns"], MIRRORS)
    for index, town in enumerate(towns):
        template = replace(grammar("mirror")[0], facts={"town": [town]})
        rng = generator(seed, "mirror", index)
        page = _page("mirror", site, template.write(rng), rng)
        yield replace(page, fate="duplicate", by="dedup", copy_of=first) if first else page
        first = first or page.url


def _english_charsets(site: _Site, seed: int) -> Iterator[Page]:
    for index, (codec, declared, meta) in enumerate(ENGLISH_CHARSETS):
        rng = generator(seed, "charset", index)
        text = text_of("story", seed, "charset", index=index)
        text = Text(text.title, (*text.paragraphs, _ACCENTS))
        if codec == "cp1252":
            text = Text(text.title, tuple(map(_typographic, text.paragraphs)))
        yield _encoded("charset", site, text, rng, codec, declared, meta)


def _typographic(text: str) -> str:
    """Curly quotation marks and dashes, which windows-1252 has and latin-1 has not."""
    text = re.sub(r'(^|(?<=\s))"', "\N{LEFT DOUBLE QUOTATION MARK}", text)
    text = text.replace('"', "\N{RIGHT DOUBLE QUOTATION MARK}")
    text = text.replace("'", "\N{RIGHT SINGLE QUOTATION MARK}")
    return text.replace(", and ", " \N{EN DASH} and ", 1)


def _foreign(site: _Site, seed: int) -> Iterator[Page]:
    for language, charsets in FOREIGN_CHARSETS.items():
        table = bank("languages")[language]
        for index, (codec, declared, meta) in enumerate(charsets):
            rng = generator(seed, "language", language, index)
            sentences = rng.sample(table["sentences"], rng.randint(10, len(table["sentences"])))
            glue = "" if language == "ja" else " "
            cut = len(sentences) // 3
            parts = (sentences[:cut], sentences[cut : 2 * cut], sentences[2 * cut :])
            text = Text(rng.choice(table["title"]), tuple(glue.join(part) for part in parts))
            kind = "foreign" if codec == "utf-8" else "foreign_charset"
            page = _encoded(kind, site, text, rng, codec, declared, meta, language)
            yield replace(page, fate="gated", by="language")


def _encoded(
    kind: str,
    site: _Site,
    text: Text,
    rng: random.Random,
    codec: str,
    declared: str,
    meta: str,
    language: str = "en",
) -> Page:
    # No furniture in another language: it would make an English page of a short foreign one.
    theme = "old" if language == "en" else "wiki"
    body = html.article(text)
    markup = html.page(text.title, body, rng, theme=theme, language=language, charset=meta)
    return Page(
        kind,
        site.url(text.title),
        text.title,
        text.paragraphs,
        markup,
        language=language,
        codec=codec,
        declared=declared,
        html_only=codec != "utf-8" or not declared,
    )


def _blocked(site: _Site, seed: int) -> Iterator[Page]:
    """Ordinary text at an address that the block list turns away."""
    for index in range(BLOCKED):
        rng = generator(seed, "blocked", index)
        page = _page("blocked_url", site, text_of("news", seed, "blocked", index=index), rng)
        url = f"https://pharmacy.example/buy/{BLOCKED_WORD}/online-{index}"
        yield replace(page, url=url, fate="gated", by="url")


def _empty(site: _Site) -> Iterator[Page]:
    bodies = ("", " \n\t ", "<html><head><title></title></head><body> </body></html>")
    for body in bodies:
        yield Page("empty", site.url("empty"), "", (), body, "gated", "empty", html_only=True)


def _junk(site: _Site, seed: int) -> Iterator[Page]:
    for kind, count in JUNK:
        for index in range(count):
            rng = generator(seed, kind, index)
            junk = MAKERS[kind](rng)
            markup = html.page(junk.title, junk.body, rng)
            by: By = "model" if kind == "machine_slop" else "rules"
            url = site.url(junk.title)
            yield Page(kind, url, junk.title, junk.lines, markup, fate="dropped", by=by)
