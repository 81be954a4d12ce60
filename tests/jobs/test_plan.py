"""What is wrong with a recipe is said before anything is written."""

from __future__ import annotations

import pytest

from thresher.filters.errors import ConfigError, InputError
from thresher.jobs.plan import make_plan
from thresher.jobs.recipe import read_recipe


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ("[gates]\nlanguagess = ['en']", r"gates\.languagess: unknown setting.*'languages'"),
        ("[gates]\nlanguage_score = 2.0", r"gates\.language_score"),
        ("[judge]\npolicy = 'web_en'", r"web_en.*'web-en'"),
        ("[judge]\npolicy = 'nowhere.toml'", r"nowhere\.toml cannot be read"),
        ("[quality]\nmodel = 'nowhere.bin'", r"nowhere\.bin"),
        ("[dedup]\nbands = 0", r"dedup\.bands"),
        ("[run]\nworkers = 'two'", r"run\.workers"),
        ("[nonsense]", r"nonsense: unknown setting"),
    ],
)
def test_a_wrong_recipe_names_the_setting(recipe_for, tmp_path, extra, message):
    with pytest.raises(ConfigError, match=message):
        make_plan(read_recipe(recipe_for(tmp_path / "lake", extra=extra)))
    assert not (tmp_path / "lake").exists()


def test_missing_inputs_are_named(recipe_for, tmp_path):
    with pytest.raises(InputError, match=r"input\.urls\[0\]"):
        make_plan(read_recipe(recipe_for(tmp_path / "lake", ["nowhere/*.warc.gz"])))
    with pytest.raises(InputError, match=r"nowhere\.toml"):
        read_recipe(tmp_path / "nowhere.toml")


def test_a_policy_with_an_unknown_signal_is_refused(recipe_for, tmp_path):
    policy = tmp_path / "mine.toml"
    policy.write_text(
        'name = "mine"\nversion = 1\n'
        '[[rules]]\nreason = "short"\nsignal = "length.word"\nbelow = 5\n'
    )
    recipe = recipe_for(tmp_path / "lake", extra=f'[judge]\npolicy = "{policy}"')
    with pytest.raises(ConfigError, match=r"rules\[0\]\.signal.*length\.words"):
        make_plan(read_recipe(recipe))
