"""The reference page of the junk rules: what each drops and what it keeps, with examples."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Iterator
from importlib import resources

import msgspec

from thresher.filters.config import load
from thresher.filters.policy import shipped_policy
from thresher.filters.policy.sql import explain_rows
from thresher.jobs.docs.sites import site_section, what_it_drops

POLICY = "web-en"

PAGE_START = "<html>"
"""Begins an example that is a page rather than a text."""

_PART = re.compile(r"(?<!\{)\{(\w+)(?:\*(\d+))?\}")


class RuleExamples(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Texts about one rule."""

    reason: str
    """Of the rule in `web-en`."""
    drops: tuple[str, ...]
    """What it drops."""
    keeps: tuple[str, ...]
    """Near misses: what no junk rule drops."""


class Examples(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file `filters/junk/examples.toml`."""

    parts: dict[str, str]
    """Texts that others are made of."""
    rules: tuple[RuleExamples, ...]
    """In the order of the policy."""

    def whole(self, text: str) -> str:
        """A text with its parts in place."""

        def part(match: re.Match[str]) -> str:
            return "\n".join([self.parts[match[1]].strip()] * int(match[2] or 1))

        return _PART.sub(part, text).replace("{{", "{").replace("}}", "}")


@functools.cache
def examples() -> Examples:
    """The shipped examples."""
    name = "examples.toml"
    text = resources.files("thresher.filters.junk").joinpath(name).read_text("utf-8")
    return load(Examples, tomllib.loads(text), name)


def junk_page() -> Iterator[str]:
    """The page, paragraph by paragraph."""
    yield "# Junk"
    yield (
        f"The junk rules of `{POLICY}`, each with texts that it drops and near misses that it "
        "keeps. All texts are composed for this page, and a test measures and judges every one. "
        "`{name}` stands for a text below, `{name*3}` for three of them; what begins with `<html>` "
        "is a page, which is extracted first. `junk-gentle` and `junk-strict` have the same rules "
        "with other bounds."
    )
    yield (
        "Rules that ask `junk.*` ask the junk model, learned from judged pages in two additive "
        "steps, both plain files: `filters/junk/terms.txt` weighs words and pairs, and the trees "
        "of `filters/junk/model.json` add up what every signal of the text and these weights say. "
        "The model only measures: the bounds are in the policy. Rules that name a kind of junk "
        "by other signals may ask `junk.any_score` for a second opinion, with a lower bound."
    )
    rules = {row.reason: row for row in explain_rows(shipped_policy(POLICY))}
    for rule in examples().rules:
        row = rules[rule.reason]
        yield f"## {rule.reason}"
        yield what_it_drops(row)
        yield "Drops:"
        yield from map(_block, rule.drops)
        yield "Keeps:"
        yield from map(_block, rule.keeps)
    yield from site_section(POLICY)
    yield "# Texts"
    for name, text in examples().parts.items():
        yield f"## {name}"
        yield _block(text)


def _block(text: str) -> str:
    lines = text.strip().splitlines()
    return "\n".join(f"    {line}" for line in lines)
