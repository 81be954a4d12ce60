"""Text of any origin on one line, of characters that can be seen."""

from __future__ import annotations

__all__ = ["one_line"]


def one_line(text: str) -> str:
    """A text on one line, without what nobody sees or what turns the writing round."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
