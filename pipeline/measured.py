"""What is known of a shard's documents, whichever stage found it: texts and signals.

Files beside the texts have one row per document, in their order, and a struct column per family of
signals. Readers ask for columns by name and need not know where they lie.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from thresher.filters.errors import StoreError
from thresher.filters.signals import family_type
from thresher.manifests.layout import KNOWN, stage_of, stage_of_file
from thresher.manifests.store import Store
from thresher.pipeline.shards import ShardRef

Columns = Callable[[Sequence[str]], Iterator[pa.Table]]
"""Gives columns of the documents of a run, part by part, as often as it is asked. A signal
(`length.words`) comes within a struct column of its family."""

BATCH_ROWS = 1024


def signal_folders(shards: Sequence[ShardRef], columns: Iterable[str]) -> list[str]:
    """Where columns of shards lie beside the texts; their stages' fingerprints are part of it."""
    stages = set(map(stage_of, columns))
    paths = [path for shard in shards for path in shard.signals if stage_of_file(path) in stages]
    return sorted({path.rsplit("/", 1)[0] for path in paths})


def columns_of(store: Store, shards: Sequence[ShardRef]) -> Columns:
    """The columns of the documents of shards; see `read_measured`."""

    def read(columns: Sequence[str]) -> Iterator[pa.Table]:
        return (read_measured(store, shard, columns) for shard in shards)

    return read


def file_of(shard: ShardRef, column: str) -> str:
    """Path of the file that holds a column of a shard, if it is measured.

    A lake of an earlier version has the signals of each text beside the text itself.
    """
    stage = stage_of(column)
    return next((path for path in shard.signals if stage_of_file(path) == stage), shard.texts)


def files_of(shard: ShardRef, columns: Iterable[str]) -> list[str]:
    """Paths of the files that are opened for columns of a shard."""
    return list(_by_file(shard, columns))


def read_measured(store: Store, shard: ShardRef, columns: Sequence[str]) -> pa.Table:
    """Columns of a shard, in the order asked for.

    A family that this run has not measured is NULL throughout.

    Args:
        store: the lake of this run.
        shard: the shard.
        columns: names of columns (`id`, `length`), or of one signal (`length.words`), which comes
            as a struct of that field alone.

    Raises:
        KeyError: for a column that no stage makes.
    """
    found: dict[str, pa.ChunkedArray] = {}
    rows = None
    own = shard.store(store)
    for path, names in _by_file(shard, columns).items():
        with own.open(path) as opened:
            file = pq.ParquetFile(opened)
            rows = file.metadata.num_rows
            held = set(file.schema_arrow.names)
            table = file.read(columns=[name for name in names if name.split(".")[0] in held])
        found |= {name: table[name] for name in table.column_names}
    for name in columns:
        family = name.split(".")[0]
        if family not in found and family in KNOWN:
            found[family] = pa.chunked_array([pa.nulls(rows or 0, family_type(family))])
    return pa.table({name: found[name] for name in dict.fromkeys(c.split(".")[0] for c in columns)})


def iterate_measured(
    store: Store, shard: ShardRef, columns: Sequence[str], batch_rows: int = BATCH_ROWS
) -> Iterator[pa.Table]:
    """As `read_measured`, in batches of at most so many rows: memory does not grow with the shard.

    Raises:
        KeyError: for a column that no stage makes.
        StoreError: if the files of the shard have not the same number of rows.
    """
    own = shard.store(store)
    with contextlib.ExitStack() as stack:
        streams: list[_Stream] = []
        absent = []
        for path, names in _by_file(shard, columns).items():
            file = pq.ParquetFile(stack.enter_context(own.open(path)))
            held = set(file.schema_arrow.names)
            here = [name for name in names if name.split(".")[0] in held]
            absent += [name.split(".")[0] for name in names if name.split(".")[0] not in held]
            streams.append(_Stream(path, file, here, batch_rows))
        for name in absent:
            if name not in KNOWN:
                raise KeyError(name)
        while True:
            left = [stream.fill() for stream in streams]
            if not any(left):
                return
            size = min(stream.ready for stream in streams)
            if not all(left):
                lengths = ", ".join(f"{stream.path} has {stream.rows:,} rows" for stream in streams)
                raise StoreError(f"files of shard {shard.key} differ: {lengths}")
            found: dict[str, pa.Array] = {}
            for stream in streams:
                found |= stream.take(size)
            found |= {name: pa.nulls(size, family_type(name)) for name in absent}
            yield pa.table({n: found[n] for n in dict.fromkeys(c.split(".")[0] for c in columns)})


def _by_file(shard: ShardRef, columns: Iterable[str]) -> dict[str, list[str]]:
    """Which columns to look for in which files; the texts always, since they are the rows."""
    found: dict[str, list[str]] = {shard.texts: []}
    for name in dict.fromkeys(columns):
        found.setdefault(file_of(shard, name), []).append(name)
    return found


class _Stream:
    """Columns of one file, as many rows at once as the others have."""

    def __init__(self, path: str, file: pq.ParquetFile, names: list[str], batch_rows: int) -> None:
        self.path, self.rows = path, file.metadata.num_rows
        self._names = names
        self._left: int = self.rows
        self._batches = file.iter_batches(batch_size=batch_rows, columns=names) if names else None
        self._batch: pa.RecordBatch | None = None
        self.ready = 0

    def fill(self) -> bool:
        """Whether rows are left; some of them are at hand then."""
        if not self.ready and self._left:
            if self._batches is None:
                self.ready = self._left
            else:
                self._batch = next(self._batches)
                self.ready = self._batch.num_rows
        return self._left > 0

    def take(self, size: int) -> dict[str, pa.Array]:
        """The next rows."""
        self._left -= size
        self.ready -= size
        if self._batch is None:
            return {}
        found = {name: self._batch[name].slice(0, size) for name in self._batch.schema.names}
        self._batch = self._batch.slice(size)
        return found
