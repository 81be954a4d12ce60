"""The figures of the read-me are those that the benchmarks gave, with the day and the machine."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
SCRIPT = HERE / "readme_figures.py"


def check(script=SCRIPT):
    return subprocess.run(
        [sys.executable, str(script), "--check"], capture_output=True, text=True, check=False
    )


def test_the_read_me_says_what_was_taken():
    done = check()
    assert done.returncode == 0, done.stderr


@pytest.fixture
def copied(tmp_path):
    """The script in a repository of its own, where a test may change what is there."""
    here = tmp_path / "tests" / "benchmarks"
    here.mkdir(parents=True)
    for name in ("readme_figures.py", "common.py", "figures.json"):
        (here / name).write_bytes((HERE / name).read_bytes())
    readme = (HERE.parents[1] / "README.md").read_text("utf-8")
    (tmp_path / "README.md").write_text(readme, "utf-8")
    assert check(here / "readme_figures.py").returncode == 0
    return tmp_path, here


def test_another_figure_in_the_read_me_is_noticed(copied):
    root, here = copied
    text = (root / "README.md").read_text("utf-8")
    changed = re.sub(
        r"(\d)( MB/s \|)", lambda found: f"{9 - int(found[1])}{found[2]}", text, count=1
    )
    assert changed != text
    (root / "README.md").write_text(changed, "utf-8")
    assert "README.md says something else" in check(here / "readme_figures.py").stderr


@pytest.mark.parametrize(
    ("where", "value", "said"),
    [
        (("junk", "numbers", "ours_junk"), 0.99, "README.md says something else"),
        (("speed", "day"), "1999-12-31", "README.md says something else"),
        (("speed", "machine", "cpus"), 64, "README.md says something else"),
        (("bound", "commands"), ["other.py"], "not of these benchmarks"),
    ],
)
def test_other_facts_than_the_read_me_has_are_noticed(copied, where, value, said):
    _, here = copied
    path = here / "figures.json"
    stored = json.loads(path.read_text("utf-8"))
    *outer, last = where
    place = stored
    for name in outer:
        place = place[name]
    place[last] = value
    path.write_text(json.dumps(stored), "utf-8")
    assert said in check(here / "readme_figures.py").stderr
