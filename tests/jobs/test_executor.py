"""What executors make of tasks that fail: another attempt, or text."""

from __future__ import annotations

import dataclasses
import os
import signal

import pytest
import ray

from thresher.filters.errors import ConfigError, LedgerError, ThresherError
from thresher.jobs import executor
from thresher.jobs.executor import InProcess, OnRay, Task, TaskFailedError
from thresher.manifests.manifest import Manifest


class UnpicklableError(ConnectionError):
    """As drivers have them: it holds what no other process can hold, and needs two arguments."""

    def __init__(self, text, response):
        super().__init__(text)
        self.response = response

    def __reduce__(self):
        raise TypeError("cannot pickle a connection")


def flaky(folder, name, failures, error):
    """Fails so many times, which a file counts, since workers share nothing else."""
    count = folder / name
    made = int(count.read_text()) if count.exists() else 0
    count.write_text(str(made + 1))
    if made < failures:
        if error == "reset":
            raise ConnectionResetError("the line went dead")
        if error == "unpicklable":
            raise UnpicklableError("503 Slow Down", open)
        if error == "hidden":
            raise FileNotFoundError(name) from TimeoutError()
        if error == "ledger":
            raise LedgerError("1 is not 2")
        raise ValueError(f"bad value in {name}")
    return Manifest(stage="s", fingerprint="f", key=name)


def dies(folder, name, deaths):
    """Is killed so many times, as by the kernel for its memory."""
    count = folder / name
    made = int(count.read_text()) if count.exists() else 0
    count.write_text(str(made + 1))
    if made < deaths:
        os.kill(os.getpid(), signal.SIGKILL)
    return Manifest(stage="s", fingerprint="f", key=name)


def tasks(folder, *rows):
    return [
        Task("s", f"{error}{failures}", flaky, (folder, f"{error}{failures}", failures, error))
        for error, failures in rows
    ]


ROWS = [
    ("reset", 0),
    ("reset", 2),
    ("reset", 3),
    ("unpicklable", 1),
    ("unpicklable", 9),
    ("hidden", 1),
    ("value", 1),
]


def assert_as_expected(results):
    found = {result.task.key: result for result in results}
    assert len(found) == len(results) == len(ROWS)
    attempts = {key: result.attempts for key, result in found.items()}
    assert attempts == {
        "reset0": 1,
        "reset2": 3,
        "reset3": 3,
        "unpicklable1": 2,
        "unpicklable9": 3,
        "hidden1": 2,
        "value1": 1,
    }
    failed = {key: result.error for key, result in found.items() if result.manifest is None}
    assert set(failed) == {"reset3", "unpicklable9", "value1"}
    assert failed["reset3"].startswith("ConnectionResetError: the line went dead (flaky:")
    assert failed["unpicklable9"].startswith("UnpicklableError: 503 Slow Down (flaky:")
    assert failed["value1"].startswith("ValueError: bad value in value1 (flaky:")


def test_in_process(tmp_path):
    pauses = []
    assert_as_expected(list(InProcess(pauses.append).run(tasks(tmp_path, *ROWS))))
    assert pauses == [5, 20, 5, 20, 5, 5, 20, 5]


def test_a_ledger_that_does_not_balance_ends_the_run(tmp_path):
    with pytest.raises(LedgerError, match="1 is not 2"):
        list(InProcess().run(tasks(tmp_path, ("ledger", 1))))


def test_pauses_are_taken_in_turn(tmp_path, monkeypatch):
    clock = [100.0]
    monkeypatch.setattr(executor.time, "monotonic", lambda: clock[0])
    one, two = tasks(tmp_path, ("reset", 1), ("reset", 2))
    pausing = [executor._Pausing(130.0, one, 2), executor._Pausing(120.0, two, 3)]
    assert executor._due(pausing) is None
    assert executor._seconds_left(pausing) == 20.0
    clock[0] = 125.0
    assert executor._due(pausing) == (two, 3)
    assert executor._due(pausing) is None
    assert executor._seconds_left(pausing) == 5.0
    clock[0] = 130.0
    assert executor._due(pausing) == (one, 2)
    assert not pausing


@pytest.mark.ray
@pytest.mark.slow
def test_on_ray(tmp_path, monkeypatch):
    monkeypatch.setattr(executor, "PAUSE_SECONDS", 0.1)
    on_ray = OnRay(workers=2)
    try:
        assert_as_expected(list(on_ray.run(tasks(tmp_path, *ROWS))))
        with pytest.raises(LedgerError, match="1 is not 2"):
            list(on_ray.run(tasks(tmp_path, ("ledger", 1))))
        assert_the_dead_are_replaced(on_ray, tmp_path)
    finally:
        on_ray.close()
    assert not ray.is_initialized()


def assert_the_dead_are_replaced(on_ray, folder):
    made = [Task("s", f"dies{n}", dies, (folder, f"dies{n}", n)) for n in (1, 0, 3)]
    found = {result.task.key: result for result in on_ray.run(made)}
    assert {key: result.attempts for key, result in found.items()} == {
        "dies0": 1,
        "dies1": 2,
        "dies3": 3,
    }
    assert {key for key, result in found.items() if result.manifest is None} == {"dies3"}
    error = found["dies3"].error
    assert error.startswith("WorkerCrashedError: The worker died unexpectedly")
    assert "\n" not in error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("one\n  two"), "ValueError: one two"),
        (ValueError(""), "ValueError: "),
        (OSError(5, "s3://key:secret@bucket/a cannot be read"), "OSError: [Errno 5] s3://"),
        (
            ray.exceptions.RaySystemError("No module named 'x'", "Traceback (most ...):\n  a.py"),
            "RaySystemError: System error: No module named 'x'",
        ),
        (ValueError("long " * 200), "ValueError: " + ("long " * 200)[:500]),
    ],
)
def test_an_error_is_told_in_one_line_without_secrets(error, said):
    text = executor._describe(error)
    assert text.startswith(said)
    assert "\n" not in text
    assert "Traceback" not in text
    assert "secret" not in text
    assert len(text) < executor.MESSAGE_CHARACTERS + 50


