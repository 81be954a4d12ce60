"""The gates in their order: what each stops, at its bound and beside it, and what it says of it."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa
import pytest

from thresher.filters.errors import ConfigError
from thresher.pipeline.extract import Extracted
from thresher.pipeline.gate import gating
from thresher.pipeline.gate.gating import (
    GateSettings,
    Language,
    gate_page_languages,
    gate_texts,
    gate_urls,
    with_languages,
)
from thresher.pipeline.read.records import Page


def page(name, content=b"<p>text", url="https://a.example/"):
    return Page(name, url, "", content, True, "")


def texts(*found):
    return [Extracted(page(text[:9]), text, "", "", "none") for text in found]


class Book:
    """Remembers what is stopped."""

    def __init__(self):
        self.stopped, self.details, self.samples = [], [], []

    def stop(self, rejected, stopped):
        assert (rejected.record_id, rejected.url) == (stopped.record_id, stopped.url)
        self.stopped.append((rejected.reason, stopped.record_id))
        self.details.append(rejected.detail)
        self.samples.append(rejected.sample)


@pytest.fixture
def book():
    return Book()


class Says:
    """A language model that reads its answer off the text: `en 0.7 ...`, or nothing."""

    asked = 0

    def identify(self, column):
        self.asked += 1
        found = []
        for text in column.to_pylist():
            words = (text.decode() if isinstance(text, bytes) else text or "").split()
            known = len(words) > 1 and words[0] in ("en", "de", "fr")
            found.append(
                {"code": words[0], "score": float(words[1]), "mixed_share": None} if known else None
            )
        kind = pa.struct(
            [("code", pa.string()), ("score", pa.float64()), ("mixed_share", pa.float64())]
        )
        return pa.array(found, kind)


@pytest.fixture(autouse=True)
def model(monkeypatch):
    made = Says()
    monkeypatch.setattr(gating, "language_model", lambda: made)
    monkeypatch.setattr(gating, "page_excerpt", lambda page: page.content if page.is_html else None)
    return made


def test_the_model_of_the_gates_is_loaded_once(monkeypatch):
    monkeypatch.undo()
    assert gating.language_model() is gating.language_model()
    found = gating.language_model().identify(pa.array(["This is plainly an English sentence."]))
    assert found[0].as_py()["code"] == "en"


@pytest.mark.parametrize("name", ["language_score", "page_language_score", "retain_fraction"])
def test_shares_lie_between_0_and_1(name):
    for value in (0.0, 1.0):
        GateSettings(**{name: value}).check("gates")
    for value in (-0.001, 1.001):
        with pytest.raises(ConfigError, match=rf"^gates\.{name}: must lie in \[0, 1\]"):
            GateSettings(**{name: value}).check("gates")


def test_languages_are_codes():
    GateSettings(languages=("en", "ceb")).check("gates")
    GateSettings(languages=()).check("gates")
    with pytest.raises(ConfigError, match=r"^gates\.languages\[1\]: no such language 'english'"):
        GateSettings(languages=("en", "english")).check("gates")


def test_a_blocked_url_is_stopped_before_its_page_is_read(monkeypatch, book):
    kinds = {"https://x.example/": "domain", "https://y.example/": "soft_words"}

    class Blocks:
        def blocked(self, urls):
            return [kinds.get(url) for url in urls]

    monkeypatch.setattr(gating, "_blocklist", Blocks)
    pages = [page(str(n), url=url) for n, url in enumerate([*kinds, "https://z.example/", ""])]
    assert gate_urls(pages, GateSettings(), book) == pages[2:]
    assert book.stopped == [("blocked_url", "0"), ("blocked_url", "1")]
    assert book.details == ["domain", "soft_words"]
    assert book.samples == [b"<p>text"] * 2
    again = Book()
    assert gate_urls(pages, GateSettings(url_blocklist=False), again) == pages
    assert again.stopped == []


@pytest.mark.parametrize(
    ("content", "passes"),
    [
        (b"en 0.99", True),
        (b"en 0.10", True),
        (b"de 0.79", True),
        (b"de 0.8", False),
        (b"de 0.81", False),
        (b"?", True),
    ],
)
def test_a_page_that_is_surely_in_another_language_is_stopped(book, content, passes):
    given = page("p", content)
    assert gate_page_languages([given], GateSettings(), book) == [given] * passes
    assert book.stopped == [("wrong_language", "p")] * (not passes)
    if not passes:
        code, score = content.decode().split()
        assert book.details == [f"page: {code} {float(score):.3f}"]
        assert book.samples == [content]


@pytest.mark.parametrize(
    "settings", [GateSettings(languages=()), GateSettings(page_language_score=0.0)]
)
def test_no_page_is_looked_at_where_none_can_be_stopped(book, model, settings):
    pages = [page("p", b"de 0.99")]
    assert gate_page_languages(pages, settings, book) == pages
    assert not model.asked
    wanted = GateSettings(languages=("fr", "de"))
    assert gate_page_languages(pages, wanted, book) == pages
    assert book.stopped == []


@pytest.mark.parametrize("least", [0, 1, 2, 20])
def test_a_text_is_as_long_as_it_must_be(book, least):
    settings = GateSettings(min_characters=least, languages=())
    lengths = sorted({0, 1, max(least - 1, 0), least, least + 1})
    given = texts(*("ü" * n for n in lengths))
    passed = gate_texts(given, settings, book)
    # No text at all is no document, whatever the settings.
    assert [len(item.text) for item, _ in passed] == [n for n in lengths if n >= max(least, 1)]
    assert book.stopped == [
        ("too_small" if n else "empty", "ü" * min(n, 9)) for n in lengths if n < max(least, 1)
    ]
    assert book.details == [f"{n} characters" for n in lengths if n < max(least, 1)]


def test_white_space_is_no_text(book):
    assert gate_texts(texts(" \n\t "), GateSettings(), book) == []
    assert book.stopped == [("empty", " \n\t ")]
    assert book.samples == [b" \n\t "]


@pytest.mark.parametrize(
    ("text", "passes", "detail"),
    [
        ("en 0.66 word", True, ""),
        ("en 0.65 word", True, ""),
        ("en 0.64 word", False, "en 0.640"),
        ("de 0.99 word", False, "de 0.990"),
        ("word", False, "undetermined"),
    ],
)
def test_a_text_is_in_a_wanted_language_as_surely_as_it_must_be(book, text, passes, detail):
    (given,) = texts(text)
    passed = gate_texts([given], GateSettings(min_characters=1), book)
    assert [item for item, _ in passed] == [given] * passes
    assert book.stopped == [("wrong_language", text[:9])] * (not passes)
    assert book.details == [detail] * (not passes)
    assert book.samples == [text.encode()] * (not passes)
    # Where all languages are wanted, any is.
    (everything,) = gate_texts([given], GateSettings(min_characters=1, languages=()), book)
    assert everything[0] is given


def test_texts_keep_their_languages_and_their_order(book):
    given = texts("en 0.9 a", "word", "de 0.5 b", "short", "en 0.7 c")
    settings = GateSettings(min_characters=1, languages=("en", "de"), language_score=0.6)
    passed = gate_texts(given, settings, book)
    assert passed == [
        (given[0], Language("en", 0.9, None)),
        (given[4], Language("en", 0.7, None)),
    ]
    assert Counter(book.stopped) == Counter(
        [("wrong_language", "word"), ("wrong_language", "de 0.5 b"), ("wrong_language", "short")]
    )
    assert [language for _, language in with_languages(given[:3])] == [
        Language("en", 0.9, None),
        Language(None, None, None),
        Language("de", 0.5, None),
    ]


def test_the_model_is_not_asked_about_nothing(book, model):
    assert gate_texts([], GateSettings(), book) == []
    assert gate_texts(texts("tiny"), GateSettings(), book) == []
    assert not model.asked
