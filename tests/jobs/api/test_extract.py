"""Pages give their text; hostile ones an error, and the caller goes on."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
import threading

import pytest

import thresher
from thresher.pipeline.extract import Extractor, ExtractSettings, shared

SENTENCES = " ".join(f"This paragraph says something in whole sentences, {i}." for i in range(20))
PAGE = (
    "<html lang=en><head><title>A title</title><meta name=robots content=noai></head><body>"
    f"<nav><a href=/>Home</a></nav><article><p>{SENTENCES}</p></article></body></html>"
)

HOSTILE = """
import os, signal
from thresher.pipeline.extract import child
real = child.answer_task
def answer_task(task, profile):
    if b"HANG" in task.content:
        while True: pass
    if b"CRASH" in task.content:
        os.kill(os.getpid(), signal.SIGSEGV)
    return real(task, profile)
child.answer_task = answer_task
child.main()
"""


@pytest.fixture
def own(monkeypatch):
    """Extraction processes of the test's own, which end with it."""
    kept = shared._Kept()
    monkeypatch.setattr(shared, "_generations", [kept])
    yield kept
    kept.close()


def test_text_and_what_is_known():
    page = thresher.extract(PAGE, url="https://example.org/a")
    assert page.text == SENTENCES
    assert page.title == "A title"
    assert page.metadata.language == "en"
    assert page.metadata.robots_noai
    assert page.facts.profile == "balanced"
    assert page.facts.dropped_link_lines == 1
    assert page.page.url == "https://example.org/a"
    assert "<nav>" not in repr(page)


def test_the_ways_to_give_a_page_agree():
    expected = thresher.extract(PAGE)
    for html in (PAGE.encode(), bytearray(PAGE.encode()), memoryview(PAGE.encode())):
        assert thresher.extract(html).text == expected.text
    assert "Home" in thresher.extract(PAGE, profile="all_text").text
    assert "Home" not in thresher.extract(PAGE, profile="fast").text


def test_bytes_are_decoded_as_declared():
    page = "<p>Der Müller fährt über die Brücke.</p>".encode("iso-8859-15")
    found = thresher.extract(page, charset="iso-8859-15")
    assert found.text == "Der Müller fährt über die Brücke."
    assert found.charset_source == "http"
    dirty = thresher.extract("<p>One\x00 two \ud800three four five six.</p>")
    assert "\x00" not in dirty.text
    dirty.text.encode()


@pytest.mark.parametrize(
    ("html", "reason"),
    [
        ("", "empty"),
        ("<p> </p>", "empty"),
        (b"<script>x</script>", "empty"),
        (b"<p>" + b"x" * (8 << 20), "oversize"),
    ],
)
def test_a_page_without_text_is_an_error_with_its_reason(html, reason):
    with pytest.raises(thresher.ExtractionError, match=f"^https://e.org/: {reason}") as caught:
        thresher.extract(html, "https://e.org/")
    assert (caught.value.reason, caught.value.url) == (reason, "https://e.org/")
    assert isinstance(caught.value, thresher.InputError)


@pytest.mark.parametrize(
    ("arguments", "named", "kind", "message"),
    [
        ((None,), {}, thresher.InputError, "html is of type NoneType"),
        ((5,), {}, thresher.InputError, "html is of type int"),
        ((PAGE,), {"profile": "balancd"}, thresher.ConfigError, "Did you mean 'balanced'"),
        ((PAGE,), {"profile": "custom"}, thresher.ConfigError, r"extract\.custom"),
        ((PAGE,), {"timeout_seconds": 0}, thresher.ConfigError, "timeout_seconds"),
        ((PAGE,), {"timeout_seconds": "1"}, thresher.ConfigError, "timeout_seconds"),
    ],
)
def test_what_is_wrong_is_named(arguments, named, kind, message):
    with pytest.raises(kind, match=message):
        thresher.extract(*arguments, **named)


def test_a_hostile_page_costs_its_own_process_alone(own, monkeypatch):
    command = [sys.executable, "-c", HOSTILE]
    monkeypatch.setattr(shared, "Extractor", lambda settings: Extractor(settings, command))
    for word, reason in (("HANG", "extraction_timeout"), ("CRASH", "extraction_crash")):
        with pytest.raises(thresher.ExtractionError, match=reason):
            thresher.extract(f"<p>{word}</p>", profile="fast", timeout_seconds=0.5)
        page = thresher.extract(PAGE, profile="fast", timeout_seconds=0.5)
        assert SENTENCES in page.text
    assert len(own.extractors) == 1


@pytest.mark.parametrize(
    ("html", "text", "fallback"),
    [
        ("<div>" * 50_000 + "deep", "deep", "depth"),
        ("<p>open" + "<!--" * 100_000, "open", None),
        ("<" * 300_000 + "p>end", "<" * 299_999 + "\n\nend", "tags"),
    ],
    ids=["deep", "comments", "tags"],
)
def test_deep_and_endless_markup_gives_its_text(html, text, fallback):
    page = thresher.extract(html, timeout_seconds=60)
    assert page.text == text
    assert page.facts.fallback == fallback


def test_one_process_serves_all_pages_and_few_are_kept(own):
    thresher.extract(PAGE, profile="fast")
    thresher.extract(PAGE, profile="all_text")
    first, second = own.extractors.values()
    before = first._child
    thresher.extract(PAGE, profile="fast")
    assert first._child is before
    for seconds in range(20, 20 + shared.MOST - 1):
        thresher.extract(PAGE, profile="all_text", timeout_seconds=seconds)
    assert len(own.extractors) == shared.MOST
    # That which was not used for longest has ended.
    assert second._child is None
    assert first._child is before


@pytest.mark.usefixtures("own")
def test_threads_take_turns():
    found = {}

    def work(name):
        found[name] = [
            thresher.extract(f"<p>{name} page {i} says so.</p>", profile="fast").text
            for i in range(20)
        ]

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {name: [f"{name} page {i} says so." for i in range(20)] for name in "abcd"}


FORKED = """
import os, sys, threading
import thresher
from thresher.pipeline.extract import shared

def text(n):
    return thresher.extract(f"<p>Page {n} says so.</p>", profile="fast").text

assert text(0) == "Page 0 says so."
kept = shared._generations[-1]
kept.lock.acquire()  # as by another thread of the parent
pid = os.fork()
if pid == 0:
    ok = all(text(n) == f"Page {n} says so." for n in range(50))
    print("child", ok, flush=True)
    sys.exit(0)  # with all that happens at exit
kept.lock.release()
ok = all(text(n) == f"Page {n} says so." for n in range(100, 150))
_, status = os.waitpid(pid, 0)
print("parent", ok, status, text(7), flush=True)
"""


def test_a_fork_has_a_process_of_its_own():
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKED],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ,
        timeout=120,
    )
    assert sorted(done.stdout.splitlines()) == [
        "child True",
        "parent True 0 Page 7 says so.",
    ], done.stderr
    assert done.stderr == ""


def test_the_defaults_are_those_of_a_run():
    given = inspect.signature(thresher.extract).parameters
    for name in ("profile", "timeout_seconds"):
        assert given[name].default == getattr(ExtractSettings(), name)
