"""Stage `repeated_lines`: of every document, which lines are frequent, and which of them can go."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from thresher.filters.signals import family_type
from thresher.manifests.manifest import Manifest, commit
from thresher.manifests.shards import ShardWriter
from thresher.manifests.store import Store
from thresher.pipeline.measured import files_of
from thresher.pipeline.repeated_lines import NUMBERS, LinesSettings
from thresher.pipeline.repeated_lines.lines import COLUMNS, Batch, Flags, read_lines
from thresher.pipeline.shards import ShardRef
from thresher.pipeline.shuffle import I64, U64

STAGE = "repeated_lines"
VERSION = 1
FAMILY = "repeated_lines"

SCHEMA = pa.schema([(FAMILY, family_type(FAMILY)), (NUMBERS, pa.list_(pa.int32()))])

_ROW_GROUP_ROWS = 8192


def measure_lines(
    store: Store,
    shard: ShardRef,
    number: int,
    copies: str | None,
    count_paths: Sequence[str],
    buckets: int,
    settings: LinesSettings,
    fingerprint: str,
) -> Manifest:
    """Write the family `repeated_lines` of a shard, with the numbers of removable lines beside it.

    Args:
        store: the lake.
        shard: the measured shard.
        number: its place among the shards of the run, in the order of their keys.
        copies: its duplicates file; None where it has none.
        count_paths: the files of stage `line_counts`.
        buckets: how many buckets the run has.
        settings: what is frequent, and what is removable.
        fingerprint: of this stage.
    """
    began = time.perf_counter()
    frequent = _read_frequent(store, count_paths, number)
    facts = {"lines": 0, "removable_lines": 0, "removable_characters": 0}
    path = f"{STAGE}/{fingerprint}/{shard.key}.parquet"
    with ShardWriter(store, path, SCHEMA) as writer:
        waiting: list[pa.Table] = []
        for batch in read_lines(store, shard, copies, buckets):
            waiting.append(_measured(batch, frequent, settings, facts))
            if sum(table.num_rows for table in waiting) >= _ROW_GROUP_ROWS:
                writer.write(pa.concat_tables(waiting).combine_chunks())
                waiting = []
        if waiting:
            writer.write(pa.concat_tables(waiting).combine_chunks())
    return commit(
        store,
        Manifest(
            stage=STAGE,
            fingerprint=fingerprint,
            key=shard.key,
            inputs=[*files_of(shard, COLUMNS), *([copies] if copies else []), *count_paths],
            outputs=[writer.output],
            facts=facts,
            seconds=time.perf_counter() - began,
        ),
    )


class _Frequent(NamedTuple):
    """The frequent keys of a shard, in order, and the documents of the run that have each."""

    keys: U64
    documents: I64

    def of(self, keys: U64) -> I64:
        """How many documents have each key, 0 where it is not frequent."""
        if not len(self.keys):
            return np.zeros(len(keys), np.int64)
        places = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        return np.where(self.keys[places] == keys, self.documents[places], 0)


def _read_frequent(store: Store, paths: Sequence[str], number: int) -> _Frequent:
    keys, documents = [np.empty(0, np.uint64)], [np.empty(0, np.int64)]
    for path in paths:
        for table in _rows_of(store, path, number):
            keys.append(table["key"].to_numpy())
            documents.append(table["documents"].to_numpy())
    every = np.concatenate(keys)
    rank = np.argsort(every, kind="stable")
    return _Frequent(every[rank], np.concatenate(documents)[rank])


def _rows_of(store: Store, path: str, number: int) -> Iterator[pa.Table]:
    """The rows of one shard: only row groups whose statistics hold it are read."""
    with store.open(path) as file:
        parquet = pq.ParquetFile(file)
        for group in range(parquet.num_row_groups):
            bounds = parquet.metadata.row_group(group).column(0).statistics
            if bounds.min <= number <= bounds.max:
                table = parquet.read_row_group(group)
                yield table.filter(pc.equal(table["shard"], number))


def _measured(
    batch: Batch, frequent: _Frequent, settings: LinesSettings, facts: dict[str, int]
) -> pa.Table:
    lines = batch.lines
    count, rows = len(batch.texts), lines.rows
    solid, counted = lines.words > 0, lines.counted
    total = frequent.of(batch.total_keys)
    known = batch.has_site & (total > 0)
    in_run = counted & (frequent.of(batch.run_keys) > 0)
    on_site = frequent.of(batch.site_keys)
    least = settings.site_least_share * total[rows]
    in_site = counted & known[rows] & (on_site > 0) & (on_site >= least)
    above, below = _edges(counted & ~in_run & ~in_site, rows, count)
    either = in_run | in_site
    removable = np.zeros(len(rows), bool)
    for kind in settings.remove:
        removable |= {
            "run": in_run,
            "site": in_site,
            "site_edges": in_site & (above | below),
        }[kind]
    measures = {"line": solid.astype(np.int64), "character": lines.characters, "word": lines.words}
    columns: dict[str, pa.Array] = {}
    for scope, chosen, defined in (("run", in_run, None), ("site", in_site, known)):
        for unit, sizes in measures.items():
            whole = _summed(rows, sizes * solid, count)
            part = _summed(rows, sizes * chosen, count)
            columns[f"{scope}_{unit}_fraction"] = _share(part, whole, defined)
    characters = _summed(rows, lines.characters * removable, count)
    columns |= {
        "head_lines": pa.array(_summed(rows, (either & above).astype(np.int64), count)),
        "foot_lines": pa.array(_summed(rows, (either & below & ~above).astype(np.int64), count)),
        "removable_lines": pa.array(_summed(rows, removable.astype(np.int64), count)),
        "removable_characters": pa.array(characters),
    }
    facts["lines"] += int(solid.sum())
    facts["removable_lines"] += int(removable.sum())
    facts["removable_characters"] += int(characters.sum())
    kind = family_type(FAMILY)
    family = pa.StructArray.from_arrays([columns[f.name] for f in kind], fields=list(kind))
    return pa.table([family, _numbers(removable, rows, count)], schema=SCHEMA)


def _summed(rows: I64, values: I64, count: int) -> I64:
    """Whole numbers summed by document; exact below 2^53."""
    return np.bincount(rows, values, count).astype(np.int64)


def _share(part: I64, whole: I64, defined: Flags | None) -> pa.Array:
    """A share by document; NULL where there is nothing to share, or it is not defined."""
    missing = whole == 0 if defined is None else (whole == 0) | ~defined
    return pa.array(part / np.maximum(whole, 1), pa.float64(), mask=missing)


def _edges(own: Flags, rows: I64, count: int) -> tuple[Flags, Flags]:
    """Lines above the first line of their document's own, and lines below the last."""
    places = np.flatnonzero(own)
    every = np.arange(count)
    first = np.searchsorted(rows[places], every)
    last = np.searchsorted(rows[places], every, side="right") - 1
    none = first > last
    bounds: list[npt.NDArray[np.int64]] = []
    for chosen, otherwise in ((first, len(rows)), (last, -1)):
        found = np.full(count, otherwise)
        found[~none] = places[chosen[~none]]
        bounds.append(found)
    at = np.arange(len(rows))
    return at < bounds[0][rows], at > bounds[1][rows]


def _numbers(removable: Flags, rows: I64, count: int) -> pa.ListArray:
    """The numbers of the removable lines within their document."""
    places = np.flatnonzero(removable)
    starts = np.searchsorted(rows, np.arange(count))
    offsets = np.searchsorted(rows[places], np.arange(count + 1)).astype(np.int32)
    return pa.ListArray.from_arrays(offsets, (places - starts[rows[places]]).astype(np.int32))
