"""How a command asks the catalog: Ctrl-C and time limits stop any question, and leave nothing."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from typing import NoReturn, Protocol, TypeVar

import duckdb

from thresher.filters.errors import ConfigError
from thresher.jobs import stopping
from thresher.jobs.cli.common import EXIT_USAGE, errors
from thresher.manifests import catalog
from thresher.manifests.store import Store

T = TypeVar("T")


class Ask(Protocol):
    """What `asked` gives."""

    def __call__(self, work: Callable[[duckdb.DuckDBPyConnection], T], seconds: float = 0) -> T:
        """Do work with the connection, within some seconds; 0 sets no limit."""


@contextlib.contextmanager
def asked(store: Store, memory: str = "", run: str = "") -> Iterator[Ask]:
    """A way to ask the catalog of a lake.

    A signal ends the process (`stopping`), also where DuckDB goes on with what it was told to stop.
    The folder to which the question spilled is removed in any case.

    Raises:
        StoreError: if the lake has no catalog or no such run, or what is asked for is not in it.
        ConfigError: if `memory` is not one, or a question takes too long.
    """
    with catalog.connect(store, memory, run) as database:
        spill = catalog.spill_folder(database)

        def ask(work: Callable[[duckdb.DuckDBPyConnection], T], seconds: float = 0) -> T:
            late = ConfigError(
                f"--timeout {seconds:g}",
                "the question took longer and was stopped.",
                "Ask for less, or give it more time; 0 sets no limit.",
            )
            try:
                return catalog.bounded(database, lambda: work(database), seconds)
            except TimeoutError as error:
                raise late from error
            except catalog.NotStoppedError as error:
                shutil.rmtree(spill, ignore_errors=True)
                asked_to = error.__context__
                if isinstance(asked_to, stopping.Stopped):
                    _end(asked_to.message(), asked_to.exit_code)
                _end(f"thresher: {late}", EXIT_USAGE)

        yield ask


def _end(message: str, code: int) -> NoReturn:
    """End the process at once: a thread of DuckDB's would hold an orderly end."""
    errors.print(message, markup=False, highlight=False, soft_wrap=True)
    sys.stdout.flush()
    os._exit(code)
