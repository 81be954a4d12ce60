"""Executors: where the tasks of a stage run. One interface, two homes.

`InProcess` runs tasks one after the other in this process, for tests and debugging. `OnRay`
runs each as one Ray task: submission is bounded, results (manifests, never rows) are taken in
completion order, system faults and lost connections are retried, the latter after a pause, and an
error of the task itself is not. Both run the same functions.
"""

from __future__ import annotations

import contextlib
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import ray

from thresher.filters.errors import ConfigError, LedgerError, ThresherError, shortened
from thresher.jobs import stopping
from thresher.jobs.ray_cluster import connect
from thresher.manifests.manifest import Manifest
from thresher.pipeline.read.faults import is_transient
from thresher.pipeline.read.names import redact

MAX_ATTEMPTS = 3
MESSAGE_CHARACTERS = 2_000
"""How much of an error is recorded."""
PAUSE_SECONDS = 5.0
"""Before the second attempt of a task that lost a connection; four times as long before the third.
Its own requests were repeated before it gave up."""


class TaskFailedError(ThresherError):
    """What a task ended with, as text: errors of drivers cannot all be pickled.

    Args:
        text: the error and where it was raised.
        transient: whether another attempt may help.
    """

    def __init__(self, text: str, transient: bool) -> None:
        super().__init__(text, transient)
        self.text, self.transient = text, transient


_RAY_TRACEBACK = "\ntraceback: "
"""What Ray puts between a sentence and the frames of its own."""

HEED_SECONDS = 1.0
"""How often the driver looks whether it is to stop, while tasks run."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What a task needs of a machine; Ray places it where that is free."""

    cpus: float = 1.0
    gpus: float = 0.0
    memory_mb: float = 0.0


ONE_CORE = Needs()


Made = Manifest | tuple[Manifest, ...]
"""What a task returns."""


