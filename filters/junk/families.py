"""The junk families of a batch: what their kernel looks up, and its scratch.

`thresher.filters.measure` calls `measure_junk_families`; `thresher.filters.kernels.junk.scan` says
how it is done.
"""

from __future__ import annotations

import functools
import re
import threading

import numpy as np
import numpy.typing as npt

from thresher.filters.junk import model as junk_model
from thresher.filters.junk import phrases
from thresher.filters.kernels.junk import words
from thresher.filters.kernels.junk.columns import COLUMNS
from thresher.filters.kernels.junk.market import market_words
from thresher.filters.kernels.junk.marks import byte_marks
from thresher.filters.kernels.junk.phrases import compile_phrases
from thresher.filters.kernels.junk.scan import JunkLookup, JunkScratch, make_scratch, measure_junk
from thresher.filters.kernels.junk.terms import compile_terms
from thresher.filters.kernels.text.tables import tables
from thresher.filters.local_stop_words import STOP_WORDS

_ENGLISH = (
    "the of and to in is that for it was on with as be at by this are from or an have not you we "
    "he she they his her its their but which were has had will would can could should may might "
    "must if there one all when who what how than then them these those been do does did so such "
    "more most other into about over after before between through during because while where why "
    "also only any some no nor each both very too just my your our me him us i'm it's don't isn't "
    "wasn't didn't doesn't can't won't a i"
)

FUNCTION_WORDS = frozenset(_ENGLISH.replace("'", "").split()) | frozenset(
    word.lower()
    for language, listed in STOP_WORDS.items()
    for word in listed
    if language not in ("ja", "th", "zh") and word != "com"
)
"""English ones, and eight of each language of `stopwords_local` (`com` is in addresses)."""

_MONTHS = (
    "january february march april may june july august september october november december "
    "jan feb mar apr jun jul aug sep sept oct nov dec monday tuesday wednesday thursday friday "
    "saturday sunday mon tue tues wed thu thurs fri sat sun"
)
MONTHS = frozenset(_MONTHS.split())
BEST = frozenset({"best", "top"})
JOINS = frozenset({"and", "or"})
_LOREM = (
    "lorem ipsum dolor amet consectetur adipiscing adipisicing eiusmod tempor incididunt labore "
    "magna aliqua veniam quis nostrud exercitation ullamco laboris aliquip commodo consequat aute "
    "irure reprehenderit voluptate velit cillum fugiat pariatur excepteur occaecat cupidatat "
    "proident culpa officia deserunt mollit laborum vestibulum pellentesque mauris curabitur "
    "suspendisse phasellus ullamcorper vivamus malesuada sollicitudin facilisis venenatis "
    "tincidunt"
)
LOREM = frozenset(_LOREM.split())

_WORDS = re.compile(r"\[|[^\W_]+|#+")


def phrase_words(phrase: str) -> list[str]:
    """The words of a phrase, as the kernel reads them."""
    return _WORDS.findall(phrase.replace("'", ""))


def measure_junk_families(
    data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """The columns of `kernels.junk.columns` for each text, NaN where a signal is undefined."""
    out = np.empty((len(offsets) - 1, COLUMNS))
    measure_junk(data, offsets, junk_lookup(), _scratch(), out)
    return out


@functools.cache
def junk_lookup() -> JunkLookup:
    """What the junk kernels look things up in, built at the first call."""
    listed = [
        (phrase_words(phrase), phrases.KINDS.index(kind), 1)
        for kind, each in phrases.phrases().items()
        for phrase in each
    ]
    model = phrases.KINDS.index(phrases.MODEL)
    listed += [(text.split(), model, weight) for text, weight in phrases.model_phrases().items()]
    flagged = (
        (words.FUNCTION, FUNCTION_WORDS),
        (words.MONTH, MONTHS),
        (words.BEST, BEST),
        (words.JOINS, JOINS),
        (words.LOREM, LOREM),
    )
    numbers: dict[str, int] = {}
    compiled, of_phrases = compile_phrases(listed, numbers)
    terms, of_terms = compile_terms(junk_model.terms(), numbers)
    flags = [dict.fromkeys(each, flag) for flag, each in flagged]
    vocabulary = words.compile_words([numbers, of_phrases, of_terms, *flags])
    return JunkLookup(
        byte_marks(), tables().classes, tables().lower, vocabulary, compiled, terms, market_words()
    )


_local = threading.local()


def _scratch() -> JunkScratch:
    scratch: JunkScratch | None = getattr(_local, "scratch", None)
    if scratch is None:
        scratch = _local.scratch = make_scratch(junk_lookup().terms)
    return scratch
