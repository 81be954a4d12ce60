"""Whether a person at a terminal reads a stream, or a program does."""

from __future__ import annotations

import contextlib
import os

__all__ = ["has_width", "is_terminal"]


def is_terminal(stream: object) -> bool:
    """Whether a stream leads to a terminal, whatever the environment says of colours."""
    with contextlib.suppress(AttributeError, ValueError):  # there is none at all, or it is closed
        return bool(stream.isatty())  # type: ignore[attr-defined]
    return False


def has_width(stream: object) -> bool:
    """Whether the lines of a stream have a width that they ought to fit in.

    Those of a terminal have; of a pipe or a file only if the variable COLUMNS asks for one.
    """
    return is_terminal(stream) or os.environ.get("COLUMNS", "").isdigit()
