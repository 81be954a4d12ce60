"""What a run says of texts that code of its user's choice failed on: scorers and guests.

Each failure is counted where it happens, in the facts of a shard's manifest, and leaves NULL.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from thresher.filters.tolerance import tolerated
from thresher.manifests.manifest import Manifest

if TYPE_CHECKING:
    from thresher.classifiers.scorers import Scorer

_TOLD = 3


@dataclass
class _Tally:
    """What became of the texts that one scorer was shown in a run."""

    asked: int = 0
    failed: int = 0
    first: list[str] = field(default_factory=list)

    def sentence(self, told: int) -> str:
        """How many it failed on, and the first of them."""
        first = "; ".join(self.first[:told])
        return f"failed on {self.failed:,} of {self.asked:,} texts: {first}"


def failure_notes(measured: Iterable[Manifest], scored: Iterable[Manifest]) -> list[str]:
    """A sentence for each scorer and guest that failed on texts, and for an extractor.

    Args:
        measured: manifests of the texts and of the guests, in key order.
        scored: those of `model_scores`, likewise.
    """
    found = [
        f"scores.{name} is NULL where it {tally.sentence(_TOLD)}"
        for name, tally in _tallies(scored).items()
        if tally.failed
    ]
    guests: dict[str, tuple[int, str]] = {}
    pages, failed, first_page = 0, 0, ""
    for manifest in measured:
        custom = manifest.facts.get("custom", {"pages": 0, "failed": 0, "first": ""})
        pages, failed = pages + custom["pages"], failed + custom["failed"]
        first_page = first_page or custom["first"]
        for name, facts in manifest.facts.get("guests", {}).items():
            count, first = guests.get(name, (0, facts["first"]))
            guests[name] = count + facts["failed"], first
    if failed:
        found.append(
            f"extract.custom failed on {failed:,} of {pages:,} pages, which have all of their "
            f"visible text instead: {first_page}"
        )
    return found + [
        f"guests.{name} is NULL where it failed on {count:,} texts: document {first}"
        for name, (count, first) in guests.items()
    ]


def intolerable_failures(scored: Iterable[Manifest], scorers: Sequence[Scorer]) -> list[str]:
    """Why a run stops before it judges: a sentence for each scorer that failed too often.

    Args:
        scored: manifests of the stage `model_scores`, in key order.
        scorers: of the run.
    """
    tallies = _tallies(scored)
    found = []
    for each in scorers:
        name, share = each.settings.name, each.settings.allow_failures
        tally = tallies.get(name, _Tally())
        if tally.failed > tolerated(share, tally.asked):
            limit = f"allow_failures is {share:g}"
            found.append(f"scores.{name} {tally.sentence(1)}; its {limit}: mend it, or raise that")
    return found


def _tallies(scored: Iterable[Manifest]) -> dict[str, _Tally]:
    """By scorer, what the manifests say together."""
    tallies: dict[str, _Tally] = {}
    for manifest in scored:
        # Manifests of earlier versions know of no failure: there was none, or no manifest.
        for name, asked in manifest.facts.get("asked", {}).items():
            tally = tallies.setdefault(name, _Tally())
            tally.asked += asked
            facts = manifest.facts["failed"].get(name, {"texts": 0, "first": []})
            tally.failed += facts["texts"]
            tally.first += [f"document {each['id']}: {each['problem']}" for each in facts["first"]]
    return tallies
