"""Stage `documents`: read, gate, extract and measure one input shard, streaming.

Every record of the shard ends as a document, or is gated or failed under a named reason; the
ledger of the manifest says how many. URL and size gates run before extraction, and so does a
look at the visible text of a page, which stops what is surely in another language; the language
of the extracted text decides about the rest, before the costly measuring.
"""

from __future__ import annotations

import atexit
import hashlib
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from classifiers.language import LanguageIdentifier
from classifiers.quality import QualityModel
from filters.errors import ConfigError
from filters.measure import MinHashSettings, content_hash, measure
from filters.signals import FAMILIES
from filters.urls import measure_urls
from manifests.manifest import Manifest, commit
from manifests.schemas import QUARANTINE, documents_schema
from manifests.shards import ShardWriter
from manifests.store import Store
from pipeline.extract import Extracted, Extractor, ExtractSettings
from pipeline.gates import UrlBlocklist
from pipeline.read import read_shard
from pipeline.read.inputs import InputSettings, InputShard
from pipeline.read.reasons import REASONS
from pipeline.read.records import Page, Rejected, reject
from pipeline.visible import page_excerpt

STAGE = "documents"
VERSION = 2

QUARANTINE_FOLDER = "quarantine"

CHUNK_PAGES = 512
CHUNK_BYTES = 32 * 2**20
"""Pages are extracted and measured together in chunks of at most so many pages and bytes."""

ROW_GROUP_ROWS = 1024
ROW_GROUP_BYTES = 32 * 2**20


class GateSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Cheap rules that run before costly measuring; what they stop is never measured."""

    url_blocklist: bool = True
    """Stop pages whose URL datatrove's block lists name."""
    languages: tuple[str, ...] = ("en",)
    """Languages to keep (ISO 639 codes of lid.176); empty keeps all."""
    language_score: float = 0.65
    """Least probability of that language."""
    page_language_score: float = 0.8
    """A page whose visible text is in another language with at least this probability is stopped
    before extraction, which is most of the cost of a crawl; 0 leaves it to the text alone."""
    min_characters: int = 100
    """Texts shorter than this are stopped."""
    retain_fraction: float = 0.01
    """Share of gated records that is kept as a sample in quarantine, chosen by id."""

    def check(self, where: str) -> None:
        """Raise `ConfigError` for values that make no sense."""
        for name in ("language_score", "page_language_score", "retain_fraction"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ConfigError(f"{where}.{name}", "must lie in [0, 1].")


class QualitySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The fastText model behind `quality.score`."""

    model: str = ""
    """URL or path of a model (`thresher train quality` makes one); empty leaves the score NULL."""
    positive_label: str = "__label__keep"
    """Label whose probability is the score."""
    sha256: str = ""
    """Hash the model must have; the driver fills it in, so that every worker uses the same."""


class MeasureSettings(msgspec.Struct, frozen=True):
    """All that decides what this stage writes, apart from the input itself."""

    input: InputSettings
    gates: GateSettings
    extract: ExtractSettings
    minhash: MinHashSettings
    quality: QualitySettings


@lru_cache(maxsize=1)
def language_model() -> LanguageIdentifier:
    """The language model, loaded once per process."""
    return LanguageIdentifier()


@lru_cache(maxsize=2)
def quality_model(settings: QualitySettings) -> QualityModel:
    """The quality model, loaded once per process."""
    return QualityModel(settings.model, settings.positive_label, settings.sha256 or None)


@cache
def _extractor(settings: ExtractSettings) -> Extractor:
    """One extraction child per process, for all its shards; it ends with the process."""
    extractor = Extractor(settings)
    atexit.register(extractor.close)
    return extractor


@lru_cache(maxsize=1)
def _blocklist() -> UrlBlocklist:
    return UrlBlocklist()


def document_id(page: Page | Rejected) -> str:
    """128 bits in hex over the record's own id, URL and content: never its position."""
    content = page.content if isinstance(page, Page) else page.sample
    digest = hashlib.blake2b(digest_size=16)
    for part in (page.record_id, page.url):
        digest.update(part.encode("utf-8", "surrogatepass") + b"\0")
    digest.update(content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content)
    return digest.hexdigest()


def measure_shard(
    store: Store, shard: InputShard, settings: MeasureSettings, fingerprint: str
) -> Manifest:
    """Turn one input shard into measured documents and its quarantine; see the module."""
    began = time.perf_counter()
    path = f"{STAGE}/{fingerprint}/{shard.key}.parquet"
    aside = f"{STAGE}/{fingerprint}/{QUARANTINE_FOLDER}/{shard.key}.parquet"
    with (
        ShardWriter(store, path, documents_schema(settings.minhash.permutations)) as documents,
        ShardWriter(store, aside, QUARANTINE) as quarantine,
    ):
        book = _Book(shard, settings.gates, quarantine)
        buffer = _RowGroups(documents)
        for chunk in _chunks(read_shard(shard, settings.input)):
            book.records += len(chunk)
            pages = _gate_urls(book.admit(chunk), settings.gates, book)
            pages = _gate_page_languages(pages, settings.gates, book)
            extracted = book.admit_extracted(pages, _extractor(settings.extract).extract(pages))
            documents_in = _gate_texts(extracted, settings.gates, book)
            if documents_in:
                buffer.add(_measured(documents_in, shard, settings))
        buffer.flush()
        book.flush()
    return commit(
        store,
        Manifest(
            stage=STAGE,
            fingerprint=fingerprint,
            key=shard.key,
            inputs=[shard.uri],
            outputs=[documents.output, quarantine.output],
            ledger={
                "records": book.records,
                "documents": documents.output.rows,
                "gated": book.total("gated"),
                "failed": book.total("failed"),
            },
            reasons=dict(sorted(book.reasons.items())),
            facts={
                "uri": shard.uri,
                "bytes": shard.bytes,
                "etag": shard.etag,
                "format": shard.format,
                "status": book.status(),
                "text_bytes": buffer.text_bytes,
            },
            seconds=time.perf_counter() - began,
        ),
    )


class _Book:
    """Counts what is stopped, under its reason, and quarantines it."""

    def __init__(self, shard: InputShard, gates: GateSettings, writer: ShardWriter) -> None:
        self.records = 0
        self.reasons: Counter[str] = Counter()
        self._shard, self._gates, self._writer = shard, gates, writer
        self._rows: list[dict[str, object]] = []

    def stop(self, rejected: Rejected, page: Page | None = None) -> None:
        """Count a record that is not a document; keep it where it failed or is sampled.

        Args:
            rejected: the record and its reason.
            page: the page it was, where it became one: gives the id.
        """
        reason = REASONS[rejected.reason]
        self.reasons[f"{reason.outcome}/{reason.name}"] += 1
        identity = document_id(page or rejected)
        sampled = int(identity[:8], 16) < self._gates.retain_fraction * 2**32
        if reason.outcome == "failed" or sampled:
            self._rows.append(
                {
                    "id": identity,
                    "record_id": rejected.record_id,
                    "url": rejected.url,
                    "source": self._shard.uri,
                    "outcome": reason.outcome,
                    "reason": reason.name,
                    "detail": rejected.detail,
                    "sample": rejected.sample,
                }
            )
            if len(self._rows) >= ROW_GROUP_ROWS:
                self.flush()

    def admit(self, chunk: Iterable[Page | Rejected]) -> list[Page]:
        """The pages of a chunk; the rest is stopped."""
        pages = []
        for item in chunk:
            if isinstance(item, Page):
                pages.append(item)
            else:
                self.stop(item)
        return pages

    def admit_extracted(
        self, pages: Iterable[Page], items: Iterable[Extracted | Rejected]
    ) -> list[Extracted]:
        """The extracted pages; the rest is stopped."""
        found = []
        for page, item in zip(pages, items, strict=True):
            if isinstance(item, Extracted):
                found.append(item)
            else:
                self.stop(item, page)
        return found

    def flush(self) -> None:
        """Write what is quarantined so far."""
        if self._rows:
            self._writer.write(pa.Table.from_pylist(self._rows, schema=QUARANTINE))
            self._rows = []

    def total(self, outcome: str) -> int:
        """How many records ended so."""
        return sum(n for name, n in self.reasons.items() if name.startswith(f"{outcome}/"))

    def status(self) -> str:
        """`complete`, or `truncated` or `unreadable` where the shard itself is broken."""
        if self.reasons["failed/unreadable_shard"] or 0 < self.records == self.total("failed"):
            return "unreadable"
        return "truncated" if self.reasons["failed/truncated_archive"] else "complete"


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


def _gate_urls(pages: list[Page], gates: GateSettings, book: _Book) -> list[Page]:
    if not gates.url_blocklist:
        return pages
    passed = []
    for page, kind in zip(pages, _blocklist().blocked([p.url for p in pages]), strict=True):
        if kind is None:
            passed.append(page)
        else:
            book.stop(_stopped(page, "blocked_url", kind), page)
    return passed


def _gate_page_languages(pages: list[Page], gates: GateSettings, book: _Book) -> list[Page]:
    """Stop HTML pages that are surely in another language, without parsing them."""
    if not gates.languages or not gates.page_language_score:
        return pages
    excerpts = pa.array([page_excerpt(page) for page in pages], pa.binary())
    passed = []
    for page, found in zip(pages, language_model().identify(excerpts).to_pylist(), strict=True):
        other = found is not None and found["code"] not in gates.languages
        if other and found["score"] >= gates.page_language_score:
            detail = f"page: {found['code']} {found['score']:.3f}"
            book.stop(_stopped(page, "wrong_language", detail), page)
        else:
            passed.append(page)
    return passed


def _gate_texts(
    extracted: list[Extracted], gates: GateSettings, book: _Book
) -> list[tuple[Extracted, str | None, float | None]]:
    """Stop texts that are too small or in another language; the rest with language and score."""
    texts = []
    for item in extracted:
        if len(item.text) < max(gates.min_characters, 1):
            reason = "too_small" if item.text.strip() else "empty"
            detail = f"{len(item.text)} characters"
            book.stop(_stopped(item.page, reason, detail, item.text), item.page)
        else:
            texts.append(item)
    if not texts:
        return []
    found = language_model().identify(pa.array([item.text for item in texts], pa.string()))
    passed = []
    for item, language in zip(texts, found.to_pylist(), strict=True):
        code, score = (language["code"], language["score"]) if language else (None, None)
        wanted = code in gates.languages and (score or 0.0) >= gates.language_score
        if gates.languages and not wanted:
            detail = "undetermined" if score is None else f"{code} {score:.3f}"
            book.stop(_stopped(item.page, "wrong_language", detail, item.text), item.page)
        else:
            passed.append((item, code, score))
    return passed


def _stopped(page: Page, reason: str, detail: str, text: str | None = None) -> Rejected:
    sample = page.content if text is None else text
    data = sample.encode("utf-8", "replace") if isinstance(sample, str) else sample
    return reject(reason, page.record_id, page.url, detail, data)


def _measured(
    items: list[tuple[Extracted, str | None, float | None]],
    shard: InputShard,
    settings: MeasureSettings,
) -> pa.RecordBatch:
    texts = pa.array([item.text for item, _, _ in items], pa.string())
    signals = measure(texts, settings.minhash)
    columns: dict[str, pa.Array] = {
        "id": pa.array([document_id(item.page) for item, _, _ in items]),
        "record_id": pa.array([item.page.record_id for item, _, _ in items]),
        "url": pa.array([item.page.url for item, _, _ in items]),
        "source": pa.array([shard.uri] * len(items)),
        "date": pa.array([item.page.date or None for item, _, _ in items], pa.string()),
        "title": pa.array([item.title or None for item, _, _ in items], pa.string()),
        "charset": pa.array([item.charset or None for item, _, _ in items], pa.string()),
        "charset_source": pa.array([item.charset_source for item, _, _ in items], pa.string()),
        "text": texts,
        "content_hash": content_hash(texts),
        "language": pa.StructArray.from_arrays(
            [
                pa.array([code for _, code, _ in items], pa.string()),
                pa.array([score for _, _, score in items], pa.float64()),
            ],
            names=["code", "score"],
        ),
        "url_parts": measure_urls(
            pa.array([item.page.url or None for item, _, _ in items], pa.string())
        ),
        "quality": pa.StructArray.from_arrays([_quality(texts, settings.quality)], names=["score"]),
    }
    schema = documents_schema(settings.minhash.permutations)
    columns |= {name: signals.column(name) for name in signals.schema.names}
    assert set(columns) >= {family.name for family in FAMILIES}
    return pa.record_batch([columns[name] for name in schema.names], schema=schema)


def _quality(texts: pa.Array, settings: QualitySettings) -> pa.Array:
    if not settings.model:
        return pa.nulls(len(texts), pa.float64())
    return quality_model(settings).score(texts)
