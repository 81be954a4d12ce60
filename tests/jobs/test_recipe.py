"""Recipes: read from a file, a mapping or a struct, checked, and with their paths made absolute."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from thresher.filters.errors import ConfigError, InputError
from thresher.filters.measure import MinHashSettings
from thresher.jobs import recipe as reading
from thresher.jobs.recipe import (
    MinHashRecipe,
    Recipe,
    RunSettings,
    published,
    read_policy,
    read_recipe,
    recipe_of,
    resolve_path,
)
from thresher.pipeline.dedup import DedupSettings
from thresher.pipeline.guests import GuestSettings
from thresher.pipeline.read.inputs import InputSettings

LEAST = {"name": "r", "lake": "/lake", "input": {"urls": ["/a.warc.gz"]}}
HEAD = 'name = "r"\nlake = "lake"\n[input]\nurls = ["a.warc.gz"]\n'


def with_settings(**settings):
    """The smallest recipe with some more."""
    return recipe_of({**LEAST, **settings})


def test_name_lake_and_inputs_are_enough():
    made = recipe_of(LEAST)
    assert made == Recipe(name="r", lake="/lake", input=InputSettings(urls=["/a.warc.gz"]))
    for name in ("name", "lake", "input"):
        with pytest.raises(ConfigError, match=rf"^recipe: .*{name}"):
            recipe_of({key: value for key, value in LEAST.items() if key != name})


def test_a_file_a_mapping_and_a_struct_are_the_same(tmp_path):
    path = tmp_path / "recipe.toml"
    path.write_text(f"{HEAD}[gates]\nlanguages = ['de']\n[curated]\nseed = 3\n")
    made = read_recipe(path)
    assert recipe_of(path) == recipe_of(str(path)) == made
    assert recipe_of(made) == made
    assert recipe_of(msgspec.to_builtins(made)) == made
    assert recipe_of({**LEAST, "lake": tmp_path / "lake"}).lake == str(tmp_path / "lake")
    assert (made.gates.languages, made.curated.seed) == (("de",), 3)


def test_what_was_made_in_python_is_checked_as_a_file_is():
    wrong = Recipe(name="r", lake="/lake", input=InputSettings(urls=["/a"]), run=RunSettings("two"))
    with pytest.raises(ConfigError, match=r"^recipe: run\.workers"):
        recipe_of(wrong)
    for value in (3, None, ["name"]):
        with pytest.raises(ConfigError, match=r"Give a path, a mapping or a thresher\.Recipe"):
            recipe_of(value)


@pytest.mark.parametrize("name", ["", "a b", "a/b", "a#b", "a\n", "é/"])
def test_a_name_is_part_of_file_names(name):
    with pytest.raises(ConfigError, match=r"^recipe: name: must be letters, digits"):
        with_settings(name=name)


@pytest.mark.parametrize("name", ["a", "Web-2024_10.v2", "1", "über"])
def test_a_name_has_letters_digits_and_marks(name):
    assert with_settings(name=name).name == name


WRONG = {
    "input": {"urls": ["/a"], "max_record_bytes": 1023},
    "gates": {"retain_fraction": 1.5},
    "extract": {"profile": "custom"},
    "minhash": {"unit": "letters"},
    "quality": {"model": 3},
    "machine_text": {"model": 3},
    "guests": [{"name": "x"}],
    "scores": [{"name": "x"}],
    "decontaminate": [{"name": "x", "path": "x", "fields": ["q"], "ngram": 1}],
    "dedup": {"memory_mb": 63.9},
    "lines": {"least_documents": 1},
    "sites": {"min_pages": 1},
    "judge": {"policy": 3},
    "curated": {"validation_fraction": 1.0},
    "run": {"allow_damaged": 1.1},
}


def test_every_section_has_something_wrong_below():
    sections = {field.name for field in msgspec.structs.fields(Recipe)} - {"name", "lake"}
    assert sections == set(WRONG)


@pytest.mark.parametrize("section", WRONG)
def test_what_is_wrong_in_a_section_is_named_by_its_path(section):
    with pytest.raises(ConfigError, match=rf"^recipe: {section}[.\[]"):
        with_settings(**{section: WRONG[section]})


@pytest.mark.parametrize(
    ("transform", "setting"),
    [
        ("repeated_lines", {"lines": {"enabled": True}}),
        (
            "cut_contamination",
            {"decontaminate": [{"name": "x", "path": "/x.jsonl", "fields": ["q"]}]},
        ),
    ],
)
def test_a_cut_needs_what_it_cuts_to_be_measured(transform, setting):
    curated = {"transforms": [transform, "clean_lines"]}
    said = rf"^recipe: curated\.transforms: '{transform}' needs "
    with pytest.raises(ConfigError, match=said):
        with_settings(curated=curated)
    assert with_settings(curated=curated, **setting).curated.transforms[0] == transform
    assert with_settings(**setting).curated.transforms == ("clean_lines", "redact_pii")


def test_paths_are_relative_to_the_recipe(tmp_path):
    path = tmp_path / "recipes" / "recipe.toml"
    path.parent.mkdir()
    path.write_text(
        """
        name = "r"
        lake = "lake"
        [input]
        urls = ["a/*.warc.gz", "/b.warc.gz", "s3://bucket/c.warc.gz", "zip://*.jsonl::d.zip"]
        [quality]
        model = "models/quality.bin"
        [machine_text]
        model = "machine-text-en@1"
        [[scores]]
        name = "one"
        meaning = "One."
        callable = "heads.py:score"
        [[scores]]
        name = "two"
        meaning = "Two."
        factory = "package.heads:make"
        [[scores]]
        name = "three"
        meaning = "Three."
        model = "../three.bin"
        [[decontaminate]]
        name = "set"
        path = "sets/*.jsonl"
        fields = ["q"]
        [dedup]
        against = ["earlier", "../other/lake", "s3://bucket/lake#run", "./lake#run"]
        [judge]
        policy = "mine.toml"
        """
    )
    made = read_recipe(path)
    here = str(path.parent)
    assert made.lake == f"{here}/lake"
    assert made.input.urls == [
        f"{here}/a/*.warc.gz",
        "/b.warc.gz",
        "s3://bucket/c.warc.gz",
        "zip://*.jsonl::d.zip",
    ]
    assert made.quality.model == f"{here}/models/quality.bin"
    assert made.machine_text.model == "machine-text-en@1"
    one, two, three = made.scores
    assert one.callable == f"{here}/heads.py:score"
    assert (two.factory, two.callable, two.model) == ("package.heads:make", "", "")
    assert three.model == f"{here}/../three.bin"
    assert made.decontaminate[0].path == f"{here}/sets/*.jsonl"
    assert made.dedup.against == (
        "earlier",
        f"{here}/../other/lake",
        "s3://bucket/lake#run",
        f"{here}/lake#run",
    )
    assert made.judge.policy == f"{here}/mine.toml"
    # A shipped policy is no file, and one that is read again stays where it is.
    assert with_settings(judge={"policy": "web-en"}).judge.policy == "web-en"
    assert recipe_of(made) == made


def test_paths_of_a_mapping_are_relative_to_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert with_settings(lake="lake").lake == str(tmp_path / "lake")


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("", ""),
        ("a", "/folder/a"),
        ("/a", "/a"),
        ("~/a", str(Path("~/a").expanduser())),
        ("https://a.example/b", "https://a.example/b"),
        ("simplecache::s3://b", "simplecache::s3://b"),
        ("simplecache::/b", "simplecache::/b"),
    ],
)
def test_urls_and_chains_stay_as_they_are(path, found):
    assert resolve_path(path, Path("/folder")) == found


def test_a_byte_order_mark_is_no_part_of_a_recipe(tmp_path):
    path = tmp_path / "recipe.toml"
    path.write_bytes(b"\xef\xbb\xbf" + HEAD.encode())
    assert read_recipe(path).name == "r"


@pytest.mark.parametrize("over", [-1, 0, 1])
def test_a_recipe_beyond_its_limit_is_another_file(tmp_path, monkeypatch, over):
    monkeypatch.setattr(reading, "_MAX_BYTES", len(HEAD) + 20)
    path = tmp_path / "recipe.toml"
    path.write_text(HEAD + "#" * (20 + over))
    if over > 0:
        with pytest.raises(InputError, match=r"is no recipe: it has more than 7\d bytes"):
            read_recipe(path)
    else:
        assert read_recipe(path).name == "r"


def test_what_is_no_recipe_is_said(tmp_path):
    path = tmp_path / "recipe.toml"
    path.write_bytes(HEAD.encode() + b"\xff")
    with pytest.raises(InputError, match=rf"which is a TOML file: byte {len(HEAD)} is not UTF-8"):
        read_recipe(path)
    with pytest.raises(InputError, match="is a folder, and a recipe is a TOML file"):
        read_recipe(tmp_path)
    with pytest.raises(InputError, match="cannot be read: embedded null"):
        read_recipe(tmp_path / "a\0b")
    with pytest.raises(InputError, match="none cannot be read: No such file"):
        read_recipe(tmp_path / "none")
    path.write_text("name = ")
    with pytest.raises(ConfigError, match=r"recipe\.toml: is not valid TOML"):
        read_recipe(path)


def test_measuring_is_told_what_the_sections_say():
    made = with_settings(
        gates={"min_characters": 7},
        extract={"profile": "fast"},
        minhash={"unit": "characters", "ngram": 24, "seed": 5, "numbers": "fold"},
        dedup={"bands": 4, "rows": 3},
        guests=[{"filter": "datatrove.SamplerFilter"}],
    )
    found = made.texts
    assert made.signing == MinHashSettings(
        permutations=12, unit="characters", ngram=24, seed=5, numbers="fold"
    )
    assert with_settings().signing == MinHashSettings()
    assert found.input == made.input
    assert (found.gates, found.extract) == (made.gates, made.extract)
    assert made.guests == (GuestSettings("datatrove.SamplerFilter"),)
    # What a signature is made of, and how large it is, is all of it.
    given = {field.name for field in msgspec.structs.fields(MinHashRecipe)}
    assert given | {"permutations", "max_shingles"} == set(MinHashSettings.__struct_fields__)


@pytest.mark.parametrize(
    ("dedup", "values"),
    [
        ({}, 112),
        ({"bands": 4, "rows": 3}, 12),
        ({"bands": 4, "rows": 3, "permutations": 20}, 20),
        ({"permutations": 64}, 64),
    ],
)
def test_a_signature_is_as_large_as_deduplication_needs(dedup, values):
    assert with_settings(dedup=dedup).signing.permutations == values
    assert DedupSettings(**dedup).signature_values == values


def test_a_recipe_is_shown_without_secrets_and_folders():
    made = with_settings(
        lake="/home/someone/lake",
        input={
            "urls": ["https://me:pass@a.example/x.jsonl?X-Amz-Signature=abc", "/home/x/b.jsonl"]
        },
    )
    shown = str(published(made))
    for secret in ("pass", "abc", "someone", "/home"):
        assert secret not in shown, secret
    assert "a.example/x.jsonl" in shown
    assert "b.jsonl" in shown
    assert published(made).keys() == {field.name for field in msgspec.structs.fields(Recipe)}


def test_a_policy_may_name_the_guests_and_scores_of_its_recipe(tmp_path):
    policy = tmp_path / "mine.toml"
    rules = ""
    for number, signal in enumerate(("guests.sampler", "scores.mine")):
        bound = 'in = ["dropped"]' if signal.startswith("guests") else "below = 0.5"
        rules += f'[[rules]]\nreason = "r{number}"\nsignal = "{signal}"\n{bound}\n'
    policy.write_text(f'name = "mine"\nversion = 1\n{rules}')
    more = {
        "judge": {"policy": str(policy)},
        "guests": [{"filter": "datatrove.SamplerFilter"}],
        "scores": [{"name": "mine", "meaning": "Mine.", "callable": "json:loads"}],
    }
    assert [rule.reason for rule in read_policy(with_settings(**more), "recipe").rules] == [
        "r0",
        "r1",
    ]
    for section in ("guests", "scores"):
        with pytest.raises(ConfigError, match=f"{section}"):
            read_policy(with_settings(**{**more, section: []}), "recipe")
