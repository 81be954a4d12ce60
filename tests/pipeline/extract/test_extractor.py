from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from thresher.pipeline.extract import Extracted, ExtractionStartError, Extractor, ExtractSettings
from thresher.pipeline.extract.depth import nesting_depth
from thresher.pipeline.extract.frames import Answer, Unpacker, pack
from thresher.pipeline.read import Page, Rejected

ARTICLE = (
    "<html><head><title>A  title &amp; more</title></head><body><nav><a href=/>Home</a></nav>"
    "<article><h1>Heading</h1>"
    + "".join(
        f"<p>This paragraph says something in whole sentences, at length {i}.</p>" for i in range(8)
    )
    + "</article><footer>Imprint</footer></body></html>"
)
MAIN = "This paragraph says something"

# A child that misbehaves on marked pages and is the real one otherwise.
HOSTILE = """
import os, signal, sys, time
from thresher.pipeline.extract import child
real = child.answer_task
def answer_task(task, profile):
    if b"HANG" in task.content:
        while True: pass
    if b"CRASH" in task.content:
        os.kill(os.getpid(), signal.SIGSEGV)
    if b"EXIT" in task.content:
        sys.exit(3)
    if b"NOISE" in task.content:
        print("printed by a library", flush=True)
    if b"GARBAGE" in task.content:
        os.write(answers_fd, b"\\x05\\0\\0\\0\\xc1\\xc1\\xc1\\xc1\\xc1")
    if b"HOARD" in task.content:
        return real(task, lambda page, data: ("x" * (4 << 30), ""))
    return real(task, profile)
dup = os.dup
def remember(fd):
    global answers_fd
    answers_fd = dup(fd)
    return answers_fd
child.os.dup = remember
child.answer_task = answer_task
child.main()
"""


def page(content, charset="", url="http://example.org/"):
    data = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    return Page("id", url, "", data, True, charset)


@pytest.fixture(scope="module")
def fast():
    with Extractor(ExtractSettings(profile="fast", timeout_seconds=20)) as extractor:
        yield extractor


def hostile(**settings):
    settings = {"profile": "fast", "timeout_seconds": 0.5, **settings}
    return Extractor(ExtractSettings(**settings), command=[sys.executable, "-c", HOSTILE])


@pytest.mark.parametrize("profile", ["balanced", "fast", "precise"])
def test_main_content(profile):
    with Extractor(ExtractSettings(profile=profile, timeout_seconds=30)) as extractor:
        (result,) = extractor.extract([page(ARTICLE, "utf-8")])
    assert isinstance(result, Extracted)
    assert result.text.count(MAIN) == 8
    assert "Home" not in result.text
    assert result.title == "A title & more"
    assert (result.charset, result.charset_source) == ("utf-8", "http")


def test_order_length_and_pass_through(fast):
    text = Page("t", "", "", "finished text", False, "utf-8")
    pages = [page(f"<p>Page number {i} has a sentence of its own.</p>") for i in range(200)]
    pages[50] = text
    results = fast.extract(pages)
    assert [result.page for result in results] == pages
    assert all(f"number {i} " in r.text for i, r in enumerate(results) if i != 50)
    assert results[50] == Extracted(text, "finished text", "", "utf-8", "format")
    assert results[50].facts is results[50].metadata is None
    assert fast.extract([]) == []


def test_what_is_no_document_has_its_reason(fast):
    results = fast.extract(
        [page("<html></html>"), page(bytes(range(256)) * 99), page(b"<p>x" * (3 << 20)), page("ok")]
    )
    assert [getattr(r, "reason", "ok") for r in results] == [
        "empty",
        "undecodable",
        "oversize",
        "ok",
    ]


HOSTILE_PAGES = {
    "deep div": "<div>" * 50_000 + "<p>Deep words are still found.</p>",
    "deep article": "<article>" * 50_000 + "<p>Deep words are still found.</p>",
    "deep b": "<b>" * 50_000 + "<p>Deep words are still found.</p>",
    "deep font": "<font size=1>" * 50_000 + "<p>Deep words are still found.</p>",
    "deep table": "<table><tr><td>" * 50_000 + "<p>Deep words are still found.</p>",
    "deep list": "<ul><li>" * 50_000 + "<p>Deep words are still found.</p>",
    "deep svg": "<svg><g>" * 50_000 + "<p>Deep words are still found.</p>",
    "big script": "<script>" + "var a = '<div>';" * 400_000 + "</script><p>Words are found.</p>",
    "nothing closed": "<p>Words <b>are <i>found <a href='x'>in <table><td>it " * 3000,
    "nul": "<p>Words are\x00 found.</p>" * 100,
    "lone surrogates": "<p>Words are found &#xD800; &#57343; &#0; &#x110000;</p>",
    "open tag": "<p>Words are found</p><" * 50_000,
    "attributes": "<p " + "a=b " * 100_000 + ">Words are found</p>",
    "entities": "<p>Words are found " + "&amp" * 200_000,
    "open comment": "<p>Words are found.</p><!--" + "-" * 1_000_000,
}


