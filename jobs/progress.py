"""What a person sees while a run works: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from thresher.manifests.manifest import Manifest

_TITLES = {
    "documents": "measure",
    "bands": "dedup: bands",
    "edges": "dedup: edges",
    "verified": "dedup: verifying",
    "components": "dedup: components",
    "members": "dedup: members",
    "names": "dedup: names",
    "duplicates": "dedup: clusters",
    "evaluation_index": "evaluation index",
    "model_scores": "scores",
    "line_keys": "lines: keys",
    "line_counts": "lines: counts",
    "repeated_lines": "lines: repeated",
    "site_parts": "sites: parts",
    "sites": "sites: sums",
    "diversity": "sites: diversity",
    "site_signals": "sites: signals",
    "thresholds": "judge: thresholds",
    "candidates": "judge: candidates",
    "pages": "judge: pages",
    "survivors": "judge: survivors",
    "decisions": "judge: decisions",
    "parts": "curate: transform",
    "curated": "curate: shards",
}

_PLAIN_EVERY_SECONDS = 5.0


def title_of(stage: str) -> str:
    """What a person calls a stage."""
    return _TITLES.get(stage, stage)


class Reporter(Protocol):
    """Told about the stages of a run as they pass."""

    def begin(self, stage: str, total: int, done: int) -> None:
        """A stage of `total` shards starts; `done` of them an earlier run finished."""

    def advance(self, manifest: Manifest | None) -> None:
        """A shard of the stage ended, in a manifest or (None) in an error."""

    def end(self) -> None:
        """The stage is over."""


class Silent:
    """Reports nothing."""

    def begin(self, stage: str, total: int, done: int) -> None:
        """See `Reporter`."""

    def advance(self, manifest: Manifest | None) -> None:
        """See `Reporter`."""

    def end(self) -> None:
        """See `Reporter`."""


class _Tally:
    """Documents and the kept share of a stage so far, for both kinds of reporter."""

    def __init__(self, stage: str, total: int, done: int) -> None:
        self.title = title_of(stage)
        self.total, self.done, self.before = total, done, done
        self.records = self.survived = self.failed = self.broken = 0
        self.began = time.monotonic()

    def add(self, manifest: Manifest | None) -> None:
        self.done += 1
        if manifest is None:
            self.failed += 1
            return
        self.broken += manifest.facts.get("status", "complete") != "complete"
        ledger = manifest.ledger
        self.records += ledger.get("records", 0)
        self.survived += ledger.get("kept", ledger.get("documents", 0))

    def text(self) -> str:
        seconds = time.monotonic() - self.began
        parts = []
        if self.records:
            parts.append(f"{self.records / max(seconds, 1e-3):,.0f} documents/s")
            parts.append(f"{100 * self.survived / self.records:.1f}% kept")
        if self.before:
            parts.append(f"{self.before} done before")
        if self.failed:
            parts.append(f"{self.failed} failed")
        if self.broken:
            parts.append(f"{self.broken} not read whole")
        return ", ".join(parts)

    def seconds_left(self) -> float | None:
        now = self.done - self.before
        if not now or self.done == self.total:
            return None
        return (time.monotonic() - self.began) / now * (self.total - self.done)


class Plain:
    """One line when a stage starts to work, every few seconds, and when it ends."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._tally: _Tally | None = None
        self._last = 0.0

    def begin(self, stage: str, total: int, done: int) -> None:
        """See `Reporter`."""
        self._tally = _Tally(stage, total, done)
        self._last = time.monotonic()

    def advance(self, manifest: Manifest | None) -> None:
        """See `Reporter`."""
        assert self._tally is not None
        self._tally.add(manifest)
        if time.monotonic() - self._last >= _PLAIN_EVERY_SECONDS:
            self._last = time.monotonic()
            self._print(self._tally)

    def end(self) -> None:
        """See `Reporter`."""
        assert self._tally is not None
        self._print(self._tally)
        self._tally = None

    def _print(self, tally: _Tally) -> None:
        left = tally.seconds_left()
        parts = [f"{tally.title}: {tally.done}/{tally.total} shards", tally.text()]
        parts.append("" if left is None else f"{left:.0f} s left")
        line = ", ".join(part for part in parts if part)
        self._console.print(line, highlight=False, markup=False, soft_wrap=True)


class Live:
    """A bar for each stage."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.description:<20}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
        )
        self._tally: _Tally | None = None
        self._task: TaskID | None = None

    def begin(self, stage: str, total: int, done: int) -> None:
        """See `Reporter`."""
        self._tally = _Tally(stage, total, done)
        self._progress.start()
        self._task = self._progress.add_task(
            self._tally.title, total=total, completed=done, note=self._tally.text()
        )

    def advance(self, manifest: Manifest | None) -> None:
        """See `Reporter`."""
        assert self._tally is not None
        assert self._task is not None
        self._tally.add(manifest)
        self._progress.update(self._task, completed=self._tally.done, note=self._tally.text())

    def end(self) -> None:
        """See `Reporter`."""
        self._progress.stop()


def reporter_for(console: Console) -> Reporter:
    """Bars on a terminal that can move its cursor, plain lines elsewhere."""
    moves = console.is_terminal and not console.is_dumb_terminal
    return Live(console) if moves else Plain(console)
