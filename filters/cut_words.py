"""Words that a line break cuts, as in text out of PDF files: `inter-` on a line, `national` next.

The hyphen may be the word's own (`well-known`), so a cut word becomes whole by evidence only: the
rest of the text has it, it is among the words we know, or its second half is only ever an ending.
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from dataclasses import dataclass

from thresher.filters.junk import model as junk_model

HYPHENS = "-\u2010"
CERTAIN_HYPHENS = "\u00ad¬"
"""At the end of a line these are hyphens that the word does not have."""
MARKS = frozenset(HYPHENS + CERTAIN_HYPHENS)
LONGEST_PART = 40
"""Letters on either side of the hyphen that are looked at; no word has more."""
SHORTEST_PART = 2
SHORTEST_WORD = 5
"""Letters of a word that we know; shorter ones come about by chance."""
FEWEST_KNOWN = 3
"""Words known to be cut within, and times those known to have a hyphen, that tell a whole text."""

_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)?")

_ENGLISH_ENDINGS = """
ally ance ances ation ational ations bly cation cations cally cial cially ence ences ental
ership eral ical ically ied ies ily ing ings ised ising ities ity ive ively ized izing ments
ment mental ness nesses ous ously sion sional sions tally tial tially tical tically tics tion
tional tionally tioned tions tive tively tures ually ular ularly
"""
_ENDINGS = frozenset(_ENGLISH_ENDINGS.split())
"""Ends of English words that stand behind no hyphen, since they are no words."""


@dataclass(frozen=True, slots=True)
class _Cut:
    """A word that the end of a line cuts."""

    line: int
    first: str
    second: str
    certain: bool
    """Whether its hyphen is one that no word has."""

    @property
    def words(self) -> tuple[str, ...]:
        return (self.joined, self.hyphenated, self.first.lower())

    @property
    def joined(self) -> str:
        return (self.first + self.second).lower()

    @property
    def hyphenated(self) -> str:
        return f"{self.first}-{self.second}".lower()


def join_words(text: str) -> tuple[str, int]:
    """Text whose cut words are whole, each at the end of the line it begins in; and how many.

    A word that the text has with its hyphen, and no less often, is whole with it.
    """
    lines = text.split("\n")
    cuts = [cut for i in range(len(lines) - 1) if (cut := _cut(i, lines[i], lines[i + 1]))]
    if not cuts:
        return text, 0
    glue = _glue(cuts, _count(text, {word for cut in cuts for word in cut.words}))
    emptied: set[int] = set()
    count = 0
    for cut, mark in zip(cuts, glue, strict=True):
        if mark is None or cut.line in emptied:
            continue
        following = lines[cut.line + 1]
        solid = following.lstrip(" ")
        rest, _, others = solid.partition(" ")
        lines[cut.line] = lines[cut.line][:-1] + mark + rest
        lines[cut.line + 1] = following[: len(following) - len(solid)] + others.lstrip(" ")
        if not others:
            emptied.add(cut.line + 1)
        count += 1
    return "\n".join(line for i, line in enumerate(lines) if i not in emptied), count


def _glue(cuts: list[_Cut], seen: Counter[str]) -> list[str | None]:
    """What stands between the halves of each word; None where that is not known.

    Where most known ones are cut within a word, as in a PDF file, so is each whose first half is
    no word.
    """
    glue: list[str | None] = []
    for cut in cuts:
        plain, hyphenated = seen[cut.joined], seen[cut.hyphenated]
        if cut.certain or plain > hyphenated or (not hyphenated and _is_word(cut)):
            glue.append("")
        else:
            glue.append("-" if hyphenated else None)
    if glue.count("") < max(FEWEST_KNOWN, FEWEST_KNOWN * glue.count("-")):
        return glue
    known = _known_words()
    for i, cut in enumerate(cuts):
        if glue[i] is None and not seen[cut.first.lower()] and cut.first.lower() not in known:
            glue[i] = ""
    return glue


def _cut(place: int, line: str, following: str) -> _Cut | None:
    """The word that the end of a line cuts, if its halves are letters, in lower case."""
    mark = line[-1:]
    if mark not in MARKS:
        return None
    first = _letters(line[-2 : -2 - LONGEST_PART : -1])[::-1]
    second = _letters(following.lstrip(" ")[:LONGEST_PART])
    if min(len(first), len(second)) < SHORTEST_PART:
        return None
    if not (first[1:].islower() and second.islower()):
        return None
    if len(line) > len(first) + 1 and line[-2 - len(first)] in HYPHENS:
        return None  # in `mother-in-` and `law` no half is of a word
    return _Cut(place, first, second, mark in CERTAIN_HYPHENS)


def _letters(text: str) -> str:
    """The letters that a text begins with."""
    for i, character in enumerate(text):
        if not character.isalpha():
            return text[:i]
    return text


def _count(text: str, wanted: set[str]) -> Counter[str]:
    """How often a text has each of some words; what stands before the hyphen of a cut is none."""
    seen: Counter[str] = Counter()
    for found in _WORD.finditer(text):
        word, end = found[0].lower(), found.end()
        cut = text[end : end + 1] in MARKS and text[end + 1 : end + 2] == "\n"
        if word in wanted and not cut:
            seen[word] += 1
    return seen


def _is_word(cut: _Cut) -> bool:
    if cut.second in _ENDINGS:
        return True
    return len(cut.joined) >= SHORTEST_WORD and cut.joined in _known_words()


@functools.cache
def _known_words() -> frozenset[str]:
    """The words of the junk model, which are common ones of English pages."""
    words = (word for term, _, _ in junk_model.terms() for word in term.split())
    return frozenset(word for word in words if word.isalpha())
