"""`__all__` of every public package says exactly what the package offers.

A package is public where its `__init__` binds a name that does not begin with an underscore: by
defining it, or by importing it for others.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
from collections import defaultdict
from pathlib import Path

import pytest

import thresher

TESTS = Path(__file__).parent


def every():
    """(name, is a package, path of the source) of all modules, the root among them."""
    yield "thresher", True, Path(thresher.__file__)
    for found in pkgutil.walk_packages(thresher.__path__, "thresher."):
        path = Path(found.module_finder.path) / found.name.rpartition(".")[2]
        yield (
            found.name,
            found.ispkg,
            path / "__init__.py" if found.ispkg else path.with_suffix(".py"),
        )


MODULES = {name for name, _, _ in every()}
PACKAGES = {name: path for name, is_package, path in every() if is_package}


def tree(path):
    return ast.parse(path.read_text("utf-8"))


def defined(path):
    """The public names that a module binds itself, and those that it imports."""
    own, imported = set(), set()
    for node in tree(path).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            own.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            own |= {n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)}
        elif isinstance(node, ast.ImportFrom) and node.module != "__future__":
            imported |= {alias.asname or alias.name for alias in node.names}
    return {n for n in own if n[0] != "_"}, {n for n in imported if n[0] != "_"}


def asked_for():
    """What any module or test imports from a package, less its modules, by package."""
    found = defaultdict(set)
    for path in [*(path for _, _, path in every()), *TESTS.rglob("*.py")]:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ImportFrom) and node.module in PACKAGES:
                found[node.module] |= {
                    alias.name
                    for alias in node.names
                    if f"{node.module}.{alias.name}" not in MODULES and alias.name[0] != "_"
                }
    return found


ASKED = asked_for()


def test_there_are_packages_of_every_folder():
    folders = {name.split(".")[1] for name in PACKAGES if "." in name}
    assert folders == {"classifiers", "filters", "jobs", "manifests", "pipeline"}
    assert ASKED["thresher.filters.policy"] >= {"Policy", "shipped_policy"}


@pytest.mark.parametrize("name", sorted(PACKAGES))
def test_all_is_complete(name):
    package = importlib.import_module(name)
    own, imported = defined(PACKAGES[name])
    listed = getattr(package, "__all__", [])
    assert len(listed) == len(set(listed)), "listed twice"
    missing = (own | ASKED[name]) - set(listed)
    assert not missing, f"{name}.__all__ lacks {sorted(missing)}"
    stale = [each for each in listed if not hasattr(package, each)]
    assert not stale, f"{name}.__all__ lists what is not there: {stale}"
    if name != "thresher":  # whose names come when they are asked for
        assert set(listed) <= own | imported
