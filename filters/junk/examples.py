"""Examples of the junk rules: the files `examples.toml` and `site_examples.toml`."""

from __future__ import annotations

import functools
from importlib import resources

import msgspec

from thresher.filters.composed import composed
from thresher.filters.config import T, load_toml

PAGE_START = "<html>"
"""Begins an example that is a page rather than a text."""


class RuleExamples(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Texts about one rule."""

    reason: str
    """Of the rule in `web-en`."""
    drops: tuple[str, ...]
    """What it drops."""
    keeps: tuple[str, ...]
    """Near misses: what no junk rule drops."""


class Examples(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file `examples.toml`."""

    parts: dict[str, str]
    """Texts that others are made of."""
    rules: tuple[RuleExamples, ...]
    """In the order of the policy."""

    def whole(self, text: str) -> str:
        """A text with its parts in place."""
        return composed(text, self.parts)


class SitePage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A page by what is measured of it and of its site."""

    what: str
    """What it is."""
    signals: dict[str, float]
    """All that the rule looks at."""


class SiteRuleExamples(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Pages about one rule."""

    reason: str
    """Of the rule in `web-en`."""
    drops: tuple[SitePage, ...]
    """What it drops."""
    keeps: tuple[SitePage, ...]
    """Near misses."""


class SiteExamples(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file `site_examples.toml`."""

    rules: tuple[SiteRuleExamples, ...]
    """In the order of the policy."""


@functools.cache
def examples() -> Examples:
    """The shipped examples of rules that look at one page."""
    return _read(Examples, "examples.toml")


@functools.cache
def site_examples() -> SiteExamples:
    """The shipped examples of rules that look at sites."""
    return _read(SiteExamples, "site_examples.toml")


@functools.cache
def junk_reasons() -> tuple[str, ...]:
    """The reasons of the shipped junk rules, in the order of the files."""
    pages = [rule.reason for rule in examples().rules]
    return (*pages, *(rule.reason for rule in site_examples().rules))


def _read(kind: type[T], name: str) -> T:
    text = resources.files("thresher.filters.junk").joinpath(name).read_text("utf-8")
    return load_toml(kind, text, name)
