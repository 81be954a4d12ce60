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


def sweep(folder: Path, patience: float = 0.0) -> list[Path]:
    """Remove the abandoned temporary files below a folder; those that went.

    What cannot be removed or looked at (a read-only lake) stays.

    Args:
        folder: where to look; it need not exist.
        patience: seconds to wait for writers of this machine that are about to die.
    """
    gone: list[Path] = []
    until = time.monotonic() + patience
    while True:
        waited_for = False
        for place, _, names in os.walk(folder):
            for path in (Path(place, name) for name in names if name.startswith(PREFIX)):
                if is_abandoned(path):
                    with contextlib.suppress(OSError):
                        path.unlink()
                        gone.append(path)
                elif path not in _own and f"{PREFIX}{_machine()}-" in path.name:
                    waited_for = True
        if not waited_for or time.monotonic() >= until:
            return gone
        time.sleep(0.05)


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
    state = _state(pid)
    return int(state[19]) if state else 0


def _state(pid: int) -> list[str]:
    """What Linux says of a process (proc(5), from the third field on); empty elsewhere."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()


def _is_alive(pid: int, start: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass  # it is there, and someone else's
    state = _state(pid)
    # A dead process whose parent has not asked for it yet still has its number.
    return not state or (state[0] not in "ZX" and start in (0, int(state[19])))
