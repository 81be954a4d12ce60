"""Every pair of a published rule is measured, and judged by each policy that has the rule."""

from __future__ import annotations

import functools

import duckdb
import msgspec
import numpy as np
import pyarrow as pa
import pytest

from thresher.filters.decontamination import BuildFacts, build_index, entries, measure_overlap
from thresher.filters.junk.examples import junk_reasons
from thresher.filters.local_stop_words import count_stop_words
from thresher.filters.measure import measure
from thresher.filters.policy import resolve, shipped_policies, shipped_policy
from thresher.filters.policy.published import published
from thresher.filters.policy.sql import compile_rules, signals_of
from thresher.filters.signals import family_type
from thresher.manifests.shards import ShardWriter
from thresher.manifests.store import Store
from thresher.pipeline.decontamination import EvaluationSettings
from thresher.pipeline.gate.gating import language_model
from thresher.pipeline.judge.thresholds import thresholds
from thresher.pipeline.shards import ShardRef

NARROW = 0.1
"""How far a value may lie from the bound, as a share of it; whole numbers may differ by one."""

shipped = functools.cache(shipped_policy)

RULES = {rule.reason: rule for group in published().groups for rule in group.rules}
CASES = [
    (reason, name)
    for reason in RULES
    for name in shipped_policies()
    if reason in {rule.reason for rule in shipped(name).rules}
]


def alone(reason, name):
    """A shipped policy that has one of its rules only."""
    policy = shipped(name)
    rules = tuple(rule for rule in policy.rules if rule.reason == reason)
    return msgspec.structs.replace(policy, rules=rules, duplicates=type(policy.duplicates)())


@functools.cache
def measured(drops, keeps, evaluation):
    """What the pipeline measures of two texts, as far as published rules ask for it."""
    texts = pa.array([published().whole(text) for text in (drops, keeps)])
    languages = language_model().identify(texts)
    table = pa.Table.from_batches([measure(texts, None)])
    table = table.append_column("language", languages.cast(family_type("language")))
    codes = pa.array([row["code"] for row in languages.to_pylist()])
    table = table.append_column("stopwords_local", count_stop_words(texts, codes))
    if evaluation:
        facts = BuildFacts()
        ngram = EvaluationSettings("set", "path", ("field",)).ngram
        found = entries(pa.array([published().whole(evaluation)]), np.zeros(1, int), ngram, facts)
        family, _ = measure_overlap(texts, build_index([found], [0], [0], facts), ["set"])
        table = table.append_column("contamination", family)
    return table


def of_run(values, signal):
    """Documents of which the run has measured one signal, all of one language."""
    family, field = signal.split(".")
    columns = {"id": pa.array([f"{place:02}" for place in range(len(values))])}
    for name in {family, "language"}:
        rows = [{"code": "en"} if name == "language" else {} for _ in values]
        if name == family:
            rows = [row | {field: value} for row, value in zip(rows, values, strict=True)]
        columns[name] = pa.array(rows, family_type(name))
    return pa.table(columns)


def resolved(policy, documents, folder):
    """The policy with the bounds that a run of these documents gives it."""
    store, ref = Store(str(folder)), ShardRef("a", "documents/f/a.parquet")
    with ShardWriter(store, ref.texts, documents.schema) as writer:
        writer.write(documents)
    return resolve(policy, thresholds(store, [ref], policy, "f").facts)


def judged(documents, policy):
    """Of each document the value of the policy's signal, and whether the policy drops it."""
    (rule,) = policy.rules
    (condition,) = rule.conditions
    with duckdb.connect(config={"threads": 1}) as database:
        database.register("documents", documents)
        judge = f"SELECT *, {compile_rules(policy)} FROM documents"
        sql = f"SELECT {condition.signal}, reasons FROM ({judge})"
        return [
            (value, reasons == [rule.reason]) for value, reasons in database.sql(sql).fetchall()
        ]


def rounded(value):
    return round(value, 4) if isinstance(value, float) else value


def is_near(value, bound):
    return abs(value - bound) <= max(NARROW * abs(bound), isinstance(value, int))


@pytest.mark.parametrize(("reason", "name"), CASES)
def test_a_rule_drops_its_text_and_narrowly_keeps_the_other(reason, name, tmp_path):
    policy, pair = alone(reason, name), RULES[reason].pair_for(name)
    if pair.run:
        documents = of_run(pair.run, policy.rules[0].signal)
        policy = resolved(policy, documents, tmp_path)
        verdicts = dict(judged(documents, policy))
        assert [verdicts[value] for value in pair.values] == [True, False]
        neighbours = sorted(pair.run)
        place = neighbours.index(min(pair.values))
        assert neighbours[place : place + 2] == sorted(pair.values), "not next to each other"
        return
    documents = measured(pair.drops, pair.keeps, pair.evaluation)
    (dropped, drops), (kept, keeps) = judged(documents, policy)
    assert (drops, keeps) == (True, False), (dropped, kept)
    assert (rounded(dropped), rounded(kept)) == pair.values
    (condition,) = policy.rules[0].conditions
    bounds = [b for b in (condition.below, condition.above) if b is not None]
    for bound in bounds:
        assert is_near(dropped, bound)
        assert is_near(kept, bound)


@pytest.mark.parametrize("reason", RULES)
def test_every_pair_is_for_some_policy_and_every_policy_is_served(reason):
    names = {name for known, name in CASES if known == reason}
    rule = RULES[reason]
    named = [name for pair in rule.pairs for name in pair.policies]
    assert len(named) == len(set(named))
    assert set(named) <= names
    served = {rule.pairs.index(rule.pair_for(name)) for name in names}
    assert served == set(range(len(rule.pairs)))


def test_every_shipped_rule_is_explained_once():
    reasons = {rule.reason for name in shipped_policies() for rule in shipped(name).rules}
    assert sorted([*RULES, *junk_reasons()]) == sorted(reasons)
    assert len(RULES) == sum(len(group.rules) for group in published().groups)


def test_published_rules_ask_one_signal_of_what_is_measured_here():
    known = {"quality", *measured("{prose}", "{verse}", "{question}").column_names}
    for reason, name in CASES:
        policy = alone(reason, name)
        assert len(policy.rules[0].conditions) == 1
        assert {signal.split(".")[0] for signal in signals_of(policy)} <= known
