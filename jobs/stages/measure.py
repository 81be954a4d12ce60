"""The stages of measuring: the texts of each input shard, and the groups of their signals.

Who reads a shard writes its texts and measures them at once. What is missing for a shard whose
texts are there is measured on these, and the crawl is not opened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from thresher.filters.signals import DOCUMENT_FAMILIES
from thresher.manifests.layout import (
    CONTAMINATION,
    GROUPS,
    GUESTS,
    JUNK,
    MACHINE_TEXT,
    QUALITY,
    RULES,
    SIGNALS,
    SIGNATURE,
    TEXT,
    TEXT_FAMILIES,
    stage_of,
)
from thresher.manifests.manifest import Manifest, fingerprint, load_all
from thresher.manifests.store import Store
from thresher.pipeline.documents import measure, signals
from thresher.pipeline.documents.settings import SignalSettings, TextSettings
from thresher.pipeline.extract import PROFILE_VERSIONS
from thresher.pipeline.guests import guests_identity
from thresher.pipeline.read.inputs import InputShard
from thresher.pipeline.shards import ShardRef


def marks_of(texts: TextSettings, settings: SignalSettings, language: str) -> dict[str, str]:
    """The fingerprint of the texts and of each group of signals that settings ask for, by stage.

    Args:
        texts: how texts are got.
        settings: how they are measured.
        language: hash of the language model.
    """
    profile = PROFILE_VERSIONS[texts.extract.profile]
    how = [language, texts.input.reading, texts.gates, texts.extract.identity, profile]
    found = {TEXT: fingerprint(TEXT, measure.VERSION, _versions(TEXT_FAMILIES), *how)}
    identity: dict[str, list[object]] = {
        JUNK: [_versions(GROUPS[RULES])],  # the junk model looks at all of them
        SIGNATURE: [settings.minhash],
        QUALITY: [settings.quality and settings.quality.identity],
        MACHINE_TEXT: [settings.machine_text and settings.machine_text.identity],
        CONTAMINATION: [settings.evaluation and settings.evaluation.fingerprint],
        GUESTS: list(guests_identity(settings.guests)),
    }
    for stage in signals.stages_of(settings):
        how = [_versions(GROUPS[stage]), *identity.get(stage, [])]
        found[stage] = fingerprint(stage, signals.VERSION, found[TEXT], *how)
    return found


def upstream_of(marks: Mapping[str, str], columns: Iterable[str]) -> list[str]:
    """The fingerprints of the stages that write columns of the texts and their signals."""
    stages = {TEXT, *map(stage_of, columns)}
    return [mark for stage, mark in sorted(marks.items()) if stage in stages]


class RunTogether(Protocol):
    """Runs `function(store, *arguments, marks)` for every key, which makes several stages of it."""

    def __call__(
        self,
        title: str,
        marks: Mapping[str, str],
        function: Callable[..., tuple[Manifest, ...]],
        work: Mapping[str, tuple[Any, ...]],
        done: int,
    ) -> list[Manifest]:
        """Run all of it, beside the shards that are done; those that fail have no manifests."""


class Measured(NamedTuple):
    """What measuring has made."""

    texts: dict[str, Manifest]
    """Of each shard that is measured whole, in the order of their keys."""
    shards: list[ShardRef]


def measure_inputs(
    run: RunTogether,
    store: Store,
    inputs: Sequence[InputShard],
    texts: TextSettings,
    settings: SignalSettings,
    marks: Mapping[str, str],
) -> Measured:
    """Write what is missing of the texts of a run and of their signals.

    Args:
        run: runs tasks.
        store: the lake.
        inputs: what is read.
        texts: how texts are got.
        settings: how they are measured.
        marks: as `marks_of` gives them.
    """
    found = measured_of(store, inputs, marks)

    def missing(key: str) -> dict[str, str]:
        return {stage: mark for stage, mark in marks.items() if key not in found[stage]}

    def add(made: Iterable[Manifest]) -> None:
        for manifest in made:
            found[manifest.stage][manifest.key] = manifest

    work: dict[str, tuple[Any, ...]] = {
        shard.key: (shard, texts, settings, missing(shard.key))
        for shard in inputs
        if shard.key not in found[TEXT]
    }
    add(run(TEXT, marks, measure.measure_shard, work, len(found[TEXT])))
    work = {
        key: (ShardRef(key, manifest.output().path), settings, missing(key))
        for key, manifest in sorted(found[TEXT].items())
        if missing(key)
    }
    if work:
        done = len(found[TEXT]) - len(work)
        groups = {stage: mark for stage, mark in marks.items() if stage != TEXT}
        add(run(SIGNALS, groups, measure.measure_signals, work, done))
    return measured_whole(found)


def measured_whole(found: Mapping[str, Mapping[str, Manifest]]) -> Measured:
    """The shards that have their texts and all groups of their signals.

    Args:
        found: manifests by stage and key.
    """
    whole = sorted(set.intersection(*map(set, found.values())))
    shards = [
        ShardRef(
            key,
            found[TEXT][key].output().path,
            signals=tuple(found[s][key].output().path for s in GROUPS if s in found),
        )
        for key in whole
    ]
    return Measured({key: found[TEXT][key] for key in whole}, shards)


def measured_of(
    store: Store, inputs: Sequence[InputShard], marks: Mapping[str, str]
) -> dict[str, dict[str, Manifest]]:
    """What the lake holds already of some inputs, by stage and key."""
    keys = [shard.key for shard in inputs]
    return {stage: load_all(store, stage, mark, keys) for stage, mark in marks.items()}


def _versions(columns: Iterable[str]) -> list[tuple[str, int]]:
    """Of the families among columns; of others, the version of the stage speaks."""
    asked = set(columns)
    return [(each.name, each.version) for each in DOCUMENT_FAMILIES if each.name in asked]
