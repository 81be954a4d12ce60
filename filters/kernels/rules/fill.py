"""From what the scans have counted to the columns of a row."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from thresher.filters.kernels import inner
from thresher.filters.kernels.rules import columns as at
from thresher.filters.kernels.rules.ngrams import (
    AGAIN,
    COVERED,
    ENTROPY_SUM,
    JUMPED,
    LONGEST,
    LONGEST_TOP,
    SHORTEST_DUPLICATE,
    TOP_CHARACTERS,
    TOP_COUNT,
)
from thresher.filters.kernels.rules.personal import CARDS, EMAILS, IP_ADDRESSES, PHONES
from thresher.filters.kernels.rules.words import (
    ALPHABETIC,
    NONSYMBOL,
    NONSYMBOL_CHARACTERS,
    SENTENCES,
    SPACELESS,
    STOP_MASK,
    STOP_OCCURRENCES,
    WORDS,
)

_NEEDS_SPACES = np.array(
    [
        at.LENGTH_MEAN_WORD_CHARACTERS,
        at.STOPWORDS_DISTINCT_COUNT,
        at.STOPWORDS_OCCURRENCE_COUNT,
        *range(at.DCLM_SHORT_LINES, at.DCLM_REMOVED_WORD_FRACTION + 1),
        at.REDPAJAMA_ALL_CAPS_WORD_FRACTION,
        at.REDPAJAMA_NO_ALPHABETIC_WORD_FRACTION,
        *range(at.REDPAJAMA_LOREM_IPSUM_RATIO, at.REDPAJAMA_WORD_COUNT + 1),
        *range(
            at.REDPAJAMA_TOP_2GRAM_CHARACTER_FRACTION,
            at.REDPAJAMA_DUPLICATE_10GRAM_CHARACTER_FRACTION + 1,
        ),
        at.REDPAJAMA_LINE_WORDS,
    ]
)


@inner
def fill_words(
    counters: npt.NDArray[np.int64],
    hashes: int,
    ellipses: int,
    newlines: int,
    row: npt.NDArray[np.float64],
) -> None:
    """The columns that are counts of words or shares among them."""
    words = counters[WORDS]
    if words:
        row[at.LENGTH_SPACELESS_WORD_FRACTION] = counters[SPACELESS] / words
    row[at.LENGTH_WORDS] = words
    row[at.LENGTH_NONSYMBOL_WORDS] = counters[NONSYMBOL]
    row[at.LENGTH_SENTENCES] = counters[SENTENCES]
    if counters[NONSYMBOL]:
        mean = counters[NONSYMBOL_CHARACTERS] / counters[NONSYMBOL]
        row[at.LENGTH_MEAN_WORD_CHARACTERS] = mean
    distinct = 0
    mask = counters[STOP_MASK]
    while mask:
        distinct += mask & 1
        mask >>= 1
    row[at.STOPWORDS_DISTINCT_COUNT] = distinct
    row[at.STOPWORDS_OCCURRENCE_COUNT] = counters[STOP_OCCURRENCES]
    if words:
        row[at.SYMBOLS_HASH_WORD_RATIO] = hashes / words
        row[at.SYMBOLS_ELLIPSIS_WORD_RATIO] = ellipses / words
        row[at.SYMBOLS_ALPHABETIC_WORD_FRACTION] = counters[ALPHABETIC] / words
        row[at.FINEWEB_NEWLINE_WORD_RATIO] = newlines / words


@inner
def fill_repetition(
    facts: npt.NDArray[np.float64],
    words: int,
    word_characters: int,
    characters: float,
    row: npt.NDArray[np.float64],
) -> None:
    """The n-gram columns of `repetition`, `repetition_union` and `entropy`."""
    for n in range(2, LONGEST_TOP + 1):
        if words >= n:
            length = facts[n, TOP_CHARACTERS]
            times = facts[n, TOP_COUNT]
            top = at.REPETITION_TOP_2GRAM_CHARACTER_FRACTION + n - 2
            row[top] = (length + n - 1) * times / characters
            top = at.REPETITION_UNION_TOP_2GRAM_CHARACTER_FRACTION + n - 2
            row[top] = length * times / word_characters if times > 1 else 0.0
    for n in range(SHORTEST_DUPLICATE, LONGEST + 1):
        column = n - SHORTEST_DUPLICATE
        if characters:
            row[at.REPETITION_DUPLICATE_5GRAM_CHARACTER_FRACTION + column] = (
                facts[n, JUMPED] / characters
            )
        if words:
            row[at.REPETITION_UNION_DUPLICATE_5GRAM_CHARACTER_FRACTION + column] = (
                facts[n, COVERED] / word_characters
            )
    if words == 0:
        return
    row[at.ENTROPY_UNIGRAM_BITS] = _entropy(facts[1, ENTROPY_SUM], words)
    if words > 1:
        row[at.ENTROPY_BIGRAM_BITS] = _entropy(facts[2, ENTROPY_SUM], words - 1)
    for n in range(1, 4):
        if words >= n:
            column = at.ENTROPY_DISTINCT_1_FRACTION + n - 1
            row[column] = 1 - facts[n, AGAIN] / (words - n + 1)
    row[at.ENTROPY_ROOT_TYPE_TOKEN_RATIO] = (words - facts[1, AGAIN]) / math.sqrt(words)


@inner
def _entropy(total: float, count: int) -> float:
    """Bits of `count` things, of whose counts c the sum of c * log2(c) is `total`."""
    return max(math.log2(count) - total / count, 0.0)


@inner
def fill_redpajama(
    facts: npt.NDArray[np.float64],
    words: int,
    word_characters: int,
    row: npt.NDArray[np.float64],
) -> None:
    """The columns of `redpajama` that need n-grams of the normal words."""
    if words == 0:
        return
    row[at.REDPAJAMA_UNIQUE_WORD_FRACTION] = 1 - facts[1, AGAIN] / words
    row[at.REDPAJAMA_UNIGRAM_ENTROPY_NATS] = _entropy(facts[1, ENTROPY_SUM], words) * math.log(2)
    for n in range(2, LONGEST_TOP + 1):
        top = at.REDPAJAMA_TOP_2GRAM_CHARACTER_FRACTION + n - 2
        row[top] = 0.0
        if facts[n, TOP_COUNT] > 1:
            row[top] = facts[n, TOP_CHARACTERS] * facts[n, TOP_COUNT] / word_characters
    for n in range(SHORTEST_DUPLICATE, LONGEST + 1):
        column = at.REDPAJAMA_DUPLICATE_5GRAM_CHARACTER_FRACTION + n - SHORTEST_DUPLICATE
        row[column] = facts[n, COVERED] / word_characters


@inner
def clear_spaceless(row: npt.NDArray[np.float64]) -> None:
    """What needs words between spaces is undefined for a script that has none."""
    for column in _NEEDS_SPACES:
        row[column] = np.nan


@inner
def fill_personal(counts: npt.NDArray[np.int64], row: npt.NDArray[np.float64]) -> None:
    """The columns of `pii`."""
    row[at.PII_EMAIL_COUNT] = counts[EMAILS]
    row[at.PII_IP_ADDRESS_COUNT] = counts[IP_ADDRESSES]
    row[at.PII_PHONE_COUNT] = counts[PHONES]
    row[at.PII_CARD_COUNT] = counts[CARDS]
