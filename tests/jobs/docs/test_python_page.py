"""The examples of docs/python.md print what the page says, from top to bottom."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import re
from pathlib import Path

import pytest

import thresher

PAGE = Path(__file__).resolve().parents[3] / "docs" / "python.md"
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_OPTIONAL = {"ray.data": "pandas", "datasets": "datasets"}
"""What an example imports and Thresher does not depend on, and the package that it takes."""


def examples():
    """Code and what it prints; an example without a text behind it prints nothing."""
    found = []
    for kind, text in _BLOCK.findall(PAGE.read_text("utf-8")):
        if kind == "python":
            found.append([text, ""])
        else:
            assert kind == "text", kind
            found[-1][1] += text
    return found


EXAMPLES = examples()


def lacking(code):
    """The package that an example needs and that is not here."""
    for module, package in _OPTIONAL.items():
        if re.search(rf"^import {module}$", code, re.MULTILINE):
            return "" if importlib.util.find_spec(package) else package
    return ""


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    """What each example prints; they share their names, as on the page."""
    namespace = {"__name__": "example"}
    found = []
    with contextlib.chdir(tmp_path_factory.mktemp("page")):
        try:
            for number, (code, _) in enumerate(EXAMPLES):
                out = io.StringIO()
                compiled = compile(code, f"example {number}", "exec")
                if not lacking(code):
                    with contextlib.redirect_stdout(out):
                        exec(compiled, namespace)
                found.append(out.getvalue())
        finally:
            if "ray" in namespace:
                namespace["ray"].shutdown()
    return found


@pytest.mark.ray
@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_an_example_prints_what_the_page_says(printed, number):
    code, said = EXAMPLES[number]
    if package := lacking(code):
        pytest.skip(f"{package} is not installed")
    assert printed[number] == said, code


def test_the_page_grows_by_three_examples_and_names_everything():
    text = PAGE.read_text("utf-8")
    assert len(re.findall(r"^## ", text, re.MULTILINE)) == 3
    assert [name for name in thresher.__all__ if f"`{name}" not in text] == []
