"""datatrove's filters and formatters as guests: verdicts are signals; transforms change."""

from __future__ import annotations

import json

import pytest

from thresher.filters.errors import ConfigError
from thresher.jobs.executor import InProcess
from thresher.jobs.plan import make_plan
from thresher.jobs.progress import Silent
from thresher.jobs.recipe import read_recipe
from thresher.jobs.run import execute
from thresher.manifests import catalog
from thresher.manifests.layout import GUESTS
from thresher.manifests.manifest import load_all
from thresher.pipeline.guests import (
    FormatterSettings,
    GuestDocument,
    Guests,
    GuestSettings,
    check_guests,
    formatter_transform,
    guests_identity,
)
from thresher.pipeline.inspect.explain import explain
from thresher.pipeline.materialize import CuratedSettings

pytestmark = pytest.mark.filterwarnings("ignore")  # of datatrove's own dependencies

REGEX = GuestSettings("datatrove.RegexFilter", arguments={"regex_exp": "wheat"})


def documents(*texts, **metadata):
    return [GuestDocument(str(i), text, metadata) for i, text in enumerate(texts)]


def refused(*settings):
    with pytest.raises(ConfigError) as caught:
        check_guests(settings, "guests")
    return str(caught.value)


def test_a_verdict_is_passed_or_the_reason():
    guests = Guests([REGEX, GuestSettings("datatrove.C4ParagraphFilter", "long")])
    long = "\n".join(["a" * 200] * 3)
    assert guests.verdicts(documents("wheat", long)).to_pylist() == [
        {"regex": "dropped", "long": "< 3 paragraphs"},
        {"regex": "passed", "long": "passed"},
    ]
    assert guests.facts() == {}
    assert guests.verdicts([]).to_pylist() == []


def test_names_are_snake_case():
    names = {
        "C4BadWordsFilter": "c4_bad_words",
        "URLFilter": "url",
        "FastTextClassifierFilter": "fast_text_classifier",
        "UnigramLogProbFilter": "unigram_log_prob",
    }
    for name, expected in names.items():
        assert GuestSettings(f"datatrove.{name}").signal == expected


def test_a_guest_that_fails_on_a_document_is_null_and_counted(monkeypatch):
    from datatrove.pipeline.filters import RegexFilter

    guests = Guests([GuestSettings("datatrove.RegexFilter", arguments={"regex_exp": "x"})])
    monkeypatch.setattr(RegexFilter, "filter", lambda *_: 1 / 0)
    [found] = guests.verdicts(documents("text")).to_pylist()
    assert found == {"regex": None}
    guests.verdicts(documents("text", "more"))
    assert guests.facts()["regex"]["failed"] == 3
    assert guests.facts()["regex"]["first"].startswith("0: ZeroDivisionError")


def test_arguments_reach_the_guest_in_their_declared_type():
    half = GuestSettings("datatrove.SamplerFilter", arguments={"rate": 1})
    assert Guests([half]).verdicts(documents("a", "b")).to_pylist() == [{"sampler": "passed"}] * 2


def test_a_guest_with_a_seed_can_be_repeated():
    settings = [GuestSettings("datatrove.SamplerFilter")]
    texts = documents(*"abcdefghijklmnopqrstuvwxyz")
    first, second = (Guests(settings).verdicts(texts).to_pylist() for _ in range(2))
    assert first == second
    other = [GuestSettings("datatrove.SamplerFilter", arguments={"seed": 1})]
    assert Guests(other).verdicts(texts).to_pylist() != first


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (GuestSettings("datatrove.RegexFiler"), "guests[0].filter: no filter 'datatrove.RegexFiler'"
         ". Did you mean 'datatrove.RegexFilter'?"),
        (GuestSettings("RegexFilter"), "Did you mean 'datatrove.RegexFilter'?"),
        (GuestSettings("datatrove.BaseFilter"), "no filter"),
        (GuestSettings("datatrove.PIIFormatter"),
         'It is a formatter: curated.transforms = [{ formatter = "datatrove.PIIFormatter" }].'),
        (GuestSettings("datatrove.RegexFilter", arguments={"regex_ex": "x"}),
         "guests[0].arguments.regex_ex: no such argument. Did you mean 'regex_exp'?"),
        (GuestSettings("datatrove.RegexFilter", arguments={"exclusion_writer": "x"}),
         "no such argument"),
        (GuestSettings("datatrove.RegexFilter"), "guests[0].arguments: RegexFilter needs 'regex_e"),
        (GuestSettings("datatrove.RegexFilter", arguments={"regex_exp": 3}),
         "guests[0].arguments.regex_exp: must be text, not 3."),
        (GuestSettings("datatrove.RegexFilter", arguments={"regex_exp": "("}), "cannot be made"),
        (GuestSettings("datatrove.LambdaFilter", arguments={"filter_function": "x"}),
         "guests[0]"),
        (GuestSettings("datatrove.C4QualityFilter"),
         "C4QualityFilter rewrites the text, and a guest only judges. Name the transform 'c4_lines'"
        ),
        (GuestSettings("datatrove.RegexFilter", "Bad Name", {"regex_exp": "x"}), "guests[0].name"),
    ],
)  # fmt: skip
def test_a_guest_that_makes_no_sense_is_refused(settings, message):
    assert message in refused(settings)


