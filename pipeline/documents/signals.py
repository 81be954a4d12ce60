"""The groups of signals of a text by itself; see `thresher.manifests.layout`.

What several groups need of a text is measured once: the rules and the junk families share a scan,
in which the signature is taken, too.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import cached_property, lru_cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from thresher.classifiers.quality import QualityModel
from thresher.classifiers.registry import Model
from thresher.filters import shape
from thresher.filters.decontamination import measure_overlap
from thresher.filters.evaluation_index import EvaluationIndex
from thresher.filters.local_stop_words import count_stop_words
from thresher.filters.measure import content_hash, measure, sign
from thresher.filters.shape import measure_shapes
from thresher.filters.urls import measure_urls
from thresher.manifests.layout import (
    CONTAMINATION,
    GROUPS,
    GUESTS,
    JUNK,
    MACHINE_TEXT,
    QUALITY,
    RULES,
    SIGNATURE,
)
from thresher.manifests.schemas import signals_schema
from thresher.manifests.store import Store
from thresher.pipeline.decontamination import load_index
from thresher.pipeline.documents.settings import SignalSettings
from thresher.pipeline.guests import GuestDocument, Guests

VERSION = 1
"""Of all groups, apart from their families' own versions."""

COLUMNS = ("id", "url", "date", "title", "text", "language")
"""What the signals of a text are measured on."""


def stages_of(settings: SignalSettings) -> tuple[str, ...]:
    """The groups that settings ask for, in their order."""
    asked = {
        QUALITY: settings.quality is not None,
        MACHINE_TEXT: settings.machine_text is not None,
        CONTAMINATION: settings.evaluation is not None,
        GUESTS: bool(settings.guests),
    }
    return tuple(stage for stage in GROUPS if asked.get(stage, True))


def schema_of(stage: str, settings: SignalSettings) -> pa.Schema:
    """The columns of a group's file."""
    guests = [guest.signal for guest in settings.guests]
    return signals_schema(stage, permutations=settings.minhash.permutations, guests=guests)


@lru_cache(maxsize=4)
def score_model(model: Model) -> QualityModel:
    """A model of scores, loaded once per process."""
    return QualityModel(model)


class Measuring:
    """Groups of signals at work on the texts of a shard, in their order.

    Args:
        store: the lake, which has the index of evaluation sets; None without any.
        settings: how to measure.
        stages: the groups that are wanted.
    """

    def __init__(
        self, store: Store | None, settings: SignalSettings, stages: Collection[str]
    ) -> None:
        self._settings, self._stages = settings, [stage for stage in GROUPS if stage in stages]
        self._guests = Guests(settings.guests if GUESTS in stages else ())
        self._index: EvaluationIndex | None = None
        if CONTAMINATION in stages and settings.evaluation and store:
            self._index = load_index(store.url(), settings.evaluation.folder)

    def measured(self, rows: pa.RecordBatch) -> dict[str, pa.RecordBatch]:
        """The signals of some texts by group.

        Args:
            rows: with `COLUMNS` at least.
        """
        batch = _Batch(rows, self._settings, SIGNATURE in self._stages)
        makers: Mapping[str, Callable[[], Mapping[str, pa.Array]]] = {
            RULES: batch.rules,
            JUNK: lambda: {name: batch.kernels.column(name) for name in GROUPS[JUNK]},
            SIGNATURE: lambda: self._signature(batch),
            QUALITY: lambda: {"quality": batch.scores(self._settings.quality)},
            MACHINE_TEXT: lambda: {"machine_text": batch.scores(self._settings.machine_text)},
            CONTAMINATION: lambda: self._overlap(batch),
            GUESTS: lambda: {"guests": self._guests.verdicts(batch.shown())},
        }
        found = {}
        for stage in self._stages:
            schema, columns = schema_of(stage, self._settings), makers[stage]()
            found[stage] = pa.record_batch([columns[n] for n in schema.names], schema=schema)
        return found

    def facts(self, stage: str) -> dict[str, Any]:
        """What is to be known of a group on this shard."""
        return {"guests": self._guests.facts()} if stage == GUESTS else {}

    def _signature(self, batch: _Batch) -> dict[str, pa.Array]:
        if {RULES, JUNK}.intersection(self._stages):
            minhash = batch.kernels.column("minhash")
        else:
            minhash = sign(batch.texts, self._settings.minhash)
        return {"content_hash": content_hash(batch.texts), "minhash": minhash}

    def _overlap(self, batch: _Batch) -> dict[str, pa.Array]:
        assert self._index is not None
        assert self._settings.evaluation is not None
        names = self._settings.evaluation.names
        columns = measure_overlap(batch.texts, self._index, names)
        return dict(zip(GROUPS[CONTAMINATION], columns, strict=True))


class _Batch:
    """Some texts, and what several groups need of them."""

    def __init__(self, rows: pa.RecordBatch, settings: SignalSettings, signed: bool) -> None:
        self._rows, self._minhash = rows, settings.minhash if signed else None
        self.texts = rows["text"]
        self.codes = rows["language"].field("code")

    @cached_property
    def kernels(self) -> pa.RecordBatch:
        return measure(self.texts, self._minhash)

    def rules(self) -> dict[str, pa.Array]:
        own = {
            "url_parts": measure_urls(_nothing_is_null(self._rows["url"])),
            "stopwords_local": count_stop_words(self.texts, self.codes),
            shape.COLUMN: measure_shapes(self.texts),
        }
        return own | {name: self.kernels.column(name) for name in GROUPS[RULES] if name not in own}

    def scores(self, model: Model | None) -> pa.StructArray:
        assert model is not None
        return score_model(model).scores(self.texts, self.codes)

    def shown(self) -> list[GuestDocument]:
        """The documents as guests see them, under datatrove's names."""
        return [_shown(row) for row in self._rows.select(list(COLUMNS)).to_pylist()]


def _nothing_is_null(urls: pa.Array) -> pa.Array:
    return pc.if_else(pc.equal(urls, ""), pa.scalar(None, pa.string()), urls)


def _shown(row: Mapping[str, Any]) -> GuestDocument:
    language = row["language"]
    metadata = {name: row[name] or "" for name in ("url", "date", "title")}
    if language["code"]:
        metadata |= {"language": language["code"], "language_score": language["score"]}
    return GuestDocument(row["id"], row["text"], metadata)