def test_where_an_error_was_raised_is_told():
    def raises():
        raise ValueError("no")

    (result,) = InProcess().run([Task("s", "k", raises, ())])
    assert result.error == f"ValueError: no (raises:{raises.__code__.co_firstlineno + 1})"


def test_the_error_of_a_task_is_pickled_as_text():
    import pickle

    error = pickle.loads(pickle.dumps(TaskFailedError("text", True)))
    assert (error.text, error.transient) == ("text", True)


class Cluster:
    """Ray as `OnRay` sees it: a submitted task runs at once, or its worker is dead."""

    def __init__(self, deaths=0):
        self.deaths, self.most, self.cancelled = deaths, 0, []
        self._running = {}

    def submit(self, task):
        reference = object()
        self._running[reference] = task
        self.most = max(self.most, len(self._running))
        return reference

    def wait(self, references, num_returns, timeout):
        assert (num_returns, timeout) == (1, executor.HEED_SECONDS)
        assert set(references) == set(self._running)
        return [references[-1]], references[:-1]

    def get(self, reference):
        task = self._running.pop(reference)
        if self.deaths:
            self.deaths -= 1
            raise ray.exceptions.WorkerCrashedError
        try:
            return executor._attempt(task.function, task.args)
        except ThresherError as error:
            raise ray.exceptions.RayTaskError("f", "", error) from None

    def cancel(self, reference, force):
        assert force
        self.cancelled.append(self._running.pop(reference))


@pytest.fixture
def cluster(monkeypatch):
    """An executor on such a cluster, and it."""
    fake = Cluster()
    monkeypatch.setattr(executor.ray, "wait", fake.wait)
    monkeypatch.setattr(executor.ray, "get", fake.get)
    monkeypatch.setattr(executor.ray, "cancel", fake.cancel)
    monkeypatch.setattr(executor, "_submit", fake.submit)
    monkeypatch.setattr(executor, "PAUSE_SECONDS", 0.0)
    on_ray = OnRay.__new__(OnRay)
    on_ray._ours, on_ray._resources, on_ray.in_flight = False, {"CPU": 2.0}, 2
    return on_ray, fake


class Remote:
    """A function of Ray's that tells how it was submitted."""

    def options(self, **options):
        self.asked = options
        return self

    def remote(self, *arguments):
        return arguments


@pytest.mark.parametrize(
    ("needs", "asked"),
    [
        (executor.ONE_CORE, {"num_cpus": 1.0, "num_gpus": None, "memory": None}),
        (
            executor.Needs(cpus=0.5, gpus=0.25, memory_mb=1.5),
            {"num_cpus": 0.5, "num_gpus": 0.25, "memory": 3 << 19},
        ),
    ],
)
def test_ray_is_told_what_a_task_needs(monkeypatch, needs, asked):
    remote = Remote()
    monkeypatch.setattr(executor, "_execute", remote)
    task = executor.Task("s", "k", len, ("abc",), needs)
    assert executor._submit(task) == (len, ("abc",))
    assert remote.asked == {"name": "s/k", **asked}


def test_the_driver_of_ray_takes_what_ends(tmp_path, cluster):
    on_ray, fake = cluster
    assert_as_expected(list(on_ray.run(iter(tasks(tmp_path, *ROWS)))))
    assert fake.most == 2
    assert not fake.cancelled


@pytest.mark.parametrize(
    ("deaths", "attempts", "made"), [(1, 2, True), (2, 3, True), (3, 3, False)]
)
def test_a_dead_worker_is_replaced_twice(tmp_path, cluster, deaths, attempts, made):
    on_ray, fake = cluster
    fake.deaths = deaths
    (result,) = on_ray.run(tasks(tmp_path, ("reset", 0)))
    assert (result.attempts, result.manifest is not None) == (attempts, made)
    assert result.error.startswith("" if made else "WorkerCrashedError: ")


def test_a_ledger_that_does_not_balance_ends_what_else_runs(tmp_path, cluster):
    on_ray, fake = cluster
    made = tasks(tmp_path, ("reset", 0), ("ledger", 1), ("value", 0))
    with pytest.raises(LedgerError, match="1 is not 2"):
        list(on_ray.run(made))
    assert fake.cancelled == [made[0]]
    assert not (tmp_path / "value0").exists()


def test_what_the_cluster_does_not_have_is_not_waited_for(tmp_path, cluster):
    on_ray, _ = cluster
    (task,) = tasks(tmp_path, ("reset", 0))
    for needs, said in (
        (executor.Needs(cpus=2.5), "needs 2.5 CPU, and the cluster has 2"),
        (executor.Needs(gpus=0.5), "needs 0.5 GPU, and the cluster has 0"),
    ):
        with pytest.raises(ConfigError, match=f"{said}.*run.address"):
            list(on_ray.run([dataclasses.replace(task, needs=needs)]))
    (result,) = on_ray.run([dataclasses.replace(task, needs=executor.Needs(cpus=2.0))])
    assert result.manifest is not None
