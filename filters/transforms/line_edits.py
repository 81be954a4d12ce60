"""Line edits as published: C4's, with and without its rule on line ends, and DCLM's.

They are written to give the text that the defining tool gives, so they keep its quirks: citations
are cut after words are counted, and what that leaves at the end of a line stays. Applied again
they may therefore change a text once more.
"""

from __future__ import annotations

import re
import string

_CITATION = re.compile(r"\[\d*]|\[edit]|\[citation needed]")
_TERMINAL = (".", "?", "!", '"', "'")
_POLICY = (
    "terms of use",
    "privacy policy",
    "cookie policy",
    "uses cookies",
    "use of cookies",
    "use cookies",
)
_LONGEST_WORD = 1000
_FEWEST_WORDS = 3


def c4_lines(text: str) -> str:
    """The lines that C4 keeps, as datatrove's C4QualityFilter leaves them.

    What drops the whole document there (`lorem ipsum`, `{`, too few sentences) is a matter of the
    policy: such a line stays.
    """
    kept = (_c4_line(line, any_end=False) for line in text.splitlines())
    return "\n".join(line for line in kept if line is not None).strip()


def c4_lines_any_end(text: str) -> str:
    """The same without the rule that a line ends in a terminal mark, as FineWeb uses it."""
    kept = (_c4_line(line, any_end=True) for line in text.splitlines())
    return "\n".join(line for line in kept if line is not None).strip()


def _c4_line(line: str, *, any_end: bool) -> str | None:
    line = line.strip()
    words = line.split()
    if len(line) > _LONGEST_WORD and max(map(len, words)) > _LONGEST_WORD:
        return None
    if "[" in line:
        line = _CITATION.sub("", line)
    if not any_end and (not line.endswith(_TERMINAL) or line.endswith("...")):
        return None
    if len(words) < _FEWEST_WORDS:
        return None
    lower = line.lower()
    if "lorem ipsum" in lower:
        return line
    if "javascript" in lower:
        return None
    if "{" not in line and any(phrase in lower for phrase in _POLICY):
        return None
    return line


_NEWLINES = re.compile(r"\n{3,}")
_COUNTER = re.compile(
    r"\W*\d[,.\d]*[kmb]?\s+(?:likes|shares|comments|retweets|reposts|quotes|bookmarks|upvotes"
    r"|downvotes|downloads|views|followers)\W*$"
)
_ASCII_UPPERCASE = string.ascii_uppercase.encode()
_SHORT_LINE_WORDS = 10
_FURNITURE = (
    re.compile(r"\s?items in cart", re.IGNORECASE),
    re.compile(r"\s?read more...$", re.IGNORECASE),  # any three characters, as in DCLM
    re.compile(r"^sign-in\s?", re.IGNORECASE),
)


def dclm_lines(text: str) -> str:
    """The text as DCLM's line modifiers leave it.

    Lines go that are mostly upper case, all digits, a counter such as `12K likes`, or one word;
    `items in cart`, `Read more...` and `Sign-in` are cut out of lines of at most ten words; at most
    one blank line stays between paragraphs.
    """
    out = []
    for line in _NEWLINES.sub("\n\n", text).split("\n"):
        kept = _dclm_line(line)
        if kept is not None:
            out.append(kept)
    return "\n".join(out).strip()


def _dclm_line(line: str) -> str | None:
    if not line:
        return line
    if _uppercase(line) > 0.5 * len(line) or line.isdigit():
        return None
    if _COUNTER.match(line.lower()):
        return None
    words = len(line.split())
    if words < 2:
        return None
    if words > _SHORT_LINE_WORDS:
        return line
    for pattern in _FURNITURE:
        cut = pattern.sub("", line)
        if not cut.strip():
            return None
        line = cut
    return line


def _uppercase(line: str) -> int:
    if line.isascii():
        return len(line) - len(line.encode().translate(None, _ASCII_UPPERCASE))
    return sum(map(str.isupper, line))
