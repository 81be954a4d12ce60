"""What a signal and a family are, and short ways to write the usual kinds down."""

from __future__ import annotations

from dataclasses import dataclass

Range = tuple[float | None, float | None]

SHARE: Range = (0, 1)
COUNT: Range = (0, None)

NO_WORDS = "the text has no words"
NO_LINES = "the text is empty"
BLANK = "the text is blank"
NEVER = "never"
SPACELESS = "most of its words are letters of a script without spaces"
NO_WORDS_OR_SPACELESS = f"{NO_WORDS}, or {SPACELESS}"

GOPHER = "Gopher (datatrove 0.10)"
C4 = "C4 (datatrove 0.10)"
FINEWEB = "FineWeb (datatrove 0.10)"
DCLM = "DCLM"
THRESHER = "Thresher"

FIRST_WORDS = " Of more than 1,048,576 words the first so many are measured."


@dataclass(frozen=True)
class Signal:
    """One measured value."""

    name: str
    """`family.noun_unit`."""
    type: str
    """int64, double, bool or string."""
    unit: str
    meaning: str
    null_when: str
    source: str
    """Who defined it."""
    range: Range | None
    """Least and greatest value, None where there is no bound; None for bool and string."""


@dataclass(frozen=True)
class Family:
    """Signals that are measured together."""

    name: str
    version: int
    summary: str
    signals: tuple[Signal, ...]


def make_family(name: str, version: int, summary: str, *signals: Signal) -> Family:
    """A family of signals that are written without its name."""
    named = tuple(
        Signal(f"{name}.{s.name}", s.type, s.unit, s.meaning, s.null_when, s.source, s.range)
        for s in signals
    )
    return Family(name, version, summary, named)


def count(
    name: str, unit: str, meaning: str, source: str = THRESHER, null_when: str = NEVER
) -> Signal:
    """A whole number from 0 upwards."""
    return Signal(name, "int64", unit, meaning, null_when, source, COUNT)


def share(name: str, meaning: str, null_when: str, source: str = THRESHER) -> Signal:
    """A number between 0 and 1."""
    return Signal(name, "double", "share", meaning, null_when, source, SHARE)


def ratio(name: str, unit: str, meaning: str, null_when: str, source: str = THRESHER) -> Signal:
    """A number from 0 upwards."""
    return Signal(name, "double", unit, meaning, null_when, source, COUNT)


def flag(name: str, meaning: str, source: str) -> Signal:
    """True or false."""
    return Signal(name, "bool", "flag", meaning, NEVER, source, None)


def text(name: str, unit: str, meaning: str, null_when: str, source: str = THRESHER) -> Signal:
    """A string."""
    return Signal(name, "string", unit, meaning, null_when, source, None)
