"""The report of a run: one self-contained HTML page a person reads after the run.

Funnel, reasons, diversity, samples of what was kept and dropped, shards that were not read whole.
All that came from the web is escaped; the page has no script and loads nothing. Words of Thresher
in headings say what they mean (`thresher.jobs.docs.words`).
"""

from __future__ import annotations

from html import escape
from string import Template
from typing import Any

import duckdb

from thresher.filters.policy import RESERVED_MEANINGS
from thresher.jobs.docs.blocks import LONG_CELL
from thresher.jobs.docs.words import explained
from thresher.jobs.own_failures import failure_notes
from thresher.jobs.report.diversity import diversity_section
from thresher.jobs.report.reasons import Link, anchor, reasons_section
from thresher.jobs.show import shown
from thresher.manifests import catalog
from thresher.manifests.catalog.facts import Facts
from thresher.manifests.run import RunRecord, latest, load_runs
from thresher.manifests.store import Store
from thresher.pipeline.read import REASONS

PATH = "report.html"
"""The report of the latest run that has ended."""

_MOST_COPIES = 10

_SAMPLES_PER_REASON = 3
_EXCERPT_CHARACTERS = 400
_LONGEST_CELL = 3_000
"""Enough for the whole of an error."""
_LOSSES = frozenset({"gated", "failed", "dropped", "emptied by transforms"})
_STATUSES = {
    "truncated": "The file ends early; what comes before the cut was read.",
    "damaged": "Records inside were lost; what comes before and behind them was read.",
    "unreadable": "No record of it could be read.",
    "pending": "Not read yet; the same command continues.",
}

