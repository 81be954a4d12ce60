"""The commands as a person types them: output, exit codes, messages."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from html.parser import HTMLParser

import pytest
from calling import invoke, run_main
from servers import serving
from typer.testing import CliRunner

import thresher.jobs.cli as cli
from thresher.filters.signals import FAMILIES, Family
from thresher.jobs.cli import app, main
from thresher.jobs.cli.common import shown
from thresher.jobs.report import page as report
from thresher.manifests.store import Store
from thresher.pipeline.inspect.reasons import reference

KEEP_GATED = "[gates]\nretain_fraction = 1.0\n"


@pytest.fixture(scope="module")
def lake(tmp_path_factory, sample):
    """A finished run of the sample: (recipe, lake)."""
    folder = tmp_path_factory.mktemp("cli")
    recipe = folder / "recipe.toml"
    listed = ", ".join(f'"{shard}"' for shard in sample.shards[:2])
    recipe.write_text(f'name = "cli"\nlake = "lake"\n[input]\nurls = [{listed}]\n{KEEP_GATED}')
    result = CliRunner().invoke(app, ["run", str(recipe), "--in-process"])
    assert result.exit_code == 0, result.output
    return recipe, folder / "lake", result


def test_run_ends_with_the_funnel_and_the_paths(lake):
    _, folder, result = lake
    for text in ("records read", "kept", str(folder / "catalog.duckdb"), "curated shards"):
        assert text in result.output
    for text in ("measure: 2/2 shards", "documents/s", "% go on"):
        assert text in result.stderr


def test_run_as_json(lake):
    recipe, folder, _ = lake
    result = invoke("run", recipe, "--in-process", "--quiet", "--json")
    made = json.loads(result.stdout)
    assert made["status"] == "complete"
    assert made["funnel"]["kept"] == made["funnel"]["curated"]
    assert made["catalog"] == str(folder / "catalog.duckdb")
    assert result.stderr == ""


def test_plan_says_what_is_done(lake, recipe_for, tmp_path):
    recipe, _, _ = lake
    assert "2 shards, 0 to measure" in invoke("plan", recipe).output
    planned = json.loads(invoke("plan", recipe, "--json").stdout)
    assert [shard["done"] for shard in planned["shards"]] == [True, True]
    fresh = recipe_for(tmp_path / "fresh")
    assert "6 shards, 6 to measure" in invoke("plan", fresh).output
    assert not (tmp_path / "fresh").exists()


def test_plan_is_a_summary_and_lists_files_if_asked(lake, sample):
    recipe, _, _ = lake
    sizes = [path.stat().st_size for path in sample.shards[:2]]
    said = invoke("plan", recipe).output
    assert "Nothing is left to do." in said
    assert sample.shards[0].name not in said
    (row,) = [line for line in said.splitlines() if re.search(r"\bwarc\b", line)]
    cells = [cell.strip() for cell in re.split("[│|]", row) if cell.strip()]
    assert cells[:2] == ["warc", "2"]
    assert cells[2:] == [_short(sum(sizes)), _short(max(sizes)), "0", "0 B"]
    listed = invoke("plan", recipe, "--files").output
    for path in sample.shards[:2]:
        (row,) = [line for line in listed.splitlines() if path.name in line]
        assert _short(path.stat().st_size) in row
        assert "yes" in row
    assert "Nothing is left to do." in listed


def _short(size):
    return f"{size} B" if size < 1000 else f"{size / 1000:.3g} kB"


def test_plan_says_why_each_stage_runs(lake, tmp_path, sample):
    recipe, folder, _ = lake
    urls = [*map(str, sample.shards[:2]), str(sample.shards[4])]
    text = recipe.read_text().replace('lake = "lake"', f'lake = "{folder}"')
    listed = re.sub("urls = .*", f"urls = {json.dumps(urls)}", text)
    other = tmp_path / "other.toml"
    other.write_text(f"{listed}languages = ['en', 'de']\n[sites]\nmin_pages = 9\n")
    said = invoke("plan", other).output
    (row,) = [line for line in said.splitlines() if re.search(r"\btext\b.*\bsetting\b", line)]
    cells = [cell.strip() for cell in re.split("[│|]", row) if cell.strip()]
    assert cells[:3] == ["text", "0", "3"]
    assert cells[3] == "1 input file new; setting gates.languages changed"
    (row,) = [line for line in said.splitlines() if "sites.min_pages" in line]
    cells = [cell.strip() for cell in re.split("[│|]", row) if cell.strip()]
    assert cells == ["sites", "0", "all", "setting sites.min_pages changed"]
    (follow,) = [line for line in said.splitlines() if line.startswith("then, since they follow:")]
    assert follow.startswith("then, since they follow: signals/rules, signals/junk")
    assert "compared with run cli-" in said
    assert said.splitlines()[-1].startswith("3 shards, 3 to measure; policy web-en")
    told = json.loads(invoke("plan", other, "--json").stdout)
    stages = {each["stage"]: each for each in told["stages"]}
    assert stages["text"] == {
        "stage": "text",
        "done": 0,
        "to_do": 3,
        "why": ["1 input file new", "setting gates.languages changed"],
        "follows": "",
    }
    assert stages["edges"]["follows"] == "text"
    assert stages["edges"]["to_do"] is None
    assert told["compared_with"].startswith("cli-")
    sizes = [sample.shards[i].stat().st_size for i in (0, 1, 4)]
    assert (told["files_to_read"], told["bytes_to_read"]) == (3, sum(sizes))
    assert sum(each["files"] for each in told["formats"]) == len(told["shards"]) == 3
    assert sum(each["bytes"] for each in told["formats"]) == sum(sizes)


def test_plan_without_sizes_says_so(tmp_path):
    with serving() as site:
        site.lengths = site.heads = False
        url = site.url("a.jsonl", b'{"text": "one"}\n')
        recipe = tmp_path / "recipe.toml"
        recipe.write_text(f'name = "r"\nlake = "lake"\n[input]\nurls = ["{url}"]\n')
        said = invoke("plan", recipe, "--files").output
    assert "Files of unknown size: 1." in said
    assert "unknown" in said.split("measured")[1]


def test_status_lists_runs(lake):
    recipe, folder, _ = lake
    (row,) = json.loads(invoke("status", recipe, "--json").stdout)
    assert (row["status"], row["measured"], row["judged"], row["shards"]) == ("complete", 2, 2, 2)
    assert "complete" in invoke("status", folder).output


def test_status_reaches_the_lake_once_and_counts_earlier_attempts(lake, monkeypatch):
    recipe, folder, _ = lake
    assert invoke("run", recipe, "--in-process", "--quiet").exit_code == 0
    reached = []
    check = Store.check
    monkeypatch.setattr(Store, "check", lambda store: reached.append(check(store)))
    (row,) = json.loads(invoke("status", folder, "--json").stdout)
    assert len(reached) == 1
    first = row["earlier"][0]
    assert first["finished"] < row["started"]
    said = " ".join(invoke("status", folder).output.split())
    assert f"begun {len(row['earlier'])} time" in said
    for moment in (first["started"], first["finished"]):
        assert moment[:19].replace("T", " ") in said
    assert "(complete)" in said


def test_query_as_table_json_and_csv(lake):
    _, folder, _ = lake
    sql = "SELECT verdict, count(*) AS n FROM decisions GROUP BY 1 ORDER BY 1"
    found = json.loads(invoke("query", sql, "--lake", folder, "--json").stdout)
    assert [row["verdict"] for row in found] == ["dropped", "kept"]
    rows = list(csv.DictReader(io.StringIO(invoke("query", sql, "-l", folder, "--csv").stdout)))
    assert [int(row["n"]) for row in rows] == [row["n"] for row in found]
    assert "verdict" in invoke("query", sql, "-l", folder).output
    cut = invoke("query", "SELECT * FROM range(9)", "-l", folder, "--limit", "3").output
    assert "more than 3 rows" in cut


def test_query_cannot_write_and_says_what_went_wrong(lake, monkeypatch, capsys):
    _, folder, _ = lake
    for sql in ("DROP TABLE runs", "SELECT * FROM nowhere", "SELECT * FROM read_csv('/etc/hosts')"):
        code, message = run_main(monkeypatch, capsys, "query", sql, "-l", folder)
        assert code == 2
        assert message.startswith("thresher: ")


def test_a_query_that_asks_nothing_or_for_two_formats(lake, monkeypatch, capsys):
    _, folder, _ = lake
    for arguments, text in (
        (("",), "holds no statement"),
        (("/* nothing */",), "SHOW TABLES"),
        (("SELECT 1", "--json", "--csv"), "exclude each other"),
        (("SELECT nope FROM kept",), "DESCRIBE kept"),
    ):
        code, message = run_main(monkeypatch, capsys, "query", "-l", folder, *arguments)
        assert code == 2
        assert text in message


def test_no_progress_of_a_query_among_its_results(lake):
    _, folder, _ = lake
    sql = "SELECT current_setting('enable_progress_bar') AS bar"
    assert json.loads(invoke("query", sql, "-l", folder, "--json").stdout) == [{"bar": False}]


def test_the_lake_of_the_environment(lake, monkeypatch):
    _, folder, _ = lake
    monkeypatch.setenv("THRESHER_LAKE", str(folder))
    for command in (["status"], ["diversity"], ["catalog", "rebuild"], ["query", "SELECT 1"]):
        assert invoke(*command).exit_code == 0, command


def test_explain_by_id_record_id_and_url(lake):
    _, folder, _ = lake
    sql = "SELECT id, record_id, url FROM dropped WHERE len(reasons) > 1 ORDER BY id LIMIT 1"
    (row,) = json.loads(invoke("query", sql, "-l", folder, "--json").stdout)
    found = [
        json.loads(invoke("explain", row[name], "-l", folder, "--json").stdout)
        for name in ("id", "record_id", "url")
    ]
    assert found[0] == found[1] == found[2]
    explained = found[0]
    assert explained["decision"]["verdict"] == "dropped"
    dropping = [rule["reason"] for rule in explained["rules"] if rule["drops"]]
    copies = {"exact_duplicate", "near_duplicate"}
    assert dropping == [r for r in explained["decision"]["reasons"] if r not in copies]
    assert explained["signals"]["length.words"] > 0
    short, long = (
        invoke("explain", row["id"], "-l", folder, *more).output for more in ([], ["--all"])
    )
    assert "DROPS" in short
    assert "--all shows them" in short
    assert "passes" not in short.partition("It passes")[0]
    assert explained["references"] == {r: reference(r) for r in explained["decision"]["reasons"]}
    assert all(where in short and where in long for where in explained["references"].values())
    assert "length.words" in long
    assert long.count("passes") > long.count("DROPS")


def test_explain_in_a_lake_that_an_earlier_version_measured(lake, monkeypatch):
    _, folder, _ = lake
    sql = "SELECT id FROM dropped ORDER BY id LIMIT 1"
    (row,) = json.loads(invoke("query", sql, "-l", folder, "--json").stdout)
    later = Family("later", 1, "Measured since.", (FAMILIES[0].signals[0],))
    monkeypatch.setattr("thresher.pipeline.inspect.explain.FAMILIES", (*FAMILIES, later))
    assert invoke("explain", row["id"], "-l", folder).exit_code == 0


def test_explain_a_duplicate_names_the_survivor(lake):
    _, folder, _ = lake
    sql = "SELECT id, survivor_id FROM dropped WHERE survivor_id IS NOT NULL ORDER BY id LIMIT 1"
    (row,) = json.loads(invoke("query", sql, "-l", folder, "--json").stdout)
    explained = json.loads(invoke("explain", row["id"], "-l", folder, "--json").stdout)
    assert row["survivor_id"] in {member["id"] for member in explained["duplicates"]}
    assert explained["difference"]["id"] == row["survivor_id"]
    assert "differences from" in invoke("explain", row["id"], "-l", folder).output


def test_explain_a_quarantined_record(lake):
    _, folder, _ = lake
    sql = "SELECT id, reason FROM quarantine ORDER BY id LIMIT 1"
    (row,) = json.loads(invoke("query", sql, "-l", folder, "--json").stdout)
    explained = json.loads(invoke("explain", row["id"], "-l", folder, "--json").stdout)
    assert explained["quarantine"]["reason"] == row["reason"]
    assert explained["references"] == {row["reason"]: reference(row["reason"])}
    text = invoke("explain", row["id"], "-l", folder).output
    assert row["reason"] in text
    assert reference(row["reason"]) in text


def test_report_is_written_and_closes_what_it_opens(lake):
    _, folder, _ = lake
    page = (folder / "report.html").read_text()
    assert "Funnel" in page
    assert unbalanced(page) == []


def test_the_report_explains_each_of_its_reasons(lake):
    _, folder, _ = lake
    page = (folder / "report.html").read_text()
    found = invoke("query", "SELECT DISTINCT reason FROM reasons", "-l", folder, "--json").stdout
    reasons = {row["reason"] for row in json.loads(found)}
    assert len(reasons) > 10
    for reason in reasons:
        assert page.count(f'id="reason-{reason}"') == 1
        assert f'<td><a href="#reason-{reason}">{reason}</a></td>' in page
        assert reference(reason) in page
    linked = set(re.findall(r'href="#reason-(\w+)"', page))
    assert linked == set(re.findall(r'id="reason-(\w+)"', page)) == reasons


def test_the_report_shows_the_bounds_of_its_run(recipe_for, sample, tmp_path):
    (tmp_path / "mine.toml").write_text(
        'name = "mine"\nversion = 1\n[[rules]]\nreason = "too_few_words"\n'
        'signal = "length.nonsymbol_words"\nbelow = 77\n'
        '[[rules]]\nreason = "my_own"\nsignal = "length.nonsymbol_words"\nabove = 100\n'
    )
    judge = '[judge]\npolicy = "mine.toml"\n'
    recipe = recipe_for(tmp_path / "lake", sample.shards[:1], judge)
    assert invoke("run", recipe, "--in-process", "--quiet").exit_code == 0
    page = (tmp_path / "lake" / "report.html").read_text()
    assert "<td>&lt; 77</td><td>&lt; 50</td>" in page
    assert "my_own" in page
    assert "reason-my_own" not in page
    sql = "SELECT id, reason FROM dropped WHERE reason = 'my_own' ORDER BY id LIMIT 1"
    (row,) = json.loads(invoke("query", sql, "-l", tmp_path / "lake", "--json").stdout)
    explained = json.loads(invoke("explain", row["id"], "-l", tmp_path / "lake", "--json").stdout)
    assert explained["references"] == {}


def test_what_a_page_says_cannot_enter_the_report():
    hostile = "</td></table><script>x</script><img src=x onerror=x>\x1b[31m\u202e\n" * 9
    for part in (
        report._table(("of", "x"), [(1, hostile), (0.5, None), (None, b"<b>")]),
        report._sample(hostile, [("id", hostile, hostile), ("other", None, hostile)]),
    ):
        assert "<script" not in part
        assert "<img" not in part
        assert not any(character in part for character in "\x1b\u202e")
        assert unbalanced(part) == []


def test_tables_of_the_report():
    table = report._table(("name", "n"), [("a", 12345), ("b", -0.00001), ("c" * 60, None)])
    assert "<th class=n>n</th>" in table
    assert "<td class=n>12,345</td>" in table
    assert "<td class=n>0.0000</td>" in table
    assert "<td class=long>" in table
    assert report._table(("name",), []) == "<p>None.</p>"


def unbalanced(page):
    """Tags of a page that are not closed, or closed without being open."""
    open_tags, wrong = [], []

    class Tags(HTMLParser):
        def handle_starttag(self, tag, _):
            if tag not in {"meta", "br"}:
                open_tags.append(tag)

        def handle_endtag(self, tag):
            if not open_tags or open_tags.pop() != tag:
                wrong.append(tag)

    Tags().feed(page)
    return wrong + open_tags


def test_rebuild_makes_the_catalog_again(lake):
    _, folder, _ = lake
    (folder / "catalog.duckdb").unlink()
    assert invoke("catalog", "rebuild", folder).exit_code == 0
    assert (folder / "catalog.duckdb").exists()


def test_errors_are_one_message_and_exit_2(monkeypatch, capsys, recipe_for, tmp_path):
    for arguments, text in (
        (("plan", tmp_path / "nowhere.toml"), "nowhere.toml"),
        (("query", "SELECT 1", "-l", tmp_path / "nowhere"), "holds no run yet"),
        (("status", tmp_path / "nowhere"), "holds no run yet"),
        (("status", "nowhere://lake"), "no such place for a lake"),
        (("train", "mine"), "Add --positives FILES"),
        (("explain", "x", "-l", tmp_path / "nowhere"), "holds no run yet"),
        (("run", recipe_for(tmp_path / "lake", ["nowhere/*"])), "input.urls[0]"),
    ):
        code, message = run_main(monkeypatch, capsys, *arguments)
        assert code == 2
        assert message.count("thresher:") == 1
        assert text in message.replace("\n", " ")


def test_a_typing_mistake_in_a_recipe_names_the_word(monkeypatch, capsys, recipe_for, tmp_path):
    recipe = recipe_for(tmp_path / "lake", extra="[gate]")
    code, message = run_main(monkeypatch, capsys, "run", recipe)
    assert code == 2
    assert "gate: unknown setting. Did you mean 'gates'?" in message


def test_a_typing_mistake_in_a_value_names_the_word(monkeypatch, capsys, recipe_for, tmp_path):
    for extra, text in (
        ('[extract]\nprofile = "balancd"', "no such value 'balancd'. Did you mean 'balanced'?"),
        ('[gates]\nlanguages = ["en", "english"]', "languages[1]: no such language 'english'."),
        ('[[decontaminate]]\nname = "x"\nfields = ["q"]\npath = "no/*"', "decontaminate[0].path"),
    ):
        code, message = run_main(
            monkeypatch, capsys, "plan", recipe_for(tmp_path / "lake", extra=extra)
        )
        assert code == 2
        assert text in message


def test_a_lake_without_a_catalog_says_how_to_make_it(lake, monkeypatch, capsys, tmp_path):
    _, folder, _ = lake
    shutil.copytree(folder / "runs", tmp_path / "runs")
    code, message = run_main(monkeypatch, capsys, "query", "SELECT 1", "-l", tmp_path)
    assert code == 2
    assert f"thresher catalog rebuild {tmp_path}" in message


def test_a_lake_that_was_moved_is_read_where_it_is(lake, tmp_path):
    _, folder, _ = lake
    shutil.copytree(folder, tmp_path / "moved")
    sql = "SELECT id FROM dropped ORDER BY id LIMIT 1"
    (row,) = json.loads(invoke("query", sql, "-l", tmp_path / "moved", "--json").stdout)
    assert invoke("explain", row["id"], "-l", tmp_path / "moved").exit_code == 0
    (tmp_path / "moved" / "text").rename(tmp_path / "text")
    assert invoke("query", sql, "-l", folder).exit_code == 0


def test_a_lake_that_lost_files_says_how_to_mend_it(lake, monkeypatch, capsys, tmp_path):
    _, folder, _ = lake
    shutil.copytree(folder, tmp_path / "torn")
    shutil.rmtree(tmp_path / "torn" / "text")
    for command in (["query", "SELECT * FROM kept", "-l"], ["explain", "x", "-l"], ["diversity"]):
        code, message = run_main(monkeypatch, capsys, *command, tmp_path / "torn")
        assert code == 2
        assert f"thresher catalog rebuild {tmp_path / 'torn'}" in message


def test_the_version():
    assert invoke("--version").stdout.startswith("thresher ")


def test_a_lake_in_memory_needs_one_process(monkeypatch, capsys, recipe_for):
    code, message = run_main(monkeypatch, capsys, "run", recipe_for("memory://cli"))
    assert code == 2
    assert "--in-process" in message


def test_an_incomplete_run_exits_3(sample, recipe_for, tmp_path):
    recipe = recipe_for(tmp_path / "lake", [sample.shards[-1]])
    result = invoke("run", recipe, "--in-process", "--quiet")
    assert result.exit_code == 3
    assert "truncated" in result.output
    tolerant = recipe_for(tmp_path / "lake", [sample.shards[-1]], "[run]\nallow_truncated = true")
    assert invoke("run", tolerant, "--in-process", "--quiet").exit_code == 0


def test_a_program_error_is_not_hidden(monkeypatch):
    def broken():
        raise ZeroDivisionError

    monkeypatch.setattr(cli, "app", broken)
    with pytest.raises(ZeroDivisionError):
        main()


@pytest.mark.parametrize("command", [[], ["run"], ["query"], ["explain"], ["train"]])
def test_help_has_an_example(command):
    help_text = invoke(*command, "--help").output
    assert ("thresher demo" if not command else "Example: thresher") in help_text


def test_what_comes_from_the_web_cannot_steer_the_terminal():
    hostile = "a\x1b[31mred\x1b[0m\r\n\u202egnp.exe\x00\u200b[bold]b"
    assert "\x1b" not in shown(hostile)
    assert not any(ord(c) < 32 or c in "\u202e\u200b" for c in shown(hostile))
    assert len(shown("x" * 1000, 50)) == 50
