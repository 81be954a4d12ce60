"""Every reason by its name: where the reference pages explain it, and what ends so in the stages.

The reasons of rules are explained by `thresher.filters.policy.published` and
`thresher.filters.junk.examples`; those that reading, gates, extraction, duplicates and transforms
give by the file `reasons.toml`.
"""

from __future__ import annotations

import functools
import re
from importlib import resources
from typing import Any

import msgspec

from thresher.filters.composed import composed
from thresher.filters.config import load_toml
from thresher.filters.junk.examples import junk_reasons
from thresher.filters.policy import RESERVED_MEANINGS
from thresher.filters.policy.published import published
from thresher.pipeline.read.reasons import REASONS

PAGE = "docs/reasons.md"
"""Has an anchor for every reason but those of junk."""
JUNK_PAGE = "docs/junk.md"
"""Has an anchor for every reason of a junk rule."""

LENGTH = "LENGTH"
"""Stands for the length of a record in an example."""

_BYTE = re.compile(rb"\\x([0-9a-f]{2})")


class StageReason(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A reason that no rule gives, by an input that ends so and one that does not."""

    reason: str
    file: str
    """Name of the input file, which tells its format."""
    has: str
    """Content of a file with one record that ends so."""
    lacks: str
    """Content of the nearest file without such a record."""
    notes: str
    """Where it comes from and what to do about it."""
    related: tuple[str, ...]
    """Reasons that are worth a look."""
    decided_by: tuple[str, ...] = ()
    """Settings of the recipe that decide, as `table.name`."""
    source: str = ""
    """Who published it, where it is not Thresher's own."""
    settings: dict[str, dict[str, Any]] = {}
    """What the recipe of the example states, by table."""
    duplicates: tuple[str, ...] = ()
    """`duplicates.drop` of the policy, where a whole run decides; the policy has no rules."""


class StageReasons(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    parts: dict[str, str]
    """Texts that others are composed of."""
    reasons: tuple[StageReason, ...]

    def content(self, text: str) -> bytes:
        """The bytes of an example file: parts, bytes and lengths in place."""
        whole = _BYTE.sub(
            lambda match: bytes([int(match[1], 16)]), composed(text.strip(), self.parts).encode()
        )
        return whole.replace(LENGTH.encode(), str(_body_bytes(whole)).encode())

    def shown(self, text: str) -> str:
        """The text of an example file with lengths in place, but parts and bytes as written."""
        return text.strip().replace(LENGTH, str(_body_bytes(self.content(text))))


def _body_bytes(content: bytes) -> int:
    """How many bytes follow the blank line."""
    return len(content.partition(b"\n\n")[2])


@functools.cache
def stage_reasons() -> StageReasons:
    """What is known of reasons that no rule gives, as shipped."""
    name = "reasons.toml"
    text = resources.files("thresher.pipeline.inspect").joinpath(name).read_text("utf-8")
    return load_toml(StageReasons, text, name)


@functools.cache
def _page_of() -> dict[str, str]:
    listed = [rule.reason for group in published().groups for rule in group.rules]
    pages = dict.fromkeys([*REASONS, *RESERVED_MEANINGS, *listed], PAGE)
    return pages | dict.fromkeys(junk_reasons(), JUNK_PAGE)


def reference(reason: str) -> str:
    """Where the reference pages explain a reason, as `PAGE#ANCHOR`; "" for one that is not shipped.

    `thresher reasons NAME` prints the same, for those who have no pages at hand.
    """
    page = _page_of().get(reason)
    return f"{page}#{reason}" if page else ""
