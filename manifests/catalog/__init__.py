"""The catalog: a DuckDB file over the manifests. Disposable: `build` makes it again at any time.

Tables hold shard-level facts of every run; views reach the documents of one run in their Parquet
files: the latest that had ended when the catalog was written, or another that `connect` is told.
Only drivers write it: open, write, close, then rename or upload. Thresher reads it, and the lake
behind it, through one door (`door.py`); any DuckDB client since 1.1 opens it too.

Tables: runs, policies, models, failures, input_shards, shard_counts, shard_reasons, output_shards,
lineage, dedup_facts. Views: documents, measured (documents with the signals of the whole run),
decisions, kept, dropped, quarantine, duplicates, curated, reasons, funnel, funnels (of every run),
shown_run (the id of the run that the others are of), sites (a row per site), diversity (of shards,
months and the most notable sites, with what is flagged).
"""

from thresher.manifests.catalog.build import PATH, build
from thresher.manifests.catalog.door import (
    connect,
    explained,
    not_read_whole,
    open_catalog,
    plain,
    spill_folder,
    views,
)
from thresher.manifests.catalog.questions import NotStoppedError, bounded, check_question

__all__ = [
    "PATH",
    "NotStoppedError",
    "bounded",
    "build",
    "check_question",
    "connect",
    "explained",
    "not_read_whole",
    "open_catalog",
    "plain",
    "spill_folder",
    "views",
]
