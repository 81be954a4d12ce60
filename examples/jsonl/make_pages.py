"""Write rows with nested fields: some texts in both files, and one row without a text."""

from __future__ import annotations

import gzip
import json
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from thresher.jobs.sample import write_sample

with tempfile.TemporaryDirectory() as folder:
    pages = [page for page in write_sample(Path(folder)).truth if page.text]

rows = [
    {
        "key": f"row-{number}",
        "link": page.url,
        "doc": {"title": page.title, "body": page.text},
        "meta": {"crawled_at": "2026-01-31T12:00:00Z", "kind": page.kind},
    }
    for number, page in enumerate(pages[:120])
]
both = rows[:10]
lines = [*rows[:60], {"key": "row-without-text", "link": "https://example.com/", "doc": {}}]
text = "".join(json.dumps(row) + "\n" for row in lines)
Path("pages.jsonl.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
table = pa.Table.from_pylist([*rows[60:], *both])
pq.write_table(table, "pages.parquet")
print(f"pages.jsonl.gz has {len(lines)} rows, pages.parquet {table.num_rows}")
