"""Phrases and stock symbols in plain Python."""

from __future__ import annotations

import re
from functools import cache

from reference_junk_words import apostrophe, digit, one_lower, spoken

from thresher.filters.junk import families as junk
from thresher.filters.junk import phrases
from thresher.filters.kernels.junk.market import EXCHANGES, SUFFIXES


@cache
def vocabulary() -> tuple[dict[tuple[str, ...], list[tuple[str, int]]], set[str], int]:
    found: dict[tuple[str, ...], list[tuple[str, int]]] = {}
    for kind, listed in phrases.phrases().items():
        for phrase in listed:
            found.setdefault(tuple(junk.phrase_words(phrase)), []).append((kind, 1))
    for phrase, weight in phrases.model_phrases().items():
        found.setdefault(tuple(phrase.split()), []).append((phrases.MODEL, weight))
    words = {word for phrase in found for word in phrase}
    return found, words, max(map(len, found))


def phrase_words(text: str) -> list[tuple[str, int]]:
    """Words of phrases, and where each ends; a bracket before a letter is one."""
    found, word = [], ""
    for i, c in enumerate(text + "\n"):
        if spoken(c):
            word += one_lower(c)
        elif not apostrophe(c):
            if word:
                found.append((word, i))
            word = ""
            if c in "[{" and re.match("[A-Za-z]", text[i + 1 : i + 2]):
                found.append(("[", i))
    return found


def pseudo(word: str) -> str:
    if word in vocabulary()[1] or not all(map(digit, word)):
        return word
    return "####" if re.fullmatch("(19|20)..", word) else "#"


def found_phrases(words: list[tuple[str, int]]) -> list[tuple[str, int, int]]:
    """Kind, weight and end of each phrase."""
    listed, _, longest = vocabulary()
    plain = [pseudo(word) for word, _ in words]
    return [
        (kind, weight, words[i + size - 1][1])
        for i in range(len(words))
        for size in range(1, longest + 1)
        if i + size <= len(words)
        for kind, weight in listed.get(tuple(plain[i : i + size]), [])
    ]


TICKERS = re.compile(
    r"(?<![0-9A-Za-z\x80-\U0010ffff])\$[A-Z]{1,5}(?![0-9A-Za-z\x80-\U0010ffff])"
    r"|(?<![0-9A-Za-z\x80-\U0010ffff])(?P<exchange>[A-Z][A-Za-z]{1,11}): ?"
    r"(?:[A-Z]{1,5}|[0-9]{4,6})(?![0-9A-Za-z\x80-\U0010ffff])"
    r"|(?<![0-9A-Za-z\x80-\U0010ffff.])[0-9A-Z]{3,6}\.(?P<suffix>[A-Z]{1,2})"
    r"(?!\.?[0-9A-Za-z\x80-\U0010ffff])"
)


def count_tickers(text: str) -> int:
    count = 0
    for i in range(len(text)):
        match = TICKERS.match(text, i)
        if not match:
            continue
        exchange, suffix = match["exchange"], match["suffix"]
        if exchange:
            count += exchange.upper() in EXCHANGES
        elif suffix:
            count += suffix in SUFFIXES
        else:
            count += 1
    return count
