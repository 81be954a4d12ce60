"""The gates at their bounds: what each stops, and what the book is told."""

from __future__ import annotations

import msgspec
import pyarrow as pa
import pytest

from thresher.filters.errors import ConfigError
from thresher.pipeline.extract import Extracted
from thresher.pipeline.gate import gating
from thresher.pipeline.gate.gating import (
    GateSettings,
    gate_page_languages,
    gate_texts,
    gate_urls,
    with_languages,
)
from thresher.pipeline.read.records import Page

GATES = GateSettings()


class Told:
    """A book that keeps what it is told."""

    def __init__(self):
        self.stopped = []

    def stop(self, rejected, page):
        assert (rejected.record_id, rejected.url) == (page.record_id, page.url)
        self.stopped.append((page.record_id, rejected.reason, rejected.detail, rejected.sample))


class Model:
    """Says what it is told to say, and keeps what it is asked."""

    def __init__(self, *answers):
        self.answers, self.asked = answers, []

    def identify(self, texts):
        self.asked += texts.to_pylist()
        kind = pa.struct(
            [("code", pa.string()), ("score", pa.float64()), ("mixed_share", pa.float64())]
        )
        names = ("code", "score", "mixed_share")
        found = [each and dict(zip(names, each, strict=True)) for each in self.answers]
        return pa.array(found[: len(texts)], kind)


@pytest.fixture
def model(monkeypatch):
    def saying(*answers):
        made = Model(*answers)
        monkeypatch.setattr(gating, "language_model", lambda: made)
        return made

    return saying


def page(name, content=b"<p>content", is_html=True):
    return Page(name, f"http://{name}.org/", "", content, is_html, "")


def text(name, characters):
    return Extracted(page(name), characters, "", "utf-8", "detected")


def test_a_blocked_address_is_stopped_with_its_list(monkeypatch):
    class List:
        def blocked(self, urls):
            return ["domain" if "bad" in url else None for url in urls]

    monkeypatch.setattr(gating, "_blocklist", List)
    pages, told = [page("a"), page("bad"), page("c")], Told()
    assert gate_urls(pages, GATES, told) == [pages[0], pages[2]]
    assert told.stopped == [("bad", "blocked_url", "domain", b"<p>content")]
    off, told = msgspec.structs.replace(GATES, url_blocklist=False), Told()
    assert gate_urls(pages, off, told) == pages
    assert told.stopped == []


def test_a_page_that_is_surely_in_another_language_is_stopped_before_it_is_parsed(model):
    asked = model(("en", 0.99, 0.0), ("de", 0.8, 0.0), ("de", 0.7999, 0.0), None, ("fr", 1.0, 0.0))
    pages, told = [page(name) for name in "abcde"], Told()
    assert gate_page_languages(pages, GATES, told) == [pages[0], pages[2], pages[3]]
    assert told.stopped == [
        ("b", "wrong_language", "page: de 0.800", b"<p>content"),
        ("e", "wrong_language", "page: fr 1.000", b"<p>content"),
    ]
    assert len(asked.asked) == 5
    wanted = msgspec.structs.replace(GATES, languages=("de", "fr"))
    assert gate_page_languages(pages, wanted, told := Told()) == pages[1:]
    assert [name for name, *_ in told.stopped] == ["a"]
    for off in ({"languages": ()}, {"page_language_score": 0.0}):
        silent = model()
        assert gate_page_languages(pages, msgspec.structs.replace(GATES, **off), Told()) == pages
        assert silent.asked == []


def test_a_text_is_measured_at_its_bounds(model):
    model(*[("en", 0.9, 0.0)] * 9)
    texts = [text("a", "x" * 99), text("b", "x" * 100), text("c", " " * 50), text("d", "")]
    told = Told()
    assert [item.page.record_id for item, _ in gate_texts(texts, GATES, told)] == ["b"]
    assert told.stopped == [
        ("a", "too_small", "99 characters", b"x" * 99),
        ("c", "empty", "50 characters", b" " * 50),
        ("d", "empty", "0 characters", b""),
    ]
    none = msgspec.structs.replace(GATES, min_characters=0)
    told = Told()
    passed = gate_texts([text("a", "x"), text("b", "")], none, told)
    assert [item.page.record_id for item, _ in passed] == ["a"]
    assert told.stopped == [("b", "empty", "0 characters", b"")], "no text is no document"
    assert gate_texts([text("b", "")], none, Told()) == []


def test_a_text_is_in_a_wanted_language_with_enough_certainty(model):
    answers = [("en", 0.65, 0.1), ("en", 0.6499, 0.2), ("de", 0.99, 0.3), None, ("en", 1.0, None)]
    model(*answers)
    texts = [text(name, name * 200) for name in "abcde"]
    told = Told()
    passed = gate_texts(texts, GATES, told)
    assert [(item, tuple(language)) for item, language in passed] == [
        (texts[0], answers[0]),
        (texts[4], answers[4]),
    ]
    assert told.stopped == [
        ("b", "wrong_language", "en 0.650", b"b" * 200),
        ("c", "wrong_language", "de 0.990", b"c" * 200),
        ("d", "wrong_language", "undetermined", b"d" * 200),
    ]
    every = msgspec.structs.replace(GATES, languages=())
    assert [item for item, _ in gate_texts(texts, every, Told())] == texts
    assert [tuple(language) for _, language in with_languages(texts)] == [
        each or (None, None, None) for each in answers
    ]


def test_a_sample_of_a_page_is_its_content_in_bytes(model):
    model(("de", 0.99, 0.0))
    told = Told()
    finished = page("a", "Grüße \ud800", is_html=False)
    assert gate_page_languages([finished], GATES, told) == []
    assert told.stopped[0][3] == "Grüße ?".encode()


@pytest.mark.parametrize("name", ["language_score", "page_language_score", "retain_fraction"])
def test_shares_lie_between_nothing_and_all(name):
    for right in (0.0, 1.0):
        msgspec.structs.replace(GATES, **{name: right}).check("gates")
    for wrong in (-0.01, 1.01):
        with pytest.raises(ConfigError, match=f"gates.{name}"):
            msgspec.structs.replace(GATES, **{name: wrong}).check("gates")


def test_a_language_has_a_code():
    GateSettings(languages=("en", "de")).check("gates")
    with pytest.raises(ConfigError, match=r"gates.languages\[1\].*'english'"):
        GateSettings(languages=("en", "english")).check("gates")
