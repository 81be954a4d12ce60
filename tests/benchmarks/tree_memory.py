"""Peak memory of a process and all its children together, from `/proc`.

Proportional set sizes are summed, so that pages which forked processes share count once.
"""

from __future__ import annotations

import contextlib
import os
import re
import threading
from collections.abc import Iterator
from pathlib import Path


def children(process: int) -> list[int]:
    """A process and all that descend from it."""
    found = [process]
    for task in Path(f"/proc/{process}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in task.read_text().split():
                found += children(int(child))
    return found


def tree_mb(process: int | None = None) -> float:
    """Memory of a process tree now."""
    total = 0
    for number in children(process or os.getpid()):
        with contextlib.suppress(OSError):
            rolled = Path(f"/proc/{number}/smaps_rollup").read_text()
            found = re.search(r"^Pss:\s+(\d+)", rolled, re.MULTILINE)
            total += int(found[1]) if found else 0
    return total / 1024


class Peak:
    """The largest sum that was seen."""

    mb = 0.0


@contextlib.contextmanager
def watched(every: float = 0.2) -> Iterator[Peak]:
    """Look at this process's tree again and again while the block runs."""
    peak, done = Peak(), threading.Event()

    def look() -> None:
        while not done.wait(every):
            peak.mb = max(peak.mb, tree_mb())

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        peak.mb = max(peak.mb, tree_mb())
        done.set()
        thread.join()
