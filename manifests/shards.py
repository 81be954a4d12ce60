"""Parquet shards in the lake: written atomically with rows, bytes and sha256 counted on the way."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from thresher.filters.errors import StoreError
from thresher.manifests.manifest import Output
from thresher.manifests.store import Store

_DEFAULTS: dict[str, Any] = {
    "compression": "zstd",
    "compression_level": 3,
    "version": "2.6",
    "data_page_version": "1.0",
    "write_statistics": True,
}


class ShardWriter:
    """Writes one Parquet file; `output` describes it after a clean exit.

    Args:
        store: the lake.
        path: path inside the lake.
        schema: what every batch must have; a batch of another schema is an error.
        options: further options of `pyarrow.parquet.ParquetWriter`.
    """

    def __init__(self, store: Store, path: str, schema: pa.Schema, **options: object) -> None:
        self._store, self._path, self._schema = store, path, schema
        self._options = {**_DEFAULTS, **options}
        self._stack = contextlib.ExitStack()
        self._rows = 0
        self._output: Output | None = None

    @property
    def output(self) -> Output:
        """What was written: known only after the block ended cleanly."""
        if self._output is None:
            raise StoreError(f"{self._path} is not finished")
        return self._output

    def __enter__(self) -> ShardWriter:
        file = self._stack.enter_context(self._store.writer(self._path))
        self._sink = _HashingFile(file)
        self._parquet = pq.ParquetWriter(
            pa.PythonFile(self._sink, "w"), self._schema, **self._options
        )
        return self

    def write(self, data: pa.RecordBatch | pa.Table, row_group_rows: int | None = None) -> None:
        """Append rows; each call makes row groups of its own of at most `row_group_rows`."""
        table = pa.Table.from_batches([data]) if isinstance(data, pa.RecordBatch) else data
        if table.num_rows:
            self._parquet.write_table(table.cast(self._schema), row_group_size=row_group_rows)
            self._rows += table.num_rows

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._parquet.close()  # after an error too, or its destructor would complain
        finally:
            self._stack.__exit__(kind, error, trace)
        if kind is None:
            self._output = Output(
                self._path, self._rows, self._sink.bytes, self._sink.digest.hexdigest()
            )


class _HashingFile:
    """A write-only file that counts and hashes what passes through."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.digest = hashlib.sha256()
        self.bytes = 0
        self.closed = False

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        self.bytes += len(data)
        self._file.write(data)
        return len(data)

    def flush(self) -> None:
        self._file.flush()

    def tell(self) -> int:
        return self.bytes

    def writable(self) -> bool:
        return True

    def readable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False

    def close(self) -> None:
        self.closed = True


def read_table(store: Store, path: str, columns: Sequence[str] | None = None) -> pa.Table:
    """A whole shard, or some of its columns, in memory."""
    with store.open(path) as file:
        return pq.ParquetFile(file).read(columns=None if columns is None else list(columns))


def read_batches(
    store: Store, path: str, columns: Sequence[str] | None = None, batch_rows: int = 1024
) -> Iterator[pa.RecordBatch]:
    """A shard as a stream of batches: memory does not grow with the file."""
    with store.open(path) as file:
        yield from pq.ParquetFile(file).iter_batches(
            batch_size=batch_rows, columns=None if columns is None else list(columns)
        )
