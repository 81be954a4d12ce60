"""The first stages: read, gate and extract one input shard, and measure the signals of its texts.

Every record of the shard ends as a text, or is gated or failed under a named reason; the ledger of
the text's manifest says how many. URL and size gates run before extraction, and so does a look at
the visible text of a page, which stops what is surely in another language; the language of the
extracted text decides about the rest, before the costly measuring.

Whoever reads a shard for the first time measures its signals at once; a group of signals that is
missing later is measured on the stored texts, and the crawl is not opened.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Collection, Iterator, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from thresher.manifests.layout import TEXT
from thresher.manifests.manifest import Manifest, commit
from thresher.manifests.schemas import QUARANTINE, TEXT_SCHEMA
from thresher.manifests.shards import ShardWriter, read_batches
from thresher.manifests.store import Store
from thresher.pipeline.documents.custom import CustomTally
from thresher.pipeline.documents.groups import GroupFiles
from thresher.pipeline.documents.settings import SignalSettings, TextSettings
from thresher.pipeline.documents.signals import COLUMNS
from thresher.pipeline.documents.texts import text_rows
from thresher.pipeline.extract.normal import normal_pages
from thresher.pipeline.extract.shared import extract_pages
from thresher.pipeline.gate.book import Book
from thresher.pipeline.gate.gating import Document, gate_page_languages, gate_texts, gate_urls
from thresher.pipeline.read import Loss, NotVerified, read_shard
from thresher.pipeline.read.inputs import InputShard
from thresher.pipeline.read.records import Page, Rejected
from thresher.pipeline.shards import ShardRef

VERSION = 1
"""Of the texts."""

QUARANTINE_FOLDER = "quarantine"

CHUNK_PAGES = 512
CHUNK_BYTES = 32 * 2**20
"""Pages are extracted and measured together in chunks of at most so many pages and bytes."""

ROW_GROUP_ROWS = 1024
ROW_GROUP_BYTES = 32 * 2**20


def measure_shard(
    store: Store,
    shard: InputShard,
    texts: TextSettings,
    signals: SignalSettings,
    marks: Mapping[str, str],
) -> tuple[Manifest, ...]:
    """Write the texts of one input shard with their quarantine, and groups of their signals.

    Where texts turn out to be of a damaged member after they were written, the shard is read once
    more, so that they are marked.

    Args:
        store: the lake.
        shard: what to read.
        texts: how to get the texts.
        signals: how to measure them.
        marks: fingerprints of the texts, and of each group that is wanted.
    """
    try:
        return _read(store, shard, texts, signals, marks, ())
    except NotVerified as damage:
        return _read(store, shard, texts, signals, marks, damage.members)


def measure_signals(
    store: Store, shard: ShardRef, signals: SignalSettings, marks: Mapping[str, str]
) -> tuple[Manifest, ...]:
    """Write groups of signals of texts that the lake has already.

    Args:
        store: the lake.
        shard: its texts.
        signals: how to measure them.
        marks: fingerprint of each group that is wanted.
    """
    with GroupFiles(store, shard.key, signals, marks) as groups:
        for batch in read_batches(store, shard.texts, list(COLUMNS), CHUNK_PAGES):
            for rows in _pieces(batch):
                groups.add(rows)
    return groups.commit(shard.texts)


def _pieces(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """Texts of about `CHUNK_BYTES` at once."""
    ends = np.cumsum(pc.binary_length(batch["text"]).cast(pa.int64()).to_numpy())
    starts = [0, *(np.flatnonzero(np.diff(ends // CHUNK_BYTES)) + 1).tolist(), batch.num_rows]
    for start, end in itertools.pairwise(starts):
        yield batch.slice(start, end - start)


def _read(
    store: Store,
    shard: InputShard,
    settings: TextSettings,
    signals: SignalSettings,
    marks: Mapping[str, str],
    distrusted: Collection[int],
) -> tuple[Manifest, ...]:
    began = time.perf_counter()
    path = f"{TEXT}/{marks[TEXT]}/{shard.key}.parquet"
    aside = f"{TEXT}/{marks[TEXT]}/{QUARANTINE_FOLDER}/{shard.key}.parquet"
    with (
        ShardWriter(store, path, TEXT_SCHEMA) as texts,
        ShardWriter(store, aside, QUARANTINE) as quarantine,
        GroupFiles(store, shard.key, signals, marks) as groups,
    ):
        book = Book(shard.name, settings.gates.retain_fraction, quarantine)
        buffer = _RowGroups(texts)
        sums: list[str] = []
        loss = Loss()
        custom = CustomTally()
        read = read_shard(shard, settings.input, sums.append, loss, distrusted)
        for chunk in _chunks(read):
            passed = _passed(chunk, settings, book, custom)
            if passed:
                rows = text_rows(passed, shard.name)
                buffer.add(rows)
                groups.add(rows)
        buffer.flush()
        book.flush()
    written = Manifest(
        stage=TEXT,
        fingerprint=marks[TEXT],
        key=shard.key,
        inputs=[shard.name],
        outputs=[texts.output, quarantine.output],
        ledger={
            "records": book.records,
            "documents": texts.output.rows,
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
            **({"custom": custom.facts()} if settings.extract.custom else {}),
        },
        seconds=time.perf_counter() - began,
    )
    return commit(store, written), *groups.commit(texts.output.path)


def _passed(
    chunk: list[Page | Rejected], settings: TextSettings, book: Book, custom: CustomTally
) -> list[Document]:
    """What passes the gates, extracted; the book has the rest."""
    book.records += len(chunk)
    pages = gate_urls(book.admit(chunk), settings.gates, book)
    pages = gate_page_languages(pages, settings.gates, book)
    extracted = book.admit_extracted(pages, extract_pages(pages, settings.extract))
    if settings.extract.custom:
        custom.add(extracted)
    return gate_texts(normal_pages(extracted), settings.gates, book)


class _RowGroups:
    """Gathers texts into row groups of a decent size."""

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
