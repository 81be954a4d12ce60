"""The vocabulary of a policy: frozen structs that TOML converts to, without any behaviour."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

Missing = Literal["keep", "drop", "unknown"]
Duplicate = Literal["identical", "exact", "near", "url"]
Bound = int | float | bool | str | tuple[str, ...]

DUPLICATE_REASONS: Mapping[str, str] = {
    "identical": "identical_duplicate",
    "exact": "exact_duplicate",
    "near": "near_duplicate",
    "url": "url_duplicate",
}
"""The reason a document gets for losing to the survivor of its cluster, by kind of cluster."""

RESERVED_MEANINGS: Mapping[str, str] = {
    "identical_duplicate": "The same bytes as the survivor of its cluster.",
    "exact_duplicate": "The same text as the survivor of its cluster.",
    "near_duplicate": "Nearly the same text as the survivor of its cluster.",
    "url_duplicate": "Another capture of the survivor's address.",
    "empty_after_transforms": "The transforms left nothing of the text.",
}
"""Reasons that stages give themselves, and what they mean; a rule cannot use them."""


class Bounds(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True
):
    """What about a signal's value is a reason to drop; exactly one kind of bound is stated."""

    below: int | float | None = None
    """Drop where the signal is smaller than this number."""
    above: int | float | None = None
    """Drop where the signal is greater than this number."""
    ties_above: str | None = None
    """Drop, too, where the signal equals `below` and the document's id is greater than this; what
    `keep_top` becomes."""
    is_: bool | None = msgspec.field(default=None, name="is")
    """Drop where the (boolean) signal has this value."""
    in_: tuple[str, ...] | None = msgspec.field(default=None, name="in")
    """Drop where the (string) signal is one of these words."""
    not_in: tuple[str, ...] | None = None
    """Drop where the (string) signal is none of these words."""

    @property
    def stated(self) -> dict[str, Bound]:
        """The bounds that are set, under their names in TOML."""
        kinds: dict[str, Bound | None] = {
            "below": self.below,
            "above": self.above,
            "ties_above": self.ties_above,
            "is": self.is_,
            "in": self.in_,
            "not_in": self.not_in,
        }
        return {kind: bound for kind, bound in kinds.items() if bound is not None}


class LanguageBounds(
    Bounds, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True
):
    """Bounds for documents in one language."""

    off: bool = False
    """True: the rule does not look at documents in this language."""


class MedianBound(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True
):
    """A bound for each language, taken from the run's own documents in that language.

    FineWeb2's bound on language scores is `{ least = 0.3, most = 0.9 }`.
    """

    least: float
    """The bound is at least this, and this for a language the run has no document of."""
    most: float
    """The bound is at most this."""
    deviations: float = 1.0
    """How many standard deviations the bound lies below the median."""


class Condition(Bounds, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """One signal and its bounds."""

    signal: str
    """Name of the signal, `family.noun_unit`."""
    by_language: dict[str, LanguageBounds] = {}
    """Bounds that replace the general ones of the same kind, by `language.code`."""

    def bounds_for(self, language: str | None) -> dict[str, Bound] | None:
        """The bounds that apply to a document in this language; None where it is not looked at."""
        own = self.by_language.get(language) if language is not None else None
        if own is None:
            return self.stated
        return None if own.off else self.stated | own.stated


class Rule(Bounds, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """A predicate and the reason it gives: one signal with bounds or `keep_top`, or `all`."""

    reason: str
    """The fact about the document, a constant snake_case word; unique within the policy."""
    meaning: str = ""
    """The reason in a sentence, for people."""
    signal: str | None = None
    """Name of the signal, where the rule looks at one."""
    keep_top: float | None = None
    """Keep this share of the run's documents, those with the highest values of the signal; of equal
    values those with the smallest ids."""
    keep_top_of: Literal["run", "language"] = "run"
    """Whether that share is of the whole run or of the documents in each language."""
    below_median: MedianBound | None = None
    """Drop what lies far below the median of the document's language, resolved over the run."""
    by_language: dict[str, LanguageBounds] = {}
    """Bounds that replace the rule's own of the same kind, by `language.code`; with `all`, they
    stand in the conditions."""
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
                ties_above=self.ties_above,
                is_=self.is_,
                in_=self.in_,
                not_in=self.not_in,
                by_language=self.by_language,
            ),
        )


class Duplicates(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True
):
    """What happens to copies. The survivor is chosen among members that pass every rule."""

    drop: tuple[Duplicate, ...] = ()
    """Which kinds of copies are dropped: `identical` for equal bytes, `exact` for texts equal but
    for case and white space, `near`, and `url` for pages of one address. `exact` drops identical
    copies too; with both, those have a reason of their own."""
    priority: tuple[str, ...] = ()
    """Sources to trust, the most trusted first: the survivor's `source` contains the first of these
    that any member's does. Decides before `prefer`. A local file's source begins behind the folder
    that its entry of `input.urls` names outright: `data/*/x.jsonl` leaves `wiki/x.jsonl`."""
    newest: bool = True
    """Of pages of one address the newest survives, rather than the first. A page of an earlier run
    that this one is deduplicated against always does."""
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
