"""The part of the junk page about rules that look at sites, with examples in figures."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources

import msgspec
import pyarrow as pa

from thresher.filters.config import load
from thresher.filters.policy import Policy, Rule, shipped_policy
from thresher.filters.policy.sql import RuleText, explain_rows
from thresher.filters.signals import family_type


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
    """The file `filters/junk/site_examples.toml`."""

    rules: tuple[SiteRuleExamples, ...]
    """In the order of the policy."""


@functools.cache
def site_examples() -> SiteExamples:
    """The shipped examples."""
    name = "site_examples.toml"
    text = resources.files("thresher.filters.junk").joinpath(name).read_text("utf-8")
    return load(SiteExamples, tomllib.loads(text), name)


def site_rules(policy: Policy) -> tuple[Rule, ...]:
    """The rules of a policy that look at the page's site."""
    return tuple(
        rule
        for rule in policy.rules
        if any(condition.signal.startswith("site.") for condition in rule.conditions)
    )


def site_tables(pages: Sequence[Mapping[str, float]]) -> pa.Table:
    """Measurements of pages of which some signals are known, a struct column per family."""
    families = {name.split(".")[0] for page in pages for name in page}
    families |= {
        condition.signal.split(".")[0]
        for rule in site_rules(shipped_policy("web-en"))
        for condition in rule.conditions
    }
    columns = {}
    for family in sorted(families):
        rows = [
            {name.split(".")[1]: value for name, value in page.items() if _is_of(name, family)}
            for page in pages
        ]
        columns[family] = pa.array(rows, family_type(family))
    return pa.table(columns)


def what_it_drops(row: RuleText) -> str:
    """A rule's meaning and its tests, as a sentence each."""
    tests = zip(row.signals, row.operators, row.thresholds, strict=True)
    where = " and ".join(f"`{name}` {sign} {value}" for name, sign, value in tests)
    return f"{row.meaning} Drops where {where}."


def _is_of(name: str, family: str) -> bool:
    return name.split(".")[0] == family


def site_section(policy: str) -> Iterator[str]:
    """The section, paragraph by paragraph."""
    yield "# Rules about sites"
    yield (
        "These look at the sums over a site (`site.*`), which are NULL without a registered domain "
        "or with fewer pages than `sites.min_pages`; then the rule does not fire. Each also asks "
        "the page itself, so that a page unlike its site stays. No rule names `collapse.*`: it "
        "says how far a shard or site is from the others of the run, which depends on these and "
        "blames no page; the report and `thresher diversity` show it. None names "
        "`site.ticker_fraction`: the rules of single pages drop every composed page of quotes."
    )
    rows = {row.reason: row for row in explain_rows(shipped_policy(policy))}
    for rule in site_examples().rules:
        row = rows[rule.reason]
        yield f"## {rule.reason}"
        yield what_it_drops(row)
        for verdict, pages in (("Drops:", rule.drops), ("Keeps:", rule.keeps)):
            yield verdict
            yield "\n".join(f"- {page.what} {_figures(page)}" for page in pages)


def _figures(page: SitePage) -> str:
    return "(" + ", ".join(f"`{name}` {value:g}" for name, value in page.signals.items()) + ")"
