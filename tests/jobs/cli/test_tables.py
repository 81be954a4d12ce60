"""Tables stay whole where nobody's screen bounds them, and keep ids whole where one does."""

from __future__ import annotations

import json
import re
import shutil

import pytest
from calling import invoke
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.text import Text
from screen import seen

from thresher.jobs.cli.tables import _shared, print_table

ID = "0123456789abcdef0123456789abcdef"
SENTENCE = (
    "As much of a sentence as no terminal has the room to print in a single line of a table, "
)


@pytest.fixture(scope="module")
def lake(tmp_path_factory, sample):
    """A finished run of a shard in a folder of a long name: (recipe, lake)."""
    folder = tmp_path_factory.mktemp("tables") / ("folder-of-a-long-name-" * 4)
    folder.mkdir()
    shutil.copy(sample.shards[4], folder)
    recipe = folder / "recipe.toml"
    recipe.write_text(
        'name = "a-run-with-a-name-of-some-length"\nlake = "lake"\n'
        f'[input]\nurls = ["{folder}/*.jsonl.gz"]\n'
    )
    assert invoke("run", recipe, "--in-process", "-q").exit_code == 0
    return recipe, folder / "lake"


def texts(value):
    """All texts of a piece of JSON."""
    if isinstance(value, dict):
        value = value.values()
    if isinstance(value, str):
        yield value
    elif not isinstance(value, int | float | None):
        for each in value:
            yield from texts(each)


def test_no_table_of_any_command_folds_or_cuts_without_a_terminal(lake, monkeypatch):
    recipe, folder = lake
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.delenv("COLUMNS", raising=False)
    sql = f"SELECT id, url, reasons[1] AS first, repeat('{SENTENCE}', 9) AS text FROM dropped"
    found = json.loads(invoke("query", sql, "-l", folder, "--json").output)
    page = found[0]["id"]
    for command, wanted in (
        (["query", sql, "-l", folder], list(texts(found))),
        (["explain", page, "-l", folder], [page, found[0]["url"]]),
        (["plan", recipe, "--files"], [row["uri"] for row in json_of("plan", recipe)["shards"]]),
        (["status", folder], [run["run_id"] for run in json_of("status", folder)]),
        (["reasons"], [each["meaning"] for each in json_of("reasons")]),
        (["models", "list"], [model["summary"] for model in json_of("models", "list")]),
        (["diversity", folder], [r["reason"] for r in json_of("diversity", folder)["rules"]]),
        (["run", recipe, "--in-process", "-q"], ["emptied by transforms"]),
    ):
        lines = invoke(*command).output.splitlines()
        assert wanted
        for text in wanted:
            assert any(text in line for line in lines), (command, text)
        assert not any("…" in line for line in lines), command


def json_of(*command):
    return json.loads(invoke(*command, "--json").output)


def test_a_width_that_is_asked_for_holds_without_a_terminal_too(lake, monkeypatch):
    _, folder = lake
    monkeypatch.setenv("COLUMNS", "70")
    sql = f"SELECT id, repeat('{SENTENCE}', 9) AS text FROM dropped LIMIT 2"
    lines = invoke("query", sql, "-l", folder).output.splitlines()
    assert max(map(cell_len, lines)) <= 70
    assert any("…" in line for line in lines)


@pytest.mark.parametrize(("columns", "upright"), [(60, True), (130, False)])
def test_a_terminal_shows_ids_whole(lake, columns, upright):
    _, folder = lake
    sql = "SELECT id, url, reasons, id AS again FROM dropped LIMIT 3"
    found = json.loads(invoke("query", sql, "-l", folder, "--json").output)
    screen, code = seen(["query", sql, "-l", folder], columns)
    assert code == 0
    for row in found:
        assert any(row["id"] in line for line in screen.lines)
    assert any(line.startswith("row 1") for line in screen.lines) == upright


def shown(capsys, monkeypatch, columns, *arguments, **options):
    monkeypatch.setenv("COLUMNS", str(columns))
    print_table(*arguments, **options)
    return capsys.readouterr().out.splitlines()


def test_lines_between_columns_go_before_words_are_cut(capsys, monkeypatch):
    table = ("", ("id", "run", "n"), [(ID, "a-run-of-some-name", 7), (ID, "another", 12)])
    framed = shown(capsys, monkeypatch, 80, *table, right=["n"])
    assert framed[3] == f"│ {ID} │ a-run-of-some-name │  7 │"
    plain = shown(capsys, monkeypatch, 60, *table, right=["n"])
    assert plain[1] == f"{ID}  a-run-of-some-name   7"
    upright = shown(capsys, monkeypatch, 50, *table, right=["n"], upright=True)
    assert upright[0].rstrip() == "row 1"
    assert upright[2] == f"│ id  │ {ID} │"
    folded = shown(capsys, monkeypatch, 50, *table, right=["n"])
    assert max(map(len, folded)) <= 50


def test_words_stay_whole_and_what_is_longer_than_an_id_folds(capsys, monkeypatch):
    url = "https://example.com/" + "a" * 80
    lines = shown(capsys, monkeypatch, 80, "", ("id", "url", "words"), [(ID, url, "one two three")])
    assert any(ID in line for line in lines)
    assert all(any(word in line for line in lines) for word in ("one", "two", "three"))
    assert "".join(re.findall(r"https://\S+|a{5,}", "\n".join(lines))) == url


def test_what_a_cell_holds_is_shown_as_it_is(capsys, monkeypatch):
    rows = [("[red]x[/red]", "a\x1b[31m\nb", None, Text("one\ntwo"))]
    lines = shown(capsys, monkeypatch, 80, "[b]", ("[i]", "b", "c", "d"), rows, caption="[u]")
    assert lines[0].startswith("[b]")
    assert lines[-1].startswith("[u]")
    assert "[i]" in lines[2]
    assert "│ [red]x[/red] │ a [31m b │   │ one │" in lines[4]
    assert "│              │          │   │ two │" in lines[5]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(
        st.lists(st.text("ab c", max_size=50), min_size=3, max_size=3), min_size=1, max_size=4
    ),
    st.integers(20, 120),
)
def test_no_line_is_wider_than_the_screen(capsys, rows, columns):
    with pytest.MonkeyPatch.context() as monkeypatch:
        lines = shown(capsys, monkeypatch, columns, "", ("x", "y", "z"), rows)
    assert max(map(cell_len, lines)) <= columns
    letters = sorted("".join(map("".join, rows)).replace(" ", ""))
    assert [c for c in sorted("".join(lines)) if c in "abc"] == letters


def test_room_is_shared_out_to_the_modest_first():
    assert _shared(30, [1, 1, 1], [5, 40, 8]) == [5, 17, 8]
    assert _shared(9, [1, 1, 1], [50, 50, 50]) == [3, 3, 3]
    assert _shared(2, [1, 1, 1], [5, 5, 5]) == [1, 1, 1]
    assert _shared(100, [4, 9], [6, 3]) == [6, 9]
