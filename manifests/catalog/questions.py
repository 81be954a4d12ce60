"""Other people's SQL: what counts as a question, and how one is stopped.

DuckDB's fence (`door.py`) keeps the lake as it is whatever the SQL; what is refused here has no
business in a question at all, and is told so in a sentence.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import duckdb
import msgspec

from thresher.filters.errors import ConfigError, ThresherError

T = TypeVar("T")

_QUESTIONS = "SELECT, WITH, FROM, VALUES, SHOW, DESCRIBE, SUMMARIZE or EXPLAIN"
_READING_NODES = frozenset({"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"})
_STOPS_WITHIN = 1.0
"""Seconds that DuckDB gets to end what it was told to."""


class NotStoppedError(ThresherError):
    """DuckDB goes on with what it was told to stop: only the end of the process ends it."""


def check_question(database: duckdb.DuckDBPyConnection, sql: str, where: str = "query") -> None:
    """Refuse SQL that is anything but one question.

    Args:
        database: any connection.
        sql: what is asked.
        where: what the errors call it.

    Raises:
        ConfigError: if it holds no statement, several, or one that does more than read.
        duckdb.ParserException: if it is not SQL.
    """
    statements = database.extract_statements(sql)
    if len(statements) != 1:
        problem = "holds no statement." if not statements else "holds more than one statement."
        raise ConfigError(where, problem, 'Such as "SHOW TABLES".')
    kind = _kind(statements[0])
    if kind == "EXPLAIN":
        if "ANALYZE" in sql.upper():  # it does what it explains; without, nothing is done
            raise _not_a_question(where, "EXPLAIN ANALYZE")
    elif kind == "MULTI":  # it makes a type first
        raise ConfigError(where, "needs the values of a PIVOT named:", "PIVOT ... ON x IN (...).")
    elif kind != "SELECT":
        raise _not_a_question(where, kind)
    else:
        _check_parts(database, sql, where)


def bounded(database: duckdb.DuckDBPyConnection, work: Callable[[], T], seconds: float = 0) -> T:
    """Do work with a connection, stopped by Ctrl-C (KeyboardInterrupt) or after some time.

    DuckDB holds the thread that asks until it answers, signals or not, so the work is done in
    another one. Only that thread uses the connection until the end.

    Args:
        database: what the work asks.
        work: the asking and the reading of what comes.
        seconds: how long it may take; 0 sets no limit.

    Raises:
        TimeoutError: after `seconds`.
        NotStoppedError: if it goes on after it was stopped, as it does inside one long call of a
            function.
    """
    answer: list[T] = []
    raised: list[BaseException] = []
    done = threading.Event()  # Python 3.11 takes a thread whose `join` was interrupted for ended

    def run() -> None:
        try:
            answer.append(work())
        except BaseException as error:  # noqa: BLE001 - raised again below, in the thread that asked
            raised.append(error)
        finally:
            done.set()

    thread = threading.Thread(target=run, name="question", daemon=True)
    thread.start()
    try:
        in_time = done.wait(seconds or None)
    except BaseException:
        try:
            _stop(database, done)
        except KeyboardInterrupt as again:
            raise NotStoppedError("stopped twice") from again
        raise
    if not in_time:
        _stop(database, done)
        raise TimeoutError
    thread.join()
    if raised:
        raise raised[0]
    return answer[0]


def _kind(statement: duckdb.Statement) -> str:
    try:
        return str(statement.type.name)
    except ValueError:  # Python's DuckDB lacks names for some, such as UPDATE EXTENSIONS
        return "this statement"


def _stop(database: duckdb.DuckDBPyConnection, done: threading.Event) -> None:
    until = time.monotonic() + _STOPS_WITHIN
    while time.monotonic() < until:
        database.interrupt()  # again and again: the work may be between two questions
        if done.wait(0.02):
            return
    raise NotStoppedError("the question goes on")


def _check_parts(database: duckdb.DuckDBPyConnection, sql: str, where: str) -> None:
    """Refuse a SELECT in which a part of WITH writes."""
    found = database.execute("SELECT json_serialize_sql($sql)", {"sql": sql}).fetchall()
    try:
        tree = msgspec.json.decode(found[0][0])
    except RecursionError as error:
        raise ConfigError(where, "nests too deep.") from error
    if tree["error"]:
        raise ConfigError(where, f"cannot be read: {tree['error_message']}")
    left: list[Any] = [tree]
    while left:
        item = left.pop()
        if isinstance(item, dict):
            node = item.get("query_node")
            if isinstance(node, dict) and node["type"] not in _READING_NODES:
                raise _not_a_question(where, node["type"].removesuffix("_QUERY_NODE"))
            left.extend(item.values())
        elif isinstance(item, Sequence) and not isinstance(item, str):
            left.extend(item)


def _not_a_question(where: str, kind: str) -> ConfigError:
    return ConfigError(
        where, f"only reads, and {kind.replace('_', ' ')} does more.", f"Ask with {_QUESTIONS}."
    )
