"""How much of a text is words of its title: what pages made for search engines overdo."""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from thresher.filters.buffers import Data, Offsets, text_buffers
from thresher.filters.junk.families import FUNCTION_WORDS
from thresher.filters.kernels.junk.marks import byte_marks
from thresher.filters.kernels.junk.titles import (
    CONTENT,
    FOUND,
    LETTERS,
    SHARED,
    SPACELESS,
    TITLE_SLOTS,
    compare_titles,
)
from thresher.filters.kernels.text.cache import compile_once
from thresher.filters.kernels.text.hashing import python_point_hash
from thresher.filters.kernels.text.tables import tables

FEWEST_WORDS = 20
"""Content words that a text needs for the share to say something."""


def title_word_fractions(texts: pa.Array, titles: pa.Array) -> pa.DoubleArray:
    """Of each text's content words, the share that are content words of its title.

    NULL where the title is missing or has no content word, where the text has fewer than
    FEWEST_WORDS of them, and where most of its letters are of a script without spaces.

    Args:
        texts: string or large_string, without nulls.
        titles: as many; null or "" where there is none.

    Raises:
        TypeError: if one of them is not of strings.
        ValueError: if `texts` contains a null, or the lengths differ.
    """
    if not (pa.types.is_string(titles.type) or pa.types.is_large_string(titles.type)):
        raise TypeError(f"titles must be string or large_string, not {titles.type}")
    if len(texts) != len(titles):
        raise ValueError(f"{len(texts)} texts have {len(titles)} titles")
    _warm_up()
    return _fractions(texts, titles)


@functools.cache
def _warm_up() -> None:
    one = pa.array(["One two three."])
    compile_once("titles", lambda: _fractions(one, one) and None)


def _fractions(texts: pa.Array, titles: pa.Array) -> pa.DoubleArray:
    found = np.zeros((len(texts), FOUND), np.int64)
    known = tables()
    compare_titles(
        *_utf8(texts),
        *_utf8(titles.fill_null("")),
        byte_marks(),
        known.classes,
        known.lower,
        _function_words(),
        np.empty(TITLE_SLOTS, np.uint64),
        found,
    )
    content = found[:, CONTENT]
    undefined = (content < FEWEST_WORDS) | (2 * found[:, SPACELESS] > found[:, LETTERS])
    return pa.array(found[:, SHARED] / np.maximum(content, 1), mask=undefined)


@functools.cache
def _function_words() -> npt.NDArray[np.uint64]:
    """Their hashes in an open table, at most half full."""
    hashes = sorted(python_point_hash(word) for word in FUNCTION_WORDS)
    table = np.zeros(1 << (2 * len(hashes)).bit_length(), np.uint64)
    for value in hashes:
        slot = value % len(table)
        while table[slot]:
            slot = (slot + 1) % len(table)
        table[slot] = value
    table.setflags(write=False)
    return table


def _utf8(texts: pa.Array) -> tuple[Data, Offsets]:
    return next(text_buffers(texts), (np.empty(0, np.uint8), np.zeros(1, np.int64)))
