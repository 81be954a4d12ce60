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
from thresher.manifests.catalog.files import PROTOCOL, URL, LakeFiles
from thresher.manifests.catalog.views import NAME_OF_FILES, quoted
from thresher.manifests.run import find_run
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
def connect(store: Store, memory: str = "") -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to the catalog of a lake that ends with the block; see `open_catalog`.

    Raises:
        StoreError: if the lake has no catalog, or a question asks for what lies outside the lake.
        ConfigError: if `memory` is not one.
    """
    with explained(store):
        database = open_catalog(store, memory)
        spill = spill_folder(database)
        try:
            yield database
        finally:
            with contextlib.suppress(
                duckdb.ResourceInUseException
            ):  # a question that does not stop
                database.close()
            shutil.rmtree(spill, ignore_errors=True)


def open_catalog(store: Store, memory: str = "") -> duckdb.DuckDBPyConnection:
    """A connection to the catalog of a lake as it is now, for the caller to close.

    Several may stand beside each other in one process. Whoever hands it other people's SQL asks
    `check_question` first: what is refused here is what leaves the lake or changes it.

    Args:
        store: the lake.
        memory: what a question may take before it spills, such as ``4GB`` or ``50%``; "" leaves
            it to DuckDB.

    Raises:
        StoreError: if the lake has no catalog.
        ConfigError: if `memory` is not one.
        duckdb.Error: if the catalog is not one.
    """
    if not store.exists(PATH):
        find_run(store)
        raise StoreError(
            f"{store.url(PATH)} does not exist: `thresher catalog rebuild {store.url()}` makes it"
        )
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
        _attach(database, store, folder)
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


def _attach(database: duckdb.DuckDBPyConnection, store: Store, folder: str) -> None:
    database.execute(f"ATTACH '{URL}{PATH}' AS lake (READ_ONLY)")
    macros = "SELECT 1 FROM duckdb_functions() WHERE database_name = 'lake' AND function_name = $1"
    if not database.execute(macros, [NAME_OF_FILES]).fetchall():
        # Earlier versions wrote full paths into their views.
        database.execute("DETACH lake")
        file = Path(folder) / PATH
        build_file(store, file)
        database.execute(f"ATTACH {quoted(str(file))} AS lake (READ_ONLY)")
    database.execute("USE lake")
    database.execute(f"SET VARIABLE {NAME_OF_FILES} = '{PROTOCOL}:/'")
