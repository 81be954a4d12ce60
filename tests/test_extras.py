"""What is imported comes with the installation, or its extra is named where it is missing."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

from thresher.classifiers.extras import INSTALL

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
SOURCES = {
    path: path.read_text("utf-8")
    for folder in ("filters", "classifiers", "manifests", "pipeline", "jobs", "src")
    for path in (ROOT / folder).rglob("*.py")
}
COMES_ALONG = {"llvmlite", "pillow"}
"""What a dependency cannot be without."""


OWNERS = packages_distributions()


def normal(name):
    return name.lower().replace("_", "-")


def names(requirements):
    return {normal(re.match(r"[A-Za-z0-9-]+", each)[0]) for each in requirements}


EXTRAS = set().union(*map(names, PROJECT["optional-dependencies"].values()))


def imports(path, nodes):
    """The distributions that statements import from."""
    for node in nodes:
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            modules = [node.module]
        for module in modules:
            root = module.partition(".")[0]
            if root != "thresher" and root not in sys.stdlib_module_names:
                yield from map(normal, OWNERS.get(root, [f"{root} in {path}"]))


def test_every_import_is_a_dependency_or_of_an_extra():
    known = names(PROJECT["dependencies"]) | EXTRAS | COMES_ALONG
    found = {
        each for path, text in SOURCES.items() for each in imports(path, ast.walk(ast.parse(text)))
    }
    assert found - known == set()
    assert found >= EXTRAS, "nothing imports these"


def test_no_module_needs_an_extra_to_be_imported():
    for path, text in SOURCES.items():
        assert not EXTRAS & set(imports(path, ast.parse(text).body)), path


def test_what_messages_say_to_install_is_the_extra_or_what_it_has():
    train = PROJECT["optional-dependencies"]["train"]
    assert set(INSTALL.removeprefix("pip install ").split()) == names(train)
    named = {
        extra
        for text in SOURCES.values()
        for extra in re.findall(r"pip install 'thresher\[(\w+)\]'", text)
    }
    assert named <= set(PROJECT["optional-dependencies"])
