"""The one door to a lake: a DuckDB connection that reads the catalog and the lake's files.

Each connection is a database of its own in memory, with the catalog attached through `lake://`
(`files.py`). Its views find their files through the variable `lake`, so a lake may be moved. What
DuckDB opens by any other name is refused; only what does not fit in memory goes to a folder of its
own, which disappears with the connection.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import weakref
from collections.abc import Iterator
from pathlib import Path

import duckdb

from thresher.filters.errors import ConfigError, StoreError
from thresher.manifests.catalog.build import PATH, build_file
from thresher.manifests.catalog.facts import Facts
from thresher.manifests.catalog.files import PROTOCOL, URL, LakeFiles
from thresher.manifests.catalog.views import NAME_OF_FILES, SHOWN, create_views, quoted
from thresher.manifests.run import ENDED, RunRecord, find_run
from thresher.manifests.store import Store

_SETTINGS = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "allow_persistent_secrets": "false",
    # Otherwise a table that does not exist is looked for among Python's variables.
    "python_enable_replacements": "false",
    # Under `python -m` DuckDB takes stdout, where results go, for a person's screen.
    "enable_progress_bar": "false",
    "allowed_directories": f"['{URL}']",  # and the spill folder, which DuckDB adds
    "enable_external_access": "false",
    "lock_configuration": "true",
}
"""In this order: the last two allow no further change."""


_SPILLS: weakref.WeakKeyDictionary[duckdb.DuckDBPyConnection, Path] = weakref.WeakKeyDictionary()

_RAISED_HERE = "Traceback (most recent call last)"
"""How DuckDB begins an error that Python raised."""


@contextlib.contextmanager
def connect(store: Store, memory: str = "", run: str = "") -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to the catalog of a lake that ends with the block; see `open_catalog`.

    Raises:
        StoreError: if the lake has no catalog or no such run, or a question asks for what lies
            outside the lake.
        ConfigError: if `memory` is not one.
    """
    with explained(store):
        database = open_catalog(store, memory, run)
        spill = spill_folder(database)
        try:
            yield database
        finally:
            with contextlib.suppress(
                duckdb.ResourceInUseException
            ):  # a question that does not stop
                database.close()
            shutil.rmtree(spill, ignore_errors=True)


def open_catalog(store: Store, memory: str = "", run: str = "") -> duckdb.DuckDBPyConnection:
    """A connection to the catalog of a lake as it is now, for the caller to close.

    Several may stand beside each other in one process. Whoever hands it other people's SQL asks
    `check_question` first: what is refused here is what leaves the lake or changes it.

    Args:
        store: the lake.
        memory: what a question may take before it spills, such as ``4GB`` or ``50%``; "" leaves
            it to DuckDB.
        run: name or id of the run that the views show, as it is now; by default the one that was
            the latest when the catalog was written.

    Raises:
        StoreError: if the lake has no catalog, or no such run.
        ConfigError: if `memory` is not one.
        duckdb.Error: if the catalog is not one.
    """
    if not store.exists(PATH):
        find_run(store)
        raise StoreError(
            f"{store.url(PATH)} does not exist: `thresher catalog rebuild {store.url()}` makes it"
        )
    record = find_run(store, run) if run else None
    folder = tempfile.mkdtemp(prefix="thresher-")  # for this user's eyes only
    try:
        database = duckdb.connect(":memory:", config={"temp_directory": f"{folder}/spill"})
    except BaseException:
        shutil.rmtree(folder)
        raise
    _SPILLS[database] = Path(folder)
    weakref.finalize(database, shutil.rmtree, folder, ignore_errors=True)
    try:
        _set_memory(database, memory)
        database.register_filesystem(LakeFiles(store, whole=frozenset({PATH})))
        _attach(database, store, folder, record)
        for name, value in _SETTINGS.items():
            database.execute(f"SET {name} = {value}")
    except BaseException:
        database.close()
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return database


