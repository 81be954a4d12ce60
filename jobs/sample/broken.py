"""Pages that test a reader: broken markup, charsets of every kind, other languages, nothing."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from thresher.jobs.sample import html
from thresher.jobs.sample.grammar import Text, bank, generator
from thresher.jobs.sample.page import Page, Site, text_of, web_page

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
_ACCENTS = (
    "The café in the Rue Molière, which the Müller family has kept since 1952, was closed for the "
    "day, and its señora had put a bouquet of lilac in the window."
)


def broken(site: Site, seed: int) -> Iterator[Page]:
    """Articles in markup that a parser has to forgive."""
    for kind, spoil in BROKEN:
        for index in range(3):
            rng = generator(seed, kind, index)
            page = web_page(kind, site, text_of("town", seed, kind, index=index), rng)
            yield replace(page, html=spoil(page.html), html_only=True)


def english_charsets(site: Site, seed: int) -> Iterator[Page]:
    """English articles with accents and curly quotes, their charset told, mistold or not told."""
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


def foreign(site: Site, seed: int) -> Iterator[Page]:
    """Pages in other languages, some of them in charsets of their own."""
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
            yield replace(page, fate="gated", reason="wrong_language")


def _encoded(
    kind: str,
    site: Site,
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


def empty(site: Site) -> Iterator[Page]:
    """Answers with nothing in them."""
    bodies = ("", " \n\t ", "<html><head><title></title></head><body> </body></html>")
    for body in bodies:
        yield Page("empty", site.url("empty"), "", (), body, "gated", "empty", html_only=True)
