"""The commands of the tutorial and of the how-to pages do what the pages say."""

from __future__ import annotations

import re
import shlex

import pytest
import shell_page
from typer.testing import CliRunner

from thresher.classifiers.settings import TrainSettings
from thresher.filters.config import load_toml
from thresher.filters.policy import parse_policy
from thresher.jobs.cli import app
from thresher.jobs.docs.commands import commands
from thresher.jobs.recipe import Recipe

DOCS = shell_page.ROOT / "docs"
HOW_TO = sorted((DOCS / "how-to").glob("*.md"))
BASE = 'name = "test"\nlake = "lake"\n'
INPUT = '[input]\nurls = ["x"]\n'


@pytest.mark.slow
@pytest.mark.ray
@pytest.mark.timeout(900)
def test_the_tutorial_prints_what_it_says(tmp_path):
    text = (DOCS / "tutorial.md").read_text("utf-8")
    found = shell_page.blocks(text)
    printed = shell_page.run(found, tmp_path)
    assert shell_page.rewritten(text, printed) == text
    assert sum(block.said is not None for block in found) > 5


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("docs") / "demo"
    result = CliRunner().invoke(app, ["demo", "--folder", str(folder), "--in-process"])
    assert result.exit_code == 0, result.output
    return folder


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("page", HOW_TO, ids=lambda page: page.stem)
def test_a_how_to_page_does_what_it_says(page, demo, tmp_path):
    text = page.read_text("utf-8")
    found = shell_page.blocks(text)
    if any(not block.file for block in found):
        printed = shell_page.run(found, tmp_path, demo, in_process=True)
        assert shell_page.rewritten(text, printed) == text


def fragments():
    """The blocks of TOML on all pages, by where they stand."""
    for page in (DOCS / "tutorial.md", *HOW_TO):
        for language, code in shell_page.BLOCK.findall(page.read_text("utf-8")):
            if language == "toml":
                yield pytest.param(code, id=f"{page.stem}: {code.splitlines()[0]}")


@pytest.mark.parametrize("code", list(fragments()))
def test_settings_on_a_page_are_known(code):
    if "[[positives]]" in code:
        load_toml(TrainSettings, code, "page")
    elif "[[rules]]" in code:
        own = "" if "version = 1" in code else "version = 1\n" + BASE.partition("\n")[0] + "\n"
        parse_policy(own + code, "page", None, None)
    elif code.startswith("[input]") or "\n[input]\n" in code:
        load_toml(Recipe, code if "lake = " in code else BASE + code, "page")
    else:
        load_toml(Recipe, BASE + INPUT + code, "page")


def shell_lines():
    """The lines that begin with `thresher`, of all blocks of a shell on all pages."""
    for page in (DOCS / "tutorial.md", shell_page.ROOT / "README.md", *HOW_TO):
        for language, code in shell_page.BLOCK.findall(page.read_text("utf-8")):
            if language in ("sh", "bash"):
                lines = re.findall(r"^thresher .*?(?=\n(?! )|\Z)", code, re.MULTILINE | re.DOTALL)
                yield from (pytest.param(line, id=line[:60]) for line in lines)


@pytest.mark.parametrize("line", list(shell_lines()))
def test_a_command_and_its_options_exist(line):
    line = re.sub(r"\$\(.*\)", "X", line, flags=re.DOTALL)
    words = shlex.split(re.sub(r" \|\s.*", "", line, flags=re.DOTALL), comments=True)
    known = {command.name: command for command in commands()}
    name = " ".join(words[:3]) if " ".join(words[:3]) in known else " ".join(words[:2])
    assert name in known
    options = {part for p in known[name].parameters for part in p.name.split(", ")}
    given = [word for word in words[2:] if re.match(r"-{1,2}[a-z]", word)]
    assert [option for option in given if option not in options] == []


def test_blocks_are_found_and_rewritten():
    text = "a\n```sh\necho 1\n```\n\n```text\nold\n```\n"
    text += "```toml\n# x.toml\na = 1\n```\n```toml\nb\n```\n"
    run, file = shell_page.blocks(text)
    assert (run.code, run.said, run.file) == ("echo 1\n", "old\n", "")
    assert (file.code, file.file) == ("# x.toml\na = 1\n", "x.toml")
    assert shell_page.rewritten(text, ["1\n", ""]) == text.replace("old", "1")
    assert shell_page.rewritten(text, ["old\n", ""]) == text


def test_a_block_that_fails_is_noticed(tmp_path):
    with pytest.raises(AssertionError, match="no such policy"):
        shell_page.run(shell_page.blocks("```sh\nthresher policies show none\n```\n"), tmp_path)
