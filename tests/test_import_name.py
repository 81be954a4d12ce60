"""Everything is imported as `thresher.<folder>`, beside whatever modules a user has."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import thresher
from thresher.jobs.recipe import read_recipe
from thresher.manifests.manifest import load_all
from thresher.manifests.run import load_runs
from thresher.manifests.store import Store

FOLDERS = ("filters", "classifiers", "manifests", "pipeline", "jobs")
SOURCES = str(Path(thresher.__file__).parents[1])
TOP = Path(__file__).resolve().parents[1]


def python(*arguments, cwd, **environment):
    """Run Python with the package's own place on the path at most, not the repository's top."""
    command = [sys.executable, *map(str, arguments)]
    environment = {**os.environ, **environment}
    return subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


def test_every_module_imports_with_the_top_of_the_repository_off_the_path(tmp_path):
    script = f"""
import importlib, pkgutil, sys
import thresher
top = {str(TOP)!r}
assert top not in sys.path, sys.path
names = [m.name for m in pkgutil.walk_packages(thresher.__path__, "thresher.")]
for name in names:
    if not name.endswith("__main__"):
        importlib.import_module(name)
bare = [m for m in sys.modules if m.split(".")[0] in {FOLDERS!r}]
assert not bare, bare
print(len(names), *sorted({{name.split(".")[1] for name in names}} & set({FOLDERS!r})))
"""
    done = python("-P", "-W", "ignore", "-c", script, cwd=tmp_path, PYTHONPATH=SOURCES)
    assert done.returncode == 0, done.stderr
    count, *folders = done.stdout.split()
    assert int(count) > 200
    assert folders == sorted(FOLDERS)


@pytest.fixture
def namesakes(tmp_path):
    """A folder with modules of one's own under the names of the five folders."""
    folder = tmp_path / "mine"
    for name in FOLDERS:
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").write_text(f"raise RuntimeError('user {name} imported')")
    (folder / "filters").rename(folder / "unused")
    (folder / "filters.py").write_text("raise RuntimeError('user filters imported')")
    return folder


@pytest.mark.ray
@pytest.mark.parametrize("path", ["", "."], ids=["", "on the path"])
@pytest.mark.parametrize("how", [["--workers", "1"], ["--in-process"]], ids=["ray", "in process"])
def test_a_run_beside_namesakes(namesakes, recipe_of_pages, how, path):
    recipe = recipe_of_pages(namesakes)
    search = os.pathsep.join(filter(None, (path, SOURCES)))
    command = ("-m", "thresher.jobs.cli", "run", recipe, *how)
    # Without -P Python itself would put the current folder first.
    done = python(*([] if path else ["-P"]), *command, cwd=namesakes, PYTHONPATH=search)
    assert done.returncode == 0, done.stdout + done.stderr
    store = Store(read_recipe(recipe).lake)
    (record,) = load_runs(store)
    assert (record.status, record.failures) == ("complete", [])
    (key,) = [each.key for each in record.inputs]
    found = record.fingerprints["text"]
    assert load_all(store, "text", found, [key])[key].ledger["documents"] == 1


@pytest.fixture
def recipe_of_pages(tmp_path):
    """A recipe over one page, so that the extraction child and every stage have work."""
    text = "The people of the town have said that they want to go to the market with me. "

    def write(folder):
        page = f"<html><title>t</title><p>{text * 9}</p></html>".encode()
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n"
        block = head + page
        (tmp_path / "page.warc").write_bytes(
            b"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://a.com/\r\n"
            b"WARC-Record-ID: <urn:uuid:0>\r\nContent-Type: application/http\r\n"
            b"Content-Length: %d\r\n\r\n%s\r\n\r\n" % (len(block), block)
        )
        path = folder / "recipe.toml"
        path.write_text(
            f'name = "beside"\nlake = "{tmp_path}/lake"\n[input]\nurls = ["{tmp_path}/page.warc"]'
        )
        return path

    return write


def test_the_child_runs_the_copy_that_its_parent_runs(tmp_path):
    """A copy that is reached through links, and is not the one that is installed."""
    package = tmp_path / "copy" / "src" / "thresher"
    shutil.copytree(TOP / "src" / "thresher", package, symlinks=True)
    for name in FOLDERS:
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(TOP / name, tmp_path / "copy" / name, ignore=ignore)
    child = tmp_path / "copy" / "pipeline" / "extract" / "child.py"
    child.write_text(child.read_text().replace("main() -> None:", "main() -> None:\n    1 / 0"))
    script = """
from thresher.pipeline.extract import ExtractSettings
from thresher.pipeline.extract.extractor import Extractor
from thresher.pipeline.read.records import Page
with Extractor(ExtractSettings()) as extractor:
    extractor.extract([Page("id", "http://a.com", "", b"<p>text</p>", True, "")])
"""
    done = python("-P", "-c", script, cwd=tmp_path, PYTHONPATH=str(package.parent))
    assert done.returncode == 1
    assert "ExtractionStartError" in done.stderr
    assert "ZeroDivisionError" in done.stderr
