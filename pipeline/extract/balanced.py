"""The profile `balanced`: one parse, then each line of the body is judged for itself.

Four views of the parsed tree, in a light markup that keeps headings, lists, code and links: the
whole body; the main content by resiliparse's rules; the body without navigation, header, footer
and aside; and without what names itself furniture in a class or id. A model of lines weighs what a
line looks like, its neighbours, and which views hold it. So no rule of the parser is final: a list
that main-content mode drops comes back if it reads like text, and a page for which that mode finds
nothing is read all the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.html import HTMLTree

from thresher.filters.kernels.text.trees import Trees, probabilities
from thresher.pipeline.extract import kernels as k
from thresher.pipeline.extract.choice import LINKED_SHARE, choose, repeated
from thresher.pipeline.extract.features import Flags, Lines, Signs, features, read_lines, signs
from thresher.pipeline.extract.model import line_model
from thresher.pipeline.extract.render import render
from thresher.pipeline.extract.settings import Facts

_STRUCTURE = ["nav", "header", "footer", "aside"]
_NAMED = [
    "nav",
    "footer",
    "aside",
    "[role=navigation]",
    *(f"[{key}*={name}]" for name in ("sidebar", "footer") for key in ("class", "id")),
    *(
        f"[class*={name}]"
        for name in [
            "widget",
            "share",
            "social",
            "related",
            "menu",
            "promo",
            "cookie",
            "recommend",
            "newsletter",
            "subscribe",
            "breadcrumb",
        ]
    ),
]
_FORUM_HEAD = 1 << 15
_FORUM = (
    "phpbb",
    "vbulletin",
    "xenforo",
    "discourse",
    "discussionforumposting",
    "schema.org/qapage",
    "invision",
    "showthread",
    "viewtopic",
    "flarum",
    "nodebb",
    "vanilla-",
    "mybb",
    "smf_",
    "ipsforum",
    "forum",
)
_FEW_WORDS = 150


@dataclass(frozen=True, slots=True)
class View:
    """A page as the line model sees it."""

    lines: Lines
    signs: Signs
    features: np.ndarray[tuple[int, ...], np.dtype[np.float64]]
    within: list[Flags]
    noscript: bool
    """Whether the page has text only for browsers without scripts."""


def view(tree: HTMLTree, html: str) -> View | None:
    """Lines and features of a page; None where it has no text."""
    lines = read_lines(_markup(tree))
    noscript = lines.words() < _FEW_WORDS and "<noscript" in html
    if noscript:
        lines = read_lines(_markup(tree, noscript=True))
    if not len(lines.table):
        return None
    parts = [
        read_lines(_markup(tree, noscript=noscript, main=True)),
        read_lines(_markup(tree, noscript=noscript, skip=_STRUCTURE)),
        read_lines(_markup(tree, noscript=noscript, skip=_NAMED)),
    ]
    within = [np.isin(lines.keys[:, 0], part.keys[:, 0]) for part in parts]
    head = html[:_FORUM_HEAD].lower()
    words = max(1, lines.words())
    page = [
        float(any(name in head for name in _FORUM)),
        float(words),
        float(len(lines.table)),
        *(part.words() / words for part in parts),
        float(parts[0].words()),
        link_share(lines, np.ones(len(lines.table), np.bool_)),
    ]
    sign = signs(lines)
    return View(lines, sign, features(lines, sign, within, page), within, noscript)


def balanced(tree: HTMLTree, html: str, model: Trees | None = None) -> tuple[str, Facts]:
    """The main text of a page and what was measured on the way; by the shipped model or another."""
    facts = Facts("balanced", words=0, body_words=0)
    seen = view(tree, html)
    if seen is None:
        return "", facts
    lines, sign = seen.lines, seen.signs
    table = lines.table
    probability = probabilities(seen.features, model or line_model())
    chosen = choose(lines, sign, seen.within[0], probability)
    said = repeated(lines, chosen)
    kept = chosen & ~said
    facts.fallback = "noscript" if seen.noscript else None
    facts.body_words = lines.words()
    everything = np.ones(len(table), np.bool_)
    facts.words = lines.chosen(kept).words()
    facts.link_fraction = link_share(lines, kept)
    facts.links_per_100_words = _links_per_100_words(lines, kept)
    facts.body_link_fraction = link_share(lines, everything)
    facts.body_links_per_100_words = _links_per_100_words(lines, everything)
    facts.has_code = bool((table[kept, k.TAG] == k.CODE).any())
    facts.has_table = bool((table[kept, k.CELLS] > 1).any())
    facts.dropped_repeated_lines = int(said.sum())
    left = ~chosen
    for name, flags in (
        ("link", table[:, k.LINKED] > LINKED_SHARE * lines.sizes()),
        ("furniture", sign.furniture | sign.furniture_start | sign.nameless),
        ("tail", np.maximum.accumulate((sign.tail | sign.tail_start) & left)),
    ):
        setattr(facts, f"dropped_{name}_lines", int((left & flags).sum()))
        left = left & ~flags
    facts.dropped_other_lines = int(left.sum())
    return render(lines, kept), facts


def _markup(
    tree: HTMLTree, *, noscript: bool = False, main: bool = False, skip: list[str] | None = None
) -> str:
    markup: str = extract_plain_text(
        tree,
        preserve_formatting="minimal_html",
        main_content=main,
        comments=False,
        alt_texts=False,
        links=True,
        noscript=noscript,
        skip_elements=skip,
    )
    return markup


def link_share(lines: Lines, chosen: Flags) -> float:
    """Of the bytes of some lines, those within links."""
    return float(lines.table[chosen, k.LINKED].sum() / max(1, lines.sizes()[chosen].sum()))


def _links_per_100_words(lines: Lines, chosen: Flags) -> float:
    links = lines.table[chosen, k.LINKS].sum()
    return float(100 * links / max(1, lines.chosen(chosen).words()))