@pytest.mark.parametrize("name", HOSTILE_PAGES)
def test_hostile_pages(fast, name):
    (result,) = fast.extract([page(HOSTILE_PAGES[name], "utf-8")])
    assert isinstance(result, Extracted), result
    assert "ords" in result.text
    result.text.encode()
    assert "\x00" not in result.text


def test_hostile_pages_do_not_stop_the_precise_profile():
    chosen = ("deep div", "deep table", "big script", "nothing closed")
    pages = [page(HOSTILE_PAGES[name], "utf-8") for name in chosen]
    with Extractor(ExtractSettings(profile="precise", timeout_seconds=20)) as extractor:
        *results, last = extractor.extract([*pages, page(ARTICLE, "utf-8")])
    assert all(isinstance(result, Extracted) for result in results)
    assert isinstance(last, Extracted)
    assert MAIN in last.text


@pytest.mark.parametrize(
    ("mark", "bad_ones", "reason", "detail"),
    [
        ("HANG", [0, 7], "extraction_timeout", "0.5 seconds"),
        ("CRASH", [7, 8, 29], "extraction_crash", "SIGSEGV"),
        ("EXIT", [3], "extraction_crash", "exit code 3"),
        ("GARBAGE", [9], "extraction_crash", ""),
    ],
)
def test_a_bad_page_costs_only_itself(mark, bad_ones, reason, detail):
    marks = [mark if i in bad_ones else "Good" for i in range(30)]
    pages = [page(f"<p>{word} words.</p>") for word in marks]
    with hostile() as extractor:
        results = extractor.extract(pages)
        bad = [i for i, result in enumerate(results) if isinstance(result, Rejected)]
        assert bad == bad_ones
        assert {results[i].reason for i in bad} == {reason}
        assert detail in results[bad[0]].detail
        assert results[bad[0]].sample.startswith(b"<p>")
        # It goes on with the next batch.
        assert isinstance(extractor.extract([page(ARTICLE)])[0], Extracted)


def test_what_a_library_prints_does_not_mix_with_the_answers():
    with hostile() as extractor:
        assert isinstance(extractor.extract([page("<p>NOISE and words.</p>")])[0], Extracted)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the address space")
def test_memory_is_limited():
    with hostile(timeout_seconds=20, memory_bytes=1 << 30) as extractor:
        hoard, good = extractor.extract([page("<p>HOARD</p>"), page(ARTICLE)])
    assert (hoard.text, hoard.facts.fallback) == ("HOARD", "extraction_memory")
    assert good.facts.fallback is None


def test_no_process_is_left_behind():
    extractor = hostile()
    pids = set()
    for mark in ("Good", "HANG", "CRASH", "Good"):
        extractor.extract([page(f"<p>{mark} words</p>")])
        if extractor._child is not None:
            pids.add(extractor._child._process.pid)
    extractor.close()
    assert pids
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_the_child_ends_with_its_parent():
    script = (
        "import os, sys, time\n"
        "from thresher.pipeline.extract import *\n"
        "extractor = Extractor(ExtractSettings())\n"
        "from thresher.pipeline.read import Page\n"
        "extractor.extract([Page('', '', '', b'<p>words</p>', True, '')])\n"
        "print(extractor._child._process.pid, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    root = Path(__file__).parents[3] / "src"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, cwd=root, check=False)
    pid = int(run.stdout)
    deadline = time.monotonic() + 5
    while is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not is_running(pid)


def is_running(pid):
    state = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.strip()
    return bool(state) and not state.startswith("Z")


def test_a_child_that_cannot_start_is_an_error():
    command = [sys.executable, "-c", "raise SystemExit('no such extractor')"]
    with (
        Extractor(ExtractSettings(), command=command) as extractor,
        pytest.raises(ExtractionStartError, match="no such extractor"),
    ):
        extractor.extract([page(ARTICLE)])


@pytest.mark.parametrize(
    ("html", "depth"),
    [
        ("", 0),
        ("no tags < here", 0),
        ("<div><div></div><div><SPAN>x</div>", 3),
        ("<DIV CLASS=x><div\n>", 2),
        ("<p><p><p><li><li><td><td><br><br/><img src=x><input><option>", 0),
        ("<pre><param><link><section><article>", 3),
        ("</div></div></div><div><div>", 2),
        ("<ul>" * 1000 + "</ul>" * 1000 + "<ul>", 1000),
        ("<!-- --><!doctype html><?xml?><1></1>", 0),
        ("<x", 1),
    ],
)
def test_nesting_depth(html, depth):
    assert nesting_depth(html.encode()) == depth


def test_frames_come_in_any_pieces():
    answers = [Answer(text="x" * n) for n in (0, 1, 300)]
    data = b"".join(map(pack, answers))
    unpacker = Unpacker()
    bodies = [body for i in range(len(data)) for body in unpacker.feed(data[i : i + 1])]
    assert len(bodies) == 3
    assert unpacker.feed(data) == bodies
