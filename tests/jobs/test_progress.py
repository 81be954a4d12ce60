"""Progress: one display on a terminal, a line for each stage elsewhere, or nothing."""

from __future__ import annotations

import io
import json
import re
import time
from contextlib import suppress

import pytest
from rich.console import Console
from screen import Terminal, seen

from thresher.jobs import progress, stopping, tally
from thresher.jobs.api.run import COMPILING, run_recipe
from thresher.jobs.cli.run import with_run_options
from thresher.jobs.progress import Live, Plain, Silent, reporter_for, title_of
from thresher.jobs.recipe import read_recipe
from thresher.manifests.layout import GROUPS
from thresher.manifests.manifest import Manifest


def manifest(records=0, kept=0, **facts):
    ledger = {"records": records, "documents": kept} if records else {}
    return Manifest(stage="stage", fingerprint="mark", key="key", ledger=ledger, facts=facts)


def go_through(reporter):
    """A run: rounds of a stage, one without shards, one done before, one with a failure."""
    with reporter:
        reporter.doing("starting Ray")
        reporter.say("compiling")
        reporter.begin("text", 3, 0)
        reporter.advance(manifest(60, 30))
        reporter.advance(manifest(40, 20, status="truncated"))
        reporter.advance(None)
        reporter.end()
        for _ in range(3):
            reporter.begin("components", 2, 0)
            reporter.advance(manifest())
            reporter.advance(manifest())
            reporter.end()
        reporter.begin("pages", 0, 0)
        reporter.end()
        reporter.begin("curated", 4, 4)
        reporter.end()
        reporter.doing("catalog and report")


EXPECTED = [
    r"compiling",
    r"measure: 3/3 shards, [\d,]+ documents/s, 50\.0% go on, 1 failed, 1 not read whole",
    r"dedup: components: 6/6 shards",
    r"curate: shards: 4/4 shards, 4 done before",
]


def as_expected(lines):
    assert len(lines) == len(EXPECTED), lines
    return all(re.fullmatch(*pair) for pair in zip(EXPECTED, lines, strict=True))


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_a_terminal_is_left_with_each_stage_once(columns):
    terminal = Terminal(columns)
    console = Console(file=terminal.file, width=columns, height=24)
    reporter = reporter_for(console)
    assert isinstance(reporter, Live)
    go_through(reporter)
    screen = terminal.close()
    assert (screen.cursor, screen.column, screen.row) == (True, 0, len(screen.lines))
    if columns > 100:
        assert as_expected(screen.lines), screen.lines
    text = "".join(screen.lines)
    for title in ("compiling", "measure: 3/3", "components: 6/6", "shards: 4/4"):
        assert text.count(title) == 1
    for gone in ("0/0", "starting Ray", "catalog and report", "━"):
        assert gone not in text


def test_while_a_stage_lasts_it_is_seen_below_those_before():
    terminal = Terminal(100)
    with reporter_for(Console(file=terminal.file, width=100, height=24)) as reporter:
        reporter.begin("text", 2, 0)
        reporter.advance(manifest(10, 5))
        reporter.advance(manifest(10, 5))
        reporter.end()
        reporter.begin("pages", 0, 0)
        time.sleep(0.5)  # it is drawn meanwhile
        reporter.end()
        reporter.begin("bands", 4, 1)
        reporter.advance(manifest())
        bar = r"dedup: bands +[━╸╺]+ 2/4 {2}\d+ s, about \d+ s left, 1 done before"
        lines = wait_for(terminal, bar)
        assert len(lines) == 2
        assert lines[0].startswith("measure: 2/2 shards")
        assert terminal.screen().column <= 100 - len("^C^C")  # else the echo leaves the bar there
        reporter.end()
        reporter.doing("catalog and report")
        lines = wait_for(terminal, r". catalog and report")
        assert [line[:12] for line in lines[:2]] == ["measure: 2/2", "dedup: bands"]
        assert not terminal.screen().cursor
    assert terminal.close().cursor
    assert "0/0" not in terminal.text()


def test_what_a_program_prints_meanwhile_goes_where_it_goes(capsys):
    terminal = Terminal()
    with reporter_for(Console(file=terminal.file, width=80, height=24)):
        print("for a pipe")
        assert "?25h" in stopping._state.display
    assert stopping._state.display == ""
    assert capsys.readouterr().out == "for a pipe\n"
    assert terminal.close().lines == []


def wait_for(terminal, last):
    """The lines that are seen once the last of them matches."""
    for _ in range(1000):
        time.sleep(0.02)
        lines = terminal.screen().lines
        if lines and re.fullmatch(last, lines[-1]):
            return lines
    raise AssertionError(lines)


