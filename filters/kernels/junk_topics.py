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
_SLOT_SHIFT = np.uint64(20)
LAST_EPOCH = (1 << 22) - 1


class Topics(NamedTuple):
    """The table, and what is known of the document."""

    rows: npt.NDArray[np.int64]
    """Key and state, one after the other. A state is the number of the document, 20 bits of the
    last position, 20 bits of count."""
    opening: npt.NDArray[np.uint64]
    facts: npt.NDArray[np.int64]


def make_topics() -> Topics:
    """Empty scratch."""
    return Topics(
        np.zeros(2 * SLOTS, np.int64),
        np.zeros(OPENING_WORDS, np.uint64),
        np.zeros(FACTS, np.int64),
    )


@inlined
def slots_for(size: int) -> int:
    """Slots that a text of so many bytes needs: a content word takes four bytes at least."""
    slots = 64
    while slots < SLOTS and slots < size:
        slots *= 2
    return slots


@inner
def add_content_word(
    topics: Topics, slots: int, epoch: int, word: np.uint64, opening: bool
) -> None:
    """Count a content word and the pair and the triple that it ends."""
    rows, first_words, facts = topics
    position = integer(facts[CONTENT])
    if position >= CONTENT_WORDS:
        return
    mask = slots - 1
    key = word
    for words in range(min(position, 2) + 1):
        if words == 1:
            key = fold(fold(_ONE, integer(word)), facts[BEFORE])
        elif words == 2:
            key = fold(key, facts[BEFORE_THAT])
        slot = integer(key >> _SLOT_SHIFT) & mask
        state = integer(rows[2 * slot + 1])
        there = state >> _EPOCH_SHIFT == epoch
        while there and rows[2 * slot] != integer(key):
            slot = slot + 1 & mask
            state = integer(rows[2 * slot + 1])
            there = state >> _EPOCH_SHIFT == epoch
        state *= there
        count = (state & _LOW) + 1
        rows[2 * slot] = integer(key)
        rows[2 * slot + 1] = epoch << _EPOCH_SHIFT | position << 20 | count
        if words == 0:
            facts[TOP_WORD] = max(facts[TOP_WORD], count)
            if opening and count == 1 and facts[OPENING] < OPENING_WORDS:
                first_words[facts[OPENING]] = word
                facts[OPENING] += 1
        elif words == 1:
            facts[TOP_PAIR] = max(facts[TOP_PAIR], count)
        else:
            facts[DISTANT] += there and position - (state >> 20 & _LOW) >= DISTANCE
    facts[BEFORE_THAT] = facts[BEFORE]
    facts[BEFORE] = integer(word)
    facts[CONTENT] = position + 1


@inner
def opening_count(topics: Topics, slots: int, epoch: int) -> int:
    """How often the words of the first line occur in all the text."""
    total = 0
    for k in range(topics.facts[OPENING]):
        key = topics.opening[k]
        slot = integer(key >> _SLOT_SHIFT) & (slots - 1)
        while topics.rows[2 * slot + 1] >> _EPOCH_SHIFT == epoch:
            if topics.rows[2 * slot] == integer(key):
                total += topics.rows[2 * slot + 1] & _LOW
                break
            slot = slot + 1 & slots - 1
    return total
