"""Phrase search: an Aho-Corasick automaton compiled to one dense transition table.

`compile_phrases` matches phrases as words: text is read as ASCII-lower-cased letters, digits and
boundaries, where a boundary is any run of other characters and apostrophes are skipped, so
"it's important" also matches "It's  important" and "its important" but not "important-ish"
inside a longer word. `compile_substrings` matches bytes, ASCII-lower-cased, anywhere.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from filters.kernels import inner, integer
from filters.kernels.decode import decode
from filters.kernels.tables import ALPHA, MARK, NUMBER

BOUNDARY = 0
LETTER = 37
SKIP = 38
FOUND = 1 << 30
WIDTH = 40
"""Symbols: boundary, a-z, 0-9, other letter, skipped; two spare."""


class Automaton(NamedTuple):
    """What follows a row (a state times WIDTH) and symbol, and what is found on reaching it."""

    following: npt.NDArray[np.int32]
    """The next row; FOUND is added where it has something to say."""
    found: npt.NDArray[np.int64]
    """By state. Phrases: 16 bits of count per category. Substrings: a bit per category."""
    symbols: npt.NDArray[np.uint8]
    """Symbol of an ASCII byte."""
    start: int


def _word_symbols() -> npt.NDArray[np.uint8]:
    symbols = np.zeros(128, np.uint8)
    for k in range(26):
        symbols[ord("a") + k] = symbols[ord("A") + k] = 1 + k
    for k in range(10):
        symbols[ord("0") + k] = 27 + k
    symbols[ord("'")] = SKIP
    return symbols


def compile_phrases(phrases: Mapping[str, int]) -> Automaton:
    """An automaton for phrases of words, each with the number of its category."""
    symbols = _word_symbols()
    patterns = []
    for phrase, category in phrases.items():
        inner = [int(symbols[ord(c)]) for c in phrase if c != "'"]
        patterns.append(([BOUNDARY, *inner, BOUNDARY], 1 << 16 * category))
    return _compile(patterns, symbols, words=True)


def compile_substrings(phrases: Mapping[str, int]) -> Automaton:
    """An automaton for substrings, each with the number of its category."""
    symbols = np.full(128, LETTER, np.uint8)
    for k, byte in enumerate(sorted({ord(c) for phrase in phrases for c in phrase})):
        assert k < LETTER
        symbols[byte] = k
        symbols[ord(chr(byte).upper())] = k
    patterns = [([int(symbols[ord(c)]) for c in p], 1 << k) for p, k in phrases.items()]
    return _compile(patterns, symbols, words=False)


def _compile(
    patterns: list[tuple[list[int], int]], symbols: npt.NDArray[np.uint8], *, words: bool
) -> Automaton:
    children: list[dict[int, int]] = [{}]
    found = [0]
    ends_in_boundary = [False]
    for pattern, value in patterns:
        state = 0
        for symbol in pattern:
            if symbol not in children[state]:
                children[state][symbol] = len(children)
                children.append({})
                found.append(0)
                ends_in_boundary.append(words and symbol == BOUNDARY)
            state = children[state][symbol]
        found[state] = value
    following = np.zeros((len(children), WIDTH), np.int32)
    fallback = [0] * len(children)
    queue = deque([0])
    while queue:
        state = queue.popleft()
        if state:
            following[state] = following[fallback[state]]
            found[state] = _join(found[state], found[fallback[state]], words)
        for symbol, child in children[state].items():
            fallback[child] = int(following[state, symbol])
            following[state, symbol] = child
            queue.append(child)
    states = np.arange(len(children), dtype=np.int32)
    if words:
        following[:, SKIP] = states
        boundary = np.array(ends_in_boundary)
        following[boundary, BOUNDARY] = states[boundary]
    start = children[0][BOUNDARY] if words else 0
    says = np.array(found, np.int64)
    rows = following * WIDTH + FOUND * (says != 0)[following]
    return Automaton(rows.astype(np.int32).ravel(), says, symbols, start * WIDTH)


def _join(own: int, inherited: int, counted: bool) -> int:
    return own + inherited if counted else own | inherited


@inner
def count_phrases(
    data: npt.NDArray[np.uint8],
    start: int,
    end: int,
    classes: npt.NDArray[np.int32],
    automaton: Automaton,
    counts: npt.NDArray[np.int64],
) -> None:
    """Add the phrases found in a text to the counts of their categories."""
    following, found, symbols, row = automaton
    i = start
    while i <= end:
        symbol = integer(BOUNDARY)
        if i == end:
            i += 1
        elif data[i] < 0x80:
            symbol = integer(symbols[data[i]])
            i += 1
        else:
            cp, i = decode(data, i, end)
            if cp == 0x2019 or cp == 0x02BC:
                symbol = integer(SKIP)
            elif classes[cp] & (ALPHA | NUMBER | MARK):
                symbol = integer(LETTER)
        reached = integer(following[row + symbol])
        if reached & FOUND and reached != row | FOUND:
            value = found[(reached & ~FOUND) // WIDTH]
            k = 0
            while value:
                counts[k] += value & 0xFFFF
                value >>= 16
                k += 1
        row = reached & ~FOUND
        if row == 0:
            # Inside a word that no phrase begins with: only its end can change that.
            while i < end and data[i] < 0x80 and symbols[data[i]] != BOUNDARY:
                i += 1


@inner
def find_substrings(data: npt.NDArray[np.uint8], start: int, end: int, automaton: Automaton) -> int:
    """The categories found in `data[start:end]`, a bit each."""
    following, found, symbols, row = automaton
    result = integer(0)
    for i in range(start, end):
        symbol = integer(LETTER)
        if data[i] < 0x80:
            symbol = integer(symbols[data[i]])
        reached = integer(following[row + symbol])
        row = reached & ~FOUND
        if reached & FOUND:
            result |= found[row // WIDTH]
    return result
