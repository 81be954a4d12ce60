"""What is built and installed: a wheel that claims one name, and works by itself."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[1]
IGNORED = shutil.ignore_patterns(
    ".git", ".venv", ".mutation", "demo", "build", "dist", "*.egg-info", "__pycache__", ".*_cache"
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def call(*command, **options):
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, check=False, **options
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """An environment with what the lock names, but for Thresher itself."""
    folder = tmp_path_factory.mktemp("environment")
    call(sys.executable, "-m", "venv", folder)
    pip = [folder / "bin" / "python", "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    call(*pip, "--no-deps", "--require-hashes", "-r", TOP / "requirements.lock")
    call(*pip, "setuptools>=77")
    return folder / "bin" / "python"


@pytest.fixture(scope="module")
def built(environment, tmp_path_factory):
    """The wheel and the sdist, built from a copy of the tree; the wheel from the sdist."""
    folder = tmp_path_factory.mktemp("built")
    shutil.copytree(TOP, folder / "tree", symlinks=True, ignore=IGNORED)
    build = "import sys, setuptools.build_meta as b; print(getattr(b, sys.argv[1])(sys.argv[2]))"
    call(environment, "-W", "ignore", "-c", build, "build_sdist", folder, cwd=folder / "tree")
    (sdist,) = folder.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder / "sdist", filter="data")
    (unpacked,) = (folder / "sdist").iterdir()
    call(environment, "-W", "ignore", "-c", build, "build_wheel", folder, cwd=unpacked)
    (wheel,) = folder.glob("*.whl")
    return sdist, wheel


def tracked_files():
    """What belongs to the package: every file git tracks in the five folders."""
    listed = call(
        "git", "ls-files", "filters", "classifiers", "manifests", "pipeline", "jobs", cwd=TOP
    )
    return {f"thresher/{name}" for name in listed.split("\n") if name}


def test_the_wheel_holds_one_name_and_every_file(built):
    names = set(zipfile.ZipFile(built[1]).namelist())
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"thresher"}
    assert len(tops) == 2
    assert tracked_files() - names == set()
    assert "thresher/py.typed" in names


def test_the_sdist_holds_the_package_and_nothing_else_that_is_imported(built):
    with tarfile.open(built[0]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    modules = {name for name in names if name.endswith(".py")}
    assert {"/".join(name.split("/")[:2]) for name in modules} == {"src/thresher"}
    assert {f"src/{name}" for name in tracked_files()} - names == set()
    assert not any(name.startswith("examples") for name in names)


def test_the_wheel_alone_runs_the_demo(built, environment, tmp_path):
    pip = ("-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps")
    call(environment, *pip, built[1])
    thresher = environment.with_name("thresher")
    said = call(thresher, "demo", "--folder", tmp_path / "demo", cwd=tmp_path, env=outside())
    assert "curated shards" in said
    home = call(
        environment, "-c", "import thresher; print(thresher.__file__)", cwd=tmp_path, env=outside()
    )
    assert str(environment.parents[1]) in home


@pytest.fixture(scope="module")
def newcomer(built, tmp_path_factory):
    """The Python of an environment as `pip install .` makes it, by the index, without the lock."""
    folder = tmp_path_factory.mktemp("newcomer")
    call(sys.executable, "-m", "venv", folder)
    python = folder / "bin" / "python"
    call(python, "-m", "pip", "install", "-q", "--disable-pip-version-check", built[1])
    return python


def outside():
    return {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "NUMBA_CACHE_DIR")}


def test_what_pip_install_leaves_out_one_line_mends(newcomer, tmp_path):
    demo = (newcomer.with_name("thresher"), "demo", "--folder", tmp_path / "demo")
    done = subprocess.run(
        demo, cwd=tmp_path, env=outside(), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    (line,) = done.stderr.splitlines()
    assert not (tmp_path / "demo").exists()
    command = line.partition("Install it: ")[2].split()
    assert command[:2] == ["pip", "install"]
    call(newcomer, "-m", *command)
    said = call(*demo, cwd=tmp_path, env=outside())
    assert "curated shards" in said


def test_a_fasttext_that_cannot_train_is_told_and_mended(newcomer, tmp_path):
    asked = "from thresher.classifiers import extras as e; print(e._can_train()); print(e.MEND)"

    def can_train():
        return call(newcomer, "-c", asked, cwd=tmp_path, env=outside()).splitlines()

    assert can_train()[0] == "True"
    call(
        newcomer, "-m", "pip", "install", "-q", "--force-reinstall", "--no-deps", "fasttext-predict"
    )
    before, mend = can_train()
    assert before == "False"
    for command in mend.split(" && "):
        call(newcomer, "-m", *command.split())
    assert can_train()[0] == "True"
