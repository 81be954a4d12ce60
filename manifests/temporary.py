"""Temporary files of a lake on a file system: whose they are, and when they may go.

A name says which process writes it: `.tmp-MACHINE-PID-START-RANDOM-NAME`. The machine is a hash
of host name, boot and process namespace, so that two containers of one host are two machines; the
start time tells a process from a later one of the same number. A file of this machine whose process
is gone is abandoned; one of another machine, or of another naming, only when nobody wrote to it for
a day.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import socket
import time
import uuid
from functools import cache
from pathlib import Path

__all__ = ["PREFIX", "discard_own", "is_abandoned", "name_beside", "released", "sweep"]

PREFIX = ".tmp-"
ABANDONED_SECONDS = 24 * 3600.0
_NAME = re.compile(
    rf"{re.escape(PREFIX)}(?P<machine>[0-9a-f]{{8}})-(?P<pid>\d+)-(?P<start>\d+)-[0-9a-f]{{32}}-"
)
_own: dict[Path, int] = {}
"""Files being written, with the process that does: a fork must not take its parent's."""


def name_beside(target: Path) -> Path:
    """A temporary name beside a file, used by nobody else; it counts as this process's own."""
    pid = os.getpid()
    mark = f"{_machine()}-{pid}-{_started(pid)}-{uuid.uuid4().hex}"
    path = target.with_name(f"{PREFIX}{mark}-{target.name}")
    _own[path] = pid
    return path


def released(path: Path) -> None:
    """A temporary file of this process is renamed or gone."""
    _own.pop(path, None)


def discard_own() -> None:
    """Remove what this process is writing: for a process that ends here and now."""
    for path, pid in list(_own.items()):
        if pid == os.getpid():
            with contextlib.suppress(OSError):
                path.unlink()


def sweep(folder: Path) -> list[Path]:
    """Remove the abandoned temporary files below a folder; those that went.

    What cannot be removed or looked at (a read-only lake) stays.
    """
    gone = []
    for place, _, names in os.walk(folder):
        for name in names:
            path = Path(place, name)
            if name.startswith(PREFIX) and is_abandoned(path):
                with contextlib.suppress(OSError):
                    path.unlink()
                    gone.append(path)
    return gone


def is_abandoned(path: Path) -> bool:
    """Whether the writer of a temporary file is dead, or so long silent that it must be."""
    found = _NAME.match(path.name)
    if found and found["machine"] == _machine():
        return not _is_alive(int(found["pid"]), int(found["start"]))
    try:
        # A clock of another machine may differ by minutes, hardly by a day.
        return time.time() - path.lstat().st_mtime > ABANDONED_SECONDS
    except OSError:
        return False


@cache
def _machine() -> str:
    parts = [socket.gethostname()]
    with contextlib.suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii"))
        parts.append(str(Path("/proc/self/ns/pid").readlink()))
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=4).hexdigest()


def _started(pid: int) -> int:
    """When a process started, in ticks since boot; 0 where the system does not say."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0
    return int(text.rpartition(")")[2].split()[19])


def _is_alive(pid: int, start: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass  # it is there, and someone else's
    return _started(pid) in (start, 0)
