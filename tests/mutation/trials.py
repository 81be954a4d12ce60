"""Trying mutants: each runs in a forked process, with the tests that reach it, until one fails.

A process that has imported nothing of Thresher forks one that collects a module's tests, and that
one forks for every change of a function, whose code the child replaces. What runs when the module
is imported is tried by a child of the first, which imports the changed source.
"""

from __future__ import annotations

import contextlib
import gc
import importlib.abc
import importlib.machinery
import importlib.util
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import types
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from mutants import Mutant
from reach import OPTIONS

SURVIVED, KILLED, TIMED_OUT = "survived", "killed", "timed out"
VOID = "void"
"""Of a trial that says nothing: it did not begin, or its test fails without the mutant too."""
_NOT_TRIED = 99
_OF_TIME = (signal.SIGXCPU, signal.SIGKILL)
_SECONDS = 6.0
"""Of processor time before a trial is given up, besides a multiple of what its tests take."""
_TIMES = 3
_WAITING = 8
"""Seconds by the clock for each of those: other work may slow a trial down."""
_BYTES = 12 * 2**30
"""Address space of a trial: a mutant may ask for memory without end."""


class Outcome(NamedTuple):
    """What became of a trial, the test that failed, and the seconds of processor time it took."""

    what: str
    test: str = ""
    seconds: float = 0.0


def tried(child: Callable[[Callable[[str], None]], None], seconds: float, folder: Path) -> Outcome:
    """Run a function in a forked process of its own group.

    Args:
        child: is given what to call with the name of the first test that fails; its return means
            that all passed.
        seconds: of processor time that it may well take.
        folder: for the temporary files of its tests; is emptied.
    """
    shutil.rmtree(folder, ignore_errors=True)
    ours, theirs = os.pipe()
    process = os.fork()
    if not process:
        try:
            os.setpgid(0, 0)
            folder.mkdir(parents=True)
            tempfile.tempdir = os.environ["TMPDIR"] = str(folder)
            limit = int(seconds * _TIMES + _SECONDS)
            resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
            resource.setrlimit(resource.RLIMIT_AS, (_BYTES, _BYTES))
            silence = os.open(os.devnull, os.O_WRONLY)
            os.dup2(silence, 1)
            os.dup2(silence, 2)
        except OSError:
            os._exit(_NOT_TRIED)
        try:
            child(lambda test: _tell(theirs, test))
            os._exit(0)
        finally:
            _tell(theirs, "(pytest stopped)")
    os.close(theirs)
    patience = _WAITING * (seconds * _TIMES + _SECONDS)
    done = status = 0
    before = time.monotonic()
    while not done and patience > 0:
        done, status, used = os.wait4(process, os.WNOHANG)
        if not done:
            time.sleep(0.004)
        now = time.monotonic()
        patience -= min(now - before, 1.0)  # a machine may sleep, and both processes with it
        before = now
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process, signal.SIGKILL)  # and what it started
    if not done:
        _, status, used = os.wait4(process, 0)
    os.set_blocking(ours, False)  # something that the trial started may hold the other end
    said = b""
    with contextlib.suppress(BlockingIOError):
        said = os.read(ours, 4000) if done else b""
    os.close(ours)
    shutil.rmtree(folder, ignore_errors=True)
    took = used.ru_utime + used.ru_stime
    if not done or (os.WIFSIGNALED(status) and os.WTERMSIG(status) in _OF_TIME):
        return Outcome(TIMED_OUT, "", took)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status) in (0, _NOT_TRIED):
        return Outcome(VOID if os.WEXITSTATUS(status) else SURVIVED, "", took)
    return Outcome(KILLED, said.decode() or "(its process ended)", took)


def _tell(pipe: int, test: str) -> None:
    """End a trial's process with the name of what failed."""
    os.write(pipe, test.encode()[:4000])
    os._exit(1)


class Collected:
    """A pytest plugin that hands the collected tests to a function instead of running them.

    Args:
        serve: is called with the tests by name.
    """

    def __init__(self, serve: Callable[[dict[str, Any]], None]) -> None:
        self._serve = serve

    def pytest_collection(self) -> None:
        hurried()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: Any) -> bool:
        self._serve({item.nodeid: item for item in session.items})
        return True


