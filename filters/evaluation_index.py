"""What evaluation sets say, as an index of their n-grams.

An evaluation example is a few texts (its fields). Each n-gram of their words is an entry of the
index; a text shorter than an n-gram is one entry, if it has `LEAST_WORDS` words, and is left out
otherwise. So is an n-gram of which less than every third word is a new one. An entry that more
than `MOST_EXAMPLES` examples have is a prompt or a figure of speech and is left out too: whoever
quotes it has not seen an example.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from thresher.filters.buffers import text_buffer
from thresher.filters.kernels.likeness.overlap import Index, entries_of
from thresher.filters.kernels.likeness.overlap_words import Letters, letters
from thresher.filters.kernels.text.cache import compile_once
from thresher.filters.kernels.text.tables import tables

LEAST_WORDS = 8
"""Words from which a text that is shorter than an n-gram counts, as in GPT-3 (8 to 13)."""

MOST_EXAMPLES = 10
"""Examples that may share an entry, as GPT-3 left out n-grams found more than 10 times."""

_FILTER_BITS = 16
"""Per entry: one word in 16 is looked up in vain."""


I64 = npt.NDArray[np.int64]

U64 = npt.NDArray[np.uint64]


class Entries(NamedTuple):
    """Entries of examples before they are put together; an entry may come several times."""

    keys: U64
    checks: U64
    lengths: I64
    examples: I64
    sizes: I64
    """Words that the keys are made of."""


class EvaluationIndex(NamedTuple):
    """The index with what its entries belong to; arrays alone, so that it can be memory-mapped."""

    lookup: Index
    starts: I64
    """Where the examples of each entry begin in `examples`, with the end of the last."""
    examples: npt.NDArray[np.int32]
    totals: I64
    """Entries of each example."""
    sets: npt.NDArray[np.int32]
    """The set of each example, by its place among the names."""
    items: I64
    """The number of each example within its set."""


class BuildFacts(msgspec.Struct):
    """What became of the examples of all sets."""

    examples: int = 0
    entries: int = 0
    too_short_texts: int = 0
    """Texts of fewer than `LEAST_WORDS` words, left out."""
    whole_texts: int = 0
    """Texts shorter than an n-gram that are one entry."""
    common_entries: int = 0
    """Entries of more than `MOST_EXAMPLES` examples, left out."""
    empty_examples: int = 0
    """Examples of which no entry is left: they cannot be found."""


def entries(texts: pa.Array, examples: I64, ngram: int, facts: BuildFacts) -> Entries:
    """The entries of texts.

    Args:
        texts: string, without nulls.
        examples: the example of each text.
        ngram: words of an n-gram.
        facts: counts are added to it.
    """
    _warm_up()
    return _entries(texts, examples, ngram, facts)


@functools.cache
def _warm_up() -> None:
    one, first = pa.array(["one two three"]), np.zeros(1, np.int64)
    compile_once("evaluation-entries", lambda: _entries(one, first, 2, BuildFacts()) and None)


def _entries(texts: pa.Array, examples: I64, ngram: int, facts: BuildFacts) -> Entries:
    least = min(LEAST_WORDS, ngram)
    data, offsets = text_buffer(texts)
    room = int(offsets[-1] - offsets[0]) + len(texts)
    keys, checks = np.empty(room, np.uint64), np.empty(room, np.uint64)
    lengths, rows = np.empty(room, np.int64), np.empty(room, np.int64)
    words = np.empty(len(texts), np.int64)
    known = known_letters()
    found = entries_of(
        *(data, offsets, known, ngram, least),
        *(keys, checks, lengths, rows, words),
    )
    facts.too_short_texts += int((words < least).sum())
    facts.whole_texts += int(((words >= least) & (words < ngram)).sum())
    sizes = np.where(lengths[:found] == ngram, ngram, least)
    keys, checks, lengths = keys[:found].copy(), checks[:found].copy(), lengths[:found].copy()
    return Entries(keys, checks, lengths, examples[rows[:found]], sizes)


def build_index(
    parts: Sequence[Entries], sets: Sequence[int], items: Sequence[int], facts: BuildFacts
) -> EvaluationIndex:
    """Put entries together: the same index whatever the order of the parts.

    Args:
        parts: entries of all examples, one part or more.
        sets: the set of each example.
        items: the number of each example within its set.
        facts: counts are added to it.
    """
    keys, checks = (np.concatenate([part[k] for part in parts]) for k in (0, 1))
    lengths, examples, sizes = (np.concatenate([part[k] for part in parts]) for k in (2, 3, 4))
    rank = np.lexsort((examples, lengths, checks, keys))
    keys, checks, lengths = keys[rank], checks[rank], lengths[rank]
    examples, sizes = examples[rank], sizes[rank]
    fresh = np.ones(len(keys), bool)
    fresh[1:] = (keys[1:] != keys[:-1]) | (checks[1:] != checks[:-1])
    fresh[1:] |= lengths[1:] != lengths[:-1]
    new = fresh.copy()
    new[1:] |= examples[1:] != examples[:-1]  # an example may say something twice
    keys, checks, lengths = keys[new], checks[new], lengths[new]
    examples, sizes = examples[new], sizes[new]
    starts = np.flatnonzero(fresh[new])
    counts = np.diff(starts, append=len(keys))
    common = counts > MOST_EXAMPLES
    kept = np.repeat(~common, counts)
    examples, firsts = examples[kept], starts[~common]
    totals = np.bincount(examples, minlength=len(sets)).astype(np.int64)
    facts.examples += len(sets)
    facts.entries += len(firsts)
    facts.common_entries += int(common.sum())
    facts.empty_examples += int((totals == 0).sum())
    lookup = _looked_up(keys[firsts], checks[firsts], lengths[firsts], sizes[firsts])
    return EvaluationIndex(
        lookup=lookup,
        starts=np.concatenate([[0], np.cumsum(counts[~common])]).astype(np.int64),
        examples=examples.astype(np.int32),
        totals=totals,
        sets=np.array(sets, np.int32),
        items=np.array(items, np.int64),
    )


def _looked_up(keys: U64, checks: U64, lengths: I64, sizes: I64) -> Index:
    """An index over sorted keys; `sizes` says how many words each key is made of."""
    different = np.unique(sizes)
    filters = [_filter(keys[sizes == size]) for size in different]
    filter_words = np.array([len(bits) for bits in filters], np.int64)
    ranges = max(1, (max(len(keys), 1) - 1).bit_length())
    edges = np.arange(1 << ranges, dtype=np.uint64) << np.uint64(64 - ranges)
    return Index(
        keys=keys,
        checks=checks,
        lengths=lengths,
        bits=np.concatenate([np.empty(0, np.uint64), *filters]),
        bit_starts=np.cumsum(filter_words) - filter_words,
        bit_shifts=np.array([64 - 6 - (len(b) - 1).bit_length() for b in filters], np.uint64),
        buckets=np.append(np.searchsorted(keys, edges), len(keys)).astype(np.int64),
        sizes=different.astype(np.int64),
    )


def _filter(keys: U64) -> U64:
    """A power of two of words, with the bit set that the highest bits of each key say."""
    bits = max(7, int(_FILTER_BITS * len(keys) - 1).bit_length())
    words = np.zeros(1 << bits - 6, np.uint64)
    places = keys >> np.uint64(64 - bits)
    one = np.uint64(1)
    np.bitwise_or.at(words, places >> np.uint64(6), one << (places & np.uint64(63)))
    return words


@functools.cache
def known_letters() -> Letters:
    """What words are made of."""
    return letters(tables())


def read_only(value: Any) -> Any:
    """The same arrays read-only, as memory-mapped ones are: the kernel has one compiled variant."""
    if isinstance(value, np.ndarray):
        view = np.asarray(value).view()
        view.setflags(write=False)
        return view
    return type(value)(*map(read_only, value))
