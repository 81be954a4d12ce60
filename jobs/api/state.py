"""How far the runs of a lake have come, and whether their drivers live."""

from __future__ import annotations

from typing import Literal

import msgspec

from thresher.jobs.own_failures import failure_notes
from thresher.jobs.shortfall import Shortfall, shortfalls
from thresher.manifests import heartbeat
from thresher.manifests.layout import GUESTS, text_stage
from thresher.manifests.manifest import load_all
from thresher.manifests.run import Attempt, Failure, RunRecord, find_run, load_runs, no_run
from thresher.manifests.store import Store


class RunState(msgspec.Struct, frozen=True, kw_only=True):
    """How far a run has come."""

    run_id: str
    name: str
    """Of its recipe."""
    status: Literal["running", "complete", "incomplete", "interrupted", "stopped"]
    """`stopped`: it came to no end, and its driver has been silent for so long that it is dead."""
    started: str
    """UTC, ISO 8601: its latest attempt."""
    finished: str
    """Likewise; "" where it runs or was stopped."""
    last_beat: str
    """Likewise: when its driver last said that it lives; "" once it has ended."""
    stage: str
    """The stage that it is in, or was stopped in; "" once it has ended."""
    stage_done: int
    """Shards of this stage that are done, by the last beat."""
    stage_shards: int
    """All shards of this stage."""
    shards: int
    """Input shards."""
    measured: int
    """Of these, those measured."""
    judged: int
    """Of these, those judged."""
    not_read_whole: list[Shortfall]
    """Input shards that damage has cost something."""
    exceeded: list[str]
    """Why the run is incomplete: a sentence for each limit of the recipe that was passed."""
    notes: list[str]
    """What scorers and guests failed on: texts that they have left without a value."""
    failures: list[Failure]
    earlier: list[Attempt]
    """Earlier attempts, oldest first: the same recipe run again is the same run."""


def states_of(store: Store, run: str = "") -> list[RunState]:
    """The runs of a lake, oldest first; or one, by its name or id.

    Raises:
        StoreError: if there is none.
    """
    records = [find_run(store, run)] if run else load_runs(store)
    if not records:
        raise no_run(store)
    return [state_of(store, record) for record in records]


def state_of(store: Store, record: RunRecord) -> RunState:
    """How far a run has come, by its record, its last beat and the manifests of its shards."""
    last = heartbeat.last_beat(store, record.run_id) if record.status == "running" else None
    alive = heartbeat.is_alive(last, heartbeat.now())
    if record.status == "running" and not alive:
        # It may have come to its end since its record was read.
        record = next((r for r in load_runs(store) if r.run_id == record.run_id), record)
    goes_on = record.status == "running"
    last = last if goes_on else None
    marks = record.fingerprints | (last[0].fingerprints if last else {})
    keys = [item.key for item in record.inputs]
    measured, guests, scored, judged = (
        load_all(store, stage, marks[stage], keys) if stage in marks else {}
        for stage in (text_stage(marks), GUESTS, "model_scores", "decisions")
    )
    return RunState(
        run_id=record.run_id,
        name=record.name,
        status="stopped" if goes_on and not alive else record.status,
        started=record.started,
        finished=record.finished,
        last_beat=last[1].isoformat(timespec="seconds") if last else "",
        stage=last[0].stage if last else "",
        stage_done=last[0].done if last else 0,
        stage_shards=last[0].shards if last else 0,
        shards=len(keys),
        measured=len(measured),
        judged=len(judged),
        not_read_whole=shortfalls(measured.values()),
        exceeded=record.exceeded,
        notes=failure_notes([*measured.values(), *guests.values()], scored.values()),
        failures=record.failures,
        earlier=record.earlier,
    )
