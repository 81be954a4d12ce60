"""A table is judged as a run judges it, by what the table holds; what it cannot tell is listed."""

from __future__ import annotations

import json

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pytest

import thresher
from thresher.filters.policy import DUPLICATE_REASONS, shipped_policies, shipped_policy
from thresher.jobs.policy import policy_of

POLICY = """
name = "mine"
version = 1
[[rules]]
reason = "short"
signal = "length.words"
below = 200
[rules.by_language]
en = { below = 120 }
[[rules]]
reason = "half"
signal = "quality.score"
keep_top = 0.5
[[rules]]
reason = "half_of_each"
signal = "length.words"
keep_top = 0.5
keep_top_of = "language"
[[rules]]
reason = "doubtful_language"
signal = "language.score"
below_median = { least = 0.3, most = 0.99 }
[[rules]]
reason = "odd_site"
signal = "site.pages"
below = 4
missing = "unknown"
[[rules]]
reason = "repeated"
signal = "repeated_lines.run_character_fraction"
above = 0.5
[duplicates]
drop = ["exact", "near"]
prefer = "quality.score"
"""
PROSE = "The mill at the lower bridge was built in 1871, and it stood empty for thirty years. "
TEXTS = [PROSE * 3, "Short.", "buy now " * 90, PROSE]
COPIES = set(DUPLICATE_REASONS.values())


@pytest.fixture(scope="module")
def table():
    return thresher.measure(TEXTS, ids=range(len(TEXTS)))


def test_what_is_behind_each_reason_is_said_on_demand(table):
    rules = [
        {"reason": "short", "signal": "length.words", "below": 5, "above": 100},
        {
            "reason": "odd",
            "all": [
                {"signal": "length.words", "below": 5},
                {"signal": "language.code", "in": ["en", "de"]},
                {"signal": "quality.score", "above": 1e-9},
            ],
        },
        {"reason": "unseen", "signal": "site.pages", "below": 9, "missing": "drop"},
        {"reason": "vouched", "signal": "reading.unverified", "is": False},
    ]
    policy = {"name": "mine", "version": 1, "rules": rules}
    assert "why" not in thresher.judge(table, policy).column_names
    decisions = thresher.judge(table, policy, why=True)
    assert decisions.column_names[-1] == "why"
    for row, words, code, score in zip(
        decisions.to_pylist(),
        *(
            pc.struct_field(table[family], name).to_pylist()
            for family, name in (("length", "words"), ("language", "code"), ("quality", "score"))
        ),
        strict=True,
    ):
        told = [tuple(each.values()) for each in row["why"]]
        expected = [("unseen", "site.pages", "NULL", "< 9")]
        if "vouched" in row["reasons"]:
            expected.append(("vouched", "reading.unverified", "false", "is false"))
        if words < 5 and code in ("en", "de"):
            expected[:0] = [
                ("odd", "length.words", str(words), "< 5"),
                ("odd", "language.code", code, "in en, de"),
                ("odd", "quality.score", f"{score:.6g}", "> 1e-09"),
            ]
        if not 5 <= words <= 100:
            expected.insert(0, ("short", "length.words", str(words), "< 5 or > 100"))
        assert told == expected
        assert list(dict.fromkeys(reason for reason, *_ in told)) == row["reasons"]
    assert {"short", "odd"} <= {r for row in decisions["reasons"].to_pylist() for r in row}


def test_bounds_of_the_language_are_those_that_are_said():
    table = pa.table(
        {
            "length": [{"words": 15}, {"words": 15}],
            "language": [{"code": "de"}, {"code": "fr"}],
        }
    )
    rule = {"reason": "short", "signal": "length.words", "below": 20}
    policy = {"name": "m", "version": 1, "rules": [rule | {"by_language": {"de": {"below": 16}}}]}
    why = thresher.judge(table, policy, why=True)["why"].to_pylist()
    assert [row[0]["bound"] for row in why] == ["< 16", "< 20"]


