"""A first recipe has every setting, and taking a comment mark away changes nothing but that."""

from __future__ import annotations

import re
import tomllib

import msgspec
import pytest

from thresher.filters.errors import InputError
from thresher.jobs.docs.configuration import sections
from thresher.jobs.docs.settings import settings_of
from thresher.jobs.recipe import Recipe, recipe_of
from thresher.jobs.starter import row_settings, starter_text
from thresher.jobs.starter.text import EXAMPLES
from thresher.pipeline.read.look import Field, Look

STATED = {"name": "x", "lake": "lake", "input": {"urls": ["a"]}, "judge": {"policy": "web-en"}}
SETTING = re.compile(r"#(?=[a-z0-9_]+ = |\[)")
BLOCKS = starter_text(STATED).split("\n\n")
TABLES = [field.encode_name for field in msgspec.structs.fields(Recipe)]
ASKED = ("name", "lake", "input.urls", "judge.policy")
MANY = ("guests", "scores", "decontaminate")


def settings():
    """Every setting of a recipe by its dotted name; one that holds a table is none itself."""
    return {
        f"{path.replace('[]', '')}.{setting.name}".lstrip(".")
        for path, struct in sections(Recipe, "")
        for setting in settings_of(struct)
        if not setting.structs or path == "curated"
        if path != "curated.transforms[]"  # described beside its list
    }


def written(text):
    """The settings in a recipe's text, commented out or not, by dotted name."""
    found, table = [], ""
    for line in text.splitlines():
        line = SETTING.sub("", line)
        if opened := re.fullmatch(r"\[+([a-z0-9_.]+)\]+", line):
            table = f"{opened[1]}."
        elif (key := re.match(r"([a-z0-9_]+) = ", line)) is not None:
            found.append(f"{table}{key[1]}")
    return found


def uncommented(*names):
    """The recipe with the lines of some settings or, of tables of many, the blocks in force."""
    blocks = []
    for block in BLOCKS:
        table = re.search(r"(?m)^#?\[+([a-z_]+)\]", block)
        lines = []
        for line in block.split("\n"):
            path = f"{table[1]}." if table else ""
            key = SETTING.sub("", line).partition(" = ")[0]
            if (table and table[1] in names) or f"{path}{key}" in names:
                line = SETTING.sub("", line)
            lines.append(line)
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def test_it_holds_every_setting_once():
    found = written(starter_text(STATED))
    assert len(found) == len(set(found))
    assert set(found) == settings()


def test_as_it_is_it_says_no_more_than_what_was_stated():
    text = starter_text(STATED)
    assert recipe_of(tomllib.loads(text)) == recipe_of(STATED)
    loud = starter_text(STATED | {"curated": {"seed": 3}}, {"curated.seed": "Said of it."})
    assert recipe_of(tomllib.loads(loud)).curated.seed == 3
    assert "Said of it.\nseed = 3\n" in loud


@pytest.mark.parametrize(
    "name", sorted(name for name in settings() if name not in ASKED and not name.startswith(MANY))
)
def test_a_setting_in_force_is_its_default(name):
    loaded = tomllib.loads(uncommented(name))
    recipe = msgspec.convert(loaded, Recipe)
    section, _, key = name.rpartition(".")
    assert key in (loaded[section] if section else loaded)
    if name not in EXAMPLES:
        assert recipe == msgspec.convert(STATED, Recipe)
    else:
        assert recipe != msgspec.convert(STATED, Recipe)


@pytest.mark.parametrize("name", TABLES)
def test_a_whole_section_in_force_is_sound(name):
    recipe = recipe_of(tomllib.loads(uncommented(name)))
    if name in MANY:
        assert len(getattr(recipe, name)) == 1


def test_all_of_it_in_force_is_sound():
    recipe = recipe_of(tomllib.loads(uncommented(*TABLES)))
    assert [len(getattr(recipe, name)) for name in MANY] == [1, 1, 1]


def test_every_example_is_of_a_setting_that_needs_one():
    for name, value in EXAMPLES.items():
        assert name in settings(), name
        assert value not in ("", None)


def test_comments_stay_within_the_page_and_are_no_settings():
    for line in starter_text(STATED, {"input.text_field": "`a` " * 200}).splitlines():
        assert len(line) <= 100
        if line.startswith("#") and not line.startswith("# ") and line != "#":
            assert SETTING.match(line), line


@pytest.mark.parametrize(
    "value", ["a\nb", 'a"b\\', "\x7f\x00\x1b", "\u2028é🙂", "# x", "'''", "name = 1"]
)
def test_values_are_toml_whatever_they_hold(value):
    text = starter_text(STATED | {"input": {"urls": [value], "text_field": value}})
    assert tomllib.loads(text)["input"] == {"urls": [value], "text_field": value}


def fields(*found):
    return Look("jsonl", tuple(Field(name, size) for name, size in found))


@pytest.mark.parametrize(
    ("found", "chosen"),
    [
        # The usual names, most usual first, however long the others are.
        ([("html", 99), ("text", 5)], {"text_field": "text"}),
        ([("body", 9), ("content", 5)], {"text_field": "content"}),
        # The least nested of several, and the case of a name does not matter.
        ([("meta.Text", 9), ("TEXT", 5)], {"text_field": "TEXT"}),
        # Else the longest texts.
        ([("title", 9), ("story", 900), ("n", -1)], {"text_field": "story"}),
        ([("text", -1), ("words", 3)], {"text_field": "words"}),
        (
            [("text", 5), ("_id", -1), ("meta.url", 9), ("meta.crawl-date", 9)],
            {
                "text_field": "text",
                "id_field": "_id",
                "url_field": "meta.url",
                "date_field": "meta.crawl-date",
            },
        ),
        ([("hash", 5), ("url", 900)], {"text_field": "url", "id_field": "hash"}),
        ([("\x1b", 900), ("", 800), ("a\nb", 700), ("c", 1)], {"text_field": "c"}),
    ],
)
def test_which_field_is_taken(found, chosen):
    assert row_settings(fields(*found), "x.jsonl") == chosen


def test_rows_without_any_text():
    with pytest.raises(InputError, match=r"'x\.jsonl' has no field of text .* 'n', 'm\.k'"):
        row_settings(fields(("n", -1), ("m.k", -1)), "x.jsonl")
