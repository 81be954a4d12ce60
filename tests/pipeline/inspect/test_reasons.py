"""The pipeline reads, extracts and judges the examples of reasons that no rule gives."""

from __future__ import annotations

import json
import sys
from collections import Counter

import pytest

from thresher.filters.policy import RESERVED_MEANINGS, shipped_policies, shipped_policy
from thresher.jobs.executor import InProcess
from thresher.jobs.plan import make_plan
from thresher.jobs.progress import Silent
from thresher.jobs.recipe import read_recipe
from thresher.jobs.run import execute
from thresher.manifests.store import Store
from thresher.pipeline.documents import measure
from thresher.pipeline.documents.settings import SignalSettings, TextSettings
from thresher.pipeline.extract import Extractor, ExtractSettings
from thresher.pipeline.gate.gating import GateSettings
from thresher.pipeline.inspect.reasons import reference, stage_reasons
from thresher.pipeline.read import REASONS
from thresher.pipeline.read.inputs import InputSettings, list_inputs

STAGES = {each.reason: each for each in stage_reasons().reasons}
READ = [reason for reason in STAGES if reason in REASONS]

# The extraction process does what the page says of it, once or, told so, again.
OBEDIENT = """
import os, signal, time
from thresher.pipeline.extract import child
real = child.answer_task
def fail(page, content):
    raise ValueError("as told")
def hoard(page, content):
    return bytearray(1 << 44)
def answer_task(task, profile):
    if task.fallback and b"again" not in task.content:
        return real(task, profile)
    if b"hangs" in task.content:
        time.sleep(600)
    if b"dies" in task.content:
        os.kill(os.getpid(), signal.SIGKILL)
    broken = fail if b"fails" in task.content else hoard if b"hoards" in task.content else None
    if broken is None:
        return real(task, profile)
    child.all_text, all_text = broken, child.all_text
    answer = real(task, broken)
    child.all_text = all_text
    return answer
child.answer_task = answer_task
child.main()
"""


@pytest.fixture(scope="module")
def extractor_for():
    """Gives the extractor of some settings, whose process does what pages say of it."""
    extractors = {}

    def find(settings):
        if settings not in extractors:
            extractors[settings] = Extractor(settings, [sys.executable, "-P", "-c", OBEDIENT])
        return extractors[settings]

    yield find
    for extractor in extractors.values():
        extractor.close()


def ends_of(example, text, folder):
    """What became of the records of a file in the stage `documents`: (reasons, documents)."""
    (folder / example.file).write_bytes(stage_reasons().content(text))
    tables = {"gates": {"min_characters": 1, "languages": []}}
    tables["gates"] |= example.settings.get("gates", {})
    inputs = InputSettings([example.file], **example.settings.get("input", {}))
    (shard,) = list_inputs(inputs, str(folder))
    settings = TextSettings(
        inputs,
        GateSettings(**tables["gates"]),
        ExtractSettings(**example.settings.get("extract", {})),
    )
    (manifest,) = measure.measure_shard(
        Store(str(folder / "lake")), shard, settings, SignalSettings(), {"text": "f"}
    )
    return manifest.reasons, manifest.ledger["documents"]


@pytest.mark.parametrize("reason", READ)
def test_a_file_ends_so_and_the_nearest_does_not(reason, tmp_path, monkeypatch, extractor_for):
    monkeypatch.setattr(
        measure, "extract_pages", lambda pages, settings: extractor_for(settings).extract(pages)
    )
    example = STAGES[reason]
    folders = [tmp_path / "has", tmp_path / "lacks"]
    for folder in folders:
        folder.mkdir()
    outcome = REASONS[reason].outcome
    assert ends_of(example, example.has, folders[0]) == ({f"{outcome}/{reason}": 1}, 0)
    assert ends_of(example, example.lacks, folders[1]) == ({}, 1)


def reasons_of_run(example, text, folder):
    """The reasons that the manifests of a whole run over a file count."""
    folder.mkdir()
    (folder / example.file).write_bytes(stage_reasons().content(text))
    drop = json.dumps(list(example.duplicates))
    (folder / "mine.toml").write_text(
        f'name = "mine"\nversion = 1\n[duplicates]\ndrop = {drop}\n', encoding="utf-8"
    )
    tables = {
        "input": {"urls": [example.file]},
        "gates": {"min_characters": 1, "languages": []},
        "quality": {"model": ""},
        "machine_text": {"model": ""},
        "judge": {"policy": "mine.toml"},
        **example.settings,
    }
    lines = ['name = "example"', 'lake = "lake"']
    for table, settings in tables.items():
        lines += [
            f"[{table}]",
            *(f"{key} = {json.dumps(value)}" for key, value in settings.items()),
        ]
    (folder / "recipe.toml").write_text("\n".join(lines), encoding="utf-8")
    plan = make_plan(read_recipe(folder / "recipe.toml"))
    record = execute(plan, InProcess(), Silent())
    assert (record.status, record.failures) == ("complete", [])
    reasons = Counter()
    for stage in ("decisions", "parts"):
        for path in (folder / "lake" / "manifests" / stage).rglob("*.json"):
            reasons.update(json.loads(path.read_text())["reasons"])
    return reasons


@pytest.mark.parametrize("reason", RESERVED_MEANINGS)
def test_a_run_gives_the_reason_and_does_not_to_the_nearest(reason, tmp_path):
    example = STAGES[reason]
    assert reasons_of_run(example, example.has, tmp_path / "has") == {f"dropped/{reason}": 1}
    assert reasons_of_run(example, example.lacks, tmp_path / "lacks") == {}


def test_every_reason_of_a_stage_has_an_example_in_the_order_of_the_registries():
    assert [each.reason for each in stage_reasons().reasons] == [*REASONS, *RESERVED_MEANINGS]


def test_shipped_reasons_have_a_reference_and_others_none():
    for name in shipped_policies():
        for rule in shipped_policy(name).rules:
            assert reference(rule.reason).endswith(f".md#{rule.reason}")
    assert reference("too_few_words") == "docs/reasons.md#too_few_words"
    assert reference("ticker_list") == "docs/junk.md#ticker_list"
    assert reference("empty_after_transforms") == "docs/reasons.md#empty_after_transforms"
    assert reference("my_own_reason") == ""
