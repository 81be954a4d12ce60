"""Stage `verified`: one range of candidate pairs, checked against the documents themselves.

Pairs are taken from the most alike downwards, and a pair whose ends are joined by verified pairs
already is passed over: it would change no cluster. So most texts near a template are compared
once or twice, whatever the number of pairs.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from filters.measure import MinHashSettings, shingle_sets
from manifests.manifest import Manifest, commit
from manifests.shards import ShardWriter
from manifests.store import Store
from pipeline.dedup import DedupSettings, ShardRef
from pipeline.dedup.bands import fixed_binary, read_range
from pipeline.dedup.edges import ENDS, partition_key
from pipeline.dedup.kernels import agreement, apart, join

STAGE = "verified"
VERSION = 1

SCHEMA = pa.schema(
    [
        *ENDS,
        ("similarity", pa.float64()),
        ("verified", pa.dictionary(pa.int8(), pa.string())),
        ("bands_shared", pa.int32()),
    ]
)
"""`similarity` is exact where `verified` is `shingles`, the signatures' estimate otherwise."""

_HOW = ("signature", "shingles")

I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]


class _Pairs(msgspec.Struct):
    """Candidate pairs as indexes of documents, one index per distinct text."""

    left: I64
    right: I64
    place: I64
    """Shard and row of each document."""

    def __len__(self) -> int:
        return len(self.left)


def verified(
    store: Store,
    shards: Sequence[ShardRef],
    edge_manifests: Sequence[Manifest],
    partition: int,
    settings: DedupSettings,
    minhash: MinHashSettings,
    fingerprint: str,
) -> Manifest:
    """Write the pairs of one partition that are duplicates.

    Args:
        store: the lake.
        shards: all shards of the run, in key order, then those of earlier runs.
        edge_manifests: of stage `edges`, all partitions; there are as many here.
        partition: which range of the pairs.
        settings: how duplicates are found.
        minhash: what a shingle is.
        fingerprint: of this stage.
    """
    began = time.perf_counter()
    paths = [manifest.output(1).path for manifest in edge_manifests]
    pairs = _read_pairs(store, paths, partition, len(paths))
    checks = _Checks(store, shards, pairs, settings, minhash)
    group = max(1, settings.memory // (16 * settings.signature_values))
    parts = [checks.run(start, start + group) for start in range(0, len(pairs), group)]
    table = pa.concat_tables([SCHEMA.empty_table(), *parts])
    key = partition_key(partition)
    with ShardWriter(store, f"{STAGE}/{fingerprint}/{key}.parquet", SCHEMA) as writer:
        writer.write(table)
    return commit(
        store,
        Manifest(
            stage=STAGE,
            fingerprint=fingerprint,
            key=key,
            inputs=paths,
            outputs=[writer.output],
            facts={
                "pairs": len(pairs),
                "verified": table.num_rows,
                "read_texts": checks.texts_read,
                "exact_checks": checks.exact_checks,
            },
            seconds=time.perf_counter() - began,
        ),
    )


def _read_pairs(store: Store, paths: Sequence[str], partition: int, partitions: int) -> _Pairs:
    """Each pair of texts once, in the order of their hashes: whatever the shards and tasks."""
    table, _ = read_range(store, paths, partition, partitions)
    if table is None:
        nothing = np.empty(0, np.int64)
        return _Pairs(nothing, nothing, nothing.reshape(0, 2))
    orders = np.concatenate([table[f"{end}_order"].to_numpy() for end in ("first", "other")])
    place = np.concatenate(
        [
            np.stack([table[f"{end}_{part}"].to_numpy() for part in ("shard", "row")], axis=1)
            for end in ("first", "other")
        ]
    ).astype(np.int64)
    rank = np.lexsort((place[:, 1], place[:, 0], orders))
    new = np.r_[True, np.diff(orders[rank]) != 0]
    index = np.empty(len(orders), np.int64)
    index[rank] = np.cumsum(new) - 1
    pairs = np.unique(np.stack(np.split(index, 2), axis=1), axis=0)
    return _Pairs(pairs[:, 0].copy(), pairs[:, 1].copy(), place[rank[new]])


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
        self._parent = np.arange(len(pairs.place), dtype=np.int64)
        self._slots = np.zeros(len(pairs.place), np.int64)
        self.texts_read = self.exact_checks = 0

    def run(self, start: int, end: int) -> pa.Table:
        """The verified ones of some pairs."""
        settings = self._settings
        left, right = self._pairs.left[start:end], self._pairs.right[start:end]
        estimate, shared = self._estimate(left, right)
        sure, doubt = {
            "signature": (settings.threshold, settings.threshold),
            "band": (settings.threshold + settings.margin, settings.threshold - settings.margin),
            "exact": (np.inf, 0.0),
        }[settings.verify]
        rank = np.lexsort((right, left, -estimate))
        rank = rank[estimate[rank] >= doubt]
        left, right, estimate, shared = left[rank], right[rank], estimate[rank], shared[rank]
        split = int((estimate >= sure).sum())
        how, similarity = join(
            *(self._parent, left[:split], right[:split], estimate[:split], sure, doubt),
            *(self._slots, np.empty(0, np.uint32), np.empty(0, np.int64), settings.threshold),
        )
        exact_how, exact = self._exact(left[split:], right[split:], estimate[split:])
        how, similarity = np.concatenate([how, exact_how]), np.concatenate([similarity, exact])
        kept = how > 0
        ends = self._pairs.place[np.stack([left[kept], right[kept]], axis=1)]
        return pa.table(
            [
                *(ends[:, 0, 0].astype(np.int32), ends[:, 0, 1]),
                *(ends[:, 1, 0].astype(np.int32), ends[:, 1, 1]),
                similarity[kept],
                pa.DictionaryArray.from_arrays(how[kept] - 1, list(_HOW)),
                shared[kept],
            ],
            schema=SCHEMA,
        )

    def _estimate(self, left: I64, right: I64) -> tuple[F64, npt.NDArray[np.int32]]:
        """Similarity by the signatures, and the number of equal bands."""
        used = self._in_file_order(left, right)
        parts = [
            fixed_binary(table["minhash"], np.dtype(np.uint32))
            for table in self._documents(used, "minhash")
        ]
        signatures = np.concatenate(parts)
        values, shared = agreement(
            signatures, self._slots[left], self._slots[right], *self._settings.layout()
        )
        return values / signatures.shape[1], shared

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
        place = self._pairs.place[used]
        used = used[np.lexsort((place[:, 1], place[:, 0]))]
        self._slots[used] = np.arange(len(used))
        return used

    def _documents(self, used: I64, column: str) -> Iterator[pa.Table]:
        """A column of some documents, which are in file order."""
        place = self._pairs.place[used]
        for number in np.unique(place[:, 0]).tolist():
            rows = place[place[:, 0] == number, 1]
            shard = self._shards[number]
            yield from take_rows(shard.store(self._store), shard.documents, rows, [column])


def take_rows(store: Store, path: str, rows: I64, columns: Sequence[str]) -> Iterator[pa.Table]:
    """Some rows (ascending) of a Parquet file, reading only the row groups that hold them."""
    with store.open(path) as file:
        parquet = pq.ParquetFile(file)
        start = 0
        for group in range(parquet.num_row_groups):
            size = parquet.metadata.row_group(group).num_rows
            lower, upper = np.searchsorted(rows, [start, start + size])
            if lower < upper:
                table = parquet.read_row_group(group, columns=list(columns))
                yield table.take(pa.array(rows[lower:upper] - start))
            start += size
