"""The words of Thresher: one text for the glossary and for what a report shows of a word."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from html import escape
from importlib import resources

import msgspec

from thresher.filters.config import load_toml
from thresher.filters.signals.site import FIGURES


class Word(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A word and what it means."""

    name: str
    meaning: str
    """In plain text."""
    forms: tuple[str, ...] = ()
    """How headings write it, beside its name."""
    more: str = ""
    """What the glossary adds, as Markdown."""


class _Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    words: tuple[Word, ...]


@functools.cache
def words() -> tuple[Word, ...]:
    """All words, by name."""
    name = "words.toml"
    text = resources.files("thresher.jobs.docs").joinpath(name).read_text("utf-8")
    return load_toml(_Words, text, name).words


@functools.cache
def meanings() -> Mapping[str, str]:
    """The meaning of each form that a heading may have; also of the figures of diversity."""
    found = {each.name.replace("_", " "): f"{each.meaning}." for each in FIGURES}
    for word in words():
        found |= dict.fromkeys((word.name, *word.forms), word.meaning)
    return found


def explained(heading: str) -> str:
    """A heading as HTML in which each known word shows its meaning to pointer and keyboard."""
    return _forms().sub(_abbreviation, escape(heading))


def _abbreviation(match: re.Match[str]) -> str:
    meaning = escape(meanings()[match[0].lower()])
    return f'<abbr tabindex="0" title="{meaning}">{match[0]}</abbr>'


@functools.cache
def _forms() -> re.Pattern[str]:
    """Every form, the longest first."""
    forms = sorted(meanings(), key=len, reverse=True)
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, forms))})\b", re.IGNORECASE)


def glossary_page() -> Iterator[str]:
    """The page of words, paragraph by paragraph."""
    yield "# Glossary"
    yield (
        "What the words mean that Thresher uses in its reports, its output and these pages. In "
        "the report of a run they are underlined with dots; point at one, or step to it with the "
        "Tab key."
    )
    for word in words():
        yield f"## {word.name}"
        yield " ".join(filter(None, (word.meaning, word.more)))
