"""Judging a table by itself against a plain reading of the policy."""

from __future__ import annotations

import math
import re

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thresher.filters.errors import InputError
from thresher.filters.policy import parse_policy, shipped_policy
from thresher.filters.policy.sql import signals_of
from thresher.pipeline.judge.in_memory import judge_table

POLICY = """
name = "mine"
version = 1
[[rules]]
reason = "short"
signal = "length.words"
below = 50
missing = "{missing}"
[rules.by_language]
de = {{ below = 10 }}
ja = {{ off = true }}
[[rules]]
reason = "low"
signal = "quality.score"
keep_top = {share}
keep_top_of = "{of}"
[[rules]]
reason = "lonely"
signal = "site.pages"
below = 2
[duplicates]
drop = ["near"]
prefer = "machine_text.score"
"""

ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.text("abc", min_size=1, max_size=2),
            "words": st.none() | st.integers(0, 99),
            "score": st.none() | st.sampled_from([0.0, -0.0, 0.25, 0.5, 1.0]),
            "code": st.sampled_from([None, "en", "de", "ja"]),
            "pages": st.none() | st.integers(1, 3),
        }
    ),
    max_size=12,
)


def table_of(rows, chunks=1):
    def struct(name, kind, key):
        return pa.array([{name: row[key]} for row in rows], pa.struct([(name, kind)]))

    table = pa.table(
        {
            "id": pa.array([row["id"] for row in rows], pa.string()),
            "length": struct("words", pa.int32(), "words"),
            "quality": struct("score", pa.float64(), "score"),
            "language": struct("code", pa.string(), "code"),
            "site": struct("pages", pa.int64(), "pages"),
        }
    )
    size = math.ceil(len(rows) / chunks)
    parts = [table.slice(i * size, size) for i in range(chunks)] if size else [table]
    return pa.concat_tables(parts)


def kept_rows(rows, share, by_language):
    """The numbers of the rows with a value that are in the top share of their pool."""
    pools = {}
    for number, row in enumerate(rows):
        if row["score"] is not None:
            pools.setdefault(row["code"] if by_language else None, []).append(number)
    kept = set()
    for members in pools.values():
        ordered = sorted(members, key=lambda n: (-rows[n]["score"], rows[n]["id"]))
        last = rows[ordered[math.ceil(len(members) * share) - 1]]
        cut = (-last["score"], last["id"])
        kept |= {n for n in members if (-rows[n]["score"], rows[n]["id"]) <= cut}
    return kept


def expected(rows, share, of, missing):
    kept = kept_rows(rows, share, of == "language")
    for number, row in enumerate(rows):
        bound = {"de": 10, "ja": None}.get(row["code"], 50)
        short = False if bound is None else None if row["words"] is None else row["words"] < bound
        reasons = ["short"] if short or (short is None and missing == "drop") else []
        reasons += ["low"] if row["score"] is not None and number not in kept else []
        reasons += ["lonely"] if row["pages"] == 1 else []
        yield reasons, ["short"] if short is None and missing == "unknown" else []


def is_met(value, identity, bound):
    """Whether a value meets a bound as it is written out."""
    low, _, tie = bound.partition(" or equals it, with an id > ")
    limit = float(low.removeprefix("< "))
    return value < limit or bool(tie and value == limit and identity > tie)


