"""The stages of deduplication on a pool of processes, without Ray: for the dedup benchmarks."""

import time
from collections import Counter

import pyarrow as pa
import pyarrow.compute as pc

from thresher.filters.measure import content_hash, raw_hash, sign
from thresher.manifests.manifest import load_all
from thresher.manifests.shards import ShardWriter
from thresher.pipeline.shards import ShardRef

ROWS = 1024
"""Documents of a batch."""


def schema_of(minhash):
    return pa.schema(
        [
            ("id", pa.string()),
            ("text", pa.string()),
            ("url", pa.string()),
            ("content_hash", pa.binary(16)),
            ("raw_hash", pa.binary(16)),
            ("minhash", pa.binary(4 * minhash.permutations)),
            ("length", pa.struct([("nonsymbol_words", pa.int64())])),
        ]
    )


def write_shard(store, key, batches, minhash):
    """A shard of documents with hashes and signatures, and the seconds that signing took.

    Args:
        store: of the lake.
        key: names the shard.
        batches: the number of the first document and the texts of each batch.
        minhash: how they are signed.
    """
    path, signing = f"documents/x/{key}.parquet", 0.0
    schema = schema_of(minhash)
    with ShardWriter(store, path, schema) as writer:
        for first, texts in batches:
            ids = pa.array([f"{n:032x}" for n in range(first, first + len(texts))])
            words = pc.divide(pc.utf8_length(texts), 6).cast(pa.int64())  # near enough
            lengths = pa.StructArray.from_arrays([words], names=["nonsymbol_words"])
            began = time.perf_counter()
            hashes = [content_hash(texts), raw_hash(texts), sign(texts, minhash)]
            signing += time.perf_counter() - began
            columns = [ids, texts, pa.nulls(len(texts), pa.string()), *hashes, lengths]
            writer.write(pa.table(columns, schema=schema))
    return ShardRef(key, path), signing


class Stages:
    """Runs stages on a pool of processes and remembers their time; done tasks are not repeated."""

    def __init__(self, store, pool):
        self.store, self._pool = store, pool
        self.seconds = Counter()
        self.facts = {}
        self.rounds = 0

    def __call__(self, stage, mark, function, work):
        """What each task makes, by its key."""
        began = time.perf_counter()
        made = load_all(self.store, stage, mark, list(work))
        tasks = [(self.store, *rest, mark) for key, rest in work.items() if key not in made]
        for manifest in self._pool.starmap(function, tasks, 1):
            made[manifest.key] = manifest
        self.seconds[stage] += time.perf_counter() - began
        self.rounds += stage == "components"
        counts = self.facts.setdefault(stage, Counter())
        for manifest in made.values():
            counts.update(manifest.facts)
        counts["tasks"] = len(work)
        return made
