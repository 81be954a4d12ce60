"""The family `contamination`: what documents share with evaluation sets.

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

from thresher.filters.kernels.likeness.overlap import (
    HIT,
    Index,
    Letters,
    entries_of,
    find_overlaps,
    letters,
)
from thresher.filters.kernels.text.cache import compile_once
from thresher.filters.kernels.text.tables import tables
from thresher.filters.signals import family_type

FAMILY = "contamination"
SPANS = "contamination_spans"
"""Column beside the family: all matched spans, as characters of the text."""
SPANS_TYPE = pa.list_(pa.struct([("start", pa.int32()), ("end", pa.int32())]))

LEAST_WORDS = 8
"""Words from which a text that is shorter than an n-gram counts, as in GPT-3 (8 to 13)."""
MOST_EXAMPLES = 10
"""Examples that may share an entry, as GPT-3 left out n-grams found more than 10 times."""

_FILTER_BITS = 16
"""Per entry: one word in 16 is looked up in vain."""
_HITS = 4096

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
    warm_up()
    least = min(LEAST_WORDS, ngram)
    data, offsets = _utf8(texts)
    room = int(offsets[-1] - offsets[0]) + len(texts)
    keys, checks = np.empty(room, np.uint64), np.empty(room, np.uint64)
    lengths, rows = np.empty(room, np.int64), np.empty(room, np.int64)
    words = np.empty(len(texts), np.int64)
    known = _letters()
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


def measure_overlap(
    texts: pa.Array, index: EvaluationIndex, names: Sequence[str]
) -> tuple[pa.StructArray, pa.ListArray]:
    """The family `contamination` of texts, and all matched spans of each.

    Args:
        texts: string, without nulls.
        index: of the evaluation sets.
        names: of the sets.
    """
    warm_up()
    return _measured(texts, index, names)


def _measured(
    texts: pa.Array, index: EvaluationIndex, names: Sequence[str]
) -> tuple[pa.StructArray, pa.ListArray]:
    count = len(texts)
    words = np.empty(count, np.int64)
    hits = _hits(texts, index.lookup, words)
    row, entry, first, end, last = hits.T
    spans = _spans(row, first, end, last, index.lookup.lengths[entry])
    best = _best(row, entry, index, count)
    inside = _by_row(spans.row, spans.words, count)
    longest = _longest(spans, count)
    none = longest < 0
    matched = pa.array(np.maximum(longest, 0), mask=none)
    example = pa.array(np.maximum(best.example, 0), mask=none)
    columns = {
        "ngrams": pa.array(np.bincount(np.unique(row << 40 | last) >> 40, minlength=count)),
        "coverage": pa.array(best.coverage),
        "word_fraction": pa.array(inside / np.maximum(words, 1), mask=words == 0),
        "set": pa.array(names, pa.string()).take(pa.array(index.sets).take(example)),
        "item": pa.array(index.items).take(example),
        "start": pa.array(spans.start).take(matched),
        "end": pa.array(spans.end).take(matched),
    }
    kind = family_type(FAMILY)
    family = pa.StructArray.from_arrays(
        [columns[field.name].cast(field.type) for field in kind], fields=list(kind)
    )
    offsets = np.searchsorted(spans.row, np.arange(count + 1)).astype(np.int32)
    pairs = pa.StructArray.from_arrays(
        [pa.array(spans.start.astype(np.int32)), pa.array(spans.end.astype(np.int32))],
        fields=list(SPANS_TYPE.value_type),
    )
    return family, pa.ListArray.from_arrays(offsets, pairs)


def _hits(texts: pa.Array, index: Index, words: I64) -> I64:
    data, offsets = _utf8(texts)
    known = _letters()
    room = _HITS
    while True:
        hits = np.empty((room, HIT), np.int64)
        found = find_overlaps(data, offsets, known, index, words, hits)
        if found <= room:
            return hits[:found]
        room = found


class _Spans(NamedTuple):
    """Stretches of words that hits cover, by row and place."""

    row: I64
    start: I64
    end: I64
    words: I64


def _spans(row: I64, first: I64, end: I64, last: I64, length: I64) -> _Spans:
    """Hits that overlap or follow each other are one stretch."""
    begin = last - length + 1
    rank = np.lexsort((begin, row))
    row, first, end, last, begin = (a[rank] for a in (row, first, end, last, begin))
    reach = np.maximum.accumulate(row << 40 | last)  # rows ascend, so none reaches into the next
    apart = np.ones(len(row), bool)
    apart[1:] = (row[1:] << 40 | begin[1:]) > reach[:-1] + 1
    starts = np.flatnonzero(apart)
    if not len(starts):
        return _Spans(row, first, end, last)
    ends = np.maximum.reduceat(end, starts)
    words = np.maximum.reduceat(last, starts) - begin[starts] + 1
    return _Spans(row[starts], first[starts], ends, words)


def _longest(spans: _Spans, count: int) -> I64:
    """The place of each row's longest span, the first of equals; -1 where it has none."""
    longest = np.full(count, -1)
    rank = np.lexsort((-spans.start, spans.words, spans.row))
    longest[spans.row[rank]] = rank  # the last one assigned stays
    return longest


