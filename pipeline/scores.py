"""Stage `model_scores`: the scores of a recipe's models and callables, a column beside documents.

A stage of its own, so that a GPU waits for no extraction, and a new scorer reads the stored text
instead of the crawl.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from thresher.classifiers.scorers import Answer, Scorer, Unscored, scores_of
from thresher.filters.errors import ConfigError, shortened
from thresher.filters.tolerance import HOPELESS
from thresher.manifests.manifest import Manifest, commit
from thresher.manifests.shards import ShardWriter, read_batches
from thresher.manifests.store import Store
from thresher.pipeline.read.faults import is_transient
from thresher.pipeline.read.names import redact
from thresher.pipeline.shards import ShardRef

STAGE = "model_scores"
VERSION = 1
COLUMN = "scores"
"""The column, a struct with a field for each scorer."""

TOLD = 5
"""How many of the documents that a scorer failed on are named in a manifest."""
_LONGEST_PROBLEM = 300


def score_shard(
    store: Store, shard: ShardRef, scorers: Sequence[Scorer], fingerprint: str
) -> Manifest:
    """Score the documents of a shard; the file has their rows, in their order.

    The facts say of each scorer how many texts have a score (`defined`), how many it was `asked`
    for and, where there are some, how many it `failed` on, with the first of them.

    Raises:
        ConfigError: where a scorer cannot be loaded, or fails on all texts that the shard begins
            with.
    """
    began = time.perf_counter()
    fields = [pa.field(each.settings.name, pa.float64()) for each in scorers]
    schema = pa.schema([pa.field(COLUMN, pa.struct(fields))])
    path = f"{STAGE}/{fingerprint}/{shard.key}.parquet"
    tallies = [_Tally(each) for each in scorers]
    with ShardWriter(store, path, schema) as writer:
        for batch in read_batches(store, shard.texts, ["id", "text"]):
            texts, names = batch["text"].to_pylist(), batch["id"].to_pylist()
            columns = [pa.array(each.scores(texts, names), pa.float64()) for each in tallies]
            struct = pa.StructArray.from_arrays(columns, fields=fields)
            writer.write(pa.record_batch([struct], schema=schema))
    return commit(
        store,
        Manifest(
            stage=STAGE,
            fingerprint=fingerprint,
            key=shard.key,
            inputs=[shard.texts],
            outputs=[writer.output],
            facts={
                "defined": {each.name: each.defined for each in tallies},
                "asked": {each.name: each.asked for each in tallies},
                "failed": {each.name: each.failures() for each in tallies if each.failed},
            },
            seconds=time.perf_counter() - began,
        ),
    )


class _Tally:
    """A scorer at work on a shard, and what became of the texts."""

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer
        self.name = scorer.settings.name
        self.defined = self.asked = self.failed = 0
        self._first: list[dict[str, str]] = []

    def scores(self, texts: Sequence[str], ids: Sequence[str]) -> list[float | None]:
        """The score of each text; None where there is none."""
        answers = scores_of(self._scorer, texts, is_transient)
        return [
            self._score(answer, text, name)
            for answer, text, name in zip(answers, texts, ids, strict=True)
        ]

    def failures(self) -> dict[str, Any]:
        """How many texts it failed on, and the first of them."""
        return {"texts": self.failed, "first": self._first}

    def _score(self, answer: Answer, text: str, name: str) -> float | None:
        self.asked += bool(text.strip())
        if not isinstance(answer, Unscored):
            self.defined += answer is not None
            return answer
        self.failed += 1
        if len(self._first) < TOLD:
            problem = shortened(redact(answer.problem), _LONGEST_PROBLEM)
            self._first.append({"id": name, "problem": problem})
        if self.failed == self.asked == HOPELESS and self._scorer.settings.allow_failures < 1:
            first = self._first[0]
            problem = f"fails on each of the first {HOPELESS} texts of the shard, as on document "
            raise ConfigError(f"scores.{self.name}", f"{problem}{first['id']}: {first['problem']}.")
        return None
