"""Which reasons somebody who looks at one may want to look at next."""

from __future__ import annotations

import functools

from thresher.filters.junk.examples import junk_reasons
from thresher.filters.policy.published import published
from thresher.jobs.docs.bounds import shipped_rules
from thresher.pipeline.inspect.reasons import stage_reasons

_GUARDS = ("prose", "length", "junk")
"""Families that most junk rules ask beside what they are about."""
_FEW = 5
"""Rules about one family, up to which all of them are related."""
_DENSITY = "phrases_per_1000_words"
_MODEL = "junk_page"


def related_reasons(reason: str) -> tuple[str, ...]:
    """The related reasons of a shipped one: stated ones, those that state it, and those alike."""
    stated = _stated()
    found = [
        *stated.get(reason, ()),
        *(name for name, others in stated.items() if reason in others),
    ]
    for group in published().groups:
        names = [rule.reason for rule in group.rules]
        if group.alike and reason in names:
            found += names
    if reason in junk_reasons():
        found += _alike(reason)
    return tuple(name for name in dict.fromkeys(found) if name != reason)


@functools.cache
def _stated() -> dict[str, tuple[str, ...]]:
    found = {each.reason: each.related for each in stage_reasons().reasons}
    return found | {rule.reason: rule.related for g in published().groups for rule in g.rules}


def _alike(reason: str) -> list[str]:
    """Junk rules that ask the same signals, and the rule that asks the model about their family."""
    about, signals = _about(reason), _asked(reason)
    others = [name for name in shipped_rules() if name in junk_reasons()]
    family = [name for name in others if _about(name) == about]
    model = f"{about}_junk"
    if len(family) > _FEW and reason != model:
        family = [name for name in family if name == model or signals & _asked(name)]
    return family if len(family) > 1 else [_MODEL]


def _signals(reason: str) -> tuple[str, ...]:
    (_, row), *_ = shipped_rules()[reason].values()
    return row.signals


def _about(reason: str) -> str:
    """The family that a junk rule is about; of a rule that asks the model, that of its score."""
    families = [name.split(".")[0] for name in _signals(reason)]
    own = [family for family in families if family not in _GUARDS]
    return own[0] if own else _signals(reason)[-1].split(".")[1].removesuffix("_score")


def _asked(reason: str) -> set[str]:
    """What a junk rule asks apart from its guards."""
    return {
        name
        for name in _signals(reason)
        if name.split(".")[0] not in _GUARDS and not name.endswith(_DENSITY)
    }
