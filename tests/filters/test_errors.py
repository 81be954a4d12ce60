"""The exceptions are one tree, drawn whole, and survive the way between processes."""

from __future__ import annotations

import importlib
import inspect
import pickle
import pkgutil
import re

import pytest

import thresher
from thresher.filters import errors
from thresher.filters.errors import (
    BusyError,
    ConfigError,
    ExtractionError,
    InputError,
    ModelError,
    ThresherError,
    did_you_mean,
    naming,
    no_such_field,
    shortened,
)

_LINE = re.compile(r"^((?:│   |    )*(?:├── |└── ))?([A-Z]\w+)(?:  |$)")


def modules():
    for found in pkgutil.walk_packages(thresher.__path__, "thresher."):
        if not found.name.endswith("__main__"):
            yield importlib.import_module(found.name)


def defined():
    """Every exception class that a module of Thresher defines, by name.

    What ends the program past all handlers (a signal, a closed pipe) is no `Exception`.
    """
    return {
        value.__name__: value
        for module in modules()
        for value in vars(module).values()
        if inspect.isclass(value)
        and issubclass(value, Exception)
        and value.__module__ == module.__name__
    }


def drawn():
    """The parent of every class of the drawing; of the root, none."""
    parents: dict[str, str | None] = {}
    above: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        match = _LINE.match(line)
        if match is None:
            continue
        depth = len(match[1] or "") // 4
        above = above[:depth]
        assert match[2] not in parents, f"{match[2]} is drawn twice"
        parents[match[2]] = above[-1] if above else None
        above.append(match[2])
    return parents


def test_every_exception_is_in_the_tree_and_in_the_drawing():
    found = {name: kind.__bases__[0].__name__ for name, kind in defined().items()}
    assert found.pop("ThresherError") == "Exception"
    outside = [n for n, kind in defined().items() if not issubclass(kind, ThresherError)]
    assert outside == [], "these do not descend from ThresherError"
    assert found | {"ThresherError": None} == drawn()


def test_the_names_of_exceptions_are_unique():
    names = [
        value.__qualname__
        for module in modules()
        for value in vars(module).values()
        if inspect.isclass(value)
        and issubclass(value, Exception)
        and value.__module__ == module.__name__
    ]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    "error",
    [
        ConfigError("recipe.toml: gates", "unknown setting.", "Did you mean 'gate'?"),
        ModelError("quality", "is missing."),
        InputError("nothing matches"),
        ExtractionError("https://example.com/", "empty", "no text after extraction"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_exception_crosses_processes_whole(error):
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert str(copy) == str(error)
    assert vars(copy) == vars(error)


def test_what_a_page_without_text_says():
    error = ExtractionError("https://example.com/", "extraction_timeout", "no answer in 1 seconds")
    assert str(error) == "https://example.com/: extraction_timeout: no answer in 1 seconds"
    assert str(ExtractionError("", "empty")) == "the page: empty"


def test_the_nearest_words():
    assert did_you_mean("web_en", ["web-en", "c4"]) == "Did you mean 'web-en'?"
    assert did_you_mean("zzz", ["b", "a"]) == "Valid: a, b."
    assert did_you_mean("zzz", [f"name{i}" for i in range(20)]) == ""


@pytest.mark.parametrize(
    "error",
    [
        ConfigError("gates", "unknown setting.", "Did you mean 'gate'?"),
        ModelError("quality", "is missing."),
        InputError("nothing matches"),
        BusyError("somebody writes"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_says_where_it_is_named(error):
    with pytest.raises(type(error)) as caught, naming("recipe.toml"), naming("lake"):
        raise error
    assert type(caught.value) is type(error)
    assert str(caught.value) == f"recipe.toml: lake: {error}"
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_what_is_no_error_of_settings_passes_as_it_is():
    with pytest.raises(ValueError, match=r"^as it is$"), naming("recipe.toml"):
        raise ValueError("as it is")


def test_a_message_is_cut_at_a_word():
    assert shortened("whole words", 11) == "whole words"
    assert shortened("whole words are kept", 13) == "whole words …"
    assert shortened("a" * 20, 10) == "aaaaaaaaa…"
    for most in range(3, 30):
        cut = shortened("some words of a message that is long", most)
        assert len(cut) <= most
        assert cut.endswith("…")


def test_the_fields_there_are():
    assert no_such_field("text", []) == "has no field 'text'; its fields are none."
    many = no_such_field("text", [f"field{i}" for i in range(1000)])
    assert many.endswith("field19 and 980 more.")
    hostile = no_such_field("txt", ["a\x1b[2J\n" + "b" * 1000, 7, "text"])
    assert "\x1b" not in hostile
    assert "\n" not in hostile
    assert len(hostile) < 150
    assert hostile.endswith(", 7, text. Did you mean 'text'?")
