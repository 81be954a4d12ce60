"""One automaton over words for every phrase the junk families know.

Words are runs of letters and digits, in lower case, apostrophes left out; anything may stand
between two of them. A vocabulary gives each word that some phrase holds a number; an Aho-Corasick
automaton over these numbers finds the phrases. Most words of a text are in no phrase and cost one
look into the vocabulary. Pseudo words: `#` is any number the vocabulary does not hold, `####` a
year, `[` a bracket or brace that opens before a letter.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from filters.kernels import inner, integer
from filters.kernels.hashing import MULTIPLIER, python_point_hash

FUNCTION = 1 << 24
"""A function word of some language."""
MONTH = 1 << 25
"""Name of a month or of a day of the week."""
BEST = 1 << 26
"""`best` and `top`."""
JOINS = 1 << 27
"""`and` and `or`."""
LOREM = 1 << 28
"""Placeholder Latin."""
STARTS = 1 << 29
"""Some phrase begins with it."""
NUMBERED = (1 << 24) - 1
"""Mask of a word's number in the automaton, 0 where no phrase holds it."""

NUMBER_WORD = "#"
YEAR_WORD = "####"
BRACKET_WORD = "["

_MASK = (1 << 64) - 1
_STATE_SHIFT = 24
_U32 = np.uint64(32)


class Phrases(NamedTuple):
    """Vocabulary and automaton, as arrays."""

    vocabulary: npt.NDArray[np.uint64]
    """Open addressing: a word's hash, then its number and flags; both are 0 in an empty row."""
    first: npt.NDArray[np.int32]
    """By number: the state after that word alone."""
    edges: npt.NDArray[np.int64]
    """State and number that lead on, open addressing; -1 is an empty slot."""
    targets: npt.NDArray[np.int32]
    fallback: npt.NDArray[np.int32]
    """By state: the longest proper suffix that is a state too."""
    begins: npt.NDArray[np.int32]
    """By state: where what it finds begins in the next two; the next entry is its end."""
    kinds: npt.NDArray[np.int32]
    weights: npt.NDArray[np.int32]
    pseudo: npt.NDArray[np.int64]
    """Values of the pseudo words: number, year, bracket."""


def hash_word(word: str) -> int:
    """The hash that the kernel gives a word in lower case."""
    return python_point_hash(word)


def compile_words(
    phrases: Iterable[tuple[Sequence[str], int, int]], flagged: Mapping[int, Iterable[str]]
) -> Phrases:
    """Compile phrases, each as words, kind and weight, and words by flag."""
    numbers: dict[str, int] = {}
    children: list[dict[int, int]] = [{}]
    found: list[list[tuple[int, int]]] = [[]]
    starts: set[str] = set()
    for words, kind, weight in phrases:
        starts.add(words[0])
        state = 0
        for word in words:
            number = numbers.setdefault(word, len(numbers) + 1)
            if number not in children[state]:
                children[state][number] = len(children)
                children.append({})
                found.append([])
            state = children[state][number]
        found[state].append((kind, weight))
    fallback = _link(children, found)
    flags = dict.fromkeys(starts, STARTS)
    for flag, listed in flagged.items():
        for word in listed:
            flags[word] = flags.get(word, 0) | flag
    for word in (NUMBER_WORD, YEAR_WORD, BRACKET_WORD):
        flags.setdefault(word, 0)
    vocabulary = {word: numbers.get(word, 0) | flags.get(word, 0) for word in {*numbers, *flags}}
    pseudo = [vocabulary.pop(word) for word in (NUMBER_WORD, YEAR_WORD, BRACKET_WORD)]
    keys, values = _table({hash_word(word): value for word, value in vocabulary.items()})
    moves = {
        state << _STATE_SHIFT | number: target
        for state, each in enumerate(children)
        if state
        for number, target in each.items()
    }
    edges, targets = _table({_spread(key): value for key, value in moves.items()})
    first = np.zeros(len(numbers) + 1, np.int32)
    for number, target in children[0].items():
        first[number] = target
    flat = [pair for each in found for pair in each]
    return Phrases(
        np.stack([keys, values.view(np.uint64)], axis=1).ravel(),
        first,
        edges.view(np.int64),
        targets.astype(np.int32),
        np.array(fallback, np.int32),
        np.cumsum([0, *map(len, found)]).astype(np.int32),
        np.array([kind for kind, _ in flat], np.int32),
        np.array([weight for _, weight in flat], np.int32),
        np.array(pseudo, np.int64),
    )


def _link(children: list[dict[int, int]], found: list[list[tuple[int, int]]]) -> list[int]:
    """The fallback of each state; what a fallback has found is found at the state as well."""
    fallback = [0] * len(children)
    queue = deque(children[0].values())
    while queue:
        state = queue.popleft()
        found[state] = found[state] + found[fallback[state]]
        for number, child in children[state].items():
            back = fallback[state]
            while back and number not in children[back]:
                back = fallback[back]
            fallback[child] = children[back].get(number, 0)
            queue.append(child)
    return fallback


def _spread(key: int) -> int:
    """A key of the automaton's edges, mixed; a bijection, and never 0."""
    key = (key * int(MULTIPLIER)) & _MASK
    return key ^ key >> 32


def _table(entries: Mapping[int, int]) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
    """An open addressing table at most a quarter full."""
    slots = 1 << max(4, (4 * len(entries)).bit_length())
    keys = np.zeros(slots, np.uint64)
    values = np.zeros(slots, np.int64)
    for key, value in sorted(entries.items()):
        slot = key & slots - 1
        while keys[slot]:
            slot = (slot + 1) & slots - 1
        keys[slot] = key
        values[slot] = value
    return keys, values


@inner
def follow(phrases: Phrases, state: int, value: int, counts: npt.NDArray[np.int64]) -> int:
    """The state after a word of this value; what it completes is added to the counts."""
    number = value & NUMBERED
    if number == 0:
        return 0
    edges = phrases.edges.view(np.uint64)
    mask = np.uint64(len(edges) - 1)
    while state:
        key = np.uint64(state << _STATE_SHIFT | number) * MULTIPLIER
        key ^= key >> _U32
        slot = key & mask
        while edges[slot] != 0 and edges[slot] != key:
            slot = (slot + np.uint64(1)) & mask
        if edges[slot] == key:
            state = integer(phrases.targets[slot])
            break
        state = integer(phrases.fallback[state])
    else:
        state = integer(phrases.first[number])
    for k in range(phrases.begins[state], phrases.begins[state + 1]):
        counts[phrases.kinds[k]] += phrases.weights[k]
    return state
