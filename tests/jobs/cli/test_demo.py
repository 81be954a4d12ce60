"""The demo says what it shows, and the commands it ends with work when they are pasted."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import urllib.request
import webbrowser
from pathlib import Path

import pytest

from thresher.jobs.cli import pasting
from thresher.jobs.cli.pasting import opening, pasted, thresher_command
from thresher.jobs.sample.pages import JUNK


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a blank in its name, and a browser in it that keeps what it is shown."""
    folder = tmp_path_factory.mktemp("with a blank")
    browser = folder / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > "{folder}/opened"\n')
    browser.chmod(0o755)
    variables = {"PYTHONPATH": os.pathsep.join(sys.path), "BROWSER": str(browser)}
    return folder, {**os.environ, **variables}


def call(command, cwd, environment):
    return subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=True
    )


@pytest.fixture(scope="module")
def said(place):
    """What the demo prints."""
    folder, environment = place
    demo = [sys.executable, "-m", "thresher.jobs.cli", "demo", "--in-process", "--folder", "a b"]
    return call(demo, folder, environment)


@pytest.mark.slow
def test_it_shows_rules_about_sites_and_what_was_turned_away(said):
    junk = sum(count for _, count in JUNK)
    good = re.search(rf"(\d+) of (\d+) good pages kept .*, 0 of {junk} junk", said.stdout)
    assert good is not None
    assert int(good[2]) - int(good[1]) <= 2
    assert re.search(r"machine_site: \d+ of the \d+ pages of example\.com, \d\d of", said.stdout)
    assert "template_site: 24 of the 24 pages of example.net, 24 of which" in said.stdout
    assert re.search(r"example\.org │ \d+ +│ \d+ +│ 0 +│ 0 +│ 0 ", said.stdout)
    (gated,) = re.findall(r"gated +│ +(\d+)", said.stdout)
    answer = said.stdout.partition("turned away")[2].partition("SELECT")[0]
    shown = re.findall(r"│ \w+ +│ (\d+) +│", answer)
    assert sum(map(int, shown)) == int(gated)


@pytest.mark.slow
def test_the_commands_it_ends_with_work_when_pasted(said, place):
    folder, environment = place
    best, why, page = said.stdout.splitlines()[-3:]
    found = paste(best, environment)
    assert re.search(r"machine_site +│ 16 ", found)
    found = paste(why, environment)
    assert re.search(r"DROPS +│ machine_site", found)
    assert "guides.example.com" in found
    paste(page, environment)
    opened = (folder / "opened").read_text().strip()
    (report,) = (folder / "a b/lake/reports").iterdir()
    assert opened == report.as_uri()


def paste(line, environment):
    """What a shell in another folder prints."""
    return call(["/bin/sh", "-c", line], "/", environment).stdout


@pytest.mark.slow
def test_it_can_be_run_again_as_its_recipe_says(said, place):
    folder, environment = place
    recipe = folder / "a b" / "recipe.toml"
    line = recipe.read_text().splitlines()[0].partition("run: ")[2]
    assert shlex.split(line) == ["thresher", "run", "a b/recipe.toml"]
    again = [sys.executable, "-m", "thresher.jobs.cli", *shlex.split(line)[1:], "--in-process"]
    found = call(again, folder, environment)
    assert "done before" in found.stderr
    report = re.search(r"^report .*$", said.stdout, re.MULTILINE)
    assert report[0] in found.stdout


def test_the_program_is_named_as_it_can_be_called(tmp_path, monkeypatch):
    program, other = tmp_path / "bin" / "thresher", tmp_path / "other" / "thresher"
    for path in (program, other):
        path.parent.mkdir()
        path.write_text("#!/bin/sh\n")
        path.chmod(0o755)
    monkeypatch.setattr(sys, "argv", [str(program)])
    here = [str(program)]
    for folder, command in ((program.parent, ["thresher"]), (other.parent, here), (tmp_path, here)):
        monkeypatch.setenv("PATH", str(folder))
        assert thresher_command() == command
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "__main__.py")])
    assert thresher_command() == [sys.executable, "-m", "thresher.jobs.cli"]
    assert pasted("a b", Path("c"), "d'e") == "'a b' c 'd'\"'\"'e'"


def test_without_a_browser_a_page_is_served_to_another_machine(tmp_path, monkeypatch):
    page = tmp_path / "a b" / "page.html"
    page.parent.mkdir()
    page.write_text("found")

    def none():
        raise webbrowser.Error

    monkeypatch.setattr(pasting.webbrowser, "get", none)
    line = opening(str(page))
    assert line.endswith("  # then http://127.0.0.1:8000/page.html")
    words = shlex.split(line, comments=True)
    words[words.index("8000")] = "0"  # a port that is free
    command = [words[0], "-u", *words[1:]]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        try:
            address = re.search(r"http://127.0.0.1:\d+/", server.stdout.readline())[0]
            with urllib.request.urlopen(f"{address}page.html") as answer:
                assert answer.read() == b"found"
        finally:
            server.terminate()
