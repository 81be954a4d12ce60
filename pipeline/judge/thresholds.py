"""Stage `thresholds`: what a policy leaves to the run, found over all its documents."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from thresher.filters.policy import MedianBound, Policy, unresolved
from thresher.manifests.manifest import Manifest, commit
from thresher.manifests.store import Store
from thresher.pipeline.judge import KEY, THRESHOLDS
from thresher.pipeline.judge.top import cuts
from thresher.pipeline.measured import read_measured
from thresher.pipeline.shards import ShardRef


def thresholds(
    store: Store, shards: Sequence[ShardRef], policy: Policy, fingerprint: str
) -> Manifest:
    """Find what the policy leaves to the run, over all its documents.

    The facts hold it by reason: for `keep_top` the value and the id of the last document that is
    kept, by pool (`thresher.pipeline.judge.top`); for `below_median` the bound of each language.
    """
    began = time.perf_counter()
    found: dict[str, Any] = {}
    for rule in unresolved(policy):
        assert rule.signal is not None
        if rule.below_median is not None:
            values = _values(store, shards, rule.signal)
            found[rule.reason] = _median_bounds(values, rule.below_median)
        else:
            assert rule.keep_top is not None
            by_language = rule.keep_top_of == "language"
            pools = cuts(store, shards, rule.signal, rule.keep_top, by_language)
            found[rule.reason] = msgspec.to_builtins(pools)
    return commit(
        store,
        Manifest(
            stage=THRESHOLDS,
            fingerprint=fingerprint,
            key=KEY,
            inputs=[shard.documents for shard in shards],
            facts=found,
            seconds=time.perf_counter() - began,
        ),
    )


def _values(store: Store, shards: Sequence[ShardRef], name: str) -> pa.Table:
    """The defined values of a signal over the run, with the language of each."""
    family, field = name.split(".")
    parts = []
    for shard in shards:
        table = read_measured(store, shard, [name, "language.code"])
        kept = {
            "value": pc.struct_field(table[family], field),
            "language": pc.struct_field(table["language"], "code").dictionary_encode(),
        }
        parts.append(pa.table(kept).unify_dictionaries().drop_null())
    return pa.concat_tables(parts)


def _median_bounds(values: pa.Table, bound: MedianBound) -> dict[str, float]:
    """Each language's `median - deviations * sigma`, within the limits, to six decimals."""
    found = {}
    for code in sorted(pc.unique(values["language"].cast(pa.string())).to_pylist()):
        mine = values.filter(pc.equal(values["language"], code))["value"].to_numpy()
        ordered = np.sort(mine)  # so that the sums do not depend on the order of the shards
        low = float(np.median(ordered) - bound.deviations * np.std(ordered))
        found[code] = round(max(bound.least, min(bound.most, low)), 6)
    return found