def test_what_is_behind_is_what_explain_shows(tmp_path):
    (tmp_path / "x.jsonl").write_text(
        "".join(json.dumps({"id": str(n), "text": text}) + "\n" for n, text in enumerate(TEXTS))
    )
    recipe = {
        "name": "x",
        "lake": str(tmp_path / "lake"),
        "input": {"urls": [str(tmp_path / "x.jsonl")]},
        "gates": {"min_characters": 0, "languages": []},
        "judge": {"policy": "gopher"},
        "run": {"executor": "in-process"},
    }
    lake = thresher.run(recipe).lake
    measured = lake.query("FROM measured ORDER BY record_id").to_arrow_table()
    decisions = thresher.judge(measured, "gopher", why=True).to_pylist()
    assert any(row["why"] for row in decisions)
    for row in decisions:
        rules = {rule.reason: rule.tests for rule in lake.explain(row["id"]).rules}
        for each in row["why"]:
            said = [f"{each['signal']} {b} ({each['value']})" for b in each["bound"].split(" or ")]
            assert said == rules[each["reason"]]


@pytest.fixture(scope="module")
def policy_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("policy") / "mine.toml"
    path.write_text(POLICY)
    return path


def small(*rules, **more):
    return {"name": "small", "version": 1, "rules": list(rules), **more}


SHORT = {"reason": "short", "signal": "length.words", "below": 20}


def test_the_rows_are_decided_in_order(table):
    decisions = thresher.judge(table, small(SHORT, {**SHORT, "reason": "tiny", "below": 5}))
    assert decisions.schema.names == ["id", "verdict", "reason", "reasons", "unknown"]
    assert decisions.drop_columns("id").to_pylist() == [
        {"verdict": "kept", "reason": None, "reasons": [], "unknown": []},
        {"verdict": "dropped", "reason": "short", "reasons": ["short", "tiny"], "unknown": []},
        {"verdict": "kept", "reason": None, "reasons": [], "unknown": []},
        {"verdict": "dropped", "reason": "short", "reasons": ["short"], "unknown": []},
    ]
    assert decisions["id"].equals(table["id"])


@pytest.mark.parametrize("name", ["file", "web-en"])
def test_a_run_decides_the_same_but_for_copies(recipe_mapping, policy_file, finished, name):
    policy = policy_file if name == "file" else name
    result = finished
    if name == "file":
        result = thresher.run(recipe_mapping(judge={"policy": str(policy_file)}))
    measured = result.lake.query("FROM measured ORDER BY shard, row")
    found = thresher.judge(measured, policy).to_pylist()
    decided = result.lake.query(
        "SELECT id, verdict, reasons, unknown FROM decisions ORDER BY shard, row"
    ).fetchall()
    assert len(found) == len(decided) > 100
    for row, (identity, verdict, reasons, unknown) in zip(found, decided, strict=True):
        own = [reason for reason in reasons if reason not in COPIES]
        assert (row["id"], row["reasons"], row["unknown"]) == (identity, own, unknown)
        assert row["reason"] == (own[0] if own else None)
        assert row["verdict"] == ("dropped" if own else "kept")
        assert verdict == ("dropped" if reasons else "kept")
    assert {row["verdict"] for row in found} == {"kept", "dropped"}
    record = json.loads(result.lake.query("SELECT policy FROM policies").fetchall()[0][0])
    metadata = thresher.judge(measured, policy).schema.metadata
    assert json.loads(metadata[b"thresher.policy"]) == record


def test_every_shipped_policy_judges_what_measure_gives(table):
    for name in shipped_policies():
        decisions = thresher.judge(table, name)
        assert decisions.num_rows == len(TEXTS)
        reasons = {rule.reason for rule in shipped_policy(name).rules}
        assert set(thresher.not_asked(decisions)) <= reasons | COPIES
        assert "dropped" in decisions["verdict"].to_pylist(), name


