"""What the line model sees: one row of numbers for each line of a page.

Only integers and single divisions, in a fixed order, so that every machine gets the same bits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from thresher.pipeline.extract import kernels as k
from thresher.pipeline.extract import phrases

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_FAR = 50
_SHORT = 120
_HEADING_WORDS = 10
_WINDOWS = (2, 8)


@dataclass(frozen=True, slots=True)
class Lines:
    """The lines of one light markup."""

    text: bytes
    table: npt.NDArray[np.int64]
    keys: npt.NDArray[np.uint64]

    def words(self) -> int:
        """Words; where a script has no spaces, a word for every six bytes."""
        words, size = int(self.table[:, k.WORDS].sum()), int(self.sizes().sum())
        return words if 20 * words >= size else size // 6

    def chosen(self, flags: Flags) -> Lines:
        """Some of the lines."""
        return Lines(self.text, self.table[flags], self.keys[flags])

    def sizes(self) -> npt.NDArray[np.int64]:
        """Bytes of each line."""
        return self.table[:, k.END] - self.table[:, k.START]


def read_lines(markup: str) -> Lines:
    """The lines of a page in the minimal HTML of resiliparse."""
    data = np.frombuffer(markup.encode(), np.uint8)
    # Each tab may become " | ".
    out = np.empty(len(data) + 2 * markup.count("\t") + 2 * markup.count("<") + 8, np.uint8)
    linked = np.zeros(len(out), np.uint8)
    rows = markup.count("\n") + 1
    table = np.empty((rows, k.COLUMNS), np.int64)
    keys = np.empty((rows, 5), np.uint64)
    count = k.read_lines(data, out, linked, table, keys)
    size = int(table[count - 1, k.END]) if count else 0
    return Lines(out[:size].tobytes(), table[:count], keys[:count])


@dataclass(frozen=True, slots=True)
class Signs:
    """What phrases and repetition say of each line; also why a line is dropped."""

    furniture: Flags
    furniture_start: Flags
    tail: Flags
    tail_start: Flags
    nameless: Flags
    """Without letters."""
    repeats: npt.NDArray[np.int64]
    """How often the page has the line."""
    first: Flags
    """The first of its kind."""


def signs(lines: Lines) -> Signs:
    """Look up the lines of a page."""
    short = lines.sizes() < _SHORT
    _, first, inverse, counts = np.unique(
        lines.keys[:, 0], return_index=True, return_inverse=True, return_counts=True
    )
    is_first = np.zeros(len(lines.keys), np.bool_)
    is_first[first] = True
    return Signs(
        furniture=np.isin(lines.keys[:, 1], phrases.FURNITURE_KEYS) & short,
        furniture_start=_starts(lines, phrases.FURNITURE_START_KEYS) & short,
        tail=np.isin(lines.keys[:, 1], phrases.TAIL_KEYS) & short,
        tail_start=_starts(lines, phrases.TAIL_START_KEYS) & short,
        nameless=lines.keys[:, 1] == phrases.EMPTY_KEY,
        repeats=counts[inverse],
        first=is_first,
    )


def features(lines: Lines, sign: Signs, within: list[Flags], page: list[float]) -> Array:
    """The matrix of features.

    Args:
        lines: all lines of the body.
        sign: what is known of them.
        within: for each way to choose a part of the page, whether a line is in it; the first is
            the main content of resiliparse, the last the page without what names itself furniture.
        page: figures of the page as a whole.
    """
    t = lines.table.astype(np.float64)
    n = len(t)
    size = t[:, k.END] - t[:, k.START]
    words = t[:, k.WORDS]
    link = t[:, k.LINKED] / size
    last = lines.table[:, k.LAST]
    ends = np.isin(last, _TERMINAL).astype(np.float64)
    tag = t[:, k.TAG]
    heading = tag > k.HEADING
    index = np.arange(n, dtype=np.float64)
    before = np.cumsum(words) - words
    total = max(1.0, float(words.sum()))
    columns = [
        size,
        words,
        link,
        t[:, k.LINKS],
        t[:, k.LETTERS] / size,
        t[:, k.DIGITS] / size,
        t[:, k.UPPER] / size,
        t[:, k.COMMAS],
        t[:, k.ENDS],
        t[:, k.OTHER] / size,
        tag,
        t[:, k.BLANK],
        t[:, k.CELLS],
        t[:, k.JOINS],
        t[:, k.DEPTH],
        t[:, k.ORDINAL],
        ends,
        size / np.maximum(words, 1.0),
        sign.repeats,
        sign.furniture,
        sign.furniture_start,
        sign.tail,
        sign.tail_start,
        sign.nameless,
        index,
        index / n,
        before / total,
        n - index,
        _since((sign.tail | sign.tail_start) & (words < _HEADING_WORDS)),
        _since(sign.tail & heading),
        _since(heading),
        _since(tag == k.HEADING + 1),
        _since((tag == k.HEADING + 1)[::-1])[::-1],
        *_run(tag, words, link),
    ]
    mains = [flags.astype(np.float64) for flags in within]
    for flags in mains:
        chosen = flags * words
        seen = np.cumsum(chosen)
        share = seen[-1] / total
        columns += [flags, (seen - chosen) / max(1.0, float(seen[-1])), np.full(n, share)]
    columns += [_since(within[0]), _since(within[0][::-1])[::-1]]
    for width in _WINDOWS:
        wide_words = _window(words, width)
        columns += [
            wide_words,
            _window(link * size, width) / np.maximum(1.0, _window(size, width)),
            _window(ends, width),
            _window(t[:, k.COMMAS] + t[:, k.ENDS], width) / np.maximum(1.0, wide_words),
            *(_window(flags * words, width) / np.maximum(1.0, wide_words) for flags in mains),
        ]
    for values in (words, link, tag, ends, mains[0], mains[-1]):
        columns += [_shift(values, 1), _shift(values, -1)]
    columns += [np.full(n, value) for value in page]
    return np.ascontiguousarray(np.array(columns, np.float64).T)


_TERMINAL = np.array([*b'.!?:;")', *(int.from_bytes(mark.encode()) for mark in "…”’。！？")])


def _starts(lines: Lines, keys: npt.NDArray[np.uint64]) -> Flags:
    found = np.isin(lines.keys[:, 2:], keys)
    return found[:, 0] | found[:, 1] | found[:, 2]


def _since(flags: Flags) -> Array:
    """Lines since the last that is flagged, itself included, at most `_FAR`."""
    index = np.arange(len(flags))
    last = np.maximum.accumulate(np.where(flags, index, -_FAR))
    return np.minimum(index - last, _FAR).astype(np.float64)


def _run(tag: Array, words: Array, link: Array) -> list[Array]:
    """Of the run of lines with the same tag: length, words a line, link share, place in it."""
    starts = np.flatnonzero(np.concatenate(([True], tag[1:] != tag[:-1])))
    lengths = np.diff(np.append(starts, len(tag)))
    per = [np.add.reduceat(values, starts) / lengths for values in (words, link)]
    place = np.arange(len(tag)) - np.repeat(starts, lengths)
    return [
        np.repeat(lengths, lengths).astype(np.float64),
        *(np.repeat(values, lengths) for values in per),
        place.astype(np.float64),
    ]


def _window(values: Array, width: int) -> Array:
    """Sums over the lines at most `width` away."""
    n = len(values)
    sums = np.concatenate(([0.0], np.cumsum(values)))
    index = np.arange(n)
    found: Array = sums[np.minimum(index + width + 1, n)] - sums[np.maximum(index - width, 0)]
    return found


def _shift(values: Array, by: int) -> Array:
    """The value of the line before (1) or behind (-1); -1 where there is none."""
    shifted = np.full(len(values), -1.0)
    if by > 0:
        shifted[by:] = values[:-by]
    else:
        shifted[:by] = values[-by:]
    return shifted
