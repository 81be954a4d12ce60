"""A scorer: texts in, a number or None for each out. It is loaded once per worker process."""

from __future__ import annotations

from collections.abc import Sequence

_ENDS = ".!?"


def question_fraction(texts: Sequence[str]) -> list[float | None]:
    """Questions among the sentences of each text; None, which becomes NULL, without any."""
    found: list[float | None] = []
    for text in texts:
        ends = [character for character in text if character in _ENDS]
        found.append(ends.count("?") / len(ends) if ends else None)
    return found
