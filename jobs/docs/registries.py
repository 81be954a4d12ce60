"""The pages of what is registered: signals, policies, transforms."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from thresher.filters.policy import Policy, shipped_policies, shipped_policy, shipped_policy_text
from thresher.filters.policy.sql import explain_rows
from thresher.filters.signals import FAMILIES, Family, Signal
from thresher.filters.transforms.cuts import CUTS
from thresher.filters.transforms.registry import TRANSFORMS
from thresher.jobs.docs.blocks import table
from thresher.jobs.docs.bounds import by_language, sentence
from thresher.jobs.docs.configuration import struct_tables
from thresher.jobs.docs.reasons import link
from thresher.pipeline.guest_packages import needs_of
from thresher.pipeline.guests import GuestSettings, guest_classes


def signals_page() -> Iterator[str]:
    """The page of signals, paragraph by paragraph."""
    yield "# Signals"
    yield (
        "Every document is measured once; a signal is one value of it, NULL where it is undefined. "
        "In SQL and in policies it is written as here, `family.name`. A family has a version, "
        "which rises when its values change, and then its documents are measured again."
    )
    for family in FAMILIES:
        yield from _family(family)
    yield "## guests"
    yield (
        "Verdicts of the filters that a recipe names under `[[guests]]`: `guests.NAME` is "
        "`passed`, or the reason why the filter would drop the document; NULL where it failed."
    )
    yield (
        "Some need more than comes with Thresher: `thresher plan` says what to install, and every "
        "machine of a run needs it. Of `spacy` no model is needed; a `language` other than "
        "English may need another tokenizer. `fasttext-numpy2-wheel` takes the place of the module "
        "`fasttext` that Thresher trains with, and trains as well."
    )
    yield table(
        ("filter", "signal", "needs"),
        (
            (f"`{name}`", f"`guests.{GuestSettings(name).signal}`", _needs(kind))
            for name, kind in guest_classes("filter").items()
        ),
    )


def _needs(kind: type[Any]) -> str:
    """What a class of datatrove needs, as one types it."""
    needs = needs_of(kind)
    packages = f"`pip install {' '.join(needs.packages)}`" if needs.packages else "nothing more"
    return f"{packages}; fetches a file" if needs.downloads else packages


def _family(family: Family) -> Iterator[str]:
    yield f"## {family.name}"
    yield f"{family.summary} Version {family.version}."
    yield table(
        ("signal", "type", "unit", "range", "meaning", "NULL when", "source"),
        (
            (f"`{s.name}`", s.type, s.unit, _range(s), s.meaning, s.null_when, s.source)
            for s in family.signals
        ),
    )


def _range(signal: Signal) -> str:
    if signal.range is None:
        return ""
    low, high = ("" if bound is None else f"{bound:g}" for bound in signal.range)
    if not low:
        return f"up to {high}"
    return f"{low} to {high}" if high else f"from {low}"


def policies_page() -> Iterator[str]:
    """The page of policies, paragraph by paragraph."""
    yield "# Policies"
    yield (
        "A policy is an ordered list of rules over signals. Every rule is evaluated; the first "
        "that drops a document gives its primary reason. `judge.policy` in a recipe names one of "
        "these, or a TOML file of your own; `thresher policies show NAME > mine.toml` makes one of "
        "a shipped policy, to change a bound in."
    )
    for name in shipped_policies():
        yield from _policy(name)
    yield "# Writing a policy"
    yield (
        "Every bound that is stated is a reason to drop, so `below = 3, above = 10` drops what "
        "lies outside [3, 10]. Unknown settings are errors."
    )
    yield from struct_tables(Policy, "policy")


def _policy(name: str) -> Iterator[str]:
    policy = shipped_policy(name)
    header = [line[2:] for line in shipped_policy_text(name).splitlines() if line.startswith("# ")]
    yield f"## {name}"
    yield f"Version {policy.version}. {policy.source}"
    yield "\n".join(f"> {line}" for line in header)
    yield table(
        ("reason", "dropped if", "by language", "if undefined", "meaning"),
        (
            (
                link(rule.reason, "policies.md"),
                sentence(row),
                by_language(rule),
                rule.missing,
                rule.meaning,
            )
            for rule, row in zip(policy.rules, explain_rows(policy), strict=True)
        ),
    )
    if policy.duplicates.drop:
        best = policy.duplicates.prefer
        survivor = f"the highest `{best}`, then the smallest id" if best else "the smallest id"
        kinds = " and ".join(policy.duplicates.drop)
        yield f"Of copies ({kinds}) the one with {survivor} survives."


def transforms_page() -> Iterator[str]:
    """The page of transforms, paragraph by paragraph."""
    yield "# Transforms"
    yield (
        "What changes a text before it is written to a curated shard: `curated.transforms` names "
        "them in the order they are applied. The columns `lines_removed` and `characters_removed` "
        "of a curated shard say what they took away. A formatter of datatrove can stand among them "
        'as `{ formatter = "datatrove.FTFYFormatter", arguments = {} }`.'
    )
    yield table(
        ("transform", "version", "meaning", "applied again"),
        (
            (
                f"`{transform.name}`",
                str(transform.version),
                transform.meaning,
                "changes nothing" if transform.idempotent else "may change the text once more",
            )
            for transform in TRANSFORMS
        ),
    )
    yield table(
        ("formatter", "needs"),
        ((f"`{name}`", _needs(kind)) for name, kind in guest_classes("formatter").items()),
    )
    yield "## Cuts"
    yield (
        "A cut removes what measuring found, at its place in the measured text. Cuts are named in "
        "`curated.transforms` as well, before all others; what any of them removes goes."
    )
    yield table(
        ("cut", "version", "meaning", "needs"),
        ((f"`{cut.name}`", str(cut.version), cut.meaning, cut.needs) for cut in CUTS),
    )
