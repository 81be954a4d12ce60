"""Every example of a junk rule is measured and judged; the rules have what they promise."""

from __future__ import annotations

import functools

import msgspec
import pyarrow as pa
import pytest
import verdicts

from thresher.filters.junk.examples import PAGE_START, examples, site_examples
from thresher.filters.measure import measure
from thresher.filters.policy import shipped_policy as load_policy
from thresher.filters.signals import family_type
from thresher.pipeline.extract import Extracted, ExtractSettings
from thresher.pipeline.extract.columns import extract_column
from thresher.pipeline.extract.profiles import load_profile
from thresher.pipeline.read.charset import Decoded
from thresher.pipeline.read.records import Page

shipped_policy = functools.cache(load_policy)

VARIANTS = ("junk-gentle", "web-en", "junk-strict")


def site_rules(policy):
    """The rules of a policy that look at the page's site."""
    return tuple(
        rule
        for rule in policy.rules
        if any(condition.signal.startswith("site.") for condition in rule.conditions)
    )


def site_tables(pages):
    """Measurements of pages of which some signals are known, a struct column per family."""
    known = {name for page in pages for name in page}
    known |= {c.signal for rule in site_rules(shipped_policy("web-en")) for c in rule.conditions}
    columns = {}
    for family in sorted({name.split(".")[0] for name in known}):
        rows = [
            {name.split(".")[1]: x for name, x in page.items() if name.split(".")[0] == family}
            for page in pages
        ]
        columns[family] = pa.array(rows, family_type(family))
    return pa.table(columns)


@functools.cache
def junk_rules(name):
    reasons = {rule.reason for rule in examples().rules}
    policy = shipped_policy(name)
    rules = tuple(rule for rule in policy.rules if rule.reason in reasons)
    return msgspec.structs.replace(policy, rules=rules)


@functools.cache
def balanced():
    return load_profile(ExtractSettings())


def extracted(example):
    """A text as it is, and a page as the pipeline extracts it."""
    whole = examples().whole(example).strip()
    if not whole.startswith(PAGE_START):
        return Extracted(Page("", "", "", whole, False, ""), whole, "", "utf-8", "format")
    page = Page("", "", "", whole.encode(), True, "utf-8")
    found = balanced()(Decoded(whole, "utf-8", "http"), page.content)
    return Extracted(page, found.text, found.title, "utf-8", "http", found.facts, found.metadata)


@functools.cache
def measured(texts):
    items = [extracted(text) for text in texts]
    table = pa.Table.from_batches([measure(pa.array([item.text for item in items]), None)])
    return table.append_column("extract", extract_column(items))


@functools.cache
def judged(texts, name):
    return verdicts.judge(measured(texts), junk_rules(name))


def reasons_by_rule(rule, name):
    """The reasons of a rule's examples: of what it drops, of what it keeps."""
    found = judged((*rule.drops, *rule.keeps), name)
    return found[: len(rule.drops)], found[len(rule.drops) :]


@pytest.mark.parametrize("rule", examples().rules, ids=lambda rule: rule.reason)
def test_a_rule_drops_its_examples_and_keeps_the_near_misses(rule):
    assert len(rule.drops) == len(rule.keeps) == 3
    assert len({*rule.drops, *rule.keeps}) == 6
    drops, keeps = reasons_by_rule(rule, "web-en")
    for text, reasons in zip(rule.drops, drops, strict=True):
        assert rule.reason in reasons, text
    for text, reasons in zip(rule.keeps, keeps, strict=True):
        assert reasons == [], text


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("rule", examples().rules, ids=lambda rule: rule.reason)
def test_every_policy_with_a_rule_drops_one_of_its_examples_and_keeps_one(rule, name):
    drops, keeps = reasons_by_rule(rule, name)
    assert any(rule.reason in reasons for reasons in drops)
    assert [] in keeps


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("rule", site_examples().rules, ids=lambda rule: rule.reason)
def test_every_policy_with_a_rule_about_sites_drops_one_page_and_keeps_one(rule, name):
    assert [rule.reason] in reasons_of(rule.drops, name)
    assert [] in reasons_of(rule.keeps, name)


@pytest.mark.parametrize("name", VARIANTS)
def test_the_examples_are_of_the_rules_before_those_that_count(name):
    policy = shipped_policy(name)
    reasons = [rule.reason for rule in policy.rules if rule not in site_rules(policy)]
    listed = [rule.reason for rule in examples().rules]
    assert listed == reasons[: reasons.index("too_few_words")]


def test_what_the_gentle_rules_drop_is_dropped_by_the_others():
    texts = tuple(text for rule in examples().rules for text in (*rule.drops, *rule.keeps))
    gentle, usual, strict = (
        {text for text, reasons in zip(texts, judged(texts, name), strict=True) if reasons}
        for name in VARIANTS
    )
    assert gentle < usual <= strict


def test_the_variants_differ_in_bounds_only():
    for gentle, usual, strict in zip(*(junk_rules(name).rules for name in VARIANTS), strict=True):
        for one, two, three in zip(
            gentle.conditions, usual.conditions, strict.conditions, strict=True
        ):
            assert one.signal == two.signal == three.signal
            if two.above is not None:
                assert one.above >= two.above >= three.above, (usual.reason, one.signal)
            else:
                assert one.below <= two.below <= three.below, (usual.reason, one.signal)


def reasons_of(pages, name):
    rules = site_rules(shipped_policy(name))
    policy = msgspec.structs.replace(shipped_policy(name), rules=rules)
    return verdicts.judge(site_tables([page.signals for page in pages]), policy)


@pytest.mark.parametrize("rule", site_examples().rules, ids=lambda rule: rule.reason)
def test_a_rule_about_sites_drops_its_examples_and_keeps_the_near_misses(rule):
    assert len(rule.drops) == len(rule.keeps) == 3
    assert reasons_of(rule.drops, "web-en") == [[rule.reason]] * 3
    assert reasons_of(rule.keeps, "web-en") == [[]] * 3
    for gentle, usual, strict in zip(
        *(reasons_of((*rule.drops, *rule.keeps), name) for name in VARIANTS), strict=True
    ):
        assert set(gentle) <= set(usual) <= set(strict)


@pytest.mark.parametrize("name", VARIANTS)
def test_rules_about_sites_have_examples_and_also_ask_the_page(name):
    rules = site_rules(shipped_policy(name))
    assert [rule.reason for rule in rules] == [rule.reason for rule in site_examples().rules]
    for rule in rules:
        signals = [condition.signal for condition in rule.conditions]
        assert signals[0] == "site.pages"
        assert any(not s.startswith("site.") or s.startswith("site.page_") for s in signals)


@pytest.mark.parametrize("name", VARIANTS)
def test_rules_about_sites_drop_nothing_without_a_site(name):
    pages = [page for rule in site_examples().rules for page in rule.drops]
    alone = [{k: v for k, v in page.signals.items() if k[:5] != "site."} for page in pages]
    policy = shipped_policy(name)
    policy = msgspec.structs.replace(policy, rules=site_rules(policy))
    assert verdicts.judge(site_tables(alone), policy) == [[]] * len(pages)
