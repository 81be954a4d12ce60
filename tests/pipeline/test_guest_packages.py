"""Which of datatrove's classes need which packages, held against what datatrove asks for."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from thresher.filters.errors import ConfigError
from thresher.pipeline import guests
from thresher.pipeline.guest_packages import COMES_ALONG, TOKENIZER, failed, needs_of
from thresher.pipeline.guests import (
    FormatterSettings,
    GuestSettings,
    check_guests,
    formatter_transform,
    guest_classes,
)

pytestmark = pytest.mark.filterwarnings("ignore")  # of datatrove's own dependencies

ROOT = Path(__file__).resolve().parents[2]
ARGUMENTS = {
    "datatrove.RegexFilter": {"regex_exp": "wheat"},
    "datatrove.FastTextClassifierFilter": {"model_url": "x", "keep_labels": [["a", 0.5]]},
}


@pytest.fixture
def only_what_comes_along(monkeypatch):
    """As if nothing were installed that Thresher does not depend on; nothing is downloaded."""
    from datatrove.pipeline.filters import UnigramLogProbFilter
    from datatrove.utils import _import_utils, word_tokenizers

    monkeypatch.setattr(_import_utils, "_is_package_available", COMES_ALONG.__contains__)
    monkeypatch.setattr(_import_utils, "_is_distribution_available", COMES_ALONG.__contains__)
    monkeypatch.setattr(UnigramLogProbFilter, "get_frequencies", lambda _: {"the": 0.1})
    word_tokenizers.load_word_tokenizer.cache_clear()
    yield
    word_tokenizers.load_word_tokenizer.cache_clear()


@pytest.mark.usefixtures("only_what_comes_along")
@pytest.mark.parametrize("name", guest_classes("filter"))
def test_a_plan_asks_for_what_the_page_names(name):
    settings = [GuestSettings(name, arguments=ARGUMENTS.get(name, {}))]
    packages = needs_of(guest_classes("filter")[name]).packages
    if not packages:
        check_guests(settings, "guests")
        return
    with pytest.raises(ConfigError) as caught:
        check_guests(settings, "guests")
    said = r"guests\[0\].* needs what is not installed\. Install it: pip install (.*)"
    found = re.fullmatch(said, str(caught.value))
    assert found, str(caught.value)
    assert set(found[1].split()) == set(packages)


@pytest.mark.usefixtures("only_what_comes_along")
@pytest.mark.parametrize("name", guest_classes("formatter"))
def test_formatters_too(name):
    needs = needs_of(guest_classes("formatter")[name])
    if not needs.packages:
        formatter_transform(FormatterSettings(name), "here")
        return
    said = (
        rf"^here: {name.partition('.')[2]} needs what is not installed\. Install it: pip install "
    )
    with pytest.raises(ConfigError, match=said + " ".join(needs.packages)):
        formatter_transform(FormatterSettings(name), "here")


def test_what_is_known_of_some():
    filters = guest_classes("filter")
    assert needs_of(filters["datatrove.GopherQualityFilter"]) == ((TOKENIZER,), True, False)
    assert needs_of(filters["datatrove.C4BadWordsFilter"]) == (("fasteners",), False, True)
    assert needs_of(filters["datatrove.RegexFilter"]) == ((), False, False)
    assert needs_of(filters["datatrove.LanguageFilter"]).downloads
    assert not {"datatrove.C4QualityFilter", "datatrove.LambdaFilter"} & filters.keys()


def test_what_comes_along_is_a_dependency():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    names = {re.match(r"[\w-]+", each)[0] for each in project["dependencies"]}
    assert names >= COMES_ALONG


@pytest.mark.usefixtures("only_what_comes_along")
@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("de", "pip install spacy"),
        ("th", "pip install pythainlp"),
        (
            "nowhere",
            "fails on a plain page: ValueError: Language 'nowhere' doesn't have a tokenizer",
        ),
    ],
)
def test_another_language_may_need_another_tokenizer(language, said):
    guest = GuestSettings("datatrove.GopherRepetitionFilter", arguments={"language": language})
    with pytest.raises(ConfigError, match=said):
        check_guests([guest], "guests")


def test_a_guest_that_fails_otherwise_says_how():
    error = failed(ValueError("too\nbad."), "Some", "fails on a plain page", "guests[0].filter")
    assert str(error) == "guests[0].filter: Some fails on a plain page: ValueError: too bad."


def test_the_table_is_on_the_page():
    page = (ROOT / "docs" / "signals.md").read_text("utf-8")
    for name, kind in guest_classes("filter").items():
        row = next(line for line in page.splitlines() if line.startswith(f"| `{name}` |"))
        assert all(package in row for package in needs_of(kind).packages)
        assert ("fetches a file" in row) == needs_of(kind).downloads
    assert guests._classes("filter").keys() >= {"GopherQualityFilter"}
