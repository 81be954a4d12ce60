"""The part of a report that explains the reasons of its run, as the reference pages do."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from html import escape

import duckdb

from thresher.filters.policy import policy_from_mapping
from thresher.jobs.docs.blocks import Verbatim, html
from thresher.jobs.docs.entries import Entry, entry
from thresher.jobs.docs.words import explained
from thresher.manifests.run import RunRecord
from thresher.pipeline.inspect.reasons import reference
from thresher.pipeline.materialize.parts import EMPTY

_QUERY = """
SELECT reason FROM reasons
UNION SELECT $emptied FROM funnel WHERE step = 'emptied by transforms' AND records > 0
ORDER BY 1
"""


@dataclass(frozen=True)
class Link:
    """A cell of a table that is HTML already."""

    html: str


def anchor(reason: str) -> Link | str:
    """A link to where the report explains a reason; just its name for one that is not shipped."""
    if not reference(reason):
        return reason
    return Link(f'<a href="#reason-{escape(reason)}">{escape(reason)}</a>')


def reasons_section(database: duckdb.DuckDBPyConnection, record: RunRecord) -> str:
    """The section: every shipped reason that the run gave, with the run's own bounds."""
    rows = database.execute(_QUERY, {"emptied": EMPTY}).fetchall()
    found = [reason for (reason,) in rows if reference(reason)]
    if not found:
        return ""
    policy = policy_from_mapping(record.policy, "the run's policy") if record.policy else None
    entries = [entry(reason, policy) for reason in found]
    parts = {name: text for each in entries for name, text in each.parts.items()}
    texts = "".join(html(Verbatim(f"{name}: {text.strip()}")) for name, text in parts.items())
    return (
        f"<h2>{explained('Reasons')}</h2><p class=note>As <code>thresher reasons NAME</code> and "
        "the reference pages say it; the column of this run has the bounds that it was judged by."
        "</p>"
        + "".join(_details(each, found) for each in entries)
        + (f"<details><summary>what stands in braces</summary>{texts}</details>" if texts else "")
    )


def _details(each: Entry, found: Collection[str]) -> str:
    related = ", ".join(_name(name, found) for name in each.related)
    name = escape(each.reason)
    return (
        f'<details id="reason-{name}"><summary>{name}</summary>'
        + "".join(html(block) for block in each.blocks)
        + (f"<p>Related: {related}.</p>" if related else "")
        + f"<p>{escape(reference(each.reason))}</p></details>"
    )


def _name(reason: str, found: Collection[str]) -> str:
    link = anchor(reason)
    if reason in found and isinstance(link, Link):
        return link.html
    return f"<code>{escape(reason)}</code>"
