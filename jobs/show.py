"""Text from the web made safe to show: on a terminal, in a table, in a page."""

from __future__ import annotations

import unicodedata


def shown(value: object, width: int | None = 200) -> str:
    """A value as one safe line: no control or bidirectional characters.

    Args:
        value: anything.
        width: characters after which it is cut; None for never.
    """
    if isinstance(value, float):
        return f"{value:.6g}"
    text = "" if value is None else as_text(value)
    cut = text if width is None or len(text) <= width else text[: width - 1] + "…"
    return "".join(
        character if unicodedata.category(character)[0] != "C" else " " for character in cut
    )


def as_text(value: object) -> str:
    """Any value as text; bytes as UTF-8 as far as they are."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
