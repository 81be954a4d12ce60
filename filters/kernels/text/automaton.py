"""Substring search: an Aho-Corasick automaton compiled to one dense transition table.

It matches bytes, ASCII-lower-cased, anywhere. Phrases of words are found by `kernels.junk.phrases`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from thresher.filters.kernels import inner, integer

LETTER = 37
FOUND = 1 << 30
WIDTH = 40
"""Symbols: those of the phrases, and LETTER for any other byte."""


class Automaton(NamedTuple):
    """What follows a row (a state times WIDTH) and symbol, and what is found on reaching it."""

    following: npt.NDArray[np.int32]
    """The next row; FOUND is added where it has something to say."""
    found: npt.NDArray[np.int64]
    """By state: a bit per category."""
    symbols: npt.NDArray[np.uint8]
    """Symbol of an ASCII byte."""
    start: int


def compile_substrings(phrases: Mapping[str, int]) -> Automaton:
    """An automaton for substrings, each with the number of its category."""
    symbols = np.full(128, LETTER, np.uint8)
    for k, byte in enumerate(sorted({ord(c) for phrase in phrases for c in phrase})):
        assert k < LETTER
        symbols[byte] = k
        symbols[ord(chr(byte).upper())] = k
    patterns = [([int(symbols[ord(c)]) for c in p], 1 << k) for p, k in phrases.items()]
    return _compile(patterns, symbols)


def _compile(patterns: list[tuple[list[int], int]], symbols: npt.NDArray[np.uint8]) -> Automaton:
    children: list[dict[int, int]] = [{}]
    found = [0]
    for pattern, value in patterns:
        state = 0
        for symbol in pattern:
            if symbol not in children[state]:
                children[state][symbol] = len(children)
                children.append({})
                found.append(0)
            state = children[state][symbol]
        found[state] = value
    following = np.zeros((len(children), WIDTH), np.int32)
    fallback = [0] * len(children)
    queue = deque([0])
    while queue:
        state = queue.popleft()
        if state:
            following[state] = following[fallback[state]]
            found[state] = found[state] | found[fallback[state]]
        for symbol, child in children[state].items():
            fallback[child] = int(following[state, symbol])
            following[state, symbol] = child
            queue.append(child)
    says = np.array(found, np.int64)
    rows = following * WIDTH + FOUND * (says != 0)[following]
    return Automaton(rows.astype(np.int32).ravel(), says, symbols, 0)


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
