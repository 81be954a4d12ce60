"""A run over modules: which tests a mutant is given, what holds of earlier runs, the processes."""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from mutants import Mutant
from reach import OPTIONS, Reached, early, importers
from standing import UNREACHED, Result, Survivor, add_result, read_results, stamp_of
from trials import (
    KILLED,
    SURVIVED,
    VOID,
    Collected,
    Outcome,
    files_of,
    functions_of,
    load_kernels,
    replace_function,
    run_changed,
    run_items,
    tried,
)

TEST_SECONDS = 10.0
"""Of processor time that a mutant's tests may take: those of the module's folder, then as long
those that are made to notice, then as long all others."""
_RUNS = ("tests/jobs/test_ledger.py", "tests/jobs/test_fingerprints.py")
NOTICING = {
    "jobs/": _RUNS,
    "pipeline/": _RUNS,
    "jobs/plan.py": ("tests/jobs/test_own_code.py",),
    "jobs/run.py": ("tests/jobs/test_heartbeat.py",),
}
"""Files of tests that notice much of the modules whose paths begin so, and have twice the time: in
the first ones all counts and fingerprints of whole runs are compared."""


class Runs:
    """Tries the mutants of modules.

    Args:
        root: the repository.
        sources: of all modules that are changed, by their paths below it.
        reach: the lines that each test reaches.
        survivors: the list as it is; what it calls equivalent is not tried.
    """

    def __init__(
        self,
        root: Path,
        sources: Mapping[str, bytes],
        reach: Mapping[str, Reached],
        survivors: Mapping[str, Survivor],
    ) -> None:
        self._root, self._sources, self._reach = root, sources, reach
        self._survivors = survivors
        self._importers = importers(sources)
        self._early = early(sources)
        self._kept: dict[str, dict[str, Result]] = {}
        self._works: dict[str, bool] = {}

    def results(self, module: str) -> dict[str, Result]:
        """The last result of each mutant of a module."""
        return {
            name: r for name, r in read_results(self._path(module)).items() if r.outcome != VOID
        }

    def tests_of(self, mutant: Mutant) -> list[str]:
        """The tests that a mutant is given: the module's own first, then those of its folder."""
        first, last = mutant.lines
        folder = f"tests/{Path(mutant.module).parent.as_posix()}/"
        bits = sum(1 << line for line in range(first, last + 1)) if last else 0
        reaching = {t for t, r in self._reach.items() if r.lines.get(mutant.module, 0) & bits}
        found = [test for test in self._reach if test in reaching]
        if self._is_early(mutant):
            users = {mutant.module, *self._importers[mutant.module]}
            found = [
                test
                for test, r in self._reach.items()
                if users & r.lines.keys() or (not r.lines and test.startswith(folder))
            ]  # a test that asks for what stands in a module runs no line of it
        own = f"{folder}test_{Path(mutant.module).stem}.py"
        costs: dict[str, float] = {}
        for test in found:
            file = test.split("::")[0]
            costs[file] = costs.get(file, 0.0) + self._reach[test].seconds

        noticing = {
            file
            for prefix, files in NOTICING.items()
            for file in files
            if mutant.module.startswith(prefix)
        }

        def distance(test: str) -> int:
            file = test.split("::")[0]
            if file == own or file in noticing:
                return 0 if file == own else 2
            return 1 if file.startswith(folder) else 3

        def order(test: str) -> tuple[int, bool, float, str]:
            file = test.split("::")[0]
            return distance(test), test not in reaching, costs[file], file

        taken: list[str] = []
        spent: defaultdict[int, float] = defaultdict(float)
        for test in sorted(found, key=order):
            group, seconds = max(1, distance(test)), self._reach[test].seconds
            limit = TEST_SECONDS * (2 if group == 2 else 1)
            if not spent[group] or spent[group] + seconds <= limit:
                taken.append(test)
                spent[group] += seconds
        return taken

    def _is_early(self, mutant: Mutant) -> bool:
        """Whether what it changes has run before a test begins."""
        return mutant.function is None or mutant.function[0] in self._early[mutant.module]

    def is_open(self, mutant: Mutant) -> bool:
        """Whether a mutant is to be tried: it is not called equivalent, and no result holds."""
        known = self._survivors.get(mutant.id)
        if known is not None and known.equivalent:
            return False
        if mutant.module not in self._kept:
            self._kept[mutant.module] = self.results(mutant.module)
        result = self._kept[mutant.module].get(mutant.id)
        if result is None or result.stamp != self._stamp(mutant, result.outcome):
            return True
        return "::" in result.test and result.test.split(" ")[0] not in self._reach

    def module(self, module: str, some: Sequence[Mutant], deadline: float) -> None:
        """Try mutants of a module, in a process that has imported nothing of Thresher's."""
        given = {mutant.id: self.tests_of(mutant) for mutant in some}
        inside = [each for each in some if not self._is_early(each) and given[each.id]]
        if inside:
            process = os.fork()
            if not process:
                try:
                    self._collected(module, inside, given, deadline)
                finally:
                    os._exit(0)
            os.waitpid(process, 0)
        self._kept.clear()
        left = [mutant for mutant in some if self.is_open(mutant)]
        self._imported(module, left, given, deadline)

    def _collected(
        self,
        module: str,
        some: Sequence[Mutant],
        given: Mapping[str, list[str]],
        deadline: float,
    ) -> None:
        """Collect the tests of a module and try changes of its functions."""
        source, path = self._sources[module], self._imported_from(module)

        def serve(items: dict[str, Any]) -> None:
            living = functions_of(path)
            load_kernels()
            killers: Counter[str] = Counter()

            def unchanged(failed: Callable[[str], None], test: str) -> None:
                run_items([items[test]], failed)

            for mutant in some:
                if time.monotonic() > deadline:
                    return
                if not replace_function(mutant, source, path, living, only_ask=True):
                    continue
                tests = [test for test in _ordered(given[mutant.id], killers) if test in items]

                def child(
                    failed: Callable[[str], None], m: Mutant = mutant, t: list[str] = tests
                ) -> None:
                    replace_function(m, source, path, living)
                    run_items([items[test] for test in t], failed)

                self._try(mutant, child, unchanged, tests, killers)

        files = files_of([test for mutant in some for test in given[mutant.id]])
        pytest.main([*OPTIONS, "-s", *files], plugins=[Collected(serve)])

    def _imported(
        self,
        module: str,
        some: Sequence[Mutant],
        given: Mapping[str, list[str]],
        deadline: float,
    ) -> None:
        """Try mutants by importing the changed source."""
        source, path = self._sources[module], self._imported_from(module)
        name = "thresher." + module.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        killers: Counter[str] = Counter()

        def unchanged(failed: Callable[[str], None], test: str) -> None:
            run_changed(name, path, source, [test], failed)

        for mutant in some:
            if time.monotonic() > deadline:
                return
            tests = _ordered(given[mutant.id], killers)
            if not tests:
                self._note(mutant, Outcome(UNREACHED))
                continue

            def child(
                failed: Callable[[str], None], m: Mutant = mutant, t: list[str] = tests
            ) -> None:
                run_changed(name, path, m.source(source), t, failed)

            self._try(mutant, child, unchanged, tests, killers)

    def _try(
        self,
        mutant: Mutant,
        child: Callable[[Callable[[str], None]], None],
        unchanged: Callable[[Callable[[str], None], str], None],
        tests: Sequence[str],
        killers: Counter[str],
    ) -> None:
        """Try a mutant and note the outcome; a test that fails without it too is no proof."""
        folder = self._root / ".mutation" / "tmp" / str(os.getpid())
        outcome = tried(child, sum(self._reach[test].seconds for test in tests), folder)
        test = outcome.test
        if outcome.what == KILLED and test in self._reach:
            if test not in self._works:
                again = tried(lambda failed: unchanged(failed, test), 10.0, folder)
                self._works[test] = again.what == SURVIVED
            if not self._works[test]:
                print(f"fails without a mutant: {test}", flush=True)
                outcome = Outcome(VOID, test, outcome.seconds)
            killers[test] += 1
        self._note(mutant, outcome)

    def _note(self, mutant: Mutant, outcome: Outcome) -> None:
        what, test, seconds = outcome
        stamp = self._stamp(mutant, what)
        result = Result(mutant.id, mutant.module, what, test, stamp, round(seconds, 2))
        add_result(self._path(mutant.module), result)

    def _imported_from(self, module: str) -> str:
        """Its path as its code objects have it."""
        return str(self._root / "src" / "thresher" / module)

    def _path(self, module: str) -> Path:
        return self._root / ".mutation" / "results" / f"{module.replace('/', '-')}.jsonl"

    def _stamp(self, mutant: Mutant, outcome: str) -> str:
        files = files_of(self.tests_of(mutant)) if outcome in (SURVIVED, UNREACHED) else []
        return stamp_of(self._root, mutant.module, files)


def _ordered(tests: list[str], killers: Counter[str]) -> list[str]:
    """What killed others first."""
    first = [test for test, _ in killers.most_common(20) if test in tests][:3]
    return [*first, *(test for test in tests if test not in first)]


def side_by_side(work: Sequence[Callable[[], None]], jobs: int, logs: Sequence[Path]) -> None:
    """Run each function in a process of its own, so many at once; each prints to its log."""
    running: set[int] = set()
    for n, (function, log) in enumerate(zip(work, logs, strict=True)):
        while len(running) >= max(1, jobs):
            running.discard(os.wait()[0])
        process = os.fork()
        if not process:
            try:
                _print_to(log)
                function()
            except BaseException:  # noqa: BLE001 - this process only prints it
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(0)
        running.add(process)
        if n % 10 == 9:
            print(f"{n + 1} of {len(work)}", flush=True)
    while running:
        running.discard(os.wait()[0])


def _print_to(log: Path) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(file, 1)
    os.dup2(file, 2)
