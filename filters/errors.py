"""The exceptions a person sees, drawn as a tree.

ThresherError
├── ConfigError        a setting is wrong: names its path and the nearest valid word (exit 2)
│   └── ModelError     a model file is missing, unreadable or not what was declared
├── InputError         an input is missing or matches nothing (exit 2)
├── StoreError         the lake does not hold what it should, or cannot be read or written (exit 2)
│   ├── UnreachableError  its place does not answer; also a ConnectionError: another try may help
│   └── BusyError      another program holds what is needed (exit 4)
├── RunError           a run broke off before its end; what is done stays done (exit 3)
└── LedgerError        the counts of a shard do not balance: a bug, never data
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


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
    """An input is missing, or a glob matches nothing."""


class StoreError(ThresherError):
    """The lake does not hold what a manifest promises, or cannot be read or written."""


class UnreachableError(StoreError, ConnectionError):
    """The place of a lake does not answer. It is a `ConnectionError`: tasks are tried again."""


class BusyError(StoreError):
    """Another program holds what is needed, such as the catalog for writing."""


class RunError(ThresherError):
    """A run broke off before its end: what is done stays done, and the same command goes on."""


class LedgerError(ThresherError):
    """The counts of a shard do not balance."""


def did_you_mean(word: str, valid: Iterable[str]) -> str:
    """The nearest valid words as a sentence, or the whole list where it is short."""
    options = sorted(valid)
    near = difflib.get_close_matches(word, options, n=1, cutoff=0.5)
    if near:
        return f"Did you mean '{near[0]}'?"
    if 0 < len(options) <= 12:
        return f"Valid: {', '.join(options)}."
    return ""