def hurried() -> None:
    """Have Hypothesis repeat the same examples, shrink nothing and mind no clock."""
    import hypothesis

    hypothesis.settings.register_profile(
        "mutation",
        derandomize=True,
        database=None,
        deadline=None,
        phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate),
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    hypothesis.settings.load_profile("mutation")


def load_kernels() -> None:
    """Load every compiled kernel that lies in the cache, so that no trial has to."""
    from numba.core.dispatcher import Dispatcher

    for each in [found for found in gc.get_objects() if isinstance(found, Dispatcher)]:
        file = getattr(each._cache, "_cache_file", None)
        for key in file._load_index() if file is not None else ():
            each.compile(key[0])


def run_items(items: Sequence[Any], failed: Callable[[str], None]) -> None:
    """Run tests in this process; the first that does not pass is told at once."""
    if not items:
        return

    class Watch:
        def pytest_runtest_logreport(self, report: Any) -> None:
            if report.failed:
                failed(report.nodeid)

    items[0].config.pluginmanager.register(Watch())
    for n, item in enumerate(items):
        following = items[n + 1] if n + 1 < len(items) else None
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)


def functions_of(path: str) -> dict[tuple[str, int], list[types.FunctionType]]:
    """The functions of a module that live, by name and first line."""
    found: dict[tuple[str, int], list[types.FunctionType]] = {}
    for each in gc.get_objects():
        if isinstance(each, types.FunctionType) and each.__code__.co_filename == path:
            key = each.__code__.co_qualname, each.__code__.co_firstlineno
            found.setdefault(key, []).append(each)
    return found


def codes_of(code: types.CodeType) -> Iterator[types.CodeType]:
    """A code object and all within it."""
    yield code
    for each in code.co_consts:
        if isinstance(each, types.CodeType):
            yield from codes_of(each)


def replace_function(
    mutant: Mutant,
    source: bytes,
    path: str,
    living: dict[tuple[str, int], list[types.FunctionType]],
    only_ask: bool = False,
) -> bool:
    """Give the living function the code of a mutant; False if that cannot be done.

    Args:
        mutant: the change.
        source: of the module.
        path: of the module, as its code objects have it.
        living: see `functions_of`.
        only_ask: change nothing.
    """
    if mutant.function is None:
        return False
    made = compile(mutant.source(source), path, "exec", dont_inherit=True)
    code = next(
        (c for c in codes_of(made) if (c.co_qualname, c.co_firstlineno) == mutant.function), None
    )
    functions = living.get(mutant.function, [])
    if code is None or not functions:
        return False
    if any(len(each.__code__.co_freevars) != len(code.co_freevars) for each in functions):
        return False
    for each in () if only_ask else functions:
        each.__code__ = code
    return True


class ChangedSource(importlib.abc.MetaPathFinder, importlib.machinery.SourceFileLoader):
    """Imports one module from a changed source."""

    def __init__(self, name: str, path: str, source: bytes) -> None:
        super().__init__(name, path)
        self._source = source

    def find_spec(self, fullname: str, *_: Any) -> Any:
        if fullname != self.name:
            return None
        return importlib.util.spec_from_file_location(fullname, self.path, loader=self)

    def get_code(self, _fullname: str) -> Any:
        return compile(self._source, self.path, "exec", dont_inherit=True)

    def is_package(self, _fullname: str) -> bool:
        return self.path.endswith("__init__.py")


def run_changed(
    name: str, path: str, source: bytes, tests: Sequence[str], failed: Callable[[str], None]
) -> None:
    """Import a module from a changed source and run tests; this process has not imported it yet."""
    sys.meta_path.insert(0, ChangedSource(name, path, source))

    def serve(items: dict[str, Any]) -> None:
        missing = [test for test in tests if test not in items]
        if missing:
            failed(f"{missing[0]} (not collected)")
        run_items([items[test] for test in tests], failed)
        os._exit(0)

    pytest.main([*OPTIONS, "-s", *files_of(tests)], plugins=[Collected(serve)])
    failed("(import)")


def files_of(tests: Sequence[str]) -> list[str]:
    """The files of tests, each once."""
    return list(dict.fromkeys(test.split("::")[0] for test in tests))