def test_what_breaks_off_leaves_a_line_of_how_far_it_came():
    terminal, file = Terminal(), io.StringIO()
    for console in (Console(file=terminal.file, width=80, height=24), Console(file=file)):
        with suppress(KeyboardInterrupt), reporter_for(console) as reporter:
            reporter.begin("text", 3, 0)
            reporter.advance(manifest())
            raise KeyboardInterrupt
    screen = terminal.close()
    assert screen.cursor
    for line in (*screen.lines, file.getvalue()):
        assert line.startswith("measure: 1/3 shards")
    assert len(screen.lines) == 1


def test_where_there_is_no_terminal_a_stage_gets_one_line(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")  # as services of continuous integration do
    file = io.StringIO()
    reporter = reporter_for(Console(file=file))
    assert isinstance(reporter, Plain)
    go_through(reporter)
    assert "\x1b" not in file.getvalue()
    assert as_expected(file.getvalue().splitlines())


def test_a_stage_that_lasts_is_heard_of_where_there_is_no_terminal(monkeypatch):
    now = [0.0]
    for module in (progress, tally):
        monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    file = io.StringIO()
    with Plain(Console(file=file)) as reporter:
        reporter.begin("text", 400, 0)
        for _ in range(400):
            now[0] += 30
            reporter.advance(manifest(10, 5))
        reporter.end()
    lines = file.getvalue().splitlines()
    assert len(lines) == 200
    assert (
        lines[0] == "measure: 2/400 shards, about 3 h 19 min left, 0 documents/s, 50.0% go on, 60 s"
    )
    assert lines[-2].startswith("measure: 398/400 shards, about 60 s left")
    assert lines[-1] == "measure: 400/400 shards, 0 documents/s, 50.0% go on, 3 h 20 min"


def test_the_time_that_is_left_is_counted_down(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(tally.time, "monotonic", lambda: now[0])
    counted = tally.Tally("x")
    counted.more(10, 5)
    assert "left" not in counted.figures()
    now[0] = 20.0
    counted.add(manifest())
    assert counted.figures() == "6/10  20 s, about 80 s left, 5 done before"
    now[0] = 30.0
    assert "about 70 s left" in counted.figures()
    now[0] = 1000.0
    assert "17 min, about 1 s left" in counted.figures()


def test_nobody_is_told(capfd):
    go_through(Silent())
    assert capfd.readouterr() == ("", "")


def test_each_stage_has_a_title():
    assert title_of("text") == "measure"
    assert title_of("unheard-of") == "unheard-of"


@pytest.fixture(scope="module")
def recipe(tmp_path_factory, sample):
    path = tmp_path_factory.mktemp("progress") / "recipe.toml"
    urls = f'"{sample.shards[4]}", "{sample.shards[3]}"'
    path.write_text(f'name = "live"\nlake = "lake"\n[input]\nurls = [{urls}]')
    return path


def test_a_run_in_a_terminal(recipe):
    screen, code = seen(["run", recipe, "--in-process"])
    assert (code, screen.cursor) == (0, True)
    end = next(n for n, line in enumerate(screen.lines) if line.startswith("live-"))
    told = [line for line in screen.lines[:end] if line != COMPILING]
    stages = [re.match(r"(.*): (\d+)/\2 shards(, |$)", line) for line in told]
    assert all(stages), told
    titles = [stage[1] for stage in stages]
    assert len(set(titles)) == len(titles)
    assert {"measure", "dedup: edges", "sites: parts", "judge: decisions"} < set(titles)
    assert titles[-1] == "curate: shards"
    assert "judge: pages" not in titles  # it had nothing to do


def test_what_is_done_between_stages_is_told(recipe):
    told = []

    class Heard(Silent):
        def doing(self, text):
            told.append(text)

        def begin(self, stage, *_):
            told.append(stage)

    wanted = with_run_options(read_recipe(recipe), None, "", in_process=True)
    _, record = run_recipe(wanted, Heard())
    assert record.status == "complete"
    assert (told[0], told[-1]) == ("checking the recipe", "catalog and report")
    # The signals of a text are measured by whom it is read.
    assert set(record.fingerprints) - GROUPS.keys() == set(told[1:-1])


def test_who_asks_for_quiet_or_json_sees_nothing_else_in_a_terminal(recipe, tmp_path):
    quiet, code = seen(["run", recipe, "--in-process", "-q"])
    assert code == 0
    assert quiet.lines[0].startswith("live-")
    with (tmp_path / "out").open("w") as file:
        screen, code = seen(["run", recipe, "--in-process", "--json"], stdout=file)
    assert (code, screen.lines) == (0, [])
    assert json.loads((tmp_path / "out").read_text())["status"] == "complete"
