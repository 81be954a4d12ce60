"""Which lines of the modules each test reaches, and how long each test takes.

A test file is run in a process of its own, under coverage, and what came out is kept until the
file or a module changes. What a fixture of a wider scope runs counts for every test that has it.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

OPTIONS = [
    "-q", "-p", "no:cacheprovider", "-m", "not slow and not chaos and not ray",
    "-W", "ignore::pytest.PytestAssertRewriteWarning",
]  # fmt: skip
"""Ray's workers are processes of their own, which do not see a mutant. Hypothesis is imported once,
before the forks and before pytest could rewrite it."""

_RAN = {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED}


@dataclass(slots=True)
class Reached:
    """A test: the lines of each module it reaches, as bits, and its seconds of processor time."""

    seconds: float = 0.0
    lines: dict[str, int] = field(default_factory=dict)


class Recorder:
    """A pytest plugin that notes under which test or fixture a line ran.

    Args:
        root: the repository.
        modules: paths below it.
    """

    def __init__(self, root: Path, modules: Sequence[str]) -> None:
        import coverage

        self.root = root
        self._modules = modules
        self._stack: list[str] = [""]
        self._fixtures: dict[str, list[str]] = {}
        self._seconds: dict[str, float] = {}
        self._failed: set[str] = set()
        os.environ["COVERAGE_CORE"] = "ctrace"  # the others know no contexts
        include = [str(root / module) for module in modules]
        self._coverage = coverage.Coverage(data_file=None, config_file=False, include=include)
        self._coverage.start()

    def _enter(self, context: str) -> None:
        self._stack.append(context)
        self._coverage.switch_context(context)

    def _leave(self) -> None:
        self._stack.pop()
        self._coverage.switch_context(self._stack[-1])

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: Any) -> Iterator[None]:
        began = _processor_seconds()
        self._enter(item.nodeid)
        try:
            return (yield)
        finally:
            self._leave()
            self._seconds[item.nodeid] = _processor_seconds() - began
            known = item._fixtureinfo.name2fixturedefs
            self._fixtures[item.nodeid] = [
                _fixture(each) for name in item.fixturenames for each in known.get(name, ())
            ]

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Iterator[None]:
        if fixturedef.scope == "function":
            return (yield)
        self._enter(_fixture(fixturedef))
        try:
            return (yield)
        finally:
            self._leave()

    def pytest_runtest_logreport(self, report: Any) -> None:
        if not report.passed:
            self._failed.add(report.nodeid)

    def result(self) -> dict[str, Reached]:
        """Every test that passed."""
        self._coverage.stop()
        data = self._coverage.get_data()
        bits: dict[str, dict[str, int]] = {}
        for module in self._modules:
            lines = data.contexts_by_lineno(str(self.root / module))
            for line, contexts in lines.items():
                for context in contexts:
                    mine = bits.setdefault(context, {})
                    mine[module] = mine.get(module, 0) | 1 << line
        found = {}
        for test, seconds in self._seconds.items():
            if test in self._failed:
                continue
            found[test] = Reached(seconds, dict(bits.get(test, {})))
            for fixture in self._fixtures[test]:
                for module, lines in bits.get(fixture, {}).items():
                    found[test].lines[module] = found[test].lines.get(module, 0) | lines
        return found


def _fixture(definition: Any) -> str:
    return f"fixture {definition.baseid}::{definition.argname}"


def _processor_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def record(root: Path, test: str, modules: Sequence[str], kept: Path) -> None:
    """Run a test file in this process and keep what it reaches.

    Args:
        root: the repository, which is the current folder.
        test: path of the file below it.
        modules: paths of the modules that count.
        kept: where it is kept.
    """
    recorder = Recorder(root, modules)
    if pytest.main([*OPTIONS, test], plugins=[recorder]) not in _RAN:
        return
    tests = {
        name: {
            "seconds": round(each.seconds, 3),
            "lines": {m: hex(b) for m, b in each.lines.items()},
        }
        for name, each in recorder.result().items()
    }
    kept.parent.mkdir(parents=True, exist_ok=True)
    temporary = kept.with_suffix(".new")
    temporary.write_text(json.dumps({"stamp": stamp(root, test, modules), "tests": tests}))
    temporary.replace(kept)


def kept_reach(
    root: Path, test: str, modules: Sequence[str], kept: Path
) -> dict[str, Reached] | None:
    """What was kept of a test file; None if it or a module is another now."""
    try:
        found = json.loads(kept.read_text())
    except (OSError, ValueError):
        return None
    if found["stamp"] != stamp(root, test, modules):
        return None
    return {
        name: Reached(each["seconds"], {m: int(b, 16) for m, b in each["lines"].items()})
        for name, each in found["tests"].items()
    }


def stamp(root: Path, test: str, modules: Sequence[str]) -> str:
    """Changes when a test file, what it shares with others, or a module does."""
    digest = hashlib.sha256(_digest(root, tuple(modules)))
    shared = [
        path
        for folder in (root / test).parents
        if folder.is_relative_to(root / "tests")
        for path in sorted(folder.glob("*.py"))
        if not path.name.startswith("test_")
    ]
    for path in [root / test, *shared]:
        digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()


@functools.cache
def _digest(root: Path, modules: tuple[str, ...]) -> bytes:
    """Of all modules, as they are when a run begins."""
    return hashlib.sha256(b"\0".join((root / each).read_bytes() for each in modules)).digest()


def importers(sources: Mapping[str, bytes]) -> dict[str, set[str]]:
    """Which of the modules import each of them."""
    found: dict[str, set[str]] = {module: set() for module in sources}
    for module, source in sources.items():
        for node in ast.walk(ast.parse(source)):
            names = []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module, *(f"{node.module}.{each.name}" for each in node.names)]
            elif isinstance(node, ast.Import):
                names = [each.name for each in node.names]
            for name in names:
                path = name.removeprefix("thresher.").replace(".", "/")
                for other in (f"{path}.py", f"{path}/__init__.py"):
                    if other in found:
                        found[other].add(module)
    return found


def early(sources: Mapping[str, bytes]) -> dict[str, set[str]]:
    """The functions of each module that run while modules are imported, or whose answer is kept.

    What they gave is there before a test begins, so that their code cannot be changed any more.

    Args:
        sources: by paths below the repository.
    """
    trees = {module: ast.parse(source) for module, source in sources.items()}
    functions = {
        (module, node.name): node
        for module, tree in trees.items()
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
    }
    known = {module: _known(module, tree, functions) for module, tree in trees.items()}
    left = [key for key, node in functions.items() if any("cache" in d for d in _decorators(node))]
    left += [
        key for module, tree in trees.items() for key in _called(_at_import(tree), known[module])
    ]
    found: dict[str, set[str]] = {module: set() for module in sources}
    while left:
        module, name = left.pop()
        if name not in found[module]:
            found[module].add(name)
            left += _called([functions[module, name]], known[module])
    return found


_Key = tuple[str, str]


def _known(module: str, tree: ast.Module, functions: Mapping[_Key, ast.AST]) -> dict[str, _Key]:
    """The functions that a module knows, by the names it has for them."""
    found = {name: (m, name) for m, name in functions if m == module}
    for node in tree.body:
        if not isinstance(node, ast.ImportFrom) or not node.module:
            continue
        folder = node.module.removeprefix("thresher.").replace(".", "/")
        for path in (f"{folder}.py", f"{folder}/__init__.py"):
            for each in node.names:
                if (path, each.name) in functions:
                    found[each.asname or each.name] = (path, each.name)
    return found


def _at_import(tree: ast.AST) -> Iterator[ast.AST]:
    """What runs of a module or a class when it is imported."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from (*node.decorator_list, *node.args.defaults)
        elif isinstance(node, ast.ClassDef):
            yield from _at_import(node)
        else:
            yield node


def _called(nodes: Iterable[ast.AST], known: Mapping[str, _Key]) -> list[_Key]:
    calls = (each for node in nodes for each in ast.walk(node) if isinstance(each, ast.Call))
    names = {each.func.id for each in calls if isinstance(each.func, ast.Name)}
    return [known[name] for name in sorted(names & known.keys())]


def _decorators(node: ast.FunctionDef) -> list[str]:
    return [ast.unparse(each) for each in node.decorator_list]
