"""Deduplication: a global barrier that marks clusters and drops nothing.

    bands       per shard       content hashes and LSH bands of its documents, sorted by bucket
    edges       per partition   a range of buckets: equal texts, pages of one URL, candidate pairs
    verified    per partition   a range of candidate pairs: their similarity, from the documents
    components  per slice       rounds that join every duplicate to the smallest of its cluster
    members     per slice       a run of shards: what is known of their duplicates
    names       per slice       what each cluster is called, and how large it is
    duplicates  per slice       one duplicates file per shard

Documents meet in a bucket when one band of their MinHash signatures is equal. An entry carries
two bits of every signature value, so that a pair that only looks alike is left where it was
found, without reading a document. What is left is verified by the whole signatures, and by the
exact Jaccard similarity of the shingles where those leave doubt. Judging picks the survivors.

The shuffle goes through the lake: a file is sorted by the number that partitions it, so a
partition reads its range of every file by row-group statistics. How the work is cut follows from
`memory_mb`, and what is written does not follow from how it is cut. A bucket costs a few edges per
document, not pairs, so a million equal documents cost a million edges.
"""

from __future__ import annotations

import functools
from typing import Literal

import msgspec

from thresher.filters.errors import ConfigError

__all__ = ["DedupSettings", "best_layout"]

_FALSE_NEGATIVE_WEIGHT = 0.99
"""A pair found in vain costs time, since it is verified; one not found is a copy that stays."""


class DedupSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How duplicates are found."""

    urls: bool = True
    """Find documents of one (canonical) URL; the policy says whether they are dropped."""
    near: bool = True
    """Find near duplicates by MinHash LSH beside exact ones."""
    threshold: float = 0.8
    """Jaccard similarity of the shingles from which two documents are duplicates."""
    verify: Literal["signature", "band", "exact"] = "band"
    """How a pair is checked: by its signatures' estimate, by exact similarity too where the
    estimate lies within `margin` of the threshold, or by exact similarity always."""
    margin: float = 0.1
    """Half the width of that band; the estimate's standard error is .04 at 112 values."""
    bands: int | None = None
    """LSH bands: more find more. By default, what datasketch finds best for the threshold."""
    rows: int | None = None
    """Signature values per band: more find less; stated with `bands` or not at all."""
    permutations: int | None = None
    """Values of a signature: `bands * rows` where those are stated, else 112."""
    against: tuple[str, ...] = ()
    """Earlier runs: copies of what they kept are duplicates of it. Each is the name or id of a run
    in the same lake, a lake (its latest run), or `LAKE#RUN`."""
    memory_mb: float = 1024.0
    """Memory one task aims to stay within, beside the interpreter's own 200 MB."""

    def check(self, where: str) -> None:
        """Raise `ConfigError` for values that make no sense."""
        if not 0.0 < self.threshold <= 1.0:
            raise ConfigError(f"{where}.threshold", "must lie in (0, 1].")
        if not 0.0 <= self.margin <= 1.0:
            raise ConfigError(f"{where}.margin", "must lie in [0, 1].")
        if (self.bands is None) != (self.rows is None):
            raise ConfigError(f"{where}.bands", "state bands and rows, or neither of them.")
        if self.bands is not None and min(self.bands, self.rows or 0) < 1:
            raise ConfigError(f"{where}.bands", "bands and rows must be at least 1.")
        if self.permutations is not None and self.permutations < (self.bands or 1) * (
            self.rows or 1
        ):
            raise ConfigError(f"{where}.permutations", "must be at least bands * rows.")
        if self.memory_mb < 64:
            raise ConfigError(f"{where}.memory_mb", "must be at least 64.")

    @property
    def signature_values(self) -> int:
        """32-bit values of a signature."""
        return self.permutations or (self.bands or 14) * (self.rows or 8)

    def layout(self) -> tuple[int, int]:
        """Bands and rows, stated or following from the threshold."""
        if self.bands is not None and self.rows is not None:
            return self.bands, self.rows
        return best_layout(self.threshold, self.signature_values)

    @property
    def memory(self) -> int:
        """`memory_mb` in bytes."""
        return int(self.memory_mb * 2**20)


@functools.cache
def best_layout(threshold: float, permutations: int) -> tuple[int, int]:
    """The bands and rows that datasketch finds optimal where a missed pair weighs most."""
    from datasketch import MinHashLSH

    weights = (1 - _FALSE_NEGATIVE_WEIGHT, _FALSE_NEGATIVE_WEIGHT)
    lsh = MinHashLSH(threshold=threshold, num_perm=permutations, weights=weights)
    return lsh.b, lsh.r
