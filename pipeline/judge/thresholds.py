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
from thresher.pipeline.judge.tables import judged_columns
from thresher.pipeline.judge.top import cuts
from thresher.pipeline.measured import Columns, columns_of, files_of
from thresher.pipeline.shards import ShardRef


def thresholds(
    store: Store, shards: Sequence[ShardRef], policy: Policy, fingerprint: str
) -> Manifest:
    """Find what the policy leaves to the run, over all its documents; the facts hold it."""
    began = time.perf_counter()
    found = find_thresholds(columns_of(store, shards), policy)
    return commit(
        store,
        Manifest(
            stage=THRESHOLDS,
            fingerprint=fingerprint,
            key=KEY,
            inputs=[path for shard in shards for path in files_of(shard, judged_columns(policy))],
            facts=found,
            seconds=time.perf_counter() - began,
        ),
    )


def find_thresholds(read: Columns, policy: Policy) -> dict[str, Any]:
    """What documents say about the rules of a policy that leave their bounds to them, by reason.

    For `keep_top` it is the value and the id of the last document that is kept, by pool
    (`thresher.pipeline.judge.top`); for `below_median` the bound of each language.
    """
    found: dict[str, Any] = {}
    for rule in unresolved(policy):
        assert rule.signal is not None
        if rule.below_median is not None:
            values = _values(read, rule.signal)
            found[rule.reason] = _median_bounds(values, rule.below_median)
        else:
            assert rule.keep_top is not None
            pools = cuts(read, rule.signal, rule.keep_top, rule.keep_top_of == "language")
            found[rule.reason] = msgspec.to_builtins(pools)
    return found


def _values(read: Columns, name: str) -> pa.Table:
    """The defined values of a signal over the run, with the language of each."""
    family, field = name.split(".")
    parts = []
    for table in read([name, "language.code"]):
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
