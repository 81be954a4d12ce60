"""How much of a text is words of its title: what pages made for search engines overdo."""

from __future__ import annotations

import functools

import numpy as np
import pyarrow as pa

from thresher.filters.buffers import text_buffer
from thresher.filters.junk.families import junk_lookup
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
    known = junk_lookup()
    compare_titles(
        *text_buffer(texts),
        *text_buffer(titles.fill_null("")),
        known.marks,
        known.classes,
        known.lower,
        known.words.table,
        np.empty(TITLE_SLOTS, np.uint64),
        found,
    )
    content = found[:, CONTENT]
    undefined = (content < FEWEST_WORDS) | (2 * found[:, SPACELESS] > found[:, LETTERS])
    return pa.array(found[:, SHARED] / np.maximum(content, 1), mask=undefined)
