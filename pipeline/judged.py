"""Documents with their decisions: what was kept, or dropped and why, as a stream.

A shard's texts, signals and decisions lie in files of their own with the same rows in the same
order, so they are read side by side, batch by batch, and no join is needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from thresher.filters.errors import ConfigError, StoreError, did_you_mean
from thresher.filters.signals import family_type
from thresher.manifests.layout import GROUPS, KNOWN, RUN_WIDE, text_stage
from thresher.manifests.manifest import load_all
from thresher.manifests.run import RunRecord
from thresher.manifests.shards import read_table
from thresher.manifests.store import Store
from thresher.pipeline import judge
from thresher.pipeline.measured import iterate_measured
from thresher.pipeline.shards import ShardRef


def judged_shards(store: Store, run: RunRecord) -> list[ShardRef]:
    """The shards of a run that are measured and judged, in key order, with all their signals.

    Raises:
        StoreError: if the run has not come to its decisions yet.
    """
    texts = text_stage(run.fingerprints)
    if {texts, judge.STAGE} - set(run.fingerprints):
        raise StoreError(f"run {run.run_id} has not judged its documents yet")
    keys = [item.key for item in run.inputs]
    groups = [stage for stage in GROUPS if stage in run.fingerprints]
    others = [stage for stage in RUN_WIDE if stage in run.fingerprints]
    found = {
        stage: load_all(store, stage, run.fingerprints[stage], keys)
        for stage in (texts, judge.STAGE, *groups, *others)
    }
    return [
        ShardRef(
            key,
            written.output().path,
            decisions=found[judge.STAGE][key].output().path,
            signals=tuple(
                found[stage][key].output().path
                for stage in (*groups, *others)
                if key in found[stage]
            ),
        )
        for key, written in found[texts].items()
        if key in found[judge.STAGE] and all(key in found[stage] for stage in groups)
    ]


def judged_rows(
    store: Store,
    shard: ShardRef,
    decisions: str,
    columns: Sequence[str],
    decided: Sequence[str],
) -> Iterator[pa.Table]:
    """The documents of a shard in batches, with what was decided about each.

    Args:
        store: the lake.
        shard: the measured shard.
        decisions: path of its decisions.
        columns: of `read_measured`; a signal comes within the column of its family.
        decided: columns of the decisions.

    Raises:
        StoreError: if documents and decisions are not about the same rows.
    """
    known = read_table(store, decisions, ["id", *decided]).combine_chunks()
    seen = 0
    for table in iterate_measured(store, shard, ["id", *columns]):
        mine = known.slice(seen, table.num_rows)
        if not mine["id"].equals(table["id"]):
            raise StoreError(f"{decisions} does not decide the rows of {shard.texts}")
        for name in dict.fromkeys(decided):
            table = table.append_column(name, mine[name])
        seen += table.num_rows
        yield table
    if seen != known.num_rows:
        raise StoreError(f"{decisions} decides more rows than {shard.texts} has")


def stream(
    store: Store, shards: Sequence[ShardRef], columns: Sequence[str], verdict: str, reason: str = ""
) -> pa.RecordBatchReader:
    """The documents of judged shards that were kept or dropped, shard by shard in bounded memory.

    Args:
        store: the lake.
        shards: as `judged_shards` gives them.
        columns: of documents, of decisions, families, or signals (`length.words`), which come as
            columns of that name.
        verdict: `kept` or `dropped`.
        reason: only those whose first reason this is.

    Raises:
        ConfigError: for a column that there is not, with the nearest one.
        StoreError: if there is no shard.
    """
    if not shards:
        raise StoreError(f"{store.url()} holds no judged documents")
    known = _available(store, shards[0])
    schema = pa.schema([pa.field(name, _type(known, name)) for name in columns])
    return pa.RecordBatchReader.from_batches(
        schema, _batches(store, shards, schema, known, verdict, reason)
    )


_Sources = dict[str, tuple[bool, pa.DataType]]
"""Of each column whether it is one of the decisions, and its type."""


def _available(store: Store, shard: ShardRef) -> _Sources:
    known: _Sources = {name: (False, family_type(name)) for name in KNOWN}
    for path in (*shard.signals, shard.decisions, shard.texts):
        with store.open(path) as file:
            schema = pq.ParquetFile(file).schema_arrow
        known |= {field.name: (path == shard.decisions, field.type) for field in schema}
    return known


def _type(known: _Sources, name: str) -> pa.DataType:
    family, _, field = name.partition(".")
    kind = known[family][1] if family in known else None
    if kind is not None and not field:
        return kind
    if kind is not None and pa.types.is_struct(kind) and kind.get_field_index(field) >= 0:
        return kind.field(field).type
    names = list(known)
    names += [f"{n}.{f.name}" for n, (_, t) in known.items() if pa.types.is_struct(t) for f in t]
    raise ConfigError("columns", f"no column '{name}'.", did_you_mean(name, names))


def _batches(
    store: Store,
    shards: Sequence[ShardRef],
    schema: pa.Schema,
    known: _Sources,
    verdict: str,
    reason: str,
) -> Iterator[pa.RecordBatch]:
    columns = [name for name in schema.names if not known[name.split(".")[0]][0]]
    others = [name for name in schema.names if name not in columns]
    decided = list(dict.fromkeys(["verdict", "reason", *others]))
    for shard in shards:
        for table in judged_rows(store, shard, shard.decisions, columns, decided):
            wanted = pc.equal(table["verdict"], verdict)
            if reason:
                wanted = pc.and_(wanted, pc.equal(table["reason"], reason))
            rows = table.filter(wanted)
            if rows.num_rows:
                chosen = [_chosen(rows, name) for name in schema.names]
                yield from pa.table(chosen, names=schema.names).cast(schema).to_batches()


def _chosen(table: pa.Table, name: str) -> pa.ChunkedArray:
    family, _, field = name.partition(".")
    return pc.struct_field(table[family], field) if field else table[family]
