"""What a run says of shards whose records were mostly stopped for a technical reason.

A shard of which hardly anything is a page is read whole, and its run is complete; but more often
than not its settings are wrong (a field of another name, a limit too small), its files are of
another kind, or the reader does not know what a tool wrote.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from thresher.manifests.manifest import Manifest

TECHNICAL = (
    "not_html",
    "oversize",
    "empty",
    "revisit",
    "http_status",
    "undecodable",
    "malformed_body",
    "missing_text",
)
"""Reasons that speak of the form of a record and not of its text."""
BESIDE = "gated/not_a_response"
"""Records that go with others in every archive, and are no share of anything."""
_EXAMPLE = (
    "thresher query \"SELECT detail, count(*) FROM quarantine WHERE reason = '{reason}' "
    'GROUP BY 1 ORDER BY 2 DESC"'
)


@dataclass(frozen=True, slots=True)
class Stopped:
    """A shard most records of which were stopped for one reason."""

    uri: str
    reason: str
    stopped: int
    records: int
    """All but those that go with others."""


def mostly_stopped(measured: Iterable[Manifest]) -> list[Stopped]:
    """The shards of which a technical reason stopped more than half the records, by URI.

    Args:
        measured: manifests of the texts.
    """
    found = []
    for manifest in measured:
        records = manifest.ledger.get("records", 0) - manifest.reasons.get(BESIDE, 0)
        counts = dict.fromkeys(TECHNICAL, 0)
        for name, count in manifest.reasons.items():
            reason = name.partition("/")[2]
            if reason in counts:
                counts[reason] += count
        reason = max(counts, key=lambda name: counts[name])
        if 2 * counts[reason] > records:
            found.append(Stopped(manifest.facts["uri"], reason, counts[reason], records))
    return sorted(found, key=lambda each: (each.uri, each.reason))


def technical_notes(measured: Iterable[Manifest]) -> list[str]:
    """A sentence for each technical reason that stopped most records of a shard.

    Args:
        measured: manifests of the texts.
    """
    manifests = list(measured)
    by_reason: dict[str, list[Stopped]] = defaultdict(list)
    for each in mostly_stopped(manifests):
        by_reason[each.reason].append(each)
    notes = []
    for reason in TECHNICAL:
        shards = by_reason[reason]
        if not shards:
            continue
        worst = max(shards, key=lambda each: (each.stopped / each.records, each.uri))
        notes.append(
            f"'{reason}' stopped most records in {len(shards):,} of {len(manifests):,} shards, as "
            f"{worst.stopped:,} of {worst.records:,} in {worst.uri}. A sample of them: "
            f"{_EXAMPLE.format(reason=reason)}"
        )
    return notes
