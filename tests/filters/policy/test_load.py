"""Policies are typed and closed: what cannot mean anything is refused with its path."""

from __future__ import annotations

import json
from importlib import resources

import pytest

from thresher.filters.config import canonical_json
from thresher.filters.errors import ConfigError
from thresher.filters.policy import (
    DUPLICATE_REASONS,
    RESERVED_MEANINGS,
    LanguageBounds,
    parse_policy,
    policy_from_mapping,
    policy_to_mapping,
    resolve,
    shipped_policies,
    shipped_policy,
    unresolved,
)

HEAD = 'name = "mine"\nversion = 1\n'
WORDS = 'signal = "length.words"'
SCORE = 'signal = "language.score"\n'
MEDIAN = "below_median = {least = 0.3, most = 0.9}"


def rule(body: str, reason: str = "some_reason") -> str:
    return f'[[rules]]\nreason = "{reason}"\n{body}\n'


def refused(text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        parse_policy(text, "mine.toml")
    return caught.value


@pytest.mark.parametrize("name", shipped_policies())
def test_shipped_policies_are_valid_and_explain_every_reason(name):
    policy = shipped_policy(name)
    assert policy.name == name
    assert policy.source
    assert all(r.meaning.endswith(".") for r in policy.rules)
    left_to_the_run = {"dclm": ["low_quality"], "web-multilingual": ["uncertain_language"]}
    assert [r.reason for r in unresolved(policy)] == left_to_the_run.get(name, [])


def test_one_reason_means_one_thing_in_all_shipped_policies():
    meanings: dict[str, set[str]] = {}
    for name in shipped_policies():
        for r in shipped_policy(name).rules:
            meanings.setdefault(r.reason, set()).add(r.meaning)
    assert {k: v for k, v in meanings.items() if len(v) > 1} == {}


def test_these_policies_are_shipped():
    names = {
        "web-en",
        "web-multilingual",
        "fineweb",
        "gopher",
        "c4",
        "dclm",
        "junk-gentle",
        "junk-strict",
    }
    assert set(shipped_policies()) == names


@pytest.mark.parametrize("name", shipped_policies())
def test_each_shipped_policy_says_its_source_and_departures(name):
    text = resources.files("thresher.filters.policies").joinpath(f"{name}.toml").read_text()
    header = text[: text.index("\nname = ")]
    assert all(line.startswith("# ") for line in header.splitlines())
    assert "# Source: " in header
    assert "# Departures: " in header


def test_web_en_names_junk_before_it_counts():
    reasons = [r.reason for r in shipped_policy("web-en").rules]
    junk = ["ticker_table", "number_rows", "price_list", "consent_notice", "machine_style"]
    assert max(map(reasons.index, junk)) < reasons.index("too_few_words")
    assert reasons.index("ticker_table") < reasons.index("too_few_alphabetic_words")


def test_copies_of_each_kind_have_a_reason_that_no_rule_can_give():
    for kind, reason in DUPLICATE_REASONS.items():
        policy = parse_policy(f'{HEAD}[duplicates]\ndrop = ["{kind}"]\n', "mine.toml")
        assert policy.duplicates.drop == (kind,)
        assert RESERVED_MEANINGS[reason].endswith(".")
        assert "pipeline itself" in refused(HEAD + rule(WORDS + "\nbelow = 5", reason)).problem
    assert set(RESERVED_MEANINGS) - set(DUPLICATE_REASONS.values()) == {"empty_after_transforms"}


def test_an_unknown_policy_names_the_nearest():
    with pytest.raises(ConfigError, match="Did you mean 'fineweb'"):
        shipped_policy("finewebb")


@pytest.mark.parametrize("name", shipped_policies())
def test_a_stored_policy_reads_back_equal(name):
    policy = shipped_policy(name)
    stored = json.loads(json.dumps(policy_to_mapping(policy)))
    assert policy_from_mapping(stored, name) == policy
    assert canonical_json(policy) == canonical_json(policy_from_mapping(stored, name))


def test_an_unknown_signal_is_named_with_its_path_and_the_nearest():
    text = HEAD + rule(WORDS + "\nbelow = 5") + rule('signal = "length.word"\nbelow = 5', "other")
    error = refused(text)
    assert error.where == "mine.toml: rules[1].signal"
    assert error.hint == "Did you mean 'length.words'?"


def test_an_unknown_signal_within_all_is_named_with_its_path():
    error = refused(HEAD + rule('all = [{ signal = "market.tickers", above = 1 }]'))
    assert error.where == "mine.toml: rules[0].all[0].signal"


@pytest.mark.parametrize(
    ("body", "where", "problem"),
    [
        (WORDS, "rules[0]", "says nothing"),
        ("below = 3", "rules[0]", "needs a 'signal'"),
        (WORDS + "\nis = true", "rules[0].is", "is int64"),
        (WORDS + "\nbelow = true", "rules[0].below", "must be a number, not true"),
        (WORDS + "\nbelow = nan", "rules[0].below", "finite"),
        (WORDS + "\nbelow = inf", "rules[0].below", "finite"),
        (WORDS + "\nbelow = 2.5", "rules[0].below", "whole numbers"),
        (WORDS + f"\nabove = {2**63}", "rules[0].above", "64 bits"),
        (WORDS + f"\nbelow = {-(2**63)}", "rules[0].below", "never true"),
        (WORDS + "\nbelow = -1", "rules[0].below", "never true"),
        (WORDS + "\nabove = -1", "rules[0].above", "always true"),
        (WORDS + "\nbelow = 10\nabove = 5", "rules[0]", "every value"),
        (WORDS + "\nbelow = 10\nkeep_top = 0.5", "rules[0].keep_top", "excludes"),
        (WORDS + "\nkeep_top = 50", "rules[0].keep_top", "between 0 and 1"),
        (
            WORDS + '\nbelow = 5\nkeep_top_of = "language"',
            "rules[0].keep_top_of",
            "needs 'keep_top'",
        ),
        (WORDS + '\nties_above = "a"', "rules[0].ties_above", "needs 'below'"),
        (WORDS + "\nbelwo = 10", "rules[0].belwo", "unknown setting"),
        (WORDS + "\nbelow = 10\nmissing = 'drp'", "rules[0].missing", "drp"),
        (WORDS + "\nall = [{signal = 'length.words', below = 3}]", "rules[0]", "stands alone"),
        ('signal = "c4.has_lorem_ipsum"\nbelow = 1', "rules[0].below", "is bool"),
        ('signal = "c4.has_lorem_ipsum"\nkeep_top = 0.1', "rules[0].keep_top", "is bool"),
        ('signal = "language.code"\nabove = 1', "rules[0].above", "is string"),
        ('signal = "language.code"\nin = []', "rules[0].in", "no value"),
        ('signal = "language.code"\nin = ["en", "en"]', "rules[0].in", "twice"),
        ('signal = "language.code"\nin = ["e\\u0000"]', "rules[0].in", "unprintable"),
        ('signal = "language.code"\nin = ["en"]\nnot_in = ["de"]', "rules[0].not_in", "excludes"),
        ('signal = "quality.score"\nabove = 65', "rules[0].above", "never true"),
        ('signal = "quality.score"\nbelow = 65', "rules[0].below", "always true"),
        (f'signal = "slop.phrases_per_1000_words"\nabove = {2**53 + 1}', "rules[0].above", "exact"),
        (f'signal = "slop.phrases_per_1000_words"\nabove = 1{"0" * 400}', "rules[0].above", ""),
        (WORDS + "\nby_language = {}", "rules[0]", "says nothing"),
        (WORDS + "\n[rules.by_language]\ndd = {below = 1}", "rules[0].by_language.dd", "no such"),
        (WORDS + "\n[rules.by_language]\nde = {}", "rules[0].by_language.de", "says nothing"),
        (WORDS + "\n[rules.by_language]\nde = {belo = 1}", "rules[0].by_language.de.belo", "unk"),
        (WORDS + "\n[rules.by_language]\nde = {is = true}", "rules[0].by_language.de.is", "int"),
        (WORDS + "\n[rules.by_language]\nde = {below = 2.5}", "rules[0].by_language.de.below", "w"),
        (
            WORDS + "\n[rules.by_language]\nde = {below = 2, off = true}",
            "rules[0].by_language.de.off",
            "excludes",
        ),
        (
            WORDS + "\nbelow = 2\nabove = 9\n[rules.by_language]\nde = {below = 10}",
            "rules[0].by_language.de",
            "every value",
        ),
        (
            WORDS + "\nkeep_top = 0.5\n[rules.by_language]\nde = {below = 10}",
            "rules[0].keep_top",
            "by_language",
        ),
        (
            "all = [{signal = 'length.words', below = 3}]\n[rules.by_language]\nde = {off = true}",
            "rules[0]",
            "stands alone",
        ),
        (SCORE + "below = 0.5\n" + MEDIAN, "rules[0].below_median", "excludes 'below'"),
        (SCORE + "keep_top = 0.5\n" + MEDIAN, "rules[0].keep_top", "excludes 'below_median'"),
        (SCORE + "below_median = {least = 0.3}", "rules[0].below_median.most", "missing"),
        (SCORE + MEDIAN.replace("0.9", "0.2"), "rules[0].below_median.least", "above most"),
        (SCORE + MEDIAN.replace("0.9", "9"), "rules[0].below_median.most", "always true"),
        (
            SCORE + MEDIAN.replace("}", ", deviations = -1}"),
            "rules[0].below_median.deviations",
            "0 or more",
        ),
        ('signal = "language.code"\n' + MEDIAN, "rules[0].below_median", "needs numbers"),
        ('signal = "guests.regex_filter"\nin = ["x"]', "rules[0].signal", "no signal"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(body, where, problem):
    error = refused(HEAD + rule(body))
    assert error.where == f"mine.toml: {where}"
    assert problem in error.problem


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (HEAD, "rules"),
        ('name = "My Policy"\nversion = 1\n' + rule(WORDS + "\nbelow = 1"), "name"),
        ('name = "mine"\nversion = 0\n' + rule(WORDS + "\nbelow = 1"), "version"),
        (HEAD + rule(WORDS + "\nbelow = 1", "Too Short"), "rules[0].reason"),
        (HEAD + rule(WORDS + "\nbelow = 1", "exact_duplicate"), "rules[0].reason"),
        (HEAD + rule(WORDS + "\nbelow = 1") + rule(WORDS + "\nabove = 9"), "rules[1].reason"),
        (HEAD + '[duplicates]\ndrop = ["exact", "exact"]', "duplicates.drop"),
        (HEAD + '[duplicates]\ndrop = ["fuzzy"]', "duplicates.drop[0]"),
        (HEAD + '[duplicates]\ndrop = ["near"]\nprefer = "language.code"', "duplicates.prefer"),
        (HEAD + '[duplicates]\ndrop = ["near"]\nprefer = "quality.scor"', "duplicates.prefer"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(text, where):
    assert refused(text).where == f"mine.toml: {where}"


def test_numbers_take_the_type_of_their_signal():
    policy = parse_policy(
        HEAD
        + rule(WORDS + "\nbelow = 50.0", "a")
        + rule('signal = "quality.score"\nbelow = 1', "b")
        + rule('signal = "quality.score"\nbelow = -0.0', "c"),
        "mine.toml",
    )
    bounds = [r.below for r in policy.rules]
    assert [repr(b) for b in bounds] == ["50", "1.0", "0.0"]


def test_resolve_makes_keep_top_literal_and_leaves_the_rest():
    policy = parse_policy(
        HEAD
        + rule('signal = "quality.score"\nkeep_top = 0.5\nmissing = "unknown"', "low_quality")
        + rule(WORDS + "\nkeep_top = 0.9", "shortest")
        + rule(WORDS + "\nabove = 9", "long"),
        "mine.toml",
    )
    assert [r.reason for r in unresolved(policy)] == ["low_quality", "shortest"]
    cuts = {
        "low_quality": {"": {"value": 0.71, "id": "b'"}},
        "shortest": {"": {"value": 3, "id": "c"}},
    }
    solved = resolve(policy, cuts)
    assert not unresolved(solved)
    assert [(r.below, r.ties_above) for r in solved.rules] == [(0.71, "b'"), (3, "c"), (None, None)]
    assert policy_from_mapping(policy_to_mapping(solved), "again") == solved
    assert solved.rules[0].missing == "unknown"
    assert solved.rules[2] == policy.rules[2]
    assert canonical_json(solved) != canonical_json(policy)


def test_resolve_with_no_scores_at_all_drops_nothing():
    policy = parse_policy(
        HEAD + rule('signal = "quality.score"\nkeep_top = 0.5', "low_quality"), "m"
    )
    assert resolve(policy, {"low_quality": {}}).rules[0].below == 0.0


def test_a_share_of_each_language_becomes_a_bound_of_each():
    policy = parse_policy(
        HEAD + rule('signal = "quality.score"\nkeep_top = 0.5\nkeep_top_of = "language"', "low"),
        "m",
    )
    cuts = {"": {"value": 0.1, "id": "a"}, "de": {"value": 0.2, "id": "b"}}
    (found,) = resolve(policy, {"low": cuts}).rules
    assert (found.below, found.ties_above, found.keep_top_of) == (0.1, "a", "run")
    assert found.by_language == {"de": LanguageBounds(below=0.2, ties_above="b")}


def test_resolve_needs_every_threshold():
    policy = parse_policy(
        HEAD + rule('signal = "quality.score"\nkeep_top = 0.5', "low_quality"), "m"
    )
    with pytest.raises(KeyError):
        resolve(policy, {})


def test_resolve_makes_medians_literal_by_language():
    policy = parse_policy(
        HEAD + rule(SCORE + MEDIAN + "\n[rules.by_language]\nja = {off = true}", "uncertain"), "m"
    )
    assert [r.reason for r in unresolved(policy)] == ["uncertain"]
    solved = resolve(policy, {"uncertain": {"de": 0.71, "fr": 0.9, "ja": 0.3}})
    assert not unresolved(solved)
    [found] = solved.rules
    assert found.below == 0.3
    assert {code: own.below for code, own in found.by_language.items()} == {
        "de": 0.71,
        "fr": 0.9,
        "ja": None,
    }
    assert found.by_language["ja"].off
    assert policy_from_mapping(json.loads(json.dumps(policy_to_mapping(solved))), "m") == solved


def test_guests_are_signals_of_a_policy_where_the_recipe_names_them():
    text = HEAD + rule('signal = "guests.regex_filter"\nnot_in = ["passed"]')
    assert parse_policy(text, "m", guests=["regex_filter"]).rules[0].not_in == ("passed",)
    with pytest.raises(ConfigError, match=r"Did you mean 'guests.regexp'\?.*\[\[guests\]\]"):
        parse_policy(text, "m", guests=["regexp"])
    stored = policy_to_mapping(parse_policy(text, "m", guests=["regex_filter"]))
    assert policy_from_mapping(stored, "m").rules[0].signal == "guests.regex_filter"


QUALITY = 'signal = "quality.score"\n'


@pytest.mark.parametrize(
    "body",
    [
        WORDS + "\nbelow = 10\nabove = 10",
        WORDS + "\nbelow = 0",
        WORDS + "\nabove = 0",
        WORDS + f"\nabove = {2**63 - 1}",
        WORDS + "\nbelow = 1e3",
        QUALITY + "below = 0.0",
        QUALITY + "below = 1.0",
        QUALITY + "above = 1.0",
        QUALITY + "above = 0.0",
        QUALITY + "keep_top = 0.0001",
        QUALITY + "keep_top = 0.9999",
        QUALITY + 'keep_top = 0.5\nkeep_top_of = "language"',
        WORDS + '\nbelow = 5\nties_above = "a"',
        'signal = "language.code"\nin = ["en"]\n[rules.by_language]\nde = { in = ["de"] }',
        WORDS + "\nbelow = 2\nabove = 9\n[rules.by_language]\nde = {below = 9}",
        WORDS + "\n[rules.by_language]\nde = {off = true}",
        SCORE + MEDIAN,
        SCORE + "below_median = {least = 0.3, most = 0.3}",
        SCORE + "below_median = {least = 0.0, most = 1.0, deviations = 0}",
        f'signal = "slop.phrases_per_1000_words"\nabove = {2**53}',
    ],
)
def test_a_bound_is_taken_to_its_end(body):
    policy = parse_policy(HEAD + rule(body), "mine.toml")
    assert len(policy.rules) == 1
    assert parse_policy(HEAD + rule(body, "a1_b2"), "m").rules[0].reason == "a1_b2"


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (QUALITY + "below = 1.0000001", "rules[0].below"),
        (QUALITY + "below = -0.0000001", "rules[0].below"),
        (QUALITY + "above = 1.0000001", "rules[0].above"),
        (QUALITY + "above = -0.0000001", "rules[0].above"),
        (QUALITY + "keep_top = 0", "rules[0].keep_top"),
        (QUALITY + "keep_top = 1", "rules[0].keep_top"),
        (WORDS + "\nbelow = 11\nabove = 10", "rules[0]"),
        (WORDS + f"\nbelow = {-(2**63) - 1}", "rules[0].below"),
        (WORDS + '\nbelow = 5\nties_above = ""', "rules[0].ties_above"),
        ('signal = "language.code"\nnot_in = []', "rules[0].not_in"),
        ('signal = "language.code"\nnot_in = ["a", ""]', "rules[0].not_in"),
        (SCORE + MEDIAN.replace("0.3", "0.91"), "rules[0].below_median.least"),
        (SCORE + MEDIAN.replace("0.3", "-0.1"), "rules[0].below_median.least"),
        (SCORE + MEDIAN.replace("}", ", deviations = inf}"), "rules[0].below_median.deviations"),
        (SCORE + MEDIAN.replace("}", ", deviations = nan}"), "rules[0].below_median.deviations"),
        (WORDS + "\nbelow = 2\nabove = 9\n[rules.by_language]\nde = {below = 10}",
         "rules[0].by_language.de"),
        ('signal = "language.code"\nin = ["a"]\n[rules.by_language]\nde = { not_in = ["b"] }',
         "rules[0].by_language.de.not_in"),
        ("all = [{signal = 'length.words', below = 3}]\nkeep_top = 0.5", "rules[0]"),
        ("all = [{signal = 'length.words', below = 3}]\n" + MEDIAN, "rules[0]"),
        ("all = [{signal = 'length.words', below = 3}]\n" + WORDS, "rules[0]"),
    ],
)  # fmt: skip
def test_a_bound_just_beyond_is_refused(body, where):
    assert refused(HEAD + rule(body)).where == f"mine.toml: {where}"


@pytest.mark.parametrize("reason", ["a__b", "_a", "a_", "1a", "A", "a-b", "a b", "", "é"])
def test_a_reason_is_a_word_of_the_catalog(reason):
    assert refused(HEAD + rule(WORDS + "\nbelow = 1", reason)).where.endswith("[0].reason")


@pytest.mark.parametrize(
    ("name", "right"),
    [("a", True), ("a1-b", True), ("a_b", False), ("a-", False), ("-a", False), ("1a", False)],
)
def test_a_policy_has_a_name_for_files(name, right):
    text = f'name = "{name}"\nversion = 1\n' + rule(WORDS + "\nbelow = 1")
    if right:
        assert parse_policy(text, "m").name == name
    else:
        assert refused(text).where == "mine.toml: name"


@pytest.mark.parametrize(
    ("body", "hint"),
    [
        (WORDS, "State 'below' or 'above'."),
        (WORDS + "\nis = true", "Use 'below' or 'above'."),
        (WORDS + "\nbelow = 2.6", "Try 3."),
        ('signal = "language.code"\nabove = 1', "Use 'in' or 'not_in'."),
        ('signal = "c4.has_lorem_ipsum"\nabove = 1', "Use 'is'."),
        (WORDS + "\n[rules.by_language]\nde = {}", "State 'below' or 'above', or off = true."),
        (WORDS + "\n[rules.by_language]\njaa = {below = 1}", "Did you mean 'ja'?"),
    ],
)
def test_what_is_refused_says_what_to_write(body, hint):
    assert refused(HEAD + rule(body)).hint == hint


def test_scorers_are_signals_of_a_policy_where_the_recipe_names_them():
    text = HEAD + rule('signal = "scores.mine"\nbelow = 0.5')
    for scores in (["mine"], None):
        assert parse_policy(text, "m", scores=scores).rules[0].signal == "scores.mine"
    with pytest.raises(ConfigError, match=r"Did you mean 'scores.mind'\?.*\[\[scores\]\]"):
        parse_policy(text, "m", scores=["mind"])
    with pytest.raises(ConfigError, match=r"no signal 'scores\.mine'"):
        parse_policy(text, "m", scores=())
    guest = HEAD + rule('signal = "guests.any"\nin = ["a"]')
    assert parse_policy(guest, "m", guests=None).rules[0].signal == "guests.any"
    preferred = HEAD + '[duplicates]\ndrop = ["near"]\nprefer = "guests.any"'
    with pytest.raises(ConfigError, match="needs a signal of numbers"):
        parse_policy(preferred, "m", guests=None)


def test_a_share_or_median_of_nothing_measured_drops_nothing():
    text = rule(WORDS + "\nkeep_top = 0.5", "a") + rule(SCORE + MEDIAN, "b")
    signed = 'signal = "language.score"\nkeep_top = 0.5\nkeep_top_of = "language"'
    policy = parse_policy(HEAD + text + rule(signed, "c"), "m")
    found = {"a": {}, "b": {}, "c": {"de": {"value": 0.25, "id": "x"}}}
    a, b, c = resolve(policy, found).rules
    assert (a.below, a.ties_above, a.by_language) == (0, None, {})
    assert (b.below, b.below_median, b.by_language) == (0.3, None, {})
    assert (c.below, c.ties_above, c.keep_top, c.keep_top_of) == (0.0, None, None, "run")
    assert c.by_language == {"de": LanguageBounds(below=0.25, ties_above="x")}
    whole = resolve(policy, found | {"a": {"": {"value": 2.5, "id": "y"}}}).rules[0]
    assert whole.below == 3, "what is not below 2.5 is not below 3 words"
