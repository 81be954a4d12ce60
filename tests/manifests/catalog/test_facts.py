"""Of stages that have a manifest for each input shard a run has its own, of others all."""

from __future__ import annotations

import pytest

from thresher.manifests.catalog.facts import Facts
from thresher.manifests.layout import FORMER, GROUPS, RUN_WIDE, TEXT
from thresher.manifests.manifest import Manifest, Output, commit
from thresher.manifests.run import InputRecord, RunRecord

OF_INPUTS = ("bands", "decisions", "parts", "line_keys", "site_parts")


def written(store, stage, keys):
    """Manifests of a stage, each with two outputs."""
    for key in keys:
        paths = [f"{stage}/f/{key}.{number}" for number in (1, 2)]
        for path in paths:
            store.write_bytes(path, b"12")
        outputs = [Output(path, 1, 2, "hash") for path in paths]
        commit(store, Manifest(stage=stage, fingerprint="f", key=key, outputs=outputs))


def facts_of(store, stage):
    inputs = [InputRecord(key, f"{key}.warc", 1, "", "warc") for key in ("a", "c")]
    run = RunRecord(
        run_id="r-1", name="r", status="complete", version="0", started="1", inputs=inputs,
        fingerprints={stage: "f"},
    )  # fmt: skip
    return Facts(store, run)


@pytest.mark.parametrize("stage", [*OF_INPUTS, TEXT, FORMER, *GROUPS, *RUN_WIDE])
def test_shards_that_other_runs_added_are_not_of_this_one(store, stage):
    written(store, stage, "abcd")
    facts = facts_of(store, stage)
    assert list(facts.of(stage)) == ["a", "c"]
    assert facts.paths(stage, 1) == [f"{stage}/f/a.2", f"{stage}/f/c.2"]
    assert facts.paths(stage) == [f"{stage}/f/{key}.{n}" for key in "ac" for n in (1, 2)]


@pytest.mark.parametrize("stage", ["edges", "curated"])
def test_what_is_of_the_whole_run_is_all_of_it(store, stage):
    written(store, stage, ("part-0", "part-1"))
    assert list(facts_of(store, stage).of(stage)) == ["part-0", "part-1"]


def test_three_stages_measure_signals_of_the_whole_run():
    assert tuple(RUN_WIDE) == ("model_scores", "repeated_lines", "site_signals")
