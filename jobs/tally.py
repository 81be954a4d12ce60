"""How far a stage is: shards, documents a second, the share that goes on, the time that is left."""

from __future__ import annotations

import time
from collections.abc import Iterator

from thresher.manifests.manifest import Manifest

_WORTH_TELLING_SECONDS = 1.0


class Tally:
    """How far a stage is.

    Args:
        title: what a person calls it.
    """

    def __init__(self, title: str) -> None:
        self.title = title
        self.total = self.done = self._before = 0
        self._records = self._survived = self._failed = self._broken = 0
        self._began = self._latest = time.monotonic()
        self._seconds: float | None = None

    def more(self, total: int, done: int) -> None:
        """Shards join the stage, as in another round; `done` of them an earlier run finished."""
        self._seconds = None
        self.total += total
        self.done += done
        self._before += done

    def add(self, manifest: Manifest | None) -> None:
        """A shard ended, in a manifest or (None) in an error."""
        self.done += 1
        self._latest = time.monotonic()
        if manifest is None:
            self._failed += 1
            return
        self._broken += manifest.facts.get("status", "complete") != "complete"
        ledger = manifest.ledger
        self._records += ledger.get("records", 0)
        self._survived += ledger.get("kept", ledger.get("documents", 0))

    def stop(self) -> None:
        """All shards have ended."""
        self._seconds = time.monotonic() - self._began

    def line(self) -> str:
        """All that is known, as one line."""
        parts = [f"{self.title}: {self.done}/{self.total} shards", *self._left(), *self._notes()]
        if self._spent() >= _WORTH_TELLING_SECONDS:
            parts.append(_duration(self._spent()))
        return ", ".join(parts)

    def figures(self) -> str:
        """As `line`, for the display, which has a bar and room for what fits."""
        parts = [_duration(self._spent()), *self._left(), *self._notes()]
        return f"{self.done}/{self.total}  {', '.join(parts)}"

    def _spent(self) -> float:
        return time.monotonic() - self._began if self._seconds is None else self._seconds

    def _left(self) -> Iterator[str]:
        """Counted down between one shard's end and the next."""
        now = self.done - self._before
        if not now or self.done == self.total or self._seconds is not None:
            return
        each = (self._latest - self._began) / now
        left = each * (self.total - self.done) - (time.monotonic() - self._latest)
        yield f"about {_duration(max(left, 1.0))} left"

    def _notes(self) -> Iterator[str]:
        if self._records:
            # Of what is finished: the time since then has given nothing that is counted yet.
            seconds = max(self._latest - self._began, 1e-3)
            yield f"{self._records / seconds:,.0f} documents/s"
            yield f"{100 * self._survived / self._records:.1f}% go on"
        if self._before:
            yield f"{self._before} done before"
        if self._failed:
            yield f"{self._failed} failed"
        if self._broken:
            yield f"{self._broken} not read whole"


def _duration(seconds: float) -> str:
    """A time as a person says it."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 100:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"
