"""One automaton over words for every phrase the junk families know.

Anything may stand between two words of a phrase. An Aho-Corasick automaton over the numbers of
words (`junk_words`) finds the phrases. After most words it is where that word alone leads, which
the word's value says; the table of its links is asked only for a word that may follow another.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from thresher.filters.kernels import inner
from thresher.filters.kernels.junk.words import FOLLOWS, STATE_SHIFT, compile_links


class Phrases(NamedTuple):
    """The automaton, as arrays."""

    links: npt.NDArray[np.uint64]
    """From a state and the number of a word to a state; those of the first state are left out."""
    fallback: npt.NDArray[np.int32]
    """By state: the longest proper suffix that is a state too."""
    begins: npt.NDArray[np.int32]
    """By state: where what it finds begins in the next two; the next entry is its end."""
    kinds: npt.NDArray[np.int32]
    weights: npt.NDArray[np.int32]
    finding: int
    """States from this one on find something."""


def compile_phrases(
    phrases: Iterable[tuple[Sequence[str], int, int]], numbers: dict[str, int]
) -> tuple[Phrases, dict[str, int]]:
    """Compile phrases, each as words, kind and weight.

    Args:
        phrases: what is looked for.
        numbers: of words; those of phrases are added.

    Returns:
        The automaton, and what it adds to the values of words.
    """
    children: list[dict[int, int]] = [{}]
    found: list[list[tuple[int, int]]] = [[]]
    following: set[str] = set()
    for words, kind, weight in phrases:
        following.update(words[1:])
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
    order = sorted(range(len(children)), key=lambda state: (bool(found[state]), state))
    place = {state: at for at, state in enumerate(order)}
    links = {
        (place[state], number): place[target]
        for state, each in enumerate(children)
        if state
        for number, target in each.items()
    }
    values = dict.fromkeys(following, FOLLOWS)
    for word, number in numbers.items():
        alone = place[children[0].get(number, 0)]
        values[word] = values.get(word, 0) | alone << STATE_SHIFT
    flat = [pair for state in order for pair in found[state]]
    sizes = [len(found[state]) for state in order]
    compiled = Phrases(
        compile_links(links),
        np.array([place[fallback[state]] for state in order], np.int32),
        np.cumsum([0, *sizes]).astype(np.int32),
        np.array([kind for kind, _ in flat], np.int32),
        np.array([weight for _, weight in flat], np.int32),
        sizes.count(0),
    )
    return compiled, values


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


@inner
def count_found(phrases: Phrases, state: int, counts: npt.NDArray[np.int64]) -> None:
    """Add what a state finds to the counts."""
    for k in range(phrases.begins[state], phrases.begins[state + 1]):
        counts[phrases.kinds[k]] += phrases.weights[k]