def spill_folder(database: duckdb.DuckDBPyConnection) -> Path:
    """The folder that holds whatever a connection of `open_catalog` puts on disk."""
    return _SPILLS[database]  # never from DuckDB's settings: what it names is removed


@contextlib.contextmanager
def explained(store: Store) -> Iterator[None]:
    """What DuckDB says about files, as a `StoreError` that says what to do."""
    try:
        yield
    except duckdb.Error as error:
        ours = str(error).startswith(_RAISED_HERE)
        if not ours and not isinstance(error, duckdb.PermissionException | duckdb.IOException):
            raise
        raise StoreError(
            f"{store.url(PATH)}: {plain(error)}. SQL reads the lake's files only, as {URL}PATH; if "
            f"the catalog is older than they are, `thresher catalog rebuild {store.url()}` makes "
            "it again"
        ) from error


def plain(error: duckdb.Error) -> str:
    """What DuckDB says, without the stack where it repeats an error of `files.py`."""
    message = str(error).strip()
    if message.startswith(_RAISED_HERE):
        raised = [line for line in message.splitlines()[1:] if not line.startswith(" ")]
        message = raised[0].partition(": ")[2] if raised else message
    return message


def views(database: duckdb.DuckDBPyConnection) -> set[str]:
    """The views of the run that a connection shows."""
    names = "SELECT view_name FROM duckdb_views() WHERE database_name = current_database()"
    return {name for (name,) in database.execute(names).fetchall()}


def not_read_whole(
    database: duckdb.DuckDBPyConnection, run_id: str
) -> list[tuple[str, str, str | None]]:
    """URI, status and error of the run's input shards that are not complete, by URI."""
    return database.execute(
        "SELECT uri, status, error FROM input_shards "
        "WHERE run_id = $run AND status <> 'complete' ORDER BY uri",
        {"run": run_id},
    ).fetchall()


def _set_memory(database: duckdb.DuckDBPyConnection, memory: str) -> None:
    if not memory:
        return
    try:
        database.execute("SET memory_limit = $memory", {"memory": memory})
    except duckdb.Error as error:
        problem = str(error).strip().splitlines()[0].partition(": ")[2]
        raise ConfigError(f"memory '{memory}'", f"{problem}.", "Such as 4GB or 50%.") from error


def _attach(
    database: duckdb.DuckDBPyConnection, store: Store, folder: str, run: RunRecord | None
) -> None:
    database.execute(f"SET VARIABLE {NAME_OF_FILES} = '{PROTOCOL}:/'")
    database.execute(f"ATTACH '{URL}{PATH}' AS lake (READ_ONLY)")
    if not _is_current(database, run):
        database.execute("DETACH lake")
        file = Path(folder) / PATH
        build_file(store, file, run.run_id if run else "")
        database.execute(f"ATTACH {quoted(str(file))} AS lake (READ_ONLY)")
    if run and database.execute(f"FROM lake.{SHOWN}").fetchall() != [(run.run_id,)]:
        # Nothing but the tables is taken from the catalog: whatever view the run lacks is missing.
        for (name,) in database.execute(
            "SELECT table_name FROM duckdb_tables() WHERE database_name = 'lake'"
        ).fetchall():
            database.execute(f'CREATE VIEW "{name}" AS FROM lake."{name}"')
        create_views(database, Facts(store, run))
    else:
        database.execute("USE lake")


def _is_current(database: duckdb.DuckDBPyConnection, run: RunRecord | None) -> bool:
    """Whether the catalog is of this version, and has all of a run."""
    views = "SELECT 1 FROM duckdb_views() WHERE database_name = 'lake' AND view_name = $name"
    if not database.execute(views, {"name": SHOWN}).fetchall():
        return False
    if run is None:
        return True
    states = "SELECT status, started, finished FROM lake.runs WHERE run_id = $run"
    held = database.execute(states, {"run": run.run_id}).fetchall()
    return run.status in ENDED and held == [(run.status, run.started, run.finished)]
