"""What measures texts anew reads no crawl: every setting of a signal, and every version."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
from pathlib import Path

import pytest
from small_runs import Counting, changed, digests, run
from stale_facts import MODELS, swap

from thresher.filters.signals import family
from thresher.jobs.plan import make_plan
from thresher.jobs.recipe import recipe_of
from thresher.jobs.stages.measure import upstream_of
from thresher.manifests import catalog
from thresher.manifests.layout import GROUPS
from thresher.pipeline.documents import measure
from thresher.pipeline.documents.groups import GroupFiles

KEEP = "__label__keep"


@pytest.fixture
def blank(small, tmp_path):
    """The recipe on a copy of its lake and of its crawl, whose bytes are gone: who reads it fails.

    Sizes and times are what they were, by which a file is known.
    """
    recipe = small.copy(tmp_path)
    held = {path: (path.read_bytes(), path.stat()) for path in small.shards}
    for path, (data, stat) in held.items():
        path.write_bytes(bytes(len(data)))
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    yield recipe
    for path, (data, stat) in held.items():
        path.write_bytes(data)
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def with_model(recipe, role, folder):
    name = role.replace("_", "-") + "-en"
    shutil.copy(MODELS / f"{name}@1" / f"{name}.ftz", folder / "own.ftz")
    label = {"quality": KEEP, "machine_text": "__label__machine"}[role]
    return changed(recipe, **{role: {"model": str(folder / "own.ftz"), "positive_label": label}})


def with_questions(recipe, folder):
    path = folder / "more.jsonl"
    path.write_text(json.dumps({"q": "Who built the old mill that stands by the river in town?"}))
    return {**recipe, "decontaminate": [{"name": "mill", "path": str(path), "fields": ["q"]}]}


SETTINGS = {
    "quality.model": (lambda r, f: with_model(r, "quality", f), "signals/quality"),
    "machine_text.model": (
        lambda r, f: with_model(r, "machine_text", f),
        "signals/machine_text",
    ),
    "minhash.unit": (lambda r, _: changed(r, minhash={"unit": "characters"}), "signals/signature"),
    "minhash.ngram": (lambda r, _: changed(r, minhash={"ngram": 6}), "signals/signature"),
    "minhash.seed": (lambda r, _: changed(r, minhash={"seed": 2}), "signals/signature"),
    "dedup.bands, rows": (
        lambda r, _: changed(r, dedup={"bands": 13, "rows": 9}),
        "signals/signature",
    ),
    "dedup.permutations": (
        lambda r, _: changed(r, dedup={"permutations": 120}),
        "signals/signature",
    ),
    "guests": (
        lambda r, _: {**r, "guests": [{"filter": "datatrove.C4ParagraphFilter"}]},
        "signals/guests",
    ),
    "decontaminate": (with_questions, "signals/contamination"),
}


MORE = ("machine_text.model", "minhash.unit", "minhash.ngram", "minhash.seed", "dedup.bands, rows")
"""Settings that enter what others of the table enter, too."""


@pytest.mark.parametrize(
    "setting",
    [pytest.param(each, marks=[pytest.mark.slow] * (each in MORE)) for each in SETTINGS],
)
def test_a_setting_of_signals_opens_no_input(small, blank, tmp_path, setting):
    change, group = SETTINGS[setting]
    executor = Counting()
    store, record = run(change(blank, tmp_path), executor)
    assert (record.exceeded, record.failures) == (small.record.exceeded, [])
    measured = [task for task in executor.tasks if task[0] in ("text", "signals")]
    assert sorted(measured) == [("signals", key) for key in sorted(small.stages["text"])]
    before = small.record.fingerprints
    assert {g for g in GROUPS if record.fingerprints[g] != before[g]} == {group}
    assert record.fingerprints["text"] == before["text"]
    assert store.sizes(f"{group}/{record.fingerprints[group]}")


@pytest.mark.parametrize(
    "name", ["length", *(pytest.param(n, marks=pytest.mark.slow) for n in ("junk", "url_parts"))]
)
def test_a_familys_version_opens_no_input(small, blank, monkeypatch, name):
    old = family(name)
    swap(monkeypatch, old, dataclasses.replace(old, version=old.version + 1))
    executor = Counting()
    _, record = run(blank, executor)
    assert (record.exceeded, record.failures) == (small.record.exceeded, [])
    assert not [task for task in executor.tasks if task[0] == "text"]


def test_the_files_that_a_blank_crawl_would_give_are_none(small, blank):
    """The tests above would fail if the crawl were read."""
    _, record = run(changed(blank, gates={"min_characters": 7}))
    assert record.fingerprints["text"] != small.record.fingerprints["text"]
    assert (record.exceeded, record.failures) != (small.record.exceeded, [])


def test_measured_on_stored_texts_signals_are_the_same_bytes(small, tmp_path, monkeypatch):
    recipe = small.copy(tmp_path, GROUPS)
    monkeypatch.setattr(measure, "CHUNK_BYTES", 700)  # in other pieces than at first
    monkeypatch.setattr(measure, "CHUNK_PAGES", 5)
    executor = Counting()
    store, _ = run(recipe, executor)
    assert [s for s, _ in executor.tasks if s in ("text", "signals")] == ["signals"] * 3
    for group in GROUPS:
        assert digests(store, group) == digests(small.store, group) != {}


def test_texts_alone_are_made_again_where_they_alone_are_lost(small, tmp_path):
    recipe = small.copy(tmp_path, ["text"])
    executor = Counting()
    store, _ = run(recipe, executor)
    assert {stage for stage, _ in executor.tasks} == {"text"}
    assert digests(store, "text") == digests(small.store, "text")


def test_signals_hold_no_text(small):
    whole = {row["text"] for key in small.stages["text"] for row in small.rows("text", key)}
    for group in GROUPS:
        for path in small.store.sizes(f"{group}/"):
            data = Path(small.store.url(path)).read_bytes()
            assert not any(text[:40].encode() in data for text in whole)


def test_what_a_stage_reads_decides_what_it_follows_from(small):
    marks = make_plan(recipe_of(small.recipe)).marks
    assert upstream_of(marks, ["id", "text"]) == [marks["text"]]
    assert upstream_of(marks, ["id", "length.words", "quality.score"]) == [
        *(marks["signals/quality"], marks["signals/rules"], marks["text"])
    ]


def test_a_shard_whose_signals_fail_is_not_in_the_run(small, tmp_path, monkeypatch):
    recipe = small.copy(tmp_path, GROUPS)
    failing = sorted(small.stages["text"])[1]
    finish = GroupFiles.commit

    def breaks(self, texts):
        if failing in texts:
            raise ValueError("no such signal")
        return finish(self, texts)

    monkeypatch.setattr(GroupFiles, "commit", breaks)
    store, record = run(recipe)
    assert record.status == "incomplete"
    (failure,) = record.failures
    assert (failure.stage, failure.key) == ("signals", failing)
    assert "ValueError: no such signal" in failure.error
    with catalog.connect(store) as database:

        def ask(query):
            return database.execute(query).fetchall()

        assert ask("SELECT key, status FROM input_shards WHERE status = 'failed'") == [
            (failing, "failed")
        ]
        assert ask(f"SELECT count(*) FROM documents WHERE shard = '{failing}'") == [(0,)]
        funnel = dict(ask("SELECT step, records FROM funnel"))
        documents = ask("SELECT count(*) FROM documents")[0][0]
        assert funnel["documents measured"] == funnel["kept"] + funnel["dropped"] == documents > 0
        ends = funnel["gated"] + funnel["failed"] + documents
        assert (
            funnel["records read"]
            == ends
            == sum(
                manifest.ledger["records"]
                for key, manifest in small.stages["text"].items()
                if key != failing
            )
        )
    card = store.read_bytes(f"{record.curated}/README.md").decode()
    assert re.search(r"Not read whole: \d of 3 input shards \(.*1 failed.*\)\.", card)
    monkeypatch.undo()
    store, record = run(recipe)
    assert record.failures == []
    assert record.curated == small.record.curated
