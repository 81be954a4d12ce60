"""What the measuring kernel looks things up in, and the memory each thread reuses for it."""

from __future__ import annotations

import functools
import threading

import numpy as np

from thresher.filters.kernels.rules.c4 import substrings
from thresher.filters.kernels.rules.compression import SLOTS
from thresher.filters.kernels.rules.document import Lookup, Scratch
from thresher.filters.kernels.rules.exceptions import lexicon
from thresher.filters.kernels.rules.lines import LineScratch
from thresher.filters.kernels.rules.ngrams import FACTS, LONGEST, NgramScratch
from thresher.filters.kernels.rules.personal import KINDS, WORK
from thresher.filters.kernels.rules.redpajama_dclm_tables import plain
from thresher.filters.kernels.rules.words import CHUNK, COUNTERS
from thresher.filters.kernels.text.tables import tables

MOST_WORDS = 1 << 20
"""Words of a text whose n-grams are compared, and lines and paragraphs that are remembered."""


@functools.cache
def lookup() -> Lookup:
    """The tables, built at the first call."""
    return Lookup(tables().classes, lexicon(), substrings(), plain())


_local = threading.local()


def scratch(longest: int) -> Scratch:
    """This thread's scratch, with room for a text of `longest` bytes."""
    mine: Scratch | None = getattr(_local, "scratch", None)
    if mine is None or len(mine.lines.copy) < longest:
        mine = _local.scratch = _new_scratch(max(1 << 16, 1 << (longest - 1).bit_length()))
    return mine


def _new_scratch(size: int) -> Scratch:
    words_kept = min(size, MOST_WORDS)
    copy = np.empty(size, np.uint8)
    copy_view = copy.view()
    copy_view.setflags(write=False)
    lines = LineScratch(
        chunk=np.zeros(CHUNK + 2, np.int64),
        hashes=np.empty(words_kept, np.uint64),
        ends=np.zeros(words_kept + 1, np.int64),
        copy=copy,
        copy_view=copy_view,
        unused_counters=np.zeros(COUNTERS, np.int64),
        no_hashes=np.empty(0, np.uint64),
        no_ends=np.empty(0, np.int64),
    )
    ngrams = NgramScratch(
        table=np.zeros(2 * words_kept, np.int32),
        grams=np.empty(words_kept, np.uint64),
        positions=np.empty(words_kept + 1, np.int32),
        first=np.empty(words_kept, np.int32),
        counts=np.empty(words_kept, np.int32),
        facts=np.zeros((LONGEST + 1, FACTS)),
    )
    return Scratch(
        lines=lines,
        ngrams=ngrams,
        counters=np.zeros(COUNTERS, np.int64),
        personal=np.zeros(KINDS, np.int64),
        number=np.zeros(WORK, np.int64),
        slots=np.zeros(SLOTS, np.int64),
        base=np.ones(1, np.int64),
    )