def test_two_guests_need_two_names():
    assert "guests[1].name: 'regex' is already the name of guests[0]" in refused(REGEX, REGEX)
    check_guests([REGEX, GuestSettings(REGEX.filter, "other", REGEX.arguments)], "guests")


def test_a_filter_that_rewrites_is_refused_with_the_word_to_use(monkeypatch):
    from datatrove.pipeline import filters as peers

    class Rewrites(peers.base_filter.BaseFilter):
        def filter(self, doc):
            doc.text = doc.text.replace("[1]", "")
            return True

    monkeypatch.setattr(peers, "Rewrites", Rewrites, raising=False)
    guest = GuestSettings("datatrove.Rewrites")
    assert "guests[0].filter: Rewrites rewrites the text" in refused(guest)
    assert "curated.transforms" in refused(guest)
    with pytest.raises(ConfigError, match=r"guests\.rewrites"):
        Guests([guest]).verdicts(documents("plain", "cited [1]"))


def test_identity_holds_arguments_and_the_version_of_datatrove():
    assert guests_identity([]) == []
    version, *settings = guests_identity([REGEX])
    assert version
    assert settings == [[REGEX]]


def test_a_formatter_is_a_transform_without_memory():
    settings = FormatterSettings("datatrove.PIIFormatter")
    change = formatter_transform(settings, "x").change
    text = "Write to jane@example.net or joe@example.net."
    assert change(text) == change(text) != text
    curated = CuratedSettings(transforms=("clean_lines", settings))
    curated.check("curated")
    assert [transform.name for transform in curated.chosen()] == ["clean_lines", settings.formatter]
    wrong = CuratedSettings(transforms=(FormatterSettings("datatrove.PIFormatter"),))
    with pytest.raises(ConfigError, match=r"curated\.transforms\[0\]\.formatter.*PIIFormatter"):
        wrong.check("curated")
    wrong = CuratedSettings(transforms=(FormatterSettings(settings.formatter, {"emails": True}),))
    with pytest.raises(ConfigError, match=r"transforms\[0\]\.arguments\.emails.*remove_emails"):
        wrong.check("curated")
    wrong = CuratedSettings(transforms=(FormatterSettings("datatrove.RegexFilter"),))
    with pytest.raises(ConfigError, match=r"\[\[guests\]\] filter"):
        wrong.check("curated")


POLICY = """
name = "with-guest"
version = 1
[[rules]]
reason = "names_wheat"
meaning = "Names wheat."
signal = "guests.regex"
not_in = ["passed"]
"""

RECIPE = """
name = "guests"
lake = "lake"
[input]
urls = ["crawl.jsonl"]
[judge]
policy = "policy.toml"
[[guests]]
filter = "datatrove.RegexFilter"
arguments = { regex_exp = "wheat" }
[curated]
transforms = ["c4_lines_any_end", { formatter = "datatrove.PIIFormatter" }]
"""


def test_a_whole_job_with_guests(tmp_path):
    sentence = "The old mill stands by the river and grinds the {} of the valley in every season."
    pages = [
        {"id": "1", "text": "\n".join([sentence.format("wheat")] * 4)},
        {"id": "2", "text": "Home\n" + "\n".join([sentence.format("rye")] * 4) + "\nI am a@b.org."},
    ]
    (tmp_path / "crawl.jsonl").write_text("".join(json.dumps(page) + "\n" for page in pages))
    (tmp_path / "policy.toml").write_text(POLICY)
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(RECIPE)
    plan = make_plan(read_recipe(recipe))
    record = execute(plan, InProcess(), Silent())
    assert record.status == "complete", record.failures
    assert record.policy["rules"][0]["signal"] == "guests.regex"
    with catalog.connect(plan.store) as database:
        verdicts = database.execute(
            "SELECT record_id, guests.regex, verdict FROM documents JOIN decisions "
            "USING (shard, row) ORDER BY record_id"
        ).fetchall()
        assert verdicts == [("1", "dropped", "dropped"), ("2", "passed", "kept")]
        ((identity,),) = database.execute("SELECT id FROM dropped").fetchall()
        found = explain(database, identity, plan.policy)
        assert found.rules[0].tests == ["guests.regex not in passed (dropped)"]
        assert found.signals["guests.regex"] == "dropped"
        [(text, lines, characters)] = database.execute(
            "SELECT text, lines_removed, characters_removed FROM curated"
        ).fetchall()
    assert "Home" not in text
    assert "a@b.org" not in text
    assert lines == 1
    assert characters == len(pages[1]["text"]) - len(text)
    [manifest] = load_all(plan.store, GUESTS, plan.marks[GUESTS]).values()
    assert manifest.facts["guests"] == {}
    recipe.write_text(RECIPE.replace('"wheat"', '"rye"'))
    marks = make_plan(read_recipe(recipe)).marks
    assert {stage for stage, mark in marks.items() if plan.marks[stage] != mark} == {GUESTS}
    recipe.write_text(RECIPE.replace("[[guests]]", '[[guests]]\nname = "grain"'))
    with pytest.raises(ConfigError, match=r"Did you mean 'guests\.grain'"):
        make_plan(read_recipe(recipe))