class _Best(NamedTuple):
    example: I64
    coverage: npt.NDArray[np.float64]


def _best(row: I64, entry: I64, index: EvaluationIndex, count: int) -> _Best:
    """The example of which a row covers most; of equals the one with more entries, then the first.

    The example is -1 and the coverage 0 where nothing matched.
    """
    best = _Best(np.full(count, -1), np.zeros(count))
    if not len(row):
        return best
    pairs = np.unique(row << 40 | entry)  # in 64 bits: no index has 2**40 entries
    rows, held = pairs >> 40, pairs & (1 << 40) - 1
    sizes = index.starts[held + 1] - index.starts[held]
    at = np.repeat(index.starts[held] - np.cumsum(sizes) + sizes, sizes) + np.arange(sizes.sum())
    found = np.repeat(rows, sizes) << 40 | index.examples[at]
    which, covered = np.unique(found, return_counts=True)
    rows, examples = which >> 40, which & (1 << 40) - 1
    coverage = covered / index.totals[examples]
    rank = np.lexsort((-examples, covered, coverage, rows))
    best.example[rows[rank]] = examples[rank]
    best.coverage[rows[rank]] = coverage[rank]
    return best


def _by_row(rows: I64, values: I64, count: int) -> I64:
    return np.bincount(rows, values, count).astype(np.int64)


def _utf8(texts: pa.Array) -> tuple[npt.NDArray[np.uint8], I64]:
    wide = texts.cast(pa.large_string())
    if not len(wide):
        return np.zeros(0, np.uint8), np.zeros(1, np.int64)
    _, offset_buffer, byte_buffer = wide.buffers()
    offsets = np.frombuffer(offset_buffer, np.int64)[wide.offset : wide.offset + len(wide) + 1]
    data = np.frombuffer(byte_buffer or b"", np.uint8)
    data.setflags(write=False)  # one compiled variant, whatever the buffer is
    return data, offsets.copy()


@functools.cache
def _letters() -> Letters:
    return letters(tables())


def read_only(value: Any) -> Any:
    """The same arrays read-only, as memory-mapped ones are: the kernel has one compiled variant."""
    if isinstance(value, np.ndarray):
        view = np.asarray(value).view()
        view.setflags(write=False)
        return view
    return type(value)(*map(read_only, value))


@functools.cache
def warm_up() -> None:
    """Compile the kernels, once per machine."""
    compile_once("overlap", _compile)


def _compile() -> None:
    text = pa.array(["one two three"])
    data, offsets = _utf8(text)
    known = _letters()
    keys, checks = np.empty(9, np.uint64), np.empty(9, np.uint64)
    lengths, rows, words = (np.empty(9, np.int64) for _ in range(3))
    entries_of(*(data, offsets, known, 2, 2, keys, checks, lengths, rows, words))
    some = Entries(keys[:1], checks[:1], np.array([2]), np.array([0]), np.array([2]))
    index = read_only(build_index([some], [0], [0], BuildFacts()))
    _measured(text, index, ["compiled"])