@dataclass(frozen=True, slots=True)
class Task:
    """One shard of a stage: `function(*args)` returns its manifest, or those of several stages."""

    stage: str
    key: str
    function: Callable[..., Made]
    args: tuple[Any, ...]
    needs: Needs = ONE_CORE


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a task: manifests, or the error it ended with."""

    task: Task
    made: Made | None
    attempts: int
    error: str = ""

    @property
    def manifests(self) -> tuple[Manifest, ...]:
        """All that it made; empty if it failed."""
        if self.made is None:
            return ()
        return self.made if isinstance(self.made, tuple) else (self.made,)

    @property
    def manifest(self) -> Manifest | None:
        """The first of them."""
        return self.manifests[0] if self.made is not None else None


class Executor(Protocol):
    """Runs tasks; results come in completion order."""

    def run(self, tasks: Iterable[Task]) -> Iterator[Result]:
        """Run all tasks and yield each one's result.

        Raises:
            LedgerError: when a shard does not balance; the run must not go on.
        """

    def cancel(self) -> None:
        """Stop what runs, in seconds; no task is run after that."""


class InProcess:
    """Runs tasks in this process, one after the other.

    Args:
        sleep: waits for so many seconds before another attempt.
    """

    def __init__(self, sleep: Callable[[float], None] = time.sleep) -> None:
        self._sleep = sleep

    def run(self, tasks: Iterable[Task]) -> Iterator[Result]:
        """See `Executor.run`."""
        for task in tasks:
            for attempt in range(1, MAX_ATTEMPTS + 1):
                try:
                    result = Result(task, _attempt(task.function, task.args), attempt)
                except TaskFailedError as error:
                    if error.transient and attempt < MAX_ATTEMPTS:
                        self._sleep(pause_seconds(attempt))
                        continue
                    result = Result(task, None, attempt, error.text)
                yield result
                break

    def cancel(self) -> None:
        """Nothing runs beside this process: what stopped it has stopped its task."""


class OnRay:
    """Runs each task as one Ray task on a cluster, or on this machine if no address is given.

    A Ray that this process has initialised already is used as it is, and not ended by `close`.

    Args:
        workers: tasks at once on this machine; None for all cores. On a cluster, or a Ray that was
            there, the number of tasks in flight (None: twice its CPUs).
        address: of a running cluster (``auto``, ``ray://host:10001``), or empty to start Ray here.
        gpus: GPUs of this machine that a Ray started here may give to tasks; None for all it finds.

    Raises:
        ConfigError: if no cluster answers at the address, or Ray does not start.
    """

    def __init__(
        self, workers: int | None = None, address: str = "", gpus: float | None = 0
    ) -> None:
        self._ours = not ray.is_initialized()
        if self._ours:
            connect(workers, address, gpus)
        resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
        cpus = int(resources.get("CPU", 1))
        self._resources = resources
        self.in_flight = workers or max(1, 2 * cpus if address or not self._ours else cpus)

    def close(self) -> None:
        """Disconnect; a Ray that was started here ends, one that was there goes on."""
        if self._ours:
            ray.shutdown()

    def run(self, tasks: Iterable[Task]) -> Iterator[Result]:
        """See `Executor.run`."""
        waiting = iter(tasks)
        running: dict[ray.ObjectRef[Made], tuple[Task, int]] = {}
        pausing: list[_Pausing] = []
        try:
            while True:
                while len(running) < self.in_flight:
                    chosen = _due(pausing) or next(((task, 1) for task in waiting), None)
                    if chosen is None:
                        break
                    self._check(chosen[0])
                    running[_submit(chosen[0])] = chosen
                if not running and not pausing:
                    return
                # With all places taken, only a task that ends makes room for one that pauses.
                patience = HEED_SECONDS
                if len(running) < self.in_flight and pausing:
                    patience = min(patience, _seconds_left(pausing))
                if not running:
                    time.sleep(patience)
                    stopping.check()
                    continue
                done, _ = ray.wait(list(running), num_returns=1, timeout=patience)
                if not done:
                    stopping.check()  # what its handler raised may have been lost inside Ray
                    continue
                task, attempt = running.pop(done[0])
                try:
                    yield Result(task, ray.get(done[0]), attempt)
                except ray.exceptions.RayTaskError as error:
                    cause = error.cause
                    if isinstance(cause, LedgerError):
                        raise cause from error
                    failed = cause if isinstance(cause, TaskFailedError) else _failed(cause)
                    if failed.transient and attempt < MAX_ATTEMPTS:
                        due = time.monotonic() + pause_seconds(attempt)
                        pausing.append(_Pausing(due, task, attempt + 1))
                    else:
                        yield Result(task, None, attempt, failed.text)
                except ray.exceptions.RayError as error:  # a worker or node died
                    if attempt < MAX_ATTEMPTS:
                        running[_submit(task)] = (task, attempt + 1)
                    else:
                        yield Result(task, None, attempt, _describe(error))
        finally:
            # A stop ends Ray as a whole: to cancel a task that is just being placed ends the driver
            # in a failed check of Ray's ("tried to complete task that was not pending").
            if not (self._ours and stopping.requested()):
                for reference in running:
                    with contextlib.suppress(ray.exceptions.RayError):
                        ray.cancel(reference, force=True)

    def cancel(self) -> None:
        """See `Executor.cancel`: leaves Ray, which kills the processes of the tasks."""
        self.close()

    def _check(self, task: Task) -> None:
        """Refuse what would wait for ever."""
        for asked, name in ((task.needs.gpus, "GPU"), (task.needs.cpus, "CPU")):
            there = self._resources.get(name, 0.0)
            if asked > there:
                problem = f"a task needs {asked:g} {name}, and the cluster has {there:g}."
                hint = "Lower [[scores]].resources, or name a cluster that has it (run.address)."
                raise ConfigError(task.stage, problem, hint)


@ray.remote(max_retries=0)
def _execute(function: Callable[..., Made], args: tuple[Any, ...]) -> Made:
    return _attempt(function, args)


def _attempt(function: Callable[..., Made], args: tuple[Any, ...]) -> Made:
    """Run a task where it is; any error of its own becomes text, while all of it is known.

    Raises:
        LedgerError: as it is.
        TaskFailedError: for every other error.
    """
    try:
        return function(*args)
    except LedgerError:
        raise
    except Exception as error:  # noqa: BLE001 - raised as what it says
        # Without its cause, which may tell the secrets of a URL: Ray logs what is raised.
        raise _failed(error) from None


def _failed(error: BaseException) -> TaskFailedError:
    return TaskFailedError(_describe(error), is_transient(error))


@dataclass(frozen=True, slots=True)
class _Pausing:
    """A task before another attempt, and when by the monotonic clock that is due."""

    due: float
    task: Task
    attempt: int


def _due(pausing: list[_Pausing]) -> tuple[Task, int] | None:
    """Take a task whose pause is over, with the number of its attempt; None if there is none."""
    now = time.monotonic()
    for i, each in enumerate(pausing):
        if each.due <= now:
            del pausing[i]
            return each.task, each.attempt
    return None


def _seconds_left(pausing: list[_Pausing]) -> float:
    """Until the first pause is over."""
    return max(0.0, min(each.due for each in pausing) - time.monotonic())


def pause_seconds(attempt: int) -> float:
    """How long to wait after so many attempts of a task."""
    return PAUSE_SECONDS * 4.0 ** (attempt - 1)


def _submit(task: Task) -> ray.ObjectRef[Made]:
    needs = task.needs
    options = _execute.options(
        name=f"{task.stage}/{task.key}",
        num_cpus=needs.cpus,
        num_gpus=needs.gpus or None,
        memory=int(needs.memory_mb * 2**20) or None,
    )
    return options.remote(task.function, task.args)


def _describe(error: BaseException) -> str:
    """The error and where it was raised, in one line."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({frames[-1].name}:{frames[-1].lineno})" if frames else ""
    said = " ".join(str(error).partition(_RAY_TRACEBACK)[0].split())
    return f"{type(error).__name__}: {shortened(redact(said), MESSAGE_CHARACTERS)}{place}"
