"""Measurements of a shard, whichever stage made them: documents files and run-wide signals.

A stage that needs the whole run (sites, repeated lines) writes for each shard a file with one row
per document, in the order of the documents file, and a struct column per family. Readers ask for
columns by name and need not know where they lie.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from thresher.filters.signals import RUN_FAMILIES, family_type
from thresher.manifests.store import Store
from thresher.pipeline.shards import ShardRef

Columns = Callable[[Sequence[str]], Iterator[pa.Table]]
"""Gives columns of the documents of a run, part by part, as often as it is asked. A signal
(`length.words`) comes within a struct column of its family."""


def signal_folders(shards: Sequence[ShardRef]) -> list[str]:
    """Where the run-wide signals of shards lie; the fingerprints of their stages are part of it."""
    return sorted({path.rsplit("/", 1)[0] for shard in shards for path in shard.signals})


def columns_of(store: Store, shards: Sequence[ShardRef]) -> Columns:
    """The columns of the documents of shards; see `read_measured`."""

    def read(columns: Sequence[str]) -> Iterator[pa.Table]:
        return (read_measured(store, shard, columns) for shard in shards)

    return read


def read_measured(store: Store, shard: ShardRef, columns: Sequence[str]) -> pa.Table:
    """Columns of a shard, in the order asked for.

    A run-wide family that this run has not measured is NULL throughout.

    Args:
        store: the lake of this run.
        shard: the shard.
        columns: names of columns (`id`, `length`), or of one signal (`length.words`), which comes
            as a struct of that field alone.

    Raises:
        KeyError: for a column that no stage makes.
    """
    found: dict[str, pa.ChunkedArray] = {}
    rows = 0
    own = shard.store(store)
    for path in (shard.documents, *shard.signals):
        with own.open(path) as opened:
            file = pq.ParquetFile(opened)
            rows = file.metadata.num_rows
            held = set(file.schema_arrow.names)
            here = [name for name in columns if name.split(".")[0] in held]
            table = file.read(columns=here)
            found |= {name: table[name.split(".")[0]] for name in here}
    absent = {family.name for family in RUN_FAMILIES}
    for name in columns:
        family = name.split(".")[0]
        if name not in found and family in absent:
            found[name] = pa.chunked_array([pa.nulls(rows, family_type(family))])
    return pa.table({name.split(".")[0]: found[name] for name in columns})
