"""Stage `verified`: one range of candidate pairs, checked against the documents themselves.

Pairs are taken from the most alike downwards, and a pair whose ends are joined by verified pairs
already is passed over: it would change no cluster. So most texts near a template are compared
once or twice, whatever the number of pairs. What is left is the spanning forest of greatest
estimates, which always has the closest verified pair of every document: how the pairs are
divided among tasks changes neither clusters nor receipts.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from thresher.filters.measure import MinHashSettings, shingle_sets
from thresher.manifests.manifest import Manifest, commit
from thresher.manifests.shards import read_table
from thresher.manifests.store import Store
from thresher.pipeline.dedup import DedupSettings
from thresher.pipeline.dedup.components import LINKS, stars
from thresher.pipeline.dedup.groups import EQUAL
from thresher.pipeline.dedup.kernels import agreement, apart, join
from thresher.pipeline.dedup.nodes import read_nodes
from thresher.pipeline.shards import ShardRef
from thresher.pipeline.shuffle import (
    I64,
    U64,
    fixed_binary,
    partition_key,
    partition_range,
    read_range,
    write_sorted,
)

STAGE = "verified"
VERSION = 3

SCHEMA = pa.schema(
    [
        ("node", pa.int64()),
        ("other", pa.int64()),
        ("order", pa.uint64()),
        ("estimate", pa.float64()),
        ("similarity", pa.float64()),
        ("verified", pa.dictionary(pa.int8(), pa.string())),
        ("bands_shared", pa.int32()),
    ]
)
"""Each pair twice, once from either end. `similarity` is exact where `verified` is `shingles`, and
the signatures' `estimate` otherwise; `order` is half of the hash of the text of `node`."""

_HOW = ("signature", "shingles")
_TEXTS_BYTES = 8_192
"""Room for the shingles of a pair whose texts are compared."""
_PAIR_BYTES, _EQUAL_BYTES = 400, 100
"""Peak of a task per candidate pair, and per document of equal text."""
_AT_ONCE = 4
"""Tasks that share the work, where there is enough of it, though one could hold it: each reads
most of the signatures and texts of the run again."""

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]


class _Pairs(msgspec.Struct):
    """Candidate pairs as indexes of documents, one index per distinct text, by hash."""

    left: I64
    right: I64
    node: I64
    """A document that has the text."""
    order: U64
    """Half of the text's hash."""

    def __len__(self) -> int:
        return len(self.left)


def pair_partitions(edge_manifests: Sequence[Manifest], settings: DedupSettings) -> int:
    """Tasks needed so that each stays within the memory of the settings."""
    pairs, equal = (sum(m.facts[fact] for m in edge_manifests) for fact in ("near", "equal"))
    needed: int = math.ceil((pairs * _PAIR_BYTES + equal * _EQUAL_BYTES) / settings.memory)
    return max(1, needed, min(len(edge_manifests), _AT_ONCE))


