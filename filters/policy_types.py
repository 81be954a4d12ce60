"""The vocabulary of a policy: frozen structs that TOML converts to, without any behaviour."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

Missing = Literal["keep", "drop", "unknown"]
Duplicate = Literal["exact", "near"]

DUPLICATE_REASONS: Mapping[str, str] = {"exact": "exact_duplicate", "near": "near_duplicate"}
"""The reason a document gets for losing to the survivor of its cluster, by kind of cluster."""

RESERVED_REASONS = frozenset({*DUPLICATE_REASONS.values(), "empty_after_transforms"})
"""Reasons that stages give themselves; a rule cannot use them."""


class Bounds(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True
):
    """What about a signal's value is a reason to drop; exactly one kind of bound is stated."""

    below: int | float | None = None
    """Drop where the signal is smaller than this number."""
    above: int | float | None = None
    """Drop where the signal is greater than this number."""
    is_: bool | None = msgspec.field(default=None, name="is")
    """Drop where the (boolean) signal has this value."""
    in_: tuple[str, ...] | None = msgspec.field(default=None, name="in")
    """Drop where the (string) signal is one of these words."""
    not_in: tuple[str, ...] | None = None
    """Drop where the (string) signal is none of these words."""


class Condition(Bounds, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """One signal and its bounds."""

    signal: str
    """Name of the signal, `family.noun_unit`."""


class Rule(Bounds, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """A predicate and the reason it gives: one signal with bounds or `keep_top`, or `all`."""

    reason: str
    """The fact about the document, a constant snake_case word; unique within the policy."""
    meaning: str = ""
    """The reason in a sentence, for people."""
    signal: str | None = None
    """Name of the signal, where the rule looks at one."""
    keep_top: float | None = None
    """Keep this share of the run's documents, those with the highest values of the signal."""
    all: tuple[Condition, ...] = ()
    """Drop where every one of these conditions holds."""
    missing: Missing = "keep"
    """What an undefined signal means; `unknown` keeps the document and lists the reason."""

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """The rule as a conjunction, whichever way it was written."""
        if self.signal is None:
            return self.all
        return (
            Condition(
                signal=self.signal,
                below=self.below,
                above=self.above,
                is_=self.is_,
                in_=self.in_,
                not_in=self.not_in,
            ),
        )


class Duplicates(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True
):
    """What happens to copies. The survivor is chosen among members that pass every rule."""

    drop: tuple[Duplicate, ...] = ()
    """Which kinds of copies are dropped: `exact`, `near`."""
    prefer: str | None = None
    """The survivor has the highest value of this signal (NULL last), then the smallest id."""


class Policy(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True
):
    """Ordered rules; the primary reason of a document is the first that drops it."""

    name: str
    """Name of the policy: lower case words joined by hyphens."""
    version: int
    """Raised by hand whenever the policy changes what it keeps."""
    source: str = ""
    """Where the rules come from, and where they depart from it."""
    rules: tuple[Rule, ...] = ()
    """The rules, in the order that decides the primary reason."""
    duplicates: Duplicates = Duplicates()
    """What happens to copies."""
