"""The compiled SQL gives the verdict that a plain reading of the policy gives."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import duckdb
import msgspec
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thresher.filters.policy import (
    Condition,
    LanguageBounds,
    Policy,
    Rule,
    parse_policy,
    resolve,
    shipped_policies,
    shipped_policy,
)
from thresher.filters.policy.sql import compile_rules, explain_rows, signals_of

SCHEMA = {
    "length": pa.struct([("words", pa.int64()), ("mean_word_characters", pa.float64())]),
    "c4": pa.struct([("has_lorem_ipsum", pa.bool_())]),
    "language": pa.struct([("code", pa.string()), ("score", pa.float64())]),
    "quality": pa.struct([("score", pa.float64())]),
}
Row = Mapping[str, Any]
CODES = ("en", "de", "it's", 'q"x', "\\", "%", "", "日本")
RATIOS = (0.0, -0.0, 0.1, 0.30000000000000004, 0.3, math.nextafter(0.3, 1), 5e-324, 1.0)
COUNTS = (0, 1, 49, 50, 51, 2**53, 2**53 + 1, 2**63 - 1)

ratios = st.sampled_from(RATIOS) | st.floats(0, 1)
counts = st.sampled_from(COUNTS) | st.integers(0, 2**63 - 1)
values = {
    "length.words": counts,
    "length.mean_word_characters": ratios,
    "c4.has_lorem_ipsum": st.booleans(),
    "language.code": st.sampled_from(CODES),
    "language.score": ratios,
    "quality.score": ratios,
}
bounds = {
    name: strategy.map(lambda value: value + 0 if isinstance(value, int) else value + 0.0)
    for name, strategy in values.items()
    if name not in ("language.code", "c4.has_lorem_ipsum")
}
rows = st.fixed_dictionaries({name: st.none() | strategy for name, strategy in values.items()})


@st.composite
def conditions(draw, name: str = "") -> Condition:
    name = name or draw(st.sampled_from(sorted(values)))
    if name == "c4.has_lorem_ipsum":
        return Condition(signal=name, is_=draw(st.booleans()))
    if name == "language.code":
        words = tuple(draw(st.lists(st.sampled_from(CODES), min_size=1, unique=True)))
        return draw(
            st.sampled_from(
                [Condition(signal=name, in_=words), Condition(signal=name, not_in=words)]
            )
        )
    low, high = sorted((draw(bounds[name]), draw(bounds[name])))
    kind = draw(st.sampled_from(["below", "above", "both"]))
    return Condition(
        signal=name,
        below=low if kind != "above" else None,
        above=high if kind != "below" else None,
    )


@st.composite
def conditions_by_language(draw) -> Condition:
    """A condition some of whose bounds differ by language, or do not apply in one."""
    general = draw(conditions())
    own = {}
    for code in draw(st.lists(st.sampled_from(CODES), unique=True, max_size=3)):
        other = draw(conditions(general.signal))
        drawn = LanguageBounds(
            below=other.below, above=other.above, is_=other.is_, in_=other.in_, not_in=other.not_in
        )
        own[code] = draw(st.sampled_from([drawn, LanguageBounds(off=True)]))
    return msgspec.structs.replace(general, by_language=own)


@st.composite
def policies(draw) -> Policy:
    rules = []
    for i in range(draw(st.integers(1, 5))):
        parts = tuple(draw(st.lists(conditions_by_language(), min_size=1, max_size=3)))
        missing = draw(st.sampled_from(["keep", "drop", "unknown"]))
        rules.append(Rule(reason=f"reason_{i}", all=parts, missing=missing))
    return Policy(name="drawn", version=1, rules=tuple(rules))


def truth(condition: Condition, row: Row) -> bool | None:
    own = condition.by_language.get(row["language.code"])
    if own is not None:
        if own.off:
            return False
        kinds = ("below", "above", "is_", "in_", "not_in")
        stated = {kind: getattr(own, kind) for kind in kinds if getattr(own, kind) is not None}
        condition = msgspec.structs.replace(condition, **stated)
    value = row[condition.signal]
    if value is None:
        return None
    return bool(
        (condition.below is not None and value < condition.below)
        or (condition.above is not None and value > condition.above)
        or (condition.is_ is not None and value == condition.is_)
        or (condition.in_ is not None and value in condition.in_)
        or (condition.not_in is not None and value not in condition.not_in)
    )


def evaluate(policy: Policy, row: Row) -> tuple[list[str], list[str], dict[str, bool | None]]:
    reasons, unknown, fired = [], [], {}
    for rule in policy.rules:
        truths = [truth(condition, row) for condition in rule.conditions]
        result = False if False in truths else None if None in truths else True
        fired[rule.reason] = result
        if result or (result is None and rule.missing == "drop"):
            reasons.append(rule.reason)
        if result is None and rule.missing == "unknown":
            unknown.append(rule.reason)
    return reasons, unknown, fired


def table(drawn: list[Row]) -> pa.Table:
    columns = {}
    for family, kind in SCHEMA.items():
        structs = [{f.name: row[f"{family}.{f.name}"] for f in kind} for row in drawn]
        columns[family] = pa.array(structs, kind)
    return pa.table(columns)


@pytest.fixture(scope="module")
def connection():
    with duckdb.connect() as connection:
        connection.execute("SET threads = 1")
        yield connection


def judge(connection, policy: Policy, drawn: list[Row]):
    ids = pa.array([f"{i:02d}" for i in range(len(drawn))])
    connection.register("documents", table(drawn).append_column("id", ids))
    query = f"SELECT reasons, unknown, fired FROM (SELECT {compile_rules(policy)} FROM documents)"
    return connection.execute(query).fetchall()


@settings(max_examples=80, deadline=None)
@given(policy=policies(), drawn=st.lists(rows, min_size=1, max_size=6))
def test_duckdb_agrees_with_a_plain_reading(connection, policy, drawn):
    assert judge(connection, policy, drawn) == [evaluate(policy, row) for row in drawn]


@settings(max_examples=40, deadline=None)
@given(policy=policies(), drawn=st.lists(rows, min_size=1, max_size=8), data=st.data())
def test_tightening_a_bound_never_keeps_more(connection, policy, drawn, data):
    loose = policy.rules[0].all[0]
    if loose.below is not None:
        stricter = data.draw(bounds[loose.signal].filter(lambda b: b >= loose.below))
        tight = msgspec.structs.replace(loose, below=stricter)
    elif loose.above is not None:
        stricter = data.draw(bounds[loose.signal].filter(lambda b: b <= loose.above))
        tight = msgspec.structs.replace(loose, above=stricter)
    elif loose.in_ is not None:
        tight = msgspec.structs.replace(loose, in_=CODES)
    elif loose.not_in is not None:
        tight = msgspec.structs.replace(loose, not_in=loose.not_in[:1])
    else:
        return
    first = policy.rules[0]
    tightened = Policy(
        name="tight",
        version=1,
        rules=(
            Rule(reason=first.reason, all=(tight, *first.all[1:]), missing=first.missing),
            *policy.rules[1:],
        ),
    )
    before = [not reasons for reasons, _, _ in judge(connection, policy, drawn)]
    after = [not reasons for reasons, _, _ in judge(connection, tightened, drawn)]
    assert all(old or not new for old, new in zip(before, after, strict=True))


def one_rule(body: str) -> Policy:
    return parse_policy(f'name = "p"\nversion = 1\n[[rules]]\nreason = "r"\n{body}', "p.toml")


@pytest.mark.parametrize(
    ("body", "signal", "value", "drops"),
    [
        ('signal = "length.words"\nbelow = 50', "length.words", 50, False),
        ('signal = "length.words"\nbelow = 50', "length.words", 49, True),
        ('signal = "length.words"\nabove = 50', "length.words", 50, False),
        (f'signal = "length.words"\nabove = {2**53}', "length.words", 2**53 + 1, True),
        (f'signal = "length.words"\nbelow = {2**63 - 1}', "length.words", 2**63 - 2, True),
        ('signal = "quality.score"\nbelow = 0.3', "quality.score", 0.1 + 0.2, False),
        ('signal = "quality.score"\nabove = 0.3', "quality.score", 0.1 + 0.2, True),
        ('signal = "quality.score"\nabove = 0.3', "quality.score", 0.3, False),
        ('signal = "quality.score"\nbelow = 0.0', "quality.score", -0.0, False),
        ('signal = "quality.score"\nabove = -0.0', "quality.score", 0.0, False),
        ('signal = "quality.score"\nabove = 0', "quality.score", 5e-324, True),
    ],
)
def test_exact_thresholds(connection, body, signal, value, drops):
    row = dict.fromkeys(values) | {signal: value}
    [(reasons, _, _)] = judge(connection, one_rule(body), [row])
    assert reasons == (["r"] if drops else [])


@settings(max_examples=30, deadline=None)
@given(word=st.text(st.characters(exclude_categories=["C"]), min_size=1))
def test_words_are_escaped(connection, word):
    policy = Policy(
        name="p",
        version=1,
        rules=(Rule(reason="r", signal="language.code", in_=(word, "'; DROP TABLE x; --")),),
    )
    row = dict.fromkeys(values)
    drawn = [row | {"language.code": word}, row | {"language.code": word + "x"}]
    assert [reasons for reasons, _, _ in judge(connection, policy, drawn)] == [["r"], []]


def test_an_unresolved_share_does_not_compile(connection):
    policy = one_rule('signal = "quality.score"\nkeep_top = 0.5')
    with pytest.raises(ValueError, match="resolve keep_top before"):
        compile_rules(policy)
    solved = resolve(policy, {"r": {"": {"value": 0.5, "id": "02"}}})
    drawn = [dict.fromkeys(values) | {"quality.score": v} for v in (0.4, 0.5, 0.5, 0.5, 0.6, None)]
    assert [reasons for reasons, _, _ in judge(connection, solved, drawn)] == [
        *(["r"], [], [], ["r"], [], []),
    ]
    shown = explain_rows(solved)[0]
    assert shown.operators == ("<", "equals it, with an id >")
    assert shown.thresholds == (0.5, "02")


def test_bounds_by_language_compile_to_one_case(connection):
    policy = one_rule(
        'signal = "length.mean_word_characters"\nbelow = 3\nabove = 10\n'
        "[rules.by_language]\nde = { above = 12 }\nja = { off = true }"
    )
    assert compile_rules(policy).count('CASE "language"."code"') == 2  # reasons and fired
    drawn = [
        dict.fromkeys(values) | {"length.mean_word_characters": 11.0, "language.code": code}
        for code in ("en", "de", "ja", None)
    ]
    assert [reasons for reasons, _, _ in judge(connection, policy, drawn)] == [["r"], [], [], ["r"]]
    applied = {code: explain_rows(policy, code)[0] for code in ("en", "de", "ja")}
    assert applied["en"].thresholds == (3.0, 10.0)
    assert applied["de"].thresholds == (3.0, 12.0)
    assert (applied["ja"].operators, applied["ja"].thresholds) == (
        ("is not looked at in",),
        ("ja",),
    )


def test_bounds_of_single_languages_leave_the_others_alone(connection):
    policy = one_rule(
        'signal = "length.words"\nmissing = "drop"\n[rules.by_language]\nde = { below = 9 }'
    )
    drawn = [dict.fromkeys(values) | {"length.words": 5, "language.code": c} for c in ("en", "de")]
    assert [reasons for reasons, _, _ in judge(connection, policy, drawn)] == [[], ["r"]]
    assert signals_of(policy) == {"length.words", "language.code"}


def test_a_policy_of_duplicates_only_compiles(connection):
    policy = parse_policy('name = "p"\nversion = 1\n[duplicates]\ndrop = ["exact"]', "p.toml")
    assert judge(connection, policy, [dict.fromkeys(values)]) == [([], [], None)]


@pytest.mark.parametrize("name", shipped_policies())
def test_every_rule_is_explained(name):
    policy = shipped_policy(name)
    explained = explain_rows(policy)
    assert [row.reason for row in explained] == [rule.reason for rule in policy.rules]
    for row in explained:
        assert len(row.signals) == len(row.operators) == len(row.thresholds) > 0
