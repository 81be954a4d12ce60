"""A recipe's own extractor: tried before a run, the same one everywhere, its errors whole."""

from __future__ import annotations

import hashlib

import msgspec
import pytest

from thresher.filters.config import canonical_json
from thresher.filters.errors import ConfigError
from thresher.pipeline.extract import ExtractionStartError, Extractor, ExtractSettings
from thresher.pipeline.extract.custom import checked
from thresher.pipeline.read.records import Page

LONG = "a reason that is long enough to be cut in the middle of a word by somebody who cuts " * 5


@pytest.fixture
def settings(tmp_path):
    def made(source, **others):
        path = tmp_path / "pages.py"
        path.write_text(source, encoding="utf-8")
        return ExtractSettings(profile="custom", custom=f"{path}:text", **others)

    return made


def page(html=b"<title>T</title><p>words"):
    return Page("", "", "", html, True, "")


def test_a_function_of_a_file_is_hashed_and_used(settings, tmp_path):
    chosen = checked(settings("def text(html): return html.upper()"), "extract")
    assert chosen.custom_sha256 == hashlib.sha256((tmp_path / "pages.py").read_bytes()).hexdigest()
    assert checked(chosen, "extract") == chosen
    with Extractor(chosen) as extractor:
        (found,) = extractor.extract([page()])
    assert found.text == "<TITLE>T</TITLE><P>WORDS"
    assert (found.facts.profile, found.facts.fallback) == ("custom", None)


def test_without_a_function_nothing_is_tried(monkeypatch):
    monkeypatch.setattr(Extractor, "try_page", None)
    assert checked(ExtractSettings(), "extract") == ExtractSettings()


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def txt(html): return html", "has no function 'text'. Did you mean 'txt'?"),
        ("import not_there_at_all", "No module named 'not_there_at_all' (line 1)"),
        ("def text(html): return 5", "fails on a plain page: extraction_error: TypeError: "),
        (f"def text(html): raise ValueError({LONG!r} + 'to its end')", f"{LONG}to its end."),
        ("import os\ndef text(html): os._exit(4)", "extraction_crash: exit code 4"),
        ("def text(html):\n  while True: pass", "extraction_timeout: no answer in 1 seconds"),
    ],
)
def test_a_function_that_cannot_be_is_refused_before_a_run(settings, source, said):
    with pytest.raises(ConfigError) as caught:
        checked(settings(source, timeout_seconds=1.0), "extract")
    assert caught.value.where == "extract.custom"
    assert said in str(caught.value)


def test_a_module_that_the_process_does_not_find(tmp_path, monkeypatch):
    (tmp_path / "only_here.py").write_text("def text(html): return html")
    monkeypatch.syspath_prepend(str(tmp_path))
    chosen = ExtractSettings(profile="custom", custom="only_here:text")
    with pytest.raises(ConfigError, match=r"No module named 'only_here'.*put it on PYTHONPATH"):
        checked(chosen, "extract")


def test_another_source_than_the_declared_one(settings):
    chosen = settings("def text(html): return html", custom_sha256="0" * 64)
    with pytest.raises(ConfigError, match=r"extract\.custom_sha256: the source of .* has [0-9a-f]"):
        checked(chosen, "extract")


def test_a_source_that_has_changed_since_the_plan_stops_the_process(settings):
    chosen = checked(settings("def text(html): return html"), "extract")
    settings("def text(html): return html + 'more'")
    with pytest.raises(ExtractionStartError, match="not the one the run began with"):
        Extractor(chosen).extract([page()])


def test_why_a_process_does_not_start_is_told_whole(settings):
    chosen = settings(f"raise ValueError({LONG!r} + 'to its end')")
    with pytest.raises(ExtractionStartError) as caught:
        Extractor(chosen).extract([page()])
    assert f"ValueError: {LONG}to its end" in str(caught.value)


def test_what_a_broken_process_wrote_begins_with_a_whole_line():
    script = "import sys; sys.stderr.write('first line\\n' * 1000 + 'the last line\\n')"
    with pytest.raises(ExtractionStartError) as caught:
        Extractor(ExtractSettings(), ["python3", "-c", script]).extract([page()])
    said = str(caught.value).partition("does not start: ")[2].splitlines()
    assert set(said) == {"first line", "the last line"}
    assert said[-1] == "the last line"


def test_identity_has_the_source_and_not_the_folder(settings):
    plain = ExtractSettings()
    wanted = msgspec.to_builtins(plain)
    del wanted["custom_sha256"]
    assert canonical_json(plain.identity) == canonical_json(wanted)
    chosen = checked(settings("def text(html): return html"), "extract")
    moved = msgspec.structs.replace(chosen, custom="/elsewhere/pages.py:text")
    assert moved.identity == chosen.identity
    changed = checked(settings("def text(html): return html + ''"), "extract")
    assert changed.identity != chosen.identity
