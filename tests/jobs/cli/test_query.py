"""`thresher query` as a person meets it: what it refuses, where it stops, what it leaves."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time

import pyarrow as pa
import pytest
from calling import invoke, run_main

from thresher.manifests import catalog
from thresher.manifests.manifest import Manifest, commit
from thresher.manifests.run import InputRecord, RunRecord, save_run
from thresher.manifests.shards import ShardWriter
from thresher.manifests.store import Store

ENDLESS = "SELECT count(*) FROM range(1000000000000) AS r WHERE r.range % 3 = 1"
DEAF = "SELECT levenshtein(repeat('ab', 300000), repeat('ba', 300000))"
"""DuckDB looks at nothing else before such a function has ended, in hours."""

AS_IN_A_TERMINAL = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs the tests may ignore it
from thresher.jobs.cli import main
main()
"""


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    folder = tmp_path_factory.mktemp("query") / "lake"
    store = Store(str(folder))
    table = pa.table({"id": ["a", "b", "c"], "n": pa.array([1, 2, 3], pa.int64())})
    with ShardWriter(store, "documents/f/k.parquet", table.schema) as writer:
        writer.write(table)
    counts = {"records": 3, "documents": 3, "gated": 0, "failed": 0}
    facts = {"sha256": "0", "status": "complete"}
    outputs = [writer.output]
    commit(
        store,
        Manifest(
            stage="documents", fingerprint="f", key="k", outputs=outputs, ledger=counts, facts=facts
        ),
    )
    record = RunRecord(
        run_id="r1",
        name="run",
        status="complete",
        version="0",
        started="2026-01-01",
        inputs=[InputRecord("k", "file:///k", 1, "", "parquet")],
        fingerprints={"documents": "f"},
    )
    save_run(store, record)
    catalog.build(store)
    return folder


def test_it_answers(lake):
    found = invoke("query", "SELECT sum(n) AS n FROM documents", "-l", lake, "--json")
    assert json.loads(found.stdout) == [{"n": 6}]
    found = invoke("query", "FROM documents SELECT id", "-l", lake, "--csv")
    assert found.stdout.split() == ["id", "a", "b", "c"]
    found = invoke("query", "FROM documents SELECT id", "-l", lake, "--limit", "2")
    assert "more than 2 rows" in found.output


def test_what_writes_is_refused_in_a_sentence(lake, monkeypatch, capsys):
    for sql, text in (
        ("COPY (SELECT 1) TO 'lake://x.csv'", "COPY does more"),
        ("WITH x AS (COPY (SELECT 1) TO 'lake://x.csv') FROM x", "COPY does more"),
        ("FROM read_text('/etc/passwd')", "SQL reads the lake's files only"),
        ("FROM read_text('lake://../x')", "leads out of the lake"),
        ("ATTACH 'x'", "ATTACH does more"),
    ):
        code, message = run_main(monkeypatch, capsys, "query", sql, "-l", lake)
        assert code == 2
        assert text in message
        assert "Traceback" not in message
    assert not (lake / "x.csv").exists()


def test_it_stops_after_the_time_that_it_is_given(lake, monkeypatch, capsys):
    code, message = run_main(monkeypatch, capsys, "query", ENDLESS, "-l", lake, "--timeout", "0.5")
    assert code == 2
    assert "--timeout 0.5: the question took longer" in message


def test_it_takes_no_more_memory_than_it_is_given(lake, monkeypatch, capsys):
    sql = "SELECT length(list(range)::VARCHAR) FROM range(30000000)"
    code, message = run_main(monkeypatch, capsys, "query", sql, "-l", lake, "--memory", "64MB")
    assert code == 2
    assert "--memory sets how much" in message
    code, message = run_main(monkeypatch, capsys, "query", "SELECT 1", "-l", lake, "--memory", "x")
    assert code == 2
    assert "Such as 4GB or 50%" in message


@contextlib.contextmanager
def started(lake, temporary, *arguments):
    environment = {**os.environ, "TMPDIR": str(temporary), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-c", AS_IN_A_TERMINAL, "query", *arguments, "-l", str(lake)]
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def wait_until_it_asks(process, temporary):
    """Until the connection is open, and a moment for the question to begin."""
    while not list(temporary.glob("thresher-*")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    time.sleep(2)


@pytest.mark.chaos
@pytest.mark.parametrize("sql", [ENDLESS, DEAF])
def test_ctrl_c_stops_any_question_and_leaves_nothing(lake, tmp_path, sql):
    with started(lake, tmp_path, sql) as process:
        wait_until_it_asks(process, tmp_path)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert (out, err.strip()) == ("", "thresher: stopped by Ctrl-C")
    assert list(tmp_path.glob("thresher-*")) == []


@pytest.mark.chaos
def test_what_does_not_stop_is_ended_after_its_time(lake, tmp_path):
    with started(lake, tmp_path, DEAF, "--timeout", "1") as process:
        _, err = process.communicate(timeout=120)
    assert process.returncode == 2
    assert "--timeout 1: the question took longer" in err
    assert "Traceback" not in err
    assert list(tmp_path.glob("thresher-*")) == []