@settings(deadline=None, max_examples=60)
@given(
    rows=ROWS,
    share=st.sampled_from([0.1, 0.5, 0.9]),
    of=st.sampled_from(["run", "language"]),
    missing=st.sampled_from(["keep", "drop", "unknown"]),
    chunks=st.integers(1, 3),
)
def test_as_a_plain_reading_says(rows, share, of, missing, chunks):
    policy = parse_policy(POLICY.format(share=share, of=of, missing=missing), "mine.toml")
    judged = judge_table(table_of(rows, chunks), policy, why=True)
    found = judged.decisions.to_pylist()
    for given_row, row in zip(rows, found, strict=True):
        why = row.pop("why")
        assert [each["reason"] for each in why] == row["reasons"]
        for each in why:
            key = {"short": "words", "low": "score", "lonely": "pages"}[each["reason"]]
            value = given_row[key]
            assert each["value"] == ("NULL" if value is None else f"{value:g}")
            if value is not None:
                assert is_met(value, given_row["id"], each["bound"]), each
    assert [(row["reasons"], row["unknown"]) for row in found] == list(
        expected(rows, share, of, missing)
    )
    for given_row, row in zip(rows, found, strict=True):
        assert row["id"] == given_row["id"]
        assert row["reason"] == next(iter(row["reasons"]), None)
        assert row["verdict"] == ("dropped" if row["reasons"] else "kept")
    undefined = [
        reason
        for reason, key in (("short", "words"), ("low", "score"), ("lonely", "pages"))
        if rows and all(row[key] is None for row in rows)
    ]
    assert judged.not_asked == (*undefined, "near_duplicate")
    assert all(rule.keep_top is None for rule in judged.policy.rules)
    # What is resolved says the same of the same rows, however they lie.
    again = judge_table(table_of(rows[::-1]), judged.policy).decisions.to_pylist()
    assert again == found[::-1]


def test_the_signal_that_prefers_survivors_is_not_looked_at():
    policy = parse_policy(POLICY.format(share=0.5, of="run", missing="keep"), "mine.toml")
    rows = [{"id": "a", "words": 60, "score": 0.5, "code": "en", "pages": 2}]
    assert judge_table(table_of(rows), policy).decisions["verdict"].to_pylist() == ["kept"]


@pytest.mark.parametrize("of", ["run", "language"])
def test_a_language_is_needed_where_it_is_asked(of):
    text = POLICY.format(share=0.5, of=of, missing="keep").replace("de = { below = 10 }\n", "")
    policy = parse_policy(text.replace("ja = { off = true }\n", ""), "mine.toml")
    rows = [{"id": "a", "words": 60, "score": 0.5, "code": "en", "pages": 2}]
    table = table_of(rows).drop_columns("language")
    if of == "language":
        with pytest.raises(InputError, match="looks at: language"):
            judge_table(table, policy)
    else:
        assert judge_table(table, policy).decisions["verdict"].to_pylist() == ["kept"]


def policy_of(*rules, guests=()):
    body = "".join(f'[[rules]]\nreason = "r{n}"\n{rule}\n' for n, rule in enumerate(rules))
    return parse_policy(f'name = "mine"\nversion = 1\n{body}', "mine.toml", guests=guests)


WORDS = 'signal = "length.words"\nbelow = 50'
BOTH = 'all = [{ signal = "length.words", below = 50 }, { signal = "site.pages", below = 2 }]'
SHARE = 'signal = "quality.score"\nkeep_top = 0.5'
ROW = {"id": "a", "words": 10, "score": 0.5, "code": "en", "pages": 1}


def judged(table, policy):
    found = judge_table(table, policy)
    return found.decisions.to_pylist(), found.not_asked


def test_a_table_without_ids_is_judged_without_them():
    table = table_of([ROW, ROW | {"words": 60}]).drop_columns("id")
    decisions, _ = judged(table, policy_of(WORDS))
    assert [list(row) for row in decisions] == [["verdict", "reason", "reasons", "unknown"]] * 2
    assert [row["verdict"] for row in decisions] == ["dropped", "kept"]
    with pytest.raises(InputError, match="no column id"):
        judge_table(table, policy_of(SHARE))
    tied = 'signal = "length.words"\nbelow = 50\nties_above = "a"'
    for rule in (tied, f"{WORDS}\n[rules.by_language]\nde = {{ below = 1, ties_above = 'a' }}"):
        with pytest.raises(InputError, match="no column id"):
            judge_table(table, policy_of(rule))


def test_ids_may_be_of_any_kind_and_absent():
    table = table_of([ROW, ROW]).drop_columns("id").append_column("id", pa.array([7, None]))
    decisions, _ = judged(table, policy_of(WORDS))
    assert [row["id"] for row in decisions] == ["7", None]


