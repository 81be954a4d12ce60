from __future__ import annotations

import sys

import pytest

from thresher.jobs.api.result import result_of
from thresher.jobs.cli import main
from thresher.jobs.executor import InProcess
from thresher.jobs.own_code import code_of
from thresher.jobs.plan import make_plan
from thresher.jobs.progress import Silent
from thresher.jobs.recipe import read_recipe
from thresher.jobs.run import execute
from thresher.manifests import catalog
from thresher.manifests.manifest import load_all


@pytest.fixture
def recipe(recipe_for, tmp_path):
    """A recipe with two scorers and an extractor of its own; importing the first one prints."""
    (tmp_path / "heads.py").write_text("raise RuntimeError('imported')")
    (tmp_path / "pages.py").write_text("def text(html): return html")
    return recipe_for(
        tmp_path / "lake",
        extra='[extract]\nprofile = "custom"\ncustom = "pages.py:text"\n'
        '[[scores]]\nname = "one"\nmeaning = "m"\nfactory = "heads.py:load"\n'
        '[[scores]]\nname = "two"\nmeaning = "m"\ncallable = "pkg.heads:score"\n',
    )


def test_all_code_of_a_recipe_is_listed_and_none_imported(recipe, tmp_path):
    assert code_of(read_recipe(recipe)) == [
        f"extract.custom = {tmp_path}/pages.py:text",
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


PAGES = (
    "def text(html):\n"
    "    return html.partition('<body>')[2].partition('</body>')[0].replace('<p>', '')\n"
)


def extracting(recipe_for, sample, tmp_path, source):
    (tmp_path / "pages.py").write_text(source, encoding="utf-8")
    extra = '[extract]\nprofile = "custom"\ncustom = "pages.py:text"\n[quality]\nmodel = ""\n'
    return recipe_for(tmp_path / "lake", [str(sample.shards[0])], extra)


def test_an_extractor_of_a_file_beside_the_recipe(recipe_for, sample, tmp_path, monkeypatch):
    recipe = extracting(recipe_for, sample, tmp_path, PAGES)
    monkeypatch.chdir("/")
    plan = make_plan(read_recipe(recipe))
    assert plan.recipe.extract.custom == f"{tmp_path}/pages.py:text"
    (model,) = [model for model in plan.models if model.role == "extract.custom"]
    assert model.url == "pages.py:text"
    assert model.sha256 == plan.recipe.extract.custom_sha256 != ""
    record = execute(plan, InProcess(), Silent())
    assert not record.failures
    with catalog.connect(plan.store) as database:
        rows = database.execute("SELECT DISTINCT extract.profile, extract.fallback FROM documents")
        assert ("custom", None) in rows.fetchall()


def test_pages_that_an_extractor_fails_on_are_counted_and_told(recipe_for, sample, tmp_path):
    failing = PAGES.replace(
        "    return html", "    if len(html) % 2:\n        raise ValueError('odd')\n    return html"
    )
    plan = make_plan(read_recipe(extracting(recipe_for, sample, tmp_path, failing)))
    record = execute(plan, InProcess(), Silent())
    (note,) = result_of(plan.store, record).notes
    (facts,) = (
        m.facts["custom"] for m in load_all(plan.store, "text", plan.marks["text"]).values()
    )
    assert 0 < facts["failed"] < facts["pages"]
    assert note == (
        f"extract.custom failed on {facts['failed']} of {facts['pages']} pages, which have all of "
        f"their visible text instead: {facts['first']}"
    )
    assert facts["first"].endswith(": extraction_error")
    with catalog.connect(plan.store) as database:
        counted = "SELECT count(*) FROM documents WHERE extract.fallback = 'extraction_error'"
        assert 0 < database.execute(counted).fetchone()[0] <= facts["failed"]


def test_a_changed_extractor_measures_anew(recipe_for, sample, tmp_path):
    first = make_plan(read_recipe(extracting(recipe_for, sample, tmp_path, PAGES)))
    second = make_plan(read_recipe(extracting(recipe_for, sample, tmp_path, f"{PAGES}\n# v2\n")))
    assert first.marks["text"] != second.marks["text"]


@pytest.mark.parametrize("command", ["plan", "run"])
def test_an_extractor_that_fails_is_told_before_anything_starts(
    recipe_for, sample, tmp_path, capsys, monkeypatch, command
):
    recipe = extracting(recipe_for, sample, tmp_path, "def text(html): return None")
    monkeypatch.setattr(sys, "argv", ["thresher", command, str(recipe)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    code, error = capsys.readouterr().err.strip().splitlines()
    assert code == f"this recipe runs code: extract.custom = {tmp_path}/pages.py:text"
    assert error.startswith(f"thresher: {recipe}: extract.custom: {tmp_path}/pages.py:text fails ")
    assert error.endswith("gave NoneType, not str.")
    assert not (tmp_path / "lake").exists()
