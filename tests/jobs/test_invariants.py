"""What holds of every run, whatever the crawl: on small ones from seeds, with every stage.

The ledger balances on all levels, and a stage that loses or doubles a record stops the run; how the
work is cut and in which order it is done changes no byte; a lake that was damaged is mended.
"""

from __future__ import annotations

import json
from collections import Counter
from io import BytesIO

import pyarrow.parquet as pq
import pytest
from small_runs import Lake, Shuffled, digests, run

from thresher.manifests.layout import GROUPS
from thresher.pipeline.dedup import edges, nodes, verify
from thresher.pipeline.documents import measure
from thresher.pipeline.judge import survivors
from thresher.pipeline.materialize import parts
from thresher.pipeline.repeated_lines import count
from thresher.pipeline.sites import merge


@pytest.fixture(scope="module", params=[1, 2])
def lake(request, tmp_path_factory, small):
    return small if request.param == 1 else Lake(tmp_path_factory.mktemp("lake"), request.param)


def test_each_record_of_the_crawl_has_one_end(lake):
    for path in lake.shards:
        (item,) = [i for i in lake.record.inputs if i.uri == path.name]
        ledger = lake.stages["text"][item.key].ledger
        lines = path.read_text(encoding="utf-8").splitlines()
        assert ledger["records"] == len(lines) > 0
        documents = lake.rows("text", item.key)
        stopped = lake.rows("text", item.key, 1)
        names = [json.loads(line)["id"] for line in lines if line.endswith('"}')]  # the others fail
        ends = [row["record_id"] for row in documents + stopped if row["record_id"]]
        assert sorted(ends) == sorted(names)
        assert len(documents) + len(stopped) == len(lines)
        assert ledger == {
            "records": len(lines),
            "documents": len(documents),
            **{end: sum(r["outcome"] == end for r in stopped) for end in ("gated", "failed")},
        }
        decisions = lake.rows("decisions", item.key)
        assert [row["id"] for row in decisions] == [row["id"] for row in documents]
        verdicts = Counter(row["verdict"] for row in decisions)
        assert lake.stages["decisions"][item.key].ledger == {
            "records": len(documents),
            "kept": verdicts["kept"],
            "dropped": verdicts["dropped"],
        }
        kept = {row["id"] for row in decisions if row["verdict"] == "kept"}
        assert {row["id"] for row in lake.rows("parts", item.key)} == kept
    curated = [row["id"] for key in lake.stages["curated"] for row in lake.rows("curated", key)]
    assert sorted(curated) == sorted(name for (name,) in lake.ask("SELECT id FROM kept"))


def test_the_catalog_counts_what_the_files_hold(lake):
    total, first, every = Counter(), Counter(), Counter()
    for key, manifest in lake.stages["text"].items():
        stopped = lake.rows("text", key, 1)
        decisions = lake.rows("decisions", key)
        counts = Counter(row["outcome"] for row in stopped)
        counts |= Counter(row["verdict"] for row in decisions)
        total += counts
        query = f"FROM input_shards JOIN shard_counts USING (run_id, key) WHERE key = '{key}'"
        columns = ("records", "input_shards.documents", "gated", "failed", "kept", "dropped")
        assert lake.ask(f"SELECT {', '.join(columns)} {query}") == [
            (
                len(stopped) + len(decisions),
                len(decisions),
                *(counts[end] for end in ("gated", "failed", "kept", "dropped")),
            )
        ]
        first.update((row["outcome"], row["reason"]) for row in stopped)
        first.update(("dropped", row["reason"]) for row in decisions if row["reason"])
        every.update(("dropped", reason) for row in decisions for reason in row["reasons"])
        assert manifest.ledger["records"] == len(stopped) + len(decisions)
    told = lake.ask("SELECT outcome, reason, records, records_any FROM reasons")
    assert {(outcome, reason): records for outcome, reason, records, _ in told} == {
        reason: first[reason] for reason in first | every
    }
    assert {(o, r): n for o, r, _, n in told if o == "dropped"} == every
    # A reason that is first of none is a fact all the same.
    assert any(not records and some for _, _, records, some in told)
    curated = sum(len(lake.rows("curated", key)) for key in lake.stages["curated"])
    assert dict(lake.ask("SELECT step, records FROM funnel")) == {
        "records read": total.total(),
        "gated": total["gated"],
        "failed": total["failed"],
        "documents measured": total["kept"] + total["dropped"],
        "dropped": total["dropped"],
        "kept": total["kept"],
        "emptied by transforms": 0,
        "curated": curated,
    }
    for view, stage, output in (("documents", "text", 0), ("quarantine", "text", 1)):
        rows = sum(len(lake.rows(stage, key, output)) for key in lake.stages[stage])
        assert lake.ask(f"SELECT count(*) FROM {view}") == [(rows,)]
    report = (lake.folder / "lake" / "report.html").read_text(encoding="utf-8")
    for _, reason in every:
        assert reason in report


PER_SHARD = (
    *("text", *GROUPS, "model_scores", "duplicates", "repeated_lines", "site_signals"),
    *("decisions", "curated"),
)
"""Stages whose files do not follow from how the work is cut."""


def cut_small(patch):
    """Cut all work into small pieces, as if there were little memory."""
    for module, name, value in (
        (edges, "_ENTRY_BYTES", 2**22),
        (nodes, "_BYTES", 2**27),
        (verify, "_PAIR_BYTES", 2**28),
        (verify, "_TEXTS_BYTES", 2**29),
        (survivors, "_MEMBER_BYTES", 2**28),
        (merge, "_ENTRY_BYTES", 2**25),
        (count, "_ENTRY_BYTES", 2**23),
        (measure, "CHUNK_PAGES", 3),
        (parts, "_RUN_BYTES", 4000),
    ):
        patch.setattr(module, name, value)


def test_how_the_work_is_cut_changes_no_byte(lake, tmp_path, monkeypatch):
    recipe = {**lake.recipe, "input": {"urls": [str(path) for path in reversed(lake.shards)]}}
    cut_small(monkeypatch)
    executor = Shuffled(5)
    store, record = run({**recipe, "lake": str(tmp_path / "lake")}, executor)
    tasks = Counter(stage for stage, _ in executor.tasks)
    many = ("edges", "verified", "members", "names", "line_counts", "sites", "pages", "survivors")
    assert all(tasks[stage] > 1 for stage in many), tasks
    assert record.fingerprints.keys() == lake.record.fingerprints.keys()
    written, before = digests(store, *PER_SHARD), digests(lake.store, *PER_SHARD)
    # The quarantine is in the order of the chunks that pages are read in.
    aside = [path for path in before if f"/{measure.QUARANTINE_FOLDER}/" in path]
    for path in aside:
        rows = [
            pq.read_table(BytesIO(each.read_bytes(path))).sort_by("id")
            for each in (store, lake.store)
        ]
        assert rows[0].equals(rows[1])
        del written[path], before[path]
    assert len(aside) == len(lake.shards)
    assert written == before
    assert store.sizes("curated") == lake.store.sizes("curated")
