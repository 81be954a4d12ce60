"""An explanation as a person reads it: what became of the document, which rule saw what."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from thresher.filters.one_line import one_line
from thresher.filters.policy import RESERVED_MEANINGS

if TYPE_CHECKING:
    from thresher.pipeline.inspect.explain import Explanation

__all__ = ["headline", "text_of"]

_WIDTH = 96
_VALUE_CHARACTERS = 200
_CHANGES_SHOWN = 5
_PROVENANCE = ("id", "record_id", "url", "source", "date", "title")
_COPY = ("survivor_id", "survivor_run", "matched_id", "similarity", "verified")
_CONTAMINATED = "contaminated"


def headline(found: Explanation, most: int | None = None) -> str:
    """The document and what became of it, in one line; with at most so many reasons."""
    if found.quarantine:
        row = found.quarantine
        return f"{_shown(row['id'])}, no document: {row['outcome']}, {row['reason']}"
    decision = found.decision
    verdict = decision.get("verdict", "not judged")
    reasons = decision.get("reasons") or []
    listed = ", ".join(reasons[:most])
    more = f" and {len(reasons) - most} more" if most is not None and reasons[most:] else ""
    return f"{_shown(found.provenance['id'])}, {verdict}{': ' if listed else ''}{listed}{more}"


def text_of(found: Explanation) -> str:
    """All of it but the signals and the rules that the document passes."""
    return "\n".join(_lines(found))


def _lines(found: Explanation) -> Iterator[str]:
    yield headline(found)
    if found.quarantine:
        yield from _facts(found.quarantine, ("record_id", "url", "source", "detail"))
        yield from _text(found)
        return
    yield from _facts(found.provenance, _PROVENANCE[1:])
    yield from _reasons(found)
    undefined = [rule.reason for rule in found.rules if rule.drops is None]
    passed = sum(rule.drops is False for rule in found.rules)
    yield ""
    if undefined:
        yield from _wrapped(f"rules whose signals are undefined: {', '.join(undefined)}", "")
    yield f"rules it passes: {passed}; `.rules` and `.signals` have all of them"
    if found.duplicates:
        yield f"\nothers of its cluster: {len(found.duplicates)}"
        for member in found.duplicates:
            told = f"{member['verdict']} {member['reason'] or ''}".strip()
            yield f"  {_shown(member['id'])}  {told}  {_shown(member['url'])}"
    if found.difference:
        yield from _differences(found)
    yield from _text(found)


def _reasons(found: Explanation) -> Iterator[str]:
    rules = {rule.reason: rule for rule in found.rules}
    for reason in found.decision.get("reasons") or ():
        rule = rules.get(reason)
        meaning = rule.meaning if rule else RESERVED_MEANINGS.get(reason, "")
        yield f"\n{reason}"
        yield from _wrapped(meaning, "  ")
        yield from (f"    {_shown(test)}" for test in (rule.tests if rule else ()))
        if not rule:
            yield from _facts(found.decision, _COPY, "    ")
        elif reason == _CONTAMINATED and found.matched:
            yield from _facts(found.matched, tuple(found.matched), "    ")
        if reason in found.references:
            yield f"    {found.references[reason]}"


def _differences(found: Explanation) -> Iterator[str]:
    assert found.difference is not None
    changes, further = found.difference.changes, found.difference.further
    count = len(changes) + further
    yield f"\ndifferences from {_shown(found.difference.id)}: {count or 'none'}"
    for change in changes[:_CHANGES_SHOWN]:
        yield from _wrapped(
            f"after '{_shown(change.after)}': '{_shown(change.mine)}', and there "
            f"'{_shown(change.theirs)}'",
            "  ",
        )


def _facts(facts: Mapping[str, Any], names: tuple[str, ...], before: str = "  ") -> Iterator[str]:
    stated = {name: facts[name] for name in names if facts.get(name) not in (None, "")}
    width = max(map(len, stated), default=0)
    for name, value in stated.items():
        yield f"{before}{name:<{width}}  {_shown(value)}"


def _text(found: Explanation) -> Iterator[str]:
    if found.text:
        yield "\ntext"
        for line in found.text.splitlines():
            yield from _wrapped(line, "  ")


def _wrapped(text: str, before: str) -> Iterator[str]:
    yield from textwrap.wrap(
        one_line(text), _WIDTH, initial_indent=before, subsequent_indent=before
    )


def _shown(value: object) -> str:
    text = one_line(f"{value:.6g}" if isinstance(value, float) else str(value or ""))
    return text if len(text) <= _VALUE_CHARACTERS else f"{text[: _VALUE_CHARACTERS - 1]}…"
