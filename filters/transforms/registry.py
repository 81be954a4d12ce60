"""Transforms: what changes a text before it is written to a curated shard.

A transform is a pure function of one text, so its result does not depend on the batch or on
the order of documents. Its version is raised by hand whenever its output changes; name and
version are part of the curated fingerprint. A cut (`thresher.filters.transforms.cuts`) is one that
removes what was measured, and is named in the same list, before the others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from thresher.filters.errors import ConfigError, did_you_mean
from thresher.filters.transforms.cuts import CUTS, Cut
from thresher.filters.transforms.line_cleaning import NEEDS_CLEANING, clean
from thresher.filters.transforms.line_edits import c4_lines, c4_lines_any_end, dclm_lines
from thresher.filters.transforms.pii import NEEDS_REDACTION, redact


@dataclass(frozen=True, slots=True)
class Transform:
    """A named, versioned function from texts to texts."""

    name: str
    version: int | str
    """Of the transform, or of the package it comes from."""
    meaning: str
    candidates: str
    """RE2 pattern: a text without a match is certainly not changed."""
    change: Callable[[str], str]
    """Text to text, pure."""
    idempotent: bool = True
    """Whether applying it again changes nothing; a faithful copy of another tool's may not be."""

    def apply(self, texts: pa.Array) -> pa.Array:
        """Change an array of strings; NULL stays NULL, the type stays as it is."""
        touched = pc.fill_null(pc.match_substring_regex(texts, self.candidates), False)
        changed = [self.change(text) for text in texts.filter(touched).to_pylist()]
        return pc.replace_with_mask(texts, touched, pa.array(changed, texts.type))


TRANSFORMS: tuple[Transform, ...] = (
    Transform(
        name="clean_lines",
        version=1,
        meaning=(
            "Drops lines that are cookie, consent or JavaScript notices and lines with a word of "
            "over 1000 characters; strips citation marks such as [12] and [edit]."
        ),
        candidates=NEEDS_CLEANING,
        change=clean,
    ),
    Transform(
        name="redact_pii",
        version=1,
        meaning=(
            "Replaces e-mail addresses, public IP addresses and phone numbers by <EMAIL>, "
            "<IP_ADDRESS> and <PHONE>."
        ),
        candidates=NEEDS_REDACTION,
        change=redact,
    ),
    Transform(
        name="c4_lines",
        version=1,
        meaning=(
            "Keeps the lines that C4 keeps, as datatrove's C4QualityFilter does: those that end in "
            "a terminal mark and have three words or more, none of over 1000 characters, no "
            "JavaScript and no policy phrase; strips citation marks."
        ),
        candidates="",
        change=c4_lines,
        idempotent=False,
    ),
    Transform(
        name="c4_lines_any_end",
        version=1,
        meaning="The same without the rule that a line ends in a terminal mark, as in FineWeb.",
        candidates="",
        change=c4_lines_any_end,
        idempotent=False,
    ),
    Transform(
        name="dclm_lines",
        version=1,
        meaning=(
            "Drops lines that are mostly upper case, all digits, a counter such as 12K likes, or "
            "one word, and shop and log-in phrases in short lines, as DCLM does."
        ),
        candidates="",
        change=dclm_lines,
        idempotent=False,
    ),
)
"""Every transform there is."""


def transforms(wanted: Sequence[str | Transform], where: str) -> tuple[Cut | Transform, ...]:
    """Look transforms and cuts up, in the order given.

    Args:
        wanted: names of registered ones; one that is made already stays as it is.
        where: path of the setting that holds the names, used in errors.

    Raises:
        ConfigError: for a name that does not exist, comes twice, or is a cut behind a transform
            that is none.
    """
    every: tuple[Cut | Transform, ...] = (*CUTS, *TRANSFORMS)
    known = {each.name: each for each in every}
    found: dict[str, Cut | Transform] = {}
    for i, each in enumerate(wanted):
        name = each if isinstance(each, str) else each.name
        if isinstance(each, str) and name not in known:
            hint = did_you_mean(name, known)
            raise ConfigError(f"{where}[{i}]", f"no transform '{name}'.", hint)
        if name in found:
            raise ConfigError(f"{where}[{i}]", f"'{name}' is applied already.")
        found[name] = known[each] if isinstance(each, str) else each
        ahead = next((e.name for e in found.values() if isinstance(e, Transform)), None)
        if ahead and isinstance(found[name], Cut):
            raise ConfigError(
                f"{where}[{i}]",
                f"'{name}' removes what was measured, at its place in the measured text: "
                f"name it before '{ahead}'.",
            )
    return tuple(found.values())
