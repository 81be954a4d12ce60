"""The heartbeat of a run: a small file that says that its driver lives, and what it is doing.

`runs/<run_id>.beat` is written again every few seconds while the run goes on and removed at its
end. A driver that dies without a word leaves its record `running` and its last beat behind. All of
it is telemetry: no identity, catalog or curated shard depends on it.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec

from thresher.filters.errors import StoreError
from thresher.manifests.store import Store

BEAT_SECONDS = 10.0
"""Between two beats."""

MISSED_BEATS = 3
"""A driver that missed so many is dead."""


class Beat(msgspec.Struct, frozen=True, kw_only=True):
    """What a driver says of itself."""

    at: str
    """UTC, ISO 8601, by the driver's clock."""
    stage: str = ""
    """The stage at work."""
    done: int = 0
    """Its shards that are done."""
    shards: int = 0
    """All its shards."""
    fingerprints: dict[str, str] = {}
    """Fingerprint by stage, of all stages begun."""
    over: bool = False
    """An error ended the driver."""


class Heartbeat:
    """Beats from a thread for as long as the block lasts.

    Args:
        store: the lake.
        run_id: the run.
        beat: what to write.
        seconds: between two beats.
    """

    def __init__(
        self, store: Store, run_id: str, beat: Callable[[], Beat], seconds: float = BEAT_SECONDS
    ) -> None:
        self._store, self._path, self._beat = store, _path(run_id), beat
        self._seconds = seconds
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._go_on, name="heartbeat", daemon=True)

    def __enter__(self) -> Heartbeat:
        self._write()
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._end.set()
        self._thread.join()
        if kind is None:
            with contextlib.suppress(Exception):
                self._store.remove(self._path)
        else:
            self._write(over=True)

    def _go_on(self) -> None:
        while not self._end.wait(self._seconds):
            self._write()

    def _write(self, over: bool = False) -> None:
        # A store that fails here for good fails the run elsewhere, with a better word.
        with contextlib.suppress(Exception):
            beat = msgspec.structs.replace(self._beat(), over=over)
            self._store.write_bytes(self._path, msgspec.json.encode(beat))


def last_beat(store: Store, run_id: str) -> tuple[Beat, datetime] | None:
    """The last beat of a run and when it came; None if there is none.

    The time is that of the store where it keeps one, since clocks of machines differ; else that of
    the driver.
    """
    path = _path(run_id)
    try:
        beat = msgspec.json.decode(store.read_bytes(path), type=Beat)
        at = datetime.fromisoformat(beat.at)
    except (StoreError, ValueError):  # none, or not one
        return None
    with contextlib.suppress(Exception):
        store.filesystem.invalidate_cache()
        at = store.filesystem.modified(f"{store.root}/{path}") or at
    return beat, at if at.tzinfo else at.replace(tzinfo=UTC)


def is_alive(last: tuple[Beat, datetime] | None, moment: datetime) -> bool:
    """Whether a driver whose `last_beat` this is was at work at a moment."""
    if last is None or last[0].over:
        return False
    return moment - last[1] < timedelta(seconds=MISSED_BEATS * BEAT_SECONDS)


def now() -> datetime:
    """The present, in UTC."""
    return datetime.now(UTC)


def _path(run_id: str) -> str:
    return f"runs/{run_id}.beat"
