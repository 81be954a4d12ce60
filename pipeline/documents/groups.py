"""The files of the groups of signals of one shard while they are being written."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from types import TracebackType

import pyarrow as pa

from thresher.filters.errors import LedgerError
from thresher.manifests.layout import GROUPS
from thresher.manifests.manifest import Manifest, commit
from thresher.manifests.shards import ShardWriter
from thresher.manifests.store import Store
from thresher.pipeline.documents.settings import SignalSettings
from thresher.pipeline.documents.signals import Measuring, schema_of

ROW_GROUP_ROWS = 131_072
"""Large, since a policy reads few columns of all rows; a usual shard is one row group."""
ROW_GROUP_BYTES = 256 * 2**20
"""Of a group's rows that wait to be written together, at most."""


class GroupFiles:
    """Measures the texts of a shard, as they come, and writes a file for each group.

    Args:
        store: the lake.
        key: of the shard.
        settings: how to measure.
        marks: fingerprint of each group that is wanted; other stages in it are not ours.
    """

    def __init__(
        self, store: Store, key: str, settings: SignalSettings, marks: Mapping[str, str]
    ) -> None:
        self._began = time.perf_counter()
        self._store, self._key = store, key
        self._marks = {stage: marks[stage] for stage in GROUPS if stage in marks}
        self._measuring = Measuring(store, settings, self._marks)
        self._stack = contextlib.ExitStack()
        self._files = {
            stage: _GroupFile(
                ShardWriter(store, f"{stage}/{mark}/{key}.parquet", schema_of(stage, settings))
            )
            for stage, mark in self._marks.items()
        }
        self._rows = 0

    def __enter__(self) -> GroupFiles:
        for file in self._files.values():
            self._stack.enter_context(file.writer)
        return self

    def add(self, rows: pa.RecordBatch) -> None:
        """Measure some texts; see `Measuring.measured`."""
        self._rows += rows.num_rows
        for stage, signals in self._measuring.measured(rows).items():
            self._files[stage].add(signals)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            try:
                for file in self._files.values():
                    file.flush()
            except BaseException as failed:
                self._stack.__exit__(type(failed), failed, failed.__traceback__)
                raise
        self._stack.__exit__(kind, error, trace)

    def commit(self, texts: str) -> tuple[Manifest, ...]:
        """The manifests of the groups, written after a clean exit.

        Args:
            texts: path of the texts that were measured.

        Raises:
            LedgerError: if a group has not a row for each text.
        """
        made = []
        for stage, mark in self._marks.items():
            output = self._files[stage].writer.output
            if output.rows != self._rows:
                found = f"{output.rows:,} rows of signals for {self._rows:,} texts"
                raise LedgerError(f"{stage}/{self._key}: {found}")
            manifest = Manifest(
                stage=stage,
                fingerprint=mark,
                key=self._key,
                inputs=[texts],
                outputs=[output],
                facts=self._measuring.facts(stage),
                seconds=time.perf_counter() - self._began,
            )
            made.append(commit(self._store, manifest))
        return tuple(made)


class _GroupFile:
    """Gathers the signals of a group into large row groups."""

    def __init__(self, writer: ShardWriter) -> None:
        self.writer = writer
        self._batches: list[pa.RecordBatch] = []
        self._rows = self._bytes = 0

    def add(self, batch: pa.RecordBatch) -> None:
        self._batches.append(batch)
        self._rows += batch.num_rows
        self._bytes += batch.nbytes
        if self._rows >= ROW_GROUP_ROWS or self._bytes >= ROW_GROUP_BYTES:
            self.flush()

    def flush(self) -> None:
        if self._batches:
            self.writer.write(pa.Table.from_batches(self._batches), ROW_GROUP_ROWS)
            self._batches, self._rows, self._bytes = [], 0, 0
