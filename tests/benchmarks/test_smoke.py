"""Every benchmark runs with `--smoke` and shows a figure of ours and of each peer that it claims.

A script with a function `main` is a benchmark, here as in `peers/`; one without is a library. A
benchmark says in `OURS` how the rows of Thresher begin, and in `PEERS`, if it has any, those of the
peers.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
NUMBER = re.compile(r"(?<![\w.])\d[\d,]*(?:\.\d+)?")
NO_NUMBER = re.compile(r"\b(?:nan|inf)\b|(?<![\d.,])0(?:\.0+)? (?:MB|pages|documents|texts)/s")
CODES = "var-annotated arg-type assignment union-attr misc index list-item import-untyped"
"""What mypy says of code without annotations that is no mistake."""


def has_main(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return any(isinstance(part, ast.FunctionDef) and part.name == "main" for part in tree.body)


SCRIPTS = sorted(path.stem for path in HERE.glob("*.py") if has_main(path))


def rows_said(script):
    """What `OURS` and `PEERS` say."""
    said = {"OURS": (), "PEERS": ()}
    for part in ast.parse((HERE / f"{script}.py").read_text(encoding="utf-8")).body:
        if isinstance(part, ast.Assign):
            for target in part.targets:
                if isinstance(target, ast.Name) and target.id in said:
                    said[target.id] = ast.literal_eval(part.value)
    return said["OURS"], said["PEERS"]


def shown(output, name):
    """What stands behind a name at the start of a line, for each such line."""
    lines = (line.removeprefix("| ").strip() for line in output.splitlines())
    return [line[len(name) :] for line in lines if line.startswith(name)]


def has_figure(row):
    numbers = [float(each.replace(",", "")) for each in NUMBER.findall(row)]
    return any(numbers) and not NO_NUMBER.search(row)


def missing(output, ours, peers):
    """The rows that show no figure and, of the peers, do not say why."""
    wrong = [name for name in ours if not any(map(has_figure, shown(output, name)))]
    for name in peers:
        rows = shown(output, name)
        skipped = [row for row in rows if re.match(r": skipped: \w", row)]
        failed = [row for row in rows if row.startswith(": failed")]
        if failed or not (skipped or any(map(has_figure, rows))):
            wrong.append(name)
    return wrong


@pytest.fixture
def scratch():
    """A temporary folder of a short name: Ray puts sockets in it."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("script", SCRIPTS)
def test_a_benchmark_runs_from_nothing_and_shows_its_figures(script, scratch):
    environ = {k: v for k, v in os.environ.items() if k not in ("THRESHER_TEST_DATA", "PYTHONPATH")}
    environ["TMPDIR"] = str(scratch)
    done = subprocess.run(
        [sys.executable, str(HERE / f"{script}.py"), "--smoke"],
        cwd=scratch,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    assert not missing(done.stdout, *rows_said(script)), done.stdout
    assert not list(scratch.glob("benchmark-*")), "the scratch folder stays behind"


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_benchmark_names_its_rows(script):
    ours, peers = rows_said(script)
    assert ours
    assert isinstance(ours, tuple)
    text = (HERE / f"{script}.py").read_text(encoding="utf-8")
    assert bool(peers) == ("common.peer_python(" in text), "PEERS names the peers"


def test_the_read_me_names_each_benchmark_once():
    text = (HERE / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)\.py", text, re.MULTILINE)
    assert sorted(rows) == SCRIPTS


def test_each_library_is_used_and_each_script_of_peers_run():
    texts = {path: path.read_text(encoding="utf-8") for path in HERE.rglob("*.py")}
    for path in texts:
        others = "".join(text for other, text in texts.items() if other != path)
        library = path.stem not in SCRIPTS and not path.stem.startswith("test_")
        if path.parent == HERE and library:
            assert re.search(rf"^ *(from|import) {path.stem}\b", others, re.MULTILINE), path.name
        if path.parent != HERE and has_main(path):
            assert f'PEERS / "{path.name}"' in others, path.name


def test_the_pins_of_peers_are_used():
    text = "".join(path.read_text(encoding="utf-8") for path in HERE.glob("*.py"))
    for pins in (HERE / "peers").glob("*.txt"):
        assert f'"{pins.stem}"' in text, pins.name
        lines = [line for line in pins.read_text().splitlines() if not line.startswith("#")]
        assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in lines), pins.name


@pytest.mark.slow
def test_what_smoke_does_not_reach_calls_what_there_is(tmp_path):
    """The full peers run on a person's machine only; a shadowed name would be found there."""
    paths = (HERE, HERE / "peers", ROOT / "tests" / "junk_labels", ROOT / "tests" / "filters")
    files = [path for path in HERE.rglob("*.py") if path.name != Path(__file__).name]
    settings = tmp_path / "mypy.ini"
    names = ", ".join(CODES.split())
    settings.write_text(f"[mypy]\ndisable_error_code = {names}\n")
    how = ["--check-untyped-defs", "--ignore-missing-imports", "--explicit-package-bases"]
    how += ["--follow-imports", "silent", "--cache-dir", str(tmp_path / "cache")]
    for part in (HERE, HERE / "peers"):
        mine = [str(path) for path in files if path.parent == part]
        done = subprocess.run(
            [sys.executable, "-m", "mypy", "--config-file", str(settings), *how, *mine],
            cwd=part,
            env={**os.environ, "MYPYPATH": ":".join(map(str, (*paths, ROOT / "src")))},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("output", "wrong"),
    [
        ("us 3.5 MB/s\npeer 1.2", []),
        ("| us | 1,200 |\npeer: skipped: 40 packages", []),
        ("us 0 of 0, 0.00%\npeer 1", ["us"]),
        ("us nan 3\npeer 1", ["us"]),
        ("us, 40 texts: 0.0 MB/s\npeer 10 MB/s", ["us"]),
        ("us: skipped: late\npeer 1", ["us"]),
        ("us 1\npeer: skipped:", ["peer"]),
        ("us 1\npeer: failed: 3\npeer 2", ["peer"]),
        ("us 1", ["peer"]),
        ("", ["us", "peer"]),
    ],
)
def test_a_row_without_a_figure_is_missed(output, wrong):
    assert missing(output, ("us",), ("peer",)) == wrong


def test_benchmarks_and_what_they_start_measure_this_repository():
    where = "import thresher; print(thresher.__file__)"
    script = (
        f"import sys, common\n{where}\nprint(common.run_python(sys.executable, '-c', {where!r}))"
    )
    environ = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    command = [sys.executable, "-c", script]
    said = subprocess.run(
        command, cwd=HERE, env=environ, capture_output=True, text=True, check=True
    )
    assert said.stdout.split() == [str(ROOT / "src" / "thresher" / "__init__.py")] * 2
