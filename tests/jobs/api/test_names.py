"""`import thresher` costs nothing, and every name of it is there when it is asked for."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import thresher

HEAVY = ("numba", "ray", "duckdb", "pyarrow", "numpy", "msgspec", "datatrove")


def loaded(code):
    """Which heavy packages some code has imported."""
    script = f"{code}\nimport sys\nprint(*(name for name in {HEAVY!r} if name in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-P", "-c", script], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_to_import_it_loads_nothing():
    assert loaded("import thresher; dir(thresher); thresher.__version__") == set()


def test_errors_and_lakes_do_without_numba_and_ray():
    assert loaded("import thresher; thresher.ConfigError, thresher.ThresherError") == set()
    assert not loaded("import thresher; thresher.Lake") & {"numba", "ray", "datatrove"}


def test_the_command_line_loads_what_a_command_needs():
    assert not loaded("import thresher.jobs.cli") & {"numba", "ray", "datatrove"}


def test_measuring_and_judging_do_without_ray():
    assert "ray" not in loaded("from thresher import extract, judge, measure")


def declared():
    """The names that type checkers see, and the module of each."""
    tree = ast.parse(Path(thresher.__file__).read_text("utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    assert ast.unparse(block.test) == "TYPE_CHECKING"
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    return {alias.asname: node.module for node in imports for alias in node.names}


def test_type_checkers_see_what_programs_get():
    homes = {name: home for home, names in thresher._HOMES.items() for name in names}
    assert declared() == homes
    assert set(homes) == set(thresher.__all__)


@pytest.mark.parametrize("name", thresher.__all__)
def test_a_name_is_there_and_documented(name):
    value = getattr(thresher, name)
    assert value is getattr(importlib.import_module(declared()[name]), name)
    assert value.__doc__
    assert name in dir(thresher)


def test_what_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'mesure'") as caught:
        thresher.mesure  # noqa: B018
    assert (caught.value.name, caught.value.obj) == ("mesure", thresher)
    assert not hasattr(thresher, "__path_hooks__")
    assert thresher.__version__
