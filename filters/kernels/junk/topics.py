"""Which words and phrases a document dwells on: counts of its content words.

Content words are of three letters or more, without digits, and no function words; of a document
with more than CONTENT_WORDS of them the first so many. When all are known, they, their pairs and
their triples (of neighbours, function words left out) are counted one after the other, in a table
that is small enough to stay near.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from thresher.filters.kernels import inner, integer
from thresher.filters.kernels.text.hashing import fold

CONTENT_WORDS = 8192
SLOTS = 2 * CONTENT_WORDS
DISTANCE = 200
"""A triple that was last seen at least so many content words ago is repeated at a distance."""
OPENING_WORDS = 16
"""Different content words of the first line that are looked for in all the text."""

# Of `facts`.
CONTENT = 0
TOP_WORD = 1
TOP_PAIR = 2
DISTANT = 3
REPEATED = 4
"""Occurrences of the words of the first line."""
FACTS = 5

# An entry is 36 bits of a hash, 14 of its last position and 14 of a count. The bits of the hash
# that follow say where it lies.
_FIELD = (1 << 14) - 1
_POSITION_SHIFT = np.uint64(14)
_TAG_SHIFT = np.uint64(28)
_TAG = np.uint64(0xFFFFFFFFF0000000)
_COUNT = np.uint64(_FIELD)
_U0, _U1 = np.uint64(0), np.uint64(1)


class Topics(NamedTuple):
    """The content words, the table, and what is known of the document."""

    keys: npt.NDArray[np.uint64]
    """Hashes of the words, and room for one more."""
    table: npt.NDArray[np.uint64]
    """Open addressing; 0 is an empty slot."""
    opening: npt.NDArray[np.uint64]
    facts: npt.NDArray[np.int64]


def make_topics() -> Topics:
    """Empty scratch."""
    return Topics(
        np.zeros(CONTENT_WORDS + 1, np.uint64),
        np.zeros(SLOTS, np.uint64),
        np.zeros(OPENING_WORDS, np.uint64),
        np.zeros(FACTS, np.int64),
    )


@inner
def count_topics(topics: Topics, content: int, first_line: int) -> None:
    """Fill the facts of so many content words, of which some are of the first line."""
    keys, table, opening, facts = topics
    facts[:] = 0
    facts[CONTENT] = content
    slots = 64
    while slots < 2 * content:
        slots *= 2
    mask = np.uint64(slots - 1)
    opened = 0
    for words in range(1, 4):
        if words == 3 and content <= DISTANCE:
            break
        table[:slots] = _U0
        top = _U0
        distant = 0
        for position in range(words - 1, content):
            key = keys[position]
            if words > 1:
                key = fold(fold(_U1, integer(key)), integer(keys[position - 1]))
            if words > 2:
                key = fold(key, integer(keys[position - 2]))
            slot = key >> _POSITION_SHIFT & mask
            while (table[slot] != _U0) & ((table[slot] ^ key) >> _TAG_SHIFT != _U0):
                slot = slot + _U1 & mask
            entry = table[slot]
            count = (entry & _COUNT) + _U1
            last = integer(entry >> _POSITION_SHIFT & _COUNT)
            table[slot] = key & _TAG | np.uint64(position) << _POSITION_SHIFT | count
            top = max(top, count)
            distant += (count > _U1) & (position - last >= DISTANCE)
            if words == 1 and position < first_line and count == _U1 and opened < OPENING_WORDS:
                opening[opened] = key
                opened += 1
        if words == 1:
            facts[TOP_WORD] = integer(top)
            for k in range(opened):
                slot = opening[k] >> _POSITION_SHIFT & mask
                while (table[slot] ^ opening[k]) >> _TAG_SHIFT != _U0:
                    slot = slot + _U1 & mask
                facts[REPEATED] += integer(table[slot] & _COUNT)
        elif words == 2:
            facts[TOP_PAIR] = integer(top)
        else:
            facts[DISTANT] = distant
