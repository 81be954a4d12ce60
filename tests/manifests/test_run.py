"""Records of runs: stored and read again, and which of several is meant."""

from __future__ import annotations

import msgspec
import pytest

from thresher.filters.errors import StoreError
from thresher.manifests.run import (
    ENDED,
    Attempt,
    Failure,
    InputRecord,
    ModelRecord,
    RunRecord,
    find_run,
    has_runs,
    latest,
    load_runs,
    save_run,
)


def record(run_id, status="complete", started="1", finished="", name="n", **changes):
    return RunRecord(
        run_id=run_id,
        name=name,
        status=status,
        version="0",
        started=started,
        finished=finished,
        **changes,
    )


def test_a_record_is_read_as_it_was_written(store):
    whole = record(
        "r-1",
        "incomplete",
        finished="2",
        recipe={"name": "r", "input": {"urls": ["a"]}},
        inputs=[InputRecord("k", "a.warc.gz", 3, "tag", "warc")],
        fingerprints={"documents": "f"},
        policy={"name": "p", "version": 1},
        models=[ModelRecord("quality", "m@1", "0" * 64)],
        failures=[Failure("documents", "k", "ValueError: no")],
        exceeded=["1 shard is truncated"],
        attempts={"documents/k": 2},
        earlier=[Attempt("0", "1", "incomplete", "0", 1)],
        curated="curated/f",
    )
    assert {f for f in RunRecord.__struct_fields__ if not getattr(whole, f)} == set()
    save_run(store, whole)
    assert load_runs(store) == [whole]
    # People read it, and compare it: its names are in order.
    text = store.read_bytes("runs/r-1.json")
    assert text.startswith(b'{\n "attempts": {\n  "documents/k": 2')
    names = list(msgspec.json.decode(text))
    assert names == sorted(names)


def test_a_later_state_replaces_the_one_before(store):
    save_run(store, record("r", "running"))
    assert [run.status for run in load_runs(store)] == ["running"]
    save_run(store, record("r", "complete", finished="2"))
    assert [run.status for run in load_runs(store)] == ["complete"]


def test_runs_come_oldest_first_whatever_they_are_called(store):
    assert load_runs(store) == []
    assert not has_runs(store)
    for run_id, started in (("b", "2"), ("c", "1"), ("a", "3"), ("d", "2")):
        save_run(store, record(run_id, started=started))
    store.write_bytes("runs/a.beat", b"{}")
    assert [run.run_id for run in load_runs(store)] == ["c", "b", "d", "a"]
    assert has_runs(store)


def test_a_heartbeat_alone_is_no_run(store):
    store.write_bytes("runs/a.beat", b"{}")
    assert load_runs(store) == []
    assert not has_runs(store)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"run_id": "\xff"}', b'{"run_id": "r"}'])
def test_a_damaged_record_is_named(store, data):
    store.write_bytes("runs/r.json", data)
    with pytest.raises(StoreError, match=r"runs/r\.json is no run record: .*; remove it, and"):
        load_runs(store)


def test_the_latest_is_the_one_that_ended_last():
    # Neither its id, nor when it began, nor its place says so.
    runs = [
        record("b", started="1", finished="7"),
        record("a", "incomplete", started="2", finished="9"),
        record("d", started="3", finished="8"),
        record("e", "interrupted", started="4", finished="99"),
        record("c", "running", started="5"),
    ]
    assert latest(runs).run_id == "a"
    assert latest(runs[:1] + runs[2:]).run_id == "d"
    assert latest([runs[0], *runs[3:]]).run_id == "b"
    # Of none that ended it is the one that began last.
    assert latest(runs[3:]).run_id == "c"
    assert latest(runs[3:4]).run_id == "e"


def test_every_status_has_ended_or_has_not():
    (status,) = (f for f in msgspec.inspect.type_info(RunRecord).fields if f.name == "status")
    assert set(status.type.values) - ENDED == {"running", "interrupted"}


def test_a_run_is_found_by_its_name_or_its_id(store):
    for run_id, name, started, finished in (
        ("web-1", "web", "1", "5"),
        ("web-2", "web", "2", "4"),
        ("news-1", "news", "3", "6"),
        ("web-3", "web", "4", ""),
    ):
        status = "complete" if finished else "running"
        save_run(store, record(run_id, status, started, finished, name))
    assert find_run(store).run_id == "news-1"
    assert find_run(store, "web").run_id == "web-1"
    assert find_run(store, "web-2").run_id == "web-2"
    assert find_run(store, "web-3").run_id == "web-3"
    for name, hint in (("wbe", "Did you mean 'web'?"), ("web-4", "Did you mean 'web'?")):
        with pytest.raises(StoreError, match=f"holds no run '{name}'. {hint}"):
            find_run(store, name)


@pytest.mark.parametrize("name", ["", "web"])
def test_a_lake_without_runs_says_how_to_make_one(store, name):
    with pytest.raises(
        StoreError, match=r"no run yet: `thresher run RECIPE\.toml`, or .* makes one"
    ):
        find_run(store, name)