_PAGE = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>$title</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
:root { color-scheme: light dark; --text: #1c2024; --page: #fff; --quiet: #5a6169; --line: #e4e7ea;
  --quote: #cfd4d9; --kept: #2f6f4f; --lost: #b4532a; }
@media (prefers-color-scheme: dark) { :root { --text: #e3e6e9; --page: #16191c; --quiet: #9aa3ab;
  --line: #2c3237; --quote: #454d54; --kept: #4f9d75; --lost: #d0703f; } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 66rem; margin: 2rem auto; padding: 0 1rem;
  color: var(--text); background: var(--page); }
h1 { font-size: 1.6rem; margin-bottom: .2rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
h1, p, code { overflow-wrap: anywhere; } code { font-size: .9em; }
p.note { color: var(--quiet); margin-top: 0; }
div.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; }
td, th { text-align: left; padding: .25rem .6rem; border-bottom: 1px solid var(--line);
  vertical-align: top; } th { vertical-align: bottom; } td { white-space: nowrap; }
td.n, th.n { text-align: right; } td.n { font-variant-numeric: tabular-nums; }
td.long { min-width: 13rem; white-space: normal; overflow-wrap: anywhere; }
td.bar { width: 45%; min-width: 4rem; } .bar div { background: var(--kept); height: .8rem;
  margin-top: .35rem; } .bar div.lost { background: var(--lost); }
pre { border-left: 3px solid var(--quote); padding-left: .9rem; white-space: pre-wrap;
  overflow-wrap: anywhere; }
blockquote { margin: .4rem 0 1rem; padding: .3rem .9rem; border-left: 3px solid var(--quote);
  white-space: pre-wrap; overflow-wrap: anywhere; max-height: 18rem; overflow-y: auto; }
summary { cursor: pointer; padding: .3rem 0; }
abbr { cursor: help; text-decoration: underline dotted var(--quiet); text-underline-offset: .25em; }
abbr:focus::after { content: attr(title); position: fixed; left: 1rem; right: 1rem; bottom: 1rem;
  max-width: 44rem; margin: 0 auto; padding: .7rem 1rem; border-radius: .3rem; z-index: 1;
  font: 16px/1.5 system-ui, sans-serif; text-align: left; white-space: normal;
  color: var(--page); background: var(--text); }
</style></head><body>
<h1>$title</h1>
<p class="note">$subtitle</p>
$body
</body></html>
""")


def path_of(run_id: str) -> str:
    """Where the report of a run is in the lake."""
    return f"reports/{run_id}.html"


def write_report(store: Store, record: RunRecord) -> str:
    """Write the report of a run that has ended into the lake and return its URL.

    `PATH` then holds the report of the run that ended last, also where several end at once.
    """
    with catalog.connect(store, run=record.run_id) as database:
        sections = catalog.bounded(database, lambda: _sections(database, store, record))
    page = _PAGE.substitute(
        title=escape(f"{record.name}: {record.status}"),
        subtitle=escape(
            f"Run {record.run_id}, policy {record.policy.get('name', 'none')} "
            f"version {record.policy.get('version', '-')}, Thresher {record.version}"
        ),
        body="\n".join(section for section in sections if section),
    )
    store.write_bytes(path_of(record.run_id), page.encode())
    newest = latest(load_runs(store))
    for _ in range(_MOST_COPIES):
        if newest.run_id != record.run_id and not store.exists(path_of(newest.run_id)):
            break  # its driver is about to write it
        store.write_bytes(PATH, store.read_bytes(path_of(newest.run_id)))
        before, newest = newest, latest(load_runs(store))
        if newest == before:
            break
    return store.url(path_of(record.run_id))


def _sections(database: duckdb.DuckDBPyConnection, store: Store, record: RunRecord) -> list[str]:
    return [
        _funnel(database),
        _incomplete(database, record),
        _notes(store, record),
        _reasons(database, record),
        diversity_section(database, _table),
        _samples(database),
        _files(database, store, record),
        reasons_section(database, record),
    ]


def _funnel(database: duckdb.DuckDBPyConnection) -> str:
    rows = database.execute("SELECT step, records, percent FROM funnel").fetchall()
    cells = "".join(
        f"<tr><td>{explained(step)}</td><td class=n>{int(records or 0):,}</td>"
        f"<td class=n>{percent or 0:.1f}%</td>"
        f"<td class=bar><div{' class=lost' if step in _LOSSES else ''} "
        f"style='width:{percent or 0:.2f}%'></div></td></tr>"
        for step, records, percent in rows
    )
    return f"<h2>{explained('Funnel')}</h2><div class=wide><table>{cells}</table></div>"


def _incomplete(database: duckdb.DuckDBPyConnection, record: RunRecord) -> str:
    rows = [
        (uri, status, error or _STATUSES.get(status, ""))
        for uri, status, error in catalog.not_read_whole(database, record.run_id)
    ]
    rows += [(f"{f.stage}/{f.key}", "failed", f.error) for f in record.failures]
    rows += [("the run", "incomplete", sentence) for sentence in record.exceeded]
    if not rows:
        return ""
    return f"<h2>{explained('Not read whole')}</h2>" + _table(("what", "status", "why"), rows)


def _notes(store: Store, record: RunRecord) -> str:
    facts = Facts(store, record)
    notes = failure_notes(facts.run_code(), facts.of("model_scores").values())
    items = "".join(f"<li>{escape(shown(note, _LONGEST_CELL))}</li>" for note in notes)
    return f"<h2>{explained('Notes')}</h2><ul>{items}</ul>" if notes else ""


def _reasons(database: duckdb.DuckDBPyConnection, record: RunRecord) -> str:
    meanings = {name: reason.meaning for name, reason in REASONS.items()}
    meanings |= RESERVED_MEANINGS
    meanings |= {rule["reason"]: rule.get("meaning", "") for rule in record.policy.get("rules", ())}
    rows = database.execute("SELECT outcome, reason, records, records_any FROM reasons").fetchall()
    return (
        f"<h2>{explained('Why records left')}</h2><p class=note>Every record counts once in the "
        "first column of numbers, under its first reason; the second counts all records that have "
        "the reason.</p>"
    ) + _table(
        ("outcome", "reason", "records", "have it at all", "meaning"),
        [
            (outcome, anchor(reason), *counts, meanings.get(reason, ""))
            for outcome, reason, *counts in rows
        ],
    )


def _samples(database: duckdb.DuckDBPyConnection) -> str:
    if not catalog.views(database) >= {"kept", "dropped"}:
        return ""
    parts = ["<h2>Look</h2>"]
    query = "SELECT id, url, left(text, {length}) FROM {view} {where} ORDER BY id LIMIT {count}"
    kept = database.execute(
        query.format(length=_EXCERPT_CHARACTERS + 1, view="kept", where="", count=6)
    ).fetchall()
    parts.append(_sample("kept", kept))
    reasons = database.execute(
        "SELECT reason FROM dropped GROUP BY reason ORDER BY count(*) DESC, reason LIMIT 20"
    ).fetchall()
    dropped = query.format(
        length=_EXCERPT_CHARACTERS + 1,
        view="dropped",
        where="WHERE reason = $reason",
        count=_SAMPLES_PER_REASON,
    )
    for (reason,) in reasons:
        rows = database.execute(dropped, {"reason": reason}).fetchall()
        parts.append(_sample(f"dropped: {reason}", rows))
    return "".join(parts)


def _sample(title: str, rows: list[Any]) -> str:
    if not rows:
        return ""
    quotes = "".join(
        f"<div><code>{escape(shown(url or identity, 300))}</code><br>"
        f"<code>{escape(identity)}</code>"
        f"<blockquote>{_excerpt(text)}</blockquote></div>"
        for identity, url, text in rows
    )
    return f"<details><summary>{escape(shown(title))}</summary>{quotes}</details>"


def _files(database: duckdb.DuckDBPyConnection, store: Store, record: RunRecord) -> str:
    rows = database.execute(
        "SELECT path, split, rows, bytes, sha256 FROM output_shards "
        "WHERE run_id = $run ORDER BY path",
        {"run": record.run_id},
    ).fetchall()
    table = _table(("curated shard", "split", "rows", "bytes", "sha256"), rows)
    lake = escape(store.url())
    ask = 'thresher query "SELECT * FROM dropped LIMIT 5"'
    return (
        f"<h2>Files</h2>{table}<p>Ask more: <code>{escape(ask)} --lake {lake}</code>, "
        f"<code>thresher explain ID --lake {lake}</code></p>"
    )


def _table(names: tuple[str, ...], rows: list[Any]) -> str:
    if not rows:
        return "<p>None.</p>"
    numeric = [
        any(isinstance(row[place], int | float) for row in rows) for place in range(len(names))
    ]
    head = "".join(
        f"<th{' class=n' if right else ''}>{explained(name)}</th>"
        for name, right in zip(names, numeric, strict=True)
    )
    body = "".join("<tr>" + "".join(_cell(value) for value in row) + "</tr>" for row in rows)
    return f"<div class=wide><table><tr>{head}</tr>{body}</table></div>"


def _cell(value: object) -> str:
    if isinstance(value, Link):
        return f"<td>{value.html}</td>"
    if isinstance(value, int | float):
        return f"<td class=n>{value:{',' if isinstance(value, int) else 'z,.4f'}}</td>"
    text = shown(value, _LONGEST_CELL)
    return f"<td{' class=long' if len(text) > LONG_CELL else ''}>{escape(text)}</td>"


def _excerpt(text: str) -> str:
    """The beginning of a text, line by line and escaped."""
    cut = text[:_EXCERPT_CHARACTERS] + ("…" if len(text) > _EXCERPT_CHARACTERS else "")
    return "\n".join(escape(shown(line, len(cut))) for line in cut.splitlines())
