"""The ledger between stages: what one stage counts out, the next one counts in.

A manifest balances in itself (`thresher.manifests.manifest`); that no document is lost or doubled
on the way from one stage to the next is checked here, by the driver.
"""

from __future__ import annotations

from collections.abc import Mapping

from thresher.filters.errors import LedgerError
from thresher.manifests.manifest import Manifest, manifest_path

__all__ = ["check_curated", "check_handed_on"]


def check_handed_on(
    before: Mapping[str, Manifest], part: str, after: Mapping[str, Manifest]
) -> None:
    """Hold the records of a stage against what the stage before it passed on, shard by shard.

    Args:
        before: manifests of the stage before, by shard.
        part: what of its ledger goes on.
        after: manifests of the stage that takes it, by shard.

    Raises:
        LedgerError: if a shard has more or fewer.
    """
    for key, manifest in after.items():
        given, taken = before[key].ledger[part], manifest.ledger["records"]
        if taken != given:
            path = manifest_path(manifest.stage, manifest.fingerprint, key)
            raise LedgerError(
                f"{manifest.stage}/{key}: has {taken:,} records, and {before[key].stage} passed on "
                f"{given:,} ({part}); with {path} removed from the lake it is made again"
            )


def check_curated(parts: Mapping[str, Manifest], curated: Mapping[str, Manifest]) -> None:
    """Hold the rows of the curated shards against those of the parts they are made of.

    Raises:
        LedgerError: if there are more or fewer.
    """
    given = sum(manifest.ledger["kept"] for manifest in parts.values())
    taken = sum(output.rows for manifest in curated.values() for output in manifest.outputs)
    if taken != given:
        folders = {f"manifests/{each.stage}/{each.fingerprint}" for each in curated.values()}
        raise LedgerError(
            f"curated: has {taken:,} documents, and parts passed on {given:,} (kept); with "
            f"{', '.join(sorted(folders))} removed from the lake it is made again"
        )
