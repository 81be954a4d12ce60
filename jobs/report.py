"""The report of a run: one self-contained HTML page a person reads after the run.

Funnel, reasons, diversity, samples of what was kept and dropped, shards that were not read whole.
All that came from the web is escaped; the page has no script and loads nothing.
"""

from __future__ import annotations

from html import escape
from string import Template
from typing import Any

import duckdb

from filters.policy import RESERVED_MEANINGS
from jobs.report_diversity import diversity_section
from jobs.show import shown
from manifests import catalog
from manifests.run import RunRecord
from manifests.store import Store
from pipeline.read import REASONS

PATH = "report.html"

_SAMPLES_PER_REASON = 3
_EXCERPT_CHARACTERS = 400

_PAGE = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>$title</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem;
  color: #1c2024; background: #fff; }
h1 { font-size: 1.6rem; margin-bottom: .2rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
p.note { color: #5a6169; margin-top: 0; }
table { border-collapse: collapse; width: 100%; } td, th { text-align: left; padding: .25rem .6rem;
  border-bottom: 1px solid #e4e7ea; vertical-align: top; } td.n, th.n { text-align: right;
  font-variant-numeric: tabular-nums; white-space: nowrap; }
.bar { background: #2f6f4f; height: .8rem; min-width: 1px; } .bar.lost { background: #b4532a; }
td.w { width: 45%; } blockquote { margin: .4rem 0 1rem; padding: .3rem .9rem; color: #33383d;
  border-left: 3px solid #cfd4d9; white-space: pre-wrap; overflow-wrap: anywhere; }
code { font-size: .9em; } code, td { overflow-wrap: anywhere; }
summary { cursor: pointer; padding: .3rem 0; }
</style></head><body>
<h1>$title</h1>
<p class="note">$subtitle</p>
$body
</body></html>
""")


def write_report(store: Store, record: RunRecord) -> str:
    """Write the report of the latest run into the lake and return its URL."""
    with catalog.connect(store) as database:
        sections = [
            _funnel(database),
            _incomplete(database, record),
            _reasons(database, record),
            diversity_section(database, _table),
            _samples(database),
            _files(database, store, record),
        ]
    page = _PAGE.substitute(
        title=escape(f"{record.name}: {record.status}"),
        subtitle=escape(
            f"Run {record.run_id}, policy {record.policy.get('name', 'none')} "
            f"version {record.policy.get('version', '-')}, Thresher {record.version}"
        ),
        body="\n".join(section for section in sections if section),
    )
    store.write_bytes(PATH, page.encode())
    return store.url(PATH)


def _funnel(database: duckdb.DuckDBPyConnection) -> str:
    rows = database.execute("SELECT step, records, percent FROM funnel").fetchall()
    cells = "".join(
        f"<tr><td>{escape(step)}</td><td class=n>{int(records or 0):,}</td>"
        f"<td class=n>{percent or 0:.1f}%</td><td class=w><div class='bar"
        f"{' lost' if step in ('gated', 'failed', 'dropped') else ''}' "
        f"style='width:{percent or 0:.2f}%'></div></td></tr>"
        for step, records, percent in rows
    )
    return f"<h2>Funnel</h2><table>{cells}</table>"


def _incomplete(database: duckdb.DuckDBPyConnection, record: RunRecord) -> str:
    rows = catalog.not_read_whole(database, record.run_id)
    rows += [(f"{f.stage}/{f.key}", "failed", f.error) for f in record.failures]
    if not rows:
        return ""
    return "<h2>Not read whole</h2>" + _table(("what", "status", "error"), rows)


def _reasons(database: duckdb.DuckDBPyConnection, record: RunRecord) -> str:
    meanings = {name: reason.meaning for name, reason in REASONS.items()}
    meanings |= RESERVED_MEANINGS
    meanings |= {rule["reason"]: rule.get("meaning", "") for rule in record.policy.get("rules", ())}
    rows = database.execute("SELECT outcome, reason, records, records_any FROM reasons").fetchall()
    return "<h2>Why records left</h2>" + _table(
        ("outcome", "reason", "records", "with this reason at all", "meaning"),
        [(*row, meanings.get(row[1], "")) for row in rows],
    )


def _samples(database: duckdb.DuckDBPyConnection) -> str:
    views = {
        name for (name,) in database.execute("SELECT view_name FROM duckdb_views()").fetchall()
    }
    if not {"kept", "dropped"} <= views:
        return ""
    parts = ["<h2>Look</h2>"]
    query = "SELECT id, url, left(text, {length}) FROM {view} {where} ORDER BY id LIMIT {count}"
    kept = database.execute(
        query.format(length=_EXCERPT_CHARACTERS, view="kept", where="", count=6)
    ).fetchall()
    parts.append(_sample("kept", kept))
    reasons = database.execute(
        "SELECT reason FROM dropped GROUP BY reason ORDER BY count(*) DESC, reason LIMIT 20"
    ).fetchall()
    dropped = query.format(
        length=_EXCERPT_CHARACTERS,
        view="dropped",
        where="WHERE reason = $reason",
        count=_SAMPLES_PER_REASON,
    )
    for (reason,) in reasons:
        rows = database.execute(dropped, {"reason": reason}).fetchall()
        parts.append(_sample(f"dropped: {reason}", rows))
    return "".join(parts)


def _sample(title: str, rows: list[Any]) -> str:
    quotes = "".join(
        f"<div><code>{escape(shown(url or identity, 300))}</code><br>"
        f"<code>{escape(identity)}</code>"
        f"<blockquote>{_escaped_lines(text)}</blockquote></div>"
        for identity, url, text in rows
    )
    return f"<details><summary>{escape(title)}</summary>{quotes}</details>"


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
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = "".join("<tr>" + "".join(_cell(value) for value in row) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def _cell(value: object) -> str:
    if isinstance(value, int):
        return f"<td class=n>{value:,}</td>"
    return f"<td>{escape(shown(value, 500))}</td>"


def _escaped_lines(text: str) -> str:
    return "\n".join(escape(shown(line, _EXCERPT_CHARACTERS)) for line in text.splitlines())
