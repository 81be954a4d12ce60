from __future__ import annotations

import os
import signal
import threading
import time

import duckdb
import pytest

from thresher.filters.errors import ConfigError
from thresher.manifests.catalog.questions import NotStoppedError, bounded, check_question

ENDLESS = "SELECT count(*) FROM range(1000000000000) AS r WHERE r.range % 3 = 1"


def wait_for_threads():
    """Until no thread of a question is left; the test's own time limit ends it."""
    while any(thread.name == "question" for thread in threading.enumerate()):
        time.sleep(0.01)


@pytest.fixture
def database():
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE t AS SELECT range AS a, range % 3 AS b FROM range(9)")
        yield connection


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1",
        "select 1;",
        "-- why\nSELECT 1 -- because",
        "/* a */ FROM t",
        "VALUES (1)",
        "TABLE t",
        "SHOW TABLES",
        "DESCRIBE t",
        "SUMMARIZE t",
        "WITH x AS (SELECT 1 AS copy) SELECT copy FROM x",
        "WITH RECURSIVE x AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM x WHERE n < 3) FROM x",
        "SELECT 'COPY t TO x', \"a\" AS \"insert\" FROM t UNION SELECT 'b', 2",
        'SELECT \'{"query_node": {"type": "COPY"}}\'',
        "PIVOT t ON b IN (0, 1) USING sum(a)",
        "EXPLAIN SELECT 1",
        "/* x */ EXPLAIN (FORMAT json) FROM t",
        "EXPLAIN COPY t TO 'x'",
    ],
)
def test_a_question_is_asked(database, sql):
    check_question(database, sql)
    database.execute(sql).fetchall()


@pytest.mark.parametrize(
    "sql",
    [
        "",
        ";",
        "-- nothing",
        "SELECT 1; SELECT 2",
        "SELECT 1; DROP TABLE t",
        "COPY t TO 'x'",
        "WITH x AS (COPY t TO 'x') SELECT * FROM x",
        "WITH y AS (SELECT 1), x AS (COPY t TO 'x') SELECT * FROM x, y",
        "WITH x AS (INSERT INTO t VALUES (1, 2) RETURNING a) FROM x",
        "WITH x AS (UPDATE t SET a = 1 RETURNING a) FROM x",
        "WITH x AS (DELETE FROM t RETURNING a) FROM x",
        "EXPLAIN ANALYZE COPY t TO 'x'",
        "explain (analyze) COPY t TO 'x'",
        "EXPLAIN ANALYZE /* /* */ SELECT 1 -- */ COPY t TO 'x'",
        "/* a */ -- b\n EXPLAIN ANALYZE (FORMAT json) COPY t TO 'x'",
        "EXPLAIN ANALYZE WITH x AS (COPY t TO 'x') SELECT * FROM x",
        "EXPLAIN/**/ANALYZE/**/COPY t TO 'x'",
        "PIVOT t ON b USING sum(a)",
        "PREPARE p AS SELECT 1",
        "SET VARIABLE lake = '/'",
        "PRAGMA version",
        "CALL pragma_version()",
        "CREATE TEMP TABLE x (a INT)",
        "SELECT $1, $a",
    ],
)
def test_what_is_more_than_a_question_is_refused(database, sql):
    with pytest.raises((ConfigError, duckdb.Error)):
        check_question(database, sql)


def test_a_refusal_says_what_to_type(database):
    for sql, text in (
        ("COPY t TO 'x'", "COPY does more"),
        ("WITH x AS (COPY t TO 'x') SELECT 1", "COPY does more"),
        ("SET threads = 1", "Ask with SELECT"),
        ("PIVOT t ON b USING sum(a)", "IN (...)"),
        ("SELECT 1; SELECT 2", "more than one"),
    ):
        with pytest.raises(ConfigError) as raised:
            check_question(database, sql)
        assert text in str(raised.value)


def test_work_gives_its_answer_or_its_error(database):
    before = threading.active_count()
    assert bounded(database, lambda: database.execute("SELECT 41 + 1").fetchone()) == (42,)
    with pytest.raises(duckdb.BinderException):
        bounded(database, lambda: database.execute("SELECT nothing"), 60)
    assert threading.active_count() == before


def test_time_is_bounded(database):
    with pytest.raises(TimeoutError):
        bounded(database, lambda: database.execute(ENDLESS).fetchall(), 0.3)
    wait_for_threads()
    assert database.execute("SELECT 1").fetchone() == (1,)


def test_ctrl_c_stops_the_question(database):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            bounded(database, lambda: database.execute(ENDLESS).fetchall())
    finally:
        timer.join()
        signal.signal(signal.SIGINT, before)
    wait_for_threads()
    assert database.execute("SELECT 1").fetchone() == (1,)


def test_what_does_not_stop_is_told_apart(database, monkeypatch):
    monkeypatch.setattr("thresher.manifests.catalog.questions._STOPS_WITHIN", 0.1)
    go_on = threading.Event()
    with pytest.raises(NotStoppedError):
        bounded(database, go_on.wait, 0.1)
    go_on.set()
    wait_for_threads()
