"""The shipped rules about sites in a whole run, and replayed over what it stored."""

from __future__ import annotations

import gzip
import json

import pytest

from thresher.filters.junk.examples import site_examples
from thresher.filters.policy import shipped_policy
from thresher.filters.policy.sql import compile_rules
from thresher.jobs.executor import InProcess
from thresher.jobs.plan import make_plan
from thresher.jobs.progress import Silent
from thresher.jobs.recipe import read_recipe
from thresher.jobs.run import execute
from thresher.jobs.sample.grammar import generator
from thresher.jobs.sample.junk import MAKERS
from thresher.jobs.sample.page import text_of
from thresher.manifests import catalog

HUMAN = ("town", "person", "news", "story", "essay", "science", "howto", "finance")


def machine(index):
    page = MAKERS["machine_slop"](generator(0, "site", index))
    return "\n".join((page.title, *page.lines))


def human(index):
    text = text_of(HUMAN[index % len(HUMAN)], 1, "site", index=index)
    return f"{text.title}\n{text.body}"


def pages():
    """Sites of a model, of people, of both, of a template, and of a model but too small."""
    frame = human(4)[:400]
    rows = [("machine.com", machine(k)) for k in range(24)]
    rows += [("people.com", human(k)) for k in range(24)]
    rows += [("both.com", machine(30 + k) if k % 4 else human(30 + k)) for k in range(28)]
    rows += [("frame.com", f"{frame} This is page {k * k} of town {k * 7}.") for k in range(24)]
    rows += [("small.com", machine(70 + k)) for k in range(12)]
    for k, (site, text) in enumerate(rows):
        yield {"id": f"{k:04}", "url": f"https://www.{site}/p/{k}", "text": text}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rules")
    rows = list(pages())
    for number in range(3):
        with gzip.open(folder / f"{number}.jsonl.gz", "wt") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows[number::3])
    return folder


def run(folder, extra=""):
    recipe = folder / "recipe.toml"
    recipe.write_text(
        f'name = "sites"\nlake = "lake"\n[input]\nurls = ["*.jsonl.gz"]\n{extra}'
        '[judge]\npolicy = "web-en"\n'
    )
    plan = make_plan(read_recipe(recipe))
    record = execute(plan, InProcess(), Silent())
    assert (record.status, record.failures) == ("complete", [])
    with catalog.connect(plan.store) as database:
        rows = database.execute(
            "SELECT id, url, machine_text.score, reasons FROM measured "
            "JOIN decisions USING (shard, row, id) ORDER BY id"
        ).fetchall()
        replayed = database.execute(
            f"SELECT reasons FROM (SELECT id, {compile_rules(shipped_policy('web-en'))} "
            "FROM measured) ORDER BY id"
        ).fetchall()
    about_sites = {rule.reason for rule in site_examples().rules}
    found = {}
    for (_, url, score, decided), (judged,) in zip(rows, replayed, strict=True):
        mine = [reason for reason in decided if reason in about_sites]
        assert mine == [reason for reason in judged if reason in about_sites]
        site = url.split("/")[2].removeprefix("www.")
        found.setdefault(site, []).append((score, mine))
    return found


def test_a_site_of_a_model_is_dropped_and_one_of_people_is_not(finished):
    found = run(finished)
    assert [why for _, why in found["machine.com"]] == [["machine_site"]] * 24
    assert [why for _, why in found["people.com"]] == [[]] * 24
    assert [why for _, why in found["small.com"]] == [[]] * 12
    assert [why for _, why in found["frame.com"]] == [["template_site"]] * 24
    assert [why for score, why in found["both.com"] if score > 0.2] == [["machine_site"]] * 21
    assert [why for score, why in found["both.com"] if score < 0.1] == [[]] * 7


def test_without_sites_or_without_the_model_the_rules_do_not_fire(finished):
    found = run(finished, "[sites]\nmeasure = false\n")
    assert {tuple(why) for each in found.values() for _, why in each} == {()}
    found = run(finished, '[machine_text]\nmodel = ""\n')
    assert {tuple(why) for _, why in found["machine.com"]} == {()}
    assert {tuple(why) for _, why in found["frame.com"]} == {("template_site",)}
