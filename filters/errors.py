"""The exceptions, one tree: whatever Thresher raises on purpose is a ThresherError.

ThresherError
├── ConfigError           a setting is wrong: names its path and the nearest valid word (exit 2)
│   └── ModelError        a model file is missing, unreadable or not what was declared
├── InputError            an input is missing, or is not what the call takes (exit 2)
│   └── ExtractionError   a page gives no text; `reason` says why (`thresher.extract` raises it)
├── StoreError            the lake lacks what it should hold, or cannot be read or written (exit 2)
│   ├── UnreachableError  its place does not answer; also a ConnectionError: another try may help
│   ├── NoRunError        it holds no run yet, or another lake was meant
│   └── BusyError         another program holds what is needed (exit 4)
├── RunError              a run broke off before its end; what is done stays done (exit 3)
├── LedgerError           the counts of a shard do not balance: a bug, never data
├── ExtractionStartError  the extraction process does not start: a broken installation
├── NotStoppedError       DuckDB goes on with a question that was to stop: the command ends itself
├── StageFailedError      a stage that the rest of a run needs failed; the run ends incomplete
├── TaskFailedError       what a task ended with, as text: it becomes a failure of the run's record
└── DataError             what a reader meets in a file; whoever reads catches it
    ├── FormatError       the bytes are no sound fastText model: becomes a ModelError
    ├── Damage            compressed data that does not decode; reading goes on behind it
    ├── IncompleteRecord  the file ends inside a record
    ├── NotVerified       pages came out of members that turned out damaged: the file is read again
    ├── AmbiguousColumns  a Parquet file has several columns of one name
    ├── UnusableRecord    a record of training texts that is left out and counted
    ├── MalformedHttp     a record without an HTTP status line and headers
    ├── MalformedBody     a body that does not decode by its declared encoding
    └── Oversize          a body that decodes to more bytes than allowed

A DataError, a StageFailedError and a TaskFailedError reach no person: the first becomes the reason
of a rejected record or a ModelError, the others what a run says of its end.
"""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Iterable, Iterator

_MOST_NAMES = 20
_LONGEST_NAME = 40


class ThresherError(Exception):
    """Base of every error Thresher raises on purpose."""


class ConfigError(ThresherError):
    """A setting is wrong.

    Args:
        where: path of the setting, e.g. ``recipe.toml: gates.languages[0]``.
        problem: what is wrong with it, in one sentence.
        hint: what to type instead, if that is known.
    """

    def __init__(self, where: str, problem: str, hint: str = "") -> None:
        self.where = where
        self.problem = problem
        self.hint = hint
        super().__init__(f"{where}: {problem}" + (f" {hint}" if hint else ""))

    def __reduce__(self) -> tuple[type[ConfigError], tuple[str, str, str]]:
        return type(self), (self.where, self.problem, self.hint)


class ModelError(ConfigError):
    """A model file is missing, unreadable or not the one that was declared."""


class InputError(ThresherError):
    """An input is missing, a glob matches nothing, or a value is not what the call takes."""


class ExtractionError(InputError):
    """A page gives no text.

    Args:
        url: of the page; "" where unknown.
        reason: one of the reasons of failed records (docs/reasons.md), such as `empty`.
        detail: what is particular to this page.
    """

    def __init__(self, url: str, reason: str, detail: str = "") -> None:
        self.url = url
        self.reason = reason
        self.detail = detail
        super().__init__(f"{url or 'the page'}: {reason}" + (f": {detail}" if detail else ""))

    def __reduce__(self) -> tuple[type[ExtractionError], tuple[str, str, str]]:
        return type(self), (self.url, self.reason, self.detail)


class StoreError(ThresherError):
    """The lake does not hold what a manifest promises, or cannot be read or written."""


class UnreachableError(StoreError, ConnectionError):
    """The place of a lake does not answer. It is a `ConnectionError`: tasks are tried again."""


class NoRunError(StoreError):
    """A lake holds no run yet, or another lake was meant."""


class BusyError(StoreError):
    """Another program holds what is needed, such as the catalog for writing."""


class RunError(ThresherError):
    """A run broke off before its end: what is done stays done, and the same command goes on."""


class LedgerError(ThresherError):
    """The counts of a shard do not balance."""


class DataError(ThresherError):
    """What a reader meets in a file. Whoever reads catches it."""


@contextlib.contextmanager
def naming(where: str) -> Iterator[None]:
    """While this lasts, errors of settings, inputs and lakes say where it is that names them.

    Args:
        where: such as ``recipe.toml`` or ``quality.model``; it comes first.
    """
    try:
        yield
    except ConfigError as error:
        named = f"{where}: {error.where}"
        raise type(error)(named, error.problem, error.hint) from error
    except InputError as error:
        raise InputError(f"{where}: {error}") from error
    except StoreError as error:
        raise type(error)(f"{where}: {error}") from error


def shortened(text: str, most: int) -> str:
    """A message of so many characters at most, ending with a whole word and `…` where it is cut."""
    if len(text) <= most:
        return text
    cut = text[: most - 1]
    words = cut.rpartition(" ")[0]
    return f"{words} …" if words else f"{cut}…"


def no_such_field(wanted: str, names: Iterable[object]) -> str:
    """That a record has no field of a name, and which it has: bounded, and safe to show."""
    found = [str(name) for name in names]
    told = [
        "".join(letter if letter.isprintable() else " " for letter in name[:_LONGEST_NAME])
        for name in found[:_MOST_NAMES]
    ]
    more = f" and {len(found) - _MOST_NAMES:,} more" if len(found) > _MOST_NAMES else ""
    near = did_you_mean(wanted, told)
    hint = f" {near}" if near.startswith("Did") else ""
    return f"has no field '{wanted}'; its fields are {', '.join(told) or 'none'}{more}.{hint}"


def did_you_mean(word: str, valid: Iterable[str]) -> str:
    """The nearest valid words as a sentence, or the whole list where it is short."""
    options = sorted(valid)
    near = difflib.get_close_matches(word, options, n=1, cutoff=0.5)
    if near:
        return f"Did you mean '{near[0]}'?"
    if 0 < len(options) <= 12:
        return f"Valid: {', '.join(options)}."
    return ""
