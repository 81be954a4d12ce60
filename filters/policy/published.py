"""What is known of the published rules of the shipped policies: the file `published.toml`."""

from __future__ import annotations

import functools
from importlib import resources

import msgspec

from thresher.filters.composed import composed
from thresher.filters.config import load_toml

Value = bool | int | float | str


class Pair(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a rule drops and what it narrowly keeps, as composed texts or as values of a run."""

    values: tuple[Value, Value]
    """Of the rule's signal: what is dropped, what is kept; rounded to four digits."""
    policies: tuple[str, ...] = ()
    """For whose bounds it is; empty: for all that have the rule and that no other pair names."""
    drops: str = ""
    """A composed text."""
    keeps: str = ""
    """A composed text."""
    evaluation: str = ""
    """An example of an evaluation set, composed, where the rule looks for one."""
    run: tuple[float, ...] = ()
    """Instead of texts: the signal in all documents of a run; `values` are among them."""


class PublishedRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is particular to one rule."""

    reason: str
    """Of the rule, in whichever policies."""
    pairs: tuple[Pair, ...]
    """Together for every policy that has the rule."""
    notes: str = ""
    """Where readings of it differ, and what it is good for."""
    related: tuple[str, ...] = ()
    """Other reasons that are worth a look."""

    def pair_for(self, policy: str) -> Pair:
        """The pair for the bounds of a policy.

        Raises:
            LookupError: if there is none.
        """
        named = [pair for pair in self.pairs if policy in pair.policies]
        for pair in [*named, *(pair for pair in self.pairs if not pair.policies)]:
            return pair
        raise LookupError(f"{self.reason} has no pair for {policy}")


class Group(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Rules that were published together."""

    title: str
    source: str
    """Who published them."""
    rules: tuple[PublishedRule, ...]
    readings: str = ""
    """Where readings of all of them differ."""
    alike: bool = False
    """Whether who looks at one of them may want to look at the others."""


class Published(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    parts: dict[str, str]
    """Texts that others are composed of."""
    groups: tuple[Group, ...]

    def whole(self, text: str) -> str:
        """A composed text with its parts in place."""
        return composed(text, self.parts)


@functools.cache
def published() -> Published:
    """What is known, as shipped."""
    name = "published.toml"
    text = resources.files("thresher.filters.policy").joinpath(name).read_text("utf-8")
    return load_toml(Published, text, name)
