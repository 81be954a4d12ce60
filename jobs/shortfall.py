"""What is missing of a run's input, and whether its recipe tolerates that."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from thresher.manifests.manifest import Manifest

if TYPE_CHECKING:
    from thresher.jobs.recipe import RunSettings


@dataclass(frozen=True, slots=True)
class Shortfall:
    """An input shard that was not read whole."""

    uri: str
    status: str
    """`damaged`, `truncated` or `unreadable`."""
    why: str
    """The reason and the bytes, in words; "" in manifests of earlier versions."""


def shortfalls(measured: Iterable[Manifest]) -> list[Shortfall]:
    """The shards that were not read whole, by URI.

    Args:
        measured: manifests of the texts.
    """
    found = (
        Shortfall(m.facts["uri"], m.facts["status"], m.facts.get("why", ""))
        for m in measured
        if m.facts["status"] != "complete"
    )
    return sorted(found, key=lambda each: each.uri)


def intolerable(measured: Iterable[Manifest], inputs: int, settings: RunSettings) -> list[str]:
    """Why a run is incomplete: a sentence for each limit that is exceeded.

    Args:
        measured: manifests of the texts.
        inputs: how many input shards the run has.
        settings: the limits.
    """
    manifests = list(measured)
    unreadable = sum(m.facts["status"] == "unreadable" for m in manifests)
    truncated = sum(m.facts["status"] == "truncated" for m in manifests)
    read = [m for m in manifests if m.facts["status"] != "unreadable"]
    lost = sum(m.facts.get("lost_records", 0) for m in read)
    records = lost + sum(m.ledger["records"] for m in read)
    found = []
    if unreadable > settings.allow_unreadable * inputs:
        found.append(
            f"{unreadable:,} of {inputs:,} shards are unreadable, and run.allow_unreadable is "
            f"{settings.allow_unreadable:g}"
        )
    if truncated and not settings.allow_truncated:
        found.append(f"{truncated:,} shards are truncated, and run.allow_truncated is false")
    if lost > settings.allow_damaged * records:
        found.append(
            f"damage cost {lost / records:.2%} of the records, and run.allow_damaged is "
            f"{settings.allow_damaged:g}"
        )
    return found
