"""What a person sees while a run works: one live display on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Self

from rich.console import Console, ConsoleOptions, RenderableType
from rich.live import Live as LiveRegion
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from thresher.jobs import stopping
from thresher.jobs.tally import Tally
from thresher.jobs.terminal import is_terminal
from thresher.manifests.manifest import Manifest

_TITLES = {
    "text": "measure",
    "signals": "measure again",
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

_PLAIN_EVERY_SECONDS = 60.0
"""A stage that lasts is heard of this often where there is no terminal."""
_REFRESHES_PER_SECOND = 8
_TITLE_WIDTH = 1 + max(map(len, _TITLES.values()))
_BAR_WIDTH = 24
_BAR_SHARE = 8
"""A bar takes no more than one part in so many of a narrow terminal."""
_ECHO_WIDTH = 5
"""Left free at the end of the line, where a terminal echoes Ctrl-C."""
_SHOW_CURSOR = "\r\x1b[2K\x1b[?25h"


def title_of(stage: str) -> str:
    """What a person calls a stage."""
    return _TITLES.get(stage, stage)


class Reporter:
    """Told about a run as it passes; open while the `with` block runs. This one tells nobody."""

    def __enter__(self) -> Self:
        """The run begins."""
        return self

    def __exit__(self, *_: object) -> None:
        """The run is over, however it ended."""

    def say(self, text: str) -> None:
        """Something that a person ought to know, once; from any thread."""

    def doing(self, text: str) -> None:
        """What is done between stages; of interest while it lasts."""

    def begin(self, stage: str, total: int, done: int) -> None:
        """A stage of `total` shards starts; `done` of them an earlier run finished."""

    def advance(self, manifest: Manifest | None) -> None:
        """A shard of the stage ended, in a manifest or (None) in an error."""

    def end(self) -> None:
        """The stage is over."""


class Silent(Reporter):
    """Reports nothing."""


class _Told(Reporter):
    """Gives each stage that had anything to do one line when it is over."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._tally: Tally | None = None

    def __exit__(self, *_: object) -> None:
        """See `Reporter`."""
        self._finish()

    def say(self, text: str) -> None:
        """See `Reporter`."""
        self._print(text)

    def doing(self, text: str) -> None:  # noqa: ARG002 - see `Reporter`
        """See `Reporter`."""
        self._finish()

    def begin(self, stage: str, total: int, done: int) -> None:
        """See `Reporter`."""
        title = title_of(stage)
        if self._tally is None or self._tally.title != title:
            self._finish()
            self._tally = Tally(title)
        self._tally.more(total, done)

    def advance(self, manifest: Manifest | None) -> None:
        """See `Reporter`."""
        assert self._tally is not None
        self._tally.add(manifest)

    def end(self) -> None:
        """See `Reporter`. The line waits for what follows: it may be of the same stage."""
        assert self._tally is not None
        self._tally.stop()

    def _finish(self) -> None:
        tally, self._tally = self._tally, None
        if tally is not None and tally.total:
            self._print(tally.line())

    def _print(self, line: str) -> None:
        self._console.print(line, highlight=False, markup=False, soft_wrap=True)


class Plain(_Told):
    """One line when a stage is over, and one a minute of a stage that lasts."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._last = time.monotonic()

    def begin(self, stage: str, total: int, done: int) -> None:
        """See `Reporter`."""
        super().begin(stage, total, done)
        self._last = time.monotonic()

    def advance(self, manifest: Manifest | None) -> None:
        """See `Reporter`."""
        super().advance(manifest)
        assert self._tally is not None
        late = time.monotonic() - self._last >= _PLAIN_EVERY_SECONDS
        if late and self._tally.done < self._tally.total:
            self._last = time.monotonic()
            self._print(self._tally.line())


class Live(_Told):
    """One display for the whole run: the stage at work, below a line for each that is over."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._doing = ""
        self._spinner = Spinner("line")  # of ASCII
        self._region = LiveRegion(
            console=console,
            get_renderable=self._render,
            refresh_per_second=_REFRESHES_PER_SECOND,
            transient=True,
            # What is printed meanwhile goes above the display, but no pipe is taken for it.
            redirect_stdout=is_terminal(sys.stdout),
        )

    def __enter__(self) -> Self:
        """See `Reporter`."""
        stopping.before_quitting(_SHOW_CURSOR)
        self._region.start()
        return self

    def __exit__(self, *_: object) -> None:
        """See `Reporter`."""
        try:
            self._doing = ""
            self._finish()
        finally:
            self._region.stop()
            stopping.before_quitting("")

    def doing(self, text: str) -> None:
        """See `Reporter`."""
        super().doing(text)
        self._doing = text

    def begin(self, stage: str, total: int, done: int) -> None:
        """See `Reporter`."""
        self._doing = ""
        super().begin(stage, total, done)

    def _render(self) -> RenderableType:
        """Asked by another thread, at any time; never more than one line."""
        tally, doing = self._tally, self._doing
        if tally is not None and tally.total:
            return _Bar(tally)
        if doing:
            self._spinner.update(text=Text(doing, no_wrap=True, overflow="ellipsis"))
            return self._spinner
        return ""


class _Bar:
    """A stage at work, in one line of any terminal."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally

    def __rich_console__(self, _: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        tally = self._tally
        width = min(_BAR_WIDTH, options.max_width // _BAR_SHARE)
        line = Table.grid(padding=(0, 1, 0, 0), expand=True)
        line.width = options.max_width - _ECHO_WIDTH
        line.add_column(no_wrap=True, overflow="ellipsis", width=_TITLE_WIDTH)
        line.add_column(width=width)
        line.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        bar = ProgressBar(total=tally.total, completed=tally.done, width=width)
        line.add_row(Text(tally.title), bar, Text(tally.figures()))
        yield line


def reporter_for(console: Console) -> Reporter:
    """A display on a terminal that can move its cursor, plain lines elsewhere."""
    moves = is_terminal(console.file) and console.is_interactive
    return Live(console) if moves else Plain(console)