def test_what_could_not_be_asked_is_listed(table):
    rules = (
        SHORT,
        {"reason": "site", "signal": "site.pages", "above": 5},
        {
            "reason": "both",
            "all": [SHORT | {"signal": "length.words"}, {"signal": "scores.x", "above": 0.5}],
        },
        {"reason": "guest", "signal": "guests.x", "in": ["bad"]},
        {"reason": "page", "signal": "extract.link_fraction", "above": 0.5},
        {"reason": "collapsed", "signal": "collapse.site_deviation", "below": -5},
    )
    rules[2]["all"][0].pop("reason")
    given = small(*rules, duplicates={"drop": ["near", "url"]})
    decisions = thresher.judge(table, given)
    absent = ["site", "both", "guest", "page", "collapsed", "near_duplicate", "url_duplicate"]
    assert thresher.not_asked(decisions) == absent
    assert decisions["reasons"].to_pylist() == [[], ["short"], [], ["short"]]
    site = pa.array([{"pages": n} for n in (9, None, None, 1)], pa.struct([("pages", pa.int64())]))
    scores = pa.array([{"x": 0.1}, {"x": 0.9}, {"x": 0.9}, {"x": None}])
    richer = table.append_column("site", site).append_column("scores", scores)
    decisions = thresher.judge(richer, given)
    assert thresher.not_asked(decisions) == [r for r in absent if r not in ("site", "both")]
    assert decisions["reasons"].to_pylist() == [["site"], ["short", "both"], [], ["short"]]


@pytest.mark.parametrize(
    ("missing", "reasons", "unknown"),
    [("keep", [], []), ("drop", ["site"], []), ("unknown", [], ["site"])],
)
def test_what_is_absent_is_undefined(table, missing, reasons, unknown):
    rule = {"reason": "site", "signal": "site.pages", "above": 5, "missing": missing}
    decisions = thresher.judge(table, small(rule))
    assert decisions["reasons"].to_pylist() == [reasons] * len(TEXTS)
    assert decisions["unknown"].to_pylist() == [unknown] * len(TEXTS)
    assert thresher.not_asked(decisions) == ["site"]


def test_a_share_is_of_the_rows_given(table):
    top = {"reason": "low", "signal": "length.words", "keep_top": 0.5}
    words = pc.struct_field(table["length"], "words").to_pylist()
    for rows in (table, table.slice(1, 2), table.take([3, 0, 2, 1])):
        kept = thresher.judge(rows, small(top))["verdict"].to_pylist()
        counts = pc.struct_field(rows["length"], "words").to_pylist()
        best = sorted(counts, reverse=True)[: len(counts) // 2]
        assert [n in best for n in counts] == [verdict == "kept" for verdict in kept]
    assert len(set(words)) == len(words)
    policy = json.loads(thresher.judge(table, small(top)).schema.metadata[b"thresher.policy"])
    (rule,) = policy["rules"]
    assert rule["below"] == sorted(words)[2]
    assert "keep_top" not in rule
    # What is resolved is a policy: it judges other rows by the same bound.
    again = thresher.judge(table.slice(1, 1), policy)
    assert again["reasons"].to_pylist() == [["low"]]


def test_the_ways_to_name_a_policy_agree(table, policy_file):
    text = policy_file.read_text()
    policy = policy_of(policy_file)
    assert policy.name == "mine"
    by_path = thresher.judge(table, policy_file)
    for given in (str(policy_file), policy_file.as_uri(), policy):
        assert thresher.judge(table, given).equals(by_path, check_metadata=True)
    assert thresher.judge(table, shipped_policy("c4")).equals(thresher.judge(table, "c4"))
    assert text.count("[[rules]]") == len(policy.rules)


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ("web_en", "policy 'web_en': no such policy. Did you mean 'web-en'?"),
        ("nowhere.toml", "nowhere.toml cannot be read"),
        ("nope://x.toml", "cannot be read: Protocol not known"),
        (5, "policy: is of type int. Give a name"),
        (small({**SHORT, "signal": "length.word"}), "no signal 'length.word'.*length.words"),
        (small({**SHORT, "belov": 5}), "belov: unknown setting. Did you mean 'below'?"),
        (small(), "an empty policy drops nothing"),
        (small({**SHORT, "below": object()}), "holds what is no data"),
        (thresher.Policy(name="mine", version=0), "version: counts from 1"),
        (thresher.Policy(name="mine", version="one"), "version: must be a whole number"),
    ],
)
def test_a_wrong_policy_is_named(table, policy, message):
    with pytest.raises(thresher.ConfigError, match=message.replace("?", r"\?").replace("(", r"\(")):
        thresher.judge(table, policy)


