"""Documents with their decisions: what was kept, or dropped and why, as a stream.

A shard's documents, decisions and run-wide signals lie in files of their own with the same rows in
the same order, so they are read side by side, batch by batch, and no join is needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from thresher.filters.errors import ConfigError, StoreError, did_you_mean
from thresher.filters.signals import RUN_FAMILIES, family_type
from thresher.manifests.catalog.facts import SIGNAL_STAGES
from thresher.manifests.manifest import load_all
from thresher.manifests.run import RunRecord
from thresher.manifests.shards import read_batches, read_table
from thresher.manifests.store import Store
from thresher.pipeline import judge
from thresher.pipeline.documents import measure
from thresher.pipeline.measured import read_measured
from thresher.pipeline.shards import ShardRef


def judged_shards(
    store: Store, run: RunRecord, signals: Sequence[str] = SIGNAL_STAGES
) -> list[ShardRef]:
    """The shards of a run that are measured and judged, in key order.

    Args:
        store: the lake.
        run: its record.
        signals: the stages whose run-wide signals are wanted, too.

    Raises:
        StoreError: if the run has not come to its decisions yet.
    """
    if {measure.STAGE, judge.STAGE} - set(run.fingerprints):
        raise StoreError(f"run {run.run_id} has not judged its documents yet")
    keys = [item.key for item in run.inputs]
    stages = [s for s in (measure.STAGE, judge.STAGE, *signals) if s in run.fingerprints]
    found = {stage: load_all(store, stage, run.fingerprints[stage], keys) for stage in stages}
    beside = [found[stage] for stage in signals if stage in found]
    return [
        ShardRef(
            key,
            documents.output().path,
            decisions=found[judge.STAGE][key].output().path,
            signals=tuple(made[key].output().path for made in beside if key in made),
        )
        for key, documents in found[measure.STAGE].items()
        if key in found[judge.STAGE]
    ]


def judged_rows(
    store: Store,
    shard: ShardRef,
    decisions: str,
    columns: Sequence[str],
    decided: Sequence[str],
    measured: Sequence[str] = (),
) -> Iterator[pa.Table]:
    """The documents of a shard in batches, with what was decided about each.

    Args:
        store: the lake.
        shard: the measured shard.
        decisions: path of its decisions.
        columns: of the documents; a signal comes within the column of its family.
        decided: columns of the decisions.
        measured: further columns of `read_measured`.

    Raises:
        StoreError: if documents and decisions are not about the same rows.
    """
    known = read_table(store, decisions, ["id", *decided]).combine_chunks()
    beside = read_measured(store, shard, measured).combine_chunks()
    seen = 0
    for batch in read_batches(store, shard.documents, list(dict.fromkeys(["id", *columns]))):
        mine = known.slice(seen, batch.num_rows)
        if not mine["id"].combine_chunks().equals(batch["id"]):
            raise StoreError(f"{decisions} does not decide the rows of {shard.documents}")
        table = pa.Table.from_batches([batch])
        for source, names in ((mine, decided), (beside.slice(seen, batch.num_rows), measured)):
            for name in dict.fromkeys(each.split(".")[0] for each in names):
                table = table.append_column(name, source[name])
        seen += batch.num_rows
        yield table
    if seen != known.num_rows:
        raise StoreError(f"{decisions} decides more rows than {shard.documents} has")


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


_Sources = dict[str, tuple[str, pa.DataType]]
"""Where each column is (documents, decisions, beside) and of which type."""


def _available(store: Store, shard: ShardRef) -> _Sources:
    known: _Sources = {f.name: ("beside", family_type(f.name)) for f in RUN_FAMILIES}
    files = [(path, "beside") for path in shard.signals]
    for path, source in [*files, (shard.decisions, "decisions"), (shard.documents, "documents")]:
        with store.open(path) as file:
            schema = pq.ParquetFile(file).schema_arrow
        known |= {field.name: (source, field.type) for field in schema}
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
    places: dict[str, list[str]] = {"documents": [], "decisions": [], "beside": []}
    for name in schema.names:
        places[known[name.split(".")[0]][0]].append(name)
    decided = list(dict.fromkeys(["verdict", "reason", *places["decisions"]]))
    for shard in shards:
        for table in judged_rows(
            store, shard, shard.decisions, places["documents"], decided, places["beside"]
        ):
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