def test_a_rule_that_lacks_one_of_its_signals_is_not_asked():
    for table in (table_of([ROW]).drop_columns("site"), table_of([ROW | {"pages": None}])):
        decisions, not_asked = judged(table, policy_of(BOTH, WORDS))
        assert decisions[0]["reasons"] == ["r1"]
        assert not_asked == ("r0",)
    decisions, not_asked = judged(table_of([ROW, ROW | {"pages": None}]), policy_of(BOTH, WORDS))
    assert [row["reasons"] for row in decisions] == [["r0", "r1"], ["r1"]]
    assert not_asked == ()
    assert judged(table_of([]), policy_of(BOTH)) == ([], ())


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda t: t.drop_columns("length"), "looks at: length. Judge"),
        (lambda t: t.drop_columns(["length", "quality"]), "looks at: length, quality. Judge"),
        (
            lambda t: t.set_column(1, "length", pa.array([{"characters": 1}])),
            "looks at: length.words. Judge",
        ),
        (lambda t: t.set_column(1, "length", pa.array([1])), "length is int64, and no struct"),
        (lambda t: t.append_column("length", t["length"]), "several columns length"),
        (lambda t: t.append_column("id", t["id"]), "several columns id"),
        (
            lambda t: t.set_column(1, "length", pa.array([{"words": "many"}])),
            "length.words is string, and no int64",
        ),
        (lambda t: t.set_column(0, "id", pa.array([[1]])), "id is list"),
    ],
)
def test_a_table_that_cannot_be_judged_says_why(change, problem):
    policy = policy_of(WORDS, 'signal = "quality.score"\nbelow = 0.1')
    with pytest.raises(InputError, match=problem.replace(".", r"\.")):
        judge_table(change(table_of([ROW])), policy)


def test_of_many_signals_that_are_lacking_some_are_named():
    policy = shipped_policy("gopher")
    with pytest.raises(InputError) as caught:
        judge_table(pa.table({"id": ["a"]}), policy)
    said = str(caught.value).split("looks at: ")[1].split(". Judge")[0]
    assert len(said.split(" and ")[0].split(", ")) <= 5
    needed = {name.split(".")[0] for name in signals_of(policy)}
    more = re.search(r" and (\d+) more", said)
    listed = len(said.split(" and ")[0].split(", "))
    assert listed + int(more[1] if more else 0) == len(needed)


@pytest.mark.parametrize("least", [0.0, 0.9])
def test_a_median_needs_the_language(least):
    bound = f"below_median = {{ least = {least}, most = 1.0, deviations = 0 }}"
    policy = policy_of(f'signal = "quality.score"\n{bound}')
    rows = [
        ROW | {"id": name, "score": score}
        for name, score in zip("abc", (0.0, 0.5, 1.0), strict=True)
    ]
    decisions, _ = judged(table_of(rows), policy)
    dropped = [row["id"] for row in decisions if row["verdict"] == "dropped"]
    assert dropped == (["a"] if least == 0.0 else ["a", "b"])
    with pytest.raises(InputError, match="looks at: language"):
        judge_table(table_of(rows).drop_columns("language"), policy)


def test_verdicts_of_guests_are_words_and_may_be_absent():
    policy = policy_of('signal = "guests.strict"\nnot_in = ["passed"]', guests=["strict"])
    guests = pa.array([{"strict": "passed"}, {"strict": "bad"}, {"strict": None}])
    table = table_of([ROW] * 3).append_column("guests", guests)
    decisions, not_asked = judged(table, policy)
    assert [row["reasons"] for row in decisions] == [[], ["r0"], []]
    assert not_asked == ()
    decisions, not_asked = judged(table_of([ROW]), policy)
    assert (decisions[0]["verdict"], not_asked) == ("kept", ("r0",))


def test_why_names_the_bound_of_the_documents_own_language():
    policy = policy_of(f"{WORDS}\n[rules.by_language]\nde = {{ below = 20 }}")
    table = table_of([ROW | {"code": code} for code in ("en", "de", None)] + [ROW | {"words": 60}])
    why = judge_table(table, policy, why=True).decisions["why"].to_pylist()
    told = {"reason": "r0", "signal": "length.words", "value": "10"}
    assert why == [*([told | {"bound": f"< {bound}"}] for bound in (50, 20, 50)), []]
