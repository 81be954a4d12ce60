"""Stage `documents`: read, gate, extract and measure one input shard, streaming.

Every record of the shard ends as a document, or is gated or failed under a named reason; the
ledger of the manifest says how many. URL and size gates run before extraction, and so does a
look at the visible text of a page, which stops what is surely in another language; the language
of the extracted text decides about the rest, before the costly measuring.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from functools import lru_cache

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from thresher.classifiers.quality import QualityModel
from thresher.classifiers.registry import Model
from thresher.filters.decontamination import FAMILY, SPANS, measure_overlap
from thresher.filters.evaluation_index import EvaluationIndex
from thresher.filters.local_stop_words import count_stop_words
from thresher.filters.measure import MinHashSettings, content_hash, measure, raw_hash
from thresher.filters.shape import measure_shapes
from thresher.filters.signals import DOCUMENT_FAMILIES, family_type
from thresher.filters.urls import measure_urls
from thresher.manifests.manifest import Manifest, commit
from thresher.manifests.schemas import QUARANTINE, documents_schema
from thresher.manifests.shards import ShardWriter
from thresher.manifests.store import Store
from thresher.pipeline.decontamination import EvaluationRef, load_index
from thresher.pipeline.documents.custom import CustomTally
from thresher.pipeline.extract import ExtractSettings
from thresher.pipeline.extract.columns import extract_column, mending_column, metadata_column
from thresher.pipeline.extract.normal import normal_pages
from thresher.pipeline.extract.shared import extract_pages
from thresher.pipeline.gate.book import Book, document_id
from thresher.pipeline.gate.gating import (
    Document,
    GateSettings,
    gate_page_languages,
    gate_texts,
    gate_urls,
)
from thresher.pipeline.guests import COLUMN, GuestDocument, Guests, GuestSettings
from thresher.pipeline.read import Loss, NotVerified, read_shard
from thresher.pipeline.read.inputs import InputSettings, InputShard
from thresher.pipeline.read.records import Page, Rejected

STAGE = "documents"
VERSION = 8

QUARANTINE_FOLDER = "quarantine"

CHUNK_PAGES = 512
CHUNK_BYTES = 32 * 2**20
"""Pages are extracted and measured together in chunks of at most so many pages and bytes."""

ROW_GROUP_ROWS = 1024
ROW_GROUP_BYTES = 32 * 2**20


class QualitySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The fastText model behind `quality.score`."""

    model: str = "quality-en@1"
    """`name@version` of the registry (`thresher models list`), or the path or URL of a model file,
    also as hf://REPO/FILE, or of the folder that `thresher train quality` has made; empty leaves
    the score NULL."""
    positive_label: str = ""
    """Label whose probability is the score; by default the one the model declares."""
    sha256: str = ""
    """Hash the model must have; by default what the registry, its card or its first fetch says."""


class MachineTextSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The fastText model behind `machine_text.score`. Shipped policies use its mean over a site."""

    model: str = "machine-text-en@1"
    """As `quality.model`."""
    positive_label: str = ""
    """As `quality.positive_label`."""
    sha256: str = ""
    """As `quality.sha256`."""


class MeasureSettings(msgspec.Struct, frozen=True):
    """All that decides what this stage writes, apart from the input itself."""

    input: InputSettings
    gates: GateSettings
    extract: ExtractSettings
    minhash: MinHashSettings
    quality: Model | None
    machine_text: Model | None = None
    guests: tuple[GuestSettings, ...] = ()
    evaluation: EvaluationRef | None = None


@lru_cache(maxsize=4)
def score_model(model: Model) -> QualityModel:
    """A model of scores, loaded once per process."""
    return QualityModel(model)


def measure_shard(
    store: Store, shard: InputShard, settings: MeasureSettings, fingerprint: str
) -> Manifest:
    """Turn one input shard into measured documents and its quarantine; see the module.

    Where documents turn out to be of a damaged member after they were written, the shard is read
    once more, so that they are marked.
    """
    try:
        return _measure(store, shard, settings, fingerprint, ())
    except NotVerified as damage:
        return _measure(store, shard, settings, fingerprint, damage.members)


def _measure(
    store: Store,
    shard: InputShard,
    settings: MeasureSettings,
    fingerprint: str,
    distrusted: Collection[int],
) -> Manifest:
    began = time.perf_counter()
    path = f"{STAGE}/{fingerprint}/{shard.key}.parquet"
    aside = f"{STAGE}/{fingerprint}/{QUARANTINE_FOLDER}/{shard.key}.parquet"
    guests = Guests(settings.guests)
    with (
        ShardWriter(store, path, _schema(settings)) as documents,
        ShardWriter(store, aside, QUARANTINE) as quarantine,
    ):
        book = Book(shard.name, settings.gates.retain_fraction, quarantine)
        buffer = _RowGroups(documents)
        sums: list[str] = []
        loss = Loss()
        custom = CustomTally()
        read = read_shard(shard, settings.input, sums.append, loss, distrusted)
        for chunk in _chunks(read):
            book.records += len(chunk)
            pages = gate_urls(book.admit(chunk), settings.gates, book)
            pages = gate_page_languages(pages, settings.gates, book)
            extracted = book.admit_extracted(pages, extract_pages(pages, settings.extract))
            if settings.extract.custom:
                custom.add(extracted)
            passed = gate_texts(normal_pages(extracted), settings.gates, book)
            if passed:
                index = _index(store, settings)
                buffer.add(measured(passed, shard.name, settings, guests, index))
        buffer.flush()
        book.flush()
    return commit(
        store,
        Manifest(
            stage=STAGE,
            fingerprint=fingerprint,
            key=shard.key,
            inputs=[shard.name],
            outputs=[documents.output, quarantine.output],
            ledger={
                "records": book.records,
                "documents": documents.output.rows,
                "gated": book.total("gated"),
                "failed": book.total("failed"),
            },
            reasons=dict(sorted(book.reasons.items())),
            facts={
                "uri": shard.name,
                "bytes": shard.bytes,
                "etag": shard.etag,
                "sha256": sums[0],
                "format": shard.format,
                **book.state(loss),
                "text_bytes": buffer.text_bytes,
                "guests": guests.facts(),
                **({"custom": custom.facts()} if settings.extract.custom else {}),
            },
            seconds=time.perf_counter() - began,
        ),
    )


class _RowGroups:
    """Gathers measured batches into row groups of a decent size."""

    def __init__(self, writer: ShardWriter) -> None:
        self._writer = writer
        self._batches: list[pa.RecordBatch] = []
        self._rows = self._bytes = 0
        self.text_bytes = 0

    def add(self, batch: pa.RecordBatch) -> None:
        size = pc.sum(pc.binary_length(batch["text"])).as_py()
        self._batches.append(batch)
        self._rows += batch.num_rows
        self._bytes += size
        self.text_bytes += size
        if self._rows >= ROW_GROUP_ROWS or self._bytes >= ROW_GROUP_BYTES:
            self.flush()

    def flush(self) -> None:
        if self._batches:
            self._writer.write(pa.Table.from_batches(self._batches), ROW_GROUP_ROWS)
            self._batches, self._rows, self._bytes = [], 0, 0


def _chunks(items: Iterator[Page | Rejected]) -> Iterator[list[Page | Rejected]]:
    chunk: list[Page | Rejected] = []
    size = 0
    for item in items:
        chunk.append(item)
        size += len(item.content) if isinstance(item, Page) else len(item.sample)
        if len(chunk) >= CHUNK_PAGES or size >= CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def measured(
    items: list[Document],
    source: str,
    settings: MeasureSettings,
    guests: Guests,
    index: EvaluationIndex | None = None,
) -> pa.RecordBatch:
    """Documents as a documents file has them: provenance, text and every signal of each.

    Args:
        items: extracted texts with their languages.
        source: where they are from.
        settings: how to measure.
        guests: at work on them.
        index: of the evaluation sets, if the settings name some.
    """
    texts = pa.array([item.text for item, _ in items], pa.string())
    codes = pa.array([language.code for _, language in items], pa.string())
    signals = measure(texts, settings.minhash)
    columns: dict[str, pa.Array] = {
        "id": pa.array([document_id(item.page) for item, _ in items]),
        "record_id": pa.array([item.page.record_id for item, _ in items]),
        "url": pa.array([item.page.url for item, _ in items]),
        "source": pa.array([source] * len(items), pa.string()),
        "date": pa.array([item.page.date or None for item, _ in items], pa.string()),
        "title": pa.array([item.title or None for item, _ in items], pa.string()),
        "charset": pa.array([item.charset or None for item, _ in items], pa.string()),
        "charset_source": pa.array([item.charset_source for item, _ in items], pa.string()),
        "text": texts,
        "content_hash": content_hash(texts),
        "raw_hash": raw_hash(pa.array([item.as_read for item, _ in items], pa.string())),
        "language": pa.StructArray.from_arrays(
            [
                codes,
                pa.array([language.score for _, language in items], pa.float64()),
                pa.array([language.mixed_share for _, language in items], pa.float64()),
            ],
            names=["code", "score", "mixed_share"],
        ),
        "url_parts": measure_urls(
            pa.array([item.page.url or None for item, _ in items], pa.string())
        ),
        "quality": _scores(texts, codes, settings.quality),
        "machine_text": _scores(texts, codes, settings.machine_text),
        "stopwords_local": count_stop_words(texts, codes),
        "extract": extract_column([item for item, _ in items]),
        "shape": measure_shapes(texts),
        "metadata": metadata_column([item for item, _ in items]),
        "mending": mending_column([item for item, _ in items]),
        "reading": pa.StructArray.from_arrays(
            [pa.array([item.page.unverified for item, _ in items], pa.bool_())],
            names=["unverified"],
        ),
    }
    if index is not None and settings.evaluation is not None:
        names = settings.evaluation.names
        columns[FAMILY], columns[SPANS] = measure_overlap(texts, index, names)
    else:
        columns[FAMILY] = pa.nulls(len(texts), family_type(FAMILY))
    if settings.guests:
        columns[COLUMN] = guests.verdicts([_shown(item) for item in items])
    schema = _schema(settings)
    columns |= {name: signals.column(name) for name in signals.schema.names}
    assert set(columns) >= {family.name for family in DOCUMENT_FAMILIES}
    return pa.record_batch([columns[name] for name in schema.names], schema=schema)


def _index(store: Store, settings: MeasureSettings) -> EvaluationIndex | None:
    """The index of the evaluation sets, where there are some."""
    if settings.evaluation is None:
        return None
    return load_index(store.url(), settings.evaluation.folder)


def _schema(settings: MeasureSettings) -> pa.Schema:
    names = [guest.signal for guest in settings.guests]
    spans = settings.evaluation is not None
    return documents_schema(settings.minhash.permutations, names, spans=spans)


def _shown(document: Document) -> GuestDocument:
    """A document as guests see it, under datatrove's names."""
    item, language = document
    metadata = {"url": item.page.url, "date": item.page.date, "title": item.title}
    known = {"language": language.code, "language_score": language.score} if language.code else {}
    return GuestDocument(document_id(item.page), item.text, metadata | known)


def _scores(texts: pa.Array, codes: pa.Array, model: Model | None) -> pa.StructArray:
    if model is None:
        none = pa.nulls(len(texts), pa.float64())
        return pa.StructArray.from_arrays([none, none], names=["score", "raw"])
    return score_model(model).scores(texts, codes)
