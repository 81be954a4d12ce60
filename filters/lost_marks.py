"""Marks that a page has lost: replacement characters where apostrophes, quotes and dashes were.

A page in Windows-1252 that was read as UTF-8 has U+FFFD for each of its characters beyond ASCII.
Where they stand in contractions (`don�t`) the page is English, and nearly all of them are marks,
which their neighbours tell. Letters with accents cannot be told, and stay lost.
"""

from __future__ import annotations

import re

LOST = "\ufffd"

_CONTRACTION = re.compile(
    r"\b(?:(?:do|ca|wo|is|are|was|were|has|have|had|did|does|would|could|should|ai|must|need)"
    f"n{LOST}t|(?:i|you|he|she|it|we|they|that|there|here|what|who|let){LOST}(?:s|m|d|re|ve|ll))"
    r"\b",
    re.IGNORECASE,
)
_ACCENTED = "".join(
    rf"(?<!\b{stem})" for stem in ("caf", "clich", "expos", "fianc", f"prot{LOST}g", "saut")
)
"""No genitive is `caf�s`."""
_GENITIVE = re.compile(rf"(?<=[a-z]){_ACCENTED}{LOST}s\b")
_WITHIN = re.compile(rf"(?<=[^\W\d_]){LOST}(?=[^\W\d_])")
_QUOTE = re.compile(
    rf"(?P<opens>(?<![^\s(]){LOST}(?=\w))|(?<=[\w.,!?]){LOST}(?![^\s).,;:!?])|(?P<ends>\n)"
)
_DASH = re.compile(rf"(?<=[^\s{LOST}] ){LOST}(?= [^\s{LOST}])")
_BULLET = re.compile(rf"^{LOST}(?= )", re.MULTILINE)


def restore_marks(text: str) -> tuple[str, int]:
    """Text with the marks it has lost, and how many these are.

    Apostrophes come back where the text has a contraction with a hole, or where all holes within
    words are those of genitives, two at least. Only with a contraction holes are also quotes, in
    pairs on one line, dashes between spaces, and bullets.
    """
    lost = text.count(LOST)
    if not lost:
        return text, 0
    english = _CONTRACTION.search(text) is not None
    genitives = len(_GENITIVE.findall(text))
    if not english and (genitives < 2 or genitives < len(_WITHIN.findall(text))):
        return text, 0
    text = _CONTRACTION.sub(_with_apostrophe, text)
    text = _GENITIVE.sub(_with_apostrophe, text)
    if english:
        text = _BULLET.sub("•", _DASH.sub("–", _quoted(text)))
    return text, lost - text.count(LOST)


def _with_apostrophe(found: re.Match[str]) -> str:
    return found[0].replace(LOST, "’")


def _quoted(text: str) -> str:
    """Text with the quotes of which both ends are on one line."""
    characters = list(text)
    opened = -1
    for found in _QUOTE.finditer(text):
        place = found.start()
        if found["opens"]:
            opened = place
        elif found["ends"]:
            opened = -1
        elif opened >= 0:
            characters[opened], characters[place] = "“", "”"
            opened = -1
    return "".join(characters)
