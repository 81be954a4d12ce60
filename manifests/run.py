"""The record of a run: what it read, which facts it used, how it ended.

Runs live at `runs/<run_id>.json` in the lake. With the manifests they are all the catalog needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from thresher.filters.errors import NoRunError, StoreError, did_you_mean
from thresher.manifests.store import Store

_FOLDER = "runs"

ENDED = frozenset({"complete", "incomplete"})
"""Statuses of runs that came to their end; the others go on, or would with the same command."""


class InputRecord(msgspec.Struct, frozen=True):
    """One input shard of a run."""

    key: str
    uri: str
    bytes: int
    etag: str
    format: str


class ModelRecord(msgspec.Struct, frozen=True):
    """A model whose signals the run used."""

    role: str
    url: str
    sha256: str


class Failure(msgspec.Struct, frozen=True):
    """A task that ended in an error after all its attempts."""

    stage: str
    key: str
    error: str


class Attempt(msgspec.Struct, frozen=True):
    """One time that a run was begun."""

    started: str
    """UTC, ISO 8601."""
    finished: str
    """Likewise; "" where it died without a word."""
    status: str
    """As in the record of the run."""
    version: str
    """Version of Thresher that was at work."""
    failures: int
    """Tasks that ended in an error."""


MOST_ATTEMPTS = 50
"""Earlier attempts that a record keeps: the first and the latest."""


class RunRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One run: what the same inputs and settings gave, by its latest attempt."""

    run_id: str
    name: str
    status: Literal["running", "complete", "incomplete", "interrupted"]
    """`interrupted`: a signal stopped it in order; what died without a word is left `running`."""
    version: str
    """Version of Thresher that wrote it."""
    started: str
    """UTC, ISO 8601; like all times here telemetry, not part of any identity."""
    finished: str = ""
    recipe: dict[str, Any] = {}
    inputs: list[InputRecord] = []
    fingerprints: dict[str, str] = {}
    """Fingerprint by stage: where the run's facts are."""
    policy: dict[str, Any] = {}
    """The resolved policy, with literal thresholds."""
    models: list[ModelRecord] = []
    failures: list[Failure] = []
    exceeded: list[str] = []
    """The limits of the recipe on damaged input that made the run incomplete, in sentences."""
    attempts: dict[str, int] = {}
    """Attempts by `stage/key`, where there was more than one."""
    earlier: list[Attempt] = []
    """The earlier attempts, oldest first: the same recipe run again is the same run."""
    curated: str = ""
    """Folder of the curated shards inside the lake."""

    @property
    def attempt(self) -> Attempt:
        """The latest attempt, as later ones will remember it."""
        return Attempt(self.started, self.finished, self.status, self.version, len(self.failures))


def save_run(store: Store, record: RunRecord) -> None:
    """Write the record of a run, replacing an earlier state of it."""
    data = msgspec.json.format(msgspec.json.encode(record, order="sorted"), indent=1)
    store.write_bytes(f"{_FOLDER}/{record.run_id}.json", data)


def earlier_attempts(store: Store, run_id: str) -> list[Attempt]:
    """What the record of a run says of all attempts so far; nothing if there is none that reads."""
    path = f"{_FOLDER}/{run_id}.json"
    if not store.exists(path):
        return []
    try:
        record = msgspec.json.decode(store.read_bytes(path), type=RunRecord)
    except (msgspec.DecodeError, UnicodeDecodeError):  # it is about to be written again
        return []
    found = [*record.earlier, record.attempt]
    return [*found[:1], *found[1:][1 - MOST_ATTEMPTS :]]


def load_runs(store: Store) -> list[RunRecord]:
    """All runs of a lake, oldest first.

    Raises:
        StoreError: if a record is damaged.
    """
    runs = [_load(store, path) for path in store.sizes(_FOLDER) if path.endswith(".json")]
    return sorted(runs, key=lambda run: (run.started, run.run_id))


def has_runs(store: Store) -> bool:
    """Whether a lake holds any run."""
    return any(path.endswith(".json") for path in store.sizes(_FOLDER))


def _load(store: Store, path: str) -> RunRecord:
    try:
        return msgspec.json.decode(store.read_bytes(path), type=RunRecord)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        problem = f"is no run record: {error}; remove it, and the run's recipe makes it again"
        raise StoreError(f"{store.url(path)} {problem}") from error


def no_run(store: Store) -> NoRunError:
    """What to say of a lake without runs, which may just be the wrong folder."""
    how = "`thresher run RECIPE.toml`, or thresher.run in Python, makes one"
    return NoRunError(f"{store.url()} holds no run yet: {how}")


def latest(runs: Sequence[RunRecord]) -> RunRecord:
    """The run that finished last (of two at once that with the higher id); else the last begun.

    Args:
        runs: one or more, oldest first.
    """
    ended = [run for run in runs if run.status in ENDED]
    return max(ended, key=lambda run: (run.finished, run.run_id)) if ended else runs[-1]


def find_run(store: Store, name: str = "") -> RunRecord:
    """The run whose name or id is `name`, or any; of several the `latest`.

    Raises:
        StoreError: if there is none.
    """
    runs = load_runs(store)
    found = [run for run in runs if not name or name in (run.name, run.run_id)]
    if found:
        return latest(found)
    if not runs:
        raise no_run(store)
    hint = did_you_mean(name, {run.name for run in runs})
    raise StoreError(f"{store.url()} holds no run '{name}'. {hint}".rstrip())