def verified(
    store: Store,
    shards: Sequence[ShardRef],
    edge_manifests: Sequence[Manifest],
    partition: int,
    partitions: int,
    settings: DedupSettings,
    minhash: MinHashSettings,
    fingerprint: str,
) -> Manifest:
    """Write the pairs of one partition that are duplicates, and what they and equal texts link.

    Args:
        store: the lake.
        shards: all shards of the run, in key order, then those of earlier runs.
        edge_manifests: of stage `edges`, all partitions.
        partition: which of `partitions` equal ranges of the pairs.
        partitions: number of ranges.
        settings: how duplicates are found.
        minhash: what a shingle is.
        fingerprint: of this stage.
    """
    began = time.perf_counter()
    paths = [manifest.output(1).path for manifest in edge_manifests]
    pairs = _read_pairs(store, paths, *partition_range(partition, partitions))
    checks = _Checks(store, shards, pairs, settings, minhash)
    near = checks.run()
    key = partition_key(partition)
    folder = f"{STAGE}/{fingerprint}/{key}"
    equal_paths = [m.output(0).path for m in edge_manifests[partition::partitions]]
    columns = ["node", "head"]
    nothing = EQUAL.empty_table().select(columns)
    tables = [nothing, *(read_table(store, path, columns) for path in equal_paths)]
    equal = pa.concat_tables(tables)
    left, right = (
        np.concatenate([equal[one].to_numpy(), near[other].to_numpy()])
        for one, other in (("node", "node"), ("head", "other"))
    )
    outputs = [
        write_sorted(store, f"{folder}.parquet", near),
        write_sorted(store, f"{folder}.links.parquet", pa.table(stars(left, right), schema=LINKS)),
    ]
    return commit(
        store,
        Manifest(
            stage=STAGE,
            fingerprint=fingerprint,
            key=key,
            inputs=[*paths, *equal_paths],
            outputs=outputs,
            facts={
                "pairs": len(pairs),
                "verified": near.num_rows // 2,
                "links": outputs[1].rows,
                "read_texts": checks.texts_read,
                "exact_checks": checks.exact_checks,
            },
            seconds=time.perf_counter() - began,
        ),
    )


def _read_pairs(store: Store, paths: Sequence[str], low: int, high: int) -> _Pairs:
    """Each pair of texts once, in the order of their hashes: whatever the shards and tasks."""
    table, _ = read_range(store, paths, low, high)
    if table is None:
        nothing = np.empty(0, np.int64)
        return _Pairs(nothing, nothing, nothing, nothing.astype(np.uint64))
    orders = np.concatenate([table[f"{end}_order"].to_numpy() for end in ("first", "other")])
    node = np.concatenate([table[end].to_numpy() for end in ("first", "other")])
    rank = np.lexsort((node, orders))
    new = np.r_[True, np.diff(orders[rank]) != 0]
    index = np.empty(len(orders), np.int64)
    index[rank] = np.cumsum(new) - 1
    pairs = np.unique(np.stack(np.split(index, 2), axis=1), axis=0)
    left, right = pairs[:, 0].copy(), pairs[:, 1].copy()
    return _Pairs(left, right, node[rank[new]], orders[rank[new]])


