"""The record of a run remembers the times that the same run was begun before."""

from __future__ import annotations

import msgspec
import pytest

from thresher.filters.errors import StoreError
from thresher.manifests.run import (
    MOST_ATTEMPTS,
    Attempt,
    Failure,
    RunRecord,
    earlier_attempts,
    load_runs,
    save_run,
)
from thresher.manifests.store import Store


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path))


def record(number, **more):
    return RunRecord(
        **{
            "run_id": "r-1",
            "name": "r",
            "status": "complete",
            "version": "1",
            "started": f"begun {number}",
            "finished": f"ended {number}",
        }
        | more
    )


def test_an_attempt_says_what_the_record_said(store):
    assert earlier_attempts(store, "r-1") == []
    failed = [Failure("documents", "a", "no"), Failure("documents", "b", "no")]
    save_run(store, record(1, status="incomplete", failures=failed))
    save_run(store, record(2, run_id="r-2"))
    assert earlier_attempts(store, "r-1") == [
        Attempt("begun 1", "ended 1", "incomplete", "1", failures=2)
    ]


def test_the_first_and_the_latest_are_kept(store):
    for number in range(MOST_ATTEMPTS + 20):
        earlier = earlier_attempts(store, "r-1")
        save_run(store, record(number, earlier=earlier))
    found = [attempt.started for attempt in earlier_attempts(store, "r-1")]
    last = MOST_ATTEMPTS + 20
    assert found == ["begun 0", *(f"begun {n}" for n in range(last - MOST_ATTEMPTS + 1, last))]
    assert len(found) == MOST_ATTEMPTS


def test_a_record_that_does_not_read_is_no_attempt(store):
    store.write_bytes("runs/r-1.json", b'{"run_id": "r-1"')
    assert earlier_attempts(store, "r-1") == []
    store.write_bytes("runs/r-1.json", b"\xff")
    assert earlier_attempts(store, "r-1") == []


def test_a_store_that_does_not_answer_is_told(store, monkeypatch):
    save_run(store, record(1))

    def refuse(*_):
        raise StoreError("no answer")

    monkeypatch.setattr(store, "read_bytes", refuse)
    with pytest.raises(StoreError, match="no answer"):
        earlier_attempts(store, "r-1")


def test_records_of_an_earlier_version_have_one_attempt(store):
    plain = {k: v for k, v in msgspec.to_builtins(record(1)).items() if k != "earlier"}
    store.write_bytes("runs/r-1.json", msgspec.json.encode(plain))
    (found,) = load_runs(store)
    assert found.earlier == []
    assert len(earlier_attempts(store, "r-1")) == 1
