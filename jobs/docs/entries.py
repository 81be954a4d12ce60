"""What is known of each reason: the same for the reference pages, the terminal and the report."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from thresher.filters.composed import named_parts, with_braces
from thresher.filters.junk.examples import SitePage, examples, junk_reasons, site_examples
from thresher.filters.policy import DUPLICATE_REASONS, RESERVED_MEANINGS, Policy, Rule
from thresher.filters.policy.published import Pair, Value, published
from thresher.jobs.docs.blocks import Block, Table, Verbatim
from thresher.jobs.docs.bounds import (
    AskedBy,
    bounds_table,
    by_language,
    number,
    rules_of,
    shipped_rules,
)
from thresher.jobs.docs.related import related_reasons
from thresher.jobs.docs.settings import settings_of
from thresher.jobs.recipe import Recipe
from thresher.pipeline.inspect.reasons import StageReason, stage_reasons
from thresher.pipeline.read import REASONS

Kind = Literal["gated", "failed", "rule", "junk", "stage"]

_OWN = "Thresher's own rule; its bounds were set on judged pages (`tests/junk_labels`)."
_THIS_RUN = "this run"


@dataclass(frozen=True)
class Entry:
    """One reason."""

    reason: str
    kind: Kind
    meaning: str
    policies: tuple[str, ...] = ()
    """The shipped ones that have it as a rule."""
    asks: tuple[Block, ...] = ()
    """What the rule tests, with each policy's numbers, or which settings decide."""
    told: tuple[str, ...] = ()
    """Who published it, where readings differ, what to do about it."""
    shown: tuple[Block, ...] = ()
    """What has the reason, and what narrowly has not."""
    parts: Mapping[str, str] = field(default_factory=dict)
    """The texts that `shown` is composed of."""
    related: tuple[str, ...] = ()

    @property
    def blocks(self) -> tuple[Block, ...]:
        """All but the name and what is related."""
        return (*filter(None, [self.meaning]), *self.asks, *self.told, *self.shown)


def entry(reason: str, run: Policy | None = None) -> Entry:
    """What is known of a shipped reason.

    Args:
        reason: its name.
        run: the policy of a run, whose bounds are shown before those that are shipped.

    Raises:
        KeyError: for a reason that is not shipped.
    """
    related = related_reasons(reason)
    if reason in shipped_rules():
        return _rule_entry(reason, run, related)
    meaning = REASONS[reason].meaning if reason in REASONS else RESERVED_MEANINGS[reason]
    kind: Kind = REASONS[reason].outcome if reason in REASONS else "stage"
    found = next((each for each in stage_reasons().reasons if each.reason == reason), None)
    if found is None:
        return Entry(reason, kind, meaning, related=related)
    return Entry(
        reason,
        kind,
        meaning,
        asks=tuple(_deciding(found.decided_by)),
        told=tuple(filter(None, (found.source, found.notes))),
        shown=tuple(_stage_blocks(found)),
        parts=_used((found.has, found.lacks), stage_reasons().parts),
        related=related,
    )


def policy_entries(policy: Policy) -> tuple[Entry, ...]:
    """What is known of the reasons that a policy gives, its rules in order and then its copies.

    Only the policy's own bounds are in it. Of a rule of one's own there is what the policy says.
    """
    rules = tuple(_of_policy(reason, policy) for reason in rules_of(policy))
    return (*rules, *(entry(DUPLICATE_REASONS[kind]) for kind in policy.duplicates.drop))


def _of_policy(reason: str, policy: Policy) -> Entry:
    rule, text = rules_of(policy)[reason]
    mine: AskedBy = {policy.name: (rule, text)}
    known = entry(reason) if reason in shipped_rules() else Entry(reason, "rule", rule.meaning)
    shipped = [
        msgspec.structs.replace(each, meaning=rule.meaning)
        for each, _ in shipped_rules().get(reason, {}).values()
    ]
    if known.shown and rule not in shipped:
        told = (*known.told, "The shipped policies ask it otherwise, and examples are of theirs.")
        known = dataclasses.replace(known, told=told, shown=(), parts={})
    return dataclasses.replace(
        known,
        meaning=rule.meaning or known.meaning,
        policies=(policy.name,),
        asks=(bounds_table(mine), *_exceptions(mine)),
    )


@functools.cache
def entries() -> tuple[Entry, ...]:
    """All shipped reasons: gated, failed, rules by what publishes them, junk, stages."""
    listed = [rule.reason for group in published().groups for rule in group.rules]
    known = [*REASONS, *RESERVED_MEANINGS, *listed, *junk_reasons()]
    # A rule about which nothing is known yet has an entry all the same: a test names it.
    return tuple(entry(reason) for reason in dict.fromkeys([*known, *sorted(shipped_rules())]))


