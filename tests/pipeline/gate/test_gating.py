"""Each gate at its limit, just below and just above, and what it tells the book."""

from __future__ import annotations

import math

import pyarrow as pa
import pytest

from thresher.filters.errors import ConfigError
from thresher.pipeline.extract.settings import Extracted
from thresher.pipeline.gate import gating
from thresher.pipeline.gate.gating import GateSettings, gate_page_languages, gate_texts, gate_urls
from thresher.pipeline.read.records import Page


class Told:
    """A book that remembers what it is told."""

    def __init__(self):
        self.stopped = []

    def stop(self, rejected, page):
        assert rejected.record_id == page.record_id
        self.stopped.append((page.record_id, rejected.reason, rejected.detail))


class Model:
    """Names the language by the text's first word, with the probability of the second."""

    def identify(self, texts):
        return pa.array([self._found(text.as_py()) for text in texts])

    def _found(self, text):
        words = (text.decode() if isinstance(text, bytes) else text or "none").split()
        if words[0] == "none":
            return None
        return {"code": words[0], "score": float(words[1]), "mixed_share": 0.0}


@pytest.fixture(autouse=True)
def model(monkeypatch):
    monkeypatch.setattr(gating, "language_model", Model)


@pytest.fixture
def book():
    return Told()


def page(name, content=b"", url=""):
    return Page(name, url, "", content, True, "")


def extracted(*texts):
    return [
        Extracted(page(str(number)), text, "", "utf-8", "utf8") for number, text in enumerate(texts)
    ]


def passed(gates, book, *texts):
    return [item.text for item, _ in gate_texts(extracted(*texts), gates, book)]


ALL = GateSettings(languages=(), min_characters=0, url_blocklist=False)


@pytest.mark.parametrize("least", [5, 6, 7])
def test_the_least_characters_count_as_enough(book, least):
    gates = GateSettings(languages=(), min_characters=least)
    assert passed(gates, book, "none é") == (["none é"] if least <= 6 else [])
    assert book.stopped == ([] if least <= 6 else [("0", "too_small", "6 characters")])


def test_nothing_is_no_document_even_where_one_character_is(book):
    assert passed(ALL, book, "", "none") == ["none"]
    assert book.stopped == [("0", "empty", "0 characters")]


def test_white_space_that_is_too_short_is_empty_rather_than_small(book):
    gates = GateSettings(languages=(), min_characters=4)
    assert passed(gates, book, " \n ", "abc") == []
    assert [reason for _, reason, _ in book.stopped] == ["empty", "too_small"]


BELOW, ABOVE = math.nextafter(0.65, 0), math.nextafter(0.65, 1)


def test_a_language_needs_its_least_score_and_no_more(book):
    gates = GateSettings(min_characters=0)
    texts = [f"en {score!r}" for score in (BELOW, 0.65, ABOVE)]
    assert passed(gates, book, *texts) == texts[1:]
    assert book.stopped == [("0", "wrong_language", "en 0.650")]


def test_only_languages_that_are_wanted_pass(book):
    gates = GateSettings(min_characters=0, languages=("en", "de"))
    assert passed(gates, book, "de .9", "fr .99", "en .7", "none of") == ["de .9", "en .7"]
    assert book.stopped == [
        ("1", "wrong_language", "fr 0.990"),
        ("3", "wrong_language", "undetermined"),
    ]


def test_where_all_languages_are_wanted_none_is_asked_for(book):
    documents = gate_texts(extracted("fr .1", "none of"), ALL, book)
    assert [language.code for _, language in documents] == ["fr", None]
    assert [language.score for _, language in documents] == [0.1, None]
    assert book.stopped == []


def test_no_texts_ask_no_model(book, monkeypatch):
    monkeypatch.setattr(gating, "language_model", None)
    assert gate_texts(extracted(""), GateSettings(), book) == []


def shown(words):
    """A page that shows more than the least that tells a language."""
    return f"<p>{words} {'word ' * 60}</p>".encode()


@pytest.mark.parametrize(
    ("score", "stopped"),
    [(math.nextafter(0.8, 0), False), (0.8, True), (math.nextafter(0.8, 1), True)],
)
def test_a_page_is_stopped_where_another_language_is_sure_enough(book, score, stopped):
    pages = [page("1", shown(f"fr {score!r}")), page("2", shown("en .99"))]
    left = gate_page_languages(pages, GateSettings(), book)
    assert left == (pages[1:] if stopped else pages)
    assert [(name, reason) for name, reason, _ in book.stopped] == (
        [("1", "wrong_language")] if stopped else []
    )


def test_pages_are_left_to_their_text_where_so_is_wanted(book):
    pages = [page("1", shown("fr .99")), page("2", b"<p>fr .99</p>"), page("3", shown("none of"))]
    assert gate_page_languages(pages, GateSettings(page_language_score=0), book) == pages
    assert gate_page_languages(pages, GateSettings(languages=()), book) == pages
    assert gate_page_languages(pages, GateSettings(), book) == pages[1:]
    assert book.stopped == [("1", "wrong_language", "page: fr 0.990")]


def test_blocked_urls_are_stopped_with_the_kind_of_list(book, monkeypatch):
    class Blocklist:
        def blocked(self, urls):
            return ["domain" if "bad" in url else None for url in urls]

    monkeypatch.setattr(gating, "_blocklist", Blocklist)
    pages = [page("1", url="http://bad.org"), page("2", url="http://good.org")]
    assert gate_urls(pages, GateSettings(), book) == pages[1:]
    assert book.stopped == [("1", "blocked_url", "domain")]
    assert gate_urls(pages, ALL, book) == pages


@pytest.mark.parametrize("name", ["language_score", "page_language_score", "retain_fraction"])
def test_shares_lie_between_nothing_and_all(name):
    for right in (0.0, 1.0):
        GateSettings(**{name: right}).check("gates")
    for wrong in (-1e-9, 1 + 1e-9, math.nan):
        with pytest.raises(ConfigError, match=rf"gates\.{name}"):
            GateSettings(**{name: wrong}).check("gates")


def test_a_language_that_is_none_is_refused_by_its_place():
    with pytest.raises(ConfigError, match=r"gates\.languages\[1\].*'english'"):
        GateSettings(languages=("en", "english")).check("gates")


def test_the_sample_is_of_the_text_where_there_is_one(monkeypatch):
    samples = []

    class Samples(Told):
        def stop(self, rejected, page):
            super().stop(rejected, page)
            samples.append(rejected.sample)

    class Blocklist:
        def blocked(self, urls):
            return ["url"] * len(urls)

    monkeypatch.setattr(gating, "_blocklist", Blocklist)
    gate_texts(extracted("kurz"), GateSettings(), Samples())
    gate_urls([page("1", b"<p>page</p>")], GateSettings(), Samples())
    assert samples == [b"kurz", b"<p>page</p>"]
