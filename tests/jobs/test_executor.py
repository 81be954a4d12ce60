"""What executors make of tasks that fail: another attempt, or text."""

from __future__ import annotations

import pytest
import ray

from thresher.filters.errors import LedgerError
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
    finally:
        on_ray.close()
    assert not ray.is_initialized()


def test_the_error_of_a_task_is_pickled_as_text():
    import pickle

    error = pickle.loads(pickle.dumps(TaskFailedError("text", True)))
    assert (error.text, error.transient) == ("text", True)