def _rule_entry(reason: str, run: Policy | None, related: tuple[str, ...]) -> Entry:
    shipped = shipped_rules()[reason]
    rules: AskedBy = shipped
    if run is not None and reason in (mine := rules_of(run)):
        rules = {_THIS_RUN: mine[reason], **shipped}
    rule = next(iter(shipped.values()))[0]
    is_junk = reason in junk_reasons()
    told, shown, parts = _junk_texts(reason) if is_junk else _published_texts(reason, rule, shipped)
    return Entry(
        reason,
        "junk" if is_junk else "rule",
        rule.meaning,
        policies=tuple(shipped),
        asks=(bounds_table(rules), *_exceptions(rules)),
        told=told,
        shown=shown,
        parts=parts,
        related=related,
    )


def _exceptions(rules: AskedBy) -> Iterator[str]:
    for name, (rule, _) in rules.items():
        if own := by_language(rule):
            yield f"By language, {name}: {own}."
        if rule.missing != "keep":
            yield f"Where it is undefined, {name}: {rule.missing}."


_Texts = tuple[tuple[str, ...], tuple[Block, ...], Mapping[str, str]]


def _published_texts(reason: str, rule: Rule, policies: Iterable[str]) -> _Texts:
    for group in published().groups:
        for known in group.rules:
            if known.reason != reason:
                continue
            signal = rule.conditions[0].signal
            shown: list[Block] = []
            for pair in known.pairs:
                mine = [name for name in policies if known.pair_for(name) is pair]
                whose = f" ({', '.join(f'`{name}`' for name in mine)})"
                shown += _pair_blocks(pair, signal, whose if len(known.pairs) > 1 else "")
            texts = [text for pair in known.pairs for text in _texts_of(pair)]
            told = tuple(filter(None, (group.source, group.readings, known.notes)))
            return told, tuple(shown), _used(texts, published().parts)
    return (), (), {}


def _texts_of(pair: Pair) -> tuple[str, ...]:
    return (pair.drops, pair.keeps, pair.evaluation)


def _pair_blocks(pair: Pair, signal: str, whose: str) -> Iterator[Block]:
    dropped, kept = map(_value, pair.values)
    at = "" if isinstance(pair.values[0], bool) else ", at "
    if pair.run:
        values = ", ".join(map(_value, pair.run))
        yield (
            f"In a run whose documents have `{signal}` {values}, it drops what has {dropped} and "
            f"keeps what has {kept}{whose}."
        )
        return
    if pair.evaluation:
        yield "Of an evaluation set with this example:"
        yield _example(pair.evaluation)
    yield f"Drops{whose}{at and at + dropped}:"
    yield _example(pair.drops)
    yield f"Keeps{at and at + kept}:"
    yield _example(pair.keeps)


def _value(value: Value) -> str:
    return f"{value:g}" if isinstance(value, float) else number(value)


def _junk_texts(reason: str) -> _Texts:
    for rule in examples().rules:
        if rule.reason == reason:
            shown: list[Block] = ["Drops:", *map(_example, rule.drops)]
            shown += ["Keeps:", *map(_example, rule.keeps)]
            return (_OWN,), tuple(shown), _used((*rule.drops, *rule.keeps), examples().parts)
    for site in site_examples().rules:
        if site.reason == reason:
            listed: list[Block] = ["Drops:", *map(_page, site.drops)]
            listed += ["Keeps:", *map(_page, site.keeps)]
            return (_OWN,), tuple(listed), {}
    return (), (), {}


def _page(page: SitePage) -> str:
    figures = ", ".join(f"`{name}` {value:g}" for name, value in page.signals.items())
    return f"{page.what} ({figures})"


def _deciding(names: Iterable[str]) -> Iterator[Table]:
    """The settings that decide, with their defaults."""
    rows = []
    for name in names:
        table, _, key = name.partition(".")
        kind = msgspec.structs.fields(Recipe)
        (struct,) = (field.type for field in kind if field.encode_name == table)
        (found,) = (each for each in settings_of(struct) if each.name == key)
        rows.append((f"`{name}`", found.default, found.text))
    if rows:
        yield Table(("decided by", "default", "meaning"), tuple(rows))


def _stage_blocks(found: StageReason) -> Iterator[Block]:
    settings = [
        f"`{table}.{name} = {json.dumps(value)}`"
        for table, stated in found.settings.items()
        for name, value in stated.items()
    ]
    if found.duplicates:
        settings.append(f"`duplicates.drop = {json.dumps(found.duplicates)}` in the policy")
    needs = f", with {' and '.join(settings)}" if settings else ""
    yield f"A record of this file, `{found.file}`, ends so{needs}:"
    yield Verbatim(stage_reasons().shown(found.has))
    yield "The nearest file of which none does:"
    yield Verbatim(stage_reasons().shown(found.lacks))


def _example(text: str) -> Verbatim:
    return Verbatim(with_braces(text.strip()))


def _used(texts: Iterable[str], parts: Mapping[str, str]) -> dict[str, str]:
    """The parts that some texts are composed of."""
    wanted = {name for text in texts for name in named_parts(text, parts)}
    return {name: text for name, text in parts.items() if name in wanted}
