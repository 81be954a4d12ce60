"""Materializing: kept text as shards that a trainer can start on.

    parts     per shard   kept rows, transformed, keyed by a seeded hash of the id, sorted by key
    plan      once        key ranges of equal bytes from the summed histograms of all parts
    curated   per range   the rows of one key range from all parts: one shard, globally shuffled

The order of documents and the validation split follow from the ids and the seed alone, so the
bytes are the same for any number of workers, any order of completion and any restart.
"""

from __future__ import annotations

import msgspec

from thresher.filters.errors import ConfigError
from thresher.filters.transforms.cuts import Cut
from thresher.filters.transforms.registry import Transform, transforms
from thresher.pipeline.guests import FormatterSettings, formatter_transform
from thresher.pipeline.materialize.columns import check_columns

__all__ = ["KEY_SPACE", "CuratedSettings", "validation_low"]

KEY_SPACE = 2**64
"""Shuffle keys are below this."""


class CuratedSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What curated shards look like."""

    shard_bytes: int = 100_000_000
    """Target size of a shard in bytes of UTF-8 text; the file is about 40% of it."""
    row_group_rows: int = 1024
    """Documents in a row group; trainers hand row groups to their ranks in turn."""
    min_row_groups: int = 8
    """Row groups a file has at least, if it has as many documents: one for every rank."""
    validation_fraction: float = 0.01
    """Share of the shuffle-key space that is the validation split, the last file by name."""
    seed: int = 0
    """Seed of the shuffle; another seed gives another order and another validation split."""
    transforms: tuple[str | FormatterSettings, ...] = ("clean_lines", "redact_pii")
    """Transforms that are applied to the text, in this order: names, or formatters of datatrove as
    `{ formatter = "datatrove.FTFYFormatter", arguments = {} }`. Cuts come before all others."""
    compression_level: int = 3
    """zstd level of the curated shards."""
    columns: tuple[str, ...] = ()
    """Further columns of a shard: fields that `input.keep` names (`licence`), provenance
    (`date_utc`, `origin.digest`), `row_id`, signals (`quality.raw`)."""

    def check(self, where: str) -> None:
        """Raise `ConfigError` for values that make no sense."""
        if not 1 <= self.shard_bytes <= 1_000_000_000:
            raise ConfigError(f"{where}.shard_bytes", "must lie between 1 and 1,000,000,000.")
        if self.row_group_rows < 1:
            raise ConfigError(f"{where}.row_group_rows", "must be at least 1.")
        if self.min_row_groups < 1:
            raise ConfigError(f"{where}.min_row_groups", "must be at least 1.")
        if not 0.0 <= self.validation_fraction < 1.0:
            raise ConfigError(f"{where}.validation_fraction", "must lie in [0, 1).")
        if not 0 <= self.seed < KEY_SPACE:
            raise ConfigError(f"{where}.seed", "must fit in 64 bits without a sign.")
        if not 1 <= self.compression_level <= 22:
            raise ConfigError(f"{where}.compression_level", "zstd levels run from 1 to 22.")
        check_columns(self.columns, f"{where}.columns")
        self.chosen(where)

    def chosen(self, where: str = "curated") -> tuple[Cut | Transform, ...]:
        """The transforms; `ConfigError` for one that does not exist or cannot be made."""
        made = [
            formatter_transform(each, f"{where}.transforms[{i}]")
            if isinstance(each, FormatterSettings)
            else each
            for i, each in enumerate(self.transforms)
        ]
        return transforms(made, f"{where}.transforms")

    @property
    def identity(self) -> list[object]:
        """What a fingerprint of the curated shards depends on: settings, transform versions."""
        return [self, [[transform.name, transform.version] for transform in self.chosen()]]


def validation_low(settings: CuratedSettings) -> int:
    """The smallest shuffle key of the validation split; 2**64 where there is none."""
    return KEY_SPACE - int(settings.validation_fraction * KEY_SPACE)
