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
from thresher.jobs import stopping
from thresher.jobs.ray_cluster import connect
from thresher.manifests.manifest import Manifest

TRANSIENT = (ConnectionError, TimeoutError)
"""Errors of a task that are worth another try."""

MAX_ATTEMPTS = 3

HEED_SECONDS = 1.0
"""How often the driver looks whether it is to stop, while tasks run."""


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
        """Stop what runs, in seconds; no task is run after that."""


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

    def close(self) -> None:
        """Disconnect; a Ray that was started here ends."""
        ray.shutdown()

    def run(self, tasks: Iterable[Task]) -> Iterator[Result]:
        """See `Executor.run`."""
        waiting = iter(tasks)
        running: dict[ray.ObjectRef[Manifest], tuple[Task, int]] = {}
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
                done, _ = ray.wait(list(running), num_returns=1, timeout=HEED_SECONDS)
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
            # A stop ends Ray as a whole: to cancel a task that is just being placed ends the driver
            # in a failed check of Ray's ("tried to complete task that was not pending").
            if not stopping.requested():
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
