"""Words and sentences in plain Python: spaCy's English rules as `rules.affixes` states them."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from itertools import pairwise

from datatrove.utils.text import TERMINAL_PUNCTUATION

from thresher.filters.kernels.rules.exceptions import UNITS, exceptions
from thresher.filters.kernels.text.tables import CURRENCIES, PUNCT_MARKS, QUOTE_MARKS, SCRIPT_RANGES

EXCEPTIONS = exceptions()

HOST = re.compile(
    r"(?:(?![_-])(?:[^\W_]|[\u00a1-\U0010ffff_-])+(?<![_-])\.)+(?P<top>(?:[^\W_]|[\u00a1-\U0010ffff])"
    r"(?:[^\W_]|[\u00a1-\U0010ffff_-])+)(?::[0-9]{2,5})?(?:[/?#].*)?",
    re.DOTALL,
)


@cache
def category(c: str) -> str:
    return unicodedata.category(c)


def lower(c: str) -> bool:
    return c.isalpha() and not c.isupper()


def upper(c: str) -> bool:
    return c.isalpha() and not c.islower()


def digit(c: str) -> bool:
    return "0" <= c <= "9"


@cache
def icon(c: str) -> bool:
    return category(c) == "So"


@cache
def script(c: str) -> bool:
    solid = c.isalpha() or (category(c)[0] == "N" and category(c) != "Nd")
    return solid and any(start <= ord(c) <= end for start, end in SCRIPT_RANGES)


def prefix_length(s: str) -> int:
    if s[0] in PUNCT_MARKS + QUOTE_MARKS + CURRENCIES + "§%=—–" or icon(s[0]):
        return 1
    if match := re.match(r"\.\.+|\+(?![0-9])|[AC]\$|US\$", s):
        return match.end()
    return 0


def suffix_length(s: str) -> int:
    if not s:
        return 0
    if match := re.search(r"(\.\.+|…+|['’][sS])$", s):
        return min(match.end() - match.start(), 2) if s[-1] == "…" else len(match[0])
    if s[-1] in PUNCT_MARKS + QUOTE_MARKS + "—–" or icon(s[-1]):
        return 1
    before = s[-2] if len(s) > 1 else " "
    if s[-1] == ".":
        after = lower(before) or digit(before) or before in "%²-+|" + PUNCT_MARKS + QUOTE_MARKS
        return int(after or (len(s) > 2 and upper(before) and upper(s[-3])))
    if s[-1] in CURRENCIES + "+" or category(s[-1]) == "Sc":
        return int(digit(before))
    match = re.search(r"[0-9]([^0-9]{1,4})$", s)
    return len(match[1]) if match and match[1] in UNITS else 0


def is_host(s: str) -> bool:
    match = HOST.fullmatch(s)
    return bool(match) and all(lower(c) for c in match["top"])


def is_address(s: str) -> bool:
    if "." not in s:
        return False
    starts = [0]
    if "://" in s[2:]:
        starts.append(s.index("://", 2) + 3)
    if "@" in s[1:]:
        starts += [s.index("@", 1) + 1, s.rindex("@") + 1]
    return any(is_host(s[start:]) for start in starts)


def infix_length(s: str, i: int) -> int:
    if match := re.compile(r"\.\.+|…").match(s, i):
        return match.end() - i
    if icon(s[i]):
        return 1
    if i == 0 or i + 1 >= len(s):
        return 0
    left, right = s[i - 1], s[i + 1]
    if s[i] == ".":
        quotes = QUOTE_MARKS
        return int((lower(left) or left in quotes) and (upper(right) or right in quotes))
    if s[i] in "+-*^" and digit(left) and (digit(right) or right == "-"):
        return 1
    if s[i] == ",":
        return int(left.isalpha() and right.isalpha())
    if not (left.isalpha() or digit(left)):
        return 0
    if match := re.compile(r"[:<>=/–~]|-{1,3}|—{1,2}").match(s, i):
        end = match.end()
        return end - i if end < len(s) and s[end].isalpha() else 0
    return 0


def split_exception(s: str) -> list[str]:
    edges = [0, *EXCEPTIONS[s], len(s)]
    return [s[a:b] for a, b in pairwise(edges)]


def split_chunk(s: str) -> list[str]:
    """spaCy's loop over the affixes of a chunk."""
    before: list[str] = []
    after: list[str] = []
    while s and s not in EXCEPTIONS:
        prefix = prefix_length(s)
        if prefix and s[prefix:] in EXCEPTIONS:
            before.append(s[:prefix])
            s = s[prefix:]
            break
        suffix = suffix_length(s[prefix:])
        if suffix and s[:-suffix] in EXCEPTIONS:
            after.append(s[-suffix:])
            s = s[:-suffix]
            break
        if not prefix and not suffix:
            break
        if prefix:
            before.append(s[:prefix])
        if suffix:
            after.append(s[-suffix:])
        s = s[prefix : len(s) - suffix]
    if s in EXCEPTIONS:
        middle = split_exception(s)
    elif not s or is_address(s):
        middle = [s]
    else:
        middle = split_infixes(s)
    return [word for word in [*before, *middle, *reversed(after)] if word]


def split_infixes(s: str) -> list[str]:
    pieces, start, i = [], 0, 0
    while i < len(s):
        length = infix_length(s, i)
        if not length:
            i += 1
            continue
        if i:
            pieces += [s[start:i], s[i : i + length]]
            start = i + length
        i += length
    return [*pieces, s[start:]]


def split_chunks(text: str) -> list[str]:
    """Stretches between white space, and letters of scripts without spaces with their marks."""
    found: list[str] = []
    for chunk in text.split():
        start = k = 0
        while k < len(chunk):
            if not script(chunk[k]):
                k += 1
                continue
            found += [chunk[start:k]] if k > start else []
            start = k
            k += 1
            while k < len(chunk) and category(chunk[k])[0] == "M":
                k += 1
            found.append(chunk[start:k])
            start = k
        found += [chunk[start:]] if start < len(chunk) else []
    return found


def split_words(text: str) -> list[str]:
    found: list[str] = []
    for chunk in split_chunks(text):
        found += [chunk] if script(chunk[0]) else split_chunk(chunk)
    return found


def count_sentences(words: list[str]) -> int:
    count, ended = 0, False
    for k, word in enumerate(words):
        terminal = word in TERMINAL_PUNCTUATION
        marks = all(category(c)[0] == "P" for c in word)
        if k == 0 or (ended and not terminal and not marks):
            count += 1
            ended = False
        if terminal:
            ended = True
    return count
