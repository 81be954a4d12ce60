"""Peak memory of this process, and of a process and all its children together, from `/proc`.

Of a tree, proportional set sizes are summed, so that pages which forked processes share count once.
"""

import contextlib
import os
import re
import resource
import sys
import threading
from pathlib import Path


def forget_peak():
    """Start anew with the peak of this process, and say what it holds now, in megabytes."""
    with contextlib.suppress(OSError):  # Linux only; elsewhere the peak is that of the whole life
        Path("/proc/self/clear_refs").write_text("5")
    return peak_mb()


def peak_mb():
    """Megabytes of this process at its largest."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        scale = 1e6 if sys.platform == "darwin" else 1e3
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1e3


def children(process):
    """A process and all that descend from it."""
    found = [process]
    for task in Path(f"/proc/{process}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in task.read_text().split():
                found += children(int(child))
    return found


def tree_mb(process=None):
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
def watched(every=0.2):
    """Look at this process's tree again and again while the block runs."""
    peak, done = Peak(), threading.Event()

    def look():
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
