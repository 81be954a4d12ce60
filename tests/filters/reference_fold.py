"""The folding of characters that line hashes and overlap with evaluation sets have in common."""

from __future__ import annotations

import unicodedata
from functools import cache


@cache
def fold(character: str) -> str:
    """A letter or digit without case and diacritics, nothing for a mark, else a space."""
    category = unicodedata.category(character)
    if category in ("Cn", "Co", "Cs"):
        return " "
    if category[0] == "M":
        return "" if category == "Mn" else character
    low = character.lower()
    if category == "Nd":
        return character
    if not (low.isalnum() or character.isalnum()):
        return " "
    if "가" <= character <= "힣":
        return character
    base = [c for c in unicodedata.normalize("NFD", low) if unicodedata.category(c) != "Mn"]
    if len(base) == 1:
        return base[0]
    return low if len(low) == 1 else character
