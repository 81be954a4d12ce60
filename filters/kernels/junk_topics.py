"""Which words and phrases a document dwells on: counts of its content words.

Content words are of three letters or more, without digits, and no function words. They, their
pairs and their triples (of neighbours, function words left out) are counted in one small table;
of a document with more than CONTENT_WORDS of them the first so many.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from filters.kernels import inlined, inner, integer
from filters.kernels.hashing import fold

CONTENT_WORDS = 8192
SLOTS = 1 << 16
"""Of the largest table: three entries for each word, at most three eighths full."""
DISTANCE = 200
"""A triple that was last seen at least so many content words ago is repeated at a distance."""
OPENING_WORDS = 16
"""Content words of the first line that are remembered."""

# Of `facts`.
CONTENT = 0
TOP_WORD = 1
TOP_PAIR = 2
DISTANT = 3
OPENING = 4
"""Words of the opening that are remembered."""
BEFORE = 5
"""The content word before, its hash as a signed number ..."""
BEFORE_THAT = 6
"""... and the one before that."""
FACTS = 7

_LOW = (1 << 20) - 1
_EPOCH_SHIFT = 40
_ONE = np.uint64(1)
LAST_EPOCH = (1 << 22) - 1


class Topics(NamedTuple):
    """The table, and what is known of the document."""

    keys: npt.NDArray[np.uint64]
    states: npt.NDArray[np.int64]
    """Number of the document, 20 bits of the last position, 20 bits of count."""
    opening: npt.NDArray[np.uint64]
    facts: npt.NDArray[np.int64]


def make_topics() -> Topics:
    """Empty scratch."""
    return Topics(
        np.zeros(SLOTS, np.uint64),
        np.zeros(SLOTS, np.int64),
        np.zeros(OPENING_WORDS, np.uint64),
        np.zeros(FACTS, np.int64),
    )


@inlined
def slots_for(size: int) -> int:
    """Slots that a text of so many bytes needs: a content word takes four bytes at least."""
    slots = 64
    while slots < SLOTS and slots < size + (size >> 1):
        slots *= 2
    return slots


@inner
def tally(topics: Topics, slots: int, epoch: int, key: np.uint64, position: int) -> tuple[int, int]:
    """Count a key; its count, and how far back it was seen last (0: never)."""
    keys, states = topics.keys, topics.states
    mask = slots - 1
    slot = integer(key >> np.uint64(20)) & mask
    while states[slot] >> _EPOCH_SHIFT == epoch:
        if keys[slot] == key:
            count = (states[slot] & _LOW) + 1
            back = position - (states[slot] >> 20 & _LOW)
            states[slot] = epoch << _EPOCH_SHIFT | position << 20 | count
            return count, back
        slot = slot + 1 & mask
    keys[slot] = key
    states[slot] = epoch << _EPOCH_SHIFT | position << 20 | 1
    return 1, 0


@inner
def add_content_word(
    topics: Topics, slots: int, epoch: int, word: np.uint64, opening: bool
) -> None:
    """Count a content word and the pair and the triple that it ends."""
    facts = topics.facts
    position = facts[CONTENT]
    if position >= CONTENT_WORDS:
        return
    count, _ = tally(topics, slots, epoch, word, position)
    facts[TOP_WORD] = max(facts[TOP_WORD], count)
    if opening and count == 1 and facts[OPENING] < OPENING_WORDS:
        topics.opening[facts[OPENING]] = word
        facts[OPENING] += 1
    if position > 0:
        pair = fold(fold(_ONE, integer(word)), facts[BEFORE])
        count, _ = tally(topics, slots, epoch, pair, position)
        facts[TOP_PAIR] = max(facts[TOP_PAIR], count)
        if position > 1:
            triple = fold(pair, facts[BEFORE_THAT])
            _, back = tally(topics, slots, epoch, triple, position)
            facts[DISTANT] += back >= DISTANCE
    facts[BEFORE_THAT] = facts[BEFORE]
    facts[BEFORE] = integer(word)
    facts[CONTENT] = position + 1


@inner
def opening_count(topics: Topics, slots: int, epoch: int) -> int:
    """How often the words of the first line occur in all the text."""
    total = 0
    for k in range(topics.facts[OPENING]):
        key = topics.opening[k]
        slot = integer(key >> np.uint64(20)) & (slots - 1)
        while topics.states[slot] >> _EPOCH_SHIFT == epoch:
            if topics.keys[slot] == key:
                total += topics.states[slot] & _LOW
                break
            slot = slot + 1 & slots - 1
    return total
