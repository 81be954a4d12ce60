"""Lines that many documents have in common: counted over the whole run, removable per document.

    line_keys       per shard    in how many of its documents each line occurs, sorted by key
    line_counts     per range    sums over all shards; what is frequent goes back to its shards
    repeated_lines  per shard    signals of every document, and which of its lines can go

A line is counted under two keys: 64-bit hashes of the line with the bucket of its document, and
of the line with its site, the registered domain. A bucket holds a share of the run's documents,
chosen by a hash of the document's id, so that "more than six in thirty million" means the same
for any run and any order of shards. Two different lines share a key with probability 2^-63: in a
run of 10^11 different lines some ten are taken for one of 10^8 frequent ones.

Copies count once: of a cluster of duplicates only the member that names it is counted. What a
page says that forty mirrors repeat is no furniture, and the one that survives keeps it.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from thresher.filters.errors import ConfigError

__all__ = ["NUMBERS", "LinesSettings"]

NUMBERS = "repeated_line_numbers"
"""Column beside the family: the numbers, from 0, of the lines that the transform removes."""


class LinesSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Lines that many documents have in common; `repeated_lines` among the transforms drops them.

    Measuring them reads all text twice more, so it is off unless asked for.
    """

    enabled: bool = False
    """Measure them, after deduplication."""
    least_documents: int = 7
    """A line in at least so many documents of a bucket is frequent: more than 6, as in Llama 3."""
    per_documents: int = 30_000_000
    """Documents of a bucket. A smaller run is one bucket, a larger one is parted evenly."""
    site_least_documents: int = 5
    """A line of so many documents of a site may be frequent there; smaller sites have none."""
    site_least_share: float = 0.5
    """... if it is also in this share of the site's documents."""
    remove: tuple[Literal["run", "site", "site_edges"], ...] = ("run", "site")
    """What the transform removes: lines that are frequent in the run, or in their site, or in their
    site and with nothing but frequent lines above them, or below (headers and footers)."""
    memory_mb: float = 1024.0
    """Memory one task aims to stay within, beside the interpreter's own 200 MB."""

    def check(self, where: str) -> None:
        """Raise `ConfigError` for values that make no sense."""
        for name in ("least_documents", "site_least_documents"):
            if getattr(self, name) < 2:
                raise ConfigError(f"{where}.{name}", "must be at least 2.")
        if self.per_documents < self.least_documents:
            raise ConfigError(f"{where}.per_documents", "must be at least `least_documents`.")
        if not 0.0 <= self.site_least_share <= 1.0:
            raise ConfigError(f"{where}.site_least_share", "must lie in [0, 1].")
        if self.memory_mb < 64:
            raise ConfigError(f"{where}.memory_mb", "must be at least 64.")

    @property
    def memory(self) -> int:
        """`memory_mb` in bytes."""
        return int(self.memory_mb * 2**20)

    def buckets(self, documents: int) -> int:
        """How many buckets a run of so many documents has."""
        return max(1, -(-documents // self.per_documents))