def test_a_table_without_what_is_needed(table):
    only = small(SHORT)
    for wrong, message in (
        (
            table.select(["id", "text"]),
            "lacks what the policy looks at: length. Judge what thresher",
        ),
        (table.select([]), "lacks what the policy looks at: length"),
        (table.append_column("length", table["length"]), "several columns length"),
        (pa.table({"length": ["x"]}), "column length is string, and no struct"),
        (pa.table({"length": pa.array([{"lines": 1}])}), "looks at: length.words"),
        (pa.table({"length": pa.array([{"words": 1.5}])}), "length.words is double, and no int64"),
        (pa.table({"length": pa.array([{"words": "x"}])}), "length.words is string, and no int64"),
        (TEXTS, "a table is needed, not list: thresher.measure"),
        (None, "a table is needed, not NoneType"),
    ):
        with pytest.raises(thresher.InputError, match=message):
            thresher.judge(wrong, only)
    with pytest.raises(
        thresher.InputError,
        match=r"c4, commerce, contamination, extract, fineweb and \d+ more\. Judge",
    ):
        thresher.judge(table.select(["id", "text"]), "web-en")
    by_language = small({**SHORT, "by_language": {"de": {"below": 3}}})
    with pytest.raises(thresher.InputError, match="looks at: language"):
        thresher.judge(table.select(["length"]), by_language)


def test_ids_are_needed_where_they_settle_ties(table):
    top = small({"reason": "low", "signal": "length.words", "keep_top": 0.5})
    alone = table.select(["length"])
    assert thresher.judge(alone, small(SHORT)).schema.names[0] == "verdict"
    with pytest.raises(thresher.InputError, match="no column id"):
        thresher.judge(alone, top)
    resolved = json.loads(thresher.judge(table, top).schema.metadata[b"thresher.policy"])
    with pytest.raises(thresher.InputError, match="no column id"):
        thresher.judge(alone, resolved)


def test_tables_of_other_kinds(table):
    expected = thresher.judge(table, "gopher")
    with duckdb.connect() as database:
        database.register("measured", table)
        assert thresher.judge(database.sql("FROM measured"), "gopher").equals(expected)
    assert thresher.judge(table.to_batches()[0], "gopher").equals(expected)
    halves = pa.concat_tables([table.slice(0, 1), table.slice(1)])
    assert thresher.judge(halves, "gopher").equals(expected)
    wide = table.set_column(0, "id", table["id"].cast(pa.large_string()))
    assert thresher.judge(wide, "gopher").equals(expected)


def test_no_rows_give_no_decisions(table):
    for policy in ("web-en", "dclm", "web-multilingual", small(SHORT)):
        decisions = thresher.judge(table.slice(0, 0), policy)
        assert decisions.num_rows == 0
        assert decisions.schema.names == ["id", "verdict", "reason", "reasons", "unknown"]
    assert thresher.not_asked(thresher.judge(table.slice(0, 0), small(SHORT))) == []


def test_a_policy_of_copies_alone(table):
    decisions = thresher.judge(table, small(duplicates={"drop": ["exact"]}))
    assert decisions["verdict"].to_pylist() == ["kept"] * len(TEXTS)
    assert thresher.not_asked(decisions) == ["exact_duplicate"]


def test_only_decisions_tell_what_was_not_asked(table):
    decisions = thresher.judge(table, "web-en")
    assert thresher.not_asked(decisions.slice(1)) == thresher.not_asked(decisions)
    for other in (table, decisions.replace_schema_metadata(None)):
        with pytest.raises(thresher.InputError, match=r"no table of thresher\.judge"):
            thresher.not_asked(other)
