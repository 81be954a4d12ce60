"""Evidence summed over sites, shards and months of the crawl: run-wide signals, without the text.

    site_parts    per shard   sums of signals, and shapes of a sample, by group
    sites         per range   the same over all shards, for a range of the groups' hashes; figures
    diversity     run         the spread of each figure; the table that reports read
    site_signals  per shard   the families `site` and `collapse`, a row per document

A group is a site, a shard or a month of the crawl. Its sums are of whole numbers and its sample
is the documents of smallest hash, so that nothing depends on how the run was cut into shards.
"""

from __future__ import annotations

import msgspec

from thresher.filters.errors import ConfigError

__all__ = ["SiteSettings"]


class SiteSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Signals of sites, and of collapsing diversity (families `site` and `collapse`)."""

    measure: bool = True
    """Whether they are measured; if not, they are NULL, and rules about sites drop nothing."""
    min_pages: int = 5
    """Documents that a site, shard or month needs: of fewer all signals are NULL."""
    sample_documents: int = 512
    """Documents of a site, shard or month whose diversity is measured, chosen by a hash."""
    flag_below: float = -3.5
    """Deviation below which the view `diversity` flags a site, shard or month."""
    memory_mb: float = 1024.0
    """Memory one task aims to stay within, beside the interpreter's own 200 MB."""

    def check(self, where: str) -> None:
        """Raise `ConfigError` for values that make no sense."""
        if self.min_pages < 2:
            raise ConfigError(f"{where}.min_pages", "must be at least 2.")
        if self.sample_documents < max(self.min_pages, 16):
            raise ConfigError(
                f"{where}.sample_documents", "must be at least 16, and at least min_pages."
            )
        if self.flag_below >= 0:
            raise ConfigError(f"{where}.flag_below", "must be below 0.")
        if self.memory_mb < 64:
            raise ConfigError(f"{where}.memory_mb", "must be at least 64.")