class _Checks:
    """Checks group after group of pairs, remembering what is joined."""

    def __init__(
        self,
        store: Store,
        shards: Sequence[ShardRef],
        pairs: _Pairs,
        settings: DedupSettings,
        minhash: MinHashSettings,
    ) -> None:
        self._store, self._shards, self._pairs = store, shards, pairs
        self._settings, self._minhash = settings, minhash
        self._parent = np.arange(len(pairs.node), dtype=np.int64)
        self._slots = np.zeros(len(pairs.node), np.int64)
        self.texts_read = self.exact_checks = 0

    def run(self) -> pa.Table:
        """The verified pairs, by either end."""
        settings, pairs = self._settings, self._pairs
        estimate, shared = self._estimates()
        sure, doubt = {
            "signature": (settings.threshold, settings.threshold),
            "band": (settings.threshold + settings.margin, settings.threshold - settings.margin),
            "exact": (np.inf, 0.0),
        }[settings.verify]
        rank = np.lexsort((pairs.right, pairs.left, -estimate))
        rank = rank[estimate[rank] >= doubt]
        left, right, estimate = pairs.left[rank], pairs.right[rank], estimate[rank]
        split = int((estimate >= sure).sum())
        how, similarity = np.full(len(rank), -1, np.int8), estimate.copy()
        how[:split], similarity[:split] = join(
            *(self._parent, left[:split], right[:split], estimate[:split], sure, doubt),
            *(self._slots, np.empty(0, np.uint32), np.empty(0, np.int64), settings.threshold),
        )
        group = max(1, settings.memory // _TEXTS_BYTES)
        rest = np.arange(split, len(rank))
        while len(rest := rest[apart(self._parent, left[rest], right[rest])]):
            now, rest = rest[:group], rest[group:]
            how[now], similarity[now] = self._exact(left[now], right[now], estimate[now])
        kept = how > 0
        ends = np.stack([left[kept], right[kept]])
        mine, other = ends.ravel(), ends[::-1].ravel()
        both = np.tile(np.flatnonzero(kept), 2)
        table = pa.table(
            [
                pairs.node[mine],
                pairs.node[other],
                pairs.order[mine],
                estimate[both],
                similarity[both],
                pa.DictionaryArray.from_arrays(how[both] - 1, list(_HOW)),
                shared[rank][both],
            ],
            schema=SCHEMA,
        )
        return table.take(pa.array(np.lexsort((pairs.node[other], pairs.node[mine]))))

    def _estimates(self) -> tuple[F64, I32]:
        """Similarity of all pairs by their signatures, and the number of equal bands."""
        estimate, shared = np.empty(len(self._pairs)), np.empty(len(self._pairs), np.int32)
        group = max(1, self._settings.memory // (16 * self._settings.signature_values))
        for start in range(0, len(self._pairs), group):
            part = slice(start, start + group)
            left, right = self._pairs.left[part], self._pairs.right[part]
            used = self._in_file_order(left, right)
            column = [
                fixed_binary(table["minhash"], np.dtype(np.uint32))
                for table in self._documents(used, "minhash")
            ]
            signatures = np.concatenate(column)
            values, shared[part] = agreement(
                signatures, self._slots[left], self._slots[right], *self._settings.layout()
            )
            estimate[part] = values / signatures.shape[1]
        return estimate, shared

    def _exact(self, left: I64, right: I64, estimate: F64) -> tuple[npt.NDArray[np.int8], F64]:
        """Check pairs by their shingles; in halves, where those do not fit the memory."""
        how = np.full(len(left), -1, np.int8)
        similarity = estimate.copy()
        open_pairs = np.flatnonzero(apart(self._parent, left, right))
        if not len(open_pairs):
            return how, similarity
        left, right, estimate = left[open_pairs], right[open_pairs], estimate[open_pairs]
        room = self._settings.memory // 2 if len(left) > 1 else 1 << 62
        loaded = self._shingles(left, right, room)
        if loaded is None:
            middle = len(left) // 2
            halves = [
                self._exact(left[part], right[part], estimate[part])
                for part in (slice(0, middle), slice(middle, None))
            ]
            found, exact = (np.concatenate(parts) for parts in zip(*halves, strict=True))
        else:
            found, exact = join(
                *(self._parent, left, right, estimate, np.inf, 0.0),
                *(self._slots, *loaded, self._settings.threshold),
            )
            self.exact_checks += int((found >= 0).sum())
        how[open_pairs], similarity[open_pairs] = found, exact
        return how, similarity

    def _shingles(
        self, left: I64, right: I64, room: int
    ) -> tuple[npt.NDArray[np.uint32], I64] | None:
        """The shingles of all documents of some pairs, or None where they take too many bytes."""
        used = self._in_file_order(left, right)
        values: list[npt.NDArray[np.uint32]] = []
        sizes: list[I64] = []
        taken = 0
        for table in self._documents(used, "text"):
            shingles, offsets = shingle_sets(table["text"], self._minhash)
            self.texts_read += table.num_rows
            taken += shingles.nbytes
            if taken > room:
                return None
            values.append(shingles)
            sizes.append(np.diff(offsets))
        return np.concatenate(values), np.r_[0, np.cumsum(np.concatenate(sizes))]

    def _in_file_order(self, left: I64, right: I64) -> I64:
        """The documents of some pairs by shard and row; their places in it go to the slots."""
        used = np.unique(np.concatenate([left, right]))
        used = used[np.argsort(self._pairs.node[used])]
        self._slots[used] = np.arange(len(used))
        return used

    def _documents(self, used: I64, column: str) -> Iterator[pa.Table]:
        """A column of some documents, which are in file order."""
        yield from read_nodes(self._store, self._shards, self._pairs.node[used], column)
