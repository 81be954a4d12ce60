"""The registry of signals: what each measured value is, where it is undefined, whence it comes.

A signal is named `family.noun_unit`. A family is measured together and has a version, bumped
with any change of its values. Reference pages, policies and Arrow types are made from this
registry: `words`, `rules`, `content`, `junk`, `page`, `lines` and `site` hold the families, `kinds`
what they are made of.
"""

from __future__ import annotations

import pyarrow as pa

from thresher.filters.signals import contamination, content, junk, lines, page, rules, site, words
from thresher.filters.signals.kinds import Family, Range, Signal

__all__ = [
    "DOCUMENT_FAMILIES",
    "FAMILIES",
    "KERNEL_FAMILIES",
    "RUN_FAMILIES",
    "SCORE_PREFIX",
    "Family",
    "Range",
    "Signal",
    "family",
    "family_type",
    "names",
    "signal",
    "signal_type",
]

SCORE_PREFIX = "scores."
"""Of the signals that the recipe's own scorers give."""

_TYPES = {
    "int64": pa.int64(),
    "double": pa.float64(),
    "bool": pa.bool_(),
    "string": pa.string(),
}

KERNEL_FAMILIES = (*words.FAMILIES, *rules.FAMILIES, *content.KERNEL_FAMILIES, *junk.FAMILIES)
"""Those that `thresher.filters.measure.measure` fills; the pipeline fills the others."""

DOCUMENT_FAMILIES = (
    *KERNEL_FAMILIES,
    *content.OTHER_FAMILIES,
    *page.FAMILIES,
    contamination.CONTAMINATION,
)
"""Those of a document by itself: in the order of the view `documents`."""

RUN_FAMILIES: tuple[Family, ...] = (lines.REPEATED_LINES, *site.FAMILIES)
"""Those that take the whole run to measure, in files of their own beside the documents."""

FAMILIES = (*DOCUMENT_FAMILIES, *RUN_FAMILIES)
"""All families, in the order of the columns."""

_BY_NAME = {signal.name: signal for family in FAMILIES for signal in family.signals}
_FAMILY_BY_NAME = {family.name: family for family in FAMILIES}


def signal(name: str) -> Signal:
    """The signal of a name, e.g. `length.words`.

    Raises:
        KeyError: if there is none.
    """
    scorer = name.removeprefix(SCORE_PREFIX)
    if scorer != name and scorer.isidentifier():
        return Signal(
            name=name,
            type="double",
            unit="score",
            meaning="The score of a model or callable of the recipe.",
            null_when="the text is blank, or the scorer gave none",
            source="the recipe",
            range=None,
        )
    return _BY_NAME[name]


def names() -> tuple[str, ...]:
    """The names of all signals, in order."""
    return tuple(_BY_NAME)


def family(name: str) -> Family:
    """The family of a name.

    Raises:
        KeyError: if there is none.
    """
    return _FAMILY_BY_NAME[name]


def signal_type(name: str) -> pa.DataType:
    """The Arrow type of a signal.

    Raises:
        KeyError: if there is none.
    """
    return _TYPES[signal(name).type]


def family_type(name: str) -> pa.StructType:
    """The Arrow type of a family's column; every field may be NULL.

    Raises:
        KeyError: if there is no such family.
    """
    signals = _FAMILY_BY_NAME[name].signals
    return pa.struct([pa.field(s.name.split(".")[1], _TYPES[s.type]) for s in signals])
