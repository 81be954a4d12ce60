"""Deduplication: a global barrier that marks clusters and drops nothing.

    bands     per shard       each document's content hash and LSH bands, sorted by bucket
    edges     per partition   a range of buckets from all shards: verified star edges
    clusters  once            union-find over the edges, one duplicates file per shard

Documents meet in a bucket when their normalised text or one band of their MinHash signature
is equal. A pair becomes an edge only when the texts' hashes are equal or the signatures'
estimate of Jaccard similarity reaches `min_similarity`. Judging picks the survivors.

The shuffle goes through the lake: a bands file is sorted by bucket, so a partition reads its
range of every file by row-group statistics. A bucket costs star edges to its first document,
not pairs, so a million equal documents cost a million edges.
"""

from __future__ import annotations

import msgspec

from filters.errors import ConfigError


class DedupSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How duplicates are found."""

    near: bool = True
    """Find near duplicates by MinHash LSH beside exact ones."""
    bands: int = 14
    """LSH bands: more find more. With 14 x 8, P(found) is .77 at similarity .75, .92 at .8."""
    rows: int = 8
    """Signature values per band: more find less."""
    min_similarity: float = 0.7
    """Pairs whose signatures estimate a lower Jaccard similarity are not duplicates."""
    partition_entries: int = 1_000_000
    """Bucket entries one task holds in memory (about 500 bytes each at worst)."""

    def check(self, where: str) -> None:
        """Raise `ConfigError` for values that make no sense."""
        if self.bands < 1 or self.rows < 1:
            raise ConfigError(f"{where}.bands", "bands and rows must be at least 1.")
        if not 0.0 < self.min_similarity <= 1.0:
            raise ConfigError(f"{where}.min_similarity", "must lie in (0, 1].")
        if self.partition_entries < 1_000:
            raise ConfigError(f"{where}.partition_entries", "must be at least 1000.")


class ShardRef(msgspec.Struct, frozen=True):
    """A shard of measured documents as other stages refer to it."""

    key: str
    documents: str
    """Path of its documents inside the lake."""
