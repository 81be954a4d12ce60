"""Stage `model_scores`: the scores of a recipe's models and callables, a column beside documents.

A stage of its own, so that a GPU waits for no extraction, and a new scorer reads the stored text
instead of the crawl.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import pyarrow as pa

from thresher.classifiers.scorers import Scorer, scores_of
from thresher.manifests.manifest import Manifest, commit
from thresher.manifests.shards import ShardWriter, read_batches
from thresher.manifests.store import Store
from thresher.pipeline.shards import ShardRef

STAGE = "model_scores"
VERSION = 1
COLUMN = "scores"
"""The column, a struct with a field for each scorer."""


def score_shard(
    store: Store, shard: ShardRef, scorers: Sequence[Scorer], fingerprint: str
) -> Manifest:
    """Score the documents of a shard; the file has their rows, in their order."""
    began = time.perf_counter()
    fields = [pa.field(each.settings.name, pa.float64()) for each in scorers]
    schema = pa.schema([pa.field(COLUMN, pa.struct(fields))])
    path = f"{STAGE}/{fingerprint}/{shard.key}.parquet"
    defined = dict.fromkeys((each.settings.name for each in scorers), 0)
    with ShardWriter(store, path, schema) as writer:
        for batch in read_batches(store, shard.documents, ["id", "text"]):
            texts, names = batch["text"].to_pylist(), batch["id"].to_pylist()
            columns = []
            for each in scorers:
                column = pa.array(scores_of(each, texts, names), pa.float64())
                defined[each.settings.name] += len(column) - column.null_count
                columns.append(column)
            struct = pa.StructArray.from_arrays(columns, fields=fields)
            writer.write(pa.record_batch([struct], schema=schema))
    return commit(
        store,
        Manifest(
            stage=STAGE,
            fingerprint=fingerprint,
            key=shard.key,
            inputs=[shard.documents],
            outputs=[writer.output],
            facts={"defined": defined},
            seconds=time.perf_counter() - began,
        ),
    )
