"""How the texts of two documents differ, in words a person can read."""

from __future__ import annotations

from difflib import SequenceMatcher

import msgspec

_MOST_WORDS = 4_000
_MOST_CHANGES = 20
_MOST_SHOWN = 30
_CONTEXT = 4


class Change(msgspec.Struct, frozen=True):
    """A stretch of words that only one of two texts has, or that they have differently."""

    after: str
    """The words before it, which both have."""
    mine: str
    """What the document has there."""
    theirs: str
    """What the other has there."""


class Difference(msgspec.Struct, frozen=True):
    """What tells a document from the one it is a duplicate of."""

    id: str
    """The other document: the survivor, or else the closest match."""
    changes: list[Change]
    """The first of them; empty where the texts have the same words."""
    further: int
    """How many more there are."""
    compared_words: int
    """Only the beginning of a long text is compared."""


def difference(identity: str, mine: str, theirs: str) -> Difference:
    """Compare two texts word by word.

    Args:
        identity: id of the other document.
        mine: the document's text.
        theirs: the other's text.
    """
    a, b = mine.split()[:_MOST_WORDS], theirs.split()[:_MOST_WORDS]
    matcher = SequenceMatcher(None, a, b, autojunk=len(a) > _MOST_WORDS // 4)
    changes = [code for code in matcher.get_opcodes() if code[0] != "equal"]
    return Difference(
        id=identity,
        changes=[
            Change(
                after=" ".join(a[max(0, start - _CONTEXT) : start]),
                mine=_shown(a[start:end]),
                theirs=_shown(b[other_start:other_end]),
            )
            for _, start, end, other_start, other_end in changes[:_MOST_CHANGES]
        ],
        further=max(0, len(changes) - _MOST_CHANGES),
        compared_words=max(len(a), len(b)),
    )


def _shown(words: list[str]) -> str:
    if len(words) <= _MOST_SHOWN:
        return " ".join(words)
    half = _MOST_SHOWN // 2
    left_out = len(words) - 2 * half
    return " ".join([*words[:half], f"... {left_out} words ...", *words[-half:]])
