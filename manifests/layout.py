"""Which columns lie in which files: the texts of a shard, and the groups of their signals.

    text/<fingerprint>/<shard>.parquet                  what reading, gating and extracting gave
    signals/<group>/<fingerprint>/<shard>.parquet       families of like cost and change, no text
    <run-wide stage>/<fingerprint>/<shard>.parquet      signals that take the whole run

All files of a shard have the same rows in the same order. Lakes of earlier versions have one
file, `documents`, instead of the texts and the groups.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from thresher.filters.signals import DOCUMENT_FAMILIES, RUN_FAMILIES, content, junk, lines, site
from thresher.filters.signals import rules as rule_families
from thresher.filters.signals import words as word_families
from thresher.filters.signals.contamination import SPANS

TEXT: Final = "text"
"""The stage of the texts."""
FORMER: Final = "documents"
"""The stage that wrote texts and signals into one file."""

TEXT_FAMILIES: Final = ("language", "extract", "metadata", "mending", "reading")
"""Measured while a page is read, gated and extracted."""

SIGNALS: Final = "signals"
"""The folder of the groups, and what a run calls their measuring on texts that it has already."""

RULES: Final = f"{SIGNALS}/rules"
JUNK: Final = f"{SIGNALS}/junk"
SIGNATURE: Final = f"{SIGNALS}/signature"
QUALITY: Final = f"{SIGNALS}/quality"
MACHINE_TEXT: Final = f"{SIGNALS}/machine_text"
CONTAMINATION: Final = f"{SIGNALS}/contamination"
GUESTS: Final = f"{SIGNALS}/guests"

_PLAIN = (*word_families.FAMILIES, *rule_families.FAMILIES, *content.KERNEL_FAMILIES)

GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    RULES: (*(family.name for family in _PLAIN), "url_parts", "stopwords_local", "shape"),
    JUNK: tuple(family.name for family in junk.FAMILIES),
    SIGNATURE: ("content_hash", "minhash"),
    QUALITY: ("quality",),
    MACHINE_TEXT: ("machine_text",),
    CONTAMINATION: ("contamination", SPANS),
    GUESTS: ("guests",),
}
"""Columns of each stage of signals of a text by itself, in the order of a lake's views."""

RUN_WIDE: Final[Mapping[str, tuple[str, ...]]] = {
    "model_scores": ("scores",),
    "repeated_lines": (lines.REPEATED_LINES.name, "repeated_line_numbers"),
    "site_signals": tuple(family.name for family in site.FAMILIES),
}
"""Likewise of the stages of the recipe's own scores and of signals that take the whole run."""

_STAGE_OF = {
    column: stage for stages in (GROUPS, RUN_WIDE) for stage, columns in stages.items()
    for column in columns
}  # fmt: skip

KNOWN: Final = frozenset(family.name for family in (*DOCUMENT_FAMILIES, *RUN_FAMILIES))
"""Families that are NULL where a run has not measured them."""


def text_stage(fingerprints: Mapping[str, str]) -> str:
    """The stage that wrote the texts of a run, by its fingerprints."""
    return FORMER if FORMER in fingerprints else TEXT


def stage_of(column: str) -> str:
    """The stage that writes a column of a shard, given its name or that of a signal in it."""
    return _STAGE_OF.get(column.split(".")[0], TEXT)


def stage_of_file(path: str) -> str:
    """The stage that wrote a file, by its path inside the lake."""
    return path.rsplit("/", 2)[0]
