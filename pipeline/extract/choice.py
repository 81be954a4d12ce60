"""From probabilities of lines to the lines that are kept."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from thresher.filters.kernels.text.trees import CERTAIN
from thresher.pipeline.extract import kernels as k
from thresher.pipeline.extract.features import Flags, Lines, Signs

Integers = npt.NDArray[np.int64]

LINKED_SHARE = 0.6
"""Above this share of its bytes in links a line is mostly links."""
_GAP_LINES = 12


def choose(lines: Lines, sign: Signs, main: Flags, probability: Integers) -> Flags:
    """The lines of the main text, those that repeat others included.

    Args:
        lines: all lines.
        sign: what is known of them.
        main: lines that the parser's own rules call main content.
        probability: of each line, as the model gives it.
    """
    # Where a script has no spaces, bytes say how much a line says.
    weight = np.maximum(lines.table[:, k.WORDS], 1 + lines.sizes() // 20)
    blocks = _blocks(lines.table)
    leveled = probability.copy()
    for start, end in blocks:
        mass = (leveled[start:end] * weight[start:end]).sum()
        leveled[start:end] = mass // weight[start:end].sum()
    chosen = best_choice(leveled, weight)
    _fill_gaps(lines, sign, main, chosen)
    return chosen


def best_choice(probability: Integers, weight: Integers) -> Flags:
    """The lines whose choice gives the largest expected F1 of words.

    Where the model is sure of a page this asks for even odds; where little is sure, for less.
    """
    order = np.argsort(-probability, kind="stable")
    gained = np.cumsum((probability * weight)[order])
    expected = 2 * gained / (np.cumsum(weight[order]) * CERTAIN + gained[-1])
    chosen = np.zeros(len(order), np.bool_)
    chosen[order[: int(np.argmax(expected)) + 1]] = True
    return chosen


def repeated(lines: Lines, chosen: Flags) -> Flags:
    """Chosen lines that an earlier chosen line says already; code and rows of tables may."""
    index = np.flatnonzero(chosen)
    _, first = np.unique(lines.keys[index, 0], return_index=True)
    said: Flags = chosen & ~_rows(lines.table) & (lines.table[:, k.TAG] != k.CODE)
    said[index[first]] = False
    return said


def _rows(table: Integers) -> Flags:
    rows: Flags = np.logical_or(table[:, k.CELLS] > 1, table[:, k.JOINS] > 0)
    return rows


def _blocks(table: Integers) -> npt.NDArray[np.intp]:
    """Begin and end of each list, table and piece of code: half of one is worth little."""
    tag = table[:, k.TAG]
    kind = np.where(tag == k.CODE, 1, np.where(_rows(table), 2, np.where(tag == k.ITEM, 3, 0)))
    edges = np.flatnonzero(np.diff(np.concatenate(([0], kind, [0]))))
    starts = edges[:-1]
    return np.stack([starts, edges[1:]], 1)[kind[starts] > 0]


def _fill_gaps(lines: Lines, sign: Signs, main: Flags, chosen: Flags) -> None:
    """Choose short lists, tables and headings between chosen lines, and titles before them."""
    tag = lines.table[:, k.TAG]
    fit = (tag == k.ITEM) | (tag == k.CODE) | (tag > k.HEADING) | _rows(lines.table)
    fit &= main & ~(sign.furniture | sign.furniture_start | sign.tail | sign.tail_start)
    fit &= ~sign.nameless & (lines.table[:, k.LINKED] <= LINKED_SHARE * lines.sizes())
    kept = np.flatnonzero(chosen)
    gaps = np.flatnonzero((np.diff(kept) > 1) & (np.diff(kept) <= _GAP_LINES + 1))
    for gap in gaps.tolist():
        between = slice(kept[gap] + 1, kept[gap + 1])
        if fit[between].all():
            chosen[between] = True
    # A title that stands on its text belongs to it.
    title = np.flatnonzero(fit & (tag == k.HEADING + 1))
    title = title[title + 1 < len(chosen)]
    chosen[title[chosen[title + 1]]] = True
