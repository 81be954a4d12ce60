"""Executors: where the tasks of a stage run. One interface, two homes.

`InProcess` runs tasks one after the other in this process, for tests and debugging. `OnRay`
runs each as one Ray task: submission is bounded, results (manifests, never rows) are taken in
completion order, system faults and lost connections are retried, and an error of the task
itself is not. Both run the same functions.
"""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import ray

from thresher.filters.errors import ConfigError, LedgerError
from thresher.jobs.ray_cluster import connect
from thresher.manifests.manifest import Manifest

TRANSIENT = (ConnectionError, TimeoutError)
"""Errors of a task that are worth another try."""

MAX_ATTEMPTS = 3

CANCEL_SECONDS = 2.0
"""What a task that is cancelled gets to clean up, and then its process to die."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What a task needs of a machine; Ray places it where that is free."""

    cpus: float = 1.0
    gpus: float = 0.0
    memory_mb: float = 0.0


ONE_CORE = Needs()


@dataclass(frozen=True, slots=True)
class Task:
    """One shard of a stage: `function(*args)` returns its manifest."""

    stage: str
    key: str
    function: Callable[..., Manifest]
    args: tuple[Any, ...]
    needs: Needs = ONE_CORE


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a task: a manifest, or the error it ended with."""

    task: Task
    manifest: Manifest | None
    attempts: int
    error: str = ""


class Executor(Protocol):
    """Runs tasks; results come in completion order."""

    def run(self, tasks: Iterable[Task]) -> Iterator[Result]:
        """Run all tasks and yield each one's result.

        Raises:
            LedgerError: when a shard does not balance; the run must not go on.
        """

    def cancel(self) -> None:
        """Stop what runs, and return when it has stopped or its time is over."""


class InProcess:
    """Runs tasks in this process, one after the other."""

    def run(self, tasks: Iterable[Task]) -> Iterator[Result]:
        """See `Executor.run`."""
        for task in tasks:
            for attempt in range(1, MAX_ATTEMPTS + 1):
                try:
                    yield Result(task, task.function(*task.args), attempt)
                except LedgerError:
                    raise
                except TRANSIENT as error:
                    if attempt == MAX_ATTEMPTS:
                        yield Result(task, None, attempt, _describe(error))
                    continue
                except Exception as error:  # noqa: BLE001 - the task's end, recorded in full
                    yield Result(task, None, attempt, _describe(error))
                break

    def cancel(self) -> None:
        """Nothing runs beside this process: what stopped it has stopped its task."""


class OnRay:
    """Runs each task as one Ray task on a cluster, or on this machine if no address is given.

    Args:
        workers: tasks at once on this machine; None for all cores. On a cluster, the number of
            tasks in flight (None: twice the cluster's CPUs).
        address: of a running cluster (``auto``, ``ray://host:10001``), or empty to start Ray here.
        gpus: GPUs of this machine that a Ray started here may give to tasks; None for all it finds.

    Raises:
        ConfigError: if no cluster answers at the address, or Ray does not start.
    """

    def __init__(
        self, workers: int | None = None, address: str = "", gpus: float | None = 0
    ) -> None:
        connect(workers, address, gpus)
        resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
        cpus = int(resources.get("CPU", 1))
        self._resources = resources
        self.in_flight = workers or (2 * cpus if address else cpus)
        self._running: dict[ray.ObjectRef[Manifest], tuple[Task, int]] = {}

    def close(self) -> None:
        """Disconnect; a Ray that was started here ends."""
        ray.shutdown()

    def run(self, tasks: Iterable[Task]) -> Iterator[Result]:
        """See `Executor.run`."""
        waiting = iter(tasks)
        running = self._running
        try:
            while True:
                while len(running) < self.in_flight:
                    task = next(waiting, None)
                    if task is None:
                        break
                    self._check(task)
                    running[_submit(task)] = (task, 1)
                if not running:
                    return
                done, _ = ray.wait(list(running), num_returns=1)
                task, attempt = running.pop(done[0])
                try:
                    yield Result(task, ray.get(done[0]), attempt)
                except ray.exceptions.RayTaskError as error:
                    cause = error.cause
                    if isinstance(cause, LedgerError):
                        raise cause from error
                    if isinstance(cause, TRANSIENT) and attempt < MAX_ATTEMPTS:
                        running[_submit(task)] = (task, attempt + 1)
                    else:
                        yield Result(task, None, attempt, _describe(cause))
                except ray.exceptions.RayError as error:  # a worker or node died
                    if attempt < MAX_ATTEMPTS:
                        running[_submit(task)] = (task, attempt + 1)
                    else:
                        yield Result(task, None, attempt, _describe(error))
        finally:
            self.cancel()

    def cancel(self) -> None:
        """See `Executor.cancel`: tasks are interrupted, and clean up; those that do not, killed."""
        left = list(self._running)
        self._running.clear()
        for force in (False, True):
            with contextlib.suppress(ray.exceptions.RayError, ValueError):
                for reference in left:
                    ray.cancel(reference, force=force)
                if left:
                    _, left = ray.wait(left, num_returns=len(left), timeout=CANCEL_SECONDS)

    def _check(self, task: Task) -> None:
        """Refuse what would wait for ever."""
        for asked, name in ((task.needs.gpus, "GPU"), (task.needs.cpus, "CPU")):
            there = self._resources.get(name, 0.0)
            if asked > there:
                problem = f"a task needs {asked:g} {name}, and the cluster has {there:g}."
                hint = "Lower [[scores]].resources, or name a cluster that has it (run.address)."
                raise ConfigError(task.stage, problem, hint)


@ray.remote(max_retries=0)
def _execute(function: Callable[..., Manifest], args: tuple[Any, ...]) -> Manifest:
    return function(*args)


def _submit(task: Task) -> ray.ObjectRef[Manifest]:
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
    return f"{type(error).__name__}: {str(error).strip()[:500]}{place}"
