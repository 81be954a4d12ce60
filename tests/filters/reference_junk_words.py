"""Characters, words between white space and lines as the junk families read them, plainly."""

from __future__ import annotations

import unicodedata
from functools import cache

from datatrove.utils.text import TERMINAL_PUNCTUATION

from thresher.filters.kernels.text.tables import CURRENCIES, QUOTE_MARKS, SCRIPT_RANGES


@cache
def category(c: str) -> str:
    return unicodedata.category(c)


def letter(c: str) -> bool:
    return c.isalpha()


def capital(c: str) -> bool:
    return c.isalpha() and c.isupper()


def digit(c: str) -> bool:
    return category(c) == "Nd"


def spoken(c: str) -> bool:
    """Part of a word of a phrase."""
    return c.isalpha() or category(c)[0] in ("N" if c.isascii() else "NM")


def apostrophe(c: str) -> bool:
    return c in "'’ʼ" and not (c == "ʼ" and c.isalpha())


def script(c: str) -> bool:
    inside = any(a <= ord(c) <= b for a, b in SCRIPT_RANGES)
    return inside and c.isalpha()


def one_lower(c: str) -> str:
    low = c.lower()
    return low if len(low) == 1 else c


DASHES = "-\u2013\u2212"

MAGNITUDES = "kmbtKMBT"


def terminal(c: str) -> bool:
    return (
        c in ".?!" if c.isascii() else c in TERMINAL_PUNCTUATION and category(c)[0] not in "LNMZS"
    )


def closer(c: str) -> bool:
    if c.isascii():
        return c in "'\")>]}"
    return c in "’ʼ" or (c in QUOTE_MARKS and not terminal(c))


def money(c: str) -> bool:
    return c == "$" if c.isascii() else c in CURRENCIES or category(c) == "Sc"


def number(word: str) -> bool:
    letters = [c for c in word if letter(c)]
    few = not letters or (len(letters) == 1 and letters[0] in MAGNITUDES)
    return any(map(digit, word)) and few


def groups(word: str) -> tuple[int, set[str]]:
    """Runs of digits, and what stands right before each but the first."""
    runs, seps, before = 0, set(), ""
    for c in word:
        if digit(c) and not (before and digit(before)):
            if runs:
                kind = "-" if before in DASHES else before
                seps.add(kind if kind in ":/-.," else "?")
            runs += 1
        before = c
    return runs, seps


def dated(word: str) -> bool:
    runs, seps = groups(word)
    digits, letters = sum(map(digit, word)), sum(map(letter, word))
    if runs < 2 or digits > 14 or letters > 2:
        return False
    clock = ":" in seps and digits >= 3 and runs <= 7
    day = runs == 3 and 4 <= digits <= 8 and not letters and seps in ({"/"}, {"-"}, {"."})
    return clock or day


def score(word: str) -> bool:
    runs, seps = groups(word)
    digits = sum(map(digit, word))
    plain = not any(letter(c) or money(c) or c == "%" for c in word)
    return runs == 2 and plain and digits <= 6 and not dated(word) and seps in ({"-"}, {"/"})


def change(word: str) -> bool:
    if not number(word):
        return False
    for k, c in enumerate(word):
        if letter(c):
            break
        if digit(c):
            if k and (word[k - 1] == "+" or word[k - 1] in DASHES):
                return True
            break
    return "%" in word


def part(word: str) -> bool:
    letters = [c for c in word if letter(c)]
    capitals = all(capital(c) for c in letters)
    return len(letters) >= 2 and capitals and sum(map(digit, word)) >= 2 and len(word) >= 5


def encoded(word: str) -> bool:
    letters, digits = sum(map(letter, word)), sum(map(digit, word))
    if len(word) < 50 or digits < 3 or not letters or 10 * (letters + digits) < 9 * len(word):
        return False
    return word.isascii() and not set(word) & set(":.")


def ends(word: str) -> bool:
    rest = word
    while rest and closer(rest[-1]):
        rest = rest[:-1]
    return bool(rest) and terminal(rest[-1])


def lowercase(word: str) -> bool:
    first = next((c for c in word if letter(c)), None)
    return first is not None and not capital(first)


def listed(word: str) -> bool:
    bullets = "-*•" + DASHES
    if len(word) == 1 and word in bullets:
        return True
    return (word[0] in bullets and not word[0].isascii()) or bool(_numbered(word))


def _numbered(word: str) -> bool:
    body, last = word[:-1], word[-1]
    return 1 <= len(body) <= 2 and all(map(digit, body)) and (last == "." or closer(last))


def markup(word: str) -> bool:
    return word.startswith("**") or (
        word[0] == "#" and not any(letter(c) or digit(c) for c in word)
    )


def split_lines(text: str) -> list[tuple[str, int, int]]:
    """Each line with its start and the position of its break."""
    found, start = [], 0
    for raw in text.splitlines(keepends=True):
        body = raw.splitlines()[0] if raw.splitlines() else ""
        found.append((body, start, start + len(body)))
        start += len(raw)
    if not text or (start == len(text) and text.splitlines(keepends=True)[-1] != found[-1][0]):
        found.append(("", start, start))
    return found
