from __future__ import annotations

import sys

import pytest

from thresher.jobs.cli import main
from thresher.jobs.own_code import code_of
from thresher.jobs.recipe import read_recipe


@pytest.fixture
def recipe(recipe_for, tmp_path):
    """A recipe with two scorers and an extractor of its own; importing the first one prints."""
    (tmp_path / "heads.py").write_text("raise RuntimeError('imported')")
    return recipe_for(
        tmp_path / "lake",
        extra='[extract]\nprofile = "custom"\ncustom = "mine.pages:text"\n'
        '[[scores]]\nname = "one"\nmeaning = "m"\nfactory = "heads.py:load"\n'
        '[[scores]]\nname = "two"\nmeaning = "m"\ncallable = "pkg.heads:score"\n',
    )


def test_all_code_of_a_recipe_is_listed_and_none_imported(recipe, tmp_path):
    assert code_of(read_recipe(recipe)) == [
        "extract.custom = mine.pages:text",
        f"scores[0].factory = {tmp_path}/heads.py:load",
        "scores[1].callable = pkg.heads:score",
    ]


def test_a_recipe_without_code_of_its_own_lists_none(recipe_for, tmp_path):
    assert code_of(read_recipe(recipe_for(tmp_path / "lake"))) == []


@pytest.mark.parametrize("command", ["plan", "run"])
def test_the_code_is_said_before_it_is_imported(recipe, capsys, monkeypatch, command):
    monkeypatch.setattr(sys, "argv", ["thresher", command, str(recipe)])
    with pytest.raises(SystemExit):
        main()
    said = capsys.readouterr().err
    assert said.index("this recipe runs code: scores[0].factory") < said.index("RuntimeError")
