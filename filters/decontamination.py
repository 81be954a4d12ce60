"""The family `contamination`: what documents share with evaluation sets.

`evaluation_index` says what is looked for.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from thresher.filters.buffers import text_buffer
from thresher.filters.evaluation_index import (
    I64,
    BuildFacts,
    EvaluationIndex,
    build_index,
    entries,
    known_letters,
    read_only,
)
from thresher.filters.kernels.likeness.overlap import HIT, Index, find_overlaps
from thresher.filters.kernels.text.cache import compile_once
from thresher.filters.signals import family_type

FAMILY = "contamination"
SPANS_TYPE = pa.list_(pa.struct([("start", pa.int32()), ("end", pa.int32())]))


_HITS = 4096


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
    data, offsets = text_buffer(texts)
    known = known_letters()
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


@functools.cache
def warm_up() -> None:
    """Compile the kernel, once per machine."""
    compile_once("overlap", _compile)


def _compile() -> None:
    text = pa.array(["one two three"])
    some = entries(text, np.zeros(1, np.int64), 2, BuildFacts())
    index = read_only(build_index([some], [0], [0], BuildFacts()))
    _measured(text, index, ["compiled"])
